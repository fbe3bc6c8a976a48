#include "wsol/metrics/critical_pixels.h"

#include <cstdint>
#include <numeric>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "wsol/metrics/byte_plane.h"
#include "wsol/metrics/test_maps.h"
#include "wsol/metrics/test_planes.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CriticalPixelsTest, FindsPeaksAndTheirSaddle) {
  // Peaks 5 and 4 with a saddle of 2 between them, and a 1 that only joins.
  const BytePlane plane = PlaneOf((cv::Mat_<uint8_t>(2, 4) << 5, 2, 4, 0,  //
                                   0, 1, 0, 0));
  CriticalPixels pixels;
  pixels.Find(plane, Connectivity::kEight, nullptr);
  EXPECT_THAT(pixels.births(),
              ElementsAre(plane.Index(0, 0), plane.Index(2, 0)));
  ASSERT_EQ(pixels.SaddlesOf(2).size(), 1u);
  const Saddle& saddle = pixels.SaddlesOf(2)[0];
  EXPECT_EQ(saddle.basin_a + saddle.basin_b, 1u);
  EXPECT_THAT(pixels.SaddlesOf(1), IsEmpty());
  // The 1 is the lowest pixel: it moves the lower side.
  ASSERT_EQ(pixels.ExtremesOf(1).size(), 1u);
  EXPECT_EQ(pixels.ExtremesOf(1)[0].x, 1);
  EXPECT_EQ(pixels.ExtremesOf(1)[0].y, 1);
}

TEST(CriticalPixelsTest, PlateausHaveOneBirth) {
  const BytePlane plane = PlaneOf(cv::Mat(20, 100, CV_8UC1, cv::Scalar(3)));
  CriticalPixels pixels;
  pixels.Find(plane, Connectivity::kFour, nullptr);
  EXPECT_EQ(pixels.births().size(), 1u);
  EXPECT_EQ(pixels.BasinOf(plane.Index(99, 19)), 0u);
}

TEST(CriticalPixelsTest, AreasAddUpToTheContours) {
  // Three pixels of a window and then the fourth: 1/2 and 1/2.
  const BytePlane plane = PlaneOf((cv::Mat_<uint8_t>(2, 2) << 9, 8, 7, 6));
  CriticalPixels pixels;
  BytePlane areas;
  areas.Resize(2, 2);
  pixels.Find(plane, Connectivity::kEight, &areas);
  EXPECT_EQ(areas.Row(0)[0], 0);
  EXPECT_EQ(areas.Row(0)[1], 0);
  EXPECT_EQ(areas.Row(1)[0], 1);
  EXPECT_EQ(areas.Row(1)[1], 1);
}

TEST(CriticalPixelsTest, ZerosHaveNone) {
  CriticalPixels pixels;
  pixels.Find(PlaneOf(cv::Mat::zeros(5, 70, CV_8UC1)), Connectivity::kEight,
              nullptr);
  EXPECT_THAT(pixels.births(), IsEmpty());
  EXPECT_EQ(pixels.num_runs(), 0u);
}

// Runs cover every pixel above 0 once, fall from their peaks, and their basins'
// births are at least as high.
TEST(CriticalPixelsTest, RunsPartitionTheImage) {
  CriticalPixels pixels;
  for (const TestMapKind kind : AllTestMapKinds()) {
    vision::Rng rng(11, {static_cast<uint64_t>(kind)});
    const cv::Mat bytes = MakeTestMap(kind, 131, 20, rng);
    const BytePlane plane = PlaneOf(bytes);
    pixels.Find(plane, Connectivity::kEight, nullptr);
    cv::Mat count = cv::Mat::zeros(bytes.size(), CV_8UC1);
    size_t num_runs = 0;
    pixels.ForEachRun([&](const CriticalPixels::Run& run) {
      ++num_runs;
      const uint8_t* const value = plane.data();
      ASSERT_LE(run.begin, run.peak);
      ASSERT_LT(run.peak, run.end);
      for (uint32_t p = run.begin; p < run.end; ++p) {
        ++count.at<uint8_t>(plane.Y(p), plane.X(p));
        if (p < run.peak) {
          ASSERT_LE(value[p], value[p + 1]);
        }
        if (p > run.peak) {
          ASSERT_LE(value[p], value[p - 1]);
        }
        if (value[p] > 0) {
          ASSERT_EQ(pixels.BasinOf(p), run.basin);
        }
      }
      ASSERT_GE(value[pixels.births()[run.basin]], value[run.peak]);
    });
    EXPECT_EQ(num_runs, pixels.num_runs());
    cv::Mat is_wrong = (count != 1) & (bytes > 0);
    EXPECT_EQ(cv::countNonZero(is_wrong), 0) << TestMapKindName(kind);
  }
}

