#include "vision/nn/state_dict.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "torch/nn/module.h"
#include "vision/base/file_io.h"
#include "vision/base/mapped_file.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/weights/checkpoint.h"
#include "vision/weights/checkpoint_writer.h"
#include "vision/weights/dtype.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

void Collect(const torch::nn::Module& module, const std::string& prefix,
             StateDict& dict) {
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    dict.insert(prefix + parameter.key(), parameter.value().detach());
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    dict.insert(prefix + buffer.key(), buffer.value().detach());
  }
  for (const auto& child : module.named_children()) {
    Collect(*child.value(), absl::StrCat(prefix, child.key(), "."), dict);
  }
}

void CopyInto(const at::Tensor& target, const at::Tensor& source) {
  const at::NoGradGuard no_grad;
  target.copy_(source);
}

std::string Sizes(const at::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes().vec(), ", "), "]");
}

// "missing 5 (a, b, c, ...)", or nothing.
void AppendNames(absl::string_view kind, const std::vector<std::string>& names,
                 std::vector<std::string>& parts) {
  constexpr size_t kMost = 5;
  if (names.empty()) return;
  const size_t shown = std::min(names.size(), kMost);
  parts.push_back(
      absl::StrCat(kind, " ", names.size(), " (",
                   absl::StrJoin(names.begin(),
                                 names.begin() + static_cast<int>(shown), ", "),
                   shown < names.size() ? ", ..." : "", ")"));
}

at::ScalarType ScalarTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return at::kDouble;
    case DType::kFloat32:
      return at::kFloat;
    case DType::kFloat16:
      return at::kHalf;
    case DType::kBFloat16:
      return at::kBFloat16;
    case DType::kInt64:
      return at::kLong;
    case DType::kInt32:
      return at::kInt;
    case DType::kInt16:
      return at::kShort;
    case DType::kInt8:
      return at::kChar;
    case DType::kUInt8:
      return at::kByte;
    case DType::kBool:
      return at::kBool;
  }
  return at::kFloat;
}

std::optional<DType> DTypeOf(at::ScalarType type) {
  for (const DTypeInfo& info : AllDTypes()) {
    if (ScalarTypeOf(info.dtype) == type) return info.dtype;
  }
  return std::nullopt;
}

// The tensors of `dict` as bytes, which `dense` keeps.
absl::Status MakeDense(const StateDict& dict, std::vector<at::Tensor>& dense,
                       std::vector<DenseTensor>& tensors) {
  for (const auto& item : dict) {
    const std::string& name = item.key();
    if (!item.value().defined()) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry ", name, " is an undefined tensor"));
    }
    const std::optional<DType> dtype = DTypeOf(item.value().scalar_type());
    if (!dtype.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "entry ", name, " has dtype ",
          c10::toString(item.value().scalar_type()), ", which files lack"));
    }
    dense.push_back(
        item.value().detach().cpu().contiguous(at::MemoryFormat::Contiguous));
    const at::Tensor& values = dense.back();
    tensors.push_back(
        {name, *dtype, values.sizes().vec(),
         absl::string_view(static_cast<const char*>(values.data_ptr()),
                           values.nbytes())});
  }
  return absl::OkStatus();
}

// A tensor on the file's own pages, which keeps them.
absl::StatusOr<at::Tensor> MakeTensor(const std::shared_ptr<MappedFile>& file,
                                      const TensorEntry& entry) {
  const at::ScalarType type = ScalarTypeOf(entry.dtype);
  if (entry.span_bytes == 0) return at::empty(entry.shape, type);
  const absl::string_view bytes = file->bytes().substr(
      static_cast<size_t>(entry.offset), static_cast<size_t>(entry.span_bytes));
  if (entry.dtype == DType::kBool &&
      std::any_of(bytes.begin(), bytes.end(),
                  [](char c) { return c != 0 && c != 1; })) {
    // Reading such a bool is undefined.
    return absl::DataLossError(
        absl::StrCat("entry ", entry.name, " is of neither 0 nor 1"));
  }
  const int64_t item_size = GetDTypeInfo(entry.dtype).item_size;
  if (entry.offset % item_size != 0) {
    const at::Tensor copy = at::empty({entry.span_bytes / item_size}, type);
    std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
    return copy.as_strided(entry.shape, entry.strides);
  }
  return at::from_blob(
      file->data() + entry.offset, entry.shape, entry.strides, [file](void*) {},
      type);
}

