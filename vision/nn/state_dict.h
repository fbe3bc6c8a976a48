// Named weights of a module, in memory and in files that Python reads too.
//
//   VISION_RETURN_IF_ERROR(
//       vision::SaveStateDict("encoder.pt", vision::GetStateDict(*encoder)));
//   VISION_ASSIGN_OR_RETURN(const auto dict,
//                           vision::ReadStateDict("encoder.pt"));
//   VISION_RETURN_IF_ERROR(vision::LoadStateDict(dict, *encoder));
//
// and in Python: encoder.load_state_dict(torch.load("encoder.pt")).

#ifndef VISION_NN_STATE_DICT_H_
#define VISION_NN_STATE_DICT_H_

#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "torch/nn/module.h"
#include "torch/ordered_dict.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

// Names and values in PyTorch's order: a module's parameters, then its buffers,
// then its children's ("layer1.0.bn1.running_mean").
using StateDict = torch::OrderedDict<std::string, at::Tensor>;

// The parameters and buffers of `module`: detached tensors that share memory
// with it. Copy (clone()) what must not change with further training.
StateDict GetStateDict(const torch::nn::Module& module);

// How a dictionary and a module differ; the lists are in the module's order,
// `unexpected` in the dictionary's.
struct StateDictReport {
  // Entries of the module that the dictionary lacks.
  std::vector<std::string> missing;
  // Entries of the dictionary that the module lacks.
  std::vector<std::string> unexpected;
  // Entries of both with different shapes: "fc.weight: got [20, 8], expected
  // [10, 8]".
  std::vector<std::string> mismatched;

  bool empty() const {
    return missing.empty() && unexpected.empty() && mismatched.empty();
  }
  // One line, at most a few names of each kind and the counts.
  std::string ToString() const;
};

StateDictReport CompareStateDict(const StateDict& dict,
                                 const torch::nn::Module& module);

// Copies the values of `dict` into `module`, converting dtype and device to the
// module's. All names and shapes must agree, but for `num_batches_tracked`,
// which older PyTorch files lack. kInvalidArgument with the report otherwise,
// and a hint if a prefix is to be stripped; the module is then unchanged.
absl::Status LoadStateDict(const StateDict& dict, torch::nn::Module& module);

// Copies the entries whose names and shapes agree and returns what was left
// out.
absl::StatusOr<StateDictReport> LoadMatchingStateDict(
    const StateDict& dict, torch::nn::Module& module);

// Writes `dict` for Python: kTorchZip as torch.save writes an OrderedDict
// (torch.load reads it, also with weights_only), kSafetensors as the library of
// that name. Tensors are written densely, in row-major order; those that share
// all their memory share it in kTorchZip, and are written each in kSafetensors.
// The values are not copied, if they are dense and on the CPU. The file is
// replaced atomically; errors are those of vision::WriteFileAtomically, and
// kInvalidArgument for kTorchLegacy, undefined tensors, dtypes that are not in
// vision/weights/dtype.h, and names that the format cannot have.
absl::Status SaveStateDict(
    const std::string& path, const StateDict& dict,
    CheckpointFormat format = CheckpointFormat::kTorchZip);

struct ReadStateDictOptions {
  // Which dictionary of the file to read, and whether to compare checksums.
  CheckpointOptions checkpoint;
  // Taken off the names that start with it: "module." of DataParallel.
  std::string strip_prefix;
};

// Reads a dictionary of tensors from a file of torch.save (since PyTorch 1.6 or
// before) or a .safetensors file; the content tells which. In a checkpoint that
// wraps it, next to an epoch and an optimizer, the weights are found by the
// usual names (vision/weights/tensor_entry.h).
//
// The tensors, on the CPU, are the file's own pages, mapped privately: there is
// no second copy, pages come when they are read, and writing to a tensor
// changes neither the file nor its size on disk. Only tensors whose values are
// not aligned to their type are copied, which may happen in the old format and
// in safetensors files. The file must not be overwritten or cut in place while
// tensors of it live; replacing it, as SaveStateDict() does, is fine.
//
// kNotFound if there is no file, kDataLoss if it is damaged or of another
// format, kInvalidArgument if it holds anything else, which is named; no code
// in it is run.
absl::StatusOr<StateDict> ReadStateDict(
    const std::string& path, const ReadStateDictOptions& options = {});

}  // namespace vision

#endif  // VISION_NN_STATE_DICT_H_
