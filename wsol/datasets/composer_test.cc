#include "wsol/datasets/composer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/synthetic.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A square of one colour in a transparent frame of 8 pixels.
cv::Mat MakeCutout(int side, const cv::Scalar& rgb) {
  cv::Mat cutout(side + 16, side + 16, CV_8UC4, cv::Scalar(9, 9, 9, 0));
  cutout(cv::Rect(8, 8, side, side))
      .setTo(cv::Scalar(rgb[0], rgb[1], rgb[2], 255));
  return cutout;
}

// Two classes of one cut-out; a photograph, red on the left, blue on the right.
ComposerMaterial MakeMaterial() {
  ComposerMaterial material;
  material.classes.resize(2);
  material.classes[0].name = "light";
  material.classes[0].cutouts = {MakeCutout(40, cv::Scalar(250, 250, 250))};
  material.classes[1].name = "dark";
  material.classes[1].cutouts = {MakeCutout(40, cv::Scalar(5, 5, 5))};
  cv::Mat photograph(200, 300, CV_8UC3, cv::Scalar(200, 0, 0));
  photograph(cv::Rect(150, 0, 150, 200)).setTo(cv::Scalar(0, 0, 200));
  material.photographs = {photograph};
  return material;
}

Composer MakeComposer(const ComposerMaterial& material, int size,
                      uint64_t seed = 0) {
  ComposerOptions options;
  options.size = size;
  options.seed = seed;
  absl::StatusOr<Composer> composer = Composer::Create(material, options);
  EXPECT_THAT(composer, IsOk());
  return *std::move(composer);
}

uint32_t PixelCrc(const cv::Mat& image) {
  EXPECT_TRUE(image.isContinuous());
  return vision::Crc32(
      absl::string_view(reinterpret_cast<const char*>(image.data),
                        image.total() * image.elemSize()));
}

TEST(PortableMathTest, AgreesWithTheLibrary) {
  for (int i = -1000; i <= 1000; ++i) {
    const double x = i * 0.008;
    EXPECT_NEAR(internal::PortableSin(x), std::sin(x), 4e-15) << x;
    EXPECT_NEAR(internal::PortableCos(x), std::cos(x), 4e-15) << x;
    const double y = i * 0.7;
    EXPECT_NEAR(internal::PortableExp(y) / std::exp(y), 1, 4e-15) << y;
    const double z = std::exp(i * 0.5);
    EXPECT_NEAR(internal::PortableLog(z), std::log(z),
                4e-15 * std::max(1.0, std::fabs(std::log(z))))
        << z;
  }
  EXPECT_EQ(internal::PortableSin(0), 0);
  EXPECT_EQ(internal::PortableExp(0), 1);
  EXPECT_EQ(internal::PortableLog(1), 0);
}

TEST(ComposerTest, SplitNames) {
  EXPECT_EQ(SplitName(Split::kTrain), "train");
  EXPECT_EQ(SplitName(Split::kVal), "val");
  EXPECT_EQ(SplitName(Split::kTest), "test");
}

TEST(ComposerTest, ClassesTakeTurns) {
  const Composer composer = MakeComposer(MakeMaterial(), 48);
  EXPECT_EQ(composer.num_classes(), 2);
  EXPECT_EQ(composer.class_name(1), "dark");
  for (int64_t n = 0; n < 6; ++n) {
    const ComposedImage image = composer.Compose(Split::kTrain, n);
    EXPECT_EQ(image.label, n % 2);
    EXPECT_EQ(composer.Label(n), n % 2);
    // The object is the lighter, or the darker, part of the image.
    const cv::Scalar on = cv::mean(image.rgb, image.mask);
    if (image.label == 0) {
      EXPECT_GT(on[1], 150);
    } else {
      EXPECT_LT(on[1], 50);
    }
  }
}

TEST(ComposerTest, BoxIsTheTightBoxOfTheMask) {
  const Composer composer = MakeComposer(MakeMaterial(), 48);
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    for (int64_t n = 0; n < 40; ++n) {
      const ComposedImage image = composer.Compose(split, n);
      ASSERT_EQ(image.rgb.size(), cv::Size(48, 48));
      ASSERT_EQ(image.rgb.type(), CV_8UC3);
      ASSERT_EQ(image.mask.size(), cv::Size(48, 48));
      ASSERT_EQ(image.mask.type(), CV_8UC1);
      vision::Box box{48, 48, 0, 0};
      for (int y = 0; y < 48; ++y) {
        for (int x = 0; x < 48; ++x) {
          const int value = image.mask.at<uint8_t>(y, x);
          ASSERT_TRUE(value == 0 || value == 255) << value;
          if (value == 0) continue;
          box.x0 = std::min(box.x0, x);
          box.y0 = std::min(box.y0, y);
          box.x1 = std::max(box.x1, x + 1);
          box.y1 = std::max(box.y1, y + 1);
        }
      }
      EXPECT_EQ(image.box, box);
      EXPECT_FALSE(image.box.IsEmpty());
    }
  }
}

