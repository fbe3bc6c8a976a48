// Writes a report with all kinds of blocks, out of made-up data, to look at it
// in a browser: bazel run //wsol/report:sample_report -- /tmp/report.html

#include <cmath>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "wsol/report/chart.h"
#include "wsol/report/report.h"
#include "wsol/report/table.h"

namespace {

constexpr int kSize = 160;

std::string Png(const cv::Mat& image) {
  std::vector<unsigned char> bytes;
  cv::imencode(".png", image, bytes);
  return std::string(bytes.begin(), bytes.end());
}

// A map in [0, 1] as colours over a photo.
cv::Mat Overlay(const cv::Mat& photo, const cv::Mat& map) {
  cv::Mat scaled, colors, mixed;
  map.convertTo(scaled, CV_8U, 255);
  cv::applyColorMap(scaled, colors, cv::COLORMAP_VIRIDIS);
  cv::addWeighted(photo, 0.45, colors, 0.55, 0, mixed);
  return mixed;
}

// One row of images: a blob on a textured ground and maps of it.
wsol::PanelItem MakeItem(int index, const std::string& name) {
  cv::RNG rng(static_cast<uint64_t>(index) + 1);
  cv::Mat photo(kSize, kSize, CV_8UC3);
  rng.fill(photo, cv::RNG::UNIFORM, 0, 255);
  cv::GaussianBlur(photo, photo, {}, 9);
  cv::normalize(photo, photo, 70, 190, cv::NORM_MINMAX);
  const cv::Point center(rng.uniform(55, 105), rng.uniform(55, 105));
  const cv::Size axes(rng.uniform(20, 48), rng.uniform(18, 40));
  const double angle = rng.uniform(0, 180);
  cv::Mat mask = cv::Mat::zeros(kSize, kSize, CV_8U);
  cv::ellipse(mask, center, axes, angle, 0, 360, 255, cv::FILLED);
  const cv::Scalar color(rng.uniform(20, 120), rng.uniform(40, 200),
                         rng.uniform(120, 250));
  photo.setTo(color, mask);
  cv::GaussianBlur(photo, photo, {}, 1.2);

  cv::Mat cam, fcam;
  mask.convertTo(fcam, CV_32F, 1 / 255.0);
  cv::GaussianBlur(fcam, fcam, {}, 3);
  cv::resize(fcam(cv::Rect(0, 0, kSize - 20, kSize - 12)), cam, {7, 7}, 0, 0,
             cv::INTER_AREA);
  cv::resize(cam, cam, {kSize, kSize}, 0, 0, cv::INTER_CUBIC);

  cv::Mat boxes = photo.clone();
  const cv::Rect truth = cv::boundingRect(mask);
  const cv::Rect fcam_box = cv::boundingRect(fcam > 0.35);
  const cv::Rect cam_box = cv::boundingRect(cam > 0.4);
  cv::rectangle(boxes, truth, {255, 255, 255}, 2);
  cv::rectangle(boxes, cam_box, {11, 80, 209}, 2);
  cv::rectangle(boxes, fcam_box, {240, 176, 90}, 2);
  const auto iou = [&truth](const cv::Rect& box) {
    const double common = (box & truth).area();
    return common / (box.area() + truth.area() - common);
  };

  wsol::PanelItem item;
  item.title = name;
  item.note = absl::StrFormat("recognised with %.0f %%",
                              60 + 39 * rng.uniform(0.0, 1.0));
  item.images = {
      {Png(photo), "Photo", "", ""},
      {Png(Overlay(photo, cam)), "CAM",
       absl::StrFormat("IoU %.2f", iou(cam_box)), ""},
      {Png(Overlay(photo, fcam)), "F-CAM",
       absl::StrFormat("IoU %.2f", iou(fcam_box)), ""},
      {Png(mask), "True mask", "", ""},
      {Png(boxes), "Boxes", "", ""},
  };
  return item;
}

wsol::LineChart TauChart() {
  wsol::LineChart chart;
  chart.title = "Accuracy of boxes at each threshold";
  chart.x_title = "Threshold τ";
  chart.y_title = "Images with IoU ≥ 0.5 (%)";
  chart.y_min = 0;
  chart.y_max = 100;
  wsol::LineSeries cam, fcam, center;
  cam.name = "CAM";
  fcam.name = "F-CAM";
  center.name = "Centre baseline";
  center.dashed = true;
  center.color = 6;
  for (int i = 0; i < 256; ++i) {
    const double tau = i / 255.0;
    cam.x.push_back(tau);
    cam.y.push_back(64 * std::exp(-std::pow((tau - 0.24) / 0.14, 2)) +
                    2 * std::sin(40 * tau));
    fcam.x.push_back(tau);
    fcam.y.push_back(
        82 / (1 + std::exp(-(tau - 0.08) * 40) + std::exp((tau - 0.9) * 22)));
    center.x.push_back(tau);
    center.y.push_back(31 * std::exp(-std::pow((tau - 0.45) / 0.2, 2)));
  }
  for (double& y : cam.y) y = std::max(0.0, y);
  chart.series = {fcam, cam, center};
  chart.marks = {{wsol::ChartMark::Axis::kX, 0.52, "best τ of F-CAM"},
                 {wsol::ChartMark::Axis::kX, 0.24, "best τ of CAM"}};
  return chart;
}

wsol::LineChart LossChart() {
  wsol::LineChart chart;
  chart.title = "Classifier: loss";
  chart.x_title = "Epoch";
  chart.y_title = "Cross entropy";
  chart.log_y = true;
  wsol::LineSeries training, validation;
  training.name = "Training";
  validation.name = "Validation";
  validation.dashed = true;
  std::mt19937 random(1);
  for (int epoch = 1; epoch <= 20; ++epoch) {
    const double noise = static_cast<double>(random() % 1000) / 1000 - 0.5;
    training.x.push_back(epoch);
    training.y.push_back(3 * std::exp(-0.19 * epoch) + 0.03);
    validation.x.push_back(epoch);
    validation.y.push_back(3 * std::exp(-0.17 * epoch) + 0.12 + 0.04 * noise);
  }
  chart.series = {training, validation};
  return chart;
}

wsol::LineChart AccuracyChart() {
  wsol::LineChart chart;
  chart.title = "F-CAM: accuracy on val";
  chart.x_title = "Epoch";
  chart.y_title = "PxAP (%)";
  wsol::LineSeries series;
  series.name = "F-CAM, mean and spread of 3 seeds";
  series.markers = true;
  for (int epoch = 0; epoch <= 12; ++epoch) {
    const double value = 78 - 40 * std::exp(-0.5 * epoch);
    const double spread = 4 * std::exp(-0.15 * epoch);
    series.x.push_back(epoch);
    series.y.push_back(value);
    series.y_low.push_back(value - spread);
    series.y_high.push_back(value + spread);
  }
  chart.series = {series};
  chart.marks = {{wsol::ChartMark::Axis::kY, 46.2, "CAM"}};
  return chart;
}

wsol::LineChart HistogramChart(int shape) {
  wsol::LineChart chart;
  chart.title = shape == 0 ? "Activations of CAM" : "Activations of F-CAM";
  chart.x_title = "Activation";
  chart.y_title = "Pixels (%)";
  wsol::LineSeries object, ground;
  object.name = "Object";
  ground.name = "Background";
  object.steps = object.filled = ground.steps = ground.filled = true;
  for (int bin = 0; bin <= 40; ++bin) {
    const double x = bin / 40.0;
    const double width = shape == 0 ? 0.25 : 0.08;
    object.x.push_back(x);
    object.y.push_back(
        9 * std::exp(-std::pow((x - (shape == 0 ? 0.5 : 0.95)) / width, 2)));
    ground.x.push_back(x);
    ground.y.push_back(
        14 * std::exp(-std::pow((x - (shape == 0 ? 0.2 : 0.03)) / width, 2)));
  }
  chart.series = {ground, object};
  return chart;
}

wsol::Table ResultTable() {
  wsol::Table table;
  table.caption = "Objects20, test split, 400 images";
  table.columns = {
      {"Method"},
      {"MaxBoxAcc", "%", wsol::Best::kHighest},
      {"MaxBoxAccV2", "%", wsol::Best::kHighest},
      {"PxAP", "%", wsol::Best::kHighest},
      {"Time", "ms / image", wsol::Best::kLowest, 2},
  };
  using wsol::RowStyle;
  using wsol::TableCell;
  table.rows = {
      {{"F-CAM", TableCell(81.5, 0.7), TableCell(74.1, 0.5),
        TableCell(78.9, 1.1), 9.41},
       RowStyle::kStrong},
      {{"CAM", TableCell(63.8, 1.2), TableCell(58.2, 0.9), TableCell(46.2, 1.4),
        6.02}},
      {{"Centre baseline", 30.9, 28.4, 21.7, 0.01}, RowStyle::kMuted},
      {{"Constant baseline", 12.2, 14.9, 15.3, std::nan("")}, RowStyle::kMuted},
  };
  return table;
}

wsol::Report SampleReport() {
  using wsol::Paragraph;
  wsol::Report report;
  report.title = "F-CAM on Objects20";
  report.subtitle = "Object locations learned from image labels alone";

  wsol::ReportSection& results = report.sections.emplace_back();
  results.title = "Results";
  results.blocks = {
      wsol::Highlights{
          {{"PxAP of F-CAM", "78.9 %", "+32.7 points over CAM"},
           {"MaxBoxAccV2 of F-CAM", "74.1 %", "+15.9 points over CAM"},
           {"Classification accuracy", "96.3 %", "20 classes"},
           {"Wall time", "8 min 42 s", "2 threads"}}},
      Paragraph{
          "A classifier learned to name the object in an image. Its class "
          "activation map (CAM) shows roughly where it looked; the F-CAM "
          "decoder, trained on the frozen classifier without masks or "
          "boxes, turns that into a map of full resolution. Higher is "
          "better in all columns but the last."},
      ResultTable(),
      wsol::ChartRow{{TauChart()}},
      wsol::Note{"The threshold is chosen on the evaluated split, as the "
                 "protocol has it; <choosing it on val> costs 1.2 points."},
  };

  wsol::ReportSection& examples = report.sections.emplace_back();
  examples.title = "Examples";
  wsol::ImagePanel panel;
  panel.legend = {
      {"#ffffff", "True box"}, {"#d1500b", "CAM"}, {"#5ab0f0", "F-CAM"}};
  const char* names[] = {"Gold finch", "Hammer",    "Teapot",
                         "Sunflower",  "Red apple", "Small green car"};
  for (int i = 0; i < 6; ++i) panel.items.push_back(MakeItem(i, names[i]));
  examples.blocks = {
      Paragraph{"The first images of the test split, not picked by hand."},
      panel};

  wsol::ReportSection& training = report.sections.emplace_back();
  training.title = "Training";
  training.blocks = {
      wsol::ChartRow{{LossChart(), AccuracyChart()}},
      wsol::Heading{"Activations"},
      wsol::ChartRow{{HistogramChart(0), HistogramChart(1)}},
  };

  wsol::ReportSection& settings = report.sections.emplace_back();
  settings.title = "Data and settings";
  settings.blocks = {
      wsol::KeyValues{
          "Data",
          {{"Set", "Objects20"},
           {"Classes", "20"},
           {"Images", "2000 train, 200 val, 400 test"},
           {"Size", "128 × 128 pixels"},
           {"Checksum", "3f9a8b1c"},
           {"Folder", "/home/user/.cache/fcam/objects20/v1/seed-0/images"}}},
      wsol::Heading{"To get this report again"},
      wsol::Preformatted{
          "./tools/demo --seed=0 --threads=2 --output_dir=out/objects20"}};

  wsol::ReportSection& options = report.sections.emplace_back();
  options.title = "All options";
  options.collapsed = true;
  wsol::KeyValues all;
  for (int i = 0; i < 24; ++i) {
    all.items.emplace_back(absl::StrCat("option_", i), absl::StrCat(i * i));
  }
  options.blocks = {all};
  report.footer = "fcam 0.1.0, LibTorch 1.13.1";
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: sample_report FILE" << std::endl;
    return 1;
  }
  const absl::Status status = wsol::WriteReport(SampleReport(), argv[1]);
  if (!status.ok()) {
    std::cerr << "error: " << status.message() << std::endl;
    return 1;
  }
  return 0;
}
