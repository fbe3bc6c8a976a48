#include "wsol/baselines/factory.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/baselines/adversarial_complementary.h"
#include "wsol/baselines/attention_dropout.h"
#include "wsol/baselines/classification_loss.h"
#include "wsol/baselines/cut_mix.h"
#include "wsol/baselines/hide_and_seek.h"
#include "wsol/baselines/self_produced_guidance.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/pooling/acol.h"
#include "wsol/training/engine.h"

namespace wsol {
namespace {

using MethodOr = absl::StatusOr<std::unique_ptr<TrainingMethod>>;

constexpr char kAcolHead[] = "ACoL";

// The images as they are.
class PlainTraining : public TrainingMethod {
 public:
  explicit PlainTraining(Classifier& classifier) : classifier_(classifier) {}

  StepResult Step(const Batch& batch, const StepContext& context) override {
    return ClassificationStep(classifier_.forward(batch.images).logits,
                              batch.labels, context.label_smoothing);
  }

 private:
  Classifier& classifier_;
};

MethodOr MakePlain(const TrainingMethodOptions& /*options*/,
                   Classifier& classifier) {
  return std::make_unique<PlainTraining>(classifier);
}

// For methods that work with any classifier.
template <std::unique_ptr<TrainingMethod> (*kMake)(const TrainingMethodOptions&,
                                                   Classifier&)>
MethodOr Make(const TrainingMethodOptions& options, Classifier& classifier) {
  return kMake(options, classifier);
}

struct Entry {
  const char* name;
  // The pooling head that it needs; "": any but ACoL's.
  const char* head;
  MethodOr (*make)(const TrainingMethodOptions& options,
                   Classifier& classifier);
};

constexpr Entry kEntries[] = {
    {"none", "", MakePlain},
    {"HaS", "", Make<MakeHideAndSeek>},
    {"CutMix", "", Make<MakeCutMix>},
    {"ACoL", kAcolHead, MakeAdversarialComplementary},
    {"ADL", "", MakeAttentionDropout},
    {"SPG", "GAP", MakeSelfProducedGuidance},
};

absl::StatusOr<Entry> FindEntry(absl::string_view name) {
  for (const Entry& entry : kEntries) {
    if (absl::EqualsIgnoreCase(name, entry.name)) return entry;
  }
  return vision::UnknownNameError("training method", name,
                                  TrainingMethodNames());
}

absl::Status HeadError(const Entry& entry, absl::string_view got) {
  if (*entry.head != '\0') {
    return absl::InvalidArgumentError(absl::StrCat(
        "training method ", entry.name, " needs the pooling head \"",
        entry.head, "\", got \"", got, "\""));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the pooling head \"", kAcolHead,
                   "\" needs the training method ", kAcolHead, ", got ",
                   entry.name, ", which leaves its branch B untrained"));
}

}  // namespace

std::vector<std::string> TrainingMethodNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

absl::StatusOr<std::string> ParseTrainingMethod(absl::string_view name) {
  VISION_ASSIGN_OR_RETURN(const Entry entry,
                          FindEntry(name.empty() ? "none" : name));
  return std::string(entry.name);
}

std::string RequiredPoolingHead(absl::string_view method) {
  for (const Entry& entry : kEntries) {
    if (method == entry.name) return entry.head;
  }
  return "";
}

absl::Status CheckTrainingMethod(const TrainingMethodOptions& options,
                                 absl::string_view pooling_head) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const Entry entry, FindEntry(options.name));
  const bool fits = *entry.head == '\0' ? pooling_head != kAcolHead
                                        : pooling_head == entry.head;
  return fits ? absl::OkStatus() : HeadError(entry, pooling_head);
}

absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeTrainingMethod(
    const TrainingMethodOptions& options, Classifier& classifier) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const Entry entry, FindEntry(options.name));
  if (entry.head != absl::string_view(kAcolHead) &&
      dynamic_cast<const AcolHead*>(&classifier.head()) != nullptr) {
    return HeadError(entry, kAcolHead);
  }
  return vision::CallTorch("making a training method",
                           [&] { return entry.make(options, classifier); });
}

}  // namespace wsol
