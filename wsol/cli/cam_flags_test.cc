#include "wsol/cli/cam_flags.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam_run/cam_run_options.h"
#include "wsol/cam_run/map_file.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class CamFlagsTest : public ::testing::Test {
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

TEST_F(CamFlagsTest, DefaultsAreThoseOfTheOptions) {
  const absl::StatusOr<CamRunOptions> options = CamRunOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  const CamRunOptions defaults;
  EXPECT_EQ(options->model, "");
  EXPECT_EQ(options->images, "");
  EXPECT_EQ(options->metadata_dir, "");
  EXPECT_EQ(options->image_root, "");
  EXPECT_EQ(options->proxy, defaults.proxy);
  EXPECT_EQ(options->methods, defaults.methods);
  EXPECT_EQ(options->cam.variant, defaults.cam.variant);
  EXPECT_EQ(options->cam.layers, defaults.cam.layers);
  EXPECT_EQ(options->cam.memory_budget_bytes, defaults.cam.memory_budget_bytes);
  EXPECT_EQ(options->cam.seed, defaults.cam.seed);
  EXPECT_EQ(options->class_choice, defaults.class_choice);
  EXPECT_EQ(options->classes, defaults.classes);
  EXPECT_EQ(options->output_dir, "");
  EXPECT_EQ(options->format, defaults.format);
  EXPECT_EQ(options->size, defaults.size);
  EXPECT_EQ(options->overlays, defaults.overlays);
  EXPECT_EQ(options->contact_sheet, defaults.contact_sheet);
  EXPECT_EQ(options->overwrite, defaults.overwrite);
  EXPECT_EQ(options->quality, defaults.quality);
  EXPECT_EQ(options->quality_options.steps, defaults.quality_options.steps);
  EXPECT_EQ(options->quality_options.insertion_start,
            defaults.quality_options.insertion_start);
  EXPECT_EQ(options->precision, defaults.precision);
  EXPECT_EQ(options->batch_size, defaults.batch_size);
  EXPECT_EQ(options->image_size, defaults.image_size);
}

TEST_F(CamFlagsTest, ReadsEveryFlag) {
  Set("model", "run/best");
  Set("images", "/photos");
  Set("metadata_dir", "m");
  Set("image_root", "~x");
  Set("proxy", "true");
  Set("method", "CAM,GradCAM++, ScoreCAM");
  Set("variant", "paper");
  Set("layers", "1,-1");
  Set("class", "3,7");
  Set("output_dir", "out");
  Set("format", "png16");
  Set("size", "image");
  Set("overlays", "true");
  Set("contact_sheet", "9");
  Set("overwrite", "true");
  Set("quality", "true");
  Set("quality_steps", "14");
  Set("insertion_start", "zero");
  Set("precision", "bfloat16");
  Set("batch_size", "4");
  Set("image_size", "320");
  Set("memory_budget_mb", "2");
  Set("seed", "5");
  const absl::StatusOr<CamRunOptions> options = CamRunOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->model, "/where/the/user/is/run/best");
  EXPECT_EQ(options->images, "/photos");
  EXPECT_EQ(options->metadata_dir, "/where/the/user/is/m");
  EXPECT_EQ(options->image_root, "/where/the/user/is/~x");
  EXPECT_TRUE(options->proxy);
  EXPECT_THAT(options->methods, ElementsAre("CAM", "GradCAM++", "ScoreCAM"));
  EXPECT_EQ(options->cam.variant, CamVariant::kPaper);
  EXPECT_THAT(options->cam.layers, ElementsAre(1, -1));
  EXPECT_EQ(options->cam.memory_budget_bytes, 2 << 20);
  EXPECT_EQ(options->cam.seed, 5u);
  EXPECT_EQ(options->class_choice, ClassChoice::kList);
  EXPECT_THAT(options->classes, ElementsAre(3, 7));
  EXPECT_EQ(options->output_dir, "/where/the/user/is/out");
  EXPECT_EQ(options->format, MapFormat::kPng16);
  EXPECT_EQ(options->size, MapSize::kImage);
  EXPECT_TRUE(options->overlays);
  EXPECT_EQ(options->contact_sheet, 9);
  EXPECT_TRUE(options->overwrite);
  EXPECT_TRUE(options->quality);
  EXPECT_EQ(options->quality_options.steps, 14);
  EXPECT_EQ(options->quality_options.insertion_start, InsertionStart::kZero);
  EXPECT_EQ(options->precision, vision::Precision::kBFloat16);
  EXPECT_EQ(options->batch_size, 4);
  EXPECT_EQ(options->image_size, 320);
}

TEST_F(CamFlagsTest, NamesTheFlagThatCannotBeRead) {
  const struct {
    const char* flag;
    const char* value;
    const char* message;
  } cases[] = {{"variant", "best", "published or paper"},
               {"layers", "1,x", "--layers is '1,x'"},
               {"layers", "", "--layers is ''"},
               {"class", "cat", "--class is 'cat'"},
               {"format", "jpg", "npy, png8, png16 or pt"},
               {"size", "small", "map, input or image"},
               {"precision", "half", "bfloat16"},
               {"insertion_start", "grey", "blurred or zero"}};
  for (const auto& [flag, value, message] : cases) {
    gflags::FlagSaver saver;
    Set(flag, value);
    EXPECT_THAT(CamRunOptionsFromFlags(),
                StatusIs(kInvalid, HasSubstr(message)));
  }
}

}  // namespace
}  // namespace wsol
