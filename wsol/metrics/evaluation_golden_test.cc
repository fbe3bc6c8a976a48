// Equality with the protocol's own evaluator on the golden split of
// testdata/evaluation (its README gives the score maps).

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/classification_evaluator.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::IsOk;

std::string Path(const std::string& name) {
  return ::testing::TestDataPath(
      absl::StrCat("wsol/metrics/testdata/evaluation/", name));
}

// The comma-separated fields of each line of a metadata file.
std::vector<std::vector<std::string>> ReadRows(const std::string& name) {
  std::ifstream file(Path(name));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    rows.push_back(absl::StrSplit(line, ','));
  }
  return rows;
}

int Int(const std::string& text) {
  int value = -1;
  EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << text;
  return value;
}

class Lcg {
 public:
  explicit Lcg(uint32_t seed) : state_(seed) {}
  int Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<int>(state_ >> 16);
  }

 private:
  uint32_t state_;
};

// (a - min) / (max - min), zeros if constant; `a` holds integers.
cv::Mat ToMap(const cv::Mat& a) {
  double low = 0, high = 0;
  cv::minMaxLoc(a, &low, &high);
  cv::Mat map = cv::Mat::zeros(a.size(), CV_64FC1);
  if (low == high) return map;
  for (int y = 0; y < a.rows; ++y) {
    for (int x = 0; x < a.cols; ++x) {
      map.at<double>(y, x) = (a.at<double>(y, x) - low) / (high - low);
    }
  }
  return map;
}

cv::Mat Blobs(uint32_t seed) {
  Lcg lcg(seed);
  cv::Mat sum = cv::Mat::zeros(kFrameSize, kFrameSize, CV_64FC1);
  for (int i = 0; i < 3; ++i) {
    const int cx = lcg.Next() % 224, cy = lcg.Next() % 224;
    const int amplitude = 200 + lcg.Next() % 800, k = 20 + lcg.Next() % 300;
    for (int y = 0; y < sum.rows; ++y) {
      for (int x = 0; x < sum.cols; ++x) {
        const int d2 = (x - cx) * (x - cx) + (y - cy) * (y - cy);
        sum.at<double>(y, x) += std::max(0, amplitude * 1000 - k * d2);
      }
    }
  }
  return ToMap(sum);
}

cv::Mat Noise(uint32_t seed) {
  Lcg lcg(seed);
  cv::Mat coarse(28, 28, CV_64FC1), sum(kFrameSize, kFrameSize, CV_64FC1);
  for (int y = 0; y < coarse.rows; ++y) {
    for (int x = 0; x < coarse.cols; ++x) {
      coarse.at<double>(y, x) = lcg.Next() % 1000;
    }
  }
  for (int y = 0; y < sum.rows; ++y) {
    for (int x = 0; x < sum.cols; ++x) {
      sum.at<double>(y, x) = coarse.at<double>(y / 8, x / 8) + lcg.Next() % 200;
    }
  }
  return ToMap(sum);
}

cv::Mat ScoreMap(size_t index) {
  const uint32_t seed = static_cast<uint32_t>(index) + 1;
  return index % 8 == 7 ? Noise(seed) : Blobs(seed);
}

struct Image {
  cv::Mat score_map;
  int width = 0, height = 0, rank = 0;
  std::vector<vision::Box> boxes;
};

std::vector<Image> ReadBoxSplit() {
  const std::string folder = "metadata/SynthBox/test/";
  std::vector<Image> images;
  std::map<std::string, size_t> index_of;
  for (const auto& row : ReadRows(folder + "image_ids.txt")) {
    index_of[row[0]] = images.size();
    images.push_back({});
    images.back().score_map = ScoreMap(images.size() - 1);
  }
  for (const auto& row : ReadRows(folder + "image_sizes.txt")) {
    images[index_of.at(row[0])].width = Int(row[1]);
    images[index_of.at(row[0])].height = Int(row[2]);
  }
  for (const auto& row : ReadRows(folder + "localization.txt")) {
    images[index_of.at(row[0])].boxes.push_back(
        {Int(row[1]), Int(row[2]), Int(row[3]) + 1, Int(row[4]) + 1});
  }
  std::map<std::string, std::string> label_of;
  for (const auto& row : ReadRows(folder + "class_labels.txt")) {
    label_of[row[0]] = row[1];
  }
  for (const auto& row : ReadRows(folder + "predictions.txt")) {
    images[index_of.at(row[0])].rank = static_cast<int>(
        std::find(row.begin() + 1, row.end(), label_of.at(row[0])) -
        row.begin() - 1);
  }
  return images;
}

void CheckMode(const json& expect, const BoxMetrics& metrics, BoxMode mode,
               size_t stride) {
  double mean = 0;
  for (const BoxAccuracy& accuracy : metrics.ByIou(mode)) {
    const std::string iou = absl::StrCat(accuracy.iou_percent);
    SCOPED_TRACE(iou);
    EXPECT_EQ(accuracy.max_accuracy, expect.at("max_box_acc").at(iou));
    EXPECT_EQ(accuracy.best_tau, expect.at("best_tau_first").at(iou));
    EXPECT_EQ(accuracy.top1_localization.value(),
              expect.at("top1_loc").at(iou));
    EXPECT_EQ(accuracy.top5_localization.value(),
              expect.at("top5_loc").at(iou));
    const json& curve = expect.at("curve_every_100th_or_10th").at(iou);
    for (size_t i = 0; i < curve.size(); ++i) {
      EXPECT_EQ(accuracy.correct[i * stride], curve[i].get<int64_t>()) << i;
    }
    mean += accuracy.max_accuracy / 3;
  }
  EXPECT_DOUBLE_EQ(mean, expect.at("v2_mean").get<double>());
}

