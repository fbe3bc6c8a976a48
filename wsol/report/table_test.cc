#include "wsol/report/table.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

// The texts of a column; the best ones in brackets.
std::vector<std::string> Column(const Table& table, size_t index) {
  const absl::StatusOr<FormattedTable> formatted = FormatTable(table);
  EXPECT_THAT(formatted, IsOk());
  std::vector<std::string> texts;
  for (const auto& row : formatted->rows) {
    const FormattedTable::Cell& cell = row[index];
    texts.push_back(cell.best ? "[" + cell.text + "]" : cell.text);
  }
  return texts;
}

Table OneColumn(Best best, const std::vector<TableCell>& cells) {
  Table table;
  table.columns = {{"x", "", best}};
  for (const TableCell& cell : cells) table.rows.push_back({{cell}});
  return table;
}

TEST(FormatNumberTest, RoundsAndHasNoNegativeZero) {
  EXPECT_EQ(FormatNumber(1.25, 1), "1.2");  // Half to even, exactly 1.25.
  EXPECT_EQ(FormatNumber(-0.04, 1), "0.0");
  EXPECT_EQ(FormatNumber(-0.0, 0), "0");
  EXPECT_EQ(FormatNumber(-0.06, 1), "-0.1");
  EXPECT_EQ(FormatNumber(12345.678, 2), "12345.68");
  EXPECT_EQ(FormatNumber(NAN, 1), "n/a");
  EXPECT_EQ(FormatNumber(-INFINITY, 1), "n/a");
}

TEST(TableTest, HighlightsTheHighestOrLowest) {
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {1.0, 3.0, 2.0}), 0),
              ElementsAre("1.0", "[3.0]", "2.0"));
  EXPECT_THAT(Column(OneColumn(Best::kLowest, {1.0, 3.0, 2.0}), 0),
              ElementsAre("[1.0]", "3.0", "2.0"));
  EXPECT_THAT(Column(OneColumn(Best::kNone, {1.0, 3.0}), 0),
              ElementsAre("1.0", "3.0"));
}

TEST(TableTest, HighlightsValuesThatLookAlikeAlike) {
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {7.04, 7.0, 6.0}), 0),
              ElementsAre("[7.0]", "[7.0]", "6.0"));
}

TEST(TableTest, HighlightsNothingWhereThereIsNoChoice) {
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {5.0}), 0), ElementsAre("5.0"));
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {5.0, 5.01}), 0),
              ElementsAre("5.0", "5.0"));
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {"a", "b"}), 0),
              ElementsAre("a", "b"));
  EXPECT_THAT(Column(OneColumn(Best::kHighest, {}), 0), ElementsAre());
}

TEST(TableTest, NeverHighlightsWhatIsNoNumber) {
  EXPECT_THAT(
      Column(OneColumn(Best::kLowest, {NAN, 2.0, -INFINITY, "-", 3.0}), 0),
      ElementsAre("n/a", "[2.0]", "n/a", "-", "3.0"));
}

TEST(TableTest, ShowsTheSpread) {
  EXPECT_THAT(Column(OneColumn(Best::kHighest,
                               {TableCell(78.94, 1.06), TableCell(60.0, 0.0)}),
                     0),
              ElementsAre("[78.9 ± 1.1]", "60.0 ± 0.0"));
}

TEST(TableTest, AlignsNumbersRight) {
  Table table;
  table.columns = {{"name"}, {"value"}, {"left"}, {"right"}};
  table.columns[2].align = Align::kLeft;
  table.columns[3].align = Align::kRight;
  table.rows = {{{"a", "-", 1, "x"}}, {{"b", 2, 3, "y"}}};
  const absl::StatusOr<FormattedTable> formatted = FormatTable(table);
  ASSERT_THAT(formatted, IsOk());
  EXPECT_THAT(formatted->right_aligned, ElementsAre(false, true, false, true));
}

TEST(TableTest, RejectsBadTables) {
  Table table;
  EXPECT_THAT(FormatTable(table), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("has no columns")));
  table.caption = "T";
  table.columns = {{"a"}, {"b"}};
  table.rows = {{{1, 2}}, {{1}}};
  EXPECT_THAT(FormatTable(table),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("table 'T', row 1: has 1 cells, expected 2")));
  table.rows.pop_back();
  table.columns[1].decimals = 18;
  EXPECT_THAT(FormatTable(table),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("column 'b': decimals are 18")));
}

}  // namespace
}  // namespace wsol
