#include "wsol/cam/cam_method.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/describe_tensor.h"
#include "wsol/cam/normalize_cam.h"

namespace wsol {
namespace {

absl::Status CheckInput(const CamInput& input) {
  const at::Tensor& images = input.images;
  if (!images.defined() || images.dim() != 4 || !images.is_floating_point() ||
      images.numel() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("images are ", DescribeTensor(images),
                     ", expected float [N, C, H, W] with N > 0"));
  }
  const at::Tensor& classes = input.classes;
  if (!classes.defined() || (classes.dim() != 1 && classes.dim() != 2) ||
      classes.scalar_type() != at::kLong || classes.size(0) != images.size(0) ||
      classes.numel() == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "classes are ", DescribeTensor(classes), ", expected Long [",
        images.size(0), "] or [", images.size(0), ", M]"));
  }
  if (!input.keys.empty() &&
      static_cast<int64_t>(input.keys.size()) != images.size(0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        input.keys.size(), " keys for ", images.size(0), " images"));
  }
  return absl::OkStatus();
}

absl::Status CheckOutput(const CamNetwork::Output& output, int64_t num_images) {
  if (output.features.empty() || output.logits.dim() != 2 ||
      output.logits.size(0) != num_images) {
    return absl::InvalidArgumentError(
        absl::StrCat("the network's output has ", output.features.size(),
                     " feature maps and logits ", DescribeTensor(output.logits),
                     ", expected [", num_images, ", K] and features"));
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const at::Tensor& classes, int64_t num_classes) {
  for (const int64_t label :
       {classes.min().item<int64_t>(), classes.max().item<int64_t>()}) {
    if (label < 0 || label >= num_classes) {
      return absl::OutOfRangeError(absl::StrCat(
          "class ", label, " is none of the classes 0 to ", num_classes - 1));
    }
  }
  return absl::OkStatus();
}

// Positions in the features.
absl::StatusOr<std::vector<size_t>> ResolveLayers(
    const std::vector<int>& layers, size_t num_layers) {
  const int64_t count = static_cast<int64_t>(num_layers);
  std::vector<size_t> resolved;
  for (const int layer : layers) {
    const int64_t position = layer < 0 ? layer + count : layer;
    if (position < 0 || position >= count) {
      return absl::InvalidArgumentError(
          absl::StrCat("layer ", layer, " of a network that shows ", count,
                       " feature maps, expected ", -count, " to ", count - 1));
    }
    resolved.push_back(static_cast<size_t>(position));
  }
  return resolved;
}

// The mean of normalised maps at the largest size.
at::Tensor Fuse(const std::vector<at::Tensor>& maps) {
  int64_t height = 0;
  int64_t width = 0;
  for (const at::Tensor& map : maps) {
    height = std::max(height, map.size(2));
    width = std::max(width, map.size(3));
  }
  at::Tensor sum;
  for (const at::Tensor& map : maps) {
    const at::Tensor resized =
        at::upsample_bilinear2d(NormalizeMaps(map).maps, {height, width},
                                /*align_corners=*/false);
    sum = sum.defined() ? sum + resized : resized;
  }
  return sum / static_cast<double>(maps.size());
}

}  // namespace

absl::StatusOr<CamVariant> ParseCamVariant(absl::string_view name) {
  if (name == "published") return CamVariant::kPublished;
  if (name == "paper") return CamVariant::kPaper;
  return absl::InvalidArgumentError(
      absl::StrCat("unknown variant \"", name,
                   "\" of CAM methods, expected published or paper"));
}

