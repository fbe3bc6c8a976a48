#include "vision/cli/refine_maps.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/crf/mean_field.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr int kHeight = 24;
constexpr int kWidth = 32;

// Dark on the left, light on the right.
cv::Mat TwoHalves() {
  cv::Mat image(kHeight, kWidth, CV_8UC3, cv::Scalar(40, 60, 50));
  image.colRange(kWidth / 2, kWidth) = cv::Scalar(200, 190, 210);
  return image;
}

// The object is the right half; the map's edge is 3 pixels off and noisy.
cv::Mat RoughMap() {
  cv::Mat map(kHeight, kWidth, CV_32FC1);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      map.at<float>(y, x) = (x < kWidth / 2 + 3 ? 0.2f : 0.8f) +
                            ((x * 7 + y * 5) % 11 - 5) * 0.02f;
    }
  }
  return map;
}

class RefineMapsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string name =
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = JoinPath(::testing::TempDir(), absl::StrCat("refine_maps_", name));
    std::filesystem::remove_all(root_);
    options_.maps_dir = JoinPath(root_, "maps");
    options_.images_dir = JoinPath(root_, "images");
    options_.output_dir = JoinPath(root_, "refined");
    options_.progress_stream = &progress_;
    for (const std::string& folder : {JoinPath(options_.maps_dir, "sub"),
                                      JoinPath(options_.images_dir, "sub")}) {
      ASSERT_THAT(CreateDirectories(folder), IsOk());
    }
    ASSERT_THAT(WritePng(Image("a.png"), TwoHalves()), IsOk());
    ASSERT_THAT(WriteNpy(Map("a.npy"), RoughMap(), NpyDtype::kFloat32), IsOk());
  }

  std::string Map(const std::string& name) const {
    return JoinPath(options_.maps_dir, name);
  }
  std::string Image(const std::string& name) const {
    return JoinPath(options_.images_dir, name);
  }
  std::string Output(const std::string& name) const {
    return JoinPath(options_.output_dir, name);
  }

  void ExpectRefined(const cv::Mat& map, double scale = 1) {
    ASSERT_EQ(map.rows, kHeight);
    ASSERT_EQ(map.cols, kWidth);
    cv::Mat values;
    map.convertTo(values, CV_64F, scale);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        EXPECT_NEAR(values.at<double>(y, x), x < kWidth / 2 ? 0 : 1, 0.02)
            << y << ", " << x;
      }
    }
  }

  std::string root_;
  RefineMapsOptions options_;
  std::ostringstream progress_;
};

TEST_F(RefineMapsTest, RefinesAFolderInAllFormats) {
  ASSERT_THAT(WriteJpeg(Image("sub/b.JPEG"), TwoHalves(), 95), IsOk());
  cv::Mat grey;
  RoughMap().convertTo(grey, CV_8U, 255);
  ASSERT_THAT(WritePng(Map("sub/b.png"), grey), IsOk());
  ASSERT_THAT(WritePng(Image("c.jpg.png"), TwoHalves()), IsOk());
  cv::Mat wide;
  RoughMap().convertTo(wide, CV_16U, 65535);
  ASSERT_TRUE(cv::imwrite(Map("c.jpg.png"), wide));
  ASSERT_THAT(WriteFileAtomically(Map("notes.txt"), "no map"), IsOk());

  options_.num_threads = 2;
  const auto report = RefineMaps(options_);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->refined, 3);
  EXPECT_EQ(report->skipped, 0);
  EXPECT_THAT(progress_.str(), HasSubstr("refining maps"));

  const auto a = ReadNpy(Output("a.npy"));
  ASSERT_THAT(a, IsOk());
  EXPECT_EQ(a->type(), CV_32FC1);
  ExpectRefined(*a);
  const cv::Mat b = cv::imread(Output("sub/b.png"), cv::IMREAD_UNCHANGED);
  EXPECT_EQ(b.type(), CV_8UC1);
  ExpectRefined(b, 1 / 255.0);
  const cv::Mat c = cv::imread(Output("c.jpg.png"), cv::IMREAD_UNCHANGED);
  EXPECT_EQ(c.type(), CV_16UC1);
  ExpectRefined(c, 1 / 65535.0);

  // The same call again has nothing to do, unless told.
  const auto again = RefineMaps(options_);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->refined, 0);
  EXPECT_EQ(again->skipped, 3);
  options_.overwrite = true;
  options_.format = MapFormat::kPng;
  const auto converted = RefineMaps(options_);
  ASSERT_THAT(converted, IsOk());
  EXPECT_EQ(converted->refined, 3);
  ExpectRefined(cv::imread(Output("a.png"), cv::IMREAD_UNCHANGED), 1 / 65535.0);
}

