#include "vision/base/mapped_file.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

std::string TempFile(const std::string& name, const std::string& contents) {
  const std::string path = JoinPath(::testing::TempDir(), name);
  EXPECT_THAT(WriteFileAtomically(path, contents), IsOk());
  return path;
}

TEST(MappedFileTest, HasTheFilesBytes) {
  const auto file = MappedFile::Open(TempFile("bytes", "some bytes"));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->bytes(), "some bytes");
}

TEST(MappedFileTest, AnEmptyFileHasNoBytes) {
  const auto file = MappedFile::Open(TempFile("empty", ""));
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->bytes(), "");
}

TEST(MappedFileTest, WritesDoNotReachTheFile) {
  const std::string path = TempFile("writes", "some bytes");
  {
    const auto file = MappedFile::Open(path);
    ASSERT_THAT(file, IsOk());
    (*file)->data()[0] = 'c';
    EXPECT_EQ((*file)->bytes(), "come bytes");
  }
  EXPECT_THAT(ReadFile(path), IsOkAndHolds("some bytes"));
}

TEST(MappedFileTest, OutlivesTheFilesReplacement) {
  const std::string path = TempFile("replaced", "old");
  const auto file = MappedFile::Open(path);
  ASSERT_THAT(file, IsOk());
  TempFile("replaced", "newer");
  EXPECT_EQ((*file)->bytes(), "old");
}

TEST(MappedFileTest, RejectsWhatIsNoFile) {
  const std::string none = JoinPath(::testing::TempDir(), "none");
  EXPECT_THAT(MappedFile::Open(none),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(none)));
  EXPECT_THAT(MappedFile::Open(::testing::TempDir()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("it is a folder")));
  EXPECT_THAT(MappedFile::Open("/dev/null"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no regular file")));
}

}  // namespace
}  // namespace vision
