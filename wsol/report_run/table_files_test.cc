#include "wsol/report_run/table_files.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "wsol/report/table.h"

namespace wsol {
namespace {

using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

Table Sample() {
  Table table;
  table.caption = "A table";
  table.columns = {{"Run"}, {"PxAP", "%", Best::kHighest}};
  table.rows = {{{"CAM|1", 61.24}},
                {{"a \"b\", c", 78.9}, RowStyle::kStrong},
                {{"none", ""}, RowStyle::kMuted}};
  return table;
}

TEST(TableFilesTest, Markdown) {
  EXPECT_THAT(MarkdownTable(Sample()),
              IsOkAndHolds("| Run | PxAP (%) |\n"
                           "|---|---:|\n"
                           "| CAM\\|1 | 61.2 |\n"
                           "| a \"b\", c | **78.9** |\n"
                           "| none |  |\n"));
}

TEST(TableFilesTest, Csv) {
  EXPECT_THAT(CsvTable(Sample()), IsOkAndHolds("Run,PxAP (%)\r\n"
                                               "CAM|1,61.2\r\n"
                                               "\"a \"\"b\"\", c\",78.9\r\n"
                                               "none,\r\n"));
}

TEST(TableFilesTest, PictureHoldsAllRows) {
  const absl::StatusOr<cv::Mat> picture = DrawTable(Sample());
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->type(), CV_8UC3);
  Table longer = Sample();
  longer.rows.push_back(longer.rows.back());
  const absl::StatusOr<cv::Mat> taller = DrawTable(longer);
  ASSERT_THAT(taller, IsOk());
  EXPECT_EQ(taller->cols, picture->cols);
  EXPECT_GT(taller->rows, picture->rows + 20);
  // The best value stands on a tint.
  int tinted = 0;
  for (int y = 0; y < picture->rows; ++y) {
    for (int x = 0; x < picture->cols; ++x) {
      if (picture->at<cv::Vec3b>(y, x) == cv::Vec3b(222, 236, 246)) ++tinted;
    }
  }
  EXPECT_GT(tinted, 200);
}

TEST(TableFilesTest, FailsForBadTables) {
  Table table = Sample();
  table.rows[0].cells.pop_back();
  EXPECT_THAT(MarkdownTable(table),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CsvTable(table), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DrawTable(table), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
