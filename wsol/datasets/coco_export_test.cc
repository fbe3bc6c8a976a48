#include "wsol/datasets/coco_export.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/coco_annotations.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class CocoExportTest : public ::testing::Test {
 protected:
  CocoExportTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_THAT(vision::CreateDirectories(dir_), IsOk());
  }

  absl::StatusOr<CocoFile> Export(const SplitMetadata& split,
                                  const std::string& image_root = "") {
    EXPECT_THAT(WriteSplitMetadata(dir_, split), IsOk());
    DatasetOptions options;
    options.num_classes = split.num_classes;
    const absl::StatusOr<Dataset> dataset =
        Dataset::Open(dir_, image_root, options);
    EXPECT_THAT(dataset, IsOk());
    CocoExportOptions export_options;
    export_options.masks = !image_root.empty();
    export_options.num_threads = 2;
    return ExportCoco(*dataset, export_options);
  }

  void WriteImage(const std::string& name, const cv::Mat& image) {
    EXPECT_THAT(vision::WritePng(vision::JoinPath(dir_, name), image), IsOk());
  }

  const std::string dir_;
};

// COCO -> split -> COCO -> split: equal images and boxes.
TEST_F(CocoExportTest, RoundTripKeepsEveryBox) {
  vision::Rng rng(5);
  SplitMetadata split;
  split.num_classes = 4;
  for (int i = 0; i < 50; ++i) {
    ImageRecord& image = split.images.emplace_back();
    image.id = absl::StrCat("val/\"", i, "\" \xC3\xA9.jpg");
    image.label = static_cast<int>(rng.UniformInt(4));
    image.width = 1 + static_cast<int>(rng.UniformInt(500));
    image.height = 1 + static_cast<int>(rng.UniformInt(500));
    const uint64_t boxes = 1 + rng.UniformInt(4);
    for (uint64_t k = 0; k < boxes; ++k) {
      vision::Box& box = image.boxes.emplace_back();
      box.x0 =
          static_cast<int>(rng.UniformInt(static_cast<uint64_t>(image.width)));
      box.y0 =
          static_cast<int>(rng.UniformInt(static_cast<uint64_t>(image.height)));
      box.x1 = box.x0 + 1 +
               static_cast<int>(
                   rng.UniformInt(static_cast<uint64_t>(image.width - box.x0)));
      box.y1 = box.y0 + 1 +
               static_cast<int>(rng.UniformInt(
                   static_cast<uint64_t>(image.height - box.y0)));
    }
  }
  std::string first_json;
  for (int round = 0; round < 2; ++round) {
    const absl::StatusOr<CocoFile> file = Export(split);
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ(file->images, 50);
    EXPECT_EQ(file->boxes_clipped, 0);
    absl::StatusOr<Annotations> annotations =
        ParseCocoAnnotations(file->json, CocoOptions());
    ASSERT_THAT(annotations, IsOk());
    const absl::StatusOr<ImportedSplit> imported =
        SplitFromAnnotations(*annotations, ImportPolicy());
    ASSERT_THAT(imported, IsOk());
    ASSERT_EQ(imported->metadata.images.size(), split.images.size());
    EXPECT_EQ(imported->metadata.num_classes, 4);
    for (size_t i = 0; i < split.images.size(); ++i) {
      const ImageRecord& before = split.images[i];
      const ImageRecord& after = imported->metadata.images[i];
      EXPECT_EQ(after.id, before.id);
      EXPECT_EQ(after.label, before.label);
      EXPECT_EQ(after.width, before.width);
      EXPECT_EQ(after.height, before.height);
      EXPECT_EQ(after.boxes, before.boxes);
    }
    if (round == 0) first_json = file->json;
    EXPECT_EQ(file->json, first_json);
    split = imported->metadata;
  }
}

TEST_F(CocoExportTest, ClipsBoxesThatEndOnePastTheImage) {
  SplitMetadata split;
  split.num_classes = 1;
  ImageRecord& image = split.images.emplace_back();
  image.id = "a.jpg";
  image.width = 10;
  image.height = 8;
  image.boxes = {BoxFromFileCorners({2, 3, 10, 8})};
  const absl::StatusOr<CocoFile> file = Export(split);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->boxes_clipped, 1);
  const nlohmann::json json = nlohmann::json::parse(file->json);
  // Columns 2 to 9, rows 3 to 7.
  EXPECT_EQ(json["annotations"][0]["bbox"], nlohmann::json({2, 3, 8, 5}));
  EXPECT_EQ(json["annotations"][0]["area"], 40);
  EXPECT_EQ(json["categories"][0]["id"], 1);
  EXPECT_EQ(json["categories"][0]["name"], "class 0");
}

