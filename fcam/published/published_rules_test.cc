#include "fcam/published/published_rules.h"

#include <string>

#include "absl/status/status.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/readme_commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr char kClassifier[] =
    "--dataset CUB --task STD_CL --arch STDClassifier --method CAM "
    "--spatial_pooling WGAP";
constexpr char kFcam[] =
    "--dataset CUB --task F_CL --method CAM --spatial_pooling WGAP --freeze_cl "
    "True --sl_fc True";

PublishedFlags Flags(const std::string& line, const std::string& more = "") {
  const auto flags = ParsePublishedFlags(SplitCommand(line, more));
  EXPECT_THAT(flags, IsOk());
  return flags.value_or(PublishedFlags());
}

absl::Status Check(const std::string& line, const std::string& more = "") {
  return CheckPublishedRules(Flags(line, more));
}

TEST(PublishedRulesTest, AcceptsTheReadmesCommands) {
  for (const char* const command :
       {kReadmeClassifierCommand, kReadmeFcamCommand}) {
    EXPECT_THAT(Check(command), IsOk());
    EXPECT_THAT(PublishedNotes(Flags(command)),
                ElementsAre(HasSubstr("--cudaid 0: no effect")));
  }
}

TEST(PublishedRulesTest, AcceptsBothTasks) {
  EXPECT_THAT(Check(kClassifier), IsOk());
  EXPECT_THAT(Check(kFcam), IsOk());
  EXPECT_THAT(Check(kFcam, "--freeze_cl False"), IsOk());
}

// The published default was wrong for the default task.
TEST(PublishedRulesTest, ArchFollowsTheTask) {
  EXPECT_THAT(Check("--dataset CUB"), IsOk());
  EXPECT_THAT(Check("--dataset CUB --arch UnetFCAM"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("--task STD_CL needs --arch STDClassifier")));
  EXPECT_EQ(ArchOfTask("STD_CL"), "STDClassifier");
  EXPECT_EQ(ArchOfTask("F_CL"), "UnetFCAM");
}

TEST(PublishedRulesTest, EachMethodHasItsPooling) {
  EXPECT_EQ(PublishedMethods().size(), 13u);
  for (const auto& [method, pooling] : PublishedMethods()) {
    const std::string flags = "--dataset CUB --method " + method;
    EXPECT_THAT(Check(flags, "--spatial_pooling " + pooling), IsOk());
    EXPECT_THAT(Check(flags, "--spatial_pooling None"),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("--method " + method +
                                   " needs --spatial_pooling " + pooling)));
  }
}

struct BrokenRule {
  const char* name;
  const char* command;
  const char* flags;
  const char* rule;
};

class BrokenRuleTest : public ::testing::TestWithParam<BrokenRule> {};

