#include "vision/backbones/golden_weights.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

// v of the tensor called `name`.
at::Tensor Signed(const nlohmann::json& fill, const std::string& name,
                  const at::Tensor& like) {
  nlohmann::json gen = fill["gen"];
  if (fill["keyed"].get<bool>()) {
    const char* start = gen["kind"] == "sine" ? "k0" : "seed";
    gen[start] = gen[start].get<int64_t>() + (Crc32(name) & 0xffff);
  }
  std::vector<double> values = testing::GoldenStream(gen, like.numel());
  return at::from_blob(values.data(), like.sizes(), at::kDouble) * 2 - 1;
}

bool IsNorm(const StateDict& dict, const std::string& key) {
  return dict.contains(
      absl::StrCat(key.substr(0, key.rfind('.')), ".running_mean"));
}

}  // namespace

void FillGoldenWeights(const nlohmann::json& fill, const std::string& prefix,
                       const StateDict& dict) {
  const bool affine = fill["bn"] == "affine";
  for (const auto& item : dict) {
    const std::string name = prefix + item.key();
    const at::Tensor& tensor = item.value();
    if (absl::EndsWith(name, "num_batches_tracked")) {
      tensor.fill_(0);
    } else if (tensor.dim() > 1) {
      const bool head = absl::StartsWith(name, "classification_head.") &&
                        fill.contains("head_gain");
      const double gain = fill[head ? "head_gain" : "gain"].get<double>();
      const double fan_in =
          static_cast<double>(tensor.numel() / tensor.size(0));
      tensor.copy_(Signed(fill, name, tensor) * (gain * std::sqrt(6 / fan_in)));
    } else if (!IsNorm(dict, item.key())) {
      tensor.copy_(Signed(fill, name, tensor) * 0.1);
    } else if (absl::EndsWith(name, "bn3.weight") && fill.contains("bn3")) {
      tensor.fill_(fill["bn3"].get<double>());
    } else {
      const bool scale = absl::EndsWith(name, ".weight") ||
                         absl::EndsWith(name, ".running_var");
      tensor.fill_(scale ? 1 : 0);
      if (affine) {
        tensor.add_(Signed(fill, name, tensor) * (scale ? 0.25 : 0.125));
      }
    }
  }
}

}  // namespace vision
