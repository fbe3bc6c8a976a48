// The IoUs of many boxes with the true ones.
//
//   wsol::BestIous(level_boxes.component_boxes(), truth, ious.data());

#ifndef WSOL_METRICS_BOX_IOUS_H_
#define WSOL_METRICS_BOX_IOUS_H_

#include "absl/types/span.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/component_sweep.h"

namespace wsol {

// Sets ious[i], for each of the boxes, to the largest vision::BoxIou with a box
// of `truth`, 0 without any: the same bits. Boxes hold at least a pixel; all
// coordinates are in [0, 32767]. Vector code.
void BestIous(const LevelBoxes16& boxes, absl::Span<const vision::Box> truth,
              double* ious);

}  // namespace wsol

#endif  // WSOL_METRICS_BOX_IOUS_H_
