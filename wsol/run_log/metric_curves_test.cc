#include "wsol/run_log/metric_curves.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/image/image_io.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

MetricCurvesOptions Bare() {
  MetricCurvesOptions options;
  options.x_title = "";
  options.width = 400;
  options.height = 300;
  return options;
}

cv::Mat Draw(const std::vector<MetricCurve>& curves,
             const MetricCurvesOptions& options) {
  const absl::StatusOr<cv::Mat> image = DrawMetricCurves(curves, options);
  EXPECT_THAT(image, IsOk());
  return image.ok() ? *image : cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(0));
}

// The places of a colour.
struct Found {
  int count = 0;
  double x = 0;
  double y = 0;
};
Found Find(const cv::Mat& image, const cv::Vec3b& color) {
  Found found;
  for (int row = 0; row < image.rows; ++row) {
    for (int column = 0; column < image.cols; ++column) {
      if (image.at<cv::Vec3b>(row, column) != color) continue;
      ++found.count;
      found.x += column;
      found.y += row;
    }
  }
  if (found.count > 0) {
    found.x /= found.count;
    found.y /= found.count;
  }
  return found;
}

const cv::Vec3b kRed(220, 0, 25);
const cv::Vec3b kFirst(0x00, 0x67, 0xa5);
const cv::Vec3b kSecond(0xd1, 0x50, 0x0b);

// A name puts a second dot into the legend, so the curve has none.
TEST(MetricCurvesTest, PutsTheDotWhereTheBestValueIs) {
  const MetricCurvesOptions options = Bare();
  Found dots[3];
  for (int best = 0; best < 3; ++best) {
    MetricCurve curve = {"", {0, 1, 2}, {0, 10, 20}, best};
    const cv::Mat image = Draw({curve}, options);
    // The legend's dot and its line are above row 50.
    dots[best] = Find(image.rowRange(50, image.rows), kRed);
    EXPECT_GT(dots[best].count, 60);
    EXPECT_LT(dots[best].count, 110);  // 5.4^2 pi = 92.
  }
  // Equal steps to the right, and upwards by half the axis (0 to 20).
  EXPECT_NEAR(dots[1].x - dots[0].x, dots[2].x - dots[1].x, 1);
  EXPECT_GT(dots[1].x - dots[0].x, 100);
  EXPECT_NEAR(dots[0].y - dots[1].y, dots[1].y - dots[2].y, 1);
  EXPECT_GT(dots[0].y - dots[1].y, 60);
}

TEST(MetricCurvesTest, HasNoDotWithoutABestValue) {
  for (const MetricCurve& curve :
       {MetricCurve{"a", {0, 1}, {1, 2}}, MetricCurve{"a", {0, 1}, {1, 2}, 0.5},
        MetricCurve{"a", {0, 1}, {1, std::nan("")}, 1}}) {
    EXPECT_EQ(Find(Draw({curve}, Bare()), kRed).count, 0);
  }
}

TEST(MetricCurvesTest, DrawsEachCurveInItsColor) {
  const cv::Mat image = Draw(
      {{"high", {0, 1, 2}, {9, 9, 9}}, {"low", {0, 1, 2}, {1, 1, 1}}}, Bare());
  EXPECT_EQ(image.size(), cv::Size(400, 300));
  EXPECT_EQ(image.type(), CV_8UC3);
  EXPECT_EQ(image.at<cv::Vec3b>(0, 0), cv::Vec3b(255, 255, 255));
  const cv::Mat area = image.rowRange(50, image.rows);
  const Found high = Find(area, kFirst), low = Find(area, kSecond);
  EXPECT_GT(high.count, 200);
  EXPECT_GT(low.count, 200);
  EXPECT_LT(high.y, low.y - 100);
}

TEST(MetricCurvesTest, LeavesGapsForWhatIsNoNumber) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x = {0, 1, 2, 3, 4};
  const int whole =
      Find(Draw({{"", x, {1, 1, 1, 1, 1}}}, Bare()), kFirst).count;
  for (const double bad : {std::nan(""), infinity, -infinity, 1e200}) {
    const cv::Mat image = Draw({{"", x, {1, 1, bad, 1, 1}}}, Bare());
    const int count = Find(image, kFirst).count;
    EXPECT_LT(count, 0.65 * whole);
    EXPECT_GT(count, 0.35 * whole);
  }
  // A value between two gaps shows as a point.
  EXPECT_GT(
      Find(Draw({{"", x, {infinity, 1, infinity, infinity, infinity}}}, Bare()),
           kFirst)
          .count,
      10);
}

TEST(MetricCurvesTest, SaysThatThereIsNothingToDraw) {
  const std::vector<std::vector<MetricCurve>> nothing = {
      {}, {{"a", {}, {}}}, {{"a", {0, 1}, {std::nan(""), std::nan("")}}}};
  for (const std::vector<MetricCurve>& curves : nothing) {
    const cv::Mat image = Draw(curves, Bare());
    // Text in the middle.
    cv::Mat middle = image(cv::Rect(150, 130, 100, 30));
    EXPECT_LT(cv::mean(middle)[0], 250);
  }
}

