#include "wsol/training/lr_schedule.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(LrScheduleTest, StepsDownEveryStepSizeEpochs) {
  LrScheduleOptions options;
  options.kind = LrScheduleKind::kStep;
  options.step_size = 2;
  options.gamma = 0.5;
  EXPECT_EQ(LearningRate(options, 0.8, 1), 0.8);
  EXPECT_EQ(LearningRate(options, 0.8, 2), 0.8);
  EXPECT_EQ(LearningRate(options, 0.8, 3), 0.4);
  EXPECT_EQ(LearningRate(options, 0.8, 5), 0.2);
}

TEST(LrScheduleTest, MyStepStopsAtItsFloor) {
  LrScheduleOptions options;
  options.step_size = 1;
  options.min_lr = 0.05;
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 2), 0.1);
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 3), 0.05);
}

TEST(LrScheduleTest, CosineFallsFromBaseToFloor) {
  LrScheduleOptions options;
  options.kind = LrScheduleKind::kCosine;
  options.min_lr = 0.2;
  options.epochs = 10;
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 1), 1);
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 6), 0.6);
  EXPECT_DOUBLE_EQ(LearningRate(options, 1, 11), 0.2);
}

TEST(LrScheduleTest, MultiStepFallsAfterEachMilestone) {
  LrScheduleOptions options;
  options.kind = LrScheduleKind::kMultiStep;
  options.milestones = {2, 5};
  options.gamma = 0.5;
  const double expected[] = {8, 8, 4, 4, 4, 2, 2};
  for (int64_t epoch = 1; epoch <= 7; ++epoch) {
    EXPECT_EQ(LearningRate(options, 8, epoch), expected[epoch - 1]) << epoch;
  }
  options.milestones = {5, 2};
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("rising, got 5, 2")));
  options.milestones = {0};
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(LrScheduleTest, WarmUpRisesByEqualSteps) {
  LrScheduleOptions options;
  options.kind = LrScheduleKind::kStep;
  options.step_size = 4;
  options.warmup_epochs = 3;
  // 8 / 4, 16 / 4, 24 / 4, then the schedule as it is.
  const double expected[] = {2, 4, 6, 8, 0.8};
  for (int64_t epoch = 1; epoch <= 5; ++epoch) {
    EXPECT_DOUBLE_EQ(LearningRate(options, 8, epoch), expected[epoch - 1]);
  }
  options.warmup_epochs = -1;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("warmup_epochs")));
}

TEST(LrScheduleTest, EqualsTheGoldenRates) {
  int cases = 0;
  const nlohmann::json file =
      ::testing::ReadTestJson("wsol/training/testdata/optim.json");
  for (const nlohmann::json& golden : file.at("cases")) {
    const std::string id = golden.at("id");
    if (id.find("/lr-") == std::string::npos) continue;
    ++cases;
    const nlohmann::json& inputs = golden.at("inputs");
    LrScheduleOptions options;
    const std::string name = inputs.at("name_lr_scheduler");
    const absl::StatusOr<LrScheduleKind> kind = ParseLrScheduleKind(name);
    ASSERT_THAT(kind, IsOk());
    options.kind = *kind;
    options.step_size = inputs.at("step_size");
    options.gamma = inputs.at("gamma");
    options.min_lr = inputs.at("min_lr");
    const double lr = inputs.at("lr");
    const double ratio = inputs.at("lr_classifier_ratio");
    const nlohmann::json& expected = golden.at("expect").at("lr");
    ASSERT_GT(expected.size(), 20u);
    for (size_t e = 0; e < expected.size(); ++e) {
      for (size_t g = 0; g < expected[e].size(); ++g) {
        const double base = g == 0 ? lr : lr * ratio;
        const double want = expected[e][g];
        EXPECT_NEAR(LearningRate(options, base, static_cast<int64_t>(e) + 1),
                    want, 1e-9 * want)
            << id << " epoch " << e + 1 << " group " << g;
      }
    }
  }
  EXPECT_EQ(cases, 6);
}

TEST(LrScheduleTest, NamesRoundTrip) {
  for (const char* name : {"constant", "step", "mystep", "cosine"}) {
    const absl::StatusOr<LrScheduleKind> kind = ParseLrScheduleKind(name);
    ASSERT_THAT(kind, IsOk());
    EXPECT_EQ(LrScheduleKindName(*kind), name);
  }
  EXPECT_THAT(ParseLrScheduleKind("poly"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'poly': expected constant")));
}

TEST(LrScheduleTest, ValidateNamesTheBadField) {
  const auto with = [](auto set) {
    LrScheduleOptions options;
    set(&options);
    return options.Validate();
  };
  EXPECT_THAT(LrScheduleOptions().Validate(), IsOk());
  EXPECT_THAT(
      with([](auto* o) { o->step_size = 0; }),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("step_size")));
  EXPECT_THAT(with([](auto* o) { o->gamma = 1.5; }),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("gamma")));
  EXPECT_THAT(
      with([](auto* o) { o->min_lr = -1; }),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("min_lr")));
  EXPECT_THAT(
      with([](auto* o) { o->epochs = 0; }),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("epochs")));
}

}  // namespace
}  // namespace wsol