TEST_F(RefineMapsTest, IsMeanFieldOnTwoLabels) {
  ASSERT_THAT(RefineMaps(options_), IsOk());
  const auto refined = ReadNpy(Output("a.npy"));
  ASSERT_THAT(refined, IsOk());
  const cv::Mat image = TwoHalves();
  const cv::Mat map = RoughMap();
  constexpr int kSize = kHeight * kWidth;
  std::vector<float> rgb(3 * kSize), probabilities(2 * kSize), q(2 * kSize);
  for (int i = 0; i < kSize; ++i) {
    for (int c = 0; c < 3; ++c) rgb[c * kSize + i] = image.data[3 * i + c];
    probabilities[kSize + i] = map.ptr<float>()[i];
    probabilities[i] = 1 - probabilities[kSize + i];
  }
  const auto crf =
      MeanField::Create(rgb.data(), kHeight, kWidth, options_.mean_field);
  ASSERT_THAT(crf, IsOk());
  ASSERT_THAT(
      (*crf)->Run(UnaryFromProbabilities(probabilities).data(), 2, q.data()),
      IsOk());
  for (int i = 0; i < kSize; ++i) {
    EXPECT_EQ(refined->ptr<float>()[i], q[kSize + i]);
  }
}

TEST_F(RefineMapsTest, SizesMayDifferIfToldHow) {
  ASSERT_THAT(WriteNpy(Map("a.npy"), cv::Mat(RoughMap().rowRange(0, 12)),
                       NpyDtype::kFloat64),
              IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("a.npy is 12 x 32, expected 24 x 32"),
                             HasSubstr("--size_policy"))));
  EXPECT_FALSE(FileExists(Output("a.npy")));
  options_.size_policy = MapSizePolicy::kResizeMap;
  ASSERT_THAT(RefineMaps(options_), IsOk());
  EXPECT_EQ(ReadNpy(Output("a.npy"))->size(), cv::Size(32, 24));
  EXPECT_EQ(ReadNpy(Output("a.npy"))->type(), CV_64FC1);
  options_.size_policy = MapSizePolicy::kResizeImage;
  options_.overwrite = true;
  ASSERT_THAT(RefineMaps(options_), IsOk());
  EXPECT_EQ(ReadNpy(Output("a.npy"))->size(), cv::Size(32, 12));
}

TEST_F(RefineMapsTest, RejectsValuesThatAreNoProbabilities) {
  const cv::Mat scaled = RoughMap() * 3 - 1;
  ASSERT_THAT(WriteNpy(Map("a.npy"), scaled, NpyDtype::kFloat32), IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("between 0 and 1, got -0.7"),
                             HasSubstr("--normalize"))));
  options_.normalize = true;
  ASSERT_THAT(RefineMaps(options_), IsOk());
  // Stretched, the noise is stronger, too.
  EXPECT_NEAR(cv::mean(*ReadNpy(Output("a.npy")))[0], 0.5, 0.03);

  options_.overwrite = true;
  cv::Mat bad = RoughMap();
  bad.at<float>(1, 2) = std::nanf("");
  ASSERT_THAT(WriteNpy(Map("a.npy"), bad, NpyDtype::kFloat32), IsOk());
  EXPECT_THAT(RefineMaps(options_), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("not finite")));
}

