#include "wsol/metrics/largest_component.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/component_sweep.h"
#include "wsol/metrics/critical_pixels.h"
#include "wsol/metrics/test_maps.h"
#include "wsol/metrics/test_planes.h"

namespace wsol {
namespace {

using ::vision::Box;

class LargestComponentTest : public ::testing::Test {
 protected:
  const LargestComponent& Find(const cv::Mat& bytes, AreaBound bound) {
    const BytePlane plane = PlaneOf(bytes);
    BytePlane areas = PlaneOf(cv::Mat(bytes.size(), CV_8UC1, cv::Scalar(1)));
    pixels_.Find(plane, Connectivity::kEight,
                 bound == AreaBound::kContour ? &areas : nullptr);
    sweep_.Run(plane, pixels_, nullptr);
    largest_.Find(plane, pixels_, sweep_, areas, bound);
    return largest_;
  }

  CriticalPixels pixels_;
  ComponentSweep sweep_;
  LargestComponent largest_;
};

TEST_F(LargestComponentTest, PrefersTheLargestContourArea) {
  // Level 1: a square of area 1 and, below, a triangle of three pixels, 1/2.
  // Level 0: the triangle has become two squares, area 2.
  const LargestComponent& largest =
      Find((cv::Mat_<uint8_t>(5, 3) << 2, 2, 0,  //
            2, 2, 0,                             //
            0, 0, 0,                             //
            2, 2, 1,                             //
            2, 1, 1),
           AreaBound::kContour);
  EXPECT_EQ(largest.BoxAt(1), (Box{0, 0, 2, 2}));
  EXPECT_EQ(largest.BoxAt(0), (Box{0, 3, 3, 5}));
}

TEST_F(LargestComponentTest, CountsPixelsWhereTheyAreTheArea) {
  // A row of five pixels has no contour area, but more pixels than the square.
  const cv::Mat bytes = (cv::Mat_<uint8_t>(4, 5) << 2, 2, 0, 0, 0,  //
                         2, 2, 0, 0, 0,                             //
                         0, 0, 0, 0, 0,                             //
                         2, 2, 2, 2, 2);
  EXPECT_EQ(Find(bytes, AreaBound::kContour).BoxAt(0), (Box{0, 0, 2, 2}));
  EXPECT_EQ(Find(bytes, AreaBound::kPixels).BoxAt(0), (Box{0, 3, 5, 4}));
}

TEST_F(LargestComponentTest, OfEqualAreasPrefersTheLastToBegin) {
  // Single pixels, area 0: the last in raster order, which moves when a new
  // one comes and when the last one joins an earlier one.
  for (const AreaBound bound : {AreaBound::kContour, AreaBound::kPixels}) {
    const LargestComponent& largest =
        Find((cv::Mat_<uint8_t>(1, 7) << 9, 0, 9, 0, 6, 0, 7), bound);
    EXPECT_EQ(largest.BoxAt(8), (Box{2, 0, 3, 1}));
    EXPECT_EQ(largest.BoxAt(6), (Box{6, 0, 7, 1}));
    const LargestComponent& joined =
        Find((cv::Mat_<uint8_t>(1, 5) << 9, 0, 9, 3, 9), bound);
    EXPECT_EQ(joined.BoxAt(3), (Box{4, 0, 5, 1}));
    EXPECT_EQ(joined.BoxAt(2), (Box{2, 0, 5, 1}));
  }
}

// OpenCV does not say in which order it numbers components: first pixels are
// looked up.
TEST_F(LargestComponentTest, MatchesPixelCountsOfLabelledLevels) {
  for (const TestMapKind kind : AllTestMapKinds()) {
    for (const int side : {23, 90}) {
      vision::Rng rng(5, {static_cast<uint64_t>(kind)});
      const cv::Mat bytes = MakeTestMap(kind, side + 3, side, rng);
      double low = 0, high = 0;
      cv::minMaxLoc(bytes, &low, &high);
      const LargestComponent& largest = Find(bytes, AreaBound::kPixels);
      for (int level = 0; level < high; level += 9) {
        cv::Mat labels, stats, centers;
        const int count = cv::connectedComponentsWithStats(
            bytes > level, labels, stats, centers, 8);
        std::vector<int> first_pixel(static_cast<size_t>(count), -1);
        for (int i = bytes.rows * bytes.cols; i-- > 0;) {
          first_pixel[static_cast<size_t>(labels.ptr<int>()[i])] = i;
        }
        int best = 1;
        for (int i = 2; i < count; ++i) {
          const int more = stats.at<int>(i, cv::CC_STAT_AREA) -
                           stats.at<int>(best, cv::CC_STAT_AREA);
          if (more > 0 ||
              (more == 0 && first_pixel[static_cast<size_t>(i)] >
                                first_pixel[static_cast<size_t>(best)])) {
            best = i;
          }
        }
        const int x = stats.at<int>(best, cv::CC_STAT_LEFT);
        const int y = stats.at<int>(best, cv::CC_STAT_TOP);
        ASSERT_EQ(largest.BoxAt(level),
                  (Box{x, y, x + stats.at<int>(best, cv::CC_STAT_WIDTH),
                       y + stats.at<int>(best, cv::CC_STAT_HEIGHT)}))
            << TestMapKindName(kind) << ", " << side << ", level " << level;
      }
    }
  }
}

}  // namespace
}  // namespace wsol
