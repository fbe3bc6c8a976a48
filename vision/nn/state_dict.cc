#include "vision/nn/state_dict.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "torch/nn/module.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/state_dict_pickle.h"

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
    return absl::InvalidArgumentError(
        absl::StrCat("weights do not fit the network: ", report.ToString()));
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

absl::Status SaveStateDict(const std::string& path, const StateDict& dict) {
  NamedTensors tensors;
  for (const auto& item : dict) tensors.emplace_back(item.key(), item.value());
  const std::string what = absl::StrCat("writing weights to ", path);
  absl::StatusOr<std::string> bytes =
      CallTorch(what, [&] { return PickleTensors(tensors); });
  if (!bytes.ok()) return Annotate(bytes.status(), what);
  return WriteFileAtomically(path, *bytes);
}

absl::StatusOr<StateDict> ReadStateDict(const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  const std::string what = absl::StrCat("reading weights from ", path);
  absl::StatusOr<NamedTensors> tensors =
      CallTorch(what, [&] { return UnpickleTensors(bytes); });
  if (absl::IsInternal(tensors.status())) {
    // Whatever LibTorch's zip reader objects to is the file's content.
    return absl::DataLossError(tensors.status().message());
  }
  if (!tensors.ok()) return Annotate(tensors.status(), what);
  StateDict dict;
  for (const auto& [name, tensor] : *tensors) {
    if (dict.contains(name)) {
      return absl::DataLossError(
          absl::StrCat(what, ": entry ", name, " occurs twice"));
    }
    dict.insert(name, tensor);
  }
  return dict;
}

}  // namespace vision
