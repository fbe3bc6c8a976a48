#include "testing/test_data.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace testing {
namespace {

TEST(TestDataTest, FindsDeclaredFiles) {
  EXPECT_THAT(TestDataPath("testing/testdata/hello.json"),
              EndsWith("testing/testdata/hello.json"));
}

TEST(TestDataTest, ReadsJson) {
  EXPECT_EQ(ReadTestJson("testing/testdata/hello.json").at("greeting"),
            "hello");
}

TEST(TestDataDeathTest, DiesOnUndeclaredFiles) {
  EXPECT_DEATH(TestDataPath("testing/testdata/none.json"),
               "not among the test's data");
}

}  // namespace
}  // namespace testing
