#include "wsol/cam_run/contact_sheet.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"

namespace wsol {
namespace {

using ::testing::IsOk;

// A map that is high at the left (or right) edge.
cv::Mat Ramp(bool left) {
  cv::Mat map(1, 8, CV_32FC1);
  for (int x = 0; x < 8; ++x) {
    map.at<float>(0, x) = static_cast<float>(left ? 7 - x : x) / 7.0f;
  }
  return map;
}

ContactSheet Sheet() {
  ContactSheet sheet({"CAM", "GradCAM++"});
  sheet.AddRow(cv::Mat(100, 200, CV_8UC3, cv::Scalar(40, 40, 40)),
               {Ramp(true), Ramp(false)},
               {"val/wide.jpg", "label: a cat", "predicted: a dog"});
  sheet.AddRow(cv::Mat(300, 150, CV_8UC3, cv::Scalar(200, 200, 200)),
               {Ramp(false), Ramp(true)},
               {"a/very/long/name/of/an/image/that/does/not/fit/high.jpg",
                "label: caf\xc3\xa9"});
  return sheet;
}

TEST(ContactSheetTest, HasARowForEachImageAndAColumnForEachMethod) {
  const cv::Mat sheet = Sheet().Draw();
  EXPECT_EQ(Sheet().num_rows(), 2);
  EXPECT_EQ(sheet.type(), CV_8UC3);
  EXPECT_GE(sheet.rows, 2 * ContactSheet::kTile);
  EXPECT_GE(sheet.cols, 3 * ContactSheet::kTile);
  if (const char* const folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR")) {
    ASSERT_THAT(
        vision::WritePng(vision::JoinPath(folder, "contact_sheet.png"), sheet),
        IsOk());
  }
}

// In row 1 the first map is red at the left, the second at the right.
TEST(ContactSheetTest, PutsEachMapInItsPlace) {
  const cv::Mat sheet = Sheet().Draw();
  const int tile = ContactSheet::kTile;
  const auto redness = [&](int column, bool left) {
    // The last column ends 6 pixels before the sheet does.
    const int begin = sheet.cols - (3 - column) * (tile + 6);
    const int x = begin + (left ? 3 : tile - 4);
    const int y = 28 + tile / 2;
    const cv::Vec3b pixel = sheet.at<cv::Vec3b>(y, x);
    return static_cast<int>(pixel[0]) - static_cast<int>(pixel[2]);
  };
  EXPECT_GT(redness(1, true), redness(1, false) + 50);
  EXPECT_GT(redness(2, false), redness(2, true) + 50);
  EXPECT_EQ(redness(0, true), 0);
}

// Wide and high images keep their proportions: what they leave is white.
TEST(ContactSheetTest, KeepsProportions) {
  const cv::Mat sheet = Sheet().Draw();
  const int tile = ContactSheet::kTile;
  const int begin = sheet.cols - 3 * (tile + 6);
  EXPECT_EQ(sheet.at<cv::Vec3b>(28 + 4, begin + tile / 2),
            cv::Vec3b(255, 255, 255));
  EXPECT_EQ(sheet.at<cv::Vec3b>(28 + tile / 2, begin + 1),
            cv::Vec3b(40, 40, 40));
}

}  // namespace
}  // namespace wsol