// The long side is 65-105 % of the image and at most 5 % of the image's side is
// cut off at a border; a pixel or two for the edge's soft alpha.
TEST(ComposerTest, ObjectsHaveTheStatedSizesAndPositions) {
  const int size = 100;
  const Composer composer = MakeComposer(MakeMaterial(), size);
  int64_t smallest = size;
  int touching = 0;
  for (int64_t n = 0; n < 120; ++n) {
    const vision::Box box = composer.Compose(Split::kTrain, n).box;
    const int64_t side = std::max(box.Width(), box.Height());
    EXPECT_GE(side, 65 - 5 - 2);
    smallest = std::min(smallest, side);
    touching += box.x0 == 0 || box.y0 == 0 || box.x1 == size || box.y1 == size;
  }
  EXPECT_LT(smallest, 72);
  EXPECT_GT(touching, 30);
  EXPECT_LT(touching, 90);
}

TEST(ComposerTest, TrainSeesTheLeftHalfAndTestTheRightHalf) {
  const Composer composer = MakeComposer(MakeMaterial(), 48);
  const auto count = [&](Split split) {
    int red = 0;
    int blue = 0;
    for (int64_t n = 0; n < 100; ++n) {
      const ComposedImage image = composer.Compose(split, n);
      const cv::Scalar behind = cv::mean(image.rgb, image.mask == 0);
      red += behind[0] > 2 * behind[1] + 20 && behind[0] > 2 * behind[2] + 20;
      blue += behind[2] > 2 * behind[1] + 20 && behind[2] > 2 * behind[0] + 20;
    }
    return std::make_pair(red, blue);
  };
  // Four in five have the photograph; a random colour behind the others may
  // look red or blue by chance.
  for (const Split split : {Split::kTrain, Split::kVal}) {
    const auto [red, blue] = count(split);
    EXPECT_GE(red, 70);
    EXPECT_LE(blue, 4);
  }
  const auto [red, blue] = count(Split::kTest);
  EXPECT_LE(red, 4);
  EXPECT_GE(blue, 70);
}

TEST(ComposerTest, SeedSplitAndNumberAllMatter) {
  const Composer composer = MakeComposer(MakeMaterial(), 32);
  const Composer other_seed = MakeComposer(MakeMaterial(), 32, 1);
  const uint32_t crc = PixelCrc(composer.Compose(Split::kTrain, 0).rgb);
  EXPECT_EQ(crc, PixelCrc(composer.Compose(Split::kTrain, 0).rgb));
  EXPECT_NE(crc, PixelCrc(composer.Compose(Split::kVal, 0).rgb));
  EXPECT_NE(crc, PixelCrc(composer.Compose(Split::kTest, 0).rgb));
  EXPECT_NE(crc, PixelCrc(composer.Compose(Split::kTrain, 2).rgb));
  EXPECT_NE(crc, PixelCrc(other_seed.Compose(Split::kTrain, 0).rgb));
}

TEST(ComposerTest, PixelsDoNotDependOnThreadsAndOrder) {
  const Composer composer = MakeComposer(MakeMaterial(), 32);
  constexpr int64_t kCount = 40;
  std::vector<uint32_t> serial(kCount);
  for (int64_t n = kCount - 1; n >= 0; --n) {
    serial[static_cast<size_t>(n)] =
        PixelCrc(composer.Compose(Split::kTrain, n).rgb);
  }
  std::vector<uint32_t> parallel(kCount);
  vision::ParallelFor(kCount, 4, [&](int64_t n) {
    parallel[static_cast<size_t>(n)] =
        PixelCrc(composer.Compose(Split::kTrain, n).rgb);
  });
  EXPECT_EQ(serial, parallel);
}

// Lines one pixel wide, shrunk to less than a tenth: their mean, not a moire.
TEST(ComposerTest, ShrunkenObjectsAreAveraged) {
  cv::Mat cutout(400, 400, CV_8UC4);
  for (int y = 0; y < 400; ++y) {
    cutout.row(y).setTo(y % 2 == 0 ? cv::Scalar(0, 0, 0, 255)
                                   : cv::Scalar(200, 200, 200, 255));
  }
  ComposerMaterial material = MakeMaterial();
  material.classes.resize(1);
  material.classes[0].cutouts = {cutout};
  const Composer composer = MakeComposer(material, 48);
  for (int64_t n = 0; n < 6; ++n) {
    const ComposedImage image = composer.Compose(Split::kTrain, n);
    // The inner part, away from the edge.
    cv::Mat inner = image.mask.clone();
    for (int y = 0; y < 48; ++y) {
      for (int x = 0; x < 48; ++x) {
        for (int dy = -2; dy <= 2; ++dy) {
          for (int dx = -2; dx <= 2; ++dx) {
            const int yy = y + dy;
            const int xx = x + dx;
            if (yy < 0 || xx < 0 || yy >= 48 || xx >= 48 ||
                image.mask.at<uint8_t>(yy, xx) == 0) {
              inner.at<uint8_t>(y, x) = 0;
            }
          }
        }
      }
    }
    cv::Scalar mean;
    cv::Scalar deviation;
    cv::meanStdDev(image.rgb, mean, deviation, inner);
    // Noise has 5 at most, shading about 10; single lines would have 100.
    EXPECT_LT(deviation[1], 20) << n;
    EXPECT_GT(mean[1], 50);
    EXPECT_LT(mean[1], 150);
  }
}

