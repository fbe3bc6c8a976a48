#include "wsol/report_run/report_split.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"
#include "vision/image/resize_map.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/metrics/tau_selection.h"
#include "wsol/results/evaluation_results.h"

namespace wsol {
namespace {

bool HasBoxes(const Dataset& dataset) {
  for (const ImageRecord& record : dataset.metadata().images) {
    if (!record.boxes.empty()) return true;
  }
  return false;
}

bool HasMasks(const Dataset& dataset) {
  for (const ImageRecord& record : dataset.metadata().images) {
    if (!record.mask_paths.empty()) return true;
  }
  return false;
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(
    const char* flag, const std::string& dir, const ReportOptions& options) {
  DatasetOptions dataset_options;
  dataset_options.mask_root =
      options.mask_root.empty() ? options.image_root : options.mask_root;
  absl::StatusOr<Dataset> dataset =
      Dataset::Open(dir, options.image_root, dataset_options);
  if (!dataset.ok()) return vision::Annotate(dataset.status(), flag);
  if (dataset_options.mask_root.empty() && HasMasks(*dataset)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--mask_root or --image_root is needed: the split '", dir,
                     "' has masks"));
  }
  return std::make_unique<Dataset>(*std::move(dataset));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReportSplit>> ReportSplit::Open(
    const ReportOptions& options) {
  for (const auto& [flag, dir] : {std::pair<const char*, const std::string*>{
                                      "--image_root", &options.image_root},
                                  {"--mask_root", &options.mask_root}}) {
    std::error_code error;
    if (dir->empty() || std::filesystem::is_directory(*dir, error)) continue;
    return absl::NotFoundError(
        absl::StrCat(flag, ": there is no folder '", *dir, "'"));
  }
  std::unique_ptr<ReportSplit> split(new ReportSplit());
  split->metadata_dir_ = options.metadata_dir;
  VISION_ASSIGN_OR_RETURN(
      std::unique_ptr<Dataset> first,
      OpenDataset("--metadata_dir", options.metadata_dir, options));
  if (HasBoxes(*first)) {
    split->boxes_ = std::move(first);
  } else if (HasMasks(*first)) {
    split->masks_ = std::move(first);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--metadata_dir: the split '", options.metadata_dir,
                     "' has neither boxes nor masks"));
  }
  if (!options.mask_metadata_dir.empty()) {
    if (split->masks_ != nullptr) {
      return absl::InvalidArgumentError(
          "--mask_metadata_dir: the split of --metadata_dir has masks already");
    }
    VISION_ASSIGN_OR_RETURN(
        split->masks_,
        OpenDataset("--mask_metadata_dir", options.mask_metadata_dir, options));
    if (!HasMasks(*split->masks_)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--mask_metadata_dir: the split '",
                       options.mask_metadata_dir, "' has no masks"));
    }
  }
  const Dataset& dataset = split->dataset();
  for (int64_t i = 0; i < dataset.size(); ++i) {
    split->ids_.push_back(dataset.record(i).id);
  }
  if (split->boxes_ != nullptr && split->masks_ != nullptr) {
    std::map<std::string, int64_t> index;
    for (int64_t i = 0; i < split->masks_->size(); ++i) {
      index[split->masks_->record(i).id] = i;
    }
    for (const std::string& id : split->ids_) {
      const auto found = index.find(id);
      if (found == index.end() || index.size() != split->ids_.size()) {
        return absl::InvalidArgumentError(
            absl::StrCat("--mask_metadata_dir: '", options.mask_metadata_dir,
                         "' has ", index.size(), " images and '",
                         options.metadata_dir, "' has ", split->ids_.size(),
                         ", which must be the same ones; look for '", id, "'"));
      }
      split->mask_index_.push_back(found->second);
    }
  }
  for (const bool of_boxes : {true, false}) {
    const Dataset* const data =
        of_boxes ? split->boxes_.get() : split->masks_.get();
    if (data == nullptr) continue;
    VISION_ASSIGN_OR_RETURN(const std::vector<uint32_t> checksums,
                            MaskChecksums(*data, options.num_threads));
    (of_boxes ? split->boxes_digest_ : split->masks_digest_) =
        DataDigest(*data, checksums);
  }
  return split;
}

