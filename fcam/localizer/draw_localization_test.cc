#include "fcam/localizer/draw_localization.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A map that is 1 in the box [30, 60) x [40, 70), on grey.
Localization Example(int width, int height) {
  Localization found;
  found.map = cv::Mat::zeros(height, width, CV_32FC1);
  found.mask = cv::Mat::zeros(height, width, CV_8UC1);
  const cv::Rect rect(30, 40, 30, 30);
  found.map(rect) = 1;
  found.mask(rect) = 255;
  ScoredBox box;
  box.box = {30, 40, 60, 70};
  box.score = 1;
  found.boxes = {box};
  found.classes = {{2, "a b\xc3\xa9\x65", 0.934}};
  return found;
}

TEST(DrawLocalizationTest, MarksTheObjectAndLeavesTheGround) {
  const cv::Mat rgb(500, 600, CV_8UC3, cv::Scalar(100, 100, 100));
  const auto picture = DrawLocalization(rgb, Example(600, 500), {});
  ASSERT_THAT(picture, IsOk());
  ASSERT_EQ(picture->size(), rgb.size());
  const cv::Vec3b grey(100, 100, 100);
  EXPECT_EQ(picture->at<cv::Vec3b>(300, 300), grey);
  EXPECT_EQ(picture->at<cv::Vec3b>(100, 100), grey);
  EXPECT_NE(picture->at<cv::Vec3b>(55, 45), grey);
  // The box's line lies over the mask's outline, in yellow.
  EXPECT_EQ(picture->at<cv::Vec3b>(69, 45), cv::Vec3b(240, 228, 66));
  // The caption stands over the box, from its left side on.
  EXPECT_EQ(picture->at<cv::Vec3b>(38, 31), cv::Vec3b(240, 228, 66));
}

TEST(DrawLocalizationTest, ScalesSmallAndLargeImages) {
  DrawOptions options;
  options.min_side = 250;
  options.max_side = 400;
  const cv::Mat small(70, 100, CV_8UC3, cv::Scalar(1, 2, 3));
  auto picture = DrawLocalization(small, Example(100, 70), options);
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->size(), cv::Size(300, 210));
  const cv::Mat large(800, 100, CV_8UC3, cv::Scalar(1, 2, 3));
  picture = DrawLocalization(large, Example(100, 800), options);
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->size(), cv::Size(50, 400));
}

TEST(DrawLocalizationTest, DrawsWhatThereIs) {
  const cv::Mat rgb(80, 90, CV_8UC3, cv::Scalar(9, 9, 9));
  Localization found = Example(90, 80);
  found.boxes.clear();
  EXPECT_THAT(DrawLocalization(rgb, found, {}), IsOk());
  found.classes[0].name = std::string(500, 'x');
  EXPECT_THAT(DrawLocalization(rgb, found, {}), IsOk());
  found.classes.clear();
  EXPECT_THAT(DrawLocalization(rgb, found, {}), IsOk());
  // A single pixel, with a box up to the border.
  Localization pixel;
  pixel.map = cv::Mat::ones(1, 1, CV_32FC1);
  pixel.mask = cv::Mat(1, 1, CV_8UC1, cv::Scalar(255));
  ScoredBox box;
  box.box = {0, 0, 1, 1};
  pixel.boxes = {box};
  pixel.classes = {{0, "dot", 1}};
  EXPECT_THAT(DrawLocalization(rgb(cv::Rect(0, 0, 1, 1)), pixel, {}), IsOk());
}

TEST(DrawLocalizationTest, RefusesWhatDoesNotFit) {
  const cv::Mat rgb(80, 90, CV_8UC3, cv::Scalar(9, 9, 9));
  EXPECT_THAT(DrawLocalization(rgb, Example(80, 90), {}),
              StatusIs(kInvalid, HasSubstr("the map is CV_32FC1, 80x90")));
  EXPECT_THAT(DrawLocalization(cv::Mat(), Example(90, 80), {}),
              StatusIs(kInvalid, HasSubstr("the image")));
  DrawOptions options;
  options.opacity = 1.5;
  EXPECT_THAT(DrawLocalization(rgb, Example(90, 80), options),
              StatusIs(kInvalid, HasSubstr("opacity is 1.5")));
  options = {};
  options.max_side = 10;
  EXPECT_THAT(DrawLocalization(rgb, Example(90, 80), options),
              StatusIs(kInvalid, HasSubstr("sides are 448 to 10")));
}

}  // namespace
}  // namespace fcam
