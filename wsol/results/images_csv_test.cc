#include "wsol/results/images_csv.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(ImagesCsvTest, Boxes) {
  EvaluationResults results = SampleBoxResults();
  results.box_modes = {BoxMode::kLargestContour};
  results.top5_known = false;
  EXPECT_THAT(ImagesCsv(results),
              IsOkAndHolds("id,label,size,rank,v1/BoxAcc@30,v1/Top1Loc@30,"
                           "v1/BoxAcc@50,v1/Top1Loc@50,v1/BoxAcc@70,"
                           "v1/Top1Loc@70\n"
                           "a,0,large,0,1,1,1,1,1,1\n"
                           "b,0,large,3,1,0,1,0,1,0\n"
                           "c,1,small,0,0,0,0,0,0,0\n"
                           "d,1,small,3,0,0,0,0,0,0\n"));
}

// Image c: see results_json_test. IoU 6272 / (12544 + 18816) = 1/5.
TEST(ImagesCsvTest, Masks) {
  const auto csv = ImagesCsv(SampleMaskResults());
  ASSERT_THAT(csv, IsOk());
  EXPECT_THAT(*csv, HasSubstr("id,label,size,rank,tau,true_positives,"
                              "false_positives,precision,recall,f1,iou\n"
                              "a,0,large,0,0.01,25088,0,100,100,100,100\n"));
  EXPECT_THAT(*csv, HasSubstr("\nc,1,medium,0,0.01,6272,18816,25,50,"));
  EXPECT_THAT(*csv, HasSubstr(",20\n"));
}

TEST(ImagesCsvTest, QuotesWhatMustBe) {
  EvaluationResults results = SampleBoxResults();
  results.localization.boxes->images[0].info.id = "a \"b\", c";
  const auto csv = ImagesCsv(results);
  ASSERT_THAT(csv, IsOk());
  EXPECT_THAT(*csv, HasSubstr("\n\"a \"\"b\"\", c\",0,large"));
}

TEST(ImagesCsvTest, NeedsImages) {
  EvaluationResults results = SampleBoxResults();
  results.localization.boxes->images.clear();
  EXPECT_THAT(ImagesCsv(results),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace wsol
