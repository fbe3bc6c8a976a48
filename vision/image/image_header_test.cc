#include "vision/image/image_header.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StartsWith;
using ::testing::StatusIs;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

std::string ReadTestFile(const std::string& name) {
  absl::StatusOr<std::string> bytes =
      ReadFile(::testing::TestDataPath("vision/image/testdata/" + name));
  EXPECT_THAT(bytes, IsOk());
  return bytes.ok() ? *bytes : "";
}

struct FileCase {
  const char* name;
  ImageFormat format;
};

constexpr FileCase kFiles[] = {
    {"rgb.jpg", ImageFormat::kJpeg},
    {"progressive.jpg", ImageFormat::kJpeg},
    {"gray.jpg", ImageFormat::kJpeg},
    {"cmyk.jpg", ImageFormat::kJpeg},
    {"exif6.jpg", ImageFormat::kJpeg},
    {"rgb.png", ImageFormat::kPng},
    {"one_bit.png", ImageFormat::kPng},
    {"rgb.webp", ImageFormat::kWebp},
    {"rgba_lossless.webp", ImageFormat::kWebp},
    {"rgb.bmp", ImageFormat::kBmp},
};

TEST(ImageHeaderTest, ReadsFormatAndSize) {
  for (const FileCase& file : kFiles) {
    const std::string bytes = ReadTestFile(file.name);
    const absl::StatusOr<ImageHeader> header =
        ParseImageHeader(bytes, file.name);
    ASSERT_THAT(header, IsOk());
    EXPECT_EQ(header->format, file.format) << file.name;
    EXPECT_EQ(header->width, 12) << file.name;
    EXPECT_EQ(header->height, 8) << file.name;
    EXPECT_THAT(CheckImageIsComplete(bytes, file.name), IsOk());
  }
}

TEST(ImageHeaderTest, BytesAfterTheEndAreIgnored) {
  for (const FileCase& file : kFiles) {
    EXPECT_THAT(CheckImageIsComplete(
                    absl::StrCat(ReadTestFile(file.name), "more"), file.name),
                IsOk());
  }
}

TEST(ImageHeaderTest, EveryShorterFileIsIncomplete) {
  for (const FileCase& file : kFiles) {
    const std::string bytes = ReadTestFile(file.name);
    for (size_t size = 0; size < bytes.size(); ++size) {
      // A copy of exact size, so that a sanitizer sees reads beyond it.
      const std::string part = bytes.substr(0, size);
      EXPECT_THAT(CheckImageIsComplete(part, file.name),
                  StatusIs(kDataLoss, StartsWith(file.name)))
          << size;
      // Not all are too short for the header, but none may crash.
      ParseImageHeader(part, file.name).IgnoreError();
    }
  }
}

TEST(ImageHeaderTest, TheHeaderNeedsNoMoreThanTheStartOfAFile) {
  EXPECT_THAT(ParseImageHeader(ReadTestFile("rgb.png").substr(0, 24), "x"),
              IsOk());
  EXPECT_THAT(ParseImageHeader(ReadTestFile("rgb.webp").substr(0, 30), "x"),
              IsOk());
  EXPECT_THAT(ParseImageHeader(ReadTestFile("rgb.bmp").substr(0, 34), "x"),
              IsOk());
}

TEST(ImageHeaderTest, DamagedBytesNeverCrash) {
  Rng rng(1);
  for (const FileCase& file : kFiles) {
    const std::string bytes = ReadTestFile(file.name);
    for (int i = 0; i < 2000; ++i) {
      std::string damaged = bytes;
      const int changes = 1 + static_cast<int>(rng.UniformInt(4));
      for (int j = 0; j < changes; ++j) {
        // The first bytes hold most of what is parsed.
        const size_t limit = rng.Bernoulli(0.5) ? 40 : damaged.size();
        damaged[rng.UniformInt(limit)] = static_cast<char>(rng.UniformInt(256));
      }
      const absl::StatusOr<ImageHeader> header =
          ParseImageHeader(damaged, file.name);
      if (header.ok()) {
        EXPECT_GT(header->width, 0);
        EXPECT_GT(header->height, 0);
      }
      CheckImageIsComplete(damaged, file.name).IgnoreError();
    }
  }
}

