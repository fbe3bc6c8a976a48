// From a score map to a mask and boxes, at one threshold.
//
//   VISION_ASSIGN_OR_RETURN(const fcam::ThresholdedMap foreground,
//                           fcam::ThresholdMap(map, /*tau=*/0.3));
//   VISION_ASSIGN_OR_RETURN(
//       const std::vector<fcam::ScoredBox> boxes,
//       fcam::FindBoxes(foreground.mask, map, fcam::BoxSelection::kLargest,
//       0));
//
// Thresholds mean what they mean in the evaluation protocol, so that one that
// was chosen on a validation split can be used as it is: a map goes to bytes b
// = trunc(255 value), and tau is relative to its largest byte,
//   foreground = {b > trunc(tau * max b)}.

#ifndef FCAM_LOCALIZER_MAP_THRESHOLD_H_
#define FCAM_LOCALIZER_MAP_THRESHOLD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace fcam {

// Where a threshold comes from.
enum class ThresholdRule {
  kAuto,        // kValidation where the model has such a threshold, else kOtsu.
  kFixed,       // A number.
  kValidation,  // The one that was best on the model's validation split.
  kOtsu,        // Otsu's, of each map by itself.
};

struct Threshold {
  ThresholdRule rule = ThresholdRule::kAuto;
  double tau = 0;  // For kFixed, in [0, 1).
};

// "auto", "val", "otsu" or a number in [0, 1); kInvalidArgument for others.
absl::StatusOr<Threshold> ParseThreshold(absl::string_view text);

// "auto", "val", "otsu" or the number.
std::string ThresholdText(const Threshold& threshold);

struct ThresholdedMap {
  cv::Mat mask;    // CV_8UC1, 255 where there is foreground, 0 elsewhere.
  int level = 0;   // Foreground is {byte > level}.
  double tau = 0;  // Relative to the largest byte; gives `level` again.
};

// `map`: [height, width] CV_32F in [0, 1]; values outside are clamped, NaN
// counts as 0. kInvalidArgument for other types, empty maps and tau outside of
// [0, 1).
absl::StatusOr<ThresholdedMap> ThresholdMap(const cv::Mat& map, double tau);

// The same at the level of Otsu (fcam/seeds/otsu.h), that of this map's bytes.
// A map of one value has no foreground.
absl::StatusOr<ThresholdedMap> OtsuThresholdMap(const cv::Mat& map);

// Which components of the mask become boxes.
enum class BoxSelection {
  kLargest,  // The one of most pixels; the first in raster order of equals.
  kAll,      // All, largest first.
};

// "largest" or "all"; kInvalidArgument for others.
absl::StatusOr<BoxSelection> ParseBoxSelection(absl::string_view text);
absl::string_view BoxSelectionName(BoxSelection selection);

struct ScoredBox {
  vision::Box box;     // Half-open, in the mask's pixels, tight.
  double score = 0;    // The map's mean over the component, in [0, 1].
  int64_t pixels = 0;  // Of the component.
};

// The boxes of the mask's 8-connected components with at least `min_fraction`
// of the image's pixels. No foreground, no box. `map` (CV_32F) is of the mask's
// size. kInvalidArgument for other types or a fraction outside of [0, 1].
absl::StatusOr<std::vector<ScoredBox>> FindBoxes(const cv::Mat& mask,
                                                 const cv::Mat& map,
                                                 BoxSelection selection,
                                                 double min_fraction);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_MAP_THRESHOLD_H_
