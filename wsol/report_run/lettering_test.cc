#include "wsol/report_run/lettering.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"

namespace wsol {
namespace {

using ::testing::EndsWith;

TEST(LetteringTest, DrawsWhereItIsTold) {
  Lettering canvas(100, 40);
  canvas.Text(10, 30, "Hi", 0.6, kLetteringInk);
  canvas.Fill(90, 0, 10, 10, vision::kBlack);
  const cv::Mat picture = canvas.Finished();
  EXPECT_EQ(picture.size(), cv::Size(100, 40));
  EXPECT_EQ(picture.type(), CV_8UC3);
  EXPECT_EQ(picture.at<cv::Vec3b>(5, 95), cv::Vec3b(0, 0, 0));
  EXPECT_EQ(picture.at<cv::Vec3b>(15, 95), cv::Vec3b(255, 255, 255));
  const auto darkest = [&picture](const cv::Rect& area) {
    double low = 0;
    cv::minMaxLoc(picture(area).clone().reshape(1), &low);
    return low;
  };
  EXPECT_LT(darkest({10, 15, 30, 16}), 120);
  EXPECT_EQ(darkest({0, 0, 8, 40}), 255);
}

TEST(LetteringTest, FitsTextByCuttingItShort) {
  const double width = Lettering::TextWidth("abcdefgh", 0.5);
  EXPECT_GT(width, 30);
  EXPECT_EQ(Lettering::Fitted("abcdefgh", 0.5, width), "abcdefgh");
  const std::string cut = Lettering::Fitted("abcdefgh", 0.5, width - 1);
  EXPECT_THAT(cut, EndsWith("..."));
  EXPECT_LE(Lettering::TextWidth(cut, 0.5), width - 1);
  EXPECT_EQ(Lettering::Fitted("\xC3\xA9t\xC3\xA9", 0.5, 100), "?t?");
}

}  // namespace
}  // namespace wsol