absl::Status CamOptions::Validate() const {
  const std::pair<const char*, int64_t> positive[] = {
      {"smooth_samples", smooth_samples},
      {"sscam_samples", sscam_samples},
      {"iscam_steps", iscam_steps},
      {"finer_classes", finer_classes},
      {"memory_budget_bytes", memory_budget_bytes}};
  for (const auto& [name, value] : positive) {
    if (value < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected 1 or more"));
    }
  }
  const std::pair<const char*, double> not_negative[] = {
      {"smooth_std", smooth_std},
      {"sscam_std", sscam_std},
      {"finer_alpha", finer_alpha}};
  for (const auto& [name, value] : not_negative) {
    if (!(value >= 0) || std::isinf(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected 0 or more"));
    }
  }
  if (layers.empty()) {
    return absl::InvalidArgumentError("no layers, expected one at least");
  }
  return absl::OkStatus();
}

absl::StatusOr<CamOutput> CamMethod::Compute(CamNetwork& network,
                                             const CamInput& input) const {
  CamOutput result;
  VISION_RETURN_IF_ERROR(Run(network, input, &result));
  return result;
}

absl::Status CamMethod::CheckGoesWith(CamNetwork& network,
                                      const CamInput& input) const {
  return Run(network, input, /*result=*/nullptr);
}

absl::Status CamMethod::Run(CamNetwork& network, const CamInput& input,
                            CamOutput* result) const {
  VISION_RETURN_IF_ERROR(CheckInput(input));
  if (!network.IsInEvaluationMode()) {
    return absl::FailedPreconditionError(
        "the network is in training mode: its norms would see single images "
        "and change; call eval() first");
  }
  return vision::StatusFromTorch(options_.method, [&]() -> absl::Status {
    const at::NoGradGuard no_grad;
    CamNetwork::Output output = input.output.has_value()
                                    ? *input.output
                                    : network.Forward(input.images);
    VISION_RETURN_IF_ERROR(CheckOutput(output, input.images.size(0)));
    for (at::Tensor& features : output.features) {
      features = features.detach();
    }
    output.logits = output.logits.detach();
    VISION_RETURN_IF_ERROR(CheckClasses(input.classes, output.logits.size(1)));
    VISION_ASSIGN_OR_RETURN(
        const std::vector<size_t> layers,
        ResolveLayers(options_.layers, output.features.size()));
    std::vector<uint64_t> keys = input.keys;
    if (keys.empty()) {
      keys.resize(static_cast<size_t>(input.images.size(0)));
      std::iota(keys.begin(), keys.end(), uint64_t{0});
    }
    const bool is_single = input.classes.dim() == 1;
    const at::Tensor classes =
        is_single ? input.classes.unsqueeze(1) : input.classes;
    Pass pass = {network, input.images, classes, keys, output};
    for (const size_t layer : layers) {
      pass.layer = layer;
      VISION_RETURN_IF_ERROR(Check(pass));
    }
    if (result == nullptr) return absl::OkStatus();
    std::vector<at::Tensor> maps;
    for (const size_t layer : layers) {
      pass.layer = layer;
      maps.push_back(Maps(pass));
    }
    const at::Tensor fused = maps.size() == 1 ? maps[0] : Fuse(maps);
    result->maps = is_single ? fused.squeeze(1) : fused;
    result->logits = output.logits;
    return absl::OkStatus();
  });
}

absl::Status CamMethod::Check(const Pass&) const { return absl::OkStatus(); }

at::Tensor CamMethod::Noise(const Pass& pass, int64_t image, int sample,
                            at::IntArrayRef shape) const {
  const uint64_t key = pass.keys[static_cast<size_t>(image)];
  if (options_.noise) {
    return options_.noise(key, sample, shape).to(pass.images.options());
  }
  at::Tensor noise = at::empty(shape, at::kDouble);
  double* const values = noise.data_ptr<double>();
  vision::Rng rng(options_.seed, {key, static_cast<uint64_t>(sample)});
  const int64_t count = noise.numel();
  // Box and Muller, two at a time.
  constexpr double kTwoPi = 6.283185307179586;
  for (int64_t i = 0; i < count; i += 2) {
    const double radius = std::sqrt(-2 * std::log(1 - rng.Uniform()));
    const double angle = kTwoPi * rng.Uniform();
    values[i] = radius * std::cos(angle);
    if (i + 1 < count) values[i + 1] = radius * std::sin(angle);
  }
  return noise.to(pass.images.options());
}

}  // namespace wsol
