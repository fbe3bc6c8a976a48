#include "fcam/demo/demo.h"

#include <csignal>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "fcam/demo/demo_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/cli/interrupt.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

DemoOptions FastOptions(const std::string& name) {
  DemoOptions options;
  options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
  options.output_dir = vision::JoinPath(::testing::TempDir(), name);
  options.data_dir = vision::JoinPath(::testing::TempDir(), "data");
  options.fast = true;
  options.show_progress = false;
  return options;
}

nlohmann::json Summary(const DemoOptions& options) {
  const absl::StatusOr<std::string> text =
      vision::ReadFile(vision::JoinPath(options.output_dir, "summary.json"));
  EXPECT_THAT(text, IsOk());
  nlohmann::json json = nlohmann::json::parse(*text);
  json.erase("seconds");
  json.erase("threads");
  return json;
}

// The whole job once, interrupted at its start, damaged and repeated: each run
// takes about 20 seconds, so what they show is asserted together.
TEST(DemoTest, RunsFromImagesToReportAndGoesOnAfterAnInterruption) {
  const DemoOptions options = FastOptions("out");
  {
    const wsol::InterruptHandler handler;
    ASSERT_EQ(std::raise(SIGINT), 0);
    EXPECT_THAT(RunDemo(options), StatusIs(absl::StatusCode::kCancelled));
  }
  ASSERT_THAT(RunDemo(options), IsOk());

  const nlohmann::json summary = Summary(options);
  EXPECT_EQ(summary.at("data").at("classes"), 20);
  EXPECT_EQ(summary.at("data").at("train"), 320);
  EXPECT_EQ(summary.at("fast"), true);
  // Four epochs teach a little: chance is 5 %.
  EXPECT_GT(summary.at("classifier").at("accuracy"), 10);
  for (const char* map : {"cam", "fcam"}) {
    EXPECT_GT(summary.at(map).at("MaxBoxAcc"), 20) << map;
    EXPECT_GT(summary.at(map).at("PxAP"), 20) << map;
  }
  EXPECT_GT(summary.at("baselines").at("center").at("PxAP"),
            summary.at("baselines").at("constant").at("PxAP"));

  const absl::StatusOr<std::string> report =
      vision::ReadFile(vision::JoinPath(options.output_dir, "report.html"));
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(*report, HasSubstr("<h1"));
  EXPECT_THAT(*report, HasSubstr("F-CAM on Objects20"));
  EXPECT_THAT(*report, HasSubstr("Where F-CAM lost"));
  EXPECT_FALSE(absl::StrContains(*report, "src=\"http"));

  const absl::StatusOr<vision::StateDict> weights =
      vision::ReadStateDict(vision::JoinPath(options.output_dir, "fcam.pt"));
  ASSERT_THAT(weights, IsOk());
  EXPECT_TRUE(weights->contains("encoder.conv1.weight"));
  EXPECT_TRUE(weights->contains("segmentation_head.0.bias"));

  // The trainings are done: a second run only evaluates, to the same numbers.
  ASSERT_THAT(RunDemo(options), IsOk());
  EXPECT_EQ(Summary(options), summary);

  // Without their states it trains again, to the same numbers.
  std::filesystem::remove_all(vision::JoinPath(options.output_dir, "state"));
  ASSERT_THAT(RunDemo(options), IsOk());
  EXPECT_EQ(Summary(options), summary);
}

TEST(DemoTest, FailsWithTheNameOfAnUnusableFolder) {
  DemoOptions options = FastOptions("file");
  ASSERT_THAT(vision::WriteFileAtomically(options.output_dir, ""), IsOk());
  const absl::Status status = RunDemo(options);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(options.output_dir));
}

TEST(DemoTest, FailsWithTheNameOfMissingSourceMaterial) {
  DemoOptions options = FastOptions("missing");
  options.source_dir = vision::JoinPath(::testing::TempDir(), "no_source");
  options.data_dir = vision::JoinPath(::testing::TempDir(), "other_data");
  const absl::Status status = RunDemo(options);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("no_source"));
}

}  // namespace
}  // namespace fcam
