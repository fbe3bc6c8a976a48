#include "wsol/metrics/mask_evaluator.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::DoubleNear;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr int kPixels = kFrameSize * kFrameSize;

MaskEvaluator MakeEvaluator(double interval = 0.01) {
  MaskEvaluatorOptions options;
  options.tau_interval = interval;
  return MaskEvaluator::Create(options).value();
}

cv::Mat ConstantMap(double value) {
  return cv::Mat(kFrameSize, kFrameSize, CV_64FC1, cv::Scalar(value));
}

// `foreground`, then `background` pixels, the rest ignored.
cv::Mat MaskOf(int foreground, int background) {
  cv::Mat mask(kFrameSize, kFrameSize, CV_8UC1, cv::Scalar(kIgnoredLabel));
  std::fill_n(mask.data, foreground, uint8_t{kForegroundLabel});
  std::fill_n(mask.data + foreground, background, uint8_t{kBackgroundLabel});
  return mask;
}

double PxapOf(const cv::Mat& map, const cv::Mat& mask) {
  MaskEvaluator evaluator = MakeEvaluator();
  EXPECT_THAT(evaluator.Accumulate(map, mask), IsOk());
  return evaluator.Compute()->pxap;
}

TEST(MaskEvaluatorTest, MatchesHandComputedCurve) {
  // Foreground scores .9 and .6, background .6 and .1; the rest is ignored.
  cv::Mat map = ConstantMap(0);
  const double scores[] = {.9, .6, .6, .1};
  std::copy_n(scores, 4, map.ptr<double>(0));
  MaskEvaluator evaluator = MakeEvaluator(0.25);
  ASSERT_THAT(evaluator.Accumulate(map, MaskOf(2, 2)), IsOk());
  const MaskMetrics metrics = evaluator.Compute().value();
  EXPECT_EQ(metrics.num_images, 1);
  EXPECT_EQ(metrics.num_foreground_pixels, 2);
  EXPECT_EQ(metrics.num_background_pixels, 2);
  // Thresholds .75: P 1, R 1/2; .5: P 2/3, R 1; .25: the same; 0: P 1/2, R 1.
  // Nothing reaches 1.
  ASSERT_EQ(metrics.curve.size(), 4u);
  EXPECT_EQ(metrics.curve[0].threshold, 0);
  EXPECT_EQ(metrics.curve[0].precision, 0.5);
  EXPECT_EQ(metrics.curve[2].threshold, 0.5);
  EXPECT_EQ(metrics.curve[2].precision, 2.0 / 3);
  EXPECT_EQ(metrics.curve[2].true_positives, 2);
  EXPECT_EQ(metrics.curve[2].false_positives, 1);
  EXPECT_EQ(metrics.curve[3].recall, 0.5);
  EXPECT_DOUBLE_EQ(metrics.pxap, 100 * (0.5 + 0.5 * 2 / 3));
  // F1 at .25 and .5 is 2 * 2 / (2 + 3) = .8; .75: 2 / 3; 0: 2 / 3. IoU 2 / 3.
  EXPECT_EQ(metrics.best_tau, 0.25);
  EXPECT_EQ(metrics.best_f1, 0.8);
  EXPECT_EQ(metrics.best_iou, 2.0 / 3);
}

TEST(MaskEvaluatorTest, MatchesTheProtocolsOwnCases) {
  for (const double value : {0.0, 0.5, 1.0}) {
    SCOPED_TRACE(value);
    const cv::Mat map = ConstantMap(value);
    EXPECT_EQ(PxapOf(map, MaskOf(43031, 7145)), 85.7601243622449);
    EXPECT_EQ(PxapOf(map, MaskOf(833, 49343)), 1.66015625);
    EXPECT_EQ(PxapOf(map, MaskOf(347, 13910)), 2.433892123167567);
    EXPECT_EQ(PxapOf(map, MaskOf(kPixels, 0)), 100);
    MaskEvaluator evaluator = MakeEvaluator();
    ASSERT_THAT(evaluator.Accumulate(map, MaskOf(0, kPixels)), IsOk());
    EXPECT_THAT(evaluator.Compute(),
                StatusIs(StatusCode::kFailedPrecondition,
                         HasSubstr("got no foreground pixel in the masks of 1 "
                                   "images")));
  }
}

