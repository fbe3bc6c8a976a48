// The split that runs are reported on: its images, its truth in the protocol's
// frame, and evaluations of maps on it.

#ifndef WSOL_REPORT_RUN_REPORT_SPLIT_H_
#define WSOL_REPORT_RUN_REPORT_SPLIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"
#include "wsol/datasets/dataset.h"
#include "wsol/report_run/report_options.h"
#include "wsol/results/results_json.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace wsol {

// Not movable: hand it around by pointer. Threads may share it.
class ReportSplit {
 public:
  // Opens options.metadata_dir and mask_metadata_dir and reads all masks once,
  // for their checksums. Errors: those of Dataset; kInvalidArgument, naming the
  // flag, for a split without boxes and masks, masks without a folder, or two
  // descriptions of different images.
  static absl::StatusOr<std::unique_ptr<ReportSplit>> Open(
      const ReportOptions& options);

  ReportSplit(const ReportSplit&) = delete;
  ReportSplit& operator=(const ReportSplit&) = delete;

  int64_t size() const { return dataset().size(); }
  // That with boxes, if there is one.
  const Dataset& dataset() const {
    return boxes_ != nullptr ? *boxes_ : *masks_;
  }
  bool has_boxes() const { return boxes_ != nullptr; }
  bool has_masks() const { return masks_ != nullptr; }
  bool has_images() const { return dataset().has_images(); }
  const std::vector<std::string>& ids() const { return ids_; }

  // kInvalidArgument, naming both, unless the results are of this split.
  absl::Status CheckSameData(const StoredResults& results) const;

  // True boxes of image i in the frame; none without boxes.
  absl::StatusOr<std::vector<vision::Box>> FrameBoxes(int64_t i) const;
  // The mask of image i as it is, CV_8UC1 of the labels of protocol_frame.h;
  // empty without masks. And the same in the frame.
  absl::StatusOr<cv::Mat> Mask(int64_t i) const;
  absl::StatusOr<cv::Mat> FrameMask(int64_t i) const;

  // All metrics of the maps by the protocol, at the best thresholds of these
  // images; `name` stands for them in messages. Errors: those of EvaluateMaps.
  absl::StatusOr<StoredResults> Evaluate(absl::string_view name,
                                         const MapSource& map_of,
                                         const ReportOptions& options) const;

 private:
  ReportSplit() = default;

  // The index in masks_ of image i.
  int64_t MaskIndex(int64_t i) const {
    return mask_index_.empty() ? i : mask_index_[static_cast<size_t>(i)];
  }

  std::unique_ptr<Dataset> boxes_;
  std::unique_ptr<Dataset> masks_;
  // Where the two are in different orders.
  std::vector<int64_t> mask_index_;
  std::vector<std::string> ids_;
  std::string metadata_dir_;
  // Of boxes_ and masks_; empty without.
  std::string boxes_digest_;
  std::string masks_digest_;
};

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_REPORT_SPLIT_H_
