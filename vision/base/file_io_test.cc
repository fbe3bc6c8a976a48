#include "vision/base/file_io.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

std::string TempPath(const std::string& name) {
  return JoinPath(::testing::TempDir(), name);
}

TEST(FileIoTest, WritesAndReadsBackAnyBytes) {
  const std::string path = TempPath("bytes");
  const std::string contents("a\0b\n\xff", 5);
  ASSERT_THAT(WriteFileAtomically(path, contents), IsOk());
  EXPECT_THAT(ReadFile(path), IsOkAndHolds(contents));
  ASSERT_THAT(WriteFileAtomically(path, ""), IsOk());
  EXPECT_THAT(ReadFile(path), IsOkAndHolds(std::string()));
}

TEST(FileIoTest, WritesPiecesOneAfterTheOther) {
  const std::string path = TempPath("pieces");
  const absl::string_view pieces[] = {"one", "", "two"};
  ASSERT_THAT(WriteFileAtomically(path, pieces), IsOk());
  EXPECT_THAT(ReadFile(path), IsOkAndHolds(std::string("onetwo")));
}

TEST(FileIoTest, ReadsFilesWhoseSizeTheSystemDoesNotTell) {
  const absl::StatusOr<std::string> status = ReadFile("/proc/self/status");
  ASSERT_THAT(status, IsOk());
  EXPECT_THAT(*status, HasSubstr("Name:"));
}

TEST(FileIoTest, FailsOnAMissingFileWithItsName) {
  EXPECT_THAT(ReadFile(TempPath("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST(FileIoTest, FailsOnAFolder) {
  EXPECT_THAT(ReadFile(::testing::TempDir()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("directory")));
}

TEST(FileIoTest, FailedWriteLeavesTheOldFileAndNoTemporary) {
  const std::string folder = TempPath("full");
  ASSERT_THAT(CreateDirectories(folder), IsOk());
  const std::string target = JoinPath(folder, "target");
  ASSERT_THAT(WriteFileAtomically(target, "old"), IsOk());
  EXPECT_THAT(WriteFileAtomically(JoinPath(folder, "missing/target"), "new"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("target")));
  EXPECT_THAT(ReadFile(target), IsOkAndHolds(std::string("old")));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    (void)entry;
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST(FileIoTest, CreateDirectoriesFailsWhereAFileStands) {
  const std::string path = TempPath("file");
  ASSERT_THAT(WriteFileAtomically(path, "x"), IsOk());
  EXPECT_THAT(CreateDirectories(path),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("file")));
  EXPECT_THAT(CreateDirectories(JoinPath(path, "below")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("below")));
}

TEST(FileIoTest, Crc32IsThatOfPng) {
  EXPECT_EQ(Crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(Crc32(""), 0u);
}

TEST(FileIoTest, JoinPathKeepsAbsolutePaths) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
  EXPECT_EQ(JoinPath("a", "/b"), "/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
}

}  // namespace
}  // namespace vision
