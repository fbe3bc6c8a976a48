#include "wsol/results/evaluation_results.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/metadata.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::IsOk;

TEST(EvaluationResultsTest, MetricNames) {
  EXPECT_EQ(BoxMetricName(LocalizationKind::kKnownClass, 30), "BoxAcc@30");
  EXPECT_EQ(BoxMetricKey(BoxMode::kLargestContour, LocalizationKind::kTop1, 50),
            "v1/Top1Loc@50");
  EXPECT_EQ(BoxMetricKey(BoxMode::kAllContours, LocalizationKind::kTop5, 70),
            "v2/Top5Loc@70");
}

class DigestTest : public ::testing::Test {
 protected:
  std::string Digest(const SplitMetadata& split,
                     const std::vector<uint32_t>& masks = {0, 0}) {
    const std::string folder = vision::JoinPath(::testing::TempDir(), "digest");
    EXPECT_THAT(WriteSplitMetadata(folder, split), IsOk());
    return DataDigest(Dataset::Open(folder, folder).value(), masks);
  }
  static SplitMetadata Boxes() {
    SplitMetadata split;
    split.num_classes = 2;
    for (const char* const id : {"a", "b"}) {
      ImageRecord image;
      image.id = id;
      image.width = 50;
      image.height = 40;
      image.boxes = {{1, 2, 3, 4}, {5, 6, 7, 8}};
      split.images.push_back(image);
    }
    return split;
  }
};

TEST_F(DigestTest, OrderDoesNotMatterButContentDoes) {
  const SplitMetadata split = Boxes();
  const std::string digest = Digest(split);
  EXPECT_EQ(digest.size(), 64u);

  SplitMetadata other = split;
  std::swap(other.images[0], other.images[1]);
  std::swap(other.images[0].boxes[0], other.images[0].boxes[1]);
  EXPECT_EQ(Digest(other), digest);

  other = split;
  other.images[1].boxes[0].x1 = 4;
  EXPECT_NE(Digest(other), digest);
  other = split;
  other.images[1].label = 1;
  EXPECT_NE(Digest(other), digest);
  other = split;
  other.images[1].width = 51;
  EXPECT_NE(Digest(other), digest);
  other = split;
  other.images[1].id = "c";
  EXPECT_NE(Digest(other), digest);
}

TEST_F(DigestTest, ContentOfMasksMatters) {
  SplitMetadata split = Boxes();
  for (ImageRecord& image : split.images) {
    image.boxes.clear();
    image.mask_paths = {image.id + ".png"};
  }
  const std::string digest = Digest(split, {1, 2});
  EXPECT_NE(Digest(split, {1, 3}), digest);
  // Not what their files are called.
  split.images[0].mask_paths = {"other.png"};
  EXPECT_EQ(Digest(split, {1, 2}), digest);
}

TEST(EvaluationResultsTest, ReportedScores) {
  EvaluationResults results = SampleBoxResults();
  EXPECT_EQ(ReportedBoxScores(results).size(), 18u);
  results.top5_known = false;
  EXPECT_EQ(ReportedBoxScores(results).size(), 12u);
  results.box_modes = {BoxMode::kAllContours};
  const std::vector<BoxScore> scores = ReportedBoxScores(results);
  ASSERT_EQ(scores.size(), 6u);
  for (const BoxScore& score : scores) {
    EXPECT_EQ(score.mode, BoxMode::kAllContours);
    EXPECT_NE(score.kind, LocalizationKind::kTop5);
  }
}

}  // namespace
}  // namespace wsol
