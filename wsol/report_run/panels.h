// Pictures of images with their truth and the maps, boxes and masks of several
// runs side by side.

#ifndef WSOL_REPORT_RUN_PANELS_H_
#define WSOL_REPORT_RUN_PANELS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/image/overlay.h"
#include "wsol/report/report.h"
#include "wsol/report_run/map_pass.h"
#include "wsol/report_run/report_split.h"

namespace wsol {

inline constexpr vision::RgbColor kPanelTruthColor{255, 255, 255};
inline constexpr vision::RgbColor kPanelFoundColor{255, 45, 85};

struct PanelRun {
  std::string label;
  std::function<absl::StatusOr<cv::Mat>(int64_t)> map_of;
  RunTaus taus;
};

struct PanelPicture {
  cv::Mat rgb;
  std::string label;
  std::string note;  // "IoU 0.82"
};

// An image of the split: title (its class), note (its id), the photo with the
// truth, and each run's map over the photo with what is found at its threshold.
// The longer side of the pictures is 256 pixels.
struct PanelRow {
  std::string title;
  std::string note;
  std::vector<PanelPicture> pictures;
};
absl::StatusOr<PanelRow> MakePanelRow(const ReportSplit& split, int64_t image,
                                      absl::Span<const PanelRun> runs);

// What the lines mean in pictures of this split's images.
std::vector<PanelLegendItem> PanelLegend(const ReportSplit& split);

// The rows for the HTML page, and as one picture (CV_8UC3, RGB).
absl::StatusOr<ImagePanel> MakeImagePanel(absl::Span<const PanelRow> rows,
                                          std::vector<PanelLegendItem> legend);
cv::Mat DrawPanel(absl::Span<const PanelRow> rows, const std::string& title);

// `count` images, or all of fewer: different ones drawn by `seed`, in rising
// order; those with the largest values first, and with the smallest first.
std::vector<int64_t> RandomImages(int64_t num_images, int64_t count,
                                  uint64_t seed);
std::vector<int64_t> LargestImages(absl::Span<const double> values,
                                   int64_t count);
std::vector<int64_t> SmallestImages(absl::Span<const double> values,
                                    int64_t count);

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_PANELS_H_
