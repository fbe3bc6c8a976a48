#include "wsol/report_run/panels.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "vision/image/opencv_status.h"
#include "vision/image/resize_map.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/report_run/lettering.h"

namespace wsol {
namespace {

constexpr int kPictureSide = 256;
// JPEG keeps pages small.
constexpr int kJpegQuality = 90;
constexpr double kMapAlpha = 0.55;

std::string HexColor(vision::RgbColor color) {
  return absl::StrFormat("#%02x%02x%02x", color.red, color.green, color.blue);
}

// A line that shows on any ground: with a dark one beneath it.
void DrawClearBox(cv::Mat* rgb, const vision::Box& box, vision::RgbColor color,
                  vision::LineStyle style) {
  const vision::Box outer{box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1};
  vision::DrawBox(rgb, outer, vision::kBlack, 4);
  vision::DrawBox(rgb, box, color, 2, style);
}

// The outline of the mask's nonzero pixels, dark inside.
void DrawClearOutline(cv::Mat* rgb, const cv::Mat& mask,
                      vision::RgbColor color) {
  *rgb = vision::OverlayMask(*rgb, mask, vision::kBlack, 0, 3);
  *rgb = vision::OverlayMask(*rgb, mask, color, 0, 2);
}

absl::StatusOr<cv::Mat> ScaledPhoto(const cv::Mat& photo) {
  const double scale =
      static_cast<double>(kPictureSide) / std::max(photo.cols, photo.rows);
  const cv::Size size(std::max(1, cvRound(photo.cols * scale)),
                      std::max(1, cvRound(photo.rows * scale)));
  return vision::CallOpencv("scaling a photo", [&] {
    cv::Mat scaled;
    cv::resize(photo, scaled, size, 0, 0,
               scale < 1 ? cv::INTER_AREA : cv::INTER_CUBIC);
    return scaled;
  });
}

struct Truth {
  std::vector<vision::Box> frame_boxes;
  cv::Mat frame_mask;
  // Of the picture.
  std::vector<vision::Box> boxes;
  cv::Mat outline;
};

void DrawTruth(const Truth& truth, cv::Mat* rgb) {
  if (!truth.outline.empty()) {
    DrawClearOutline(rgb, truth.outline, kPanelTruthColor);
  }
  for (const vision::Box& box : truth.boxes) {
    DrawClearBox(rgb, box, kPanelTruthColor, vision::LineStyle::kDashed);
  }
}

absl::StatusOr<PanelPicture> MakeRunPicture(const PanelRun& run, int64_t image,
                                            const cv::Mat& photo,
                                            const Truth& truth) {
  VISION_ASSIGN_OR_RETURN(const cv::Mat map, run.map_of(image));
  VISION_ASSIGN_OR_RETURN(const cv::Mat frame, ScoreMapToFrame(map));
  VISION_ASSIGN_OR_RETURN(
      const cv::Mat large,
      ScoreMapToSize(map, photo.cols, photo.rows, BadScores::kReplace,
                     /*repairs=*/nullptr));
  PanelPicture picture;
  picture.label = run.label;
  picture.rgb = vision::OverlayMap(photo, large, kMapAlpha);
  if (run.taus.mask.has_value() && !truth.frame_mask.empty()) {
    DrawClearOutline(&picture.rgb, large >= *run.taus.mask, kPanelFoundColor);
    picture.note = absl::StrFormat(
        "mask IoU %.2f", MaskIou(frame, truth.frame_mask, *run.taus.mask));
  }
  if (run.taus.box.has_value() && !truth.frame_boxes.empty()) {
    VISION_ASSIGN_OR_RETURN(
        const FittingBox fit,
        FitBox(frame, truth.frame_boxes, *run.taus.box, run.taus.box_mode));
    for (const vision::Box& box : truth.boxes) {
      DrawClearBox(&picture.rgb, box, kPanelTruthColor,
                   vision::LineStyle::kDashed);
    }
    DrawClearBox(&picture.rgb, BoxFromFrame(fit.box, photo.cols, photo.rows),
                 kPanelFoundColor, vision::LineStyle::kSolid);
    // Both would not fit below a picture.
    picture.note = absl::StrFormat("box IoU %.2f", fit.iou);
  }
  return picture;
}

}  // namespace

absl::StatusOr<PanelRow> MakePanelRow(const ReportSplit& split, int64_t image,
                                      absl::Span<const PanelRun> runs) {
  const ImageRecord& record = split.dataset().record(image);
  VISION_ASSIGN_OR_RETURN(const cv::Mat original,
                          split.dataset().LoadImage(image));
  VISION_ASSIGN_OR_RETURN(const cv::Mat photo, ScaledPhoto(original));
  Truth truth;
  VISION_ASSIGN_OR_RETURN(truth.frame_boxes, split.FrameBoxes(image));
  for (const vision::Box& box : truth.frame_boxes) {
    truth.boxes.push_back(BoxFromFrame(box, photo.cols, photo.rows));
  }
  VISION_ASSIGN_OR_RETURN(truth.frame_mask, split.FrameMask(image));
  VISION_ASSIGN_OR_RETURN(const cv::Mat mask, split.Mask(image));
  if (!mask.empty()) {
    VISION_ASSIGN_OR_RETURN(
        const cv::Mat scaled,
        vision::ResizeMaskNearest(mask, photo.cols, photo.rows));
    truth.outline = scaled == kForegroundLabel;
  }
  PanelRow row;
  row.title = split.dataset().class_names()[static_cast<size_t>(record.label)];
  row.note = record.id;
  PanelPicture& first = row.pictures.emplace_back();
  first.label = "Image and truth";
  first.rgb = photo.clone();
  DrawTruth(truth, &first.rgb);
  for (const PanelRun& run : runs) {
    VISION_ASSIGN_OR_RETURN(PanelPicture picture,
                            MakeRunPicture(run, image, photo, truth));
    row.pictures.push_back(std::move(picture));
  }
  return row;
}

std::vector<PanelLegendItem> PanelLegend(const ReportSplit& split) {
  const bool boxes = split.has_boxes(), masks = split.has_masks();
  return {{HexColor(kPanelTruthColor),
           boxes && masks ? "truth: box (dashed) and outline"
           : boxes        ? "true box"
                          : "outline of the true mask",
           /*dashed=*/boxes},
          {HexColor(kPanelFoundColor),
           boxes && masks
               ? "found: box at the threshold that is best for the run's "
                 "boxes, outline at that for its masks"
           : boxes ? "box at the run's best threshold"
                   : "outline at the run's best threshold"}};
}

absl::StatusOr<ImagePanel> MakeImagePanel(absl::Span<const PanelRow> rows,
                                          std::vector<PanelLegendItem> legend) {
  ImagePanel panel;
  panel.legend = std::move(legend);
  for (const PanelRow& row : rows) {
    PanelItem& item = panel.items.emplace_back();
    item.title = row.title;
    item.note = row.note;
    for (const PanelPicture& picture : row.pictures) {
      PanelImage& image = item.images.emplace_back();
      VISION_ASSIGN_OR_RETURN(image.bytes,
                              vision::EncodeJpeg(picture.rgb, kJpegQuality));
      image.label = picture.label;
      image.note = picture.note;
    }
  }
  return panel;
}

cv::Mat DrawPanel(absl::Span<const PanelRow> rows, const std::string& title) {
  constexpr int kMargin = 20, kGap = 14, kTop = 92, kText = 30;
  constexpr double kSize = 0.45, kTitleSize = 0.58;
  size_t num_columns = 1;
  for (const PanelRow& row : rows) {
    num_columns = std::max(num_columns, row.pictures.size());
  }
  const auto columns = static_cast<int>(num_columns);
  const auto num_rows = static_cast<int>(rows.size());
  // Rows are as high as their highest picture.
  std::vector<int> tops;
  int height = kTop;
  for (const PanelRow& row : rows) {
    tops.push_back(height);
    int highest = 1;
    for (const PanelPicture& picture : row.pictures) {
      highest = std::max(highest, picture.rgb.rows);
    }
    height += highest + kText + kGap;
  }
  Lettering canvas(2 * kMargin + columns * kPictureSide + (columns - 1) * kGap,
                   height + kMargin - kGap);
  canvas.Text(kMargin, kMargin + 15, title, kTitleSize, kLetteringInk, true);
  // The key to the lines.
  double key_x = kMargin;
  for (const bool truth : {true, false}) {
    const vision::RgbColor color = truth ? kPanelTruthColor : kPanelFoundColor;
    canvas.Fill(key_x, kMargin + 27, 22, 12, vision::kBlack);
    canvas.Fill(key_x + 2, kMargin + 30, truth ? 8 : 18, 6, color);
    if (truth) canvas.Fill(key_x + 13, kMargin + 30, 7, 6, color);
    const char* const text =
        truth ? "truth" : "found at the run's best thresholds";
    canvas.Text(key_x + 29, kMargin + 38, text, kSize, kLetteringMuted);
    key_x += 29 + Lettering::TextWidth(text, kSize) + 24;
  }
  const auto left = [](int column) {
    return kMargin + column * (kPictureSide + kGap);
  };
  for (int r = 0; r < num_rows; ++r) {
    const PanelRow& row = rows[static_cast<size_t>(r)];
    for (int c = 0; c < static_cast<int>(row.pictures.size()); ++c) {
      const PanelPicture& picture = row.pictures[static_cast<size_t>(c)];
      if (r == 0) {
        canvas.Text(left(c), kTop - 9,
                    Lettering::Fitted(picture.label, kSize, kPictureSide),
                    kSize, kLetteringInk, true);
      }
      const std::string note =
          c == 0 ? absl::StrFormat("%s: %s", row.title, row.note)
                 : picture.note;
      canvas.Text(left(c), tops[static_cast<size_t>(r)] + picture.rgb.rows + 17,
                  Lettering::Fitted(note, kSize, kPictureSide), kSize,
                  kLetteringMuted);
    }
  }
  cv::Mat drawn = canvas.Finished();
  for (int r = 0; r < num_rows; ++r) {
    const PanelRow& row = rows[static_cast<size_t>(r)];
    for (int c = 0; c < static_cast<int>(row.pictures.size()); ++c) {
      const cv::Mat& rgb = row.pictures[static_cast<size_t>(c)].rgb;
      rgb.copyTo(drawn(
          cv::Rect(left(c), tops[static_cast<size_t>(r)], rgb.cols, rgb.rows)));
    }
  }
  return drawn;
}

std::vector<int64_t> RandomImages(int64_t num_images, int64_t count,
                                  uint64_t seed) {
  std::vector<int64_t> all(static_cast<size_t>(num_images));
  std::iota(all.begin(), all.end(), 0);
  vision::Rng rng(seed);
  const auto drawn = static_cast<size_t>(std::min(num_images, count));
  for (size_t k = 0; k < drawn; ++k) {
    std::swap(all[k], all[k + rng.UniformInt(all.size() - k)]);
  }
  all.resize(drawn);
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<int64_t> LargestImages(absl::Span<const double> values,
                                   int64_t count) {
  std::vector<int64_t> all(values.size());
  std::iota(all.begin(), all.end(), 0);
  std::stable_sort(all.begin(), all.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  all.resize(std::min(all.size(), static_cast<size_t>(count)));
  return all;
}

std::vector<int64_t> SmallestImages(absl::Span<const double> values,
                                    int64_t count) {
  std::vector<double> negated;
  for (const double value : values) negated.push_back(-value);
  return LargestImages(negated, count);
}

}  // namespace wsol
