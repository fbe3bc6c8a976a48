#include "wsol/model_folder/json_fields.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(JsonFieldsTest, ReadsEveryType) {
  const ordered_json json = ordered_json::parse(R"({
    "b": true, "i": -3, "l": 5000000000, "d": 0.5, "s": "x",
    "il": [1, 2], "dl": [1, 2.5], "sl": ["a"], "m": {"k": 2}, "o": {}})");
  JsonFields fields(json, "file");
  bool b = false;
  int i = 0;
  int64_t l = 0;
  double d = 0;
  std::string s;
  std::vector<int64_t> il;
  std::vector<double> dl;
  std::vector<std::string> sl;
  std::map<std::string, double> m;
  fields.Read("b", &b);
  fields.Read("i", &i);
  fields.Read("l", &l);
  fields.Read("d", &d);
  fields.Read("s", &s);
  fields.Read("il", &il);
  fields.Read("dl", &dl);
  fields.Read("sl", &sl);
  fields.Read("m", &m);
  EXPECT_NE(fields.Object("o"), nullptr);
  ASSERT_THAT(fields.Finish(), IsOk());
  EXPECT_TRUE(b);
  EXPECT_EQ(i, -3);
  EXPECT_EQ(l, 5000000000);
  EXPECT_EQ(d, 0.5);
  EXPECT_EQ(s, "x");
  EXPECT_THAT(il, ElementsAre(1, 2));
  EXPECT_THAT(dl, ElementsAre(1, 2.5));
  EXPECT_THAT(sl, ElementsAre("a"));
  EXPECT_EQ(m.at("k"), 2);
}

TEST(JsonFieldsTest, LeavesWhatIsMissing) {
  const ordered_json json = ordered_json::object();
  JsonFields fields(json, "file");
  int i = 7;
  fields.Read("i", &i);
  EXPECT_EQ(fields.Object("o"), nullptr);
  EXPECT_THAT(fields.Finish(), IsOk());
  EXPECT_EQ(i, 7);
}

TEST(JsonFieldsTest, NamesAFieldOfAnotherType) {
  const ordered_json json = ordered_json::parse(R"({"i": 2.5})");
  JsonFields fields(json, "file");
  int i = 7;
  fields.Read("i", &i);
  EXPECT_THAT(fields.Finish(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "file: i: got 2.5, expected a whole number"));
  EXPECT_EQ(i, 7);
}

TEST(JsonFieldsTest, RefusesNumbersThatDoNotFit) {
  const ordered_json json =
      ordered_json::parse(R"({"i": 3000000000, "l": 18446744073709551615})");
  {
    JsonFields fields(json, "file");
    int i = 0;
    fields.Read("i", &i);
    EXPECT_THAT(fields.Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("3000000000")));
  }
  JsonFields fields(json, "file");
  int64_t l = 0;
  fields.Read("l", &l);
  EXPECT_THAT(fields.Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        HasSubstr("18446744073709551615")));
}

TEST(JsonFieldsTest, NamesAFieldThatNobodyReads) {
  const ordered_json json = ordered_json::parse(R"({"corp": 2})");
  JsonFields fields(json, "file");
  int crop = 0;
  fields.Read("crop", &crop);
  EXPECT_THAT(fields.Finish(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("file: unknown field \"corp\"; did you mean "
                                 "crop?")));
}

TEST(JsonFieldsTest, WantsAnObject) {
  const ordered_json json = ordered_json::parse("[1]");
  JsonFields fields(json, "file");
  EXPECT_THAT(fields.Finish(), StatusIs(absl::StatusCode::kInvalidArgument,
                                        "file: got array, expected an object"));
}

}  // namespace
}  // namespace wsol
