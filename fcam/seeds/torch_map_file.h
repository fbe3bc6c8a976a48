// Maps that Python wrote with torch.save(map, path).
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat map, ReadTorchMap("cams/a_b.pt"));

#ifndef FCAM_SEEDS_TORCH_MAP_FILE_H_
#define FCAM_SEEDS_TORCH_MAP_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace fcam {

// The one tensor of a file of torch.save (zip format, PyTorch 1.6 or later), of
// shape [h, w] or [1, h, w] and type float32 or float64, any strides: CV_32FC1
// [h, w], a copy. No code in the file is run. `name` stands for it in messages.
// kDataLoss if the bytes are damaged; kInvalidArgument for other contents, a
// dictionary for example, and for the format before.
absl::StatusOr<cv::Mat> ParseTorchMap(absl::string_view bytes,
                                      absl::string_view name);

// The same from a file; kNotFound if there is none.
absl::StatusOr<cv::Mat> ReadTorchMap(const std::string& path);

}  // namespace fcam

#endif  // FCAM_SEEDS_TORCH_MAP_FILE_H_