TEST_F(CocoExportTest, MasksBecomeRunLengthsAndIgnoredPixelsACrowd) {
  // 4x3 pixels:   . . . .    ignore:  x . . x
  //               . # # .             . x . .
  //               . # . .             . . . .
  cv::Mat mask = cv::Mat::zeros(3, 4, CV_8UC1);
  mask.at<uint8_t>(1, 1) = mask.at<uint8_t>(1, 2) = mask.at<uint8_t>(2, 1) = 1;
  cv::Mat ignore = cv::Mat::zeros(3, 4, CV_8UC1);
  ignore.at<uint8_t>(0, 0) = ignore.at<uint8_t>(0, 3) = 255;
  ignore.at<uint8_t>(1, 1) = 255;  // Foreground all the same.
  WriteImage("a.png", cv::Mat::zeros(3, 4, CV_8UC3));
  WriteImage("m.png", mask);
  WriteImage("nothing.png", cv::Mat::zeros(3, 4, CV_8UC1));
  WriteImage("i.png", ignore);
  SplitMetadata split;
  split.num_classes = 1;
  ImageRecord& image = split.images.emplace_back();
  image.id = "a.png";
  image.mask_paths = {"m.png", "nothing.png"};
  image.ignore_path = "i.png";
  absl::StatusOr<CocoFile> file = Export(split, dir_);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->empty_masks, 1);
  const nlohmann::json json = nlohmann::json::parse(file->json);
  EXPECT_EQ(json["images"][0]["width"], 4);  // From the image's header.
  ASSERT_EQ(json["annotations"].size(), 2);
  const nlohmann::json& object = json["annotations"][0];
  EXPECT_EQ(object["bbox"], nlohmann::json({1, 1, 2, 2}));
  EXPECT_EQ(object["area"], 3);
  EXPECT_EQ(object["iscrowd"], 0);
  EXPECT_EQ(object["segmentation"]["size"], nlohmann::json({3, 4}));
  // By columns: 000 011 010 000.
  EXPECT_EQ(object["segmentation"]["counts"], nlohmann::json({4, 2, 1, 1, 4}));
  const nlohmann::json& crowd = json["annotations"][1];
  EXPECT_EQ(crowd["iscrowd"], 1);
  // By columns: 100 000 000 100; the first run is of zeros.
  EXPECT_EQ(crowd["segmentation"]["counts"], nlohmann::json({0, 1, 8, 1, 2}));

  EXPECT_THAT(Export(split).status(),
              StatusIs(kInvalid, HasSubstr("image id 'a.png': its size is "
                                           "not known")));
  split.images[0].width = 5;
  split.images[0].height = 3;
  EXPECT_THAT(Export(split, dir_).status(),
              StatusIs(kInvalid, HasSubstr("image id 'a.png': a mask is 4x3 "
                                           "pixels, expected 5x3")));
  EXPECT_THAT(Export(split).status(),
              StatusIs(kInvalid, HasSubstr("'a.png': it has masks")));
}

TEST_F(CocoExportTest, TextsMustBeUtf8) {
  SplitMetadata split;
  split.num_classes = 1;
  ImageRecord& image = split.images.emplace_back();
  image.id = "caf\xE9.jpg";
  image.width = 10;
  image.height = 8;
  image.boxes = {BoxFromFileCorners({0, 0, 1, 1})};
  EXPECT_THAT(Export(split).status(),
              StatusIs(kInvalid, HasSubstr("its text is not UTF-8")));
}

TEST_F(CocoExportTest, StopsOnRequest) {
  SplitMetadata split;
  split.num_classes = 1;
  ImageRecord& image = split.images.emplace_back();
  image.id = "a.jpg";
  ASSERT_THAT(WriteSplitMetadata(dir_, split), IsOk());
  const absl::StatusOr<Dataset> dataset = Dataset::Open(dir_, "");
  ASSERT_THAT(dataset, IsOk());
  CocoExportOptions options;
  options.should_stop = [] { return true; };
  EXPECT_THAT(ExportCoco(*dataset, options).status(),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace wsol
