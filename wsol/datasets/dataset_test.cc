#include "wsol/datasets/dataset.h"

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Two 4x3 images of two classes below root/, metadata below metadata/test/.
class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            absl::StrCat("dataset_", ::testing::UnitTest::GetInstance()
                                         ->current_test_info()
                                         ->name()))) {
    std::filesystem::remove_all(dir_);
    for (const char* folder :
         {"metadata/test", "root/cats", "root/dogs", "masks"}) {
      EXPECT_THAT(vision::CreateDirectories(Path(folder)), IsOk());
    }
    Write("metadata/test/image_ids.txt", "cats/a.png\ndogs/b.png");
    Write("metadata/test/class_labels.txt", "cats/a.png,0\ndogs/b.png,1");
    WriteImage("root/cats/a.png", cv::Mat(3, 4, CV_8UC3, cv::Scalar(1, 2, 3)));
    WriteImage("root/dogs/b.png", cv::Mat(3, 4, CV_8UC3, cv::Scalar(4, 5, 6)));
  }

  std::string Path(absl::string_view name) const {
    return vision::JoinPath(dir_, name);
  }
  void Write(absl::string_view name, absl::string_view contents) {
    std::ofstream out(Path(name), std::ios::binary);
    out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    EXPECT_TRUE(out.good());
  }
  void WriteImage(absl::string_view name, const cv::Mat& image) {
    const absl::StatusOr<std::string> png = vision::EncodePng(image);
    ASSERT_THAT(png, IsOk());
    Write(name, *png);
  }
  absl::StatusOr<Dataset> Open(const DatasetOptions& options = {}) {
    return Dataset::Open(Path("metadata/test"), Path("root"), options);
  }

  const std::string dir_;
};

TEST_F(DatasetTest, LoadsImagesInRgbOrder) {
  const absl::StatusOr<Dataset> dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->size(), 2);
  EXPECT_EQ(dataset->num_classes(), 2);
  EXPECT_EQ(dataset->record(1).id, "dogs/b.png");
  EXPECT_EQ(dataset->record(1).label, 1);
  EXPECT_EQ(dataset->ImagePath(1), Path("root/dogs/b.png"));
  const absl::StatusOr<cv::Mat> image = dataset->LoadImage(1);
  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(image->size(), cv::Size(4, 3));
  EXPECT_EQ(image->at<cv::Vec3b>(0, 0), cv::Vec3b(4, 5, 6));
}

TEST_F(DatasetTest, ClassNamesComeFromTheFolders) {
  const absl::StatusOr<Dataset> dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->class_names(), ElementsAre("cats", "dogs"));
}

TEST_F(DatasetTest, ClassNamesComeFromTheFileNearestToTheSplit) {
  Write("metadata/class_names.txt", "Felis catus\nCanis lupus\nthird\n");
  absl::StatusOr<Dataset> dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->class_names(),
              ElementsAre("Felis catus", "Canis lupus", "third"));
  // A class of which the split has no image is a class all the same.
  EXPECT_EQ(dataset->num_classes(), 3);
  Write("metadata/test/class_names.txt", "x\r\ny\r\n");
  dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->class_names(), ElementsAre("x", "y"));
}

TEST_F(DatasetTest, ClassesWithoutNamesAreNumbered) {
  Write("metadata/test/class_labels.txt", "cats/a.png,0\ndogs/b.png,0");
  DatasetOptions options;
  options.num_classes = 2;
  const absl::StatusOr<Dataset> dataset = Open(options);
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->class_names(), ElementsAre("class 0", "class 1"));
}

TEST_F(DatasetTest, MaskIsTheUnionOfInstancesAndIgnoreComesSecond) {
  Write("metadata/test/localization.txt",
        "cats/a.png,1.png,ignore.png\ncats/a.png,2.png,\ndogs/b.png,1.png,");
  cv::Mat mask = cv::Mat::zeros(3, 4, CV_8UC1);
  mask.at<uint8_t>(0, 0) = 255;
  WriteImage("masks/1.png", mask);
  // Any value but 0 counts, and colour files do too.
  mask = cv::Mat::zeros(3, 4, CV_8UC3);
  mask.at<cv::Vec3b>(1, 1) = cv::Vec3b(2, 2, 2);
  WriteImage("masks/2.png", mask);
  mask = cv::Mat::zeros(3, 4, CV_8UC1);
  mask.at<uint8_t>(0, 0) = 255;  // Foreground wins.
  mask.at<uint8_t>(2, 3) = 255;
  WriteImage("masks/ignore.png", mask);
  DatasetOptions options;
  options.mask_root = Path("masks");
  const absl::StatusOr<Dataset> dataset = Open(options);
  ASSERT_THAT(dataset, IsOk());
  absl::StatusOr<cv::Mat> loaded = dataset->LoadMask(0);
  ASSERT_THAT(loaded, IsOk());
  const cv::Mat expected =
      (cv::Mat_<uint8_t>(3, 4) << 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 255);
  EXPECT_EQ(cv::norm(*loaded, expected, cv::NORM_INF), 0);
  loaded = dataset->LoadMask(1);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(cv::countNonZero(*loaded), 1);
}

