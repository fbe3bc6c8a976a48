#include "wsol/datasets/csv_row.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(CsvRowTest, SplitsAtCommas) {
  EXPECT_THAT(SplitCsvRow(""), IsOkAndHolds(ElementsAre("")));
  EXPECT_THAT(SplitCsvRow("a"), IsOkAndHolds(ElementsAre("a")));
  EXPECT_THAT(SplitCsvRow("a, b,,"),
              IsOkAndHolds(ElementsAre("a", " b", "", "")));
}

TEST(CsvRowTest, QuotesHoldCommasAndQuotes) {
  EXPECT_THAT(SplitCsvRow(R"("a,b",c)"), IsOkAndHolds(ElementsAre("a,b", "c")));
  EXPECT_THAT(SplitCsvRow(R"(x,"say ""no""","")"),
              IsOkAndHolds(ElementsAre("x", R"(say "no")", "")));
  // Within a field a quote is a character like others.
  EXPECT_THAT(SplitCsvRow(R"(5" disk,1)"),
              IsOkAndHolds(ElementsAre(R"(5" disk)", "1")));
}

TEST(CsvRowTest, BrokenQuotesAreErrors) {
  EXPECT_THAT(SplitCsvRow(R"("a)"), StatusIs(kInvalid, "a quote has no end"));
  EXPECT_THAT(SplitCsvRow(R"(")"), StatusIs(kInvalid, "a quote has no end"));
  EXPECT_THAT(SplitCsvRow(R"("a"b,c)"),
              StatusIs(kInvalid, "there is text behind a quote"));
}

}  // namespace
}  // namespace wsol