absl::Status ReportSplit::CheckSameData(const StoredResults& results) const {
  if (results.data_sha256 == boxes_digest_ ||
      results.data_sha256 == masks_digest_) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", results.name,
      "' was evaluated against other images or ground truth "
      "(data_sha256 ",
      results.data_sha256.substr(0, 12),
      "...) than those of "
      "--metadata_dir '",
      metadata_dir_, "' (",
      (boxes_ != nullptr ? boxes_digest_ : masks_digest_).substr(0, 12),
      "...)"));
}

absl::StatusOr<std::vector<vision::Box>> ReportSplit::FrameBoxes(
    int64_t i) const {
  std::vector<vision::Box> boxes;
  if (boxes_ == nullptr) return boxes;
  const ImageRecord& record = boxes_->record(i);
  for (const vision::Box& box : record.boxes) {
    absl::StatusOr<vision::Box> scaled =
        BoxToFrame(box, record.width, record.height);
    if (!scaled.ok()) {
      return vision::Annotate(scaled.status(),
                              absl::StrCat("image id '", record.id, "'"));
    }
    boxes.push_back(*scaled);
  }
  return boxes;
}

absl::StatusOr<cv::Mat> ReportSplit::Mask(int64_t i) const {
  if (masks_ == nullptr || masks_->record(MaskIndex(i)).mask_paths.empty()) {
    return cv::Mat();
  }
  return masks_->LoadMask(MaskIndex(i));
}

absl::StatusOr<cv::Mat> ReportSplit::FrameMask(int64_t i) const {
  VISION_ASSIGN_OR_RETURN(const cv::Mat mask, Mask(i));
  if (mask.empty()) return mask;
  return vision::ResizeMaskNearest(mask, kFrameSize, kFrameSize);
}

absl::StatusOr<StoredResults> ReportSplit::Evaluate(
    absl::string_view name, const MapSource& map_of,
    const ReportOptions& options) const {
  MapEvaluationOptions map_options;
  map_options.metrics.SetKeepImages(true);
  map_options.metrics.boxes.tau_interval = options.tau_interval;
  map_options.metrics.masks.tau_interval = options.tau_interval;
  map_options.metrics.bad_scores = BadScores::kReject;
  map_options.num_threads = options.num_threads;
  map_options.should_stop = options.should_stop;
  EvaluationResults results;
  results.seed = options.seed;
  results.class_names = dataset().class_names();
  results.data_sha256 = boxes_ != nullptr ? boxes_digest_ : masks_digest_;
  if (boxes_ != nullptr) {
    VISION_ASSIGN_OR_RETURN(MapEvaluation evaluation,
                            EvaluateMaps(*boxes_, map_of, map_options));
    results.localization.boxes = std::move(evaluation.localization.boxes);
    VISION_ASSIGN_OR_RETURN(
        results.box_scores,
        ScoreBoxes(*results.localization.boxes, TauChoice()));
  }
  if (masks_ != nullptr) {
    std::vector<int64_t> image_of_mask(static_cast<size_t>(size()));
    for (int64_t i = 0; i < size(); ++i) {
      image_of_mask[static_cast<size_t>(MaskIndex(i))] = i;
    }
    VISION_ASSIGN_OR_RETURN(
        MapEvaluation evaluation,
        EvaluateMaps(
            *masks_,
            [&](int64_t i, cv::Size frame) {
              return map_of(image_of_mask[static_cast<size_t>(i)], frame);
            },
            map_options));
    results.localization.masks = std::move(evaluation.localization.masks);
    VISION_ASSIGN_OR_RETURN(
        results.mask_score,
        ScoreMasks(*results.localization.masks, TauChoice()));
  }
  VISION_ASSIGN_OR_RETURN(const std::string json, ResultsToJson(results));
  return ParseResults(json, name);
}

}  // namespace wsol