// Basins whose births are above a level, joined by the saddles above it, are
// the components of the level set.
TEST(CriticalPixelsTest, SaddlesJoinWhatIsConnected) {
  CriticalPixels pixels;
  for (const Connectivity connectivity :
       {Connectivity::kFour, Connectivity::kEight}) {
    for (const TestMapKind kind : AllTestMapKinds()) {
      vision::Rng rng(13, {static_cast<uint64_t>(kind)});
      const cv::Mat bytes = MakeTestMap(kind, 67, 19, rng);
      const BytePlane plane = PlaneOf(bytes);
      pixels.Find(plane, connectivity, nullptr);
      std::vector<uint32_t> root(pixels.births().size());
      std::iota(root.begin(), root.end(), 0u);
      const auto find = [&root](uint32_t basin) {
        while (root[basin] != basin) basin = root[basin];
        return basin;
      };
      for (int value = 255; value >= 1; --value) {
        for (const Saddle& saddle : pixels.SaddlesOf(value)) {
          root[find(saddle.basin_a)] = find(saddle.basin_b);
        }
        if (value % 16 != 1) continue;
        int num_components = 0;
        for (uint32_t basin = 0; basin < root.size(); ++basin) {
          num_components += root[basin] == basin;
        }
        for (const uint32_t birth : pixels.births()) {
          num_components -= plane.data()[birth] < value;
        }
        cv::Mat labels;
        const int expected = cv::connectedComponents(
                                 bytes >= value, labels,
                                 connectivity == Connectivity::kFour ? 4 : 8) -
                             1;
        ASSERT_EQ(num_components, expected)
            << TestMapKindName(kind) << ", value " << value;
      }
    }
  }
}

// What every instruction set of this machine finds.
std::vector<int64_t> Fingerprint(const BytePlane& plane,
                                 Connectivity connectivity) {
  CriticalPixels pixels;
  BytePlane areas;
  areas.Resize(plane.width(), plane.height());
  pixels.Find(plane, connectivity, &areas);
  std::vector<int64_t> result(pixels.births().begin(), pixels.births().end());
  for (int value = 255; value >= 1; --value) {
    for (const Saddle& s : pixels.SaddlesOf(value)) {
      result.insert(result.end(), {s.basin_a, s.basin_b});
    }
    for (const Extreme& e : pixels.ExtremesOf(value)) {
      result.insert(result.end(), {e.basin, e.x, e.y});
    }
  }
  pixels.ForEachRun([&](const CriticalPixels::Run& run) {
    result.insert(result.end(), {run.begin, run.end, run.peak, run.basin});
  });
  const cv::Mat area = MatOf(areas);
  result.insert(result.end(), area.begin<uint8_t>(), area.end<uint8_t>());
  return result;
}

TEST(CriticalPixelsTest, InstructionSetsAgree) {
  for (const TestMapKind kind : AllTestMapKinds()) {
    vision::Rng rng(17, {static_cast<uint64_t>(kind)});
    const BytePlane plane = PlaneOf(MakeTestMap(kind, 150, 40, rng));
    const std::vector<int64_t> expected =
        Fingerprint(plane, Connectivity::kEight);
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      EXPECT_EQ(Fingerprint(plane, Connectivity::kEight), expected)
          << TestMapKindName(kind) << ", " << hwy::TargetName(target);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

}  // namespace
}  // namespace wsol