// A PNG file of the bytes given: filter bytes and pixels, row by row.
std::string Png(int width, int height, int bit_depth, int color_type,
                const std::string& palette, const std::string& rows) {
  const auto number = [](uint32_t value) {
    std::string bytes;
    for (const int shift : {24, 16, 8, 0}) {
      bytes += static_cast<char>(value >> shift);
    }
    return bytes;
  };
  const auto chunk = [&](const std::string& type, const std::string& data) {
    return absl::StrCat(number(static_cast<uint32_t>(data.size())), type, data,
                        number(vision::Crc32(type + data)));
  };
  uLongf size = compressBound(rows.size());
  std::string compressed(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(compressed.data()), &size,
                     reinterpret_cast<const Bytef*>(rows.data()), rows.size()),
            Z_OK);
  compressed.resize(size);
  std::string header = number(static_cast<uint32_t>(width)) +
                       number(static_cast<uint32_t>(height));
  header += static_cast<char>(bit_depth);
  header += static_cast<char>(color_type);
  header += std::string(3, '\0');
  return absl::StrCat("\x89PNG\r\n\x1a\n", chunk("IHDR", header),
                      palette.empty() ? "" : chunk("PLTE", palette),
                      chunk("IDAT", compressed), chunk("IEND", ""));
}

// The same 4x3 mask in each kind of PNG that the published sets and common
// tools have: foreground at (0, 0) and (1, 1).
TEST_F(DatasetTest, MasksMayBeOfAnyKind) {
  // Rows of 4 pixels of `size` bytes each, behind the filter's byte.
  const auto rows = [](const std::string& on, const std::string& off) {
    const std::string none(1, '\0');
    return absl::StrCat(none, on, off, off, off, none) +
           absl::StrCat(off, on, off, off, none) +
           absl::StrCat(off, off, off, off);
  };
  const std::string black(3, '\0');
  // One bit: 1000, 0100 and 0000 in the high bits of a byte.
  const std::string bits("\0\x80\0\x40\0\0", 6);
  const std::pair<const char*, std::string> kinds[] = {
      {"1-bit grey", Png(4, 3, 1, 0, "", bits)},
      {"1-bit palette", Png(4, 3, 1, 3, black + "\xFF\xFF\xFF", bits)},
      {"8-bit grey", Png(4, 3, 8, 0, "", rows("\xFF", std::string(1, '\0')))},
      {"16-bit grey",
       Png(4, 3, 16, 0, "", rows("\xFF\xFF", std::string(2, '\0')))},
      {"grey and alpha",
       Png(4, 3, 8, 4, "", rows("\xFF\xFF", std::string("\0\xFF", 2)))},
      // VOC's first class is dark red.
      {"palette", Png(4, 3, 8, 3, black + std::string("\x80\0\0", 3),
                      rows("\x01", std::string(1, '\0')))},
      {"RGB", Png(4, 3, 8, 2, "", rows("\xFF\xFF\xFF", black))},
      {"RGBA", Png(4, 3, 8, 6, "", rows("\xFF\xFF\xFF\xFF", black + "\xFF"))},
      // Alpha is not looked at, so neither is it that hides pixels.
      {"transparent RGBA",
       Png(4, 3, 8, 6, "",
           rows(std::string("\xFF\xFF\xFF\0", 4), std::string(4, '\0')))},
  };
  DatasetOptions options;
  options.mask_root = Path("masks");
  for (const auto& [kind, png] : kinds) {
    SCOPED_TRACE(kind);
    // As a mask, and as the ignore image of a mask that is empty.
    Write("metadata/test/localization.txt",
          "cats/a.png,1.png,\ndogs/b.png,0.png,1.png");
    Write("masks/1.png", png);
    WriteImage("masks/0.png", cv::Mat::zeros(3, 4, CV_8UC1));
    const absl::StatusOr<Dataset> dataset = Open(options);
    ASSERT_THAT(dataset, IsOk());
    for (const int64_t i : {0, 1}) {
      const absl::StatusOr<cv::Mat> loaded = dataset->LoadMask(i);
      ASSERT_THAT(loaded, IsOk());
      const int value = i == 0 ? 1 : 255;
      const cv::Mat expected = (cv::Mat_<uint8_t>(3, 4) << value, 0, 0, 0, 0,
                                value, 0, 0, 0, 0, 0, 0);
      EXPECT_EQ(cv::norm(*loaded, expected, cv::NORM_INF), 0);
    }
  }
}

