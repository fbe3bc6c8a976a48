#include "wsol/cam_run/image_list.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::vector<std::string> Ids(const std::vector<ListedImage>& images) {
  std::vector<std::string> ids;
  for (const ListedImage& image : images) ids.push_back(image.id);
  return ids;
}

class ListImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    for (const char* const name :
         {"b.PNG", "a/x.jpeg", "a/deep/y.webp", "a/notes.txt", ".hidden.jpg",
          ".cache/z.jpg", "c.jpg.npy"}) {
      const std::filesystem::path path = root_ / name;
      std::filesystem::create_directories(path.parent_path());
      ASSERT_THAT(vision::WriteFileAtomically(path.string(), "x"), IsOk());
    }
  }

  const std::filesystem::path root_ =
      vision::JoinPath(::testing::TempDir(), "images");
};

TEST_F(ListImagesTest, FindsImagesInFoldersBelow) {
  const auto images = ListImages(root_.string());
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(Ids(*images), ElementsAre("a/deep/y.webp", "a/x.jpeg", "b.PNG"));
  EXPECT_EQ((*images)[1].path, (root_ / "a/x.jpeg").string());
  EXPECT_FALSE((*images)[1].label.has_value());
}

TEST_F(ListImagesTest, AFolderMayEndInASlash) {
  const auto images = ListImages(root_.string() + "/");
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(Ids(*images), ElementsAre("a/deep/y.webp", "a/x.jpeg", "b.PNG"));
}

TEST_F(ListImagesTest, TakesOneFileWhateverItsName) {
  const auto images = ListImages((root_ / "a/notes.txt").string());
  ASSERT_THAT(images, IsOk());
  EXPECT_THAT(Ids(*images), ElementsAre("notes.txt"));
}

TEST_F(ListImagesTest, SaysWhatIsNotThere) {
  EXPECT_THAT(
      ListImages((root_ / "none").string()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no file or folder")));
  std::filesystem::create_directories(root_ / "empty");
  EXPECT_THAT(ListImages((root_ / "empty").string()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("has no image")));
}

TEST(CheckImageNamesTest, NamesImagesWhoseMapsWouldCollide) {
  EXPECT_THAT(CheckImageNames({{"a/b.jpg", "", {}}, {"a/c.jpg", "", {}}}),
              IsOk());
  EXPECT_THAT(
      CheckImageNames({{"a/b.jpg", "", {}}, {"a_b.png", "", {}}}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("'a/b.jpg' and 'a_b.png' would both be named 'a_b'")));
  EXPECT_THAT(CheckImageNames({{"a,b.jpg", "", {}}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'a,b.jpg'"), HasSubstr("comma"))));
}

}  // namespace
}  // namespace wsol
