#include "wsol/datasets/voc_annotations.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/annotations.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
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

std::string Object(absl::string_view name, absl::string_view xmin = "1",
                   absl::string_view more = "") {
  return absl::StrCat("<object><name>", name, "</name><bndbox><xmin>", xmin,
                      "</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax>",
                      "</bndbox>", more, "</object>\n");
}

std::string File(absl::string_view file_name, absl::string_view objects) {
  return absl::StrCat("<annotation>\n<filename>", file_name,
                      "</filename>\n<size><width>20</width><height>10"
                      "</height><depth>3</depth></size>\n",
                      objects, "</annotation>\n");
}

// The kind of file that the data set's own documentation shows.
TEST(VocAnnotationsTest, ParsesAFile) {
  const absl::StatusOr<VocFile> file = ParseVocFile(
      R"(<annotation>
  <folder>VOC2007</folder>
  <filename>000005.jpg</filename>
  <size><width>500</width><height>375</height><depth>3</depth></size>
  <object>
    <name>chair</name>
    <pose>Rear</pose>
    <truncated>0</truncated>
    <difficult>0</difficult>
    <bndbox><xmin>263</xmin><ymin>211</ymin><xmax>324</xmax><ymax>339</ymax></bndbox>
  </object>
  <object>
    <name> person </name>
    <difficult>1</difficult>
    <part><name>head</name>
      <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>
    </part>
    <bndbox><xmax>500</xmax><xmin>1</xmin><ymin>1</ymin><ymax>375.0</ymax></bndbox>
  </object>
</annotation>)",
      "5.xml", 1);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->file_name, "000005.jpg");
  EXPECT_EQ(file->width, 500);
  EXPECT_EQ(file->height, 375);
  ASSERT_EQ(file->objects.size(), 2);
  // 1-based with both ends included: 263 ... 324 is the half-open [262, 324).
  EXPECT_EQ(file->objects[0].box, MakeBox(262, 210, 324, 339));
  EXPECT_EQ(file->objects[0].name, "chair");
  EXPECT_FALSE(file->objects[0].difficult);
  EXPECT_EQ(file->objects[0].line, 5);
  // The whole image is the whole image.
  EXPECT_EQ(file->objects[1].box, MakeBox(0, 0, 500, 375));
  EXPECT_EQ(file->objects[1].name, "person");
  EXPECT_TRUE(file->objects[1].difficult);
}

TEST(VocAnnotationsTest, FilesOfOtherToolsCountFromZero) {
  const absl::StatusOr<VocFile> file =
      ParseVocFile(File("a.jpg", Object("cat", "0")), "a.xml", 0);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->objects[0].box, MakeBox(0, 2, 10, 9));
}

