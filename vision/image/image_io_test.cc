#include "vision/image/image_io.h"

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StartsWith;
using ::testing::StatusIs;

constexpr int kWidth = 12;
constexpr int kHeight = 8;

std::string TestPath(const std::string& name) {
  return ::testing::TestDataPath("vision/image/testdata/" + name);
}

std::string ReadTestFile(const std::string& name) {
  absl::StatusOr<std::string> bytes = ReadFile(TestPath(name));
  EXPECT_THAT(bytes, IsOk());
  return bytes.ok() ? *bytes : "";
}

cv::Mat OrEmpty(absl::StatusOr<cv::Mat> image) {
  EXPECT_THAT(image, IsOk());
  return image.ok() ? *image : cv::Mat();
}

// The closed forms of testdata/README.md.
cv::Vec3b Rgb(int x, int y) {
  return cv::Vec3b(20 * x, 30 * y, 10 * x + 10 * y);
}
uint8_t Gray(int x, int y) { return 20 * x + 3 * y; }
uint8_t Alpha(int x) { return 255 - 20 * x; }

template <typename Pixel, typename F>
cv::Mat MakeImage(F&& f) {
  cv::Mat image(kHeight, kWidth, cv::traits::Type<Pixel>::value);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) image.at<Pixel>(y, x) = f(x, y);
  }
  return image;
}

cv::Vec4b WithAlpha(const cv::Vec3b& rgb, uint8_t alpha) {
  return {rgb[0], rgb[1], rgb[2], alpha};
}

// Empty if they are equal.
std::string Difference(const cv::Mat& expected, const cv::Mat& actual,
                       double tolerance = 0) {
  std::ostringstream os;
  if (expected.type() != actual.type() || expected.size() != actual.size()) {
    os << "expected " << cv::typeToString(expected.type()) << " "
       << expected.size() << ", got " << cv::typeToString(actual.type()) << " "
       << actual.size();
  } else if (cv::norm(expected, actual, cv::NORM_INF) > tolerance) {
    os << "worst difference " << cv::norm(expected, actual, cv::NORM_INF)
       << "; first row: expected " << expected.row(0) << ", got "
       << actual.row(0);
  }
  return os.str();
}

TEST(DecodeRgbTest, LosslessFilesInRgbOrder) {
  const cv::Mat rgb = MakeImage<cv::Vec3b>(Rgb);
  for (const char* name :
       {"rgb.png", "rgb.bmp", "rgba.png", "rgba16.png", "rgba_lossless.webp"}) {
    EXPECT_EQ(Difference(rgb, OrEmpty(ReadRgb(TestPath(name)))), "") << name;
  }
}

TEST(DecodeRgbTest, GreyBecomesThreeEqualChannels) {
  const cv::Mat expected = MakeImage<cv::Vec3b>(
      [](int x, int y) { return cv::Vec3b::all(Gray(x, y)); });
  // 16 bits: value * 256 + 200; the high byte is kept, nothing is rounded.
  for (const char* name : {"gray.png", "gray16.png", "gray_alpha.png"}) {
    EXPECT_EQ(Difference(expected, OrEmpty(ReadRgb(TestPath(name)))), "")
        << name;
  }
}

TEST(DecodeRgbTest, OneBitAndPalette) {
  EXPECT_EQ(Difference(MakeImage<cv::Vec3b>([](int x, int y) {
                         return cv::Vec3b::all((x + y) % 2 * 255);
                       }),
                       OrEmpty(ReadRgb(TestPath("one_bit.png")))),
            "");
  const cv::Mat palette = MakeImage<cv::Vec3b>([](int x, int) {
    const cv::Vec3b colors[] = {{255, 0, 0}, {0, 128, 0}, {10, 20, 30}};
    return colors[x % 3];
  });
  for (const char* name : {"palette.png", "palette_alpha.png"}) {
    EXPECT_EQ(Difference(palette, OrEmpty(ReadRgb(TestPath(name)))), "")
        << name;
  }
}

