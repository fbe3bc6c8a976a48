#include "fcam/cli/demo_flags.h"

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/demo/demo_options.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/datasets/synthetic.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class DemoFlagsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("BUILD_WORKING_DIRECTORY", "/where/the/user/is", 1);
    setenv("XDG_CACHE_HOME", "/cache", 1);
  }
  static void Set(const char* flag, const char* value) {
    ASSERT_NE(gflags::SetCommandLineOption(flag, value), "") << flag;
  }

 private:
  gflags::FlagSaver saver_;
};

TEST_F(DemoFlagsTest, DefaultsAreThoseOfTheOptions) {
  const absl::StatusOr<DemoOptions> options = DemoOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  const DemoOptions defaults;
  EXPECT_EQ(options->data, defaults.data);
  EXPECT_EQ(options->seed, defaults.seed);
  EXPECT_EQ(options->fast, defaults.fast);
  EXPECT_GE(options->num_threads, 1);
  EXPECT_EQ(options->output_dir, "/where/the/user/is/fcam_demo");
  EXPECT_EQ(options->data_dir, "/cache/fcam/data");
  EXPECT_THAT(options->Validate(), IsOk());
  EXPECT_TRUE(vision::FileExists(
      vision::JoinPath(options->source_dir, "objects/fan.png")));
}

TEST_F(DemoFlagsTest, ReadsEveryFlag) {
  Set("data", "birds");
  Set("output_dir", "/out");
  Set("data_dir", "images");
  Set("seed", "5");
  Set("fast", "true");
  const absl::StatusOr<DemoOptions> options = DemoOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->data, wsol::SyntheticKind::kBirds16);
  EXPECT_EQ(options->output_dir, "/out");
  EXPECT_EQ(options->data_dir, "/where/the/user/is/images");
  EXPECT_EQ(options->seed, 5u);
  EXPECT_TRUE(options->fast);
}

TEST_F(DemoFlagsTest, DataDirFallsBackToTheHomeFolder) {
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", "/home/somebody", 1);
  const absl::StatusOr<DemoOptions> options = DemoOptionsFromFlags();
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->data_dir, "/home/somebody/.cache/fcam/data");
  unsetenv("HOME");
  EXPECT_THAT(DemoOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("data_dir")));
}

TEST_F(DemoFlagsTest, NamesTheBadFlag) {
  Set("data", "cats");
  EXPECT_THAT(DemoOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("--data=cats")));
  Set("data", "objects");
  Set("output_dir", "");
  EXPECT_THAT(DemoOptionsFromFlags(),
              StatusIs(kInvalid, HasSubstr("--output_dir")));
}

}  // namespace
}  // namespace fcam
