#include "wsol/datasets/image_size.h"

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
#include "vision/image/image_header.h"
#include "vision/image/image_io.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::string Write(absl::string_view name, absl::string_view bytes) {
  const std::string path = vision::JoinPath(::testing::TempDir(), name);
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(out.good());
  return path;
}

TEST(ImageSizeTest, ReadsSmallFiles) {
  const absl::StatusOr<std::string> png =
      vision::EncodePng(cv::Mat::zeros(3, 5, CV_8UC1));
  ASSERT_THAT(png, IsOk());
  const absl::StatusOr<vision::ImageHeader> header =
      ReadImageHeader(Write("small.png", *png));
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->width, 5);
  EXPECT_EQ(header->height, 3);
}

// The frame comes behind 100 KB of thumbnail.
TEST(ImageSizeTest, ReadsOnWhereTheBeginningDoesNotTell) {
  const absl::StatusOr<std::string> jpeg =
      vision::EncodeJpeg(cv::Mat::zeros(8, 16, CV_8UC3), 90);
  ASSERT_THAT(jpeg, IsOk());
  // Application segments of 50002 bytes each, behind the start of the image.
  std::string segment = "\xFF\xEF\xC3\x50";
  segment.resize(2 + 50000, 'x');
  const absl::StatusOr<vision::ImageHeader> header =
      ReadImageHeader(Write("thumbnail.jpg", jpeg->substr(0, 2) + segment +
                                                 segment + jpeg->substr(2)));
  ASSERT_THAT(header, IsOk());
  EXPECT_EQ(header->width, 16);
  EXPECT_EQ(header->height, 8);
}

TEST(ImageSizeTest, ErrorsNameThePath) {
  EXPECT_THAT(ReadImageHeader("/nowhere/x.png"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere/x")));
  EXPECT_THAT(ReadImageHeader(Write("empty.png", "")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("empty.png")));
  EXPECT_THAT(ReadImageHeader(Write("text.png", "no image")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("text.png")));
}

TEST(ImageSizeTest, KnowsNamesOfImages) {
  EXPECT_TRUE(HasImageExtension("a/b.JPEG"));
  EXPECT_TRUE(HasImageExtension("b.webp"));
  EXPECT_FALSE(HasImageExtension("Thumbs.db"));
  EXPECT_FALSE(HasImageExtension("png"));
}

}  // namespace
}  // namespace wsol
