// Records what a LibTorch module computes as TorchScript, which Python runs
// without any of this code.
//
//   VISION_ASSIGN_OR_RETURN(
//       const std::string file,
//       fcam::TraceModule(*network, "Network", {}, [&](const at::Tensor& x) {
//         return std::vector<at::Tensor>{network->forward(x)};
//       }, {{2, 3, 97, 129}, {3, 3, 129, 161}, {4, 3, 161, 97}}));
//
// LibTorch's C++ interface can trace tensors but knows no sizes: what C++ code
// reads by x.size(2) becomes a number in the recording. So the function is
// recorded for several shapes; numbers that differ between recordings are
// replaced by the size of a tensor, or twice that, which agrees in all of them.

#ifndef FCAM_LOCALIZER_TRACE_MODULE_H_
#define FCAM_LOCALIZER_TRACE_MODULE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/nn/module.h"

namespace fcam {

// Returns the bytes of a file for torch.jit.load: a module of type `name` with
// the children, parameters and buffers of `module` under the same names, that
// are read when it runs (not copied into the code), and a method
// forward(images) which returns the tuple of what `forward` returned.
// `extra_files` go along, see torch.jit.load's _extra_files.
//
// `forward` is called for images of each of `shapes`, [N, 3, H, W] with values
// from 0 to 1, and must compute the outputs with ATen operators of the images,
// the module's tensors and constants alone. Whatever else it decides by values
// or sizes is recorded as decided; it must decide alike for all shapes.
// Autograd is on while it runs. `module` must be in evaluation mode.
//
// kUnimplemented if recordings differ in more than sizes of tensors, and other
// errors of LibTorch. One shape records numbers as they are.
absl::StatusOr<std::string> TraceModule(
    torch::nn::Module& module, absl::string_view name,
    const std::map<std::string, std::string>& extra_files,
    absl::FunctionRef<std::vector<at::Tensor>(const at::Tensor&)> forward,
    const std::vector<std::vector<int64_t>>& shapes);

// The outputs of such a file for `images`. Not for speed: nothing is optimised.
absl::StatusOr<std::vector<at::Tensor>> RunTraced(const std::string& file,
                                                  const at::Tensor& images);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_TRACE_MODULE_H_
