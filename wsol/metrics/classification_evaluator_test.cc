#include "wsol/metrics/classification_evaluator.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(RankOfClassTest, CountsBetterClasses) {
  const std::vector<float> scores = {2, 5, -1, 5};
  EXPECT_THAT(RankOfClass(scores, 1), IsOkAndHolds(0));
  EXPECT_THAT(RankOfClass(scores, 3), IsOkAndHolds(1));  // Ties by class.
  EXPECT_THAT(RankOfClass(scores, 0), IsOkAndHolds(2));
  EXPECT_THAT(RankOfClass(scores, 2), IsOkAndHolds(3));
}

TEST(RankOfClassTest, RejectsBadLabelsAndScores) {
  const std::vector<float> scores = {2, std::nanf(""), 1};
  EXPECT_THAT(RankOfClass(scores, 0), StatusIs(StatusCode::kInvalidArgument,
                                               HasSubstr("class 1: got NaN")));
  for (const int label : {-1, 3}) {
    EXPECT_THAT(RankOfClass(scores, label),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("expected a class in [0, 3)")));
  }
}

TEST(ClassificationEvaluatorTest, CountsFirstAndFirstFive) {
  ClassificationEvaluator a, b;
  for (const int rank : {0, 4}) ASSERT_THAT(a.Accumulate(rank), IsOk());
  for (const int rank : {5, 0}) ASSERT_THAT(b.Accumulate(rank), IsOk());
  a.Merge(b);
  const ClassificationMetrics metrics = a.Compute().value();
  EXPECT_EQ(metrics.num_images, 4);
  EXPECT_EQ(metrics.num_top1, 2);
  EXPECT_EQ(metrics.num_top5, 3);
  EXPECT_EQ(metrics.top1_accuracy, 50);
  EXPECT_EQ(metrics.top5_accuracy, 75);
}

TEST(ClassificationEvaluatorTest, RejectsNegativeRanksAndNothing) {
  ClassificationEvaluator evaluator;
  EXPECT_THAT(evaluator.Accumulate(-1),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("got -1")));
  EXPECT_THAT(evaluator.Compute(), StatusIs(StatusCode::kFailedPrecondition,
                                            HasSubstr("got no image")));
}

TEST(ClassificationEvaluatorTest, CountsByClass) {
  ClassificationEvaluator a, b;
  ASSERT_THAT(a.Accumulate(0, 7), IsOk());
  ASSERT_THAT(a.Accumulate(4, 7), IsOk());
  ASSERT_THAT(b.Accumulate(5, 2), IsOk());
  ASSERT_THAT(b.Accumulate(0), IsOk());  // Of an unknown class.
  a.Merge(ClassificationEvaluator::Parse(b.Serialize()).value());
  const ClassificationMetrics metrics = a.Compute().value();
  EXPECT_EQ(metrics.num_images, 4);
  ASSERT_EQ(metrics.by_class.size(), 2u);
  EXPECT_EQ(metrics.by_class.at(7).num_images, 2);
  EXPECT_EQ(metrics.by_class.at(7).num_top1, 1);
  EXPECT_EQ(metrics.by_class.at(7).num_top5, 2);
  EXPECT_EQ(metrics.by_class.at(2).num_top5, 0);
  EXPECT_THAT(a.Accumulate(0, -2), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("label: got -2")));
}

TEST(ClassificationEvaluatorTest, RejectsDamagedStates) {
  ClassificationEvaluator evaluator;
  ASSERT_THAT(evaluator.Accumulate(0, 7), IsOk());
  std::string bytes = evaluator.Serialize();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_THAT(ClassificationEvaluator::Parse(bytes),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace wsol