TEST(ComposerTest, ComposesTheSmallestAndOddSizes) {
  for (const int size : {16, 17, 225}) {
    const Composer composer = MakeComposer(MakeMaterial(), size);
    const ComposedImage image = composer.Compose(Split::kTest, 3);
    EXPECT_EQ(image.rgb.size(), cv::Size(size, size));
    EXPECT_FALSE(image.box.IsEmpty());
  }
}

TEST(ComposerTest, RejectsOptionsOutOfRange) {
  const auto expect = [](const ComposerOptions& options, const char* message) {
    EXPECT_THAT(Composer::Create(MakeMaterial(), options).status(),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  ComposerOptions options;
  options.size = 15;
  expect(options, "size is 15 pixels, expected one in [16, 4096]");
  options = {};
  options.max_rotation_degrees = 46;
  expect(options, "max_rotation_degrees is 46");
  options = {};
  options.min_long_side = 1.06;
  expect(options, "long sides are [1.06, 1.05]");
  options = {};
  options.max_long_side = std::nan("");
  expect(options, "long sides are [0.65, nan]");
}

TEST(ComposerTest, RejectsUnusableMaterial) {
  const auto expect = [](const ComposerMaterial& material,
                         const char* message) {
    EXPECT_THAT(Composer::Create(material, ComposerOptions()).status(),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  ComposerMaterial material;
  expect(material, "got no classes");
  material = MakeMaterial();
  material.photographs.clear();
  expect(material, "got no photographs");
  material = MakeMaterial();
  material.classes[1].cutouts.clear();
  expect(material, "class 'dark' has no cut-outs");
  material = MakeMaterial();
  material.classes[1].cutouts[0] = cv::Mat::zeros(9, 9, CV_8UC3);
  expect(material, "a cut-out of class 'dark' is not an 8-bit RGBA image");
  material = MakeMaterial();
  material.classes[0].cutouts[0] = cv::Mat::zeros(9, 9, CV_8UC4);
  expect(material, "a cut-out of class 'light' has no opaque pixel");
  material = MakeMaterial();
  material.photographs[0] = cv::Mat::zeros(9, 100, CV_8UC3);
  expect(material, "a photograph is 100x9 with 3 channels");
}

struct GoldenCase {
  int size;
  uint64_t seed;
  Split split;
  int64_t n;
  uint32_t rgb_crc;
  uint32_t mask_crc;
  vision::Box box;
};

// Pixels of the built-in data set, pinned: on every machine and with every
// compiler they are these. Needs a baseline JPEG decoder with libjpeg's integer
// transform (see objects20/README.md).
TEST(ComposerTest, MatchesGoldenPixels) {
  SyntheticOptions options;
  options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
  const absl::StatusOr<ComposerMaterial> material =
      LoadSyntheticMaterial(options);
  ASSERT_THAT(material, IsOk());
  const GoldenCase cases[] = {
      {96, 0, Split::kTrain, 0, 0xd113e859, 0xb1fc8bd1, {7, 20, 83, 92}},
      {96, 0, Split::kVal, 7, 0xed42335e, 0x4eccb7ee, {0, 22, 76, 93}},
      {96, 0, Split::kTest, 319, 0x89e12ccb, 0xab655006, {7, 5, 85, 95}},
      {96, 1, Split::kTrain, 999'999, 0x494f74e7, 0x42e740c0, {28, 2, 96, 69}},
      {128, 0, Split::kTrain, 12, 0x71fd84bc, 0x732e7fff, {61, 12, 119, 128}},
      {128, 2, Split::kTest, 5, 0xf71f90cd, 0xdfa6debb, {0, 6, 106, 118}},
      {224, 0, Split::kTrain, 3, 0x704264db, 0xd34c9d71, {49, 29, 168, 207}},
      {224, 0, Split::kTest, 18, 0x2f688612, 0x04e4f307, {57, 11, 224, 194}},
  };
  for (const GoldenCase& golden : cases) {
    const Composer composer = MakeComposer(*material, golden.size, golden.seed);
    const ComposedImage image = composer.Compose(golden.split, golden.n);
    EXPECT_EQ(PixelCrc(image.rgb), golden.rgb_crc)
        << golden.size << " " << SplitName(golden.split) << " " << golden.n;
    EXPECT_EQ(PixelCrc(image.mask), golden.mask_crc)
        << golden.size << " " << SplitName(golden.split) << " " << golden.n;
    EXPECT_EQ(image.box, golden.box);
  }
}

}  // namespace
}  // namespace wsol