TEST_P(BrokenRuleTest, IsNamed) {
  EXPECT_THAT(
      Check(GetParam().command, GetParam().flags),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().rule)));
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenRuleTest,
    ::testing::Values(
        BrokenRule{"Task", kClassifier, "--task SEG",
                   "--task must be one of STD_CL, F_CL, got \"SEG\""},
        BrokenRule{"Method", kClassifier, "--method GradCAM",
                   "--method must be one of"},
        BrokenRule{"MethodNearest", kClassifier, "--method GradCAM",
                   "did you mean GradCam?"},
        BrokenRule{"Encoder", kClassifier, "--encoder_name resnet18",
                   "--encoder_name must be one of resnet50, vgg16, "
                   "inceptionv3"},
        BrokenRule{"Arch", kClassifier, "--arch FPN",
                   "--arch must be one of STDClassifier, UnetFCAM"},
        BrokenRule{"SegMode", kClassifier, "--seg_mode multiclass",
                   "--seg_mode must be binary, got --seg_mode=multiclass"},
        BrokenRule{"MultiLabel", kClassifier, "--multi_label_flag True",
                   "--multi_label_flag must be False"},
        BrokenRule{"ImageReconstruction", kFcam, "--im_rec True",
                   "--im_rec must be False"},
        BrokenRule{"ScaleIn", kClassifier, "--scale_in 0",
                   "--scale_in must be larger than 0, got --scale_in=0.0"},
        BrokenRule{"OtherScaleIn", kClassifier, "--scale_in 2",
                   "--scale_in must be 1 here"},
        BrokenRule{"Channels", kClassifier, "--in_channels 1",
                   "--in_channels must be 3"},
        BrokenRule{"FrozenClassifier", kClassifier, "--freeze_cl True",
                   "--task STD_CL needs --freeze_cl False"},
        BrokenRule{"PretrainedClassifier", kClassifier,
                   "--folder_pre_trained_cl x",
                   "--task STD_CL needs no --folder_pre_trained_cl"},
        BrokenRule{"SeedLoss", kClassifier, "--sl_fc True",
                   "cross entropy alone, got --sl_fc=True"},
        BrokenRule{"CrfLoss", kClassifier, "--crf_fc True",
                   "cross entropy alone, got --crf_fc=True"},
        BrokenRule{"EntropyLoss", kClassifier, "--entropy_fc True",
                   "cross entropy alone, got --entropy_fc=True"},
        BrokenRule{"SizeLoss", kClassifier, "--max_sizepos_fc True",
                   "cross entropy alone, got --max_sizepos_fc=True"},
        BrokenRule{"NoLoss", kFcam, "--sl_fc False",
                   "--task F_CL needs at least one of --sl_fc, --crf_fc"},
        BrokenRule{"FcamArch", kFcam, "--arch STDClassifier",
                   "--task F_CL needs --arch UnetFCAM"},
        BrokenRule{"LastCheckpoint", kFcam, "--eval_checkpoint_type last",
                   "--task F_CL needs --eval_checkpoint_type best"},
        BrokenRule{"CheckpointType", kClassifier, "--eval_checkpoint_type mid",
                   "--eval_checkpoint_type must be one of best, last"},
        BrokenRule{"Optimizer", kClassifier, "--opt__name_optimizer adamw",
                   "--opt__name_optimizer must be one of sgd, adam"},
        BrokenRule{"Schedule", kClassifier, "--opt__name_lr_scheduler linear",
                   "--opt__name_lr_scheduler must be one of mystep, step"},
        BrokenRule{"Weights", kClassifier, "--encoder_weights ssl",
                   "--encoder_weights must be one of imagenet, None"},
        BrokenRule{"Epochs", kClassifier, "--max_epochs 0",
                   "--max_epochs must be at least 1, got --max_epochs=0"},
        BrokenRule{"BatchSize", kClassifier, "--batch_size 4294967297",
                   "--batch_size must be at most 2147483647"},
        BrokenRule{"Sizes", kClassifier, "--resize_size 200",
                   "--resize_size must be at least --crop_size, 224"},
        BrokenRule{"Gamma", kClassifier, "--opt__gamma 2",
                   "--opt__gamma must be at most 1"},
        BrokenRule{"Barrier", kFcam, "--elb_max_t 0.5",
                   "--elb_max_t must be at least --elb_init_t, 1.0"},
        BrokenRule{"Erosion", kFcam, "--sl_fg_erode_k 1",
                   "--sl_fg_erode_k must be larger than 1"},
        BrokenRule{"IgnoredLabel", kFcam, "--seg_ignore_idx 1",
                   "--seg_ignore_idx must not be 0 or 1"},
        BrokenRule{"Import", kClassifier, "--import_from x",
                   "--import_from and --import_to belong together"},
        BrokenRule{"Id", kClassifier, "--exp_id ../x",
                   "--exp_id must be good for a folder's name"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(PublishedRulesTest, NamesEachBrokenRule) {
  EXPECT_THAT(Check(kClassifier, "--seg_mode x --batch_size 0"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--seg_mode must be binary"),
                             HasSubstr("\n--batch_size must be at least 1"))));
}

TEST(PublishedNotesTest, SaysNothingOfFlagsThatWork) {
  EXPECT_THAT(PublishedNotes(Flags(kClassifier)), IsEmpty());
  EXPECT_THAT(PublishedNotes(Flags(kFcam)), IsEmpty());
  EXPECT_THAT(PublishedNotes(Flags(kClassifier,
                                   "--opt__lr_scheduler False --data_root x "
                                   "--opt__name_lr_scheduler cosine "
                                   "--path_pre_trained x")),
              IsEmpty());
}

TEST(PublishedNotesTest, SaysWhatIsUsedInstead) {
  EXPECT_THAT(
      PublishedNotes(Flags(kClassifier,
                           "--cudaid 1 --multi_iou_eval True --fd_exp x "
                           "--opt__name_lr_scheduler multistep --elb_max_t 5 "
                           "--crop_size 64 --opt__last_epoch 3")),
      ElementsAre(
          HasSubstr("--cudaid 1: no effect"),
          HasSubstr("--fd_exp x: no effect; //wsol:evaluate"),
          HasSubstr("--multi_iou_eval True: no effect, there neither; "
                    "--box_v2_metric decides"),
          HasSubstr("--opt__last_epoch 3: no effect"),
          HasSubstr("--opt__name_lr_scheduler multistep: there is no flag"),
          HasSubstr("--elb_max_t 5.0: no effect in STD_CL"),
          HasSubstr("--crop_size 64: the published program takes 224 only")));
  EXPECT_THAT(PublishedNotes(Flags(kFcam,
                                   "--sl_block 2 --opt__lr_classifier_ratio 2 "
                                   "--path_pre_trained x")),
              ElementsAre(HasSubstr("--sl_block 2: no effect"),
                          HasSubstr("--path_pre_trained x: no effect"),
                          HasSubstr("--opt__lr_classifier_ratio 2.0: no "
                                    "effect")));
}

// What was given and agrees with what is used instead is no cause for a note.
TEST(PublishedNotesTest, SaysNothingWhereBothAgree) {
  EXPECT_THAT(PublishedNotes(Flags(kClassifier,
                                   "--box_v2_metric True --multi_iou_eval True "
                                   "--crop_size 224")),
              IsEmpty());
}

}  // namespace
}  // namespace fcam
