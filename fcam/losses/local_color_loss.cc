#include "fcam/losses/local_color_loss.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fcam {
namespace {

constexpr int kMaxRadius = 64;

// The part of [..., H, W] that has a neighbour `dy` rows below and `dx` columns
// to the right (dx may be negative), and these neighbours.
struct Pairs {
  at::Tensor here;
  at::Tensor there;
};

Pairs PairUp(const at::Tensor& map, int64_t dy, int64_t dx) {
  const int64_t height = map.size(-2) - dy;
  const int64_t width = map.size(-1) - std::abs(dx);
  const int64_t left = std::max<int64_t>(-dx, 0);
  return {map.narrow(-2, 0, height).narrow(-1, left, width),
          map.narrow(-2, dy, height).narrow(-1, left + dx, width)};
}

}  // namespace

absl::Status LocalColorOptions::Validate() const {
  if (radius < 1 || radius > kMaxRadius) {
    return absl::InvalidArgumentError(
        absl::StrCat("radius is ", radius, ", expected 1 to ", kMaxRadius));
  }
  if (dilation < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("dilation is ", dilation, ", expected >= 1"));
  }
  // Written so that NaN is refused.
  if (!(sigma_xy_pixels > 0 && std::isfinite(sigma_xy_pixels))) {
    return absl::InvalidArgumentError(
        absl::StrCat("sigma_xy_pixels is ", sigma_xy_pixels, ", expected > 0"));
  }
  if (!(sigma_rgb > 0 && std::isfinite(sigma_rgb))) {
    return absl::InvalidArgumentError(
        absl::StrCat("sigma_rgb is ", sigma_rgb, ", expected > 0"));
  }
  if (!(gate >= 0 && gate < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("gate is ", gate, ", expected in [0, 1)"));
  }
  return absl::OkStatus();
}

at::Tensor LocalColorLoss(const at::Tensor& probabilities,
                          const at::Tensor& images,
                          const LocalColorOptions& options) {
  TORCH_CHECK(probabilities.dim() == 4 && probabilities.size(1) == 2 &&
                  probabilities.numel() > 0,
              "probabilities have shape ", probabilities.sizes(),
              ", expected [N, 2, H, W] with N, H, W > 0");
  TORCH_CHECK(images.dim() == 4 && images.size(0) == probabilities.size(0) &&
                  images.size(1) == 3 &&
                  images.sizes().slice(2) == probabilities.sizes().slice(2),
              "images have shape ", images.sizes(), ", expected [",
              probabilities.size(0), ", 3, ", probabilities.size(2), ", ",
              probabilities.size(3), "]");
  const at::Tensor background = probabilities.select(1, 0);
  const at::Tensor foreground = probabilities.select(1, 1);
  const at::Tensor colors = images.to(probabilities.options());
  const double color_scale = -0.5 / (options.sigma_rgb * options.sigma_rgb);
  at::Tensor sum;
  double num_pairs = 0;
  // Each pair once: below, or to the right in the same row.
  for (int64_t j = 0; j <= options.radius; ++j) {
    for (int64_t i = j == 0 ? 1 : -options.radius; i <= options.radius; ++i) {
      const int64_t dy = j * options.dilation;
      const int64_t dx = i * options.dilation;
      if (dy >= probabilities.size(2) || std::abs(dx) >= probabilities.size(3))
        continue;
      at::Tensor weights;
      {
        const at::NoGradGuard no_grad;
        const Pairs color = PairUp(colors, dy, dx);
        const double distance =
            static_cast<double>(dy * dy + dx * dx) * -0.5 /
            (options.sigma_xy_pixels * options.sigma_xy_pixels);
        weights = (color.here - color.there)
                      .square_()
                      .sum(1)
                      .mul_(color_scale)
                      .add_(distance)
                      .exp_();
        if (options.gate > 0) {
          weights.masked_fill_(weights < options.gate, 0);
        }
      }
      const Pairs b = PairUp(background, dy, dx);
      const Pairs f = PairUp(foreground, dy, dx);
      const at::Tensor term =
          (weights * (b.here * f.there + f.here * b.there)).sum();
      sum = sum.defined() ? sum + term : term;
      num_pairs += static_cast<double>(weights.numel());
    }
  }
  // An image of one pixel, or all neighbours out of reach.
  if (!sum.defined()) return probabilities.sum() * 0;
  return sum / num_pairs;
}

}  // namespace fcam
