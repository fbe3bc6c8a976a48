#include "fcam/cli/localize_flags.h"

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/localizer/localize_images.h"
#include "fcam/localizer/localizer.h"
#include "fcam/localizer/map_threshold.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/image/colormap.h"

namespace fcam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

class LocalizeFlagsTest : public ::testing::Test {
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

TEST_F(LocalizeFlagsTest, DefaultsAreThoseOfTheOptions) {
  const absl::StatusOr<LocalizeImagesOptions> options =
      LocalizeOptionsFromFlags({});
  ASSERT_THAT(options, IsOk());
  const LocalizeImagesOptions defaults;
  EXPECT_TRUE(options->images.paths.empty());
  EXPECT_EQ(options->output_dir, "");
  EXPECT_EQ(options->overlays, defaults.overlays);
  EXPECT_EQ(options->masks, defaults.masks);
  EXPECT_EQ(options->maps, defaults.maps);
  EXPECT_EQ(options->coco, defaults.coco);
  EXPECT_EQ(options->skip_bad_images, defaults.skip_bad_images);
  EXPECT_EQ(options->draw.colormap, defaults.draw.colormap);
  const LocalizerOptions& localizer = options->localizer;
  EXPECT_EQ(localizer.method, defaults.localizer.method);
  EXPECT_EQ(localizer.variant, defaults.localizer.variant);
  EXPECT_EQ(localizer.target_class, defaults.localizer.target_class);
  EXPECT_EQ(localizer.top_k, defaults.localizer.top_k);
  EXPECT_EQ(localizer.threshold.rule, defaults.localizer.threshold.rule);
  EXPECT_EQ(localizer.boxes, defaults.localizer.boxes);
  EXPECT_EQ(localizer.min_box_fraction, defaults.localizer.min_box_fraction);
  EXPECT_EQ(localizer.precision, defaults.localizer.precision);
  EXPECT_EQ(localizer.max_batch, defaults.localizer.max_batch);
  EXPECT_EQ(ExportPathFromFlags(), "");
}

TEST_F(LocalizeFlagsTest, ReadsEveryFlag) {
  Set("model", "run/best");
  Set("list", "images.txt");
  Set("image_root", "/photos");
  Set("output_dir", "found");
  Set("overlays", "false");
  Set("masks", "false");
  Set("maps", "none");
  Set("coco", "true");
  Set("method", "LayerCAM");
  Set("variant", "paper");
  Set("class", "bee");
  Set("tau", "0.3");
  Set("boxes", "all");
  Set("min_box_area", "0.01");
  Set("top_k", "2");
  Set("precision", "bfloat16");
  Set("batch_size", "3");
  Set("on_bad_image", "skip");
  Set("colormap", "viridis");
  Set("export", "model.ts");
  const char* const arguments[] = {"a.jpg", "/b"};
  const absl::StatusOr<LocalizeImagesOptions> options =
      LocalizeOptionsFromFlags(arguments);
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->model_dir, "/where/the/user/is/run/best");
  EXPECT_THAT(options->images.paths,
              ElementsAre("/where/the/user/is/a.jpg", "/b"));
  EXPECT_EQ(options->images.list, "/where/the/user/is/images.txt");
  EXPECT_EQ(options->images.image_root, "/photos");
  EXPECT_EQ(options->output_dir, "/where/the/user/is/found");
  EXPECT_FALSE(options->overlays);
  EXPECT_FALSE(options->masks);
  EXPECT_EQ(options->maps, MapFile::kNone);
  EXPECT_TRUE(options->coco);
  EXPECT_EQ(options->localizer.method, "LayerCAM");
  EXPECT_EQ(options->localizer.variant, "paper");
  EXPECT_EQ(options->localizer.target_class, "bee");
  EXPECT_EQ(options->localizer.threshold.rule, ThresholdRule::kFixed);
  EXPECT_EQ(options->localizer.threshold.tau, 0.3);
  EXPECT_EQ(options->localizer.boxes, BoxSelection::kAll);
  EXPECT_EQ(options->localizer.min_box_fraction, 0.01);
  EXPECT_EQ(options->localizer.top_k, 2);
  EXPECT_EQ(options->localizer.precision, "bfloat16");
  EXPECT_EQ(options->localizer.max_batch, 3);
  EXPECT_GE(options->localizer.num_threads, 1);
  EXPECT_TRUE(options->skip_bad_images);
  EXPECT_EQ(options->draw.colormap, vision::Colormap::kViridis);
  EXPECT_EQ(ExportPathFromFlags(), "/where/the/user/is/model.ts");
}

TEST_F(LocalizeFlagsTest, NamesTheBadValue) {
  for (const auto& [flag, value] :
       std::vector<std::pair<const char*, const char*>>{
           {"maps", "jpg"},
           {"tau", "1.5"},
           {"boxes", "some"},
           {"on_bad_image", "cry"},
           {"colormap", "pink"},
           {"batch_size", "0"},
           {"image_root", "/without/list"}}) {
    const gflags::FlagSaver saver;
    Set(flag, value);
    const std::string named =
        std::string(flag) == "image_root" ? "--list" : value;
    EXPECT_THAT(LocalizeOptionsFromFlags({}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(named)))
        << flag;
  }
}

}  // namespace
}  // namespace fcam
