#include "fcam/localizer/find_images.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace fcam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::UnorderedElementsAre;

class FindImagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = vision::JoinPath(::testing::TempDir(), "find_images_test");
    std::filesystem::remove_all(dir_);
    for (const char* const file :
         {"a/1.jpg", "a/2.PNG", "a/b/1.jpg", "a/notes.txt", "a/.hidden.jpg",
          "a/.cache/3.jpg", "c/1.jpg", "out/overlays/1.jpg.png"}) {
      const std::string path = Path(file);
      ASSERT_THAT(vision::CreateDirectories(
                      std::filesystem::path(path).parent_path().string()),
                  IsOk());
      ASSERT_THAT(vision::WriteFileAtomically(path, "x"), IsOk());
    }
  }
  std::string Path(const std::string& file) const {
    return vision::JoinPath(dir_, file);
  }
  std::vector<std::string> Names(const ImageSources& sources) const {
    const auto images = FindImages(sources);
    EXPECT_THAT(images, IsOk());
    std::vector<std::string> names;
    if (!images.ok()) return names;
    for (const ImageFile& image : *images) names.push_back(image.name);
    return names;
  }

  std::string dir_;
};

TEST_F(FindImagesTest, TakesAFolderWithItsSubfolders) {
  ImageSources sources;
  sources.paths = {Path("a")};
  const auto images = FindImages(sources);
  ASSERT_THAT(images, IsOk());
  ASSERT_EQ(images->size(), 3u);
  EXPECT_EQ((*images)[0].name, "1.jpg");
  EXPECT_EQ((*images)[0].path, Path("a/1.jpg"));
  EXPECT_EQ((*images)[1].name, "2.PNG");
  EXPECT_EQ((*images)[2].name, "b/1.jpg");
}

TEST_F(FindImagesTest, LeavesTheResultsOut) {
  ImageSources sources;
  sources.paths = {dir_ + "/"};
  sources.excluded_dir = Path("out");
  EXPECT_THAT(Names(sources),
              ElementsAre("a/1.jpg", "a/2.PNG", "a/b/1.jpg", "c/1.jpg"));
}

TEST_F(FindImagesTest, NamesDiffer) {
  ImageSources sources;
  sources.paths = {Path("a"), Path("c/1.jpg"), Path("a/../a/b/1.jpg")};
  // a/b/1.jpg was there already, as b/1.jpg; the two files called 1.jpg get
  // their folders.
  EXPECT_THAT(Names(sources),
              ElementsAre("a/1.jpg", "2.PNG", "b/1.jpg", "c/1.jpg"));
  sources.paths = {Path("c/1.jpg")};
  EXPECT_THAT(Names(sources), ElementsAre("1.jpg"));
  // Only the names that clash grow.
  sources.paths = {Path("a/b"), Path("c"), Path("a/2.PNG")};
  EXPECT_THAT(Names(sources),
              UnorderedElementsAre("b/1.jpg", "c/1.jpg", "2.PNG"));
}

TEST_F(FindImagesTest, ReadsAList) {
  ImageSources sources;
  sources.list = Path("list.txt");
  ASSERT_THAT(vision::WriteFileAtomically(
                  sources.list, "a/b/1.jpg\n\n  c/1.jpg \r\n" +
                                    Path("a/2.PNG") + "\nc/../c/1.jpg"),
              IsOk());
  EXPECT_THAT(Names(sources), ElementsAre("a/b/1.jpg", "c/1.jpg", "2.PNG"));
  sources.image_root = Path("a");
  ASSERT_THAT(vision::WriteFileAtomically(sources.list, "b/1.jpg"), IsOk());
  const auto images = FindImages(sources);
  ASSERT_THAT(images, IsOk());
  EXPECT_EQ((*images)[0].path, Path("a/b/1.jpg"));
}

TEST_F(FindImagesTest, SaysWhatIsNotThere) {
  ImageSources sources;
  constexpr auto kNotFound = absl::StatusCode::kNotFound;
  EXPECT_THAT(FindImages(sources),
              StatusIs(kNotFound, HasSubstr("no image was found")));
  sources.paths = {Path("none/")};
  EXPECT_THAT(FindImages(sources), StatusIs(kNotFound, HasSubstr("no folder")));
  sources.paths = {Path("out")};
  sources.excluded_dir = Path("out");
  EXPECT_THAT(FindImages(sources),
              StatusIs(kNotFound, HasSubstr("no image was found")));
  sources.list = Path("none.txt");
  EXPECT_THAT(FindImages(sources), StatusIs(kNotFound, HasSubstr("none.txt")));
  // A file is for its reader to miss.
  sources = {};
  sources.paths = {Path("none.jpg")};
  EXPECT_THAT(Names(sources), ElementsAre("none.jpg"));
}

}  // namespace
}  // namespace fcam
