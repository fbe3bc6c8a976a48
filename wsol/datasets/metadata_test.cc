#include "wsol/datasets/metadata.h"

#include <array>
#include <cstdint>
#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::Not;
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

// A folder of this test, with the files given; nullptr leaves a file out.
class MetadataTest : public ::testing::Test {
 protected:
  MetadataTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_THAT(vision::CreateDirectories(dir_), IsOk());
  }

  void Write(absl::string_view file, absl::string_view contents) {
    // Not WriteFileAtomically, which waits for the disk: there are many files.
    std::ofstream out(vision::JoinPath(dir_, file), std::ios::binary);
    out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    EXPECT_TRUE(out.good());
  }

  absl::StatusOr<SplitMetadata> Read(absl::string_view ids,
                                     absl::string_view labels,
                                     absl::string_view sizes,
                                     absl::string_view localization,
                                     const MetadataOptions& options = {}) {
    Write("image_ids.txt", ids);
    Write("class_labels.txt", labels);
    Write("image_sizes.txt", sizes);
    Write("localization.txt", localization);
    return ReadSplitMetadata(dir_, options);
  }

  // Two images of 10x8 pixels with this localization.txt.
  absl::StatusOr<SplitMetadata> ReadLocalization(absl::string_view rows) {
    return Read("a.png\nb.png", "a.png,0\nb.png,1", "a.png,10,8\nb.png,10,8",
                rows);
  }

  const std::string dir_;
};

// The rows below stand in the published files.
TEST_F(MetadataTest, ReadsCubLayout) {
  const std::string id =
      "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg";
  const absl::StatusOr<SplitMetadata> split =
      Read(id, absl::StrCat(id, ",0"), absl::StrCat(id, ",500,335"),
           absl::StrCat(id, ",60,27,385,331"));
  ASSERT_THAT(split, IsOk());
  ASSERT_EQ(split->images.size(), 1);
  const ImageRecord& image = split->images[0];
  EXPECT_EQ(image.id, id);
  EXPECT_EQ(image.label, 0);
  EXPECT_EQ(image.width, 500);
  EXPECT_EQ(image.height, 335);
  // Inclusive ends become half-open ones.
  EXPECT_THAT(image.boxes, ElementsAre(MakeBox(60, 27, 386, 332)));
  EXPECT_THAT(image.mask_paths, IsEmpty());
  EXPECT_EQ(split->num_classes, 1);
}

TEST_F(MetadataTest, ReadsIlsvrcLayoutWithSeveralBoxes) {
  const absl::StatusOr<SplitMetadata> split =
      Read("val/ILSVRC2012_val_00000001.JPEG\nval/ILSVRC2012_val_00000002.JPEG",
           "val/ILSVRC2012_val_00000001.JPEG,65\n"
           "val/ILSVRC2012_val_00000002.JPEG,970\n",
           "val/ILSVRC2012_val_00000001.JPEG,500,375\n"
           "val/ILSVRC2012_val_00000002.JPEG,500,375",
           "val/ILSVRC2012_val_00000001.JPEG,111,108,441,193\n"
           "val/ILSVRC2012_val_00000002.JPEG,45,49,499,162\n"
           "val/ILSVRC2012_val_00000002.JPEG,2,69,437,207");
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->num_classes, 971);
  EXPECT_EQ(split->images[0].label, 65);
  EXPECT_THAT(split->images[1].boxes,
              ElementsAre(MakeBox(45, 49, 500, 163), MakeBox(2, 69, 438, 208)));
}

