#include "wsol/cli/evaluate_flags.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/results/bootstrap.h"
#include "wsol/score_maps/size_policy.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class EvaluateFlagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("BUILD_WORKING_DIRECTORY", "/where/the/user/is", 1);
  }
  static void Set(const char* flag, const char* value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value), "") << flag;
  }

 private:
  gflags::FlagSaver saver_;
};

TEST_F(EvaluateFlagsTest, DefaultsAreThoseOfTheOptions) {
  const absl::StatusOr<EvaluateOptions> options = EvaluateOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  const EvaluateOptions defaults;
  EXPECT_EQ(options->Config(), defaults.Config());
  EXPECT_EQ(options->metadata_dir, "");
  EXPECT_EQ(options->baseline, defaults.baseline);
  EXPECT_EQ(options->size_policy, defaults.size_policy);
  EXPECT_EQ(options->bad_scores, defaults.bad_scores);
  EXPECT_EQ(options->allow_extra_maps, defaults.allow_extra_maps);
  EXPECT_EQ(options->per_image, defaults.per_image);
  EXPECT_EQ(options->seed, defaults.seed);
  EXPECT_EQ(options->output, "");
  const CheckpointOptions& checkpoint = options->checkpoint_options;
  EXPECT_EQ(checkpoint.backbone, defaults.checkpoint_options.backbone);
  EXPECT_EQ(checkpoint.strides, defaults.checkpoint_options.strides);
  EXPECT_EQ(checkpoint.pooling, defaults.checkpoint_options.pooling);
  EXPECT_EQ(checkpoint.cam_method, defaults.checkpoint_options.cam_method);
  EXPECT_EQ(checkpoint.image_size, defaults.checkpoint_options.image_size);
  EXPECT_EQ(checkpoint.batch_size, defaults.checkpoint_options.batch_size);

  const absl::StatusOr<BootstrapOptions> bootstrap =
      BootstrapOptionsFromFlags();
  ASSERT_THAT(bootstrap, IsOk());
  EXPECT_EQ(bootstrap->num_resamples, BootstrapOptions().num_resamples);
  EXPECT_EQ(bootstrap->confidence, BootstrapOptions().confidence);
}

TEST_F(EvaluateFlagsTest, ReadsEveryFlag) {
  Set("metadata_dir", "data/test");
  Set("score_maps", "/maps");
  Set("baseline", "random");
  Set("checkpoint", "c.pt");
  Set("image_root", "images");
  Set("backbone", "vgg16");
  Set("strides", "imagenet");
  Set("pooling", "GAP");
  Set("cam_method", "LayerCAM");
  Set("image_size", "320");
  Set("batch_size", "4");
  Set("mask_root", "masks");
  Set("predictions", "p.csv");
  Set("box_mode", "v2");
  Set("mode", "native");
  Set("tau_interval", "0.01");
  Set("tau_from", "val.json");
  Set("tau", "0.25");
  Set("size_policy", "image");
  Set("bad_scores", "replace");
  Set("allow_extra_maps", "true");
  Set("num_classes", "7");
  Set("proxy", "true");
  Set("per_image", "false");
  Set("output", "out.json");
  Set("seed", "5");
  Set("resamples", "77");
  Set("confidence", "0.9");
  const absl::StatusOr<EvaluateOptions> options = EvaluateOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->metadata_dir, "/where/the/user/is/data/test");
  EXPECT_EQ(options->score_maps, "/maps");
  EXPECT_EQ(options->baseline, Baseline::kRandom);
  EXPECT_EQ(options->checkpoint, "/where/the/user/is/c.pt");
  EXPECT_EQ(options->checkpoint_options.image_root,
            "/where/the/user/is/images");
  EXPECT_EQ(options->checkpoint_options.backbone, "vgg16");
  EXPECT_EQ(options->checkpoint_options.strides, "imagenet");
  EXPECT_EQ(options->checkpoint_options.pooling, "GAP");
  EXPECT_EQ(options->checkpoint_options.cam_method, "LayerCAM");
  EXPECT_EQ(options->checkpoint_options.image_size, 320);
  EXPECT_EQ(options->checkpoint_options.batch_size, 4);
  EXPECT_EQ(options->mask_root, "/where/the/user/is/masks");
  EXPECT_EQ(options->predictions, "/where/the/user/is/p.csv");
  EXPECT_THAT(options->box_modes, ElementsAre(BoxMode::kAllContours));
  EXPECT_EQ(options->mode, EvaluationMode::kNative);
  EXPECT_EQ(options->tau_interval, 0.01);
  EXPECT_EQ(options->tau_from, "/where/the/user/is/val.json");
  EXPECT_EQ(options->tau, 0.25);
  EXPECT_EQ(options->size_policy, SizePolicy::kImage);
  EXPECT_EQ(options->bad_scores, BadScores::kReplace);
  EXPECT_TRUE(options->allow_extra_maps);
  EXPECT_EQ(options->num_classes, 7);
  EXPECT_TRUE(options->proxy);
  EXPECT_FALSE(options->per_image);
  EXPECT_EQ(options->output, "/where/the/user/is/out.json");
  EXPECT_EQ(options->seed, 5u);
  const absl::StatusOr<BootstrapOptions> bootstrap =
      BootstrapOptionsFromFlags();
  ASSERT_THAT(bootstrap, IsOk());
  EXPECT_EQ(bootstrap->num_resamples, 77);
  EXPECT_EQ(bootstrap->confidence, 0.9);
  EXPECT_EQ(bootstrap->seed, 5u);
}

TEST_F(EvaluateFlagsTest, NamesTheBadValue) {
  const char* const flags[] = {"baseline", "box_mode", "mode", "size_policy",
                               "bad_scores"};
  for (const char* const flag : flags) {
    const gflags::FlagSaver saver;
    Set(flag, "nonsense");
    EXPECT_THAT(EvaluateOptionsFromFlags(),
                StatusIs(kInvalid, HasSubstr("nonsense")))
        << flag;
  }
  Set("confidence", "1");
  EXPECT_THAT(BootstrapOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("--confidence")));
  Set("confidence", "0.5");
  Set("resamples", "0");
  EXPECT_THAT(BootstrapOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("--resamples")));
}

}  // namespace
}  // namespace wsol
