#include "wsol/evaluation_run/evaluate.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/baseline_maps.h"
#include "wsol/metrics/box_evaluator.h"
#include "wsol/metrics/mask_evaluator.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/results/images_csv.h"
#include "wsol/results/results_json.h"
#include "wsol/results/results_table.h"
#include "wsol/score_maps/class_ranks.h"
#include "wsol/score_maps/score_map_folder.h"

namespace wsol {
namespace {

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// Names the split folders below a folder that is none itself.
absl::Status CheckMetadataDir(const std::string& folder) {
  if (!IsDirectory(folder)) {
    return absl::NotFoundError(
        absl::StrCat("--metadata_dir: there is no folder '", folder, "'"));
  }
  if (vision::FileExists(vision::JoinPath(folder, "image_ids.txt"))) {
    return absl::OkStatus();
  }
  std::string hint;
  for (const char* const split : {"test", "val", "train"}) {
    const std::string path = vision::JoinPath(folder, split);
    if (vision::FileExists(vision::JoinPath(path, "image_ids.txt"))) {
      absl::StrAppend(&hint, hint.empty() ? "; did you mean " : " or ", "'",
                      path, "'");
    }
  }
  return absl::NotFoundError(absl::StrCat("--metadata_dir: the folder '",
                                          folder, "' has no image_ids.txt",
                                          hint, hint.empty() ? "" : "?"));
}

absl::StatusOr<Dataset> OpenSplit(const EvaluateOptions& options) {
  VISION_RETURN_IF_ERROR(CheckMetadataDir(options.metadata_dir));
  if (!options.mask_root.empty() && !IsDirectory(options.mask_root)) {
    return absl::NotFoundError(absl::StrCat("--mask_root: there is no folder '",
                                            options.mask_root, "'"));
  }
  DatasetOptions dataset_options;
  dataset_options.num_classes = options.num_classes;
  dataset_options.proxy = options.proxy;
  dataset_options.mask_root = options.mask_root;
  // No image is read; the folder only has to be there.
  VISION_ASSIGN_OR_RETURN(
      Dataset split, Dataset::Open(options.metadata_dir, options.metadata_dir,
                                   dataset_options));
  if (options.mask_root.empty()) {
    for (int64_t i = 0; i < split.size(); ++i) {
      if (split.record(i).mask_paths.empty()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--mask_root is needed: the split has masks, such as '",
                       split.record(i).mask_paths[0], "'"));
    }
  }
  return split;
}

class Evaluation {
 public:
  Evaluation(const EvaluateOptions& options, const EvaluateCallbacks& callbacks)
      : options_(options), callbacks_(callbacks) {}

  absl::StatusOr<EvaluateReport> Run() {
    VISION_RETURN_IF_ERROR(options_.Validate());
    VISION_ASSIGN_OR_RETURN(const Dataset split, OpenSplit(options_));
    // What can be wrong comes to light before the first map is read.
    VISION_RETURN_IF_ERROR(ReadVal(split));
    if (!options_.predictions.empty()) {
      VISION_ASSIGN_OR_RETURN(
          ranks_, ReadClassRanks(options_.predictions, split.metadata(),
                                 NamesClasses() ? split.num_classes() : 0));
    }
    MapEvaluationOptions map_options;
    map_options.metrics.SetMode(options_.mode);
    map_options.metrics.SetKeepImages(options_.per_image);
    map_options.metrics.boxes.tau_interval = options_.tau_interval;
    map_options.metrics.masks.tau_interval = options_.tau_interval;
    map_options.metrics.bad_scores = options_.bad_scores;
    map_options.metrics.num_classes = split.num_classes();
    map_options.class_ranks = ranks_.of_image;
    map_options.num_threads = options_.num_threads;
    map_options.should_stop = callbacks_.should_stop;
    map_options.on_image = callbacks_.on_image;
    VISION_ASSIGN_OR_RETURN(MapEvaluation evaluation,
                            EvaluateSource(split, &map_options));
    EvaluateReport report;
    VISION_ASSIGN_OR_RETURN(report.results,
                            MakeResults(split, std::move(evaluation)));
    VISION_ASSIGN_OR_RETURN(const std::string tables,
                            ResultsTable(report.results));
    report.text =
        absl::StrCat(Description(split, report.results), "\n", tables);
    return report;
  }