TEST_F(MetadataTest, ReadsOpenImagesLayout) {
  // No sizes; the ignore mask stands on an image's first row only.
  const absl::StatusOr<SplitMetadata> split =
      Read("test/01226z/7af766bd43da900b.jpg\ntest/01226z/x.jpg",
           "test/01226z/7af766bd43da900b.jpg,0\ntest/01226z/x.jpg,0", "",
           "test/01226z/7af766bd43da900b.jpg,"
           "test/01226z/7af766bd43da900b_m01226z_6554d965.png,"
           "test/01226z/7af766bd43da900b_ignore.png\n"
           "test/01226z/7af766bd43da900b.jpg,"
           "test/01226z/7af766bd43da900b_m01226z_8856c605.png,\n"
           "test/01226z/x.jpg,test/01226z/x_m.png,\n");
  ASSERT_THAT(split, IsOk());
  EXPECT_THAT(split->images[0].mask_paths,
              ElementsAre("test/01226z/7af766bd43da900b_m01226z_6554d965.png",
                          "test/01226z/7af766bd43da900b_m01226z_8856c605.png"));
  EXPECT_EQ(split->images[0].ignore_path,
            "test/01226z/7af766bd43da900b_ignore.png");
  EXPECT_EQ(split->images[1].ignore_path, "");
  EXPECT_EQ(split->images[0].width, 0);
}

TEST_F(MetadataTest, TrainSplitNeedsNoSizesAndNoLocalization) {
  Write("image_ids.txt", "a.png\nb.png\n");
  Write("class_labels.txt", "a.png,1\nb.png,0\n");
  const absl::StatusOr<SplitMetadata> split = ReadSplitMetadata(dir_);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->images.size(), 2);
  EXPECT_THAT(split->images[0].boxes, IsEmpty());
}

TEST_F(MetadataTest, OrderIsThatOfImageIds) {
  const absl::StatusOr<SplitMetadata> split =
      Read("b\na\nc", "a,0\nb,1\nc,2", "c,3,3\na,1,1\nb,2,2",
           "c,0,0,2,2\nb,0,0,1,1\na,0,0,0,0\nb,1,1,1,1");
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->images[0].id, "b");
  EXPECT_EQ(split->images[0].label, 1);
  EXPECT_EQ(split->images[0].width, 2);
  EXPECT_THAT(split->images[0].boxes,
              ElementsAre(MakeBox(0, 0, 2, 2), MakeBox(1, 1, 2, 2)));
  EXPECT_EQ(split->images[2].height, 3);
}

TEST_F(MetadataTest, AcceptsWindowsLineEndsAndByteOrderMark) {
  const absl::StatusOr<SplitMetadata> split = Read(
      "\xEF\xBB\xBF"
      "a.png\r\nb.png\r\n",
      "\xEF\xBB\xBF"
      "a.png,0\r\nb.png,1\r\n",
      "", "a.png,1,2,3,4\r\nb.png,0,0,1,1\r\n\r\n");
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->images[0].id, "a.png");
  EXPECT_EQ(split->images[1].label, 1);
  EXPECT_THAT(split->images[0].boxes, ElementsAre(MakeBox(1, 2, 4, 5)));
}

TEST_F(MetadataTest, NamesUtf16) {
  const std::string utf16(
      "\xFF\xFE"
      "a\0.\0",
      6);
  EXPECT_THAT(Read(utf16, "", "", ""),
              StatusIs(kInvalid, HasSubstr("image_ids.txt:1: the file is "
                                           "UTF-16, expected UTF-8")));
}

// Corners that the file holds come back from the half-open box.
TEST_F(MetadataTest, BoxConversionIsExactlyInvertible) {
  vision::Rng rng(1);
  for (int i = 0; i < 1000; ++i) {
    std::array<int, 4> corners;
    for (int& corner : corners) {
      corner = static_cast<int>(rng.UniformInt(5000));
    }
    EXPECT_EQ(BoxToFileCorners(BoxFromFileCorners(corners)), corners);
  }
  // One pixel: x1 = x0 in the file, width 1.
  EXPECT_EQ(BoxFromFileCorners({3, 4, 3, 4}).Area(), 1);
}

TEST_F(MetadataTest, AcceptsBoxesThatEndOnePastTheLastPixel) {
  const absl::StatusOr<SplitMetadata> split =
      ReadLocalization("a.png,0,0,10,8\nb.png,9,7,9,7");
  ASSERT_THAT(split, IsOk());
  EXPECT_THAT(split->images[0].boxes, ElementsAre(MakeBox(0, 0, 11, 9)));
  EXPECT_THAT(split->images[1].boxes, ElementsAre(MakeBox(9, 7, 10, 8)));
}

