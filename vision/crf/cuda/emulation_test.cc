#include "vision/crf/cuda/emulation.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "vision/crf/cuda/device.cuh"
#include "vision/crf/cuda/sort_kernels.cuh"

namespace vision {
namespace cuda_internal {
namespace {

using ::testing::Each;
using ::testing::Eq;

class EmulationTest : public ::testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override { cuda_emulation::SetScheduling(GetParam()); }
  void TearDown() override { cuda_emulation::SetScheduling(0); }
};

INSTANTIATE_TEST_SUITE_P(Orders, EmulationTest,
                         ::testing::Values(0, 1, 2, 3, 4, 5));

TEST_P(EmulationTest, RunsEachThreadOnce) {
  std::vector<int> runs(3 * 2 * 2 * 64);
  cuda_emulation::Launch(Dim3(3, 2, 2), Dim3(64), [&] {
    EXPECT_EQ(GridX(), 3);
    ++runs[static_cast<size_t>(
        ((BlockZ() * GridY() + BlockY()) * GridX() + BlockX()) * 64 +
        ThreadX())];
  });
  EXPECT_THAT(runs, Each(Eq(1)));
}

TEST_P(EmulationTest, BarriersSeparateWritesFromReads) {
  // Each thread reads what another warp has written, many times.
  std::vector<int> sums(96);
  cuda_emulation::Launch(Dim3(2), Dim3(96), [&] {
    using Values = int[96];
    VISION_SHARED(Values, values);
    int sum = 0;
    for (int round = 0; round < 10; ++round) {
      values[ThreadX()] = round * ThreadX();
      SyncBlock();
      sum += values[(ThreadX() + 40) % 96];
      SyncBlock();
    }
    sums[static_cast<size_t>(ThreadX())] = sum;
  });
  for (int t = 0; t < 96; ++t) {
    // 0 + 1 + ... + 9 = 45.
    EXPECT_EQ(sums[static_cast<size_t>(t)], 45 * ((t + 40) % 96));
  }
}

TEST(EmulationOrderTest, AMissingBarrierShows) {
  // The same without barriers: in some order a thread reads too early.
  std::set<std::vector<int>> results;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    cuda_emulation::SetScheduling(seed);
    std::vector<int> read(32);
    cuda_emulation::Launch(Dim3(1), Dim3(32), [&] {
      using Values = int[32];
      VISION_SHARED(Values, values);
      values[ThreadX()] = ThreadX();
      read[static_cast<size_t>(ThreadX())] = values[31 - ThreadX()];
    });
    results.insert(read);
  }
  cuda_emulation::SetScheduling(0);
  EXPECT_GT(results.size(), 1u);
}

TEST(EmulationOrderTest, SharedMemoryIsNotZeroed) {
  cuda_emulation::Launch(Dim3(2), Dim3(32), [&] {
    using Values = float[32];
    VISION_SHARED(Values, values);
    EXPECT_TRUE(values[ThreadX()] != values[ThreadX()]);  // NaN.
    SyncBlock();
    values[ThreadX()] = 1;
  });
}

TEST_P(EmulationTest, CollectivesOfAWarp) {
  cuda_emulation::Launch(Dim3(1), Dim3(64), [&] {
    const unsigned lane = static_cast<unsigned>(Lane());
    EXPECT_EQ(Ballot(lane % 2 == 1), 0xAAAAAAAAu);
    EXPECT_EQ(MatchAny(lane / 16), lane < 16 ? 0x0000FFFFu : 0xFFFF0000u);
    EXPECT_EQ(Shuffle(lane * 3, 7), 21u);
    EXPECT_EQ(ShuffleUp(lane, 2), lane < 2 ? lane : lane - 2);
    EXPECT_EQ(ShuffleXor(static_cast<float>(lane), 5),
              static_cast<float>(lane ^ 5));
    EXPECT_EQ(ShuffleDown(static_cast<float>(lane), 3),
              static_cast<float>(lane > 28 ? lane : lane + 3));
    SyncWarp();
  });
}

TEST(DeviceTest, HalfFloatsRoundToNearestEven) {
  // 11 bits: 2049 lies between 2048 and 2050, the tie goes to the even one.
  EXPECT_EQ(RoundToHalf(2049.0f), 2048.0f);
  EXPECT_EQ(RoundToHalf(2051.0f), 2052.0f);
  EXPECT_EQ(RoundToHalf(-0.333f), -0.33300781f);
  EXPECT_EQ(RoundToHalf(4095.5f), 4096.0f);  // A carry.
  EXPECT_EQ(RoundToHalf(65504.0f), 65504.0f);
  EXPECT_EQ(RoundToHalf(65520.0f), INFINITY);
  EXPECT_EQ(RoundToHalf(-1e30f), -INFINITY);
  EXPECT_TRUE(std::isnan(RoundToHalf(NAN)));
  // Subnormal numbers: multiples of 2^-24, and the largest that become normal.
  EXPECT_EQ(RoundToHalf(0x1.8p-23f), 0x1.8p-23f);
  EXPECT_EQ(RoundToHalf(0x1.8p-25f), 0x1p-24f);
  EXPECT_EQ(RoundToHalf(0x1p-26f), 0.0f);
  EXPECT_EQ(RoundToHalf(0x1.FFFp-15f), 0x1p-14f);
  EXPECT_EQ(PackHalves(1.0f, -2.0f), 0xC0003C00u);
}

TEST(DeviceTest, OrderedBitsKeepTheOrder) {
  const std::vector<float> values = {-INFINITY, -2.5f, -1e-30f, 0.0f,
                                     1e-30f,    3.0f,  INFINITY};
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(FloatOfOrderedBits(OrderedBits(values[i])), values[i]);
    if (i > 0) {
      EXPECT_LT(OrderedBits(values[i - 1]), OrderedBits(values[i]));
    }
  }
}

