#include "wsol/metrics/tau_sets.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Pair;
using ::testing::StatusIs;

TEST(TauSetsTest, HoldsSeveralSets) {
  TauSets sets;
  sets.Append(TauRuns{{100, 400}});
  sets.Append(TauRuns{});
  sets.Append(TauRuns{{0, 1}, {2, 1000}});
  EXPECT_EQ(sets.size(), 3u);
  EXPECT_THAT(sets.Runs(0), ElementsAre(Pair(100, 400)));
  EXPECT_THAT(sets.Runs(1), IsEmpty());
  EXPECT_THAT(sets.Runs(2), ElementsAre(Pair(0, 1), Pair(2, 1000)));
  EXPECT_FALSE(sets.Contains(0, 99));
  EXPECT_TRUE(sets.Contains(0, 100));
  EXPECT_TRUE(sets.Contains(0, 399));
  EXPECT_FALSE(sets.Contains(0, 400));
  EXPECT_FALSE(sets.Contains(1, 0));
  EXPECT_FALSE(sets.Contains(2, 1));
  // 1 + 1 + 2 bytes, 1 byte, 1 + 1 + 1 + 1 + 2 bytes.
  EXPECT_EQ(sets.encoded().size(), 11u);
}

TEST(TauSetsTest, BytesParseBack) {
  vision::Rng rng(1);
  for (int i = 0; i < 100; ++i) {
    TauSets sets;
    for (int s = 0; s < 6; ++s) {
      TauRuns runs;
      for (uint32_t end = 0; rng.Bernoulli(0.7);) {
        const auto begin =
            static_cast<uint32_t>(end + (end > 0 ? 1 : 0) + rng.UniformInt(50));
        end = begin + 1 + static_cast<uint32_t>(rng.UniformInt(200));
        if (end > 1000) break;
        runs.emplace_back(begin, end);
      }
      sets.Append(runs);
    }
    EXPECT_THAT(TauSets::Parse(sets.encoded(), 6, 1000), IsOkAndHolds(sets));
  }
}

TEST(TauSetsTest, RejectsOtherBytes) {
  const auto is_invalid = StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("sets of thresholds below 10"));
  TauSets sets;
  sets.Append(TauRuns{{2, 10}});
  EXPECT_THAT(TauSets::Parse(sets.encoded(), 1, 10), IsOk());
  EXPECT_THAT(TauSets::Parse(sets.encoded(), 2, 10), is_invalid);
  EXPECT_THAT(TauSets::Parse(sets.encoded() + '\0', 1, 10), is_invalid);
  TauSets high;
  high.Append(TauRuns{{2, 11}});
  EXPECT_THAT(TauSets::Parse(high.encoded(), 1, 10), is_invalid);
  // An empty run; runs that touch; a length that overflows.
  EXPECT_THAT(TauSets::Parse(std::string("\1\2\0", 3), 1, 10), is_invalid);
  EXPECT_THAT(TauSets::Parse(std::string("\2\2\1\0\1", 5), 1, 10), is_invalid);
  const std::string huge(9, '\xFF');
  EXPECT_THAT(TauSets::Parse("\1\2" + huge + '\1', 1, 10), is_invalid);
}

// No bytes make it read outside.
TEST(TauSetsTest, SurvivesRandomBytes) {
  vision::Rng rng(2);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(rng.UniformInt(12), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.UniformInt(256));
    const auto sets = TauSets::Parse(bytes, 2, 10);
    if (!sets.ok()) continue;
    for (size_t set = 0; set < 2; ++set) {
      for (const auto& run : sets->Runs(set)) EXPECT_LE(run.second, 10u);
    }
  }
}

}  // namespace
}  // namespace wsol
