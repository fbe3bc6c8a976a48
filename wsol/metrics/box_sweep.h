// How well the boxes of a score map fit the true boxes, at all levels at once.
//
//   wsol::BoxSweep sweep;  // One per thread; keeps its buffers.
//   sweep.Run(wsol::QuantizeScoreMap(map), truth);
//   const int level = wsol::LevelOfTau(tau, sweep.max_byte());
//   const double iou = sweep.BestIou(level);  // MaxBoxAccV2's at tau.

#ifndef WSOL_METRICS_BOX_SWEEP_H_
#define WSOL_METRICS_BOX_SWEEP_H_

#include <array>
#include <vector>

#include "absl/types/span.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/level_boxes.h"

namespace wsol {

// Not thread-safe.
class BoxSweep {
 public:
  static constexpr int kMaxSide = LevelBoxes::kMaxSide;

  // `bytes` is CV_8UC1, at least one pixel and at most kMaxSide a side; `truth`
  // in its pixels, half-open, with coordinates in [0, kMaxSide + 1].
  // Costs LevelBoxes::Compute plus one IoU per contour box and true box.
  void Run(const cv::Mat& bytes, absl::Span<const vision::Box> truth,
           EvaluationMode mode = EvaluationMode::kProtocol);

  int max_byte() const { return level_boxes_.max_byte(); }
  const LevelBoxes& level_boxes() const { return level_boxes_; }

  // For 0 <= level <= 255, the largest IoU of a true box with the box of the
  // largest contour, and with any contour box; 0 without true boxes.
  double LargestContourIou(int level) const;
  double BestIou(int level) const;

 private:
  LevelBoxes level_boxes_;
  std::vector<double> ious_;
  std::array<double, 256> largest_contour_iou_ = {};
  std::array<double, 256> best_iou_ = {};
};

}  // namespace wsol

#endif  // WSOL_METRICS_BOX_SWEEP_H_