TEST_P(EmulationTest, TilesMultiplyByTheDocumentedLayout) {
  // a[i][k] = i + 17 k, b[k][j] = 3 k - j, c[i][j] = 100 i + j; small integers
  // are exact. Fragments by PTX ISA 9.7.14.5.8: groupID = lane >> 2,
  // threadID_in_group = lane % 4.
  const auto a = [](int i, int k) { return static_cast<float>(i + 17 * k); };
  const auto b = [](int k, int j) { return static_cast<float>(3 * k - j); };
  cuda_emulation::Launch(Dim3(1), Dim3(32), [&] {
    const int group = ThreadX() >> 2;
    const int thread = ThreadX() % 4;
    uint32_t left[4];
    for (int pair = 0; pair < 4; ++pair) {
      // Elements a_i of the ISA, i = 2 pair and 2 pair + 1.
      const int row = pair == 0 || pair == 2 ? group : group + 8;
      const int column = thread * 2 + (pair >= 2 ? 8 : 0);
      left[pair] = PackHalves(a(row, column), a(row, column + 1));
    }
    uint32_t right[2];
    for (int pair = 0; pair < 2; ++pair) {
      const int row = thread * 2 + (pair == 1 ? 8 : 0);
      right[pair] = PackHalves(b(row, group), b(row + 1, group));
    }
    float sum[4];
    for (int i = 0; i < 4; ++i) {
      const int row = i < 2 ? group : group + 8;
      const int column = thread * 2 + (i & 1);
      sum[i] = static_cast<float>(100 * row + column);
    }
    MultiplyTiles(left, right, sum);
    for (int i = 0; i < 4; ++i) {
      const int row = i < 2 ? group : group + 8;
      const int column = thread * 2 + (i & 1);
      float expected = static_cast<float>(100 * row + column);
      for (int k = 0; k < 16; ++k) expected += a(row, k) * b(k, column);
      EXPECT_EQ(sum[i], expected);
    }
  });
}

TEST_P(EmulationTest, SortsStably) {
  // 5000 keys in three tiles, many of them equal, of two images.
  const int count = 5000;
  const size_t size = 2 * count;
  std::vector<uint32_t> keys(size);
  uint32_t state = 7;
  for (uint32_t& key : keys) {
    state = state * 1664525 + 1013904223;
    key = state >> 24 & 0x3F;
  }
  const int tiles = SortTiles(count);
  std::vector<uint32_t> histograms(2 * static_cast<size_t>(tiles) * kDigits);
  std::vector<uint32_t> sorted(size);
  std::vector<uint32_t> order(size);
  const Dim3 grid(static_cast<unsigned>(tiles), 2);
  LaunchKernel(CountDigitsKernel, grid, kSortThreads, nullptr, keys.data(),
               count, 0, histograms.data());
  LaunchKernel(ScanDigitsKernel, Dim3(1, 2), kDigits, nullptr, tiles,
               histograms.data());
  LaunchKernel(ScatterKernel, grid, kSortThreads, nullptr, keys.data(), nullptr,
               count, 0, histograms.data(), sorted.data(), order.data());
  std::vector<uint32_t> starts(2 * 65);
  LaunchKernel(FindStartsKernel, Dim3(1, 2), kSortThreads, nullptr,
               sorted.data(), count, 64, starts.data());
  for (size_t image = 0; image < 2; ++image) {
    const size_t base = image * count;
    for (size_t p = 0; p < count; ++p) {
      ASSERT_EQ(sorted[base + p], keys[base + order[base + p]]);
      if (p == 0) continue;
      ASSERT_LE(sorted[base + p - 1], sorted[base + p]);
      if (sorted[base + p - 1] == sorted[base + p]) {
        ASSERT_LT(order[base + p - 1], order[base + p]);
      }
    }
    for (size_t key = 0; key < 64; ++key) {
      for (size_t p = starts[image * 65 + key];
           p < starts[image * 65 + key + 1]; ++p) {
        ASSERT_EQ(sorted[base + p], key);
      }
    }
    EXPECT_EQ(starts[image * 65 + 64], static_cast<uint32_t>(count));
  }
}

TEST(EmulationDeathTest, LanesThatStayAwayAreReported) {
  EXPECT_DEATH(cuda_emulation::Launch(Dim3(1), Dim3(32),
                                      [] {
                                        if (ThreadX() != 3) SyncWarp();
                                      }),
               "Deadlock .* waits at SyncWarp");
  EXPECT_DEATH(cuda_emulation::Launch(Dim3(1), Dim3(64),
                                      [] {
                                        if (ThreadX() < 32) SyncBlock();
                                      }),
               "Deadlock .* waits at a block barrier");
  EXPECT_DEATH(cuda_emulation::Launch(Dim3(1), Dim3(32),
                                      [] {
                                        if (ThreadX() == 3) {
                                          Ballot(true);
                                        } else {
                                          SyncWarp();
                                        }
                                      }),
               "different collectives");
}

TEST(EmulationDeathTest, LaunchesAreChecked) {
  EXPECT_DEATH(cuda_emulation::Launch(Dim3(1), Dim3(33), [] {}), "got 33");
  EXPECT_DEATH(cuda_emulation::Launch(Dim3(0), Dim3(32), [] {}),
               "An empty grid");
  EXPECT_DEATH(SyncWarp(), "outside of a launch");
}

}  // namespace
}  // namespace cuda_internal
}  // namespace vision
