// What an evaluation evaluates, and how: the options of //wsol:evaluate.

#ifndef WSOL_EVALUATION_RUN_EVALUATE_OPTIONS_H_
#define WSOL_EVALUATION_RUN_EVALUATE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/score_maps/size_policy.h"

namespace wsol {

// Maps that look at no image (wsol/metrics/baseline_maps.h).
enum class Baseline { kCenter, kConstant, kRandom };

// "center", "constant" or "random".
absl::string_view BaselineName(Baseline baseline);
absl::StatusOr<Baseline> ParseBaseline(absl::string_view name);

// The modes of "v1", "v2" or "both"; kInvalidArgument for any other name.
absl::StatusOr<std::vector<BoxMode>> ParseBoxModes(absl::string_view name);

// "reject" or "replace".
absl::string_view BadScoresName(BadScores bad_scores);
absl::StatusOr<BadScores> ParseBadScores(absl::string_view name);

// The network of a checkpoint, which holds weights alone, and its maps.
struct CheckpointOptions {
  // Folder that image ids start from.
  std::string image_root;
  // See ClassifierOptions, vision::BackboneOptions and wsol::CamOptions.
  std::string backbone = "resnet50";
  std::string strides = "wsol28";
  std::string pooling = "WGAP";
  std::string cam_method = "CAM";
  // Images are resized to image_size x image_size pixels.
  int image_size = 224;
  int batch_size = 32;
};

struct EvaluateOptions {
  // The folder that holds image_ids.txt.
  std::string metadata_dir;
  // Folder that the paths of masks start from.
  std::string mask_root;
  // 0: as many as class_names.txt has lines, or else the largest label + 1.
  int num_classes = 0;
  // Takes the images of image_ids_proxy.txt only.
  bool proxy = false;

  // Where the maps come from; exactly one of the three.
  std::string score_maps;
  std::optional<Baseline> baseline;
  std::string checkpoint;
  CheckpointOptions checkpoint_options;

  // Of score maps on disk.
  SizePolicy size_policy = SizePolicy::kAny;
  BadScores bad_scores = BadScores::kReject;
  bool allow_extra_maps = false;

  // CSV of rankings or scores, see wsol/score_maps/class_ranks.h; empty:
  // localization with the class known only.
  std::string predictions;

  EvaluationMode mode = EvaluationMode::kProtocol;
  std::vector<BoxMode> box_modes = {BoxMode::kLargestContour,
                                    BoxMode::kAllContours};
  double tau_interval = 0.001;
  // At most one of the two; none: the best threshold of these images.
  std::string tau_from;
  std::optional<double> tau;

  // Keeps and writes results by image.
  bool per_image = true;
  // JSON file; its sibling with the extension .csv gets the results by image.
  // Empty: nothing is written.
  std::string output;

  // Of Baseline::kRandom.
  uint64_t seed = 0;
  int num_threads = 1;

  // kInvalidArgument names the flag.
  absl::Status Validate() const;

  // What a result depends on, as flags.
  std::vector<std::pair<std::string, std::string>> Config() const;
};

}  // namespace wsol

#endif  // WSOL_EVALUATION_RUN_EVALUATE_OPTIONS_H_
