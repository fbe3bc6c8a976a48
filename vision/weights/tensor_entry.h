// What a file of weights holds, without reading the values.

#ifndef VISION_WEIGHTS_TENSOR_ENTRY_H_
#define VISION_WEIGHTS_TENSOR_ENTRY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "vision/weights/dtype.h"

namespace vision {

enum class CheckpointFormat {
  // torch.save since PyTorch 1.6: a zip archive.
  kTorchZip,
  // torch.save before: pickles, then the values.
  kTorchLegacy,
  kSafetensors,
};

// "torch zip", "torch legacy", "safetensors".
const char* CheckpointFormatName(CheckpointFormat format);

// One tensor of a file.
struct TensorEntry {
  std::string name;
  DType dtype = DType::kFloat32;
  // Both in elements, equally many, not negative.
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  // Of element 0, in bytes from the file's start.
  int64_t offset = 0;
  // Bytes from there to the end of the last element: 0 if there is none. The
  // range lies inside of the file; ranges of several tensors may overlap.
  int64_t span_bytes = 0;

  int64_t numel() const;
  // Whether elements lie one after the other in row-major order.
  bool IsContiguous() const;
  // "[64, 3, 7, 7]".
  std::string ShapeString() const;
};

// The strides of a dense tensor in row-major order.
std::vector<int64_t> RowMajorStrides(const std::vector<int64_t>& shape);

struct CheckpointIndex {
  CheckpointFormat format = CheckpointFormat::kTorchZip;
  // Where in the file's dictionaries the tensors are: "" for the outermost one,
  // "state_dict", or several keys joined by '/'.
  std::string entry;
  // In the file's order; names differ.
  std::vector<TensorEntry> tensors;
  // What else there is beside the tensors and around them, for people:
  // "epoch: int 90". At most 64.
  std::vector<std::string> others;
};

struct CheckpointOptions {
  // The dictionary to read, as CheckpointIndex::entry. Empty: the outermost if
  // it has tensors, else the one that is called state_dict, model_state_dict,
  // model or the like, else the only one with tensors.
  std::string entry;
  // Compare the checksums of zip archives, which reads all values. Files that
  // were written with PyTorch's compute_crc32 off have none that are right.
  bool verify_checksums = true;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_TENSOR_ENTRY_H_
