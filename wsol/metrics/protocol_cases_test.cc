// The cases of the protocol's own test file (evaluation_test.py), with its
// numbers, in the same order. Where it makes a map from its test images' masks
// only the numbers of foreground, background and ignored pixels matter, and
// masks with those numbers are made here.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/predicted_boxes.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::vision::Box;

// A box as the protocol writes it, with its last column and row.
Box Inclusive(int x0, int y0, int x1, int y1) {
  return {x0, y0, x1 + 1, y1 + 1};
}

TEST(ProtocolIouTest, BoxesOfZerosAreOnePixel) {
  // zeros(3, 4) with zeros(5, 4): 3 x 5 times 1.
  for (int i = 0; i < 15; ++i) {
    EXPECT_EQ(vision::BoxIou(Inclusive(0, 0, 0, 0), Inclusive(0, 0, 0, 0)), 1);
  }
}

TEST(ProtocolIouTest, InvertedBoxesAreErrors) {
  EXPECT_THAT(BoxToFrame(Inclusive(1, 1, 0, 0), 10, 10),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(ProtocolIouTest, OfTwoBoxesWithThemselvesIsTheIdentity) {
  const Box boxes[] = {Inclusive(1, 1, 3, 3), Inclusive(4, 4, 5, 5)};
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      EXPECT_EQ(vision::BoxIou(boxes[i], boxes[j]), i == j ? 1 : 0);
    }
  }
}

TEST(ProtocolIouTest, OfBoxesThatOverlap) {
  EXPECT_DOUBLE_EQ(vision::BoxIou(Inclusive(1, 2, 5, 6), Inclusive(3, 1, 4, 5)),
                   8.0 / 27);
}

TEST(ProtocolResizeTest, TruncatesCoordinates) {
  EXPECT_EQ(ScaleBox(Inclusive(1, 2, 4, 3), 10, 20, 35, 10),
            Inclusive(3, 1, 14, 1));
}

TEST(ProtocolResizeTest, KeepsBoxesOfTheSameSize) {
  EXPECT_EQ(ScaleBox(Inclusive(1, 2, 1, 2), 3, 3, 3, 3), Inclusive(1, 2, 1, 2));
}

// The boxes of the largest contour at tau = 0, 0.2, 0.4, 0.6 and 0.8.
absl::StatusOr<std::vector<Box>> LargestBoxes(const cv::Mat& map) {
  std::vector<Box> boxes;
  for (int i = 0; i < 5; ++i) {
    const auto at_tau = PredictBoxes(map, i * 0.2, BoxMode::kLargestContour);
    if (!at_tau.ok()) return at_tau.status();
    EXPECT_EQ(at_tau->size(), 1u);
    boxes.push_back(at_tau->at(0));
  }
  return boxes;
}

TEST(ProtocolBoxesTest, OfZeros) {
  const Box nothing = Inclusive(0, 0, 0, 0);
  EXPECT_THAT(
      LargestBoxes(cv::Mat::zeros(3, 3, CV_64FC1)),
      IsOkAndHolds(ElementsAre(nothing, nothing, nothing, nothing, nothing)));
}

