#include "wsol/metrics/mask_histogram.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

PixelCounts RandomCounts(size_t num_bins, double density, vision::Rng& rng) {
  PixelCounts counts(num_bins);
  for (std::vector<int64_t>* const h :
       {&counts.foreground, &counts.background}) {
    for (int64_t& count : *h) {
      if (rng.Bernoulli(density)) {
        count = 1 + static_cast<int64_t>(rng.UniformInt(100000));
      }
    }
  }
  return counts;
}

TEST(MaskHistogramTest, AddsWhatItWasMadeOf) {
  vision::Rng rng(1);
  for (const double density : {0.0, 0.05, 0.9, 1.0}) {
    const PixelCounts counts = RandomCounts(102, density, rng);
    const MaskHistogram packed(counts);
    PixelCounts sum = counts;
    packed.AddTo(&sum);
    packed.AddTo(&sum);
    for (size_t i = 0; i < 102; ++i) {
      EXPECT_EQ(sum.foreground[i], 3 * counts.foreground[i]);
      EXPECT_EQ(sum.background[i], 3 * counts.background[i]);
    }
    EXPECT_THAT(MaskHistogram::Parse(packed.encoded(), 102), IsOk());
    EXPECT_EQ(MaskHistogram::Parse(packed.encoded(), 102)->encoded(),
              packed.encoded());
  }
}

TEST(MaskHistogramTest, EmptyBinsTakeNoRoom) {
  PixelCounts counts(1002);
  counts.background[0] = 5;
  // A gap of 1002; gap 0, count 5, gap 1001.
  EXPECT_EQ(MaskHistogram(counts).encoded().size(), 2u + 4u);
}

TEST(MaskHistogramTest, RejectsOtherBytes) {
  const auto is_invalid =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("10 bins"));
  vision::Rng rng(3);
  const std::string bytes = MaskHistogram(RandomCounts(10, 0.5, rng)).encoded();
  ASSERT_THAT(MaskHistogram::Parse(bytes, 10), IsOk());
  EXPECT_THAT(MaskHistogram::Parse(bytes + '\0', 10), is_invalid);
  EXPECT_THAT(MaskHistogram::Parse(bytes.substr(1), 10), is_invalid);
  EXPECT_THAT(MaskHistogram::Parse("", 10), is_invalid);
  // More bins; a count of 0.
  EXPECT_THAT(MaskHistogram::Parse("\13\12", 10), is_invalid);
  EXPECT_THAT(MaskHistogram::Parse(std::string("\0\0\11\12", 4), 10),
              is_invalid);
}

TEST(MaskHistogramTest, SurvivesRandomBytes) {
  vision::Rng rng(4);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(rng.UniformInt(12), '\0');
    for (char& c : bytes) c = static_cast<char>(rng.UniformInt(16));
    const auto histogram = MaskHistogram::Parse(bytes, 6);
    if (!histogram.ok()) continue;
    PixelCounts counts(6);
    histogram->AddTo(&counts);
    EXPECT_EQ(MaskHistogram(counts).encoded(), bytes);
  }
}

}  // namespace
}  // namespace wsol
