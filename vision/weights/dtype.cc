#include "vision/weights/dtype.h"

#include <cstddef>

namespace vision {
namespace {

constexpr DTypeInfo kTypes[] = {
    {DType::kFloat64, 8, "float64", "DoubleStorage", "F64"},
    {DType::kFloat32, 4, "float32", "FloatStorage", "F32"},
    {DType::kFloat16, 2, "float16", "HalfStorage", "F16"},
    {DType::kBFloat16, 2, "bfloat16", "BFloat16Storage", "BF16"},
    {DType::kInt64, 8, "int64", "LongStorage", "I64"},
    {DType::kInt32, 4, "int32", "IntStorage", "I32"},
    {DType::kInt16, 2, "int16", "ShortStorage", "I16"},
    {DType::kInt8, 1, "int8", "CharStorage", "I8"},
    {DType::kUInt8, 1, "uint8", "ByteStorage", "U8"},
    {DType::kBool, 1, "bool", "BoolStorage", "BOOL"},
};

}  // namespace

absl::Span<const DTypeInfo> AllDTypes() { return kTypes; }

const DTypeInfo& GetDTypeInfo(DType dtype) {
  return kTypes[static_cast<size_t>(dtype)];
}

std::optional<DType> DTypeOfTorchStorage(absl::string_view name) {
  for (const DTypeInfo& info : kTypes) {
    if (name == info.torch_storage) return info.dtype;
  }
  return std::nullopt;
}

std::optional<DType> DTypeOfSafetensorsName(absl::string_view name) {
  for (const DTypeInfo& info : kTypes) {
    if (name == info.safetensors_name) return info.dtype;
  }
  return std::nullopt;
}

}  // namespace vision