TEST_F(DatasetTest, NeedsNoImagesForMetadata) {
  std::filesystem::remove_all(Path("root"));
  const absl::StatusOr<Dataset> dataset =
      Dataset::Open(Path("metadata/test"), "");
  ASSERT_THAT(dataset, IsOk());
  EXPECT_FALSE(dataset->has_images());
  EXPECT_EQ(dataset->size(), 2);
  EXPECT_THAT(dataset->LoadImage(0),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("image id 'cats/a.png': the split was opened "
                                 "without a folder of images")));
}

TEST_F(DatasetTest, MasksOfDifferentSizesAreAnError) {
  Write("metadata/test/localization.txt",
        "cats/a.png,1.png,\ncats/a.png,2.png,\ndogs/b.png,1.png,2.png");
  WriteImage("root/1.png", cv::Mat::zeros(3, 4, CV_8UC1));
  WriteImage("root/2.png", cv::Mat::zeros(4, 4, CV_8UC1));
  const absl::StatusOr<Dataset> dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  for (const int64_t i : {0, 1}) {
    EXPECT_THAT(
        dataset->LoadMask(i),
        StatusIs(kInvalid, AllOf(HasSubstr("mask '2.png' of image id '"),
                                 HasSubstr("is 4x4 pixels, expected 4x3"))));
  }
}

TEST_F(DatasetTest, ErrorsNameTheId) {
  std::filesystem::remove(Path("root/cats/a.png"));
  Write("root/dogs/b.png", "no image");
  const absl::StatusOr<Dataset> dataset = Open();
  ASSERT_THAT(dataset, IsOk());
  EXPECT_THAT(dataset->LoadImage(0), StatusIs(absl::StatusCode::kNotFound,
                                              HasSubstr("id 'cats/a.png'")));
  EXPECT_THAT(dataset->LoadImage(1), StatusIs(absl::StatusCode::kDataLoss,
                                              HasSubstr("id 'dogs/b.png'")));
  EXPECT_THAT(dataset->LoadMask(0),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("image id 'cats/a.png' has no masks")));
}

TEST_F(DatasetTest, BadFoldersAndNamesAreErrors) {
  EXPECT_THAT(
      Dataset::Open(Path("metadata/test"), Path("nowhere")).status(),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr(Path("nowhere"))));
  EXPECT_THAT(Dataset::Open(Path("metadata/val"), Path("root")).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("val")));
  Write("metadata/class_names.txt", "only one\n");
  EXPECT_THAT(Open().status(),
              StatusIs(kInvalid, HasSubstr("label '1', expected a whole number "
                                           "in [0, 1)")));
  Write("metadata/class_names.txt", "same\nsame\n");
  EXPECT_THAT(Open().status(),
              StatusIs(kInvalid, HasSubstr("class_names.txt:2: class name "
                                           "'same' is there already")));
  Write("metadata/class_names.txt", "a\nb\n");
  DatasetOptions options;
  options.num_classes = 3;
  EXPECT_THAT(Open(options).status(),
              StatusIs(kInvalid, HasSubstr("num_classes is 3, but "
                                           "class_names.txt of")));
  Write("metadata/test/image_ids.txt", "");
  Write("metadata/test/class_labels.txt", "");
  EXPECT_THAT(Open().status(), StatusIs(kInvalid, HasSubstr("has no images")));
}

TEST_F(DatasetTest, TakesTheProxySubset) {
  Write("metadata/test/image_ids_proxy.txt", "dogs/b.png\n");
  DatasetOptions options;
  options.proxy = true;
  const absl::StatusOr<Dataset> dataset = Open(options);
  ASSERT_THAT(dataset, IsOk());
  EXPECT_EQ(dataset->size(), 1);
  EXPECT_EQ(dataset->num_classes(), 2);
  EXPECT_EQ(dataset->record(0).id, "dogs/b.png");
}

}  // namespace
}  // namespace wsol
