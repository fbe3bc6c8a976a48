// VGG networks: torchvision's family, and the published WSOL form.
//
// Simonyan and Zisserman, Very Deep Convolutional Networks, ICLR 2015.
// Convolutions of 3 x 3 and ReLUs in blocks with max pools between; state-dict
// keys are torchvision's ("features.0.weight") without the classifier. In the
// WSOL form the fourth and fifth pool are removed, which shifts the numbers of
// the last block's layers by one (VGG-16: features.24, 26, 28 of torchvision
// are 23, 25, 27 here, as in the published code), and a convolution "conv6"
// with 1024 channels follows.
//
//   VISION_ASSIGN_OR_RETURN(
//       auto options, vision::VggPreset("vgg16", StridePreset::kWsol28));
//   VISION_ASSIGN_OR_RETURN(auto vgg, vision::MakeVgg(options));

#ifndef VISION_BACKBONES_VGG_H_
#define VISION_BACKBONES_VGG_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

// The defaults are the published WSOL form of VGG-16.
struct VggOptions {
  // Convolutions and width of each block, equally many, 1 to 8.
  std::vector<int64_t> convolutions = {2, 2, 3, 3, 3};
  std::vector<int64_t> widths = {64, 128, 256, 512, 512};
  // Stride of the 2 x 2 max pool behind each block: 2, or 1 for no pool.
  std::vector<int64_t> strides = {2, 2, 2, 1, 1};
  // Batch norm after each convolution of a block.
  bool batch_norm = false;
  // Channels of one more convolution at the end; 0 for none.
  int64_t conv6_width = 1024;

  int64_t in_channels = 3;
  // Probability of dropout on the last map, in [0, 1).
  double dropout = 0;
  // Of the initial weights: Kaiming normal (fan out), biases 0; conv6 uniform
  // within 1 / sqrt(fan in), as PyTorch's own convolutions.
  uint64_t seed = 0;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// Options of vgg11, vgg13, vgg16, vgg19 and, with batch norm, vgg11_bn, ...
// kInvalidArgument lists these names.
absl::StatusOr<VggOptions> VggPreset(absl::string_view name,
                                     StridePreset strides);

// Builds the network with initial weights. Its pyramid is what each max pool
// reads, so f0 has the images' size, and the last map: relu(conv6), or the last
// pool's output. The last stage is conv6, or the last block.
absl::StatusOr<std::shared_ptr<Backbone>> MakeVgg(const VggOptions& options);

}  // namespace vision

#endif  // VISION_BACKBONES_VGG_H_
