#include "wsol/cam_run/map_file.h"

#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "torch/serialize.h"
#include "vision/base/file_io.h"
#include "wsol/score_maps/score_map_file.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

cv::Mat Map() { return (cv::Mat_<float>(2, 3) << 0, 0.25f, 1, 0.5f, 0.1f, 1); }

std::string Path(const std::string& name) {
  return vision::JoinPath(::testing::TempDir(), name);
}

double LargestDifference(const cv::Mat& a, const cv::Mat& b) {
  cv::Mat left, right;
  a.convertTo(left, CV_64F);
  b.convertTo(right, CV_64F);
  return cv::norm(left, right, cv::NORM_INF);
}

TEST(WriteMapTest, EvaluationReadsWhatWasWritten) {
  const struct {
    MapFormat format;
    double tolerance;
  } cases[] = {{MapFormat::kNpy, 0},
               {MapFormat::kPng8, 0.5 / 255 + 1e-9},
               {MapFormat::kPng16, 0.5 / 65535 + 1e-9}};
  for (const auto& [format, tolerance] : cases) {
    const std::string path =
        Path("map" + std::string(MapFormatExtension(format)));
    ASSERT_THAT(WriteMap(path, Map(), format), IsOk());
    const auto read = ReadScoreMap(path);
    ASSERT_THAT(read, IsOk());
    EXPECT_LE(LargestDifference(*read, Map()), tolerance)
        << MapFormatName(format);
  }
}

// LibTorch's own reader of what torch.save writes.
TEST(WriteMapTest, LibTorchReadsPt) {
  const std::string path = Path("map.pt");
  // A part of a wider matrix: its rows do not follow one another in memory.
  cv::Mat wide(2, 5, CV_32FC1, cv::Scalar(7));
  Map().copyTo(wide.colRange(1, 4));
  ASSERT_THAT(WriteMap(path, wide.colRange(1, 4), MapFormat::kPt), IsOk());
  const std::string bytes = vision::ReadFile(path).value();
  const at::Tensor read =
      torch::pickle_load(std::vector<char>(bytes.begin(), bytes.end()))
          .toTensor();
  EXPECT_TRUE(
      read.equal(at::tensor({0.f, 0.25f, 1.f, 0.5f, 0.1f, 1.f}).view({2, 3})));
}

TEST(WriteMapTest, RejectsWhatIsNoMap) {
  EXPECT_THAT(WriteMap(Path("x.npy"), cv::Mat(2, 2, CV_64FC1), MapFormat::kNpy),
              StatusIs(kInvalid, HasSubstr("expected CV_32FC1")));
  EXPECT_THAT(WriteMap(Path("x.npy"), cv::Mat(), MapFormat::kNpy),
              StatusIs(kInvalid));
  EXPECT_THAT(WriteMap(Path("none/x.npy"), Map(), MapFormat::kNpy),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(MapFileTest, NamesOfFormatsAndSizes) {
  for (const MapFormat format :
       {MapFormat::kNpy, MapFormat::kPng8, MapFormat::kPng16, MapFormat::kPt}) {
    EXPECT_THAT(ParseMapFormat(MapFormatName(format)), IsOkAndHolds(format));
  }
  for (const MapSize size : {MapSize::kMap, MapSize::kInput, MapSize::kImage}) {
    EXPECT_THAT(ParseMapSize(MapSizeName(size)), IsOkAndHolds(size));
  }
  EXPECT_THAT(ParseMapFormat("jpg"),
              StatusIs(kInvalid, HasSubstr("npy, png8, png16 or pt")));
  EXPECT_THAT(ParseMapSize("big"),
              StatusIs(kInvalid, HasSubstr("map, input or image")));
}

TEST(MapFileTest, StemsArePublishedNames) {
  EXPECT_EQ(MapFileStem("val/x.jpg"), "val_x");
  EXPECT_EQ(MapFileStem("a/b.c/d.e.png"), "a_b.c_d.e");
  EXPECT_EQ(MapFileStem("x"), "x");
}

}  // namespace
}  // namespace wsol