TEST(MaskEvaluatorTest, APerfectMapHasFullScore) {
  // Whatever it says about ignored pixels.
  for (const double ignored : {0.0, 1.0}) {
    const cv::Mat mask = MaskOf(347, 13910);
    cv::Mat map = ConstantMap(0);
    map.setTo(1, mask == kForegroundLabel);
    map.setTo(ignored, mask == kIgnoredLabel);
    EXPECT_EQ(PxapOf(map, mask), 100);
  }
}

TEST(MaskEvaluatorTest, BinsAreHalfOpenAndOneHasItsOwn) {
  MaskEvaluator evaluator = MakeEvaluator();
  cv::Mat map = ConstantMap(0);
  // 0.29 = 29 * 0.01 is an edge whose quotient by 0.01 is below 29.
  const double scores[] = {29 * 0.01, std::nextafter(29 * 0.01, 0),
                           std::nextafter(1.0, 0), 1};
  std::copy_n(scores, 4, map.ptr<double>(0));
  ASSERT_THAT(evaluator.Accumulate(map, MaskOf(4, 0)), IsOk());
  const std::vector<int64_t>& histogram = evaluator.foreground_histogram();
  ASSERT_EQ(histogram.size(), 102u);
  EXPECT_EQ(histogram[29], 1);
  EXPECT_EQ(histogram[28], 1);
  EXPECT_EQ(histogram[99], 1);
  EXPECT_EQ(histogram[100], 1);
  EXPECT_EQ(histogram[101], 0);
}

TEST(MaskEvaluatorTest, BinsMatchASearchOfTheEdges) {
  for (const double interval : {0.001, 0.004, 0.3, 0.07}) {
    MaskEvaluator evaluator = MakeEvaluator(interval);
    std::vector<double> edges = TauList(interval);
    edges.insert(edges.end(), {1, 2, 3});
    std::vector<int64_t> expected(edges.size() - 1, 0);
    vision::Rng rng(5);
    cv::Mat map(kFrameSize, kFrameSize, CV_64FC1);
    for (int i = 0; i < kPixels; ++i) {
      // Half of the scores are edges.
      const double score = rng.Bernoulli(0.5)
                               ? rng.Uniform()
                               : edges[rng.UniformInt(edges.size() - 2)];
      map.ptr<double>()[i] = score;
      ++expected[static_cast<size_t>(
          std::upper_bound(edges.begin(), edges.end(), score) - edges.begin() -
          1)];
    }
    ASSERT_THAT(evaluator.Accumulate(map, MaskOf(kPixels, 0)), IsOk());
    EXPECT_EQ(evaluator.foreground_histogram(), expected) << interval;
  }
}

TEST(MaskEvaluatorTest, MatchesThePublishedCodeOnTwoObjects) {
  // Sections 14.4 and 14.5 of the behaviour specification.
  cv::Mat map(kFrameSize, kFrameSize, CV_64FC1);
  const auto square = [](double v) { return v * v; };
  for (int y = 0; y < kFrameSize; ++y) {
    for (int x = 0; x < kFrameSize; ++x) {
      map.at<double>(y, x) = std::max(
          std::exp(-(square((x - 60) / 20.0) + square((y - 80) / 30.0))),
          .7 *
              std::exp(-(square((x - 170) / 15.0) + square((y - 150) / 25.0))));
    }
  }
  double low = 0, high = 0;
  cv::minMaxLoc(map, &low, &high);
  for (double& v : cv::Mat_<double>(map)) v = (v - low) / (high - low);
  cv::Mat m1 = cv::Mat::zeros(448, 448, CV_8UC1), m2 = m1.clone(),
          ignore = m1.clone();
  m1(cv::Range(100, 300), cv::Range(120, 330)).setTo(255);
  m2(cv::Range(20, 60), cv::Range(20, 60)).setTo(255);
  ignore(cv::Range(280, 400), cv::Range(280, 420)).setTo(255);
  const cv::Mat mask =
      MakeFrameMask(std::vector<cv::Mat>{m1, m2}, ignore).value();

  const auto pxap = [&](double scale, double interval) {
    cv::Mat scaled = map.clone();
    for (double& v : cv::Mat_<double>(scaled)) v *= scale;
    MaskEvaluator evaluator = MakeEvaluator(interval);
    EXPECT_THAT(evaluator.Accumulate(scaled, mask), IsOk());
    return evaluator.Compute()->pxap;
  };
  EXPECT_THAT(pxap(1, 0.001), DoubleNear(35.62070657, 5e-9));
  EXPECT_THAT(pxap(1, 0.01), DoubleNear(32.86054467, 5e-9));
  EXPECT_THAT(pxap(.9, 0.001), DoubleNear(35.51570888, 5e-9));
  EXPECT_THAT(pxap(.9, 0.01), DoubleNear(32.71804814, 5e-9));
}

