#include "wsol/cam/class_activation.h"

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

absl::Status ClassActivation::Check(const Pass& pass) const {
  if (!pass.is_last_layer()) {
    return absl::InvalidArgumentError(
        "CAM weighs the features that the head reads, so it takes the last "
        "layer (-1) only; GradCAM and LayerCAM take any");
  }
  if (!pass.network.LinearWeights().defined() && !pass.network.HasOwnMaps()) {
    return absl::InvalidArgumentError(
        "CAM needs a head that is linear on pooled features (WGAP, GAP) or "
        "makes maps; GradCAM takes any");
  }
  return absl::OkStatus();
}

at::Tensor ClassActivation::Maps(const Pass& pass) const {
  const at::Tensor& features = pass.features();
  if (pass.network.HasOwnMaps()) {
    return pass.network.OwnMapsOf(features, pass.classes).detach();
  }
  const at::Tensor weights = pass.network.LinearWeights().detach();
  return WeightedFeatureSums(
      features, weights.index_select(0, pass.classes.flatten())
                    .view({pass.classes.size(0), pass.classes.size(1), -1}));
}

}  // namespace wsol
