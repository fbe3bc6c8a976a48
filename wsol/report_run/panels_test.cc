#include "wsol/report_run/panels.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/image/overlay.h"
#include "wsol/report/report.h"
#include "wsol/report_run/map_pass.h"
#include "wsol/report_run/report_options.h"
#include "wsol/report_run/report_split.h"
#include "wsol/report_run/split_files.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

int Count(const cv::Mat& rgb, vision::RgbColor color) {
  int count = 0;
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      count += rgb.at<cv::Vec3b>(y, x) ==
               cv::Vec3b(color.red, color.green, color.blue);
    }
  }
  return count;
}

class PanelsTest : public ::testing::Test {
 protected:
  PanelsTest() {
    ReportOptions options;
    options.metadata_dir = files_.Path("boxes");
    options.mask_metadata_dir = files_.Path("masks");
    options.image_root = files_.Path("images");
    split_ = ReportSplit::Open(options).value();
    run_.label = "Run";
    run_.taus.box = 0.5;
    run_.taus.mask = 0.5;
    run_.map_of = [](int64_t i) -> absl::StatusOr<cv::Mat> {
      cv::Mat map = cv::Mat::zeros(kSplitFilesSize, kSplitFilesSize, CV_32FC1);
      map(SplitFiles::Object(static_cast<int>(i))).setTo(0.8);
      return map;
    };
  }

  SplitFiles files_;
  std::unique_ptr<ReportSplit> split_;
  PanelRun run_;
};

TEST_F(PanelsTest, ShowsTruthAndWhatIsFound) {
  const absl::StatusOr<PanelRow> row = MakePanelRow(*split_, 0, {run_});
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->title, "a");
  EXPECT_EQ(row->note, "a/0.png");
  ASSERT_EQ(row->pictures.size(), 2u);
  EXPECT_EQ(row->pictures[0].rgb.size(), cv::Size(256, 256));
  EXPECT_GT(Count(row->pictures[0].rgb, kPanelTruthColor), 300);
  EXPECT_EQ(Count(row->pictures[0].rgb, kPanelFoundColor), 0);
  EXPECT_EQ(row->pictures[1].label, "Run");
  EXPECT_THAT(row->pictures[1].note, HasSubstr("box IoU 0.9"));
  EXPECT_GT(Count(row->pictures[1].rgb, kPanelFoundColor), 300);
}

TEST_F(PanelsTest, FollowsWhatTheRunHasThresholdsFor) {
  run_.taus.box.reset();
  absl::StatusOr<PanelRow> row = MakePanelRow(*split_, 1, {run_});
  ASSERT_THAT(row, IsOk());
  // Next to the edge 0.8 (1/2 + 1/7) = 0.51 inside and 0.29 outside.
  EXPECT_EQ(row->pictures[1].note, "mask IoU 1.00");
  run_.taus.mask.reset();
  row = MakePanelRow(*split_, 1, {run_});
  ASSERT_THAT(row, IsOk());
  EXPECT_EQ(row->pictures[1].note, "");
  EXPECT_EQ(Count(row->pictures[1].rgb, kPanelFoundColor), 0);
}

TEST_F(PanelsTest, MakesBlocksAndPictures) {
  std::vector<PanelRow> rows;
  for (const int64_t i : {0, 3}) {
    rows.push_back(MakePanelRow(*split_, i, {run_, run_}).value());
  }
  const absl::StatusOr<ImagePanel> panel =
      MakeImagePanel(rows, PanelLegend(*split_));
  ASSERT_THAT(panel, IsOk());
  ASSERT_EQ(panel->legend.size(), 2u);
  EXPECT_THAT(panel->legend[0].text, HasSubstr("box (dashed) and outline"));
  ASSERT_EQ(panel->items.size(), 2u);
  EXPECT_EQ(panel->items[1].note, "b/3.png");
  EXPECT_EQ(panel->items[1].images.size(), 3u);
  const cv::Mat drawn = DrawPanel(rows, "Some");
  // Three columns, two rows of 256 pixels, and what is between them.
  EXPECT_GT(drawn.cols, 3 * 256);
  EXPECT_LT(drawn.cols, 3 * 256 + 100);
  EXPECT_GT(drawn.rows, 2 * 256 + 90);
}

TEST_F(PanelsTest, FailsForImagesAndMapsThatCannotBeRead) {
  files_.Write("images/a/0.png", "damaged");
  EXPECT_THAT(MakePanelRow(*split_, 0, {run_}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a/0.png")));
  run_.map_of = [](int64_t) -> absl::StatusOr<cv::Mat> {
    return absl::DataLossError("no map");
  };
  EXPECT_THAT(MakePanelRow(*split_, 1, {run_}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no map")));
}

TEST(ChoiceOfImagesTest, RandomOnesAreDifferentAndRepeatable) {
  const std::vector<int64_t> first = RandomImages(50, 10, 7);
  EXPECT_EQ(first.size(), 10u);
  for (size_t k = 1; k < first.size(); ++k) EXPECT_LT(first[k - 1], first[k]);
  EXPECT_EQ(first, RandomImages(50, 10, 7));
  EXPECT_NE(first, RandomImages(50, 10, 8));
  EXPECT_THAT(RandomImages(2, 10, 7), ElementsAre(0, 1));
}

TEST(ChoiceOfImagesTest, BestAndWorstInOrder) {
  const std::vector<double> values = {0.5, 0.9, 0.1, 0.9};
  EXPECT_THAT(LargestImages(values, 3), ElementsAre(1, 3, 0));
  EXPECT_THAT(SmallestImages(values, 2), ElementsAre(2, 0));
  EXPECT_THAT(LargestImages(values, 9), ElementsAre(1, 3, 0, 2));
}

}  // namespace
}  // namespace wsol