TEST(ProtocolBoxesTest, OfNanIsAnError) {
  EXPECT_THAT(LargestBoxes(cv::Mat(3, 3, CV_64FC1, cv::Scalar(std::nan("")))),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(ProtocolBoxesTest, OfOneObject) {
  EXPECT_THAT(
      LargestBoxes((cv::Mat_<double>(4, 5) << 0, 0, 0, 0, 0,  //
                    0, .4, .4, .4, .6,                        //
                    0, .4, 1, .8, .6,                         //
                    0, .4, .4, .4, .6)),
      IsOkAndHolds(ElementsAre(Inclusive(1, 1, 4, 3), Inclusive(1, 1, 4, 3),
                               Inclusive(2, 1, 4, 3), Inclusive(2, 2, 4, 3),
                               Inclusive(2, 2, 3, 3))));
}

TEST(ProtocolBoxesTest, OfSeveralObjects) {
  EXPECT_THAT(
      LargestBoxes((cv::Mat_<double>(4, 5) << .4, 0, .2, .2, .2,  //
                    .4, .4, 0, .4, 0,                             //
                    0, 0, 0, .4, 0,                               //
                    1, .6, .8, .2, .2)),
      IsOkAndHolds(ElementsAre(Inclusive(0, 0, 4, 3), Inclusive(0, 0, 2, 2),
                               Inclusive(0, 3, 3, 3), Inclusive(2, 3, 3, 3),
                               Inclusive(0, 3, 1, 3))));
}

// The first images of the published metadata: the box, as it stands there, and
// the image's size. The published files themselves are not here; what the
// protocol's file checks of them, that boxes lie within their images, is what
// BoxToFrame asks for.
struct PublishedBox {
  Box box;
  int width, height;
};

class ProtocolMetadataTest
    : public ::testing::TestWithParam<
          std::pair<const char*, std::vector<PublishedBox>>> {};

TEST_P(ProtocolMetadataTest, BoxesLieWithinTheirImages) {
  for (const PublishedBox& image : GetParam().second) {
    const Box& box = image.box;
    EXPECT_TRUE(0 <= box.x0 && box.x0 < box.x1 && box.x1 <= image.width) << box;
    EXPECT_TRUE(0 <= box.y0 && box.y0 < box.y1 && box.y1 <= image.height)
        << box;
    const absl::StatusOr<Box> frame =
        BoxToFrame(box, image.width, image.height);
    ASSERT_THAT(frame, IsOk());
    // int(float(c) * 224 / size), in the protocol's own arithmetic.
    const auto scaled = [](int c, int size) {
      return static_cast<int>(static_cast<double>(c) * 224 / size);
    };
    EXPECT_EQ(*frame, Inclusive(scaled(box.x0, image.width),
                                scaled(box.y0, image.height),
                                scaled(box.x1 - 1, image.width),
                                scaled(box.y1 - 1, image.height)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Splits, ProtocolMetadataTest,
    ::testing::Values(
        std::make_pair("CubVal",
                       std::vector<PublishedBox>{
                           {Inclusive(176, 136, 459, 291), 560, 419},
                           {Inclusive(44, 183, 426, 254), 576, 432},
                           {Inclusive(437, 42, 834, 422), 999, 587}}),
        std::make_pair("CubTest",
                       std::vector<PublishedBox>{
                           {Inclusive(60, 27, 385, 331), 500, 335},
                           {Inclusive(14, 112, 402, 298), 500, 347},
                           {Inclusive(33, 53, 284, 448), 500, 470}}),
        std::make_pair("IlsvrcVal",
                       std::vector<PublishedBox>{
                           {Inclusive(156, 163, 318, 230), 500, 375},
                           {Inclusive(143, 142, 394, 248), 500, 375},
                           {Inclusive(28, 94, 485, 303), 500, 375}}),
        std::make_pair("IlsvrcTest",
                       std::vector<PublishedBox>{
                           {Inclusive(111, 108, 441, 193), 500, 375},
                           {Inclusive(45, 49, 499, 162), 500, 375},
                           {Inclusive(2, 69, 437, 207), 500, 375},
                           {Inclusive(38, 19, 385, 373), 500, 375}})),
    [](const ::testing::TestParamInfo<
        std::pair<const char*, std::vector<PublishedBox>>>& split) {
      return std::string(split.param.first);
    });

constexpr int kPixels = kFrameSize * kFrameSize;

// Pixels of a test image's mask.
struct MaskCounts {
  int foreground, background;
};
constexpr MaskCounts kMasks[] = {{43031, 7145}, {833, 49343}, {347, 13910}};
constexpr double kConstantPxap[] = {85.7601243622449, 1.66015625,
                                    2.433892123167567};

cv::Mat MaskOf(const MaskCounts& counts) {
  cv::Mat mask(kFrameSize, kFrameSize, CV_8UC1, cv::Scalar(kIgnoredLabel));
  std::fill_n(mask.data, counts.foreground, uint8_t{kForegroundLabel});
  std::fill_n(mask.data + counts.foreground, counts.background,
              uint8_t{kBackgroundLabel});
  return mask;
}

absl::StatusOr<double> Pxap(const cv::Mat& map, const cv::Mat& mask) {
  MaskEvaluatorOptions options;
  options.tau_interval = 0.01;
  MaskEvaluator evaluator = MaskEvaluator::Create(options).value();
  const absl::Status status = evaluator.Accumulate(map, mask);
  if (!status.ok()) return status;
  const auto metrics = evaluator.Compute();
  if (!metrics.ok()) return metrics.status();
  return metrics->pxap;
}

cv::Mat Constant(double value) {
  return cv::Mat(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(value));
}

class ProtocolPxapTest : public ::testing::TestWithParam<size_t> {};

TEST_P(ProtocolPxapTest, OfAPerfectMapIsFull) {
  const cv::Mat mask = MaskOf(kMasks[GetParam()]);
  for (const double ignored : {0.0, 1.0}) {
    cv::Mat map = Constant(0);
    map.setTo(1, mask == kForegroundLabel);
    map.setTo(ignored, mask == kIgnoredLabel);
    EXPECT_THAT(Pxap(map, mask), IsOkAndHolds(100.0));
  }
}

TEST_P(ProtocolPxapTest, OfAConstantMapIsTheShareOfForeground) {
  const cv::Mat mask = MaskOf(kMasks[GetParam()]);
  for (const double value : {0.0, 0.5, 1.0}) {
    EXPECT_THAT(Pxap(Constant(value), mask),
                IsOkAndHolds(kConstantPxap[GetParam()]));
  }
}

INSTANTIATE_TEST_SUITE_P(TestImages, ProtocolPxapTest,
                         ::testing::Values(0u, 1u, 2u));

TEST(ProtocolPxapEdgesTest, WithoutForegroundIsAnError) {
  for (const double value : {0.0, 1.0}) {
    EXPECT_THAT(Pxap(Constant(value), MaskOf({0, kPixels})),
                StatusIs(StatusCode::kFailedPrecondition));
  }
}

TEST(ProtocolPxapEdgesTest, WithForegroundAloneIsFull) {
  for (const double value : {0.0, 1.0}) {
    EXPECT_THAT(Pxap(Constant(value), MaskOf({kPixels, 0})),
                IsOkAndHolds(100.0));
  }
}

TEST(ProtocolPxapEdgesTest, OfNanIsAnError) {
  EXPECT_THAT(Pxap(Constant(std::nan("")), MaskOf(kMasks[0])),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
