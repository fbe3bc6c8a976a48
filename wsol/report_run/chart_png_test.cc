#include "wsol/report_run/chart_png.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/image/image_io.h"
#include "wsol/report/chart.h"
#include "wsol/run_log/metric_curves.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsOk;
using ::testing::StatusIs;

LineChart Chart() {
  LineChart chart;
  chart.title = "Title";
  chart.x_title = "x";
  chart.y_title = "y";
  chart.series.push_back({"line", {0, 1, 1, 2}, {3, 4, 5, 6}});
  return chart;
}

TEST(ChartPngTest, TakesTheFirstOfEqualPositions) {
  const std::vector<MetricCurve> curves = CurvesOfChart(Chart());
  ASSERT_EQ(curves.size(), 1u);
  EXPECT_EQ(curves[0].name, "line");
  EXPECT_THAT(curves[0].x, ElementsAre(0, 1, 2));
  EXPECT_THAT(curves[0].y, ElementsAre(3, 4, 6));
  EXPECT_FALSE(curves[0].markers);
}

TEST(ChartPngTest, MakesCornersOfSteps) {
  LineChart chart = Chart();
  chart.series = {{"steps", {0, 0.5, 1}, {25, 75, 75}}};
  chart.series[0].steps = true;
  const std::vector<MetricCurve> curves = CurvesOfChart(chart);
  EXPECT_THAT(curves[0].y, ElementsAre(25, 25, 75, 75, 75));
  EXPECT_LT(curves[0].x[1], 0.5);
  EXPECT_GT(curves[0].x[1], 0.499);
}

TEST(ChartPngTest, MarksOnTheXAxisAreDots) {
  LineChart chart = Chart();
  chart.marks.push_back({ChartMark::Axis::kY, 4, "level"});
  EXPECT_FALSE(CurvesOfChart(chart)[0].best_x.has_value());
  chart.marks.push_back({ChartMark::Axis::kX, 2, "best"});
  EXPECT_EQ(CurvesOfChart(chart)[0].best_x, 2);
}

TEST(ChartPngTest, KeepsTheAxes) {
  LineChart chart = Chart();
  chart.x_min = 0.5;
  chart.y_max = 9;
  chart.log_y = true;
  const MetricCurvesOptions options = CurvesOptionsOfChart(chart);
  EXPECT_EQ(options.title, "Title");
  EXPECT_EQ(options.x_title, "x");
  EXPECT_EQ(options.x_min, 0.5);
  EXPECT_EQ(options.y_max, 9);
  EXPECT_FALSE(options.y_min.has_value());
  EXPECT_TRUE(options.log_y);
}

TEST(ChartPngTest, WritesAPicture) {
  const std::string path = ::testing::TempDir() + "/chart_png_test.png";
  ASSERT_THAT(WriteChartPng(path, Chart()), IsOk());
  const absl::StatusOr<cv::Mat> image = vision::ReadRgb(path);
  ASSERT_THAT(image, IsOk());
  EXPECT_GT(image->cols, 600);
  LineChart bad = Chart();
  bad.series[0].y.pop_back();
  EXPECT_THAT(WriteChartPng(path, bad),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