 private:
  // Whether the number of classes is given, not merely the largest label of
  // this split.
  bool NamesClasses() const {
    if (options_.num_classes > 0) return true;
    const std::string dir = options_.metadata_dir;
    return vision::FileExists(vision::JoinPath(dir, "class_names.txt")) ||
           vision::FileExists(vision::JoinPath(dir, "../class_names.txt"));
  }

  // The results whose thresholds are taken, if any.
  absl::Status ReadVal(const Dataset& split) {
    if (options_.tau_from.empty()) return absl::OkStatus();
    VISION_ASSIGN_OR_RETURN(val_, ReadResults(options_.tau_from));
    bool has_boxes = false, has_masks = false;
    for (int64_t i = 0; i < split.size(); ++i) {
      has_boxes = has_boxes || !split.record(i).boxes.empty();
      has_masks = has_masks || !split.record(i).mask_paths.empty();
    }
    const bool has_top1 =
        !options_.predictions.empty() || !options_.checkpoint.empty();
    const absl::Status usable =
        CheckTausOf(*val_, options_.mode, options_.tau_interval,
                    options_.box_modes, has_boxes, has_top1, has_masks);
    return vision::Annotate(usable, "--tau_from");
  }

  void Begin(const Dataset& split) const {
    if (callbacks_.on_begin) callbacks_.on_begin(split.size());
  }

  absl::StatusOr<MapEvaluation> EvaluateSource(
      const Dataset& split, MapEvaluationOptions* map_options) {
    if (!options_.checkpoint.empty()) {
      if (!callbacks_.evaluate_checkpoint) {
        return absl::UnimplementedError(
            "this program does not evaluate checkpoints");
      }
      source_ = absl::StrCat("checkpoint ", options_.checkpoint);
      Begin(split);
      return callbacks_.evaluate_checkpoint(split, *map_options);
    }
    if (options_.baseline.has_value()) {
      source_ = absl::StrCat("baseline ", BaselineName(*options_.baseline));
      if (*options_.baseline == Baseline::kRandom) {
        absl::StrAppend(&source_, ", seed ", options_.seed);
      }
      Begin(split);
      return EvaluateMaps(
          split,
          [&](int64_t i, cv::Size size) {
            return BaselineMap(split.record(i).id, size);
          },
          *map_options);
    }
    std::vector<std::string> ids;
    ids.reserve(static_cast<size_t>(split.size()));
    for (int64_t i = 0; i < split.size(); ++i) {
      ids.push_back(split.record(i).id);
    }
    ScoreMapFolderOptions folder_options;
    folder_options.allow_extra = options_.allow_extra_maps;
    VISION_ASSIGN_OR_RETURN(
        const ScoreMapFolder folder,
        ScoreMapFolder::Open(options_.score_maps, ids, folder_options));
    map_options->size_policy = options_.size_policy;
    Begin(split);
    VISION_ASSIGN_OR_RETURN(MapEvaluation evaluation,
                            EvaluateMaps(
                                split,
                                [&](int64_t i, cv::Size) {
                                  return folder.Load(static_cast<size_t>(i));
                                },
                                *map_options));
    source_ = absl::StrCat("score maps ", folder.Describe());
    if (folder.num_extra() > 0) {
      absl::StrAppend(&source_, "; ", folder.num_extra(),
                      " maps of other images left out");
    }
    if (evaluation.num_resized > 0) {
      absl::StrAppend(&source_, "; ", evaluation.num_resized, " of ",
                      split.size(), " interpolated to ",
                      options_.mode == EvaluationMode::kNative
                          ? "the image's size"
                          : "224x224");
    }
    return evaluation;
  }

  cv::Mat BaselineMap(const std::string& id, cv::Size size) const {
    switch (*options_.baseline) {
      case Baseline::kConstant:
        return ConstantBaselineMap(size.width, size.height);
      case Baseline::kRandom:
        return RandomBaselineMap(options_.seed, id, size.width, size.height);
      case Baseline::kCenter:
        break;
    }
    return CenterBaselineMap(size.width, size.height);
  }

