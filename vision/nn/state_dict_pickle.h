// The bytes of a dictionary of tensors in PyTorch's zip format.
//
// LibTorch's own pickler does not do: it marks dictionaries with a type tag
// that Python's torch.load(weights_only=True) refuses, and its unpickler reads
// the OrderedDict of a Python state dict as None. This one handles what state
// dicts are made of and runs no code: any other class or function is refused by
// name.

#ifndef VISION_NN_STATE_DICT_PICKLE_H_
#define VISION_NN_STATE_DICT_PICKLE_H_

#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// The file that torch.save(OrderedDict(tensors)) would write, in content.
// Tensors are written densely in row-major order. kInvalidArgument for an
// undefined tensor or a dtype that PyTorch has no storage for. Throws
// c10::Error.
absl::StatusOr<std::string> PickleTensors(const NamedTensors& tensors);

// The tensors of such a file, in its order, on the CPU; they do not alias
// `bytes`. kInvalidArgument if it holds anything but a dictionary of strings
// and tensors, kDataLoss if it is damaged. Throws c10::Error if it is no zip
// archive.
absl::StatusOr<NamedTensors> UnpickleTensors(absl::string_view bytes);

}  // namespace vision

#endif  // VISION_NN_STATE_DICT_PICKLE_H_
