#include "wsol/datasets/class_names.h"

#include <fstream>
#include <string>
#include <vector>

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

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ClassNamesTest : public ::testing::Test {
 protected:
  ClassNamesTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_THAT(vision::CreateDirectories(vision::JoinPath(dir_, "train")),
                IsOk());
  }

  void Write(absl::string_view file, absl::string_view text) {
    std::ofstream out(vision::JoinPath(dir_, file), std::ios::binary);
    out << text;
    EXPECT_TRUE(out.good());
  }

  const std::string dir_;
};

TEST_F(ClassNamesTest, ReadsTheNearestFile) {
  const std::string split = vision::JoinPath(dir_, "train");
  EXPECT_THAT(ReadClassNames(split), IsOkAndHolds(IsEmpty()));
  Write("class_names.txt", "a\nb c\n");
  EXPECT_THAT(ReadClassNames(split), IsOkAndHolds(ElementsAre("a", "b c")));
  // With a slash at the end too.
  EXPECT_THAT(ReadClassNames(split + "/"),
              IsOkAndHolds(ElementsAre("a", "b c")));
  Write("train/class_names.txt", "\xEF\xBB\xBFx\r\ny\r\n\r\n");
  EXPECT_THAT(ReadClassNames(split), IsOkAndHolds(ElementsAre("x", "y")));
}

TEST_F(ClassNamesTest, NamesProblemsWithTheirLines) {
  Write("class_names.txt", "a\n\na\nb\n");
  EXPECT_THAT(
      ReadClassNames(dir_),
      StatusIs(kInvalid,
               ::testing::AllOf(
                   HasSubstr("class_names.txt:2: the class name is empty"),
                   HasSubstr("class_names.txt:3: class name 'a' is there "
                             "already, on line 1"))));
  EXPECT_THAT(ReadClassNamesFile(vision::JoinPath(dir_, "nowhere.txt")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere.txt")));
  Write("class_names.txt", "");
  EXPECT_THAT(ReadClassNames(dir_), StatusIs(kInvalid, HasSubstr("empty")));
}

TEST_F(ClassNamesTest, ChecksWhatAFileCanHold) {
  EXPECT_THAT(CheckClassNames(std::vector<std::string>{"a", "b, c"}), IsOk());
  EXPECT_THAT(CheckClassNames(std::vector<std::string>{"a", "a"}),
              StatusIs(kInvalid, HasSubstr("'a' is there twice")));
  EXPECT_THAT(CheckClassNames(std::vector<std::string>{""}),
              StatusIs(kInvalid, HasSubstr("is empty")));
  EXPECT_THAT(CheckClassNames(std::vector<std::string>{"a "}),
              StatusIs(kInvalid, HasSubstr("begins or ends with a blank")));
  EXPECT_THAT(CheckClassNames(std::vector<std::string>{"a\nb"}),
              StatusIs(kInvalid, HasSubstr("'a\\x0ab' has a control")));
}

TEST_F(ClassNamesTest, FoldersNameClassesWhereEachHasItsOwn) {
  SplitMetadata split;
  split.num_classes = 3;
  split.images.resize(2);
  split.images[0].id = "train/cat/1.png";
  split.images[1].id = "train/dog/1.png";
  split.images[1].label = 2;
  EXPECT_THAT(ClassNamesFromFolders(split),
              ElementsAre("cat", "class 1", "dog"));
  split.images[1].id = "train/cat/2.png";
  EXPECT_THAT(ClassNamesFromFolders(split),
              ElementsAre("class 0", "class 1", "class 2"));
}

}  // namespace
}  // namespace wsol