TEST_F(MetadataTest, WrittenSplitsReadTheSame) {
  SplitMetadata boxes;
  boxes.num_classes = 3;
  for (int i = 0; i < 5; ++i) {
    ImageRecord& image = boxes.images.emplace_back();
    image.id = absl::StrCat("test/", i, ".png");
    image.label = i % 3;
    image.width = 20 + i;
    image.height = 30;
    image.boxes = {MakeBox(i, 2, i + 5, 9), MakeBox(0, 0, 21 + i, 31)};
  }
  ASSERT_THAT(WriteSplitMetadata(dir_, boxes), IsOk());
  // The format's last line has no line end.
  const absl::StatusOr<std::string> ids =
      vision::ReadFile(vision::JoinPath(dir_, "image_ids.txt"));
  ASSERT_THAT(ids, IsOk());
  EXPECT_TRUE(absl::EndsWith(*ids, "test/4.png"));
  absl::StatusOr<SplitMetadata> read = ReadSplitMetadata(dir_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->num_classes, 3);
  ASSERT_EQ(read->images.size(), 5);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(read->images[i].id, boxes.images[i].id);
    EXPECT_EQ(read->images[i].label, boxes.images[i].label);
    EXPECT_EQ(read->images[i].width, boxes.images[i].width);
    EXPECT_EQ(read->images[i].height, boxes.images[i].height);
    EXPECT_EQ(read->images[i].boxes, boxes.images[i].boxes);
  }

  SplitMetadata masks;
  masks.num_classes = 1;
  ImageRecord& image = masks.images.emplace_back();
  image.id = "x.jpg";
  image.mask_paths = {"x_1.png", "x_2.png"};
  image.ignore_path = "x_ignore.png";
  ASSERT_THAT(WriteSplitMetadata(dir_, masks), IsOk());
  EXPECT_THAT(vision::ReadFile(vision::JoinPath(dir_, "localization.txt")),
              ::testing::IsOkAndHolds(
                  std::string("x.jpg,x_1.png,x_ignore.png\nx.jpg,x_2.png,")));
  EXPECT_THAT(vision::ReadFile(vision::JoinPath(dir_, "image_sizes.txt")),
              ::testing::IsOkAndHolds(std::string()));
  read = ReadSplitMetadata(dir_);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->images[0].mask_paths, image.mask_paths);
  EXPECT_EQ(read->images[0].ignore_path, image.ignore_path);
}

TEST_F(MetadataTest, ReadsTheProxySubset) {
  Write("image_ids_proxy.txt", "c\na\n");
  MetadataOptions options;
  options.proxy = true;
  absl::StatusOr<SplitMetadata> split =
      Read("a\nb\nc", "a,0\nb,2\nc,1", "", "", options);
  ASSERT_THAT(split, IsOk());
  ASSERT_EQ(split->images.size(), 2);
  EXPECT_EQ(split->images[0].id, "c");
  EXPECT_EQ(split->images[0].label, 1);
  EXPECT_EQ(split->images[1].id, "a");
  // The classes are those of the whole split.
  EXPECT_EQ(split->num_classes, 3);

  Write("image_ids_proxy.txt", "c\nz\nc\n");
  EXPECT_THAT(
      ReadSplitMetadata(dir_, options),
      StatusIs(kInvalid,
               AllOf(HasSubstr("image_ids_proxy.txt:2: id 'z' is not in"),
                     HasSubstr("image_ids_proxy.txt:3: id 'c' has a row"))));

  Write("image_ids_proxy.txt", "");
  EXPECT_THAT(ReadSplitMetadata(dir_, options),
              StatusIs(kInvalid, HasSubstr("image_ids_proxy.txt: the subset "
                                           "has no images")));
}

TEST_F(MetadataTest, EmptySplitsAreAnErrorUnlessAllowed) {
  for (const char* ids : {"", "\n\n"}) {
    EXPECT_THAT(Read(ids, "", "", ""),
                StatusIs(kInvalid, HasSubstr("image_ids.txt: the split has no "
                                             "images")));
  }
  MetadataOptions options;
  options.allow_empty = true;
  const absl::StatusOr<SplitMetadata> split = Read("", "", "", "", options);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->images.size(), 0);
  EXPECT_EQ(split->num_classes, 0);
}

