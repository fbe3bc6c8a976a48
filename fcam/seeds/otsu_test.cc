#include "fcam/seeds/otsu.h"

#include <cstdint>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/test_data.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

int OtsuOf(const std::vector<uint8_t>& bytes) {
  return OtsuThreshold(CountBytes(bytes));
}

// Two passes over the pixels for each threshold.
int BruteForceOtsu(const std::vector<uint8_t>& bytes) {
  int best = 0;
  double best_variance = -1;
  for (int t = 0; t < 255; ++t) {
    double w1 = 0, w2 = 0, s1 = 0, s2 = 0;
    for (const uint8_t byte : bytes) {
      (byte <= t ? w1 : w2) += 1;
      (byte <= t ? s1 : s2) += byte;
    }
    if (w1 == 0 || w2 == 0) continue;
    const double difference = s1 / w1 - s2 / w2;
    const double variance = w1 * w2 * difference * difference;
    // Rounding must not decide between splits that differ in no pixel.
    if (variance > best_variance * (1 + 1e-12)) {
      best_variance = variance;
      best = t;
    }
  }
  return best;
}

TEST(OtsuTest, SplitsFourPixelsByHand) {
  // {0} | {1, 9, 9}: 1 * 3 * (0 - 19/3)^2 = 120.3
  // {0, 1} | {9, 9}: 2 * 2 * (.5 - 9)^2 = 289
  EXPECT_EQ(OtsuOf({0, 1, 9, 9}), 1);
}

TEST(OtsuTest, TakesTheFirstOfEqualMaxima) {
  // All thresholds between the two levels split alike.
  EXPECT_EQ(OtsuOf({3, 7}), 3);
  // One pixel of each level: symmetric about 127.
  std::vector<uint8_t> ramp(256);
  for (int i = 0; i < 256; ++i) ramp[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(OtsuOf(ramp), 127);
}

TEST(OtsuTest, ReturnsTheOnlyLevel) {
  EXPECT_EQ(OtsuOf({}), 0);
  EXPECT_EQ(OtsuOf({0, 0}), 0);
  EXPECT_EQ(OtsuOf({77, 77, 77}), 77);
  EXPECT_EQ(OtsuOf({255}), 255);
}

TEST(OtsuTest, ForegroundThresholdLeavesTheEndsOfTheRange) {
  EXPECT_EQ(ForegroundThreshold(CountBytes({0, 0, 255})), 1);
  EXPECT_EQ(ForegroundThreshold(CountBytes({255})), 254);
  EXPECT_EQ(ForegroundThreshold(CountBytes({3, 7})), 3);
}

TEST(OtsuTest, ShiftsWithTheLevels) {
  vision::Rng rng(5);
  std::vector<uint8_t> bytes(500), shifted(500);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(rng.UniformInt(100));
    shifted[i] = static_cast<uint8_t>(bytes[i] + 60);
  }
  EXPECT_EQ(OtsuOf(shifted), OtsuOf(bytes) + 60);
}

TEST(OtsuTest, MatchesBruteForceOnRandomBytes) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    vision::Rng rng(seed);
    // Odd counts reach the histogram's tail loop; few levels leave gaps.
    std::vector<uint8_t> bytes(1 + rng.UniformInt(200));
    const int levels = 2 + static_cast<int>(rng.UniformInt(254));
    for (uint8_t& byte : bytes) {
      byte = static_cast<uint8_t>(rng.UniformInt(levels));
    }
    if (bytes == std::vector<uint8_t>(bytes.size(), bytes[0])) continue;
    EXPECT_EQ(OtsuOf(bytes), BruteForceOtsu(bytes)) << "seed " << seed;
  }
}

TEST(OtsuTest, EqualsThePublishedThresholds) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("fcam/seeds/testdata/seeds.json");
  int checked = 0;
  for (const nlohmann::json& c : golden.at("cases")) {
    if (c.at("id") != "seeds/g/otsu-lists") continue;
    const nlohmann::json& lists = c.at("inputs").at("lists");
    for (size_t i = 0; i < lists.size(); ++i) {
      EXPECT_EQ(OtsuOf(lists[i].get<std::vector<uint8_t>>()),
                c.at("expect").at("otsu")[i].get<int>())
          << "list " << i;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 7);
}

}  // namespace
}  // namespace fcam