TEST(ImageHeaderTest, AnyChangedBitOfAPngIsFound) {
  const std::string bytes = ReadTestFile("rgb.png");
  for (size_t i = 0; i < 8 * bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    EXPECT_THAT(CheckImageIsComplete(damaged, "x"), StatusIs(kDataLoss)) << i;
  }
}

TEST(ImageHeaderTest, SaysWhatIsWrong) {
  EXPECT_THAT(ParseImageHeader("", "a.jpg"),
              StatusIs(kDataLoss, "a.jpg: image file is empty"));
  EXPECT_THAT(ParseImageHeader("GIF89a", "a.gif"),
              StatusIs(kDataLoss,
                       "a.gif: not a JPEG, PNG, WebP or BMP image; it begins "
                       "with the bytes 474946383961"));
  EXPECT_THAT(ParseImageHeader(ReadTestFile("rgb.png").substr(0, 20), "a.png"),
              StatusIs(kDataLoss,
                       "a.png: PNG file is cut short: it ends after 20 bytes, "
                       "inside the header"));
  EXPECT_THAT(
      CheckImageIsComplete(ReadTestFile("rgb.jpg").substr(0, 680), "a.jpg"),
      StatusIs(kDataLoss,
               HasSubstr("it ends after 680 bytes, without the end marker")));
  EXPECT_THAT(
      CheckImageIsComplete(ReadTestFile("rgb.png").substr(0, 70), "a.png"),
      StatusIs(kDataLoss, HasSubstr("without the IEND chunk")));
  EXPECT_THAT(
      CheckImageIsComplete(ReadTestFile("rgb.webp").substr(0, 100), "a.webp"),
      StatusIs(kDataLoss, HasSubstr("it ends after 100 bytes, expected 122")));
  EXPECT_THAT(
      CheckImageIsComplete(ReadTestFile("rgb.bmp").substr(0, 100), "a.bmp"),
      StatusIs(kDataLoss, HasSubstr("it ends after 100 bytes, expected 342")));
  std::string damaged = ReadTestFile("rgb.png");
  damaged[45] ^= 1;
  EXPECT_THAT(CheckImageIsComplete(damaged, "a.png"),
              StatusIs(kDataLoss,
                       "a.png: damaged PNG: wrong checksum of chunk IDAT at "
                       "byte 33"));
}

TEST(ImageHeaderTest, RejectsEmptySizes) {
  std::string png = ReadTestFile("rgb.png");
  png.replace(16, 4, std::string(4, '\0'));
  EXPECT_THAT(ParseImageHeader(png, "a.png"),
              StatusIs(kDataLoss,
                       "a.png: damaged PNG: size 0x8, expected positive "
                       "31-bit numbers"));
  png.replace(16, 4, std::string(4, '\xFF'));
  EXPECT_THAT(ParseImageHeader(png, "a.png"),
              StatusIs(kDataLoss, HasSubstr("size 4294967295x8")));
}

TEST(ImageHeaderTest, AThumbnailInsideAJpegIsNotItsEnd) {
  // An APP1 segment that holds a whole JPEG file, as cameras write them.
  const std::string thumbnail = ReadTestFile("gray.jpg");
  const std::string image = ReadTestFile("rgb.jpg");
  const size_t length = thumbnail.size() + 2;
  const std::string segment =
      absl::StrCat("\xFF\xE1", std::string(1, static_cast<char>(length >> 8)),
                   std::string(1, static_cast<char>(length & 255)), thumbnail);
  const std::string both =
      absl::StrCat(image.substr(0, 2), segment, image.substr(2));
  EXPECT_THAT(CheckImageIsComplete(both, "x"), IsOk());
  EXPECT_THAT(CheckImageIsComplete(both.substr(0, both.size() - 2), "x"),
              StatusIs(kDataLoss));
  const absl::StatusOr<ImageHeader> header = ParseImageHeader(both, "x");
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->width, 12);
}

}  // namespace
}  // namespace vision