TEST(MetricCurvesTest, DrawsWhateverNumbersThereAre) {
  std::vector<double> many_x, many_y;
  for (int i = 0; i < 5000; ++i) {
    many_x.push_back(i);
    many_y.push_back(std::sin(i * 0.01));
  }
  std::vector<MetricCurve> twenty;
  for (int i = 0; i < 20; ++i) {
    twenty.push_back({absl::StrCat("a rather long name of curve ", i),
                      {0, 1, 2},
                      {0.0 + i, 1.0 + i, 0.5 + i},
                      1});
  }
  const std::vector<std::vector<MetricCurve>> all = {
      {{"one", {5}, {3}, 5}},
      {{"zero", {0, 1}, {0, 0}}},
      {{"tiny", {0, 1}, {1e-300, 2e-300}}},
      {{"huge", {0, 1e99}, {-1e99, 1e99}, 1e99}},
      {{"far", {1e15, 1e15 + 1}, {1e15, 1e15 + 1}}},
      {{"same", {1, 2}, {1e9, 1e9 + 1e-7}}},
      {{"\xe6\xb5\xb7\xff\n\x01%s", {-3.5, 2.25}, {-1, -2}, 2.25}},
      {{"", many_x, many_y, 1234}},
      twenty};
  for (const std::vector<MetricCurve>& curves : all) {
    for (const int width : {320, 960}) {
      MetricCurvesOptions options;
      options.title = "A title \xc3\xa9";
      options.y_title = "%";
      options.width = width;
      options.height = width * 3 / 4;
      EXPECT_EQ(Draw(curves, options).cols, width);
    }
  }
}

TEST(MetricCurvesTest, CutsOffWhatLiesBeyondTheAxis) {
  MetricCurvesOptions options = Bare();
  options.y_min = 0;
  options.y_max = 1;
  const cv::Mat image =
      Draw({{"", {0, 1, 2, 3}, {0.5, 1e50, -1e50, 0.5}}}, options);
  // The lines go straight out of the area, and none lies above or below it.
  EXPECT_EQ(Find(image.rowRange(0, 15), kFirst).count, 0);
  EXPECT_EQ(Find(image.rowRange(280, 300), kFirst).count, 0);
  EXPECT_GT(Find(image, kFirst).count, 100);
  for (const double end : {-100.0, 100.0}) {
    options.y_min = end;
    options.y_max.reset();
    Draw({{"", {0, 1}, {1, 2}}}, options);
    options.y_min.reset();
    options.y_max = end;
    Draw({{"", {0, 1}, {1, 2}}}, options);
  }
}

// On a logarithmic axis 10 lies halfway between 1 and 100, and 0 nowhere.
TEST(MetricCurvesTest, LogarithmicAxis) {
  MetricCurvesOptions options = Bare();
  options.log_y = true;
  Found dots[4];
  for (int best = 0; best < 4; ++best) {
    MetricCurve curve = {"", {0, 1, 2, 3}, {1, 10, 100, 0}, best};
    const cv::Mat image = Draw({curve}, options);
    dots[best] = Find(image.rowRange(40, image.rows), kRed);
  }
  EXPECT_GT(dots[0].y - dots[1].y, 60);
  EXPECT_NEAR(dots[0].y - dots[1].y, dots[1].y - dots[2].y, 1);
  EXPECT_EQ(dots[3].count, 0);
  options.y_min = 0;
  EXPECT_THAT(options.Validate(),
              StatusIs(kInvalid, HasSubstr("a logarithmic axis")));
}

TEST(MetricCurvesTest, TakesTheColorsAndEndsThatWereAskedFor) {
  MetricCurve curve = {"", {0, 1}, {5, 5}};
  curve.color = 1;
  curve.markers = false;
  MetricCurvesOptions options = Bare();
  options.x_min = -1;
  options.x_max = 2;
  const cv::Mat image = Draw({curve}, options);
  EXPECT_EQ(Find(image, kFirst).count, 0);
  const Found found = Find(image, kSecond);
  EXPECT_GT(found.count, 100);
  // The middle third of the axis: some 350 pixels, from 35 on.
  EXPECT_LT(found.count, 300);
  EXPECT_NEAR(found.x, 210, 15);
  options.x_min = 2;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("x axis")));
}

TEST(MetricCurvesTest, WritesAPngThatHoldsTheDrawing) {
  const std::string path = ::testing::TempDir() + "/metric_curves_test.png";
  const std::vector<MetricCurve> curves = {{"a", {0, 1, 2}, {1, 3, 2}, 1}};
  ASSERT_THAT(WriteMetricCurves(path, curves, MetricCurvesOptions()), IsOk());
  const absl::StatusOr<cv::Mat> image = vision::ReadRgb(path);
  ASSERT_THAT(image, IsOk());
  EXPECT_EQ(cv::norm(*image, Draw(curves, MetricCurvesOptions()), cv::NORM_INF),
            0);
  EXPECT_THAT(
      WriteMetricCurves("/no/such/folder/x.png", curves, MetricCurvesOptions()),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST(MetricCurvesTest, RefusesWhatCannotBeDrawn) {
  const double nan = std::nan("");
  const auto expect = [](const MetricCurve& curve, const std::string& message) {
    EXPECT_THAT(DrawMetricCurves({curve}, MetricCurvesOptions()),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  expect({"a", {0, 1}, {1}}, "curve 'a' has 2 positions and 1 values");
  expect({"a", {0, 0}, {1, 1}}, "curve 'a': position 1 is 0");
  expect({"a", {nan}, {1}}, "curve 'a': position 0 is nan");
  MetricCurvesOptions options;
  options.width = 319;
  EXPECT_THAT(DrawMetricCurves({}, options),
              StatusIs(kInvalid, HasSubstr("319 x 540 pixels")));
  options = MetricCurvesOptions();
  options.height = 4097;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("4097")));
  options = MetricCurvesOptions();
  options.y_min = 1;
  options.y_max = 1;
  EXPECT_THAT(options.Validate(),
              StatusIs(kInvalid, HasSubstr("from 1 to 1, expected ascending")));
  options.y_max = nan;
  EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr("nan")));
}

}  // namespace
}  // namespace wsol
