#include "wsol/score_maps/evaluate_maps.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/metadata.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/evaluation_mode.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class EvaluateMapsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
  }

  // A split of `count` images of 60 x 40 pixels with a box each; written and
  // read back.
  Dataset Boxes(int count) const {
    SplitMetadata split;
    split.num_classes = 3;
    for (int i = 0; i < count; ++i) {
      ImageRecord image;
      image.id = absl::StrCat("i", 100 + i, ".png");
      image.label = i % 3;
      image.width = 60;
      image.height = 40;
      image.boxes = {{i % 7, i % 5, 30 + i % 20, 20 + i % 11}};
      split.images.push_back(image);
    }
    EXPECT_THAT(WriteSplitMetadata(folder_, split), IsOk());
    return Dataset::Open(folder_, folder_).value();
  }

  // Two images with masks of 6 x 4 pixels, whose left half is foreground.
  Dataset Masks(int width, int height) const {
    SplitMetadata split;
    split.num_classes = 1;
    cv::Mat mask = cv::Mat::zeros(4, 6, CV_8UC1);
    mask.colRange(0, 3).setTo(255);
    EXPECT_THAT(vision::CreateDirectories(folder_), IsOk());
    for (const char* const id : {"a", "b"}) {
      ImageRecord image;
      image.id = id;
      image.width = width;
      image.height = height;
      image.mask_paths = {absl::StrCat(id, "_mask.png")};
      split.images.push_back(image);
      EXPECT_THAT(vision::WritePng(
                      vision::JoinPath(folder_, image.mask_paths[0]), mask),
                  IsOk());
    }
    EXPECT_THAT(WriteSplitMetadata(folder_, split), IsOk());
    return Dataset::Open(folder_, folder_).value();
  }

  std::string folder_;
};

// Two rectangles of different scores, which depend on the image.
absl::StatusOr<cv::Mat> MapOf(int64_t i, cv::Size size) {
  const int n = static_cast<int>(i);
  cv::Mat map = cv::Mat::zeros(size, CV_64FC1);
  map(cv::Rect(0, 0, size.width * (3 + n % 5) / 9, size.height / 2))
      .setTo(1.0 / (1 + n % 3));
  map(cv::Rect(size.width / 2, size.height / 2, 2 + n % 3, 4)).setTo(1);
  return map;
}

TEST_F(EvaluateMapsTest, ThreadsDoNotMatter) {
  const Dataset split = Boxes(23);
  std::vector<int> ranks;
  for (int i = 0; i < 23; ++i) ranks.push_back(i % 8);
  std::string expected;
  for (const int threads : {1, 2, 5, 40}) {
    MapEvaluationOptions options;
    options.num_threads = threads;
    options.class_ranks = ranks;
    options.metrics.SetKeepImages(true);
    std::atomic<int> images = 0;
    options.on_image = [&] { ++images; };
    const auto result = EvaluateMaps(split, MapOf, options);
    ASSERT_THAT(result, IsOk());
    EXPECT_EQ(images, 23);
    EXPECT_EQ(result->num_resized, 0);
    std::string digest =
        absl::StrCat(result->localization.boxes->max_box_acc, " ",
                     result->localization.boxes->max_box_acc_v2, " ",
                     result->classification->num_top1, " ",
                     result->classification->num_top5);
    for (const BoxImage& image : result->localization.boxes->images) {
      absl::StrAppend(&digest, image.info.id, image.correct.encoded());
    }
    if (expected.empty()) expected = digest;
    EXPECT_EQ(digest, expected) << threads;
  }
}

TEST_F(EvaluateMapsTest, NativeModeAsksForTheImagesSize) {
  const Dataset split = Boxes(2);
  MapEvaluationOptions options;
  options.metrics.SetMode(EvaluationMode::kNative);
  options.size_policy = SizePolicy::kImage;
  const auto result = EvaluateMaps(
      split,
      [&](int64_t i, cv::Size size) {
        EXPECT_EQ(size, cv::Size(60, 40));
        return MapOf(i, size);
      },
      options);
  EXPECT_THAT(result, IsOk());
}