TEST_F(MetadataTest, MissingFilesAreNamed) {
  EXPECT_THAT(ReadSplitMetadata(dir_), StatusIs(absl::StatusCode::kNotFound,
                                                HasSubstr("image_ids.txt")));
  Write("image_ids.txt", "a\n");
  EXPECT_THAT(ReadSplitMetadata(dir_), StatusIs(absl::StatusCode::kNotFound,
                                                HasSubstr("class_labels.txt")));
}

struct BadCase {
  const char* name;
  const char* ids;
  const char* labels;
  const char* sizes;
  const char* localization;
  const char* message;
};

std::ostream& operator<<(std::ostream& os, const BadCase& bad) {
  return os << bad.name;
}

class MetadataErrorTest : public MetadataTest,
                          public ::testing::WithParamInterface<BadCase> {};

TEST_P(MetadataErrorTest, IsNamedWithFileAndLine) {
  const BadCase& bad = GetParam();
  EXPECT_THAT(Read(bad.ids, bad.labels, bad.sizes, bad.localization),
              StatusIs(kInvalid, HasSubstr(bad.message)));
}

constexpr char kIds[] = "a\nb";
constexpr char kLabels[] = "a,0\nb,1";
constexpr char kSizes[] = "a,10,8\nb,10,8";

INSTANTIATE_TEST_SUITE_P(
    All, MetadataErrorTest,
    ::testing::Values(
        BadCase{"DuplicateId", "a\nb\na", kLabels, "", "",
                "image_ids.txt:3: id 'a' is on line 1 already"},
        BadCase{"CommaInId", "a\nb,c", kLabels, "", "",
                "image_ids.txt:2: id 'b,c' has a comma in it"},
        BadCase{"BlankInId", "a\nb ", kLabels, "", "",
                "image_ids.txt:2: id 'b ' begins or ends with a blank"},
        BadCase{"ControlInId", "a\nb\tc", kLabels, "", "",
                "has a control character in it"},
        BadCase{"EmptyLine", "a\n\nb", kLabels, "", "",
                "image_ids.txt:2: the line is empty"},
        BadCase{"UnknownIdInLabels", kIds, "a,0\nb,1\nc,1", "", "",
                "class_labels.txt:3: id 'c' is not in image_ids.txt"},
        BadCase{"MissingLabel", kIds, "a,0", "", "",
                "image_ids.txt:2: id 'b' has no row in class_labels.txt"},
        BadCase{"SecondLabel", kIds, "a,0\nb,1\nb,1", "", "",
                "class_labels.txt:3: id 'b' has a label already"},
        BadCase{"NegativeLabel", kIds, "a,-1\nb,1", "", "",
                "class_labels.txt:1: label '-1', expected a whole number in "
                "[0, 1048576)"},
        BadCase{"LabelIsNoNumber", kIds, "a,1.5\nb,1", "", "",
                "class_labels.txt:1: label '1.5'"},
        BadCase{"LabelOverflows", kIds, "a,99999999999\nb,1", "", "",
                "label '99999999999'"},
        BadCase{"LabelWithoutId", kIds, "a\nb,1", "", "",
                "class_labels.txt:1: got 'a', expected 'id,label'"},
        BadCase{"CommaInLabelRow", kIds, "x,a,0\nb,1", "", "",
                "expected 'id,label' and no comma in an id"},
        BadCase{"MissingSize", kIds, kLabels, "a,3,3", "",
                "id 'b' has no row in image_sizes.txt"},
        BadCase{"ZeroSize", kIds, kLabels, "a,0,3\nb,3,3", "",
                "image_sizes.txt:1: size 'a,0,3', expected width and height as "
                "positive whole numbers"},
        BadCase{"SecondSize", kIds, kLabels, "a,3,3\na,3,3\nb,1,1", "",
                "image_sizes.txt:2: id 'a' has a size already"},
        BadCase{"InvertedBox", kIds, kLabels, kSizes, "a,5,1,4,2\nb,0,0,1,1",
                "localization.txt:1: box 'a,5,1,4,2' is inverted"},
        BadCase{"NegativeBox", kIds, kLabels, kSizes, "a,0,0,1,1\nb,-1,0,1,1",
                "localization.txt:2: box 'b,-1,0,1,1' has a negative"},
        BadCase{"BoxOutside", kIds, kLabels, kSizes, "a,0,0,11,1\nb,0,0,1,1",
                "box 'a,0,0,11,1' reaches out of the image of 10x8 pixels"},
        BadCase{"BoxBelow", kIds, kLabels, kSizes, "a,0,8,1,8\nb,0,0,1,1",
                "localization.txt:1: box 'a,0,8,1,8' reaches out"},
        BadCase{"HugeBoxWithoutSize", kIds, kLabels, "",
                "a,0,0,2147483647,1\nb,0,0,1,1",
                "has a coordinate above 1073741824"},
        BadCase{"FractionalBox", kIds, kLabels, kSizes,
                "a,0,0,1.5,1\nb,0,0,1,1",
                "coordinate '1.5', expected a whole number"},
        BadCase{"BoxOfUnknownImage", kIds, kLabels, kSizes,
                "a,0,0,1,1\nb,0,0,1,1\nz,0,0,1,1",
                "localization.txt:3: id 'z' is not in image_ids.txt"},
        BadCase{"ImageWithoutBox", kIds, kLabels, kSizes, "a,0,0,1,1",
                "image_ids.txt:2: id 'b' has no row in localization.txt"},
        BadCase{"FourFields", kIds, kLabels, kSizes, "a,0,0,1",
                "localization.txt:1: got 'a,0,0,1', expected "
                "'id,x0,y0,x1,y1' or 'id,mask,ignore'"},
        BadCase{"BoxesAndMasks", kIds, kLabels, kSizes, "a,0,0,1,1\nb,b.png,",
                "localization.txt:2: got 'b,b.png,', expected a box as on the "
                "first line"},
        BadCase{"LateIgnore", kIds, kLabels, "",
                "a,1.png,\na,2.png,i.png\nb,b.png,",
                "localization.txt:2: ignore path 'i.png' stands on another row "
                "than the first of its id"},
        BadCase{"EmptyMaskPath", kIds, kLabels, "", "a,,i.png\nb,b.png,",
                "localization.txt:1: mask path '' is empty"}),
    [](const ::testing::TestParamInfo<BadCase>& info) {
      return info.param.name;
    });

