// Score maps as colours.
//
//   const cv::Mat rgb = vision::ApplyColormap(map, vision::Colormap::kViridis);

#ifndef VISION_IMAGE_COLORMAP_H_
#define VISION_IMAGE_COLORMAP_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace vision {

enum class Colormap {
  kViridis,  // Perceptually uniform, dark blue to yellow.
  kInferno,  // Perceptually uniform, black to pale yellow.
  kTurbo,    // Rainbow without jet's bands: more contrast, less uniform.
  kJet,  // What most papers print; its bands suggest edges that are not there.
};

// "viridis", "inferno", "turbo", "jet".
absl::string_view ColormapName(Colormap colormap);

// The colormap of that name; kInvalidArgument lists the names.
absl::StatusOr<Colormap> ParseColormap(absl::string_view name);

// RGB image CV_8UC3 of `map`, [height, width] CV_32F or CV_64F with values in
// [0, 1]; values outside are clamped, NaN is drawn as 0. 256 levels, rounded to
// nearest. Other types are a caller's mistake (CHECK).
cv::Mat ApplyColormap(const cv::Mat& map, Colormap colormap);

}  // namespace vision

#endif  // VISION_IMAGE_COLORMAP_H_