TEST(DecodeRgbTest, LossyFilesAreNearWhatPillowDecodes) {
  const nlohmann::json decoded =
      ::testing::ReadTestJson("vision/image/testdata/decoded.json");
  for (const auto& [name, values] : decoded.items()) {
    const auto bytes = values.get<std::vector<uint8_t>>();
    ASSERT_EQ(bytes.size(), size_t{3} * kWidth * kHeight);
    const cv::Mat expected(kHeight, kWidth, CV_8UC3,
                           const_cast<uint8_t*>(bytes.data()));
    // Versions of libjpeg round chroma and CMYK differently.
    const double tolerance = name == "cmyk.jpg" ? 6 : 3;
    EXPECT_EQ(Difference(expected, OrEmpty(ReadRgb(TestPath(name))), tolerance),
              "")
        << name;
  }
}

TEST(DecodeRgbTest, ExifOrientationIsIgnoredUnlessAskedFor) {
  const cv::Mat stored = OrEmpty(ReadRgb(TestPath("exif6.jpg")));
  EXPECT_EQ(stored.size(), cv::Size(kWidth, kHeight));
  DecodeOptions options;
  options.apply_exif_orientation = true;
  cv::Mat turned;
  cv::rotate(stored, turned, cv::ROTATE_90_CLOCKWISE);
  EXPECT_EQ(
      Difference(turned, OrEmpty(ReadRgb(TestPath("exif6.jpg"), options))), "");
  EXPECT_EQ(OrEmpty(ReadGray(TestPath("exif6.jpg"))).cols, kWidth);
  EXPECT_EQ(OrEmpty(ReadGray(TestPath("exif6.jpg"), options)).cols, kHeight);
  EXPECT_EQ(OrEmpty(ReadRgba(TestPath("exif6.jpg"))).cols, kWidth);
  EXPECT_EQ(OrEmpty(ReadRgba(TestPath("exif6.jpg"), options)).cols, kHeight);
}

TEST(DecodeGrayTest, GreyFiles) {
  const cv::Mat gray = MakeImage<uint8_t>(Gray);
  for (const char* name : {"gray.png", "gray16.png", "gray_alpha.png"}) {
    EXPECT_EQ(Difference(gray, OrEmpty(ReadGray(TestPath(name)))), "") << name;
  }
  EXPECT_EQ(Difference(gray, OrEmpty(ReadGray(TestPath("gray.jpg"))), 3), "");
  EXPECT_EQ(Difference(MakeImage<uint8_t>([](int x, int y) {
                         return static_cast<uint8_t>((x + y) % 2 * 255);
                       }),
                       OrEmpty(ReadGray(TestPath("one_bit.png")))),
            "");
}

TEST(DecodeGrayTest, ColourBecomesLuma) {
  const cv::Mat luma = MakeImage<uint8_t>([](int x, int y) {
    const cv::Vec3b rgb = Rgb(x, y);
    return cv::saturate_cast<uint8_t>(0.299 * rgb[0] + 0.587 * rgb[1] +
                                      0.114 * rgb[2]);
  });
  // Decoders round differently.
  for (const char* name : {"rgb.png", "rgb.bmp", "rgba_lossless.webp"}) {
    EXPECT_EQ(Difference(luma, OrEmpty(ReadGray(TestPath(name))), 1), "")
        << name;
  }
  EXPECT_EQ(Difference(luma, OrEmpty(ReadGray(TestPath("rgb.jpg"))), 3), "");
}

TEST(DecodeRgbaTest, KeepsStraightAlpha) {
  const cv::Mat rgba = MakeImage<cv::Vec4b>(
      [](int x, int y) { return WithAlpha(Rgb(x, y), Alpha(x)); });
  for (const char* name : {"rgba.png", "rgba_lossless.webp"}) {
    EXPECT_EQ(Difference(rgba, OrEmpty(ReadRgba(TestPath(name)))), "") << name;
  }
  EXPECT_EQ(Difference(MakeImage<cv::Vec4b>([](int x, int y) {
                         return WithAlpha(cv::Vec3b::all(Gray(x, y)), Alpha(x));
                       }),
                       OrEmpty(ReadRgba(TestPath("gray_alpha.png")))),
            "");
  EXPECT_EQ(Difference(MakeImage<cv::Vec4b>([](int x, int) {
                         const cv::Vec4b colors[] = {{255, 0, 0, 255},
                                                     {0, 128, 0, 0},
                                                     {10, 20, 30, 128}};
                         return colors[x % 3];
                       }),
                       OrEmpty(ReadRgba(TestPath("palette_alpha.png")))),
            "");
}

