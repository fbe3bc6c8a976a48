#include "fcam/losses/composite.h"

#include <cmath>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "fcam/losses/entropy_loss.h"
#include "fcam/losses/self_learning_loss.h"
#include "fcam/losses/size_loss.h"
#include "vision/base/status_util.h"

namespace fcam {
namespace {

constexpr int kNoEnd = -1;

void CheckDefined(const at::Tensor& tensor, const char* what,
                  const char* term) {
  TORCH_CHECK(tensor.defined(), "the loss ", term, " needs ", what,
              ", got none");
}

}  // namespace

bool LossTermOptions::IsOn(int epoch) const {
  return enabled && start_epoch <= epoch &&
         (end_epoch == kNoEnd || epoch <= end_epoch);
}

absl::Status LossTermOptions::Validate() const {
  // Written so that NaN is refused.
  if (!(weight >= 0 && std::isfinite(weight))) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight is ", weight, ", expected finite and >= 0"));
  }
  if (start_epoch < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("start_epoch is ", start_epoch, ", expected >= 0"));
  }
  if (end_epoch != kNoEnd && end_epoch < start_epoch) {
    return absl::InvalidArgumentError(absl::StrCat("end_epoch is ", end_epoch,
                                                   ", expected at least "
                                                   "start_epoch, ",
                                                   start_epoch,
                                                   ", or -1 for no end"));
  }
  return absl::OkStatus();
}

absl::Status FcamLossOptions::Validate() const {
  const std::pair<const char*, const LossTermOptions*> terms[] = {
      {kClassificationTerm, &classification},
      {kReconstructionTerm, &reconstruction},
      {kCrfTerm, &crf},
      {kLocalColorTerm, &local_color},
      {kEntropyTerm, &entropy},
      {kSizeTerm, &size},
      {kSizeBoundsTerm, &size_bounds},
      {kSelfLearningTerm, &self_learning}};
  bool any = false;
  for (const auto& [name, term] : terms) {
    any = any || term->enabled;
    const absl::Status status = term->Validate();
    if (!status.ok()) {
      return vision::Annotate(status, absl::StrCat("loss term ", name));
    }
  }
  if (!any) {
    return absl::InvalidArgumentError(
        "no loss term is enabled, expected at least one");
  }
  VISION_RETURN_IF_ERROR(
      vision::Annotate(elb.Validate(), absl::StrCat("loss term ", kSizeTerm)));
  VISION_RETURN_IF_ERROR(vision::Annotate(
      crf_options.Validate(), absl::StrCat("loss term ", kCrfTerm)));
  VISION_RETURN_IF_ERROR(
      vision::Annotate(size_bounds_options.Validate(),
                       absl::StrCat("loss term ", kSizeBoundsTerm)));
  VISION_RETURN_IF_ERROR(
      vision::Annotate(local_color_options.Validate(),
                       absl::StrCat("loss term ", kLocalColorTerm)));
  VISION_RETURN_IF_ERROR(
      vision::Annotate(reconstruction_options.Validate(),
                       absl::StrCat("loss term ", kReconstructionTerm)));
  if (ignore_index == 0 || ignore_index == 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("ignore_index is ", ignore_index,
                     ", the label of a region; expected neither 0 nor 1"));
  }
  return absl::OkStatus();
}

FcamLossOptions PublishedFcamLossOptions() {
  FcamLossOptions options;
  options.self_learning.enabled = true;
  options.crf.enabled = true;
  options.size.enabled = true;
  options.size.weight = 0.1;
  return options;
}

double FcamLossTerms::Value(absl::string_view name) const {
  for (const NamedLoss& term : terms) {
    if (term.name == name) return term.value.item<double>();
  }
  return 0;
}

absl::StatusOr<FcamLoss> FcamLoss::Create(const FcamLossOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return FcamLoss(options);
}

bool FcamLoss::NeedsSeeds(int epoch) const {
  return options_.self_learning.IsOn(epoch);
}

bool FcamLoss::NeedsImages(int epoch) const {
  return options_.crf.IsOn(epoch) || options_.local_color.IsOn(epoch) ||
         options_.reconstruction.IsOn(epoch);
}

FcamLossTerms FcamLoss::Compute(const FcamLossInputs& inputs, int epoch) const {
  TORCH_CHECK(inputs.fcams.defined() && inputs.fcams.dim() == 4 &&
                  inputs.fcams.size(1) == 2,
              "fcams have shape ",
              inputs.fcams.defined() ? inputs.fcams.sizes() : at::IntArrayRef(),
              ", expected [N, 2, H, W]");
  FcamLossTerms result;
  const at::Tensor zero = at::zeros({}, inputs.fcams.options());
  const auto add = [&](const char* name, const LossTermOptions& term,
                       auto&& compute) {
    if (!term.enabled) return;
    if (!term.IsOn(epoch)) {
      result.terms.push_back({name, zero});
      return;
    }
    const at::Tensor value = compute() * term.weight;
    result.terms.push_back({name, value.detach()});
    result.total = result.total.defined() ? result.total + value : value;
  };

  const bool needs_probabilities =
      options_.crf.IsOn(epoch) || options_.size.IsOn(epoch) ||
      options_.size_bounds.IsOn(epoch) || options_.local_color.IsOn(epoch);
  const at::Tensor probabilities =
      needs_probabilities ? inputs.fcams.softmax(1) : at::Tensor();

  add(kClassificationTerm, options_.classification, [&] {
    CheckDefined(inputs.logits, "logits", kClassificationTerm);
    CheckDefined(inputs.labels, "labels", kClassificationTerm);
    return at::cross_entropy_loss(inputs.logits, inputs.labels);
  });
  add(kReconstructionTerm, options_.reconstruction, [&] {
    CheckDefined(inputs.reconstruction, "a reconstruction",
                 kReconstructionTerm);
    CheckDefined(inputs.images, "images", kReconstructionTerm);
    return ReconstructionLoss(inputs.reconstruction, inputs.images,
                              options_.reconstruction_options, elb_.t());
  });
  add(kCrfTerm, options_.crf, [&] {
    CheckDefined(inputs.images, "images", kCrfTerm);
    return CrfLoss(probabilities, inputs.images, options_.crf_options);
  });
  add(kLocalColorTerm, options_.local_color, [&] {
    CheckDefined(inputs.images, "images", kLocalColorTerm);
    return LocalColorLoss(probabilities, inputs.images,
                          options_.local_color_options);
  });
  add(kEntropyTerm, options_.entropy,
      [&] { return EntropyLoss(inputs.fcams); });
  add(kSizeTerm, options_.size,
      [&] { return SizeLoss(probabilities, elb_.t()); });
  add(kSizeBoundsTerm, options_.size_bounds, [&] {
    return SizeBoundsLoss(probabilities, options_.size_bounds_options,
                          elb_.t());
  });
  add(kSelfLearningTerm, options_.self_learning, [&] {
    CheckDefined(inputs.seeds, "seeds", kSelfLearningTerm);
    return SelfLearningLoss(inputs.fcams, inputs.seeds, options_.ignore_index);
  });
  // A zero that backward() can start from, in an epoch in which no term counts.
  if (!result.total.defined()) result.total = (inputs.fcams * 0).sum();
  return result;
}

}  // namespace fcam
