#include "wsol/baselines/training_method.h"

#include <cmath>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(TrainingMethodOptionsTest, DefaultsAreValidAndPublished) {
  const TrainingMethodOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  EXPECT_EQ(options.has_grid, 4);
  EXPECT_EQ(options.has_drop_rate, 0.5);
  EXPECT_EQ(options.adl_drop_rate, 0.75);
  EXPECT_EQ(options.adl_gamma, 0.9);
  EXPECT_EQ(options.cutmix_beta, 1);
  EXPECT_EQ(options.cutmix_probability, 1);
  EXPECT_EQ(options.spg_thresholds[0].high, 0.7);
  EXPECT_EQ(options.spg_thresholds[0].low, 0.01);
  EXPECT_EQ(options.spg_thresholds[1].high, 0.5);
  EXPECT_EQ(options.spg_thresholds[1].low, 0.05);
  EXPECT_EQ(options.spg_thresholds[2].high, 0.7);
  EXPECT_EQ(options.spg_thresholds[2].low, 0.1);
}

TEST(TrainingMethodOptionsTest, ValidateNamesTheBadField) {
  const auto with = [](auto set) {
    TrainingMethodOptions options;
    set(&options);
    return options.Validate();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(with([](auto* o) { o->has_grid = 0; }),
              invalid("has_grid is 0, expected at least 1"));
  EXPECT_THAT(with([](auto* o) { o->has_drop_rate = 1.5; }),
              invalid("has_drop_rate is 1.5, expected 0 to 1"));
  EXPECT_THAT(with([](auto* o) { o->cutmix_beta = 0; }),
              invalid("cutmix_beta is 0"));
  EXPECT_THAT(with([](auto* o) { o->cutmix_probability = -1; }),
              invalid("cutmix_probability is -1"));
  EXPECT_THAT(with([](auto* o) { o->adl_drop_rate = std::nan(""); }),
              invalid("adl_drop_rate is nan"));
  EXPECT_THAT(with([](auto* o) { o->adl_gamma = 2; }),
              invalid("adl_gamma is 2"));
  EXPECT_THAT(with([](auto* o) {
                o->spg_thresholds[1] = {0.1, 0.5};
              }),
              invalid("spg_thresholds is (0.1, 0.5)"));
  EXPECT_THAT(with([](auto* o) { o->spg_width = 0; }),
              invalid("spg_width is 0"));
}

}  // namespace
}  // namespace wsol
