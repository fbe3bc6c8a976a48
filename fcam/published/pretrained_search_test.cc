#include "fcam/published/pretrained_search.h"

#include <chrono>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr char kTag[] = "CUB-resnet50-CAM-WGAP-cp_best-boxv2_False";

class PretrainedSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = vision::JoinPath(::testing::TempDir(), "pretrained_search_test");
    fs::remove_all(root_);
    flags_.task = "F_CL";
    flags_.dataset = "CUB";
    flags_.method = "CAM";
    flags_.spatial_pooling = "WGAP";
  }

  std::string Path(const std::string& relative) const {
    return vision::JoinPath(root_, relative);
  }

  // An experiment that passed so many hours ago; never if negative.
  std::string MakeExperiment(const std::string& folder, int hours) {
    const std::string path = Path(folder);
    fs::create_directories(path + "/" + kTag);
    if (hours >= 0) {
      const std::string passed = path + "/passed.txt";
      EXPECT_THAT(vision::WriteFileAtomically(passed, "Passed."), IsOk());
      fs::last_write_time(
          passed, fs::file_time_type::clock::now() - std::chrono::hours(hours));
    }
    return path + "/" + kTag;
  }

  std::string root_;
  PublishedFlags flags_;
};

TEST_F(PretrainedSearchTest, SaysWhereItLooked) {
  EXPECT_THAT(
      FindPretrainedClassifier(root_, flags_).status(),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr(std::string("TAG '") + kTag + "'"),
                     HasSubstr(Path("pretrained/") + kTag),
                     HasSubstr(Path("exps") +
                               "/[<debug_subfolder>/]CUB/resnet50/STD_CL/CAM"),
                     HasSubstr("--task STD_CL"))));
}

TEST_F(PretrainedSearchTest, TakesThePassedExperimentThatIsNewest) {
  MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/old", 3);
  const std::string newest =
      MakeExperiment("exps/trial/CUB/resnet50/STD_CL/CAM/new", 1);
  MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/middle", 2);
  MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/not_passed", -1);
  MakeExperiment("exps/CUB/resnet50/STD_CL/LayerCAM/other", 0);
  MakeExperiment("exps/CUB/resnet50/F_CL/CAM/other", 0);
  const auto found = FindPretrainedClassifier(root_, flags_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->dir, newest);
  EXPECT_THAT(found->reason, HasSubstr("passed last"));
}

TEST_F(PretrainedSearchTest, TakesTheCopyFirst) {
  MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/one", 3);
  fs::create_directories(Path("pretrained/") + kTag);
  const auto found = FindPretrainedClassifier(root_, flags_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->dir, Path("pretrained/") + kTag);
}

// Though another one has passed in the meantime.
TEST_F(PretrainedSearchTest, StaysWithTheOneItBeganWith) {
  const std::string old = MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/old", 3);
  MakeExperiment("exps/CUB/resnet50/STD_CL/CAM/new", 1);
  const std::string own = Path(
      "exps/CUB/resnet50/F_CL/CAM/id_123456789-tsk_F_CL-ds_CUB-mth_CAM-"
      "spooling_WGAP-sd_0-ecd_resnet50-epx_150-bsz_8-lr_0.001-box_v2_metric_"
      "False");
  fs::create_directories(own);
  ASSERT_THAT(vision::WriteFileAtomically(own + "/pretrained.txt", old + "\n"),
              IsOk());
  const auto found = FindPretrainedClassifier(root_, flags_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->dir, old);
}

TEST_F(PretrainedSearchTest, TakesTheGivenFolderIfItsNameIsTheTag) {
  const std::string given = Path("mine/") + kTag;
  fs::create_directories(given);
  flags_.folder_pre_trained_cl = given + "/";
  const auto found = FindPretrainedClassifier(root_, flags_);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->dir, given);

  flags_.folder_pre_trained_cl = Path("mine");
  EXPECT_THAT(FindPretrainedClassifier(root_, flags_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(kTag)));
  flags_.folder_pre_trained_cl = Path("yours/") + kTag;
  EXPECT_THAT(FindPretrainedClassifier(root_, flags_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("yours")));
}

}  // namespace
}  // namespace fcam