TEST(MaskEvaluatorTest, MergeEqualsOneStream) {
  MaskEvaluator one = MakeEvaluator(), a = MakeEvaluator(), b = MakeEvaluator();
  for (int i = 0; i < 4; ++i) {
    const cv::Mat map = ConstantMap(i / 4.0), mask = MaskOf(100 * i, 5000);
    ASSERT_THAT(one.Accumulate(map, mask), IsOk());
    ASSERT_THAT((i < 1 ? a : b).Accumulate(map, mask), IsOk());
  }
  ASSERT_THAT(a.Merge(b), IsOk());
  EXPECT_EQ(a.foreground_histogram(), one.foreground_histogram());
  EXPECT_EQ(a.background_histogram(), one.background_histogram());
  EXPECT_EQ(a.Compute()->pxap, one.Compute()->pxap);
  EXPECT_EQ(a.Compute()->num_images, 4);
  EXPECT_THAT(a.Merge(MakeEvaluator(0.1)),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got tau_interval 0.1, expected 0.01")));
}

TEST(MaskEvaluatorTest, RejectsBadSamplesAndOptions) {
  MaskEvaluator evaluator = MakeEvaluator();
  cv::Mat map = ConstantMap(0);
  map.at<double>(0, 0) = std::nan("");
  EXPECT_THAT(evaluator.Accumulate(map, MaskOf(10, 10)),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got nan")));
  EXPECT_THAT(
      evaluator.Accumulate(ConstantMap(0), cv::Mat::zeros(8, 8, CV_8UC1)),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("got 8 x 8")));
  MaskEvaluatorOptions options;
  options.tau_interval = 1;
  EXPECT_THAT(MaskEvaluator::Create(options),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got 1")));
  EXPECT_THAT(evaluator.Compute(),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("0 images")));
}

TEST(MaskEvaluatorTest, CurveHasF1AndIou) {
  cv::Mat map = ConstantMap(0);
  const double scores[] = {.9, .6, .6, .1};
  std::copy_n(scores, 4, map.ptr<double>(0));
  MaskEvaluator evaluator = MakeEvaluator(0.25);
  ASSERT_THAT(evaluator.Accumulate(map, MaskOf(2, 2)), IsOk());
  const MaskMetrics metrics = evaluator.Compute().value();
  // At .5: two found rightly and one wrongly, none missed.
  EXPECT_EQ(metrics.curve[2].f1, 0.8);
  EXPECT_EQ(metrics.curve[2].iou, 2.0 / 3);
  // At .75: one of two found.
  EXPECT_EQ(metrics.curve[3].f1, 2.0 / 3);
  EXPECT_EQ(metrics.curve[3].iou, 0.5);
  EXPECT_DOUBLE_EQ(metrics.piou, 200.0 / 3);
}

TEST(MaskEvaluatorTest, NativeMapsHaveAnySize) {
  MaskEvaluatorOptions options;
  options.mode = EvaluationMode::kNative;
  MaskEvaluator evaluator = MaskEvaluator::Create(options).value();
  const cv::Mat map = (cv::Mat_<double>(1, 3) << 0.9, 0.5, 0.2);
  const cv::Mat mask = (cv::Mat_<uint8_t>(1, 3) << 1, 255, 0);
  ASSERT_THAT(evaluator.Accumulate(map, mask), IsOk());
  // Part of a larger matrix: rows are not contiguous.
  const cv::Mat large(5, 5, CV_64FC1, cv::Scalar(0.1));
  const cv::Mat labels(9, 9, CV_8UC1, cv::Scalar(kBackgroundLabel));
  ASSERT_THAT(evaluator.Accumulate(large(cv::Rect(1, 1, 3, 2)),
                                   labels(cv::Rect(2, 2, 3, 2))),
              IsOk());
  const MaskMetrics metrics = evaluator.Compute().value();
  EXPECT_EQ(metrics.num_foreground_pixels, 1);
  EXPECT_EQ(metrics.num_background_pixels, 7);
  EXPECT_EQ(metrics.pxap, 100);
  EXPECT_THAT(evaluator.Accumulate(map, MaskOf(1, 1)),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got 224 x 224 pixels of OpenCV type 0, "
                                 "expected 3 x 1")));
}

