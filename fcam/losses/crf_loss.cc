#include "fcam/losses/crf_loss.h"

#include "ATen/ATen.h"
#include "vision/crf/bilateral_filter.h"

namespace fcam {

absl::Status CrfLossOptions::Validate() const { return dense.Validate(); }

at::Tensor CrfLoss(const at::Tensor& probabilities, const at::Tensor& images,
                   const CrfLossOptions& options) {
  const at::Tensor loss =
      vision::DenseCrfLoss(probabilities.cpu(), images.cpu(), options.dense);
  const bool lattice =
      options.dense.filter.method == vision::BilateralFilterMethod::kLattice;
  const double gain = options.published_strength && !lattice
                          ? vision::kDenseCrfCompatGain
                          : 1.0;
  return (gain == 1.0 ? loss : loss * gain).to(probabilities.device());
}

}  // namespace fcam
