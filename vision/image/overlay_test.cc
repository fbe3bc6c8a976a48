#include "vision/image/overlay.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/geometry/box.h"
#include "vision/image/colormap.h"

namespace vision {
namespace {

constexpr RgbColor kColor{200, 100, 50};

cv::Mat Canvas(int width, int height) {
  return cv::Mat::zeros(height, width, CV_8UC3);
}

// '#' where the pixel is kColor, '.' where it is black, '?' otherwise.
std::string Show(const cv::Mat& rgb) {
  std::string text;
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const auto pixel = rgb.at<cv::Vec3b>(y, x);
      text += pixel == cv::Vec3b(200, 100, 50) ? '#'
              : pixel == cv::Vec3b(0, 0, 0)    ? '.'
                                               : '?';
    }
    text += '\n';
  }
  return text;
}

TEST(DrawBoxTest, LineLiesInsideTheBox) {
  cv::Mat image = Canvas(7, 5);
  DrawBox(&image, Box{1, 1, 6, 4}, kColor);
  EXPECT_EQ(Show(image),
            ".......\n"
            ".#####.\n"
            ".#...#.\n"
            ".#####.\n"
            ".......\n");
}

TEST(DrawBoxTest, ThickLinesGrowInwards) {
  cv::Mat image = Canvas(8, 7);
  DrawBox(&image, Box{0, 0, 8, 7}, kColor, 2);
  EXPECT_EQ(Show(image),
            "########\n"
            "########\n"
            "##....##\n"
            "##....##\n"
            "##....##\n"
            "########\n"
            "########\n");
}

TEST(DrawBoxTest, SmallBoxesAreFilled) {
  cv::Mat image = Canvas(4, 3);
  DrawBox(&image, Box{1, 1, 2, 2}, kColor, 3);
  EXPECT_EQ(Show(image),
            "....\n"
            ".#..\n"
            "....\n");
}

TEST(DrawBoxTest, IsCutAtTheImage) {
  cv::Mat image = Canvas(4, 4);
  DrawBox(&image, Box{-2, 1, 3, 9}, kColor);
  EXPECT_EQ(Show(image),
            "....\n"
            "###.\n"
            "..#.\n"
            "..#.\n");
  constexpr int kMax = std::numeric_limits<int>::max();
  constexpr int kMin = std::numeric_limits<int>::min();
  DrawBox(&image, Box{kMin, kMin, kMax, kMax}, kWhite, 1, LineStyle::kDashed);
  DrawBox(&image, Box{10, 10, 20, 20}, kWhite);
  EXPECT_EQ(Show(image).find('?'), std::string::npos);
}

TEST(DrawBoxTest, EmptyBoxesDrawNothing) {
  cv::Mat image = Canvas(4, 4);
  DrawBox(&image, Box(), kColor);
  DrawBox(&image, Box{3, 0, 1, 4}, kColor);
  EXPECT_EQ(cv::countNonZero(image.reshape(1)), 0);
  cv::Mat none(0, 0, CV_8UC3);
  DrawBox(&none, Box{0, 0, 2, 2}, kColor);
}

TEST(DrawBoxTest, DashesStartAtEachCorner) {
  cv::Mat image = Canvas(18, 9);
  DrawBox(&image, Box{0, 0, 18, 9}, kColor, 1, LineStyle::kDashed);
  // Dashes of 4, gaps of 3.
  EXPECT_EQ(Show(image),
            "####...####...####\n"
            "#................#\n"
            "#................#\n"
            "#................#\n"
            "..................\n"
            "#................#\n"
            "#................#\n"
            "#................#\n"
            "####...####...####\n");
}

TEST(DrawBoxTest, DashesAreSymmetric) {
  for (int size = 1; size < 40; ++size) {
    cv::Mat image = Canvas(size, 41 - size);
    DrawBox(&image, Box{0, 0, size, 41 - size}, kColor, 2, LineStyle::kDashed);
    cv::Mat turned;
    cv::flip(image, turned, -1);
    EXPECT_EQ(cv::norm(image, turned, cv::NORM_INF), 0) << size;
  }
}

TEST(DrawBoxTest, ChecksItsArguments) {
  cv::Mat image = Canvas(4, 4);
  EXPECT_DEATH(DrawBox(&image, Box{0, 0, 2, 2}, kColor, 0), "thickness > 0");
  cv::Mat gray(4, 4, CV_8UC1);
  EXPECT_DEATH(DrawBox(&gray, Box{0, 0, 2, 2}, kColor), "RGB image");
}

