#include "wsol/cam/eigen_cam.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "wsol/cam/cam_method.h"

namespace wsol {
namespace {

// Products with A^T A until the direction stands. Features after a ReLU are not
// negative, whose first singular value stands far apart, so this takes some ten
// steps; the limit is for features without such a gap, where any vector of the
// space that comes out explains as much.
constexpr int kMaxSteps = 200;
constexpr double kTolerance = 1e-12;

// A: [pixels, channels] double. Pixels' projections on the first right singular
// vector.
at::Tensor FirstComponent(const at::Tensor& a) {
  // The mean pixel is no bad guess. Where it is 0, or the norm is not finite,
  // this returns zeros or NaNs.
  at::Tensor direction = a.sum(0);
  if (direction.norm().item<double>() == 0) direction = a.abs().sum(0);
  direction = direction / direction.norm();
  for (int step = 0; step < kMaxSteps; ++step) {
    const at::Tensor next = at::mv(a.t(), at::mv(a, direction));
    const double norm = next.norm().item<double>();
    if (!(norm > 0)) break;
    const at::Tensor unit = next / norm;
    const double change = (unit - direction).norm().item<double>();
    direction = unit;
    if (change < kTolerance) break;
  }
  const at::Tensor projections = at::mv(a, direction);
  return projections.sum().item<double>() < 0 ? -projections : projections;
}

}  // namespace

at::Tensor EigenCam::Maps(const Pass& pass) const {
  const at::Tensor& features = pass.features();
  std::vector<at::Tensor> maps;
  for (const at::Tensor& of_image : features.unbind(0)) {
    maps.push_back(FirstComponent(of_image.flatten(1).t().to(at::kDouble))
                       .view({of_image.size(1), of_image.size(2)}));
  }
  return at::stack(maps, 0)
      .to(features.options())
      .unsqueeze(1)
      .repeat({1, pass.classes.size(1), 1, 1});
}

}  // namespace wsol