TEST(DecodeRgbaTest, IsOpaqueWithoutAlpha) {
  const cv::Mat rgba = MakeImage<cv::Vec4b>(
      [](int x, int y) { return WithAlpha(Rgb(x, y), 255); });
  for (const char* name : {"rgb.png", "rgb.bmp"}) {
    EXPECT_EQ(Difference(rgba, OrEmpty(ReadRgba(TestPath(name)))), "") << name;
  }
  const cv::Mat gray = MakeImage<cv::Vec4b>(
      [](int x, int y) { return WithAlpha(cv::Vec3b::all(Gray(x, y)), 255); });
  for (const char* name : {"gray.png", "gray16.png"}) {
    EXPECT_EQ(Difference(gray, OrEmpty(ReadRgba(TestPath(name)))), "") << name;
  }
}

TEST(DecodeRgbaTest, SixteenBitsKeepTheHighByte) {
  EXPECT_EQ(Difference(MakeImage<cv::Vec4b>([](int x, int y) {
                         return WithAlpha(Rgb(x, y), Alpha(x));
                       }),
                       OrEmpty(ReadRgba(TestPath("rgba16.png")))),
            "");
}

TEST(DecodeTest, TruncatedFilesAreErrors) {
  for (const char* name : {"rgb.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png",
                           "rgb.webp", "rgba_lossless.webp", "rgb.bmp"}) {
    const std::string bytes = ReadTestFile(name);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_THAT(DecodeRgb(absl::string_view(bytes).substr(0, size), name),
                  StatusIs(absl::StatusCode::kDataLoss, StartsWith(name)))
          << size;
    }
  }
}

TEST(DecodeTest, DamagedFilesAreErrorsOrImagesOfLimitedSize) {
  Rng rng(3);
  DecodeOptions options;
  options.max_pixels = 10000;
  for (const char* name : {"rgb.jpg", "progressive.jpg", "rgb.png", "rgb.webp",
                           "rgba_lossless.webp", "rgb.bmp"}) {
    const std::string bytes = ReadTestFile(name);
    for (int i = 0; i < 100; ++i) {
      std::string damaged = bytes;
      damaged[rng.UniformInt(damaged.size())] =
          static_cast<char>(rng.UniformInt(256));
      const absl::StatusOr<cv::Mat> image = DecodeRgb(damaged, name, options);
      if (image.ok()) {
        EXPECT_EQ(image->type(), CV_8UC3);
        EXPECT_LE(image->total(), 10000u);
      } else {
        EXPECT_THAT(std::string(image.status().message()), StartsWith(name));
      }
    }
  }
}

TEST(DecodeTest, EmptyAndUnknownFilesAreErrors) {
  EXPECT_THAT(DecodeRgb("", "a.png"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a.png")));
  EXPECT_THAT(DecodeGray("text", "a.txt"),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("not a JPEG, PNG, WebP or BMP image")));
  EXPECT_THAT(DecodeRgba("text", "a.txt"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(DecodeTest, LargeImagesAreRefusedByTheirHeader) {
  DecodeOptions options;
  options.max_pixels = 95;
  EXPECT_THAT(ReadRgb(TestPath("rgb.png"), options),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       EndsWith("rgb.png: image of 12x8 = 96 pixels, more than "
                                "the limit of 95")));
  options.max_pixels = 96;
  EXPECT_THAT(ReadRgb(TestPath("rgb.png"), options), IsOk());
  // A header that claims 65535 x 65535 pixels.
  std::string jpeg = ReadTestFile("rgb.jpg");
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_THAT(DecodeRgb(jpeg, "bomb.jpg"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("bomb.jpg: image of 65535x65535")));
}

TEST(DecodeTest, RejectsBadOptions) {
  DecodeOptions options;
  options.max_pixels = 0;
  EXPECT_THAT(ReadRgb(TestPath("rgb.png"), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "DecodeOptions::max_pixels is 0, expected positive"));
}

TEST(DecodeTest, MissingFilesAreNotFound) {
  for (const auto& status :
       {ReadRgb("/nowhere/a.png").status(), ReadGray("/nowhere/a.png").status(),
        ReadRgba("/nowhere/a.png").status()}) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                                 HasSubstr("/nowhere/a.png")));
  }
}

