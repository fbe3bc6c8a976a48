#include "wsol/baselines/attention_dropout.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "vision/backbones/stage_transform.h"
#include "vision/base/rng.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/random_streams.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

at::Tensor Attention(const at::Tensor& map) {
  return map.mean(at::IntArrayRef({1}), /*keepdim=*/true);
}

class AttentionDropoutLayers : public vision::StageTransform {
 public:
  AttentionDropoutLayers(const TrainingMethodOptions& options,
                         std::set<int64_t> levels)
      : drop_rate_(options.adl_drop_rate),
        gamma_(options.adl_gamma),
        seed_(options.seed),
        levels_(std::move(levels)) {}

  void set_place(int64_t epoch, int64_t batch) {
    epoch_ = epoch;
    batch_ = batch;
  }

  at::Tensor Apply(const at::Tensor& map, int64_t level) override {
    if (levels_.count(level) == 0) return map;
    vision::Rng rng(
        seed_, {static_cast<uint64_t>(RandomStream::kAttentionDropout),
                static_cast<uint64_t>(epoch_), static_cast<uint64_t>(batch_),
                static_cast<uint64_t>(level)});
    return rng.Bernoulli(drop_rate_) ? ApplyDropMask(map, gamma_)
                                     : ApplyImportance(map);
  }

 private:
  const double drop_rate_;
  const double gamma_;
  const uint64_t seed_;
  const std::set<int64_t> levels_;
  int64_t epoch_ = 0;
  int64_t batch_ = 0;
};

class AttentionDropout : public TrainingMethod {
 public:
  AttentionDropout(std::shared_ptr<AttentionDropoutLayers> layers,
                   Classifier& classifier)
      : layers_(std::move(layers)), classifier_(classifier) {
    classifier_.encoder().set_stage_transform(layers_);
  }

  ~AttentionDropout() override {
    classifier_.encoder().set_stage_transform(nullptr);
  }

  StepResult Step(const Batch& batch, const StepContext& context) override {
    layers_->set_place(context.epoch, context.batch);
    return ClassificationStep(classifier_.forward(batch.images).logits,
                              batch.labels, context.label_smoothing);
  }

 private:
  const std::shared_ptr<AttentionDropoutLayers> layers_;
  Classifier& classifier_;
};

}  // namespace

at::Tensor ApplyDropMask(const at::Tensor& map, double gamma) {
  const at::Tensor attention = Attention(map.detach());
  const at::Tensor limit = gamma * attention.amax({2, 3}, /*keepdim=*/true);
  return map.masked_fill(attention > limit, 0);
}

at::Tensor ApplyImportance(const at::Tensor& map) {
  return map * Attention(map).sigmoid();
}

absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeAttentionDropout(
    const TrainingMethodOptions& options, Classifier& classifier) {
  const int64_t levels =
      static_cast<int64_t>(classifier.encoder().channels().size());
  std::set<int64_t> wanted;
  for (const int64_t level : options.adl_levels) {
    const int64_t from_start = level < 0 ? level + levels : level;
    // f0 is the network's input, or as good as that.
    if (from_start < 1 || from_start >= levels) {
      return absl::InvalidArgumentError(absl::StrCat(
          "TrainingMethodOptions.adl_levels has ", level, ", expected 1 to ",
          levels - 1, " or ", 1 - levels, " to -1 for a network with ", levels,
          " levels, the first of which is the image"));
    }
    wanted.insert(from_start);
  }
  if (wanted.empty()) {
    for (int64_t i = std::max<int64_t>(1, levels - 3); i < levels; ++i) {
      wanted.insert(i);
    }
  }
  return std::make_unique<AttentionDropout>(
      std::make_shared<AttentionDropoutLayers>(options, std::move(wanted)),
      classifier);
}

}  // namespace wsol
