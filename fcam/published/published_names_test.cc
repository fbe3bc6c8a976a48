#include "fcam/published/published_names.h"

#include <string>

#include "fcam/published/published_flags.h"
#include "fcam/published/readme_commands.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::IsOk;

PublishedFlags Flags(const std::string& line) {
  const auto flags = ParsePublishedFlags(SplitCommand(line));
  EXPECT_THAT(flags, IsOk());
  return flags.value_or(PublishedFlags());
}

// The README's experiments.
TEST(PublishedNamesTest, NamesTheClassifiersExperiment) {
  const PublishedFlags flags = Flags(kReadmeClassifierCommand);
  EXPECT_EQ(ExperimentName(flags),
            "id_08_19_2021_14_05_20_620912__6229687-tsk_STD_CL-ds_CUB-mth_CAM-"
            "spooling_WGAP-sd_0-ecd_resnet50-epx_50-bsz_32-lr_0.0017-"
            "box_v2_metric_False");
  EXPECT_EQ(ExperimentFolder(flags),
            "exps/CUB/resnet50/STD_CL/CAM/" + ExperimentName(flags));
  EXPECT_EQ(ModelTag(flags, "best"),
            "CUB-resnet50-CAM-WGAP-cp_best-boxv2_False");
  EXPECT_EQ(ModelTag(flags, "last"),
            "CUB-resnet50-CAM-WGAP-cp_last-boxv2_False");
}

TEST(PublishedNamesTest, NamesTheLossesOfFcam) {
  const PublishedFlags flags = Flags(
      "--task F_CL --dataset OpenImages --method GradCAMpp --spatial_pooling "
      "WGAP --encoder_name vgg16 --opt__lr 1e-05 --MYSEED 7 --box_v2_metric "
      "True --sl_fc True --max_sizepos_fc True --debug_subfolder trial");
  EXPECT_EQ(ExperimentFolder(flags),
            "exps/trial/OpenImages/vgg16/F_CL/GradCAMpp/"
            "id_123456789-tsk_F_CL-ds_OpenImages-mth_GradCAMpp-spooling_WGAP-"
            "sd_7-ecd_vgg16-epx_150-bsz_8-lr_1e-05-box_v2_metric_True-"
            "sl_fc_yes-max_sizepos_fc_yes");
  EXPECT_EQ(StoredCamsFolder(flags, "train"),
            "data_cams/OpenImages-vgg16-GradCAMpp-WGAP-cp_best-boxv2_True_cams_"
            "train");
  EXPECT_EQ(EpochCurvesFile(flags, "val"), "OpenImages-val-boxv2-True.png");
  EXPECT_EQ(PerformanceLogFile("last"), "performance_log_last.txt");
}

TEST(PublishedNamesTest, NamesAllLosses) {
  const std::string name = ExperimentName(
      Flags("--task F_CL --dataset CUB --sl_fc True --crf_fc True --entropy_fc "
            "True --max_sizepos_fc True"));
  EXPECT_NE(name.find("-box_v2_metric_False-sl_fc_yes-crf_fc_yes-entropy_fc_"
                      "yes-max_sizepos_fc_yes"),
            std::string::npos);
}

}  // namespace
}  // namespace fcam