TEST(EncodePngTest, RoundTrips) {
  const cv::Mat gray = MakeImage<uint8_t>(Gray);
  const cv::Mat rgb = MakeImage<cv::Vec3b>(Rgb);
  const cv::Mat rgba = MakeImage<cv::Vec4b>(
      [](int x, int y) { return WithAlpha(Rgb(x, y), Alpha(x)); });
  absl::StatusOr<std::string> png = EncodePng(gray);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Difference(gray, OrEmpty(DecodeGray(*png, "x"))), "");
  png = EncodePng(rgb);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Difference(rgb, OrEmpty(DecodeRgb(*png, "x"))), "");
  png = EncodePng(rgba);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Difference(rgba, OrEmpty(DecodeRgba(*png, "x"))), "");
  // Part of a larger image: strided rows. The argument is not modified.
  const cv::Mat part = rgb(cv::Rect(2, 1, 5, 4));
  png = EncodePng(part);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(Difference(part.clone(), OrEmpty(DecodeRgb(*png, "x"))), "");
  EXPECT_EQ(Difference(MakeImage<cv::Vec3b>(Rgb), rgb), "");
}

TEST(EncodeJpegTest, RoundTripsNearly) {
  const cv::Mat rgb = MakeImage<cv::Vec3b>(Rgb);
  absl::StatusOr<std::string> jpeg = EncodeJpeg(rgb, 95);
  ASSERT_THAT(jpeg, IsOk());
  // Chroma is stored at half the resolution.
  EXPECT_EQ(Difference(rgb, OrEmpty(DecodeRgb(*jpeg, "x")), 20), "");
  const cv::Mat gray = MakeImage<uint8_t>(Gray);
  jpeg = EncodeJpeg(gray, 100);
  ASSERT_THAT(jpeg, IsOk());
  EXPECT_EQ(Difference(gray, OrEmpty(DecodeGray(*jpeg, "x")), 2), "");
}

TEST(EncodeTest, RejectsWhatTheFormatCannotHold) {
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(EncodePng(cv::Mat()), StatusIs(code, HasSubstr("0x0 matrix")));
  EXPECT_THAT(EncodePng(cv::Mat(2, 3, CV_32FC1)),
              StatusIs(code,
                       "cannot encode a 3x2 matrix of type CV_32FC1 as "
                       "PNG, expected a non-empty CV_8UC1, CV_8UC3 or "
                       "CV_8UC4"));
  EXPECT_THAT(EncodeJpeg(cv::Mat(2, 3, CV_8UC4), 90),
              StatusIs(code, HasSubstr("as JPEG, expected a non-empty CV_8UC1 "
                                       "or CV_8UC3")));
  EXPECT_THAT(EncodeJpeg(cv::Mat(2, 3, CV_8UC3), 0),
              StatusIs(code, "JPEG quality is 0, expected 1 to 100"));
  EXPECT_THAT(EncodeJpeg(cv::Mat(2, 3, CV_8UC3), 101), StatusIs(code));
}

TEST(WriteTest, WritesFilesThatReadBack) {
  const std::string folder = ::testing::TempDir();
  const cv::Mat rgb = MakeImage<cv::Vec3b>(Rgb);
  const std::string png = JoinPath(folder, "written.png");
  ASSERT_THAT(WritePng(png, rgb), IsOk());
  EXPECT_EQ(Difference(rgb, OrEmpty(ReadRgb(png))), "");
  const std::string jpeg = JoinPath(folder, "written.jpg");
  ASSERT_THAT(WriteJpeg(jpeg, rgb, 95), IsOk());
  EXPECT_EQ(Difference(rgb, OrEmpty(ReadRgb(jpeg)), 20), "");
}

TEST(WriteTest, FailsWithoutTheFolder) {
  EXPECT_THAT(WritePng(JoinPath(::testing::TempDir(), "none/a.png"),
                       MakeImage<cv::Vec3b>(Rgb)),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none/a.png")));
}

}  // namespace
}  // namespace vision
