#include "wsol/results/results_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::IsOkAndHolds;

TEST(ResultsTableTest, Boxes) {
  EvaluationResults results = SampleBoxResults();
  results.classification.reset();
  for (auto it = results.box_scores.begin(); it != results.box_scores.end();) {
    const bool keep = it->kind == LocalizationKind::kKnownClass;
    it = keep ? it + 1 : results.box_scores.erase(it);
  }
  EXPECT_THAT(
      ResultsTable(results),
      IsOkAndHolds("MaxBoxAcc 50.00 %   MaxBoxAccV2 50.00 %\n"
                   "\n"
                   "Metric       V1 boxes (%)   tau  V2 boxes (%)   tau\n"
                   "-----------  ------------  ----  ------------  ----\n"
                   "BoxAcc@30           50.00  0.00         50.00  0.00\n"
                   "BoxAcc@50           50.00  0.00         50.00  0.00\n"
                   "BoxAcc@70           50.00  0.00         50.00  0.00\n"
                   "BoxAcc mean         50.00               50.00\n"
                   "\n"
                   "Object size  images  BoxAcc@30 V2  BoxAcc@50 V2  "
                   "BoxAcc@70 V2\n"
                   "-----------  ------  ------------  ------------  "
                   "------------\n"
                   "small             2          0.00          0.00          "
                   "0.00\n"
                   "large             2        100.00        100.00        "
                   "100.00\n"));
}

// As in results_json_test: at scores of 1 recall is 5/6 and precision 5/8; at 0
// all 4 * 224^2 pixels are found, precision 3/8. PxAP = 5/6 * 5/8 + 1/6 * 3/8 =
// 7/12.
TEST(ResultsTableTest, MasksWithTheGap) {
  EvaluationResults results = SampleMaskResults();
  TauChoice choice;
  choice.rule = TauRule::kFixed;
  choice.fixed_tau = 0.5;
  results.mask_score = ScoreMasks(*results.localization.masks, choice).value();
  results.tau_rule = TauRule::kFixed;
  results.classification.reset();
  results.localization.masks->images.clear();
  EXPECT_THAT(
      ResultsTable(results),
      IsOkAndHolds("PxAP 58.33 %   pIoU 55.56 %\n"
                   "\n"
                   "Metric     value (%)   tau  oracle (%)   tau   gap\n"
                   "---------  ---------  ----  ----------  ----  ----\n"
                   "PxAP           58.33             58.33        0.00\n"
                   "IoU            55.56  0.50       55.56  0.01  0.00\n"
                   "F1             71.43  0.50       71.43  0.01  0.00\n"
                   "precision      62.50  0.50\n"
                   "recall         83.33  0.50\n"));
}

}  // namespace
}  // namespace wsol
