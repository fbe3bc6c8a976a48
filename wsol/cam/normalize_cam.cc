#include "wsol/cam/normalize_cam.h"

#include <cstdint>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"

namespace wsol {

NormalizedMaps NormalizeMaps(const at::Tensor& maps) {
  TORCH_CHECK(maps.dim() >= 2 && maps.size(-1) > 0 && maps.size(-2) > 0,
              "maps must be [..., h, w] with h, w > 0, got ", maps.sizes());
  const at::NoGradGuard no_grad;
  const at::Tensor shifted =
      maps - maps.amin(at::IntArrayRef({-2, -1}), /*keepdim=*/true);
  const at::Tensor range =
      shifted.amax(at::IntArrayRef({-2, -1}), /*keepdim=*/true);
  // A NaN or an infinity anywhere makes the range NaN or infinite.
  const at::Tensor finite = at::isfinite(range);
  const at::Tensor constant = range == 0;
  NormalizedMaps result;
  result.maps = at::where(at::logical_and(finite, range > 0), shifted / range,
                          at::zeros({}, maps.options()));
  result.num_not_finite = finite.numel() - finite.sum().item<int64_t>();
  result.num_constant = constant.sum().item<int64_t>();
  return result;
}

}  // namespace wsol
