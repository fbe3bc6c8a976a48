#include "fcam/demo/demo_report.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fcam/losses/composite.h"
#include "fcam/version.h"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/geometry/box_iou.h"
#include "vision/image/image_io.h"
#include "vision/image/overlay.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/predicted_boxes.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/report/chart.h"
#include "wsol/training/classifier_trainer.h"

namespace fcam {
namespace {

constexpr int kPanelImages = 12;
constexpr uint64_t kPanelSeed = 0;
constexpr int kHardImages = 4;
// JPEG keeps the page near 2 MB.
constexpr int kPanelJpegQuality = 90;
// The IoU at which panels and MaxBoxAcc call a box right.
constexpr int kPanelIouPercent = 50;

constexpr vision::RgbColor kTruthColor = vision::kGreen;
constexpr vision::RgbColor kCamColor = vision::kOrange;
constexpr vision::RgbColor kFcamColor = vision::kSkyBlue;

std::string HexColor(vision::RgbColor color) {
  return absl::StrFormat("#%02x%02x%02x", color.red, color.green, color.blue);
}

const wsol::BoxAccuracy& Accuracy(const DemoMaps& maps, wsol::BoxMode mode,
                                  int iou_percent) {
  return *maps.evaluation.localization.boxes->Find(mode, iou_percent);
}

// The box of the largest contour at the method's best threshold, in the frame.
absl::StatusOr<vision::Box> PredictedBox(const DemoMaps& maps, int64_t index) {
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat frame,
      wsol::ScoreMapToFrame(maps.maps[static_cast<size_t>(index)]));
  const double tau =
      Accuracy(maps, wsol::BoxMode::kLargestContour, kPanelIouPercent).best_tau;
  VISION_ASSIGN_OR_RETURN(
      const std::vector<vision::Box> boxes,
      wsol::PredictBoxes(frame, tau, wsol::BoxMode::kLargestContour));
  return boxes.front();
}

// What the methods' boxes are worth on one image.
struct ImageBoxes {
  vision::Box truth;
  vision::Box cam;
  vision::Box fcam;
  double cam_iou = 0;
  double fcam_iou = 0;
};

absl::StatusOr<std::vector<ImageBoxes>> BoxesOfAllImages(
    const DemoResults& results, const wsol::Dataset& boxes) {
  std::vector<ImageBoxes> all;
  for (int64_t i = 0; i < boxes.size(); ++i) {
    const wsol::ImageRecord& record = boxes.record(i);
    ImageBoxes image;
    VISION_ASSIGN_OR_RETURN(
        image.truth,
        wsol::BoxToFrame(record.boxes.front(), record.width, record.height));
    VISION_ASSIGN_OR_RETURN(image.cam, PredictedBox(results.cam, i));
    VISION_ASSIGN_OR_RETURN(image.fcam, PredictedBox(results.fcam, i));
    image.cam_iou = vision::BoxIou(image.cam, image.truth);
    image.fcam_iou = vision::BoxIou(image.fcam, image.truth);
    all.push_back(image);
  }
  return all;
}

absl::StatusOr<wsol::PanelImage> MakePanelImage(const cv::Mat& rgb,
                                                std::string label,
                                                std::string note) {
  wsol::PanelImage image;
  VISION_ASSIGN_OR_RETURN(image.bytes,
                          vision::EncodeJpeg(rgb, kPanelJpegQuality));
  image.label = std::move(label);
  image.note = std::move(note);
  return image;
}

absl::StatusOr<wsol::PanelItem> MakePanelItem(const DemoResults& results,
                                              const wsol::Dataset& boxes,
                                              const wsol::Dataset& masks,
                                              const ImageBoxes& image,
                                              int64_t index) {
  const auto i = static_cast<size_t>(index);
  VISION_ASSIGN_OR_RETURN(const cv::Mat photo, boxes.LoadImage(index));
  cv::Mat rgb;
  cv::resize(photo, rgb, cv::Size(wsol::kFrameSize, wsol::kFrameSize), 0, 0,
             cv::INTER_CUBIC);
  VISION_ASSIGN_OR_RETURN(const cv::Mat cam,
                          wsol::ScoreMapToFrame(results.cam.maps[i]));
  VISION_ASSIGN_OR_RETURN(const cv::Mat fcam,
                          wsol::ScoreMapToFrame(results.fcam.maps[i]));
  VISION_ASSIGN_OR_RETURN(const cv::Mat mask, masks.LoadMask(index));
  VISION_ASSIGN_OR_RETURN(const cv::Mat truth_mask,
                          wsol::MakeFrameMask({mask == 1}, cv::Mat()));
  const double mask_tau = results.fcam.evaluation.localization.masks->best_tau;
  const cv::Mat found = fcam >= mask_tau;
  const cv::Mat truth = truth_mask == wsol::kForegroundLabel;
  const double united = cv::countNonZero(found | truth);
  const double mask_iou =
      united == 0 ? 0 : cv::countNonZero(found & truth) / united;

  cv::Mat masked = vision::OverlayMask(rgb, found, kFcamColor, 0.45, 0);
  masked = vision::OverlayMask(masked, truth, kTruthColor, 0.0, 2);
  cv::Mat boxed = rgb.clone();
  vision::DrawBox(&boxed, image.truth, kTruthColor, 2,
                  vision::LineStyle::kDashed);
  vision::DrawBox(&boxed, image.cam, kCamColor, 2);
  vision::DrawBox(&boxed, image.fcam, kFcamColor, 2);

  wsol::PanelItem item;
  const wsol::ImageRecord& record = boxes.record(index);
  item.title = boxes.class_names()[static_cast<size_t>(record.label)];
  item.note = record.id;
  const auto add = [&item](const cv::Mat& picture, const char* label,
                           std::string note) -> absl::Status {
    VISION_ASSIGN_OR_RETURN(wsol::PanelImage made,
                            MakePanelImage(picture, label, std::move(note)));
    item.images.push_back(std::move(made));
    return absl::OkStatus();
  };
  VISION_RETURN_IF_ERROR(add(rgb, "Image", ""));
  VISION_RETURN_IF_ERROR(add(vision::OverlayMap(rgb, cam, 0.55), "CAM", ""));
  VISION_RETURN_IF_ERROR(add(vision::OverlayMap(rgb, fcam, 0.55), "F-CAM", ""));
  VISION_RETURN_IF_ERROR(
      add(masked, "F-CAM mask", absl::StrFormat("IoU %.2f", mask_iou)));
  VISION_RETURN_IF_ERROR(add(boxed, "Boxes",
                             absl::StrFormat("IoU: CAM %.2f, F-CAM %.2f",
                                             image.cam_iou, image.fcam_iou)));
  return item;
}

absl::StatusOr<wsol::ImagePanel> MakePanel(
    const DemoResults& results, const wsol::Dataset& boxes,
    const wsol::Dataset& masks, const std::vector<ImageBoxes>& images,
    const std::vector<int64_t>& indices, std::string caption) {
  wsol::ImagePanel panel;
  panel.caption = std::move(caption);
  panel.legend = {
      {HexColor(kTruthColor), "truth: box (dashed) and outline", true},
      {HexColor(kCamColor), "box of the CAM"},
      {HexColor(kFcamColor), "box and mask of F-CAM"}};
  for (const int64_t index : indices) {
    VISION_ASSIGN_OR_RETURN(
        wsol::PanelItem item,
        MakePanelItem(results, boxes, masks, images[static_cast<size_t>(index)],
                      index));
    panel.items.push_back(std::move(item));
  }
  return panel;
}

// Different images drawn at random, the same ones in every run, in rising
// order.
std::vector<int64_t> RandomIndices(int64_t size) {
  std::vector<int64_t> all(static_cast<size_t>(size));
  std::iota(all.begin(), all.end(), 0);
  vision::Rng rng(kPanelSeed);
  const size_t count = std::min<size_t>(kPanelImages, all.size());
  for (size_t k = 0; k < count; ++k) {
    std::swap(all[k], all[k + rng.UniformInt(all.size() - k)]);
  }
  all.resize(count);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<int64_t> HardestIndices(const std::vector<ImageBoxes>& images) {
  std::vector<int64_t> indices(images.size());
  std::iota(indices.begin(), indices.end(), 0);
  const auto loss = [&images](int64_t i) {
    const ImageBoxes& image = images[static_cast<size_t>(i)];
    return image.cam_iou - image.fcam_iou;
  };
  std::stable_sort(indices.begin(), indices.end(),
                   [&](int64_t a, int64_t b) { return loss(a) > loss(b); });
  indices.resize(std::min<size_t>(kHardImages, indices.size()));
  return indices;
}

wsol::LineSeries AccuracySeries(const char* name, const DemoMaps& maps,
                                wsol::BoxMode mode, int iou_percent) {
  const wsol::BoxMetrics& metrics = *maps.evaluation.localization.boxes;
  wsol::LineSeries series;
  series.name = name;
  series.x = metrics.taus;
  series.y =
      Accuracy(maps, mode, iou_percent).AccuracyCurve(metrics.num_images);
  return series;
}

wsol::LineChart AccuracyChart(const DemoResults& results, wsol::BoxMode mode,
                              int iou_percent, const char* boxes) {
  wsol::LineChart chart;
  chart.title =
      absl::StrFormat("Box accuracy at IoU 0.%d, %s", iou_percent / 10, boxes);
  chart.x_title = "Threshold tau";
  chart.y_title = "Images (%)";
  chart.series = {AccuracySeries("CAM", results.cam, mode, iou_percent),
                  AccuracySeries("F-CAM", results.fcam, mode, iou_percent)};
  chart.x_min = 0;
  chart.x_max = 1;
  chart.y_min = 0;
  chart.y_max = 100;
  return chart;
}

wsol::LineSeries PrecisionRecallSeries(const char* name, const DemoMaps& maps) {
  wsol::LineSeries series;
  series.name = name;
  // Rising threshold is falling recall; charts want rising positions.
  const auto& curve = maps.evaluation.localization.masks->curve;
  for (auto point = curve.rbegin(); point != curve.rend(); ++point) {
    series.x.push_back(100 * point->recall);
    series.y.push_back(100 * point->precision);
  }
  return series;
}

wsol::LineChart PrecisionRecallChart(const DemoResults& results) {
  wsol::LineChart chart;
  chart.title = "Precision and recall of pixels";
  chart.x_title = "Recall (%)";
  chart.y_title = "Precision (%)";
  chart.series = {PrecisionRecallSeries("CAM", results.cam),
                  PrecisionRecallSeries("F-CAM", results.fcam)};
  chart.x_min = 0;
  chart.x_max = 100;
  chart.y_min = 0;
  chart.y_max = 100;
  return chart;
}

wsol::LineSeries HistorySeries(
    const char* name, const std::vector<wsol::EpochRecord>& history,
    const std::function<double(const wsol::EpochRecord&)>& value) {
  wsol::LineSeries series;
  series.name = name;
  series.markers = true;
  for (const wsol::EpochRecord& record : history) {
    series.x.push_back(static_cast<double>(record.epoch));
    series.y.push_back(value(record));
  }
  return series;
}

wsol::LineChart HistoryChart(const char* title, const char* y_title,
                             std::vector<wsol::LineSeries> series) {
  wsol::LineChart chart;
  chart.title = title;
  chart.x_title = "Epoch";
  chart.y_title = y_title;
  chart.series = std::move(series);
  return chart;
}

wsol::ReportSection TrainingSection(const DemoResults& results) {
  wsol::ReportSection section;
  section.title = "Training";
  const auto term = [](const char* name) {
    return [name](const wsol::EpochRecord& r) { return r.ValueOr0(name); };
  };
  section.blocks.push_back(wsol::ChartRow{
      {HistoryChart(
           "Classifier: cross entropy", "Loss",
           {HistorySeries("loss", results.classifier_history,
                          [](const wsol::EpochRecord& r) { return r.loss; })}),
       HistoryChart(
           "Classifier: training images classified right", "Images (%)",
           {HistorySeries("accuracy", results.classifier_history,
                          [](const wsol::EpochRecord& r) {
                            return 100 * r.ValueOr0(wsol::kTrainAccuracy);
                          })})}});
  section.blocks.push_back(wsol::ChartRow{
      {HistoryChart("F-CAM: seeds", "Cross entropy",
                    {HistorySeries("seeds", results.fcam_history,
                                   term(kSelfLearningTerm))}),
       HistoryChart(
           "F-CAM: regularisation", "Weighted loss",
           {HistorySeries("dense CRF", results.fcam_history, term(kCrfTerm)),
            HistorySeries("size", results.fcam_history, term(kSizeTerm))})}});
  return section;
}

wsol::ReportSection ResultSection(const DemoResults& results,
                                  const std::vector<ImageBoxes>& images) {
  const DemoSummary& summary = results.summary;
  wsol::ReportSection section;
  section.title = "Results";
  const auto gain = [](double fcam, double cam) {
    return absl::StrFormat("CAM %.1f, %+.1f points", cam, fcam - cam);
  };
  wsol::Highlights highlights;
  highlights.items = {
      {"PxAP of F-CAM", absl::StrFormat("%.1f %%", summary.fcam.pxap),
       gain(summary.fcam.pxap, summary.cam.pxap)},
      {"MaxBoxAccV2 of F-CAM",
       absl::StrFormat("%.1f %%", summary.fcam.max_box_acc_v2),
       gain(summary.fcam.max_box_acc_v2, summary.cam.max_box_acc_v2)},
      {"Classifier accuracy",
       absl::StrFormat("%.1f %%", summary.classifier_accuracy),
       absl::StrCat(summary.num_classes, " classes")},
  };
  section.blocks.push_back(highlights);
  section.blocks.push_back(ResultTable(summary));
  const auto wins =
      std::count_if(images.begin(), images.end(),
                    [](const ImageBoxes& b) { return b.fcam_iou > b.cam_iou; });
  section.blocks.push_back(wsol::Paragraph{absl::StrFormat(
      "All numbers are percent on the %d test images, by the published "
      "protocol: maps are compared in a frame of 224 x 224 pixels, and each "
      "metric takes the threshold that suits it best on the images it is "
      "evaluated on. Boxes of F-CAM fit better than those of the CAM in "
      "%d of %d images.",
      images.size(), wins, images.size())});
  section.blocks.push_back(
      wsol::ChartRow{{AccuracyChart(results, wsol::BoxMode::kLargestContour, 50,
                                    "largest contour"),
                      AccuracyChart(results, wsol::BoxMode::kAllContours, 70,
                                    "all contours")}});
  section.blocks.push_back(wsol::ChartRow{{PrecisionRecallChart(results)}});
  return section;
}

wsol::ReportSection SetupSection(const DemoResults& results) {
  const DemoSummary& summary = results.summary;
  wsol::ReportSection section;
  section.title = "What was done";
  section.blocks.push_back(wsol::Paragraph{absl::StrCat(
      "A classifier was trained from scratch on images with class labels "
      "only. Its class activation maps (CAM) are coarse. F-CAM adds a decoder "
      "to the frozen classifier and trains it from those maps, again without "
      "any box or mask, to mark the object at full resolution. Boxes and masks "
      "were used for the evaluation alone.")});
  if (summary.fast) {
    section.blocks.push_back(wsol::Note{
        "This was a fast run on a small part of the data: it shows that "
        "everything works. Its numbers mean little."});
  }
  wsol::KeyValues facts;
  facts.caption = "Settings";
  facts.items = {
      {"Data",
       absl::StrCat(summary.data, ": ", summary.num_classes, " classes, ",
                    summary.num_train, " training, ", summary.num_val,
                    " validation and ", summary.num_test, " test images")}};
  for (const auto& item : DescribeRecipe(results.recipe)) {
    facts.items.push_back(item);
  }
  facts.items.emplace_back("Seed", absl::StrCat(summary.seed));
  facts.items.emplace_back("Threads", absl::StrCat(summary.num_threads));
  section.blocks.push_back(facts);
  wsol::KeyValues times;
  times.caption = "Wall time";
  for (const auto& [step, seconds] : summary.seconds) {
    times.items.emplace_back(step, absl::StrFormat("%.1f s", seconds));
  }
  section.blocks.push_back(times);
  return section;
}

}  // namespace

wsol::Table ResultTable(const DemoSummary& summary) {
  wsol::Table table;
  table.caption = absl::StrCat(summary.data, ", test split");
  table.columns = {{"Map"},
                   {"PxAP", "%", wsol::Best::kHighest},
                   {"MaxBoxAcc", "%", wsol::Best::kHighest},
                   {"MaxBoxAccV2", "%", wsol::Best::kHighest},
                   {"V2 at 0.3", "%", wsol::Best::kHighest},
                   {"V2 at 0.5", "%", wsol::Best::kHighest},
                   {"V2 at 0.7", "%", wsol::Best::kHighest}};
  const auto add = [&table](const char* name, const MapScores& scores,
                            wsol::RowStyle style) {
    wsol::TableRow row;
    row.style = style;
    row.cells = {name, scores.pxap, scores.max_box_acc, scores.max_box_acc_v2};
    for (const double accuracy : scores.box_acc_v2) {
      row.cells.emplace_back(accuracy);
    }
    table.rows.push_back(std::move(row));
  };
  add("Constant", summary.constant, wsol::RowStyle::kMuted);
  add("Centre", summary.center, wsol::RowStyle::kMuted);
  add("CAM", summary.cam, wsol::RowStyle::kNormal);
  add("F-CAM", summary.fcam, wsol::RowStyle::kStrong);
  return table;
}

absl::StatusOr<wsol::Report> MakeDemoReport(const DemoResults& results,
                                            const wsol::Dataset& boxes,
                                            const wsol::Dataset& masks) {
  VISION_ASSIGN_OR_RETURN(const std::vector<ImageBoxes> images,
                          BoxesOfAllImages(results, boxes));
  wsol::Report report;
  report.title = absl::StrCat("F-CAM on ", results.summary.data);
  report.subtitle =
      "From class labels to full-resolution maps, masks and boxes";
  report.sections.push_back(ResultSection(results, images));

  wsol::ReportSection& examples = report.sections.emplace_back();
  examples.title = "Test images";
  VISION_ASSIGN_OR_RETURN(
      wsol::ImagePanel random,
      MakePanel(results, boxes, masks, images, RandomIndices(boxes.size()),
                "Test images drawn at random, not chosen by hand."));
  examples.blocks.push_back(std::move(random));
  examples.blocks.push_back(wsol::Heading{"Where F-CAM lost"});
  VISION_ASSIGN_OR_RETURN(
      wsol::ImagePanel hardest,
      MakePanel(results, boxes, masks, images, HardestIndices(images),
                "The images whose box of F-CAM is worst compared with that of "
                "the CAM."));
  examples.blocks.push_back(std::move(hardest));

  report.sections.push_back(TrainingSection(results));
  report.sections.push_back(SetupSection(results));

  wsol::ReportSection& data = report.sections.emplace_back();
  data.title = "The data";
  data.collapsed = true;
  wsol::ImagePanel sheet;
  sheet.caption = "A row for each class, samples of the training split.";
  wsol::PanelItem& item = sheet.items.emplace_back();
  item.title = "Contact sheet";
  wsol::PanelImage& image = item.images.emplace_back();
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat sheet_rgb,
      vision::DecodeRgb(results.contact_sheet, "contact sheet"));
  VISION_ASSIGN_OR_RETURN(image.bytes,
                          vision::EncodeJpeg(sheet_rgb, kPanelJpegQuality));
  image.label = "Training images";
  data.blocks.push_back(std::move(sheet));

  report.footer =
      absl::StrCat("fcam ", kVersion, ", seed ", results.summary.seed, ". ",
                   wsol::SyntheticAttribution(results.recipe.data.kind));
  return report;
}

}  // namespace fcam