TEST_F(RefineMapsTest, AMapWithoutContrastBecomesZero) {
  ASSERT_THAT(WriteNpy(Map("a.npy"), cv::Mat(kHeight, kWidth, CV_32FC1, 7.0f),
                       NpyDtype::kFloat32),
              IsOk());
  options_.normalize = true;
  ASSERT_THAT(RefineMaps(options_), IsOk());
  EXPECT_LE(cv::norm(*ReadNpy(Output("a.npy")), cv::NORM_INF), 1e-4);
}

TEST_F(RefineMapsTest, NamesMissingAndAmbiguousFilesBeforeItBegins) {
  ASSERT_THAT(WriteNpy(Map("sub/z.npy"), RoughMap(), NpyDtype::kFloat32),
              IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("no image for the map"),
                             HasSubstr("sub/z with the ending .jpg"))));
  EXPECT_FALSE(FileExists(Output("a.npy")));
  ASSERT_THAT(WritePng(Image("sub/z.png"), TwoHalves()), IsOk());
  ASSERT_THAT(WriteJpeg(Image("sub/z.jpg"), TwoHalves(), 90), IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("several images for the map")));
  std::filesystem::remove(Image("sub/z.jpg"));
  cv::Mat grey;
  RoughMap().convertTo(grey, CV_8U, 255);
  ASSERT_THAT(WritePng(Map("a.png"), grey), IsOk());
  options_.format = MapFormat::kNpy;
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("Two maps would be written to")));
}

TEST_F(RefineMapsTest, RejectsColouredAndDamagedMaps) {
  std::filesystem::remove(Map("a.npy"));
  ASSERT_THAT(WritePng(Map("a.png"), TwoHalves()), IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be grey, of 8 or 16 bit, got 3")));
  ASSERT_THAT(WriteFileAtomically(Map("a.png"), "nothing"), IsOk());
  EXPECT_THAT(RefineMaps(options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a.png")));
}

TEST_F(RefineMapsTest, RejectsBadFoldersAndOptions) {
  RefineMapsOptions options = options_;
  options.maps_dir = JoinPath(root_, "nowhere");
  EXPECT_THAT(RefineMaps(options), StatusIs(absl::StatusCode::kNotFound,
                                            HasSubstr("There is no folder")));
  options.maps_dir = JoinPath(options_.maps_dir, "sub");
  EXPECT_THAT(RefineMaps(options),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("no .npy or .png files")));
  options = options_;
  options.output_dir = options.maps_dir;
  EXPECT_THAT(RefineMaps(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("must be in different folders")));
  options.output_dir = "";
  EXPECT_THAT(RefineMaps(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("must be given")));
  options = options_;
  options.num_threads = 0;
  EXPECT_THAT(RefineMaps(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("num_threads must be at least 1, got 0")));
  options = options_;
  options.mean_field.iterations = 0;
  EXPECT_THAT(RefineMaps(options), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("iterations")));
}

TEST(ParseTest, NamesOfPoliciesAndFormats) {
  EXPECT_THAT(ParseMapSizePolicy("error"), IsOkAndHolds(MapSizePolicy::kError));
  EXPECT_THAT(ParseMapSizePolicy("resize_map"),
              IsOkAndHolds(MapSizePolicy::kResizeMap));
  EXPECT_THAT(ParseMapSizePolicy("resize_image"),
              IsOkAndHolds(MapSizePolicy::kResizeImage));
  EXPECT_THAT(
      ParseMapSizePolicy("crop"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got \"crop\"")));
  EXPECT_THAT(ParseMapFormat("same"), IsOkAndHolds(MapFormat::kSame));
  EXPECT_THAT(ParseMapFormat("npy"), IsOkAndHolds(MapFormat::kNpy));
  EXPECT_THAT(ParseMapFormat("png"), IsOkAndHolds(MapFormat::kPng));
  EXPECT_THAT(
      ParseMapFormat("tiff"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got \"tiff\"")));
}

}  // namespace
}  // namespace vision