MaskEvaluator MakeKeeper() {
  MaskEvaluatorOptions options;
  options.tau_interval = 0.01;
  options.keep_images = true;
  return MaskEvaluator::Create(options).value();
}

TEST(MaskEvaluatorTest, KeptHistogramsAddUp) {
  MaskEvaluator plain = MakeEvaluator(), keeper = MakeKeeper();
  vision::Rng rng(2);
  for (int i = 0; i < 3; ++i) {
    cv::Mat map = ConstantMap(0);
    for (double& v : cv::Mat_<double>(map)) v = rng.Uniform();
    const cv::Mat mask = MaskOf(500 * i, 10000);
    ASSERT_THAT(plain.Accumulate(map, mask), IsOk());
    ImageInfo info;
    info.id = std::string(1, static_cast<char>('c' - i));
    ASSERT_THAT(keeper.Accumulate(map, mask, info), IsOk());
  }
  const MaskMetrics metrics = keeper.Compute().value();
  EXPECT_EQ(metrics.pxap, plain.Compute()->pxap);
  ASSERT_EQ(metrics.images.size(), 3u);
  EXPECT_EQ(metrics.images[0].info.id, "a");
  PixelCounts sum(102);
  for (const MaskImage& image : metrics.images) image.histogram.AddTo(&sum);
  EXPECT_EQ(sum.foreground, plain.foreground_histogram());
  EXPECT_EQ(sum.background, plain.background_histogram());
  EXPECT_EQ(ComputeMaskMetrics(sum, 0.01)->pxap, metrics.pxap);
  EXPECT_THAT(
      keeper.Accumulate(ConstantMap(0), MaskOf(1, 1)),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("image id: got none")));
}

TEST(MaskEvaluatorTest, SerializedStatesMergeAsEvaluatorsDo) {
  MaskEvaluator one = MakeKeeper(), a = MakeKeeper(), b = MakeKeeper();
  for (int i = 0; i < 4; ++i) {
    ImageInfo info;
    info.id = std::to_string(i);
    const cv::Mat map = ConstantMap(i / 4.0), mask = MaskOf(100 * i, 5000);
    ASSERT_THAT(one.Accumulate(map, mask, info), IsOk());
    ASSERT_THAT((i < 1 ? a : b).Accumulate(map, mask, info), IsOk());
  }
  MaskEvaluator merged = MaskEvaluator::Parse(b.Serialize()).value();
  ASSERT_THAT(merged.Merge(MaskEvaluator::Parse(a.Serialize()).value()),
              IsOk());
  EXPECT_EQ(merged.foreground_histogram(), one.foreground_histogram());
  const MaskMetrics x = merged.Compute().value(), y = one.Compute().value();
  EXPECT_EQ(x.pxap, y.pxap);
  EXPECT_EQ(x.num_images, 4);
  ASSERT_EQ(x.images.size(), y.images.size());
  for (size_t i = 0; i < x.images.size(); ++i) {
    EXPECT_TRUE(x.images[i].info == y.images[i].info);
    EXPECT_EQ(x.images[i].histogram.encoded(), y.images[i].histogram.encoded());
  }
  std::string bytes = one.Serialize();
  bytes[30] = static_cast<char>(bytes[30] ^ 1);
  EXPECT_THAT(MaskEvaluator::Parse(bytes), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(one.Merge(MakeEvaluator()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got mode protocol and keep_images 0")));
}

TEST(ComputeMaskMetricsTest, RejectsOtherNumbersOfBins) {
  EXPECT_THAT(ComputeMaskMetrics(PixelCounts(7), 0.25),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("got 7 and 7 bins, expected 6")));
}

}  // namespace
}  // namespace wsol
