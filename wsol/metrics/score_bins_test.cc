#include "wsol/metrics/score_bins.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "vision/base/rng.h"
#include "wsol/metrics/mask_histogram.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

TEST(ScoreBinsTest, OneHasABinOfItsOwn) {
  const ScoreBins bins(0.25);
  EXPECT_EQ(bins.num_bins(), 6u);
  EXPECT_EQ(bins.Find(0), 0u);
  EXPECT_EQ(bins.Find(0.25), 1u);
  EXPECT_EQ(bins.Find(std::nextafter(0.25, 0)), 0u);
  EXPECT_EQ(bins.Find(std::nextafter(1, 0)), 3u);
  EXPECT_EQ(bins.Find(1), 4u);
}

// Scores on the edges, next to them and anywhere; labels of all three kinds.
// Intervals whose inverse is no integer, whose products round up and down.
TEST(ScoreBinsTest, CountingEqualsFindingOnEveryInstructionSet) {
  for (const double interval :
       {0.001, 0.01, 0.004, 0.3, 0.07, 1.0 / 3, 1.0 / 49, 0.999, 0.0001}) {
    ScoreBins bins(interval);
    vision::Rng rng(3);
    std::vector<double> scores;
    for (size_t i = 0; i + 2 < bins.edges().size(); ++i) {
      const double edge = bins.edges()[i];
      scores.push_back(edge);
      scores.push_back(std::nextafter(edge, 0));
      if (edge < 1) scores.push_back(std::nextafter(edge, 1));
    }
    for (int i = 0; i < 2003; ++i) scores.push_back(rng.Uniform());
    std::vector<uint8_t> labels;
    PixelCounts expected(bins.num_bins());
    for (const double score : scores) {
      const uint64_t kind = rng.UniformInt(3);
      labels.push_back(kind == 0   ? kForegroundLabel
                       : kind == 1 ? kBackgroundLabel
                                   : kIgnoredLabel);
      if (kind == 0) ++expected.foreground[bins.Find(score)];
      if (kind == 1) ++expected.background[bins.Find(score)];
    }
    for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      PixelCounts counts(bins.num_bins());
      bins.Count(scores.data(), labels.data(), scores.size(), &counts);
      EXPECT_EQ(counts.foreground, expected.foreground)
          << interval << ", " << hwy::TargetName(target);
      EXPECT_EQ(counts.background, expected.background)
          << interval << ", " << hwy::TargetName(target);
    }
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

TEST(ScoreBinsTest, AddsToWhatIsThere) {
  ScoreBins bins(0.5);
  PixelCounts counts(bins.num_bins());
  const double scores[] = {0.1, 0.6, 1};
  const uint8_t labels[] = {kForegroundLabel, kForegroundLabel,
                            kBackgroundLabel};
  bins.Count(scores, labels, 3, &counts);
  bins.Count(scores, labels, 1, &counts);
  EXPECT_EQ(counts.foreground, (std::vector<int64_t>{2, 1, 0, 0}));
  EXPECT_EQ(counts.background, (std::vector<int64_t>{0, 0, 1, 0}));
}

}  // namespace
}  // namespace wsol
