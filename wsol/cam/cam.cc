#include "wsol/cam/cam.h"

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

std::string Describe(const at::Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  std::ostringstream text;
  text << tensor.scalar_type() << " " << tensor.sizes();
  return text.str();
}

// Checks labels [N] in [0, K) for N images.
absl::Status CheckLabels(const at::Tensor& labels, int64_t num_images,
                         int64_t num_classes) {
  if (!labels.defined() || labels.dim() != 1 ||
      labels.scalar_type() != at::kLong || labels.size(0) != num_images) {
    return absl::InvalidArgumentError(
        absl::StrCat("labels are ", Describe(labels), ", expected Long [",
                     num_images, "], one for each image"));
  }
  if (num_images == 0) return absl::OkStatus();
  for (const int64_t label :
       {labels.min().item<int64_t>(), labels.max().item<int64_t>()}) {
    if (label < 0 || label >= num_classes) {
      return absl::OutOfRangeError(absl::StrCat(
          "label ", label, " is none of the classes 0 to ", num_classes - 1));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMaps(absl::string_view what, const at::Tensor& maps) {
  if (!maps.defined() || maps.dim() != 4 || !maps.is_floating_point()) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " are ", Describe(maps), ", expected float [N, C, h, w]"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<at::Tensor> ClassActivationMaps(const at::Tensor& features,
                                               const at::Tensor& weights,
                                               const at::Tensor& labels) {
  VISION_RETURN_IF_ERROR(CheckMaps("features", features));
  if (!weights.defined() || weights.dim() != 2 ||
      weights.size(1) != features.size(1) ||
      weights.scalar_type() != features.scalar_type()) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights are ", Describe(weights),
                     ", expected [K, C] of features ", Describe(features)));
  }
  VISION_RETURN_IF_ERROR(
      CheckLabels(labels, features.size(0), weights.size(0)));
  return vision::CallTorch("class activation maps", [&] {
    return WeightedFeatureSums(
               features, weights.detach().index_select(0, labels).unsqueeze(1))
        .squeeze(1);
  });
}

at::Tensor WeightedFeatureSums(const at::Tensor& features,
                               const at::Tensor& weights) {
  TORCH_CHECK(features.dim() == 4 && weights.dim() == 3 &&
                  features.size(0) == weights.size(0) &&
                  features.size(1) == weights.size(2),
              "weights must be [N, M, C] for features [N, C, h, w], got ",
              weights.sizes(), " and ", features.sizes());
  const at::NoGradGuard no_grad;
  const at::Tensor sums = at::bmm(weights, features.flatten(2))
                              .view({features.size(0), weights.size(1),
                                     features.size(2), features.size(3)});
  if (!at::isnan(sums).any().item<bool>()) return sums;
  // Some product was NaN, or infinities met. Only then are the products formed
  // one by one, for they take as much memory as the features.
  std::vector<at::Tensor> by_class;
  for (const at::Tensor& of_class : weights.unbind(1)) {
    by_class.push_back(at::nansum(of_class.unsqueeze(2).unsqueeze(3) * features,
                                  at::IntArrayRef({1})));
  }
  return at::stack(by_class, 1);
}

absl::StatusOr<at::Tensor> SelectMaps(const at::Tensor& maps,
                                      const at::Tensor& labels) {
  VISION_RETURN_IF_ERROR(CheckMaps("maps", maps));
  VISION_RETURN_IF_ERROR(CheckLabels(labels, maps.size(0), maps.size(1)));
  return vision::CallTorch("selecting maps", [&] {
    const at::NoGradGuard no_grad;
    const at::Tensor index =
        labels.view({-1, 1, 1, 1}).expand({-1, 1, maps.size(2), maps.size(3)});
    return maps.gather(1, index).squeeze(1);
  });
}

absl::StatusOr<at::Tensor> HeadMaps(PoolingHead& head,
                                    const at::Tensor& features,
                                    const at::Tensor& labels) {
  if (!head.has_maps()) {
    return ClassActivationMaps(features, head.class_weights(), labels);
  }
  VISION_RETURN_IF_ERROR(CheckMaps("features", features));
  VISION_RETURN_IF_ERROR(
      CheckLabels(labels, features.size(0), head.num_classes()));
  return vision::CallTorch("maps of the pooling head", [&] {
    const at::NoGradGuard no_grad;
    return head.ClassMapsOf(features, labels.unsqueeze(1)).squeeze(1);
  });
}

at::Tensor UpsampleMaps(const at::Tensor& maps, int64_t height, int64_t width) {
  TORCH_CHECK(maps.dim() == 3, "maps must be [N, h, w], got ", maps.sizes());
  const at::NoGradGuard no_grad;
  return at::upsample_bilinear2d(maps.unsqueeze(1), {height, width},
                                 /*align_corners=*/false)
      .squeeze(1);
}

}  // namespace wsol