TEST(VocAnnotationsTest, ErrorsNameFileAndLine) {
  const auto expect = [](const std::string& text, const char* message) {
    EXPECT_THAT(ParseVocFile(text, "a.xml", 1).status(),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  expect("", "a.xml:1: No document element found");
  expect("<annotation>\n<filename>a</file>\n", "a.xml:2: Start-end tags");
  expect("<html/>", "a.xml:1: there is no <annotation>");
  expect("<annotation/>", "a.xml:1: <annotation> has no <filename>");
  expect("<annotation>\n<filename> </filename></annotation>",
         "a.xml:2: <annotation> has no <filename> with a text");
  expect(File("a.jpg", "<object>\n</object>"),
         "a.xml:4: <object> has no <name>");
  expect(File("a.jpg", "<object><name>x</name></object>"),
         "a.xml:4: <object> has no <bndbox>");
  expect(File("a.jpg", Object("cat", "one")),
         "a.xml:4: <xmin> is 'one', expected a number");
  expect(File("a.jpg", Object("cat", "nan")), "coordinate out of range");
  expect(File("a.jpg", Object("cat", "1", "<difficult>?</difficult>")),
         "<difficult> is '?', expected a number");
  expect(
      "<annotation><filename>a</filename><size><width>-5</width><height>1"
      "</height></size></annotation>",
      "<size> is -5x1, expected positive numbers");
}

class VocFolderTest : public ::testing::Test {
 protected:
  VocFolderTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_THAT(vision::CreateDirectories(vision::JoinPath(dir_, "xml/sub")),
                IsOk());
    options_.folder = vision::JoinPath(dir_, "xml");
  }

  std::string Write(absl::string_view name, absl::string_view text) {
    const std::string path = vision::JoinPath(dir_, name);
    std::ofstream out(path, std::ios::binary);
    out << text;
    EXPECT_TRUE(out.good());
    return path;
  }

  const std::string dir_;
  VocOptions options_;
};

TEST_F(VocFolderTest, ReadsAllFilesInOrder) {
  Write("xml/b.xml", File("b.jpg", Object("dog") + Object("cat")));
  Write("xml/a.xml", File("a.jpg", Object("cat")));
  Write("xml/sub/c.xml", File("c.jpg", ""));
  Write("xml/notes.txt", "no annotations");
  options_.id_prefix = "JPEGImages/";
  const absl::StatusOr<Annotations> annotations = ReadVocAnnotations(options_);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_THAT(annotations->class_names, ElementsAre("cat", "dog"));
  ASSERT_EQ(annotations->images.size(), 3);
  EXPECT_EQ(annotations->images[0].id, "JPEGImages/a.jpg");
  EXPECT_EQ(annotations->images[1].id, "JPEGImages/b.jpg");
  EXPECT_EQ(annotations->images[2].id, "JPEGImages/sub/c.jpg");
  EXPECT_EQ(annotations->images[1].objects[0].label, 1);
  EXPECT_EQ(annotations->images[1].objects[1].label, 0);
  EXPECT_EQ(annotations->images[1].objects[1].where, 5);
}

TEST_F(VocFolderTest, ReadsTheFilesOfAList) {
  Write("xml/a.xml", File("a.jpg", Object("cat")));
  Write("xml/b.xml", File("b.jpg", Object("dog")));
  options_.image_list = Write("train.txt", "b  1\r\na -1\r\n\r\n");
  options_.class_names = Write("names.txt", "dog\ncat\nbird\n");
  absl::StatusOr<Annotations> annotations = ReadVocAnnotations(options_);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].id, "b.jpg");
  EXPECT_EQ(annotations->images[0].objects[0].label, 0);
  EXPECT_EQ(annotations->images[1].objects[0].label, 1);
  EXPECT_THAT(annotations->class_names, ElementsAre("dog", "cat", "bird"));

  options_.image_list = Write("train.txt", "b\na\nb\n");
  EXPECT_THAT(ReadVocAnnotations(options_).status(),
              StatusIs(kInvalid, HasSubstr("train.txt:3: 'b' is on line 1")));
  options_.image_list = Write("train.txt", "c\na\n");
  options_.class_names = Write("names.txt", "dog\n");
  EXPECT_THAT(
      ReadVocAnnotations(options_).status(),
      StatusIs(kInvalid, AllOf(HasSubstr("c.xml"),
                               HasSubstr("a.xml:4: class 'cat' is not in"))));
}

// ILSVRC's files name their images without ".JPEG".
TEST_F(VocFolderTest, AddsAnExtensionOnRequest) {
  Write("xml/sub/n1_2.xml", File("n1_2", Object("n1")));
  EXPECT_THAT(ReadVocAnnotations(options_).status(),
              StatusIs(kInvalid, HasSubstr("<filename> is 'n1_2', without an "
                                           "extension")));
  options_.image_extension = ".JPEG";
  options_.id_prefix = "train/";
  const absl::StatusOr<Annotations> annotations = ReadVocAnnotations(options_);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_EQ(annotations->images[0].id, "train/sub/n1_2.JPEG");
}

TEST_F(VocFolderTest, ListsAllFilesThatAreWrong) {
  Write("xml/a.xml", "<annotation>");
  Write("xml/b.xml", File("b.jpg", Object("cat", "x")));
  EXPECT_THAT(ReadVocAnnotations(options_).status(),
              StatusIs(kInvalid, AllOf(HasSubstr("a.xml:1: "),
                                       HasSubstr("b.xml:4: <xmin>"))));
  options_.folder = vision::JoinPath(dir_, "xml/sub");
  EXPECT_THAT(ReadVocAnnotations(options_).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there are no .xml files in")));
  options_.folder = vision::JoinPath(dir_, "nowhere");
  EXPECT_THAT(ReadVocAnnotations(options_).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

}  // namespace
}  // namespace wsol
