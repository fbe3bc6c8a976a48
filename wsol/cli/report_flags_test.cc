#include "wsol/cli/report_flags.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/report_run/report_options.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

class ReportFlagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("BUILD_WORKING_DIRECTORY", "/where/the/user/is", 1);
  }
  static void Set(const char* flag, const char* value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value), "") << flag;
  }

 private:
  gflags::FlagSaver saver_;
};

TEST_F(ReportFlagsTest, DefaultsAreThoseOfTheOptions) {
  EXPECT_THAT(ReportOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("--runs is needed")));
  Set("runs", "a=b");
  const absl::StatusOr<ReportOptions> options = ReportOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  const ReportOptions defaults;
  EXPECT_EQ(options->title, "");
  EXPECT_EQ(options->metadata_dir, "");
  EXPECT_EQ(options->mask_metadata_dir, "");
  EXPECT_EQ(options->baselines, defaults.baselines);
  EXPECT_EQ(options->num_panel_images, defaults.num_panel_images);
  EXPECT_EQ(options->num_simulated_images, defaults.num_simulated_images);
  EXPECT_EQ(options->log_histogram, defaults.log_histogram);
  EXPECT_EQ(options->tau_interval, defaults.tau_interval);
  EXPECT_EQ(options->bootstrap.num_resamples, defaults.bootstrap.num_resamples);
  EXPECT_EQ(options->bootstrap.confidence, defaults.bootstrap.confidence);
  EXPECT_EQ(options->seed, defaults.seed);
}

TEST_F(ReportFlagsTest, PathsStartWhereTheUserIs) {
  Set("runs", "CAM=runs/cam,F-CAM=/runs/fcam");
  Set("output_dir", "out");
  Set("metadata_root", "meta");
  Set("mask_metadata_dir", "/masks/test");
  Set("image_root", "images");
  const absl::StatusOr<ReportOptions> options = ReportOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  ASSERT_EQ(options->runs.size(), 2u);
  EXPECT_EQ(options->runs[0].path, "/where/the/user/is/runs/cam");
  EXPECT_EQ(options->runs[1].path, "/runs/fcam");
  EXPECT_EQ(options->output_dir, "/where/the/user/is/out");
  EXPECT_EQ(options->metadata_dir, "/where/the/user/is/meta/test");
  EXPECT_EQ(options->mask_metadata_dir, "/masks/test");
  EXPECT_EQ(options->image_root, "/where/the/user/is/images");
  EXPECT_EQ(options->mask_root, "");
}

TEST_F(ReportFlagsTest, RefusesWhatContradicts) {
  Set("runs", "CAM");
  EXPECT_THAT(ReportOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("'CAM' has no '='")));
  Set("runs", "CAM=x");
  Set("metadata_dir", "a");
  Set("metadata_root", "b");
  EXPECT_THAT(
      ReportOptionsFromFlags(),
      StatusIs(kInvalid, HasSubstr("--metadata_dir and --metadata_root")));
}

}  // namespace
}  // namespace wsol
