// Element types of tensors in files, without LibTorch.
//
//   const DTypeInfo& info = GetDTypeInfo(DType::kFloat32);
//   info.item_size;         // 4
//   info.torch_storage;     // "FloatStorage"
//   info.safetensors_name;  // "F32"

#ifndef VISION_WEIGHTS_DTYPE_H_
#define VISION_WEIGHTS_DTYPE_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace vision {

// Those that state dicts are made of. Complex, quantised and 8-bit float types
// are not among them.
enum class DType {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool,
};

struct DTypeInfo {
  DType dtype;
  // In bytes.
  int64_t item_size;
  // PyTorch's name: "float32".
  const char* name;
  // Class of the storage in files of torch.save, in module torch.
  const char* torch_storage;
  const char* safetensors_name;
};

// All types, in the order of the enum.
absl::Span<const DTypeInfo> AllDTypes();

const DTypeInfo& GetDTypeInfo(DType dtype);

// Nothing for a name that is not in the table.
std::optional<DType> DTypeOfTorchStorage(absl::string_view name);
std::optional<DType> DTypeOfSafetensorsName(absl::string_view name);

}  // namespace vision

#endif  // VISION_WEIGHTS_DTYPE_H_
