#include "wsol/cam/score_cam.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/masked_passes.h"

namespace wsol {
namespace {

int64_t ImageBytes(const at::Tensor& images) {
  return static_cast<int64_t>(images.nbytes()) / images.size(0);
}

}  // namespace

absl::Status ScoreCam::Check(const Pass& pass) const {
  return PassesAtATime(options().memory_budget_bytes,
                       EstimatePassBytes(pass.output, pass.images.size(0),
                                         ImageBytes(pass.images)),
                       /*limit=*/1)
      .status();
}

std::vector<ScoreCam::Term> ScoreCam::Terms(const Pass&, int64_t) const {
  return {Term()};
}

std::vector<ScoreCam::Term> SmoothedScoreCam::Terms(const Pass& pass,
                                                    int64_t image) const {
  std::vector<Term> terms(static_cast<size_t>(options().sscam_samples));
  for (size_t i = 0; i < terms.size(); ++i) {
    terms[i].offset =
        options().sscam_std *
        Noise(pass, image, static_cast<int>(i), pass.images[image].sizes());
    terms[i].weight = 1.0 / options().sscam_samples;
  }
  return terms;
}

std::vector<ScoreCam::Term> IntegratedScoreCam::Terms(const Pass&,
                                                      int64_t) const {
  std::vector<Term> terms(static_cast<size_t>(options().iscam_steps));
  double sum = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    sum += static_cast<double>(i + 1) / options().iscam_steps;
    terms[i].scale = sum;
  }
  return terms;
}

at::Tensor ScoreCam::ChannelScores(const Pass& pass, int64_t image,
                                   const at::Tensor& normalized) const {
  const at::Tensor x = pass.images.narrow(0, image, 1);
  const int64_t height = x.size(2);
  const int64_t width = x.size(3);
  const int64_t channels = normalized.size(0);
  const int64_t batch =
      *PassesAtATime(options().memory_budget_bytes,
                     EstimatePassBytes(pass.output, pass.images.size(0),
                                       ImageBytes(pass.images)),
                     channels);
  const std::vector<Term> terms = Terms(pass, image);
  at::Tensor masked;
  std::vector<at::Tensor> scores;
  for (int64_t begin = 0; begin < channels; begin += batch) {
    const int64_t count = std::min(batch, channels - begin);
    const at::Tensor masks = at::upsample_bilinear2d(
        normalized.narrow(0, begin, count).unsqueeze(1), {height, width},
        /*align_corners=*/false);
    if (!masked.defined() || masked.size(0) != count) {
      masked = at::empty({count, x.size(1), height, width}, x.options(),
                         at::MemoryFormat::ChannelsLast);
    }
    at::Tensor sum;
    for (const Term& term : terms) {
      if (term.offset.defined()) {
        // Not exactly x U + x noise, which would round otherwise.
        at::mul_out(masked, masks * term.scale + term.offset, x);
      } else {
        at::mul_out(masked, term.scale == 1 ? masks : masks * term.scale, x);
      }
      const at::Tensor probabilities =
          at::softmax(pass.network.Forward(masked).logits, 1)
              .index_select(1, pass.classes[image]) *
          term.weight;
      sum = sum.defined() ? sum + probabilities : probabilities;
    }
    scores.push_back(sum);
  }
  return at::cat(scores, 0).t();
}

at::Tensor ScoreCam::Maps(const Pass& pass) const {
  const at::Tensor& features = pass.features();
  const int64_t num_classes = pass.classes.size(1);
  std::vector<at::Tensor> maps;
  for (int64_t n = 0; n < features.size(0); ++n) {
    const at::Tensor flat = features[n].flatten(1);
    const at::Tensor low = std::get<0>(flat.min(1, /*keepdim=*/true));
    const at::Tensor range = std::get<0>((flat - low).max(1, /*keepdim=*/true));
    // Constant channels say nothing; NaNs compare false too.
    const at::Tensor channels = at::nonzero(range.squeeze(1) > 0).squeeze(1);
    if (channels.numel() == 0) {
      maps.push_back(
          at::zeros({1, num_classes, features.size(2), features.size(3)},
                    features.options()));
      continue;
    }
    const at::Tensor chosen = features[n].index_select(0, channels);
    const at::Tensor normalized =
        ((flat - low) / range).index_select(0, channels).view_as(chosen);
    const at::Tensor weights = ChannelScores(pass, n, normalized);
    const bool is_paper = options().variant == CamVariant::kPaper;
    maps.push_back(
        WeightedFeatureSums((is_paper ? chosen : normalized).unsqueeze(0),
                            weights.unsqueeze(0))
            .relu_());
  }
  return at::cat(maps, 0);
}

}  // namespace wsol
