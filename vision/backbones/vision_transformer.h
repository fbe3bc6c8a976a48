// Vision transformers with a token map: ViT-S/16 and DeiT-S, in timm's form.
//
// Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021; Touvron et al.,
// Training Data-efficient Image Transformers, ICML 2021. State-dict keys are
// timm's ("blocks.0.attn.qkv.weight") without the head. Position embeddings are
// stored for one grid and interpolated for others, so images need not have the
// size of the weights.
//
// WSOL strides: the patches of 16 x 16 overlap, 8 apart, with padding 4, which
// gives 28 x 28 tokens for 224 x 224 images from unchanged weights, at four
// times the tokens (as in Amir et al., Deep ViT Features as Dense Visual
// Descriptors, 2021).
//
//   VISION_ASSIGN_OR_RETURN(auto vit, vision::MakeVisionTransformer({}));
//   const auto output = vit->ForwardWithAttention(images);

#ifndef VISION_BACKBONES_VISION_TRANSFORMER_H_
#define VISION_BACKBONES_VISION_TRANSFORMER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/modules/dropout.h"
#include "torch/nn/modules/normalization.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/stride_preset.h"

namespace vision {

class TransformerBlock;

// The defaults are ViT-S/16 and DeiT-S at 224 x 224 with WSOL strides.
struct VisionTransformerOptions {
  int64_t width = 384;
  int64_t depth = 12;
  // Divides `width`.
  int64_t heads = 6;
  int64_t mlp_ratio = 4;
  int64_t patch = 16;
  // Pixels from one patch to the next, `patch` at most; patch - stride is even.
  int64_t stride = 8;
  // Side, in pixels, of the square images that the stored position embeddings
  // are for: a grid of image_size / patch; a multiple of `patch`.
  int64_t image_size = 224;

  int64_t in_channels = 3;
  // Probability of dropout in [0, 1): of the tokens with their positions, and
  // of the outputs of attention and of the MLP.
  double dropout = 0;
  // Probability that training drops the last block's branches, in [0, 1); it
  // falls to 0 in proportion towards the first block.
  double stochastic_depth = 0;
  // Of the initial weights: normal with deviation 0.02 (the class token: 1e-6),
  // biases 0, norms 1 and 0; the patches' projection uniform within
  // 1 / sqrt(fan in).
  uint64_t seed = 0;

  // kInvalidArgument names the field, its value and what is allowed.
  absl::Status Validate() const;
};

// Options of vit_small_patch16_224 and deit_small_patch16_224 (one network, two
// sets of weights). kInvalidArgument lists these names.
absl::StatusOr<VisionTransformerOptions> VisionTransformerPreset(
    absl::string_view name, StridePreset strides);

struct VisionTransformerOutput {
  // The images, and the tokens of the last block, normalised, without the class
  // token: [N, width, h, w].
  FeaturePyramid pyramid;
  // [N, width]: the class token at the end, what timm's head reads.
  at::Tensor class_token;
  // Of each block [N, heads, T, T], T = 1 + h w, the class token first:
  // softmax over the last axis, before dropout. Empty unless asked for.
  std::vector<at::Tensor> attention;
};

// Its pyramid has two levels, f0 (the images) and f1 (tokens): a U-Net decoder
// for it has no skips, and log2(stride) blocks. The last stage is the last
// block and the final norm.
class VisionTransformer : public Backbone {
 public:
  // For MakeVisionTransformer, which checks the options first.
  explicit VisionTransformer(const VisionTransformerOptions& options);

  FeaturePyramid forward(const at::Tensor& images) override;

  // The same, with all that attention rollout needs (Abnar and Zuidema, 2020).
  // Gradients flow through the attention maps too. Keeps N heads T^2 numbers
  // for each block: 150 MB for one image at stride 8, 224 x 224, float32.
  VisionTransformerOutput ForwardWithAttention(const at::Tensor& images);

  std::vector<int64_t> channels() const override;
  std::vector<int64_t> strides() const override;
  std::vector<int64_t> FeatureSizes(int64_t size) const override;
  std::vector<std::string> last_stage() const override;
  std::string input_weight() const override {
    return "patch_embed.proj.weight";
  }

 private:
  VisionTransformerOutput Run(const at::Tensor& images, bool keep_attention);
  // [1, 1 + h w, width]: pos_embed for a grid of h x w.
  at::Tensor PositionEmbedding(int64_t height, int64_t width) const;
  void InitWeights();

  const VisionTransformerOptions options_;
  at::Tensor class_token_;
  at::Tensor positions_;
  std::shared_ptr<torch::nn::Conv2dImpl> projection_;
  std::shared_ptr<torch::nn::DropoutImpl> dropout_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<torch::nn::LayerNormImpl> norm_;
};

absl::StatusOr<std::shared_ptr<VisionTransformer>> MakeVisionTransformer(
    const VisionTransformerOptions& options);

}  // namespace vision

#endif  // VISION_BACKBONES_VISION_TRANSFORMER_H_
