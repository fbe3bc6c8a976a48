#include "wsol/report/text_table.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/report/table.h"

namespace wsol {
namespace {

using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(TextTableTest, AlignsColumns) {
  Table table;
  table.caption = "Test split";
  table.columns = {{"Method"}, {"PxAP", "%", Best::kHighest}, {"Note"}};
  table.rows = {
      {{"CAM", 6.24, ""}}, {{"F-CAM", 78.9, "ours"}}, {{"Centre", "-", ""}}};
  EXPECT_THAT(RenderTextTable(table),
              IsOkAndHolds(std::string("Test split\n"
                                       "\n"
                                       "Method  PxAP (%)  Note\n"
                                       "------  --------  ----\n"
                                       "CAM         6.2\n"
                                       "F-CAM      78.9*  ours\n"
                                       "Centre        -\n"
                                       "\n"
                                       "* best of its column\n")));
}

TEST(TextTableTest, NeedsNoCaptionNoRowsAndNoBest) {
  Table table;
  table.columns = {{"a"}, {"bcd"}};
  EXPECT_THAT(RenderTextTable(table),
              IsOkAndHolds(std::string("a  bcd\n-  ---\n")));
}

TEST(TextTableTest, CountsCodePointsNotBytes) {
  Table table;
  table.columns = {{"τ"}, {"x"}};
  table.rows = {{{"≥ä", 1}}, {{"abc", 22}}};
  EXPECT_THAT(RenderTextTable(table), IsOkAndHolds(std::string("τ       x\n"
                                                               "---  ----\n"
                                                               "≥ä    1.0\n"
                                                               "abc  22.0\n")));
}

TEST(TextTableTest, KeepsACellInItsLine) {
  Table table;
  table.columns = {{"x"}};
  table.rows = {{{"a\nb"}}};
  EXPECT_THAT(RenderTextTable(table),
              IsOkAndHolds(std::string("x\n---\na b\n")));
}

TEST(TextTableTest, RejectsABadTable) {
  EXPECT_THAT(RenderTextTable(Table()),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
