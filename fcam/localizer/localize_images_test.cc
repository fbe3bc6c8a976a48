#include "fcam/localizer/localize_images.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "fcam/localizer/results_table.h"
#include "fcam/localizer/test_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"

namespace fcam {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using Json = nlohmann::json;

class LocalizeImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = vision::JoinPath(::testing::TempDir(), "localize_images_test");
    std::filesystem::remove_all(dir_);
    ASSERT_THAT(vision::CreateDirectories(dir_), IsOk());
    const FcamFolderInfo info = TestInfo();
    ASSERT_THAT(SaveFcamFolder(Path("model"), *MakeTestModel(info), info),
                IsOk());
    for (const char* const folder : {"in/x", "in/y"}) {
      ASSERT_THAT(vision::CreateDirectories(Path(folder)), IsOk());
    }
    uint64_t seed = 1;
    for (const char* const file :
         {"in/x/1.png", "in/y/1.png", "in/y/2.png", "in/3.png", "in/4.png"}) {
      ASSERT_THAT(
          vision::WritePng(
              Path(file), TestImage(40 + 5 * static_cast<int>(seed), 30, seed)),
          IsOk());
      ++seed;
    }
    options_.model_dir = Path("model");
    options_.images.paths = {Path("in")};
    options_.output_dir = Path("out");
    options_.localizer.max_batch = 2;
    options_.localizer.num_threads = 2;
  }
  std::string Path(const std::string& file) const {
    return vision::JoinPath(dir_, file);
  }
  Json Read(const std::string& file) const {
    const auto text = vision::ReadFile(Path(file));
    EXPECT_THAT(text, IsOk());
    return text.ok() ? Json::parse(*text) : Json();
  }

  std::string dir_;
  LocalizeImagesOptions options_;
};

TEST_F(LocalizeImagesTest, WritesAllResults) {
  options_.coco = true;
  int64_t total = 0;
  int64_t done = 0;
  LocalizeImagesCallbacks callbacks;
  callbacks.on_begin = [&](int64_t images) { total = images; };
  callbacks.on_images = [&](int64_t count) { done += count; };
  const auto report = LocalizeImages(options_, callbacks);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(total, 5);
  EXPECT_EQ(done, 5);
  ASSERT_EQ(report->results.size(), 5u);

  const Json json = Read("out/results.json");
  EXPECT_EQ(json["schema_version"], 1);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["model"]["method"], "F-CAM");
  EXPECT_EQ(json["threshold"]["rule"], "val");
  EXPECT_EQ(json["threshold"]["tau"], 0.25);
  ASSERT_EQ(json["images"].size(), 5u);
  const Json coco = Read("out/coco.json");
  EXPECT_EQ(coco["categories"][1]["name"], "bee");
  EXPECT_EQ(coco["images"].size(), 5u);
  size_t annotation = 0;
  for (size_t i = 0; i < 5; ++i) {
    const Json& image = json["images"][i];
    const ImageResult& result = report->results[i];
    EXPECT_EQ(image["image"], result.image.path);
    EXPECT_EQ(image["width"], result.width);
    EXPECT_EQ(image["classes"].size(), 3u);
    EXPECT_EQ(image["classes"][0]["name"], result.classes[0].name);
    // The same as one by one, and in its own files.
    const auto rgb = vision::ReadRgb(result.image.path);
    ASSERT_THAT(rgb, IsOk());
    const auto map = vision::ReadNpy(Path("out/") +
                                     image["files"]["map"].get<std::string>());
    ASSERT_THAT(map, IsOk());
    EXPECT_EQ(map->size(), rgb->size());
    const auto mask = vision::ReadGray(
        Path("out/") + image["files"]["mask"].get<std::string>());
    ASSERT_THAT(mask, IsOk());
    const auto foreground = ThresholdMap(*map, 0.25);
    ASSERT_THAT(foreground, IsOk());
    EXPECT_EQ(cv::norm(*mask, foreground->mask, cv::NORM_INF), 0);
    EXPECT_THAT(vision::ReadRgb(Path("out/") +
                                image["files"]["overlay"].get<std::string>()),
                IsOk());
    ASSERT_EQ(image["boxes"].size(), result.boxes.size());
    for (const Json& box : image["boxes"]) {
      const Json& other = coco["annotations"][annotation++];
      EXPECT_EQ(other["image_id"], i + 1);
      EXPECT_EQ(other["category_id"], result.classes[0].index + 1);
      EXPECT_EQ(other["bbox"],
                Json({box["x0"], box["y0"],
                      box["x1"].get<int>() - box["x0"].get<int>(),
                      box["y1"].get<int>() - box["y0"].get<int>()}));
      EXPECT_GT(other["score"], 0);
    }
  }
  EXPECT_EQ(coco["annotations"].size(), annotation);
  // Those of the same name lie apart.
  EXPECT_TRUE(vision::FileExists(Path("out/overlays/x/1.png.png")));
  EXPECT_TRUE(vision::FileExists(Path("out/overlays/y/1.png.png")));

  const auto table = ResultsTable(*report);
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(*table, AllOf(HasSubstr("y/2.png"), HasSubstr("60x30"),
                            HasSubstr("localized 5 images by F-CAM")));
}