TEST_F(EvaluateMapsTest, CountsInterpolatedMaps) {
  const Dataset split = Boxes(4);
  const auto result =
      EvaluateMaps(split,
                   [&](int64_t i, cv::Size size) {
                     return MapOf(i, i == 2 ? cv::Size(28, 28) : size);
                   },
                   {});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->num_resized, 1);
}

// The first 20 in the order of images, for any number of threads.
TEST_F(EvaluateMapsTest, ListsTheFirstProblems) {
  const Dataset split = Boxes(60);
  std::string expected;
  for (const int threads : {1, 3}) {
    MapEvaluationOptions options;
    options.num_threads = threads;
    options.metrics.bad_scores = BadScores::kReject;
    const auto result = EvaluateMaps(
        split,
        [&](int64_t i, cv::Size size) -> absl::StatusOr<cv::Mat> {
          if (i % 2 == 0) return absl::DataLossError(absl::StrCat("map ", i));
          cv::Mat map = *MapOf(i, size);
          if (i == 7) map.at<double>(3, 5) = 2;
          return map;
        },
        options);
    ASSERT_THAT(
        result,
        StatusIs(kInvalid, AllOf(HasSubstr("image id 'i100.png': map 0\n"),
                                 HasSubstr("image i107.png"),
                                 HasSubstr("map 36"), Not(HasSubstr("map 38")),
                                 HasSubstr("; stopped there"))));
    const std::string message(result.status().message());
    if (expected.empty()) expected = message;
    EXPECT_EQ(message, expected);
  }
}

TEST_F(EvaluateMapsTest, StopsWhenAsked) {
  const Dataset split = Boxes(50);
  MapEvaluationOptions options;
  options.num_threads = 2;
  std::atomic<int> images = 0;
  options.on_image = [&] { ++images; };
  options.should_stop = [&] { return images >= 5; };
  EXPECT_THAT(EvaluateMaps(split, MapOf, options),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_LT(images, 10);
}

// Left half foreground; a map that is 1 there and 0 elsewhere is perfect.
TEST_F(EvaluateMapsTest, Masks) {
  const Dataset split = Masks(0, 0);
  const auto result =
      EvaluateMaps(split,
                   [&](int64_t, cv::Size size) -> absl::StatusOr<cv::Mat> {
                     cv::Mat map = cv::Mat::zeros(size, CV_64FC1);
                     map.colRange(0, size.width / 2).setTo(1);
                     return map;
                   },
                   {});
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->localization.masks->pxap, 100);
  EXPECT_EQ(result->localization.masks->num_foreground_pixels, 2 * 112 * 224);
  EXPECT_EQ(result->mask_checksums[0], result->mask_checksums[1]);
  EXPECT_NE(result->mask_checksums[0], 0u);
  EXPECT_THAT(MaskChecksums(split, 2),
              ::testing::IsOkAndHolds(result->mask_checksums));
}

TEST_F(EvaluateMapsTest, MaskOfAnotherSizeThanTheImage) {
  const Dataset split = Masks(6, 5);
  EXPECT_THAT(
      EvaluateMaps(split, MapOf, {}),
      StatusIs(kInvalid, HasSubstr("image id 'a': the mask is 6x4 pixels, "
                                   "expected 6x5 as the image\nimage id 'b'")));
}

TEST_F(EvaluateMapsTest, NothingToCompareWith) {
  SplitMetadata split;
  split.num_classes = 1;
  split.images.emplace_back();
  split.images.back().id = "a";
  ASSERT_THAT(WriteSplitMetadata(folder_, split), IsOk());
  const Dataset dataset = Dataset::Open(folder_, folder_).value();
  EXPECT_THAT(EvaluateMaps(
                  dataset,
                  [&](int64_t i, cv::Size size) { return MapOf(i, size); }, {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("'a' has neither boxes nor masks")));
}

TEST_F(EvaluateMapsTest, RanksOfAllImages) {
  const Dataset split = Boxes(3);
  const std::vector<int> ranks = {0, 1};
  MapEvaluationOptions options;
  options.class_ranks = ranks;
  EXPECT_THAT(EvaluateMaps(split, MapOf, options),
              StatusIs(kInvalid, HasSubstr("class ranks of 2 images")));
}

}  // namespace
}  // namespace wsol
