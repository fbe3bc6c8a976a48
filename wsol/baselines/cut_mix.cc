#include "wsol/baselines/cut_mix.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/random_streams.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

class CutMix : public TrainingMethod {
 public:
  CutMix(const TrainingMethodOptions& options, Classifier& classifier)
      : options_{options.cutmix_beta, options.cutmix_probability, options.seed},
        classifier_(classifier) {}

  StepResult Step(const Batch& batch, const StepContext& context) override {
    const CutMixDraw draw =
        DrawCutMix(options_, context.epoch, context.batch, batch.images.size(0),
                   batch.images.size(2), batch.images.size(3));
    const at::Tensor logits =
        classifier_.forward(MixImages(batch.images, draw)).logits;
    StepResult own =
        ClassificationStep(logits, batch.labels, context.label_smoothing);
    if (draw.box.IsEmpty()) return own;
    const at::Tensor partners = batch.labels.index_select(
        0, at::tensor(draw.partners, batch.labels.options()));
    const double share = draw.lambda;
    const at::Tensor loss =
        share * own.loss +
        (1 - share) * CrossEntropy(logits, partners, context.label_smoothing);
    const double accuracy = share * own.values.front().second +
                            (1 - share) * Accuracy(logits, partners);
    return {loss, {{kTrainAccuracy, accuracy}}};
  }

 private:
  const CutMixOptions options_;
  Classifier& classifier_;
};

}  // namespace

double SampleSymmetricBeta(double beta, vision::Rng& rng) {
  if (beta >= 1) {
    // Rejection from the uniform density: Beta's is proportional to
    // (x (1 - x))^(beta - 1), whose maximum, at 1/2, is scaled to 1.
    while (true) {
      const double x = rng.Uniform();
      if (beta == 1) return x;
      if (rng.Uniform() < std::pow(4 * x * (1 - x), beta - 1)) return x;
    }
  }
  // Joehnk, Metrika 8, 1964: with u^(1 / beta) + v^(1 / beta) <= 1, the first
  // one's share of the sum is Beta(beta, beta). By logarithms, for small beta
  // underflows.
  while (true) {
    const double x = std::log(1 - rng.Uniform()) / beta;
    const double y = std::log(1 - rng.Uniform()) / beta;
    const double high = std::max(x, y);
    const double log_sum =
        high + std::log(std::exp(x - high) + std::exp(y - high));
    if (log_sum <= 0) return std::exp(x - log_sum);
  }
}

vision::Box CutMixBox(double lambda, int64_t x, int64_t y, int64_t height,
                      int64_t width) {
  const double ratio = std::sqrt(1 - lambda);
  // Begin and end on one axis of `size` pixels.
  const auto cut = [ratio](int64_t center, int64_t size) {
    const int64_t extent =
        static_cast<int64_t>(ratio * static_cast<double>(size));
    const int64_t begin = center - extent / 2;
    return std::pair<int, int>(
        static_cast<int>(std::clamp<int64_t>(begin, 0, size)),
        static_cast<int>(std::clamp<int64_t>(begin + extent, 0, size)));
  };
  const auto [x0, x1] = cut(x, width);
  const auto [y0, y1] = cut(y, height);
  return {x0, y0, x1, y1};
}

CutMixDraw DrawCutMix(const CutMixOptions& options, int64_t epoch,
                      int64_t batch, int64_t n, int64_t height, int64_t width) {
  vision::Rng rng(options.seed,
                  {static_cast<uint64_t>(RandomStream::kCutMix),
                   static_cast<uint64_t>(epoch), static_cast<uint64_t>(batch)});
  CutMixDraw draw;
  draw.partners.resize(static_cast<size_t>(n));
  std::iota(draw.partners.begin(), draw.partners.end(), 0);
  if (!rng.Bernoulli(options.probability)) return draw;
  const double lambda = SampleSymmetricBeta(options.beta, rng);
  const auto x = rng.UniformInt(static_cast<uint64_t>(width));
  const auto y = rng.UniformInt(static_cast<uint64_t>(height));
  draw.box = CutMixBox(lambda, static_cast<int64_t>(x), static_cast<int64_t>(y),
                       height, width);
  draw.lambda = 1 - static_cast<double>(draw.box.Area()) /
                        static_cast<double>(height * width);
  // Fisher and Yates.
  for (size_t i = draw.partners.size(); i > 1; --i) {
    std::swap(draw.partners[i - 1], draw.partners[rng.UniformInt(i)]);
  }
  return draw;
}

at::Tensor MixImages(const at::Tensor& images, const CutMixDraw& draw) {
  TORCH_CHECK(images.dim() == 4 &&
                  images.size(0) == static_cast<int64_t>(draw.partners.size()),
              "images must be [N, C, H, W] for ", draw.partners.size(),
              " partners, got ", images.sizes());
  if (draw.box.IsEmpty()) return images;
  const auto box_of = [&](const at::Tensor& of) {
    return of.slice(2, draw.box.y0, draw.box.y1)
        .slice(3, draw.box.x0, draw.box.x1);
  };
  const at::Tensor mixed = images.clone();
  box_of(mixed).copy_(box_of(images).index_select(
      0, at::tensor(draw.partners, at::kLong).to(images.device())));
  return mixed;
}

std::unique_ptr<TrainingMethod> MakeCutMix(const TrainingMethodOptions& options,
                                           Classifier& classifier) {
  return std::make_unique<CutMix>(options, classifier);
}

}  // namespace wsol
