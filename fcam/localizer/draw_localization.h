// A picture of what was found in an image: the map as a tint, the mask's
// outline, the boxes, class and probability.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat picture,
//                           fcam::DrawLocalization(rgb, found, {}));
//   VISION_RETURN_IF_ERROR(vision::WritePng("found.png", picture));

#ifndef FCAM_LOCALIZER_DRAW_LOCALIZATION_H_
#define FCAM_LOCALIZER_DRAW_LOCALIZATION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/localizer/localizer.h"
#include "opencv2/core/mat.hpp"
#include "vision/image/colormap.h"

namespace fcam {

struct DrawOptions {
  vision::Colormap colormap = vision::Colormap::kTurbo;
  // How much of the map's colour is seen where the map is 1; where it is 0
  // there is none of it.
  double opacity = 0.5;
  // Images are enlarged or reduced so that their longer side is between these,
  // in pixels; both at least 1. Enlarged by whole numbers, 16 at most.
  int min_side = 448;
  int max_side = 1600;

  absl::Status Validate() const;
};

// RGB picture, CV_8UC3. `rgb` is the image that was localized. Letters other
// than ASCII are drawn as question marks. kInvalidArgument for bad options and
// a map or mask of another size or type.
absl::StatusOr<cv::Mat> DrawLocalization(const cv::Mat& rgb,
                                         const Localization& localization,
                                         const DrawOptions& options);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_DRAW_LOCALIZATION_H_