TEST(OverlayMapTest, HandComputed) {
  const cv::Mat rgb(1, 2, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Mat map = (cv::Mat_<float>(1, 2) << 0, 1);
  const cv::Mat colors = ApplyColormap(map, Colormap::kViridis);
  const cv::Mat result = OverlayMap(rgb, map, 0.25, Colormap::kViridis);
  for (int x = 0; x < 2; ++x) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_EQ(result.at<cv::Vec3b>(0, x)[c],
                static_cast<int>(0.75 * rgb.at<cv::Vec3b>(0, x)[c] +
                                 0.25 * colors.at<cv::Vec3b>(0, x)[c] + 0.5));
    }
  }
}

TEST(OverlayMapTest, AlphaZeroIsTheImageAndOneTheMap) {
  cv::Mat rgb(3, 4, CV_8UC3);
  cv::randu(rgb, 0, 256);
  const cv::Mat map(3, 4, CV_64F, cv::Scalar(0.3));
  EXPECT_EQ(cv::norm(OverlayMap(rgb, map, 0), rgb, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(OverlayMap(rgb, map, 1),
                     ApplyColormap(map, Colormap::kTurbo), cv::NORM_INF),
            0);
}

TEST(OverlayMapTest, ChecksItsArguments) {
  const cv::Mat rgb = Canvas(4, 3);
  EXPECT_DEATH(OverlayMap(rgb, cv::Mat(3, 3, CV_32F), 0.5), "image of");
  EXPECT_DEATH(OverlayMap(rgb, cv::Mat(3, 4, CV_32F), 1.5), "alpha is 1.5");
}

cv::Mat Mask(int width, int height, const std::string& text) {
  cv::Mat mask(height, width, CV_8UC1);
  for (int i = 0; i < width * height; ++i) {
    mask.data[i] = text[i] == '#' ? 1 : 0;
  }
  return mask;
}

TEST(OverlayMaskTest, ContourRunsInsideTheRegion) {
  const cv::Mat mask = Mask(7, 6,
                            "......."
                            ".#####."
                            ".#####."
                            ".#####."
                            ".#####."
                            ".......");
  EXPECT_EQ(Show(OverlayMask(Canvas(7, 6), mask, kColor, 0)),
            ".......\n"
            ".#####.\n"
            ".#...#.\n"
            ".#...#.\n"
            ".#####.\n"
            ".......\n");
  EXPECT_EQ(Show(OverlayMask(Canvas(7, 6), mask, kColor, 0.5)),
            ".......\n"
            ".#####.\n"
            ".#???#.\n"
            ".#???#.\n"
            ".#####.\n"
            ".......\n");
  EXPECT_EQ(Show(OverlayMask(Canvas(7, 6), mask, kColor, 0, 2)),
            Show(OverlayMask(Canvas(7, 6), mask, kColor, 1, 0)));
}

TEST(OverlayMaskTest, TheImageBorderIsAnEdge) {
  const cv::Mat mask(4, 4, CV_8UC1, cv::Scalar(255));
  EXPECT_EQ(Show(OverlayMask(Canvas(4, 4), mask, kColor, 0)),
            "####\n"
            "#..#\n"
            "#..#\n"
            "####\n");
}

TEST(OverlayMaskTest, BlendsInsideAndLeavesTheArgumentsAlone) {
  const cv::Mat rgb(1, 2, CV_8UC3, cv::Scalar(10, 20, 30));
  const cv::Mat mask = (cv::Mat_<uchar>(1, 2) << 0, 255);
  const cv::Mat result = OverlayMask(rgb, mask, kColor, 0.5, 0);
  EXPECT_EQ(result.at<cv::Vec3b>(0, 0), cv::Vec3b(10, 20, 30));
  EXPECT_EQ(result.at<cv::Vec3b>(0, 1), cv::Vec3b(105, 60, 40));
  EXPECT_EQ(rgb.at<cv::Vec3b>(0, 1), cv::Vec3b(10, 20, 30));
}

TEST(OverlayMaskTest, ChecksItsArguments) {
  const cv::Mat rgb = Canvas(4, 3);
  EXPECT_DEATH(OverlayMask(rgb, cv::Mat(3, 4, CV_32F), kColor, 0.5),
               "mask of 8 bits");
  EXPECT_DEATH(OverlayMask(rgb, cv::Mat(4, 3, CV_8UC1), kColor, 0.5),
               "image of");
  EXPECT_DEATH(OverlayMask(rgb, cv::Mat(3, 4, CV_8UC1), kColor, -0.1),
               "alpha is -0.1");
}

}  // namespace
}  // namespace vision
