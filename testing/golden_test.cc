#include "testing/golden.h"

#include <cmath>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace testing {
namespace {

using nlohmann::json;

TEST(GoldenTest, SineStreamHasThePublishedValues) {
  const json gen = {{"kind", "sine"}, {"k0", 0}};
  const std::vector<double> h = GoldenStream(gen, 1001);
  EXPECT_DOUBLE_EQ(h[0], .1829163520505972);
  EXPECT_DOUBLE_EQ(h[1], .7400848241986751);
  EXPECT_DOUBLE_EQ(h[2], .5643951276688313);
  EXPECT_DOUBLE_EQ(h[1000], .26972987506451318);
  const json late = {{"kind", "sine"}, {"k0", 20000000}};
  EXPECT_DOUBLE_EQ(GoldenStream(late, 1)[0], .67394903816239093);
}

TEST(GoldenTest, LcgStreamFollowsItsRecurrence) {
  // x_1 = 1664525 + 1013904223 = 1015568748; (x_1 >> 8) / 2^24.
  const json gen = {{"kind", "lcg"}, {"seed", 1}};
  EXPECT_EQ(GoldenStream(gen, 1)[0], 3967065.0 / 16777216.0);
}

TEST(GoldenTest, DescriptorScalesShiftsAndFloors) {
  json descriptor = {{"shape", {2, 2}},
                     {"gen", {{"kind", "lcg"}, {"seed", 1}}},
                     {"mul", 10.0},
                     {"add", 1.0}};
  const double u = 3967065.0 / 16777216.0;
  const GoldenTensor tensor = MakeGoldenTensor(descriptor);
  EXPECT_THAT(tensor.shape, ElementsAre(2, 2));
  EXPECT_EQ(tensor.data[0], 10 * u + 1);
  descriptor["floor"] = true;
  EXPECT_EQ(MakeGoldenTensor(descriptor).data[0], 3.0);
}

TEST(GoldenTest, NullIsNan) {
  const json full = {{"shape", {2}}, {"data", {1.5, nullptr}}};
  const GoldenTensor tensor = MakeGoldenTensor(full);
  EXPECT_EQ(tensor.data[0], 1.5);
  EXPECT_TRUE(std::isnan(tensor.data[1]));
  EXPECT_EQ(CompareWithGolden(full, {1.5, NAN}, 0, 0), "");
  EXPECT_NE(CompareWithGolden(full, {1.5, 0.0}, 0, 0), "");
}

TEST(GoldenTest, CompareNamesWhatDiffers) {
  const json full = {{"shape", {3}}, {"data", {1.0, 2.0, -4.0}}};
  EXPECT_EQ(CompareWithGolden(full, {1.0, 2.003, -4.0}, 1e-3, 0), "");
  EXPECT_THAT(CompareWithGolden(full, {1.0, 2.1, -4.0}, 1e-3, 0),
              HasSubstr("[1]: expected 2, got 2.1"));
  EXPECT_THAT(CompareWithGolden(full, {1.0}, 1e-3, 0),
              HasSubstr("expected 3 elements"));
}

TEST(GoldenTest, ComparesSummaries) {
  // Of {1, 2, -4}: population std sqrt(21/3 - 1/9).
  const json summary = {{"shape", {3}},
                        {"mean", -1.0 / 3},
                        {"std", std::sqrt(7 - 1.0 / 9)},
                        {"sum", -1.0},
                        {"abs_sum", 7.0},
                        {"sq_sum", 21.0},
                        {"min", -4.0},
                        {"max", 2.0},
                        {"wsum", 1.0 + 4.0 - 12.0},
                        {"at", json::array({json::array({1, 2.0})})}};
  EXPECT_EQ(CompareWithGolden(summary, {1, 2, -4}, 1e-9, 0), "");
  EXPECT_THAT(CompareWithGolden(summary, {2, 1, -4}, 1e-9, 0),
              AllOf(HasSubstr("wsum"), HasSubstr("[1]")));
}

}  // namespace
}  // namespace testing
