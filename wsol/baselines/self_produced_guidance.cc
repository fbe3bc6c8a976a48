#include "wsol/baselines/self_produced_guidance.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/options/conv.h"
#include "vision/nn/weight_init.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/training_method.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

// Levels that the branches read.
constexpr int64_t kLevels = 3;

std::shared_ptr<torch::nn::Conv2dImpl> MakeConv(int64_t in_channels,
                                                int64_t out_channels,
                                                int64_t kernel) {
  return std::make_shared<torch::nn::Conv2dImpl>(
      torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
          .padding(kernel / 2));
}

at::Tensor ResizeTo(const at::Tensor& map, const at::Tensor& like) {
  if (map.size(2) == like.size(2) && map.size(3) == like.size(3)) return map;
  return at::upsample_bilinear2d(map, {like.size(2), like.size(3)},
                                 /*align_corners=*/false);
}

class SelfProducedGuidance : public TrainingMethod {
 public:
  SelfProducedGuidance(const TrainingMethodOptions& options,
                       std::vector<int64_t> channels, Classifier& classifier)
      : thresholds_(options.spg_thresholds),
        classifier_(classifier),
        branches_(std::make_shared<GuidanceBranches>(
            std::move(channels), options.spg_width, options.seed)) {}

  std::shared_ptr<torch::nn::Module> branches() override { return branches_; }

  StepResult Step(const Batch& batch, const StepContext& context) override {
    const ClassifierOutput output = classifier_.forward(batch.images);
    StepResult result = ClassificationStep(output.logits, batch.labels,
                                           context.label_smoothing);
    const GuidanceLosses losses = ComputeGuidanceLosses(
        AttentionMaps(output.features.back(), batch.labels),
        branches_->forward(output.features), thresholds_);
    result.values.emplace_back("loss_class", result.loss.item<double>());
    result.values.emplace_back("loss_b1", losses.b1.item<double>());
    result.values.emplace_back("loss_b2", losses.b2.item<double>());
    result.values.emplace_back("loss_c", losses.c.item<double>());
    result.loss = result.loss + losses.b1 + losses.b2 + losses.c;
    return result;
  }

 private:
  // [N, 1, h, w] in [0, 1].
  at::Tensor AttentionMaps(const at::Tensor& features,
                           const at::Tensor& labels) {
    const at::NoGradGuard no_grad;
    return NormalizeMaps(classifier_.head().ClassMapsOf(features.detach(),
                                                        labels.unsqueeze(1)))
        .maps;
  }

  const std::array<MaskThresholds, kLevels> thresholds_;
  Classifier& classifier_;
  const std::shared_ptr<GuidanceBranches> branches_;
};

}  // namespace

GuidanceMask MakeGuidanceMask(const at::Tensor& map,
                              MaskThresholds thresholds) {
  const at::NoGradGuard no_grad;
  const at::Tensor above = map > thresholds.high;
  const at::Tensor below = map < thresholds.low;
  // Counts of pixels need more than the 8 bits of bfloat16.
  const at::ScalarType type = at::promote_types(map.scalar_type(), at::kFloat);
  return {above.to(type), above.logical_or(below).to(type)};
}

at::Tensor GuidanceLoss(const at::Tensor& logits, const GuidanceMask& mask) {
  const at::Tensor sum = at::binary_cross_entropy_with_logits(
      logits.to(mask.objects.scalar_type()), mask.objects,
      /*weight=*/mask.valid, /*pos_weight=*/{}, at::Reduction::Sum);
  return sum / mask.valid.sum().clamp_min(1);
}

GuidanceBranches::GuidanceBranches(const std::vector<int64_t>& channels,
                                   int64_t width, uint64_t seed)
    : b1_(register_module("b1", MakeConv(channels.at(0), width, 3))),
      b2_(register_module("b2", MakeConv(channels.at(1), width, 3))),
      shared1_(register_module("shared1", MakeConv(width, width, 3))),
      shared2_(register_module("shared2", MakeConv(width, 1, 1))),
      c1_(register_module("c1", MakeConv(channels.at(2), width, 3))),
      c2_(register_module("c2", MakeConv(width, 1, 1))) {
  at::Generator generator = vision::MakeGenerator(seed);
  for (const at::Tensor& parameter : parameters()) {
    if (parameter.dim() == 4) {
      vision::XavierUniform(parameter, generator);
    } else {
      vision::FillConstant(parameter, 0);
    }
  }
}

GuidanceBranches::Logits GuidanceBranches::forward(
    const std::vector<at::Tensor>& pyramid) {
  TORCH_CHECK(pyramid.size() >= kLevels, "the branches read ", kLevels,
              " levels, got ", pyramid.size());
  const size_t first = pyramid.size() - kLevels;
  const auto shared = [this](const at::Tensor& x) {
    return shared2_->forward(shared1_->forward(x.relu()).relu_());
  };
  return {shared(b1_->forward(pyramid[first])),
          shared(b2_->forward(pyramid[first + 1])),
          c2_->forward(c1_->forward(pyramid[first + 2]).relu_())};
}

GuidanceLosses ComputeGuidanceLosses(
    const at::Tensor& attention, const GuidanceBranches::Logits& logits,
    const std::array<MaskThresholds, 3>& thresholds) {
  const at::Tensor map_1 = logits.b1.detach().sigmoid();
  const at::Tensor map_2 = logits.b2.detach().sigmoid();
  const at::Tensor mean =
      (ResizeTo(map_1, logits.c) + ResizeTo(map_2, logits.c)) / 2;
  GuidanceLosses losses;
  losses.b2 = GuidanceLoss(
      logits.b2,
      MakeGuidanceMask(ResizeTo(attention, logits.b2), thresholds[0]));
  losses.b1 = GuidanceLoss(
      logits.b1, MakeGuidanceMask(ResizeTo(map_2, logits.b1), thresholds[1]));
  losses.c = GuidanceLoss(logits.c, MakeGuidanceMask(mean, thresholds[2]));
  return losses;
}

absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeSelfProducedGuidance(
    const TrainingMethodOptions& options, Classifier& classifier) {
  if (!classifier.head().is_linear() || !classifier.head().has_maps()) {
    return absl::InvalidArgumentError(
        "training method SPG needs the pooling head \"GAP\", which makes a map "
        "for each class and averages it");
  }
  const std::vector<int64_t> channels = classifier.encoder().channels();
  const int64_t levels = static_cast<int64_t>(channels.size());
  // The first level is the image.
  if (levels < kLevels + 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "training method SPG reads ", kLevels,
        " levels of features besides the image, but the encoder has ",
        levels - 1));
  }
  return std::make_unique<SelfProducedGuidance>(
      options, std::vector<int64_t>(channels.end() - kLevels, channels.end()),
      classifier);
}

}  // namespace wsol
