#include "wsol/datasets/folder_annotations.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/annotations.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

vision::Box MakeBox(int x0, int y0, int x1, int y1) {
  vision::Box box;
  box.x0 = x0;
  box.y0 = y0;
  box.x1 = x1;
  box.y1 = y1;
  return box;
}

// Images of 20x10 pixels: cat/a.png, cat/deep/b.png and dog/a.png.
class FolderAnnotationsTest : public ::testing::Test {
 protected:
  FolderAnnotationsTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
    EXPECT_THAT(vision::CreateDirectories(Path("root/cat/deep")), IsOk());
    EXPECT_THAT(vision::CreateDirectories(Path("root/dog")), IsOk());
    const absl::StatusOr<std::string> png =
        vision::EncodePng(cv::Mat::zeros(10, 20, CV_8UC1));
    EXPECT_THAT(png, IsOk());
    for (const char* name : {"cat/a.png", "cat/deep/b.png", "dog/a.png"}) {
      Write(vision::JoinPath("root", name), *png);
    }
    options_.image_root = Path("root");
    options_.num_threads = 2;
  }

  std::string Path(absl::string_view name) const {
    return vision::JoinPath(dir_, name);
  }
  std::string Write(absl::string_view name, absl::string_view text) {
    std::ofstream out(Path(name), std::ios::binary);
    out << text;
    EXPECT_TRUE(out.good());
    return Path(name);
  }
  absl::StatusOr<Annotations> ReadWithBoxes(absl::string_view csv) {
    options_.boxes = Write("boxes.csv", csv);
    return ReadFolderAnnotations(options_);
  }

  const std::string dir_;
  FolderOptions options_;
};

TEST_F(FolderAnnotationsTest, FoldersAreClasses) {
  Write("root/notes.txt", "");
  Write("root/dog/.hidden", "");
  options_.id_prefix = "pets/";
  const absl::StatusOr<Annotations> annotations =
      ReadFolderAnnotations(options_);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_THAT(annotations->class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(annotations->other_files, 2);
  ASSERT_EQ(annotations->images.size(), 3);
  EXPECT_EQ(annotations->images[0].id, "pets/cat/a.png");
  EXPECT_EQ(annotations->images[1].id, "pets/cat/deep/b.png");
  EXPECT_EQ(annotations->images[2].id, "pets/dog/a.png");
  EXPECT_EQ(annotations->images[2].label, 1);
  EXPECT_EQ(annotations->images[2].width, 20);
  EXPECT_EQ(annotations->images[2].height, 10);
  EXPECT_THAT(annotations->images[2].objects, IsEmpty());
}

TEST_F(FolderAnnotationsTest, LabelsFollowTheListOfClasses) {
  options_.class_names = Write("names.txt", "dog\nbird\ncat\n");
  const absl::StatusOr<Annotations> annotations =
      ReadFolderAnnotations(options_);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].label, 2);
  EXPECT_EQ(annotations->images[2].label, 0);
  options_.class_names = Write("names.txt", "dog\n");
  EXPECT_THAT(ReadFolderAnnotations(options_).status(),
              StatusIs(kInvalid, HasSubstr("the folder 'cat' is not in ")));
}

TEST_F(FolderAnnotationsTest, ReadsBoxesWithoutAHeader) {
  const absl::StatusOr<Annotations> annotations = ReadWithBoxes(
      "\xEF\xBB\xBF"
      "dog/a.png,1,2,3,4\r\n\"cat/a.png\",0,0,19,9\r\ndog/a.png,5,5,5,5\r\n");
  ASSERT_THAT(annotations, IsOk());
  // Both ends are of the box, as in localization.txt.
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(0, 0, 20, 10));
  ASSERT_EQ(annotations->images[2].objects.size(), 2);
  EXPECT_EQ(annotations->images[2].objects[0].box, MakeBox(1, 2, 4, 5));
  EXPECT_EQ(annotations->images[2].objects[0].label, 1);
  EXPECT_EQ(annotations->images[2].objects[1].where, 3);
}

TEST_F(FolderAnnotationsTest, OriginAndEndsAreOptions) {
  options_.box_ends = BoxEnds::kExclusive;
  absl::StatusOr<Annotations> annotations = ReadWithBoxes("cat/a.png,1,2,3,4");
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(1, 2, 3, 4));
  options_.origin = 1;
  annotations = ReadWithBoxes("cat/a.png,1,2,3,4");
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(0, 1, 2, 3));
  EXPECT_THAT(ParseBoxEnds("exclusive"),
              ::testing::IsOkAndHolds(BoxEnds::kExclusive));
  EXPECT_THAT(ParseBoxEnds("open"),
              StatusIs(kInvalid, HasSubstr("expected inclusive, exclusive")));
}

TEST_F(FolderAnnotationsTest, AHeaderNamesTheColumns) {
  // Width and height are the image's here.
  absl::StatusOr<Annotations> annotations = ReadWithBoxes(
      "filename,width,height,class,xmin,ymin,xmax,ymax\n"
      "cat/a.png,20,10,cat,1,2,3,4\n");
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(1, 2, 4, 5));
  // And the box's here.
  annotations = ReadWithBoxes("X, Y, W, H, Path\n1,2,3.2,3.9,cat/a.png\n");
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(1, 2, 4, 6));
}

TEST_F(FolderAnnotationsTest, ProblemsOfTheCsvFileAreListedWithTheirLines) {
  EXPECT_THAT(
      ReadWithBoxes("cat/a.png,1,2,3,4\nbird/a.png,1,2,3,4\ncat/a.png,1,2,3\n"
                    "cat/a.png,1,2,3,x\n\"cat/a.png,1,2,3,4\n")
          .status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("boxes.csv:2: there is no image 'bird/a.png'"),
                     HasSubstr("boxes.csv:3: got 4 fields, expected 5"),
                     HasSubstr("boxes.csv:4: got 'cat/a.png,1,2,3,x', expected "
                               "numbers"),
                     HasSubstr("boxes.csv:5: a quote has no end"))));
  EXPECT_THAT(ReadWithBoxes("file;x0;y0;x1;y1\ncat/a.png;1;2;3;4").status(),
              StatusIs(kInvalid, HasSubstr("boxes.csv:1: got "
                                           "'file;x0;y0;x1;y1', expected "
                                           "id,x0,y0,x1,y1 or a header")));
}

TEST_F(FolderAnnotationsTest, ProblemsOfTheFolders) {
  Write("root/dog/broken.jpg", "no image");
  EXPECT_THAT(ReadFolderAnnotations(options_).status(),
              StatusIs(kInvalid, HasSubstr("dog/broken.jpg")));
  Write("root/loose.jpg", "");
  EXPECT_THAT(ReadFolderAnnotations(options_).status(),
              StatusIs(kInvalid, HasSubstr("loose.jpg' is in no folder of a "
                                           "class")));
  options_.image_root = Path("root/cat/deep");
  std::filesystem::remove(Path("root/cat/deep/b.png"));
  EXPECT_THAT(ReadFolderAnnotations(options_).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there are no images in folders of")));
  options_.image_root = Path("nowhere");
  EXPECT_THAT(ReadFolderAnnotations(options_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

}  // namespace
}  // namespace wsol