TEST_F(LocalizeImagesTest, WritesWhatIsAskedFor) {
  options_.overlays = options_.masks = false;
  options_.maps = MapFile::kPng;
  ASSERT_THAT(LocalizeImages(options_, {}), IsOk());
  EXPECT_FALSE(vision::FileExists(Path("out/overlays")));
  EXPECT_FALSE(vision::FileExists(Path("out/masks")));
  EXPECT_FALSE(vision::FileExists(Path("out/coco.json")));
  EXPECT_THAT(vision::ReadGray(Path("out/maps/3.png.png")), IsOk());
  const Json json = Read("out/results.json");
  EXPECT_EQ(json["images"][0]["files"].size(), 1u);
  options_.output_dir = "";
  const auto report = LocalizeImages(options_, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->results_path, "");
}

TEST_F(LocalizeImagesTest, KeepsWhatIsDoneWhenItIsStopped) {
  int asked = 0;
  LocalizeImagesCallbacks callbacks;
  callbacks.should_stop = [&] { return ++asked > 2; };
  EXPECT_THAT(LocalizeImages(options_, callbacks).status(),
              StatusIs(absl::StatusCode::kCancelled,
                       HasSubstr("4 of 5 images are done")));
  const Json json = Read("out/results.json");
  EXPECT_EQ(json["complete"], false);
  EXPECT_EQ(json["images"].size(), 4u);
}

TEST_F(LocalizeImagesTest, SkipsBadImagesOrFails) {
  ASSERT_THAT(vision::WriteFileAtomically(Path("in/y/0.jpg"), "no image"),
              IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(Path("in/y/9.jpg"), ""), IsOk());
  EXPECT_THAT(LocalizeImages(options_, {}).status(),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("in/y/0.jpg")));
  Json json = Read("out/results.json");
  EXPECT_EQ(json["complete"], false);
  EXPECT_EQ(json["images"].size(), 2u);

  options_.skip_bad_images = true;
  options_.images.paths.push_back(Path("none.png"));
  const auto report = LocalizeImages(options_, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->results.size(), 5u);
  ASSERT_EQ(report->skipped.size(), 3u);
  json = Read("out/results.json");
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["skipped"].size(), 3u);
  EXPECT_THAT(*ResultsTable(*report),
              AllOf(HasSubstr("skipped 3 that could not be read"),
                    HasSubstr("in/y/0.jpg")));
  options_.images.paths = {Path("in/y/0.jpg")};
  EXPECT_THAT(LocalizeImages(options_, {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("none of 1 images could be read")));
}

TEST_F(LocalizeImagesTest, FindsMistakesBeforeTheWork) {
  LocalizeImagesCallbacks callbacks;
  callbacks.on_begin = [](int64_t) { FAIL() << "it began"; };
  const auto run = [&] { return LocalizeImages(options_, callbacks).status(); };
  const LocalizeImagesOptions good = options_;
  options_.images.paths = {Path("in/none.jpg"), Path("in/nil.jpg")};
  EXPECT_THAT(run(), StatusIs(absl::StatusCode::kNotFound,
                              AllOf(HasSubstr("there are no files"),
                                    HasSubstr("in/nil.jpg"))));
  options_ = good;
  options_.model_dir = Path("in");
  EXPECT_THAT(run(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.json")));
  options_.model_dir = "";
  EXPECT_THAT(run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("no model")));
  options_ = good;
  options_.images.paths.clear();
  EXPECT_THAT(run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("no image was given")));
  options_ = good;
  ASSERT_THAT(vision::WriteFileAtomically(Path("file"), "x"), IsOk());
  options_.output_dir = Path("file/out");
  EXPECT_FALSE(run().ok());
  options_ = good;
  options_.localizer.target_class = "bee";
  EXPECT_THAT(run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("one map")));
  options_ = good;
  options_.coco = true;
  options_.output_dir = "";
  EXPECT_THAT(run(), StatusIs(absl::StatusCode::kInvalidArgument,
                              HasSubstr("coco.json")));
  EXPECT_FALSE(ParseMapFile("jpg").ok());
  EXPECT_FALSE(vision::FileExists(Path("out")));
}

}  // namespace
}  // namespace fcam
