#include "wsol/metrics/box_sweep.h"

#include <algorithm>
#include <cstddef>

#include "vision/geometry/box_iou.h"
#include "wsol/metrics/box_ious.h"
#include "wsol/metrics/component_sweep.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

double BestIouOf(const vision::Box& box, absl::Span<const vision::Box> truth) {
  double best = 0;
  for (const vision::Box& t : truth) {
    best = std::max(best, vision::BoxIou(box, t));
  }
  return best;
}

// The maximum at each level of values given on ranges of levels, in constant
// time a range: a range is covered by two blocks of 2^k levels.
class RangeMaximum {
 public:
  // Notes `value` for first <= level <= last, within [0, 255].
  void Add(int first, int last, double value) {
    const int k = 31 - __builtin_clz(static_cast<unsigned>(last - first + 1));
    double& head = At(k, first);
    double& tail = At(k, last + 1 - (1 << k));
    head = std::max(head, value);
    tail = std::max(tail, value);
  }

  // The maximum of each level; 0 where nothing was noted.
  std::array<double, 256> Take() {
    for (int k = kNumSizes - 1; k > 0; --k) {
      const int half = 1 << (k - 1);
      for (int level = 0; level + 2 * half <= 256; ++level) {
        const double value = At(k, level);
        At(k - 1, level) = std::max(At(k - 1, level), value);
        At(k - 1, level + half) = std::max(At(k - 1, level + half), value);
      }
    }
    return blocks_[0];
  }

 private:
  static constexpr int kNumSizes = 9;  // Up to 256 levels.

  double& At(int k, int level) {
    return blocks_[static_cast<size_t>(k)][static_cast<size_t>(level)];
  }

  // [k][level]: of the block level ... level + 2^k - 1.
  std::array<std::array<double, 256>, kNumSizes> blocks_ = {};
};

}  // namespace

void BoxSweep::Run(const cv::Mat& bytes, absl::Span<const vision::Box> truth,
                   EvaluationMode mode) {
  level_boxes_.Compute(bytes, mode);
  RangeMaximum best;
  for (const LevelBoxes16* const boxes :
       {&level_boxes_.component_boxes(), &level_boxes_.hole_boxes()}) {
    if (ious_.size() < boxes->size) ious_.resize(boxes->size);
    BestIous(*boxes, truth, ious_.data());
    for (size_t i = 0; i < boxes->size; ++i) {
      best.Add(boxes->first_level[i], boxes->last_level[i], ious_[i]);
    }
  }
  if (mode == EvaluationMode::kProtocol) {
    best.Add(max_byte(), 255, BestIouOf(kNothingBox, truth));
  }
  best_iou_ = best.Take();

  for (int level = 0; level < 256; ++level) {
    double& iou = largest_contour_iou_[static_cast<size_t>(level)];
    const vision::Box& box = level_boxes_.LargestBox(level);
    iou = level > 0 && box == level_boxes_.LargestBox(level - 1)
              ? largest_contour_iou_[static_cast<size_t>(level - 1)]
              : BestIouOf(box, truth);
  }
}

double BoxSweep::LargestContourIou(int level) const {
  return largest_contour_iou_[static_cast<size_t>(level)];
}

double BoxSweep::BestIou(int level) const {
  return best_iou_[static_cast<size_t>(level)];
}

}  // namespace wsol