  absl::StatusOr<EvaluationResults> MakeResults(const Dataset& split,
                                                MapEvaluation evaluation) {
    EvaluationResults results;
    results.config = options_.Config();
    results.seed = options_.seed;
    results.data_sha256 = DataDigest(split, evaluation.mask_checksums);
    results.class_names = split.class_names();
    results.localization = std::move(evaluation.localization);
    results.classification = std::move(evaluation.classification);
    results.top5_known = ranks_.top5_known;
    results.box_modes = options_.box_modes;
    TauChoice choice;
    if (val_.has_value()) choice.rule = TauRule::kVal;
    if (options_.tau.has_value()) {
      choice.rule = TauRule::kFixed;
      choice.fixed_tau = *options_.tau;
    }
    results.tau_rule = choice.rule;
    if (results.localization.boxes.has_value()) {
      const BoxMetrics& boxes = *results.localization.boxes;
      VISION_ASSIGN_OR_RETURN(
          results.box_scores,
          val_.has_value()
              ? ScoreBoxesAtTausOf(*val_, boxes, options_.box_modes)
              : ScoreBoxes(boxes, choice));
    }
    if (results.localization.masks.has_value()) {
      const MaskMetrics& masks = *results.localization.masks;
      VISION_ASSIGN_OR_RETURN(results.mask_score,
                              val_.has_value() ? ScoreMasksAtTauOf(*val_, masks)
                                               : ScoreMasks(masks, choice));
    }
    return results;
  }

  std::string Description(const Dataset& split,
                          const EvaluationResults& results) const {
    std::string text =
        absl::StrCat(options_.metadata_dir, ": ", split.size(), " images of ",
                     split.num_classes(), " classes");
    if (results.localization.boxes.has_value()) {
      absl::StrAppend(&text, ", ", results.localization.boxes->num_boxes,
                      " boxes");
    }
    if (results.localization.masks.has_value()) {
      absl::StrAppend(&text, ", masks with ",
                      results.localization.masks->num_foreground_pixels,
                      " foreground pixels");
    }
    absl::StrAppend(&text, "\n", source_, "\n",
                    EvaluationModeName(options_.mode), " mode, thresholds ",
                    options_.tau_interval, " apart, ");
    switch (results.tau_rule) {
      case TauRule::kOracle:
        absl::StrAppend(&text, "the best on these images taken (oracle)");
        break;
      case TauRule::kVal:
        absl::StrAppend(&text, "the best of ", options_.tau_from, " taken",
                        val_->data_sha256 == results.data_sha256
                            ? " (NOTE: it is of the same images)"
                            : "");
        break;
      case TauRule::kFixed:
        absl::StrAppend(&text, *options_.tau, " given");
        break;
    }
    text.push_back('\n');
    const ScoreRepairs& repairs = results.localization.repairs;
    if (repairs.num_images > 0) {
      absl::StrAppend(&text, "NOTE: replaced scores of ", repairs.num_images,
                      " maps: ", repairs.num_nan, " NaN, ",
                      repairs.num_infinite, " infinite, ",
                      repairs.num_out_of_range, " outside [0, 1]\n");
    }
    return text;
  }

  const EvaluateOptions& options_;
  const EvaluateCallbacks& callbacks_;
  ClassRanks ranks_;
  std::optional<StoredResults> val_;
  std::string source_;
};

}  // namespace

absl::StatusOr<EvaluateReport> Evaluate(const EvaluateOptions& options,
                                        const EvaluateCallbacks& callbacks) {
  return Evaluation(options, callbacks).Run();
}

std::string ImagesCsvPath(const std::string& output) {
  return absl::StrCat(absl::StripSuffix(output, ".json"), ".csv");
}

absl::Status WriteReport(const EvaluateReport& report,
                         const std::string& output) {
  const LocalizationMetrics& metrics = report.results.localization;
  VISION_ASSIGN_OR_RETURN(const std::string json,
                          ResultsToJson(report.results));
  if ((metrics.boxes.has_value() && !metrics.boxes->images.empty()) ||
      (metrics.masks.has_value() && !metrics.masks->images.empty())) {
    VISION_ASSIGN_OR_RETURN(const std::string csv, ImagesCsv(report.results));
    VISION_RETURN_IF_ERROR(
        vision::WriteFileAtomically(ImagesCsvPath(output), csv));
  }
  return vision::WriteFileAtomically(output, json);
}

}  // namespace wsol
