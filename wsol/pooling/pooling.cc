#include "wsol/pooling/pooling.h"

#include <cmath>
#include <cstdint>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"

namespace wsol {
namespace {

template <typename T>
absl::Status CheckField(bool good, absl::string_view field, T value,
                        absl::string_view expected) {
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "PoolingOptions.", field, " is ", value, ", expected ", expected));
}

}  // namespace

int64_t PixelSelection::Of(int64_t n) const {
  if (value <= 0) return 0;
  if (value < 1) {
    // Rounds half to even, the default mode of floating point.
    return static_cast<int64_t>(std::nearbyint(value * static_cast<double>(n)));
  }
  if (value == 1 && !is_count) return n;
  if (value > static_cast<double>(n)) return n;
  return static_cast<int64_t>(value);
}

absl::Status PoolingOptions::Validate() const {
  const absl::Status checks[] = {
      CheckField(in_channels >= 1, "in_channels", in_channels,
                 "at least 1 channel"),
      CheckField(num_classes >= 1, "num_classes", num_classes,
                 "at least 1 class"),
      CheckField(lse_sharpness > 0 && std::isfinite(lse_sharpness),
                 "lse_sharpness", lse_sharpness, "a positive number"),
      CheckField(wildcat_modalities >= 1, "wildcat_modalities",
                 wildcat_modalities, "at least 1"),
      CheckField(wildcat_kmax.value > 0 && std::isfinite(wildcat_kmax.value),
                 "wildcat_kmax", wildcat_kmax.value,
                 "a fraction above 0 or a count of pixels"),
      CheckField(wildcat_kmin.value >= 0 && std::isfinite(wildcat_kmin.value),
                 "wildcat_kmin", wildcat_kmin.value,
                 "a fraction from 0 on or a count of pixels"),
      CheckField(std::isfinite(wildcat_alpha), "wildcat_alpha", wildcat_alpha,
                 "a finite number"),
      CheckField(wildcat_dropout >= 0 && wildcat_dropout < 1, "wildcat_dropout",
                 wildcat_dropout, "a probability below 1"),
      CheckField(acol_threshold >= 0 && acol_threshold <= 1, "acol_threshold",
                 acol_threshold, "0 to 1"),
      CheckField(acol_width >= 1, "acol_width", acol_width,
                 "at least 1 channel"),
  };
  for (const absl::Status& status : checks) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

at::Tensor PoolingHead::ClassMaps(const at::Tensor& features) {
  const at::Tensor maps = Maps(features);
  return maps.narrow(1, maps.size(1) - num_classes_, num_classes_);
}

at::Tensor PoolingHead::ClassMapsOf(const at::Tensor& features,
                                    const at::Tensor& classes) {
  const at::Tensor maps = ClassMaps(features);
  const at::Tensor index = classes.unsqueeze(2).unsqueeze(3).expand(
      {-1, -1, maps.size(2), maps.size(3)});
  return maps.gather(1, index);
}

void PoolingHead::CheckFeatures(const at::Tensor& features) const {
  TORCH_CHECK(features.dim() == 4 && features.size(1) == in_channels_ &&
                  features.size(2) > 0 && features.size(3) > 0,
              "the head expects features [N, ", in_channels_,
              ", h, w] with h, w > 0, got ", features.sizes());
}

}  // namespace wsol