TEST(EvaluationGoldenTest, BoxSplit) {
  const json expected =
      ::testing::ReadTestJson("wsol/metrics/testdata/evaluation/expected.json");
  const std::vector<Image> images = ReadBoxSplit();
  ASSERT_EQ(images.size(), expected.at("images_box").get<size_t>());
  for (const char* const interval : {"0.001", "0.01"}) {
    SCOPED_TRACE(interval);
    LocalizationEvaluatorOptions options;
    ASSERT_TRUE(absl::SimpleAtod(interval, &options.boxes.tau_interval));
    LocalizationEvaluator evaluator =
        LocalizationEvaluator::Create(options).value();
    ClassificationEvaluator classification;
    std::vector<int64_t> hits_largest, hits_all;
    for (const Image& image : images) {
      LocalizationSample sample;
      sample.score_map = image.score_map;
      sample.width = image.width;
      sample.height = image.height;
      sample.boxes = image.boxes;
      sample.true_class_rank = image.rank;
      // An evaluator for each image gives its own counts.
      auto single = LocalizationEvaluator::Create(options).value();
      ASSERT_THAT(single.Accumulate(sample), IsOk());
      const BoxMetrics one = *single.Compute()->boxes;
      const auto hits = [&](BoxMode mode) {
        const auto& correct = one.Find(mode, 50)->correct;
        return std::count(correct.begin(), correct.end(), 1);
      };
      hits_largest.push_back(hits(BoxMode::kLargestContour));
      hits_all.push_back(hits(BoxMode::kAllContours));
      ASSERT_THAT(evaluator.Merge(single), IsOk());
      ASSERT_THAT(classification.Accumulate(image.rank), IsOk());
    }
    const BoxMetrics metrics = *evaluator.Compute()->boxes;
    const size_t stride = metrics.taus.size() / 10;
    const std::string suffix = absl::StrCat("/interval=", interval);
    const json& all = expected.at("box").at("all" + suffix);
    const json& largest = expected.at("box").at("largest" + suffix);
    CheckMode(all, metrics, BoxMode::kAllContours, stride);
    CheckMode(largest, metrics, BoxMode::kLargestContour, stride);
    EXPECT_EQ(json(hits_all), all.at("best_image_iou50_hits"));
    EXPECT_EQ(json(hits_largest), largest.at("best_image_iou50_hits"));
    EXPECT_EQ(metrics.max_box_acc, largest.at("max_box_acc").at("50"));
    EXPECT_DOUBLE_EQ(metrics.max_box_acc_v2, all.at("v2_mean").get<double>());
    EXPECT_EQ(classification.Compute()->top1_accuracy, all.at("top1_cls"));
    EXPECT_EQ(classification.Compute()->top5_accuracy, all.at("top5_cls"));
  }
}

TEST(EvaluationGoldenTest, MaskSplit) {
  const json expected =
      ::testing::ReadTestJson("wsol/metrics/testdata/evaluation/expected.json");
  const std::string folder = "metadata/SynthMask/test/";
  std::map<std::string, std::vector<cv::Mat>> instances;
  std::map<std::string, cv::Mat> ignore;
  for (const auto& row : ReadRows(folder + "localization.txt")) {
    instances[row[0]].push_back(
        vision::ReadGray(Path(absl::StrCat("masks/", row[1]))).value());
    if (row[2].empty()) continue;
    ignore[row[0]] =
        vision::ReadGray(Path(absl::StrCat("masks/", row[2]))).value();
  }
  for (const char* const interval : {"0.001", "0.01"}) {
    SCOPED_TRACE(interval);
    LocalizationEvaluatorOptions options;
    ASSERT_TRUE(absl::SimpleAtod(interval, &options.masks.tau_interval));
    LocalizationEvaluator evaluator =
        LocalizationEvaluator::Create(options).value();
    size_t index = 0;
    for (const auto& row : ReadRows(folder + "image_ids.txt")) {
      LocalizationSample sample;
      sample.id = row[0];
      sample.score_map = ScoreMap(index++);
      sample.mask = MakeFrameMask(instances.at(row[0]), ignore[row[0]]).value();
      const json& counts = expected.at("mask_counts").at(row[0]);
      EXPECT_EQ(cv::countNonZero(sample.mask == kForegroundLabel), counts[0]);
      EXPECT_EQ(cv::countNonZero(sample.mask == kBackgroundLabel), counts[1]);
      EXPECT_EQ(cv::countNonZero(sample.mask == kIgnoredLabel), counts[2]);
      ASSERT_THAT(evaluator.Accumulate(sample), IsOk());
    }
    EXPECT_EQ(index, expected.at("images_mask").get<size_t>());
    const MaskMetrics metrics = *evaluator.Compute()->masks;
    const std::string key = absl::StrCat("interval=", interval);
    EXPECT_DOUBLE_EQ(metrics.pxap, expected.at("pxap").at(key).get<double>());
    EXPECT_EQ(metrics.num_foreground_pixels,
              expected.at("pxap").at(absl::StrCat(key, " positives")));
  }
}

}  // namespace
}  // namespace wsol
