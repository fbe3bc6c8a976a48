// A head that draws the image from decoder features: an auxiliary task that
// keeps details in them.
//
//   ReconstructionHead head(decoder->out_channels(),
//   ReconstructionRange::kTanh,
//                           /*seed=*/0);
//   at::Tensor image = head.forward(decoder->forward(pyramid));

#ifndef FCAM_DECODER_RECONSTRUCTION_HEAD_H_
#define FCAM_DECODER_RECONSTRUCTION_HEAD_H_

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"

namespace fcam {

// The last function of the head, and so what the image's values 0 and 255 are
// in its output.
enum class ReconstructionRange {
  kTanh,     // -1 and 1.
  kSigmoid,  // 0 and 1.
};

// "tanh", "sigmoid"; kInvalidArgument names both.
absl::StatusOr<ReconstructionRange> ParseReconstructionRange(
    absl::string_view name);
absl::string_view ReconstructionRangeName(ReconstructionRange range);

// A 3 x 3 convolution to three channels and the range's function. Keys
// "0.weight" and "0.bias". Weights start Xavier uniform, the bias at 0.
class ReconstructionHead : public torch::nn::Module {
 public:
  ReconstructionHead(int64_t in_channels, ReconstructionRange range,
                     uint64_t seed);

  // [N, in_channels, H, W] -> [N, 3, H, W], red, green, blue.
  at::Tensor forward(const at::Tensor& features);

  ReconstructionRange range() const { return range_; }

 private:
  ReconstructionRange range_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv_;
};

}  // namespace fcam

#endif  // FCAM_DECODER_RECONSTRUCTION_HEAD_H_