TEST_F(MetadataTest, LabelsMustBeBelowTheGivenNumberOfClasses) {
  MetadataOptions options;
  options.num_classes = 2;
  EXPECT_THAT(
      Read("a\nb", "a,0\nb,2", "", "", options),
      StatusIs(kInvalid, HasSubstr("class_labels.txt:2: label '2', expected a "
                                   "whole number in [0, 2)")));
  const absl::StatusOr<SplitMetadata> split =
      Read("a\nb", "a,0\nb,0", "", "", options);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->num_classes, 2);
  options.num_classes = -1;
  EXPECT_THAT(ReadSplitMetadata(dir_, options),
              StatusIs(kInvalid, HasSubstr("num_classes is -1")));
}

// Many problems of one file leave room for those of the next.
TEST_F(MetadataTest, ListsTwentyProblemsOfEachFileAndCountsTheOthers) {
  std::string ids;
  std::string labels;
  for (int i = 0; i < 30; ++i) {
    absl::StrAppend(&ids, "image", i, "\n");
    absl::StrAppend(&labels, "image", i, ",x\n");
  }
  const absl::StatusOr<SplitMetadata> split =
      Read(ids, labels, "image3,10,10\n", "");
  EXPECT_THAT(
      split,
      StatusIs(kInvalid,
               AllOf(HasSubstr("class_labels.txt:1: "),
                     HasSubstr("class_labels.txt:20: "),
                     Not(HasSubstr("class_labels.txt:21: ")),
                     HasSubstr("class_labels.txt: ... and 10 more problems"),
                     HasSubstr("image_ids.txt:1: id 'image0' has no row in "
                               "image_sizes.txt"),
                     HasSubstr("image_sizes.txt: ... and 9 more problems"))));
}