// What is likely wrong if `report` lists names, or nothing.
std::string Hint(const StateDictReport& report) {
  constexpr absl::string_view kPrefix = "module.";
  const auto has_prefix = [&](const std::string& name) {
    return absl::StartsWith(name, kPrefix);
  };
  if (report.unexpected.empty() || report.missing.empty() ||
      !std::all_of(report.unexpected.begin(), report.unexpected.end(),
                   has_prefix)) {
    return "";
  }
  return absl::StrCat("; all unexpected names start with \"", kPrefix,
                      "\", which reading can strip");
}

}  // namespace

StateDict GetStateDict(const torch::nn::Module& module) {
  StateDict dict;
  Collect(module, "", dict);
  return dict;
}

std::string StateDictReport::ToString() const {
  std::vector<std::string> parts;
  AppendNames("missing", missing, parts);
  AppendNames("unexpected", unexpected, parts);
  AppendNames("mismatched", mismatched, parts);
  return parts.empty() ? "all entries agree" : absl::StrJoin(parts, "; ");
}

StateDictReport CompareStateDict(const StateDict& dict,
                                 const torch::nn::Module& module) {
  StateDictReport report;
  const StateDict own = GetStateDict(module);
  for (const auto& item : own) {
    const at::Tensor* given = dict.find(item.key());
    if (given == nullptr) {
      report.missing.push_back(item.key());
    } else if (given->sizes() != item.value().sizes()) {
      report.mismatched.push_back(absl::StrCat(item.key(), ": got ",
                                               Sizes(*given), ", expected ",
                                               Sizes(item.value())));
    }
  }
  for (const auto& item : dict) {
    if (!own.contains(item.key())) report.unexpected.push_back(item.key());
  }
  return report;
}

absl::Status LoadStateDict(const StateDict& dict, torch::nn::Module& module) {
  StateDictReport report = CompareStateDict(dict, module);
  const auto tolerated = [](const std::string& name) {
    return absl::EndsWith(name, "num_batches_tracked");
  };
  report.missing.erase(
      std::remove_if(report.missing.begin(), report.missing.end(), tolerated),
      report.missing.end());
  if (!report.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "weights do not fit the network: ", report.ToString(), Hint(report)));
  }
  return LoadMatchingStateDict(dict, module).status();
}

absl::StatusOr<StateDictReport> LoadMatchingStateDict(
    const StateDict& dict, torch::nn::Module& module) {
  return CallTorch("loading weights", [&] {
    for (const auto& item : GetStateDict(module)) {
      const at::Tensor* given = dict.find(item.key());
      if (given != nullptr && given->sizes() == item.value().sizes()) {
        CopyInto(item.value(), *given);
      }
    }
    return CompareStateDict(dict, module);
  });
}

absl::Status SaveStateDict(const std::string& path, const StateDict& dict,
                           CheckpointFormat format) {
  // They keep the values of `tensors`.
  std::vector<at::Tensor> dense;
  std::vector<DenseTensor> tensors;
  const std::string what = absl::StrCat("writing weights to ", path);
  VISION_RETURN_IF_ERROR(
      StatusFromTorch(what, [&] { return MakeDense(dict, dense, tensors); }));
  if (format == CheckpointFormat::kTorchLegacy) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, ": the format before PyTorch 1.6 is read, not written"));
  }
  const absl::StatusOr<FilePieces> file =
      format == CheckpointFormat::kSafetensors ? MakeSafetensors(tensors)
                                               : MakeTorchZip(tensors);
  if (!file.ok()) return Annotate(file.status(), what);
  return WriteFileAtomically(path, file->pieces);
}

absl::StatusOr<StateDict> ReadStateDict(const std::string& path,
                                        const ReadStateDictOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                          MappedFile::Open(path));
  absl::StatusOr<CheckpointIndex> index =
      IndexCheckpoint(file->bytes(), options.checkpoint);
  if (!index.ok()) {
    return absl::Status(index.status().code(),
                        absl::StrCat(path, ": ", index.status().message()));
  }
  return CallTorch(
      absl::StrCat("reading weights from ", path),
      [&]() -> absl::StatusOr<StateDict> {
        StateDict dict;
        for (const TensorEntry& entry : index->tensors) {
          const std::string name(
              absl::StripPrefix(entry.name, options.strip_prefix));
          if (dict.contains(name)) {
            return absl::InvalidArgumentError(
                absl::StrCat(path, ": entry ", name, " occurs twice once \"",
                             options.strip_prefix, "\" is taken off"));
          }
          absl::StatusOr<at::Tensor> tensor = MakeTensor(file, entry);
          if (!tensor.ok()) {
            return absl::Status(
                tensor.status().code(),
                absl::StrCat(path, ": ", tensor.status().message()));
          }
          dict.insert(name, *std::move(tensor));
        }
        return dict;
      });
}

}  // namespace vision
