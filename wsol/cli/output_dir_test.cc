#include "wsol/cli/output_dir.h"

#include <filesystem>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::string TempPath(const std::string& name) {
  return vision::JoinPath(::testing::TempDir(), name);
}

TEST(OutputDirTest, CreatesTheFolderAndLeavesItEmpty) {
  const std::string path = TempPath("a/b");
  ASSERT_THAT(PrepareOutputDir(path, 1000), IsOk());
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_TRUE(std::filesystem::is_empty(path));
  EXPECT_THAT(PrepareOutputDir(path), IsOk());
}

TEST(OutputDirTest, FailsWhereAFileStands) {
  const std::string path = TempPath("file");
  ASSERT_THAT(vision::WriteFileAtomically(path, "x"), IsOk());
  EXPECT_THAT(PrepareOutputDir(path),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(path), HasSubstr("is a file"))));
  EXPECT_THAT(PrepareOutputDir(vision::JoinPath(path, "below")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("below")));
}

TEST(OutputDirTest, FailsWhereNothingCanBeWritten) {
  // Not even root can create files there.
  EXPECT_THAT(PrepareOutputDir("/proc/self"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       HasSubstr("cannot write to output folder "
                                 "'/proc/self': ")));
}

TEST(OutputDirTest, FailsWithoutEnoughSpace) {
  EXPECT_THAT(
      PrepareOutputDir(TempPath("large"), std::numeric_limits<int64_t>::max()),
      StatusIs(absl::StatusCode::kResourceExhausted,
               AllOf(HasSubstr("large"), HasSubstr(" free, "),
                     HasSubstr("9223372036.9 GB are needed"))));
}

TEST(OutputDirTest, FailsWithoutAName) {
  EXPECT_THAT(PrepareOutputDir(""), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("empty name")));
}

}  // namespace
}  // namespace wsol
