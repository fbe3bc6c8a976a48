#include "vision/base/replace_folder.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace vision {
namespace {

using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

class ReplaceFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(Path());
    std::filesystem::remove_all(Path() + ".new");
  }

  static std::string Path() {
    return JoinPath(::testing::TempDir(), "replace_folder_test");
  }

  static absl::Status Write(const std::string& name,
                            const std::string& content) {
    return ReplaceFolder(Path(), [&](const std::string& folder) {
      return WriteFileAtomically(JoinPath(folder, name), content);
    });
  }
};

TEST_F(ReplaceFolderTest, MakesAFolder) {
  EXPECT_THAT(Write("a", "1"), IsOk());
  EXPECT_THAT(ReadFile(JoinPath(Path(), "a")), IsOkAndHolds("1"));
}

TEST_F(ReplaceFolderTest, ReplacesAllOfAFolder) {
  ASSERT_THAT(Write("a", "1"), IsOk());
  ASSERT_THAT(Write("b", "2"), IsOk());
  EXPECT_FALSE(FileExists(JoinPath(Path(), "a")));
  EXPECT_THAT(ReadFile(JoinPath(Path(), "b")), IsOkAndHolds("2"));
  EXPECT_FALSE(FileExists(Path() + ".new"));
  EXPECT_FALSE(FileExists(Path() + ".old"));
}

TEST_F(ReplaceFolderTest, TakesAPathWithASlashAtItsEnd) {
  ASSERT_THAT(ReplaceFolder(Path() + "/",
                            [](const std::string& folder) {
                              return WriteFileAtomically(JoinPath(folder, "a"),
                                                         "1");
                            }),
              IsOk());
  EXPECT_THAT(ReadFile(JoinPath(Path(), "a")), IsOkAndHolds("1"));
}

TEST_F(ReplaceFolderTest, KeepsTheOldFolderIfWritingFails) {
  ASSERT_THAT(Write("a", "1"), IsOk());
  EXPECT_THAT(ReplaceFolder(Path(),
                            [](const std::string& folder) {
                              EXPECT_THAT(WriteFileAtomically(
                                              JoinPath(folder, "b"), "2"),
                                          IsOk());
                              return absl::ResourceExhaustedError("full");
                            }),
              StatusIs(absl::StatusCode::kResourceExhausted, "full"));
  EXPECT_THAT(ReadFile(JoinPath(Path(), "a")), IsOkAndHolds("1"));
  EXPECT_FALSE(FileExists(JoinPath(Path(), "b")));
  EXPECT_FALSE(FileExists(Path() + ".new"));
}

TEST_F(ReplaceFolderTest, RemovesWhatAKilledCallLeft) {
  ASSERT_THAT(CreateDirectories(Path() + ".new"), IsOk());
  ASSERT_THAT(WriteFileAtomically(JoinPath(Path() + ".new", "stale"), "x"),
              IsOk());
  ASSERT_THAT(Write("a", "1"), IsOk());
  EXPECT_FALSE(FileExists(JoinPath(Path(), "stale")));
}

TEST_F(ReplaceFolderTest, NamesAFolderThatCannotBeMade) {
  ASSERT_THAT(Write("a", "1"), IsOk());
  const std::string inside_a_file = JoinPath(Path(), "a/b");
  EXPECT_THAT(
      ReplaceFolder(inside_a_file,
                    [](const std::string&) { return absl::OkStatus(); }),
      StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("a/b")));
}

}  // namespace
}  // namespace vision