TEST_F(MetadataTest, EmptyLinesAreNamedButNotAtTheEnd) {
  EXPECT_THAT(
      Read("a\nb", "a,0\r\n\r\n\nb,1\n\n", "", ""),
      StatusIs(kInvalid, AllOf(HasSubstr("class_labels.txt:2: the line is "),
                               HasSubstr("class_labels.txt:3: the line is "),
                               Not(HasSubstr("class_labels.txt:4")),
                               Not(HasSubstr("class_labels.txt:5")))));
  // A file of blank lines is an empty one.
  EXPECT_THAT(Read("a\nb", "a,0\nb,1", "\n\n", "\r\n"), IsOk());
}

TEST_F(MetadataTest, TextInMemoryReadsAsFilesDo) {
  SplitText text;
  EXPECT_THAT(ParseSplitMetadata(text), StatusIs(absl::StatusCode::kNotFound,
                                                 "there is no "
                                                 "image_ids.txt"));
  text.image_ids = "a.png\nb.png";
  text.class_labels = "a.png,0\nb.png,1";
  absl::StatusOr<SplitMetadata> split = ParseSplitMetadata(text);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->images[1].label, 1);
  text.image_sizes = "a.png,10,8\nb.png,10,8";
  text.localization = "a.png,0,0,4,4\nb.png,0,0,x,4";
  EXPECT_THAT(
      ParseSplitMetadata(text),
      StatusIs(kInvalid,
               "localization.txt:2: coordinate 'x', expected a whole number"));
}

TEST_F(MetadataTest, ProblemsOfSeveralFilesAreListedTogether) {
  EXPECT_THAT(Read("a\nb", "a,x\nb,1", "a,0,0\nb,1,1", "a,5,5,1,1\nb,0,0,0,0"),
              StatusIs(kInvalid, AllOf(HasSubstr("class_labels.txt:1: "),
                                       HasSubstr("image_sizes.txt:1: "),
                                       HasSubstr("localization.txt:1: "))));
}

TEST_F(MetadataTest, RefusesToWriteWhatItWouldNotRead) {
  SplitMetadata good;
  good.num_classes = 1;
  good.images.resize(2);
  good.images[0].id = "a";
  good.images[1].id = "b";
  for (ImageRecord& image : good.images) {
    image.width = 10;
    image.height = 10;
    image.boxes = {MakeBox(0, 0, 5, 5)};
  }
  EXPECT_THAT(WriteSplitMetadata(dir_, good), IsOk());
  const auto expect = [&](const SplitMetadata& bad, const char* message) {
    EXPECT_THAT(WriteSplitMetadata(dir_, bad),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  SplitMetadata bad = good;
  bad.images[1].id = "a";
  expect(bad, "image 1, 'a': the id is there already");
  bad = good;
  bad.images[1].id = "a,b";
  expect(bad, "the id has a comma in it");
  bad = good;
  bad.images[0].label = 1;
  expect(bad, "label 1, expected one in [0, 1)");
  bad = good;
  bad.images[0].boxes = {MakeBox(0, 0, 12, 5)};
  expect(bad, "box 0,0,11,4 reaches out of the image of 10x10 pixels");
  bad = good;
  bad.images[0].boxes = {MakeBox(5, 5, 5, 5)};
  expect(bad, "is inverted");
  bad = good;
  bad.images[1].mask_paths = {"m.png"};
  expect(bad, "got boxes and masks");
  bad = good;
  bad.images[1].boxes.clear();
  expect(bad, "image 1, 'b': no box, unlike other images");
  bad = good;
  bad.images[1].width = 0;
  expect(bad, "size 0x10, expected positive ones");
  bad = good;
  bad.images[0].boxes.clear();
  bad.images[1].boxes.clear();
  bad.images[0].ignore_path = "i.png";
  expect(bad, "an ignore path without a mask");
}

}  // namespace
}  // namespace wsol
