#include "fcam/decoder/reconstruction_head.h"

#include <memory>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/base/nearest_names.h"
#include "vision/nn/weight_init.h"

namespace fcam {

absl::string_view ReconstructionRangeName(ReconstructionRange range) {
  return range == ReconstructionRange::kTanh ? "tanh" : "sigmoid";
}

absl::StatusOr<ReconstructionRange> ParseReconstructionRange(
    absl::string_view name) {
  for (const ReconstructionRange range :
       {ReconstructionRange::kTanh, ReconstructionRange::kSigmoid}) {
    if (name == ReconstructionRangeName(range)) return range;
  }
  return vision::UnknownNameError("range of a reconstruction", name,
                                  {"tanh", "sigmoid"});
}

ReconstructionHead::ReconstructionHead(int64_t in_channels,
                                       ReconstructionRange range, uint64_t seed)
    : range_(range) {
  conv_ = register_module(
      "0", std::make_shared<torch::nn::Conv2dImpl>(
               torch::nn::Conv2dOptions(in_channels, 3, 3).padding(1)));
  at::Generator generator = vision::MakeGenerator(seed);
  vision::XavierUniform(conv_->weight, generator);
  vision::FillConstant(conv_->bias, 0);
}

at::Tensor ReconstructionHead::forward(const at::Tensor& features) {
  const at::Tensor y = conv_->forward(features);
  return range_ == ReconstructionRange::kTanh ? y.tanh() : y.sigmoid();
}

}  // namespace fcam
