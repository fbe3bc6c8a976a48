// Equality with the published evaluators on the splits of metrics.json.

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/classification_evaluator.h"
#include "wsol/metrics/golden_split.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/predicted_boxes.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::DoubleNear;
using ::testing::IsOk;
using ::vision::Box;

// {inclusive x0, y0, x1, y1} as the files write boxes.
std::vector<int> Inclusive(const Box& box) {
  return {box.x0, box.y0, box.x1 - 1, box.y1 - 1};
}

// CRC-32 over little-endian int32.
uint32_t Crc32(const std::vector<int64_t>& counts) {
  const std::vector<int32_t> values(counts.begin(), counts.end());
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(values.data()),
            static_cast<uInt>(values.size() * sizeof(int32_t))));
}

int64_t Sum(const std::vector<int64_t>& counts) {
  int64_t sum = 0;
  for (const int64_t count : counts) sum += count;
  return sum;
}

std::vector<Box> FrameBoxes(const GoldenImage& image) {
  std::vector<Box> boxes;
  for (const Box& box : image.boxes) {
    boxes.push_back(BoxToFrame(box, image.width, image.height).value());
  }
  return boxes;
}

const std::vector<GoldenImage>& Split(const json& inputs) {
  static auto* const splits =
      new std::map<std::tuple<unsigned, int, int>, std::vector<GoldenImage>>;
  const unsigned seed = inputs.at("seed");
  const int count = inputs.at("n"), num_classes = inputs.at("K");
  auto [it, is_new] = splits->try_emplace({seed, count, num_classes});
  if (is_new) it->second = MakeGoldenSplit(seed, count, num_classes);
  return it->second;
}

struct SplitMetrics {
  BoxMetrics boxes;
  ClassificationMetrics classification;
};

// Both ways of choosing boxes at once; computed once for each split.
const SplitMetrics& EvaluateBoxes(const json& inputs) {
  static auto* const known =
      new std::map<std::pair<unsigned, double>, SplitMetrics>;
  const double interval = inputs.at("interval");
  auto [it, is_new] = known->try_emplace({inputs.at("seed"), interval});
  if (!is_new) return it->second;
  BoxEvaluatorOptions options;
  options.tau_interval = interval;
  options.iou_percents = inputs.at("iou_percent").get<std::vector<int>>();
  BoxEvaluator evaluator = BoxEvaluator::Create(options).value();
  ClassificationEvaluator classification;
  for (const GoldenImage& image : Split(inputs)) {
    const int rank = RankOfClass(image.class_scores, image.label).value();
    EXPECT_THAT(evaluator.Accumulate(image.score_map, FrameBoxes(image), rank),
                IsOk());
    EXPECT_THAT(classification.Accumulate(rank), IsOk());
  }
  it->second = {evaluator.Compute().value(), classification.Compute().value()};
  return it->second;
}

// Calls `check` with the inputs and the expectation of each case whose id has
// `infix`; returns their number.
template <typename F>
int ForEachCase(const std::string& infix, F check) {
  const json golden =
      ::testing::ReadTestJson("wsol/metrics/testdata/metrics.json");
  int count = 0;
  for (const json& c : golden.at("cases")) {
    const std::string id = c.at("id");
    if (!absl::StrContains(id, infix)) continue;
    SCOPED_TRACE(id);
    check(c.at("inputs"), c.at("expect"));
    ++count;
  }
  return count;
}

void CheckBoxAccuracy(const json& expect, const BoxAccuracy& accuracy) {
  const std::string iou = absl::StrCat(accuracy.iou_percent);
  SCOPED_TRACE(absl::StrCat("IoU ", iou));
  const auto percent = [&](const char* key) {
    return DoubleNear(expect.at(key).at(iou), 1e-9);
  };
  EXPECT_THAT(accuracy.max_accuracy, percent("max_box_acc"));
  EXPECT_EQ(accuracy.best_tau, expect.at("best_tau").at(iou).get<double>());
  EXPECT_THAT(accuracy.top1_localization.value(), percent("top1_loc"));
  EXPECT_THAT(accuracy.top5_localization.value(), percent("top5_loc"));
  const json& counts = expect.at("counts").at(iou);
  for (const json& at : counts.at("at")) {
    EXPECT_EQ(accuracy.correct[at.at(0)], at.at(1).get<int64_t>());
  }
  EXPECT_EQ(Sum(accuracy.correct), counts.at("sum").get<int64_t>());
  EXPECT_EQ(Crc32(accuracy.correct), counts.at("counts_crc32").get<uint32_t>());
  EXPECT_EQ(Sum(accuracy.top1_correct), counts.at("top1_sum").get<int64_t>());
  EXPECT_EQ(Sum(accuracy.top5_correct), counts.at("top5_sum").get<int64_t>());
}

TEST(MetricsGoldenTest, BoxAccuraciesOfSplits) {
  const int count =
      ForEachCase("/box-", [](const json& inputs, const json& expect) {
        const SplitMetrics& split = EvaluateBoxes(inputs);
        const BoxMetrics& metrics = split.boxes;
        const bool is_v2 = inputs.at("multi_contour");
        EXPECT_THAT(is_v2 ? metrics.max_box_acc_v2 : metrics.max_box_acc,
                    DoubleNear(expect.at("reported"), 1e-9));
        for (const BoxAccuracy& accuracy : metrics.ByIou(
                 is_v2 ? BoxMode::kAllContours : BoxMode::kLargestContour)) {
          CheckBoxAccuracy(expect, accuracy);
        }
        EXPECT_THAT(split.classification.top1_accuracy,
                    DoubleNear(expect.at("classification"), 1e-9));
      });
  EXPECT_EQ(count, 8);
}

