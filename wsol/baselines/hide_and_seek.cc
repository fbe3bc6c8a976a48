#include "wsol/baselines/hide_and_seek.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ATen/ATen.h"
#include "absl/types/span.h"
#include "c10/util/Exception.h"
#include "vision/base/rng.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/random_streams.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

class HideAndSeek : public TrainingMethod {
 public:
  HideAndSeek(const TrainingMethodOptions& options, Classifier& classifier)
      : options_{options.has_grid, options.has_drop_rate, options.seed},
        classifier_(classifier) {}

  StepResult Step(const Batch& batch, const StepContext& context) override {
    const at::Tensor images =
        HideCells(batch.images, batch.indices, options_, context.epoch);
    return ClassificationStep(classifier_.forward(images).logits, batch.labels,
                              context.label_smoothing);
  }

 private:
  const HideCellsOptions options_;
  Classifier& classifier_;
};

}  // namespace

at::Tensor HideCells(const at::Tensor& images,
                     absl::Span<const int64_t> indices,
                     const HideCellsOptions& options, int64_t epoch) {
  TORCH_CHECK(images.dim() == 4 &&
                  images.size(0) == static_cast<int64_t>(indices.size()),
              "images must be [N, C, H, W] for ", indices.size(),
              " indices, got ", images.sizes());
  const int64_t height = images.size(2);
  const int64_t width = images.size(3);
  at::Tensor seen = at::ones({images.size(0), 1, height, width}, at::kFloat);
  for (size_t n = 0; n < indices.size(); ++n) {
    vision::Rng rng(
        options.seed,
        {static_cast<uint64_t>(RandomStream::kHideAndSeek),
         static_cast<uint64_t>(epoch), static_cast<uint64_t>(indices[n])});
    at::Tensor of_image = seen.select(0, static_cast<int64_t>(n)).squeeze(0);
    for (int64_t i = 0; i < options.grid; ++i) {
      const int64_t top = i * height / options.grid;
      const int64_t bottom = (i + 1) * height / options.grid;
      for (int64_t j = 0; j < options.grid; ++j) {
        // Drawn for empty cells too, so that the stream does not depend on the
        // size.
        if (!rng.Bernoulli(options.drop_rate)) continue;
        const int64_t left = j * width / options.grid;
        const int64_t right = (j + 1) * width / options.grid;
        of_image.slice(0, top, bottom).slice(1, left, right).zero_();
      }
    }
  }
  return images * seen.to(images.options());
}

std::unique_ptr<TrainingMethod> MakeHideAndSeek(
    const TrainingMethodOptions& options, Classifier& classifier) {
  return std::make_unique<HideAndSeek>(options, classifier);
}

}  // namespace wsol
