#include "wsol/results/pretty_json.h"

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace wsol {
namespace {

TEST(PrettyJsonTest, ObjectsOverLinesListsOnOne) {
  const auto value = nlohmann::ordered_json::parse(R"({
      "z": 1.5, "a": {"list": [1, 2.25, "x"], "empty": {}, "none": []},
      "groups": [{"k": 1}, {"k": 2}]})");
  EXPECT_EQ(PrettyJson(value),
            "{\n"
            "  \"z\": 1.5,\n"
            "  \"a\": {\n"
            "    \"list\": [1,2.25,\"x\"],\n"
            "    \"empty\": {},\n"
            "    \"none\": []\n"
            "  },\n"
            "  \"groups\": [\n"
            "    {\"k\":1},\n"
            "    {\"k\":2}\n"
            "  ]\n"
            "}\n");
  EXPECT_EQ(nlohmann::ordered_json::parse(PrettyJson(value)), value);
}

TEST(PrettyJsonTest, TextThatIsNoUtf8) {
  EXPECT_EQ(PrettyJson(nlohmann::ordered_json("a\xff")), "\"a\xEF\xBF\xBD\"\n");
}

}  // namespace
}  // namespace wsol