TEST(MetricsGoldenTest, BoxesOfMaps) {
  const int count = ForEachCase("/boxes-", [](const json& inputs,
                                              const json& expect) {
    for (const GoldenImage& image : Split(inputs)) {
      if (image.id != inputs.at("image").get<std::string>()) continue;
      const std::vector<Box> truth = FrameBoxes(image);
      std::vector<std::vector<int>> scaled;
      for (const Box& box : truth) scaled.push_back(Inclusive(box));
      EXPECT_EQ(json(scaled), expect.at("scaled_gt"));
      for (const json& at : expect.at("thresholds")) {
        const double tau = at.at("tau");
        SCOPED_TRACE(absl::StrCat("tau ", tau));
        const auto all =
            PredictBoxes(image.score_map, tau, BoxMode::kAllContours).value();
        std::vector<std::vector<int>> sorted;
        for (const Box& box : all) sorted.push_back(Inclusive(box));
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(sorted.size(), at.at("n_contours").get<size_t>());
        sorted.resize(std::min<size_t>(sorted.size(), 40));
        EXPECT_EQ(json(sorted), at.at("all_sorted_first40"));
        EXPECT_THAT(BestMatch(all, truth).iou,
                    DoubleNear(at.at("max_iou_all"), 1e-12));

        const auto largest =
            PredictBoxes(image.score_map, tau, BoxMode::kLargestContour)
                .value();
        ASSERT_EQ(largest.size(), 1u);
        EXPECT_EQ(json(Inclusive(largest[0])), at.at("largest"));
        EXPECT_THAT(BestMatch(largest, truth).iou,
                    DoubleNear(at.at("max_iou_largest"), 1e-12));
      }
    }
  });
  EXPECT_EQ(count, 10);
}

void CheckMasks(const json& expect, const GoldenImage& image,
                const cv::Mat& mask) {
  if (!expect.contains("masks_bg_fg_ignored_crc32")) return;
  int64_t counts[256] = {};
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) ++counts[mask.at<uint8_t>(y, x)];
  }
  const json& figures = expect.at("masks_bg_fg_ignored_crc32").at(image.id);
  EXPECT_EQ(counts[kBackgroundLabel], figures.at(0).get<int64_t>());
  EXPECT_EQ(counts[kForegroundLabel], figures.at(1).get<int64_t>());
  EXPECT_EQ(counts[kIgnoredLabel], figures.at(2).get<int64_t>());
  EXPECT_EQ(crc32(0, mask.data, static_cast<uInt>(mask.total())),
            figures.at(3).get<uLong>());
}

TEST(MetricsGoldenTest, PixelAveragePrecisionOfSplits) {
  const int count = ForEachCase("/mask-", [](const json& inputs,
                                             const json& expect) {
    MaskEvaluatorOptions options;
    options.tau_interval = inputs.at("interval");
    MaskEvaluator evaluator = MaskEvaluator::Create(options).value();
    for (const GoldenImage& image : Split(inputs)) {
      const cv::Mat mask = MakeFrameMask(image.masks, image.ignore).value();
      CheckMasks(expect, image, mask);
      ASSERT_THAT(evaluator.Accumulate(image.score_map, mask), IsOk());
    }
    const MaskMetrics metrics = evaluator.Compute().value();
    EXPECT_THAT(metrics.pxap, DoubleNear(expect.at("pxap"), 1e-9));
    EXPECT_EQ(metrics.num_foreground_pixels,
              expect.at("positives").get<int64_t>());
    EXPECT_EQ(metrics.num_background_pixels,
              expect.at("negatives").get<int64_t>());
    const std::vector<int64_t>& foreground = evaluator.foreground_histogram();
    const std::vector<int64_t>& background = evaluator.background_histogram();
    EXPECT_EQ(foreground.size(), expect.at("n_bins").get<size_t>());
    EXPECT_EQ(Crc32(foreground), expect.at("hist_true_crc32").get<uint32_t>());
    EXPECT_EQ(Crc32(background), expect.at("hist_false_crc32").get<uint32_t>());
    const auto last_two = [](const std::vector<int64_t>& h) {
      return json{h[h.size() - 2], h[h.size() - 1]};
    };
    EXPECT_EQ(last_two(foreground), expect.at("last_two_bins_true"));
    EXPECT_EQ(last_two(background), expect.at("last_two_bins_false"));
    for (const json& at : expect.at("precision_recall_at")) {
      const double threshold = at.at(0);
      const auto point = std::find_if(
          metrics.curve.begin(), metrics.curve.end(),
          [&](const PrecisionRecall& p) { return p.threshold == threshold; });
      ASSERT_NE(point, metrics.curve.end()) << threshold;
      EXPECT_THAT(point->precision, DoubleNear(at.at(1), 1e-10));
      EXPECT_THAT(point->recall, DoubleNear(at.at(2), 1e-10));
    }
    EXPECT_EQ(metrics.best_tau, expect.at("f1_best_tau").get<double>());
    EXPECT_THAT(metrics.best_f1, DoubleNear(expect.at("f1_best_value"), 1e-10));
  });
  EXPECT_EQ(count, 4);
}

TEST(MetricsGoldenTest, Ious) {
  const int count =
      ForEachCase("/iou", [](const json& inputs, const json& expect) {
        const auto box = [](const json& b) {
          return Box{b.at(0), b.at(1), b.at(2).get<int>() + 1,
                     b.at(3).get<int>() + 1};
        };
        const json &a = inputs.at("a"), &b = inputs.at("b");
        for (size_t i = 0; i < a.size(); ++i) {
          for (size_t j = 0; j < b.size(); ++j) {
            EXPECT_DOUBLE_EQ(vision::BoxIou(box(a[i]), box(b[j])),
                             expect.at("iou").at(i).at(j).get<double>());
          }
        }
      });
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace wsol
