#include "wsol/report_run/map_pass.h"

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/report_run/report_options.h"
#include "wsol/report_run/report_split.h"
#include "wsol/report_run/split_files.h"
#include "wsol/results/results_json.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(BestTausOfTest, PrefersTheLargestContour) {
  StoredResults results;
  EXPECT_FALSE(BestTausOf(results).box.has_value());
  results.metrics["v2/BoxAcc@50"].oracle_tau = 0.4;
  EXPECT_EQ(BestTausOf(results).box, 0.4);
  EXPECT_EQ(BestTausOf(results).box_mode, BoxMode::kAllContours);
  results.metrics["v1/BoxAcc@50"].oracle_tau = 0.2;
  results.metrics["F1"].oracle_tau = 0.3;
  EXPECT_EQ(BestTausOf(results).box, 0.2);
  EXPECT_EQ(BestTausOf(results).box_mode, BoxMode::kLargestContour);
  EXPECT_EQ(BestTausOf(results).mask, 0.3);
}

// Found: 2 pixels, one of them ignored; true: 2; both: 1.
TEST(MaskIouTest, LeavesIgnoredPixelsOut) {
  const cv::Mat map = (cv::Mat_<double>(1, 4) << 0.5, 0.9, 0.1, 0);
  const cv::Mat mask = (cv::Mat_<uint8_t>(1, 4) << 255, 1, 1, 0);
  EXPECT_DOUBLE_EQ(MaskIou(map, mask, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(MaskIou(map, cv::Mat::zeros(1, 4, CV_8UC1), 1), 0);
}

class LookAtMapsTest : public ::testing::Test {
 protected:
  LookAtMapsTest() {
    ReportOptions options;
    options.metadata_dir = files_.Path("boxes");
    options.mask_metadata_dir = files_.Path("masks");
    options.image_root = files_.Path("images");
    split_ = ReportSplit::Open(options).value();
    taus_.box = 0.5;
    taus_.mask = 0.5;
  }
  // The truth for even images, all of the image for odd ones.
  static absl::StatusOr<cv::Mat> Map(int64_t i) {
    cv::Mat map = cv::Mat::zeros(kSplitFilesSize, kSplitFilesSize, CV_32FC1);
    map(SplitFiles::Object(static_cast<int>(i))).setTo(1);
    if (i % 2 == 1) map.setTo(1);
    return map;
  }

  SplitFiles files_;
  std::unique_ptr<ReportSplit> split_;
  RunTaus taus_;
};

TEST_F(LookAtMapsTest, MeasuresEachImage) {
  for (const int threads : {1, 3}) {
    MapPassOptions options;
    options.num_threads = threads;
    std::atomic<int> count = 0;
    options.on_image = [&count] { ++count; };
    const absl::StatusOr<MapPass> pass =
        LookAtMaps(4, Map, split_.get(), taus_, options);
    ASSERT_THAT(pass, IsOk());
    EXPECT_EQ(count, 4);
    ASSERT_EQ(pass->box_ious.size(), 4u);
    EXPECT_GT(pass->box_ious[0], 0.9);
    EXPECT_LT(pass->box_ious[1], 0.3);
    EXPECT_GT(pass->mask_ious[2], 0.97);
    EXPECT_DOUBLE_EQ(pass->mask_ious[3], 0.25);
    EXPECT_TRUE(pass->histogram.has_masks());
    // Of images 1 and 3 all pixels, of 0 and 2 a quarter but its soft edge.
    EXPECT_NEAR(static_cast<double>(pass->histogram.all[49]), 2.5 * 224 * 224,
                2000);
  }
}

TEST_F(LookAtMapsTest, DoesWithoutASplit) {
  const absl::StatusOr<MapPass> pass =
      LookAtMaps(2, Map, /*split=*/nullptr, taus_, {});
  ASSERT_THAT(pass, IsOk());
  EXPECT_TRUE(pass->box_ious.empty());
  EXPECT_TRUE(pass->mask_ious.empty());
  EXPECT_FALSE(pass->histogram.has_masks());
  EXPECT_GT(pass->histogram.all[49], 224 * 224);
}

TEST_F(LookAtMapsTest, StopsForErrorsAndWhenAsked) {
  const auto bad = [](int64_t i) -> absl::StatusOr<cv::Mat> {
    if (i < 2) return Map(i);
    return absl::DataLossError(absl::StrCat("map ", i));
  };
  EXPECT_THAT(LookAtMaps(4, bad, split_.get(), taus_, {}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("map 2")));
  MapPassOptions options;
  options.should_stop = [] { return true; };
  EXPECT_THAT(LookAtMaps(4, Map, split_.get(), taus_, options),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace wsol
