#include "wsol/evaluation_run/evaluate_options.h"

#include "absl/strings/str_cat.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/tau_selection.h"

namespace wsol {

absl::string_view BaselineName(Baseline baseline) {
  return baseline == Baseline::kCenter     ? "center"
         : baseline == Baseline::kConstant ? "constant"
                                           : "random";
}

absl::StatusOr<Baseline> ParseBaseline(absl::string_view name) {
  for (const Baseline baseline :
       {Baseline::kCenter, Baseline::kConstant, Baseline::kRandom}) {
    if (name == BaselineName(baseline)) return baseline;
  }
  return vision::UnknownNameError("baseline", name,
                                  {"center", "constant", "random"});
}

absl::StatusOr<std::vector<BoxMode>> ParseBoxModes(absl::string_view name) {
  if (name == "both") {
    return std::vector<BoxMode>{BoxMode::kLargestContour,
                                BoxMode::kAllContours};
  }
  for (const BoxMode mode : {BoxMode::kLargestContour, BoxMode::kAllContours}) {
    if (name == BoxModeName(mode)) return std::vector<BoxMode>{mode};
  }
  return vision::UnknownNameError("box mode", name, {"v1", "v2", "both"});
}

absl::string_view BadScoresName(BadScores bad_scores) {
  return bad_scores == BadScores::kReject ? "reject" : "replace";
}

absl::StatusOr<BadScores> ParseBadScores(absl::string_view name) {
  for (const BadScores bad_scores : {BadScores::kReject, BadScores::kReplace}) {
    if (name == BadScoresName(bad_scores)) return bad_scores;
  }
  return vision::UnknownNameError("policy for bad scores", name,
                                  {"reject", "replace"});
}

absl::Status EvaluateOptions::Validate() const {
  if (metadata_dir.empty()) {
    return absl::InvalidArgumentError(
        "--metadata_dir is needed: the folder that holds image_ids.txt");
  }
  const int sources = static_cast<int>(!score_maps.empty()) +
                      static_cast<int>(baseline.has_value()) +
                      static_cast<int>(!checkpoint.empty());
  if (sources != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "got ", sources == 0 ? "none" : "several",
        " of --score_maps, --baseline and --checkpoint, expected exactly one"));
  }
  if (!checkpoint.empty() && !predictions.empty()) {
    return absl::InvalidArgumentError(
        "got --predictions beside --checkpoint, whose classifier ranks the "
        "classes itself");
  }
  if (!checkpoint.empty() && checkpoint_options.image_root.empty()) {
    return absl::InvalidArgumentError(
        "--image_root is needed with --checkpoint: the folder that image ids "
        "start from");
  }
  if (checkpoint_options.image_size < 1 || checkpoint_options.batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--image_size is ", checkpoint_options.image_size,
                     " and --batch_size is ", checkpoint_options.batch_size,
                     ", expected at least 1"));
  }
  if (num_classes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--num_classes is ", num_classes, ", expected 0 or more"));
  }
  const absl::Status interval = ValidateTauInterval(tau_interval);
  if (!interval.ok()) return vision::Annotate(interval, "--tau_interval");
  if (!tau_from.empty() && tau.has_value()) {
    return absl::InvalidArgumentError(
        "got both --tau and --tau_from, expected at most one");
  }
  if (tau.has_value()) {
    const absl::Status found = TauIndex(TauList(tau_interval), *tau).status();
    if (!found.ok()) return vision::Annotate(found, "--tau");
  }
  if (box_modes.empty()) {
    return absl::InvalidArgumentError(
        "box_modes is empty, expected at least one");
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads is ", num_threads, ", expected at least 1"));
  }
  return absl::OkStatus();
}

std::vector<std::pair<std::string, std::string>> EvaluateOptions::Config()
    const {
  std::vector<std::pair<std::string, std::string>> config;
  const auto add = [&](const char* name, absl::string_view value) {
    if (!value.empty()) config.emplace_back(name, std::string(value));
  };
  add("metadata_dir", metadata_dir);
  add("mask_root", mask_root);
  if (num_classes > 0) add("num_classes", absl::StrCat(num_classes));
  if (proxy) add("proxy", "true");
  add("score_maps", score_maps);
  if (baseline.has_value()) add("baseline", BaselineName(*baseline));
  add("checkpoint", checkpoint);
  if (!checkpoint.empty()) {
    add("image_root", checkpoint_options.image_root);
    add("backbone", checkpoint_options.backbone);
    add("strides", checkpoint_options.strides);
    add("pooling", checkpoint_options.pooling);
    add("cam_method", checkpoint_options.cam_method);
    add("image_size", absl::StrCat(checkpoint_options.image_size));
    add("batch_size", absl::StrCat(checkpoint_options.batch_size));
  }
  if (!score_maps.empty()) {
    add("size_policy", SizePolicyName(size_policy));
    add("bad_scores", BadScoresName(bad_scores));
    if (allow_extra_maps) add("allow_extra_maps", "true");
  }
  add("predictions", predictions);
  add("mode", EvaluationModeName(mode));
  add("box_mode",
      box_modes.size() > 1 ? "both" : BoxModeName(box_modes.front()));
  add("tau_interval", absl::StrCat(tau_interval));
  add("tau_from", tau_from);
  if (tau.has_value()) add("tau", absl::StrCat(*tau));
  return config;
}

}  // namespace wsol
