#include "wsol/report/markup_checker.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(MarkupCheckerTest, AcceptsGoodMarkup) {
  EXPECT_THAT(CheckMarkup("<!DOCTYPE html>\n<p id=\"x\" class=\"y\">a &amp; b "
                          "<img src=\"\" alt=\"\"><br/></p>"
                          "<style>a > b {}</style><a href=\"#x\">&#39;</a>"),
              IsOk());
  EXPECT_THAT(CheckMarkup(""), IsOk());
}

TEST(MarkupCheckerTest, RejectsEachFault) {
  const std::pair<std::string, std::string> cases[] = {
      {"<p><b></p>", "closes nothing"},
      {"<p>", "not closed"},
      {"</p>", "closes nothing"},
      {"<p>a & b</p>", "character reference"},
      {"<p>a > b</p>", "bare < or >"},
      {"<p>a < b</p>", "expected a name"},
      {"<p class=x></p>", "expected =\""},
      {"<p hidden></p>", "expected =\""},
      {"<p class=\"a\" class=\"b\"></p>", "twice"},
      {"<p title=\"<b>\"></p>", "bare < or >"},
      {"<p title=\"a></p>", "bare < or >"},
      {"<p id=\"a\"></p><p id=\"a\"></p>", "twice"},
      {"<a href=\"#b\"></a>", "no element has id 'b'"},
      {"<style>", "not closed"},
  };
  for (const auto& [markup, message] : cases) {
    EXPECT_THAT(
        CheckMarkup(markup),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)))
        << markup;
  }
}

}  // namespace
}  // namespace wsol
