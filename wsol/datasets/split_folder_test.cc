#include "wsol/datasets/split_folder.h"

#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kExists = absl::StatusCode::kAlreadyExists;

class SplitFolderTest : public ::testing::Test {
 protected:
  SplitFolderTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())),
        folder_(vision::JoinPath(dir_, "new/train")) {
    std::filesystem::remove_all(dir_);
  }

  static SplitMetadata Split(const char* id) {
    SplitMetadata split;
    split.num_classes = 1;
    split.images.emplace_back().id = id;
    return split;
  }
  std::string File(absl::string_view name) const {
    return vision::JoinPath(folder_, name);
  }
  // Files and folders beside the split's: none may be left.
  int64_t Neighbours() const {
    int64_t count = -1;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(vision::JoinPath(dir_, "new"))) {
      ++count;
    }
    return count;
  }

  const std::string dir_;
  const std::string folder_;
};

TEST_F(SplitFolderTest, WritesAllFiles) {
  ASSERT_THAT(WriteSplitFolder(folder_ + "/", Split("a"), {"x"}, false),
              IsOk());
  EXPECT_THAT(vision::ReadFile(File("image_ids.txt")),
              IsOkAndHolds(std::string("a")));
  EXPECT_THAT(vision::ReadFile(File("class_names.txt")),
              IsOkAndHolds(std::string("x\n")));
  EXPECT_THAT(ReadSplitMetadata(folder_), IsOk());
  EXPECT_EQ(Neighbours(), 0);
}

TEST_F(SplitFolderTest, ReplacesASplitOnlyOnRequest) {
  ASSERT_THAT(WriteSplitFolder(folder_, Split("a"), {"x"}, false), IsOk());
  EXPECT_THAT(WriteSplitFolder(folder_, Split("b"), {}, false),
              StatusIs(kExists, HasSubstr("--overwrite replaces it")));
  EXPECT_THAT(vision::ReadFile(File("image_ids.txt")),
              IsOkAndHolds(std::string("a")));
  ASSERT_THAT(WriteSplitFolder(folder_, Split("b"), {}, true), IsOk());
  EXPECT_THAT(vision::ReadFile(File("image_ids.txt")),
              IsOkAndHolds(std::string("b")));
  // Nothing of the old split stays.
  EXPECT_FALSE(vision::FileExists(File("class_names.txt")));
  EXPECT_EQ(Neighbours(), 0);
}

TEST_F(SplitFolderTest, AnEmptyFolderIsFree) {
  ASSERT_THAT(vision::CreateDirectories(folder_), IsOk());
  EXPECT_THAT(CheckSplitFolder(folder_, false), IsOk());
  EXPECT_THAT(WriteSplitFolder(folder_, Split("a"), {}, false), IsOk());
  EXPECT_THAT(ReadSplitMetadata(folder_), IsOk());
}

TEST_F(SplitFolderTest, NeverReplacesOtherFiles) {
  ASSERT_THAT(WriteSplitFolder(folder_, Split("a"), {}, false), IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(File("thesis.tex"), "x"), IsOk());
  EXPECT_THAT(WriteSplitFolder(folder_, Split("b"), {}, true),
              StatusIs(kExists, HasSubstr("holds 'thesis.tex', which is no "
                                          "file of a split")));
  EXPECT_TRUE(vision::FileExists(File("thesis.tex")));
  EXPECT_THAT(CheckSplitFolder(File("thesis.tex"), true),
              StatusIs(kExists, HasSubstr("is not a folder")));
  EXPECT_THAT(CheckSplitFolder("", true),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SplitFolderTest, LeavesNothingAfterAnError) {
  ASSERT_THAT(WriteSplitFolder(folder_, Split("a"), {}, false), IsOk());
  EXPECT_THAT(WriteSplitFolder(folder_, Split("a,b"), {}, true),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the id has a comma in it")));
  EXPECT_THAT(WriteSplitFolder(folder_, Split("b"), {"x", "x"}, true),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("'x' is there twice")));
  EXPECT_THAT(vision::ReadFile(File("image_ids.txt")),
              IsOkAndHolds(std::string("a")));
  EXPECT_EQ(Neighbours(), 0);
}

}  // namespace
}  // namespace wsol
