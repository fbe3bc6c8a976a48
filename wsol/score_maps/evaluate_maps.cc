#include "wsol/score_maps/evaluate_maps.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/score_maps/problem_list.h"

namespace wsol {
namespace {

// What went wrong, by image. Thread-safe.
class ImageProblems {
 public:
  void Add(int64_t image, const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    problems_[image] = std::string(status.message());
    full_ = problems_.size() >= ProblemList::kMaxListed;
  }

  // Images are begun in order: once there are 20 problems, no image that is not
  // yet begun can be among the first 20.
  bool full() const { return full_; }

  absl::Status ToStatus() const {
    if (problems_.empty()) return absl::OkStatus();
    ProblemList list;
    for (const auto& [image, problem] : problems_) {
      list.Add(problem);
      if (list.full()) break;
    }
    const absl::Status status = list.ToStatus();
    return full_ ? vision::Annotate(status, "stopped there") : status;
  }

 private:
  std::mutex mutex_;
  std::map<int64_t, std::string> problems_;
  std::atomic<bool> full_ = false;
};

uint32_t MaskChecksum(const cv::Mat& mask) {
  std::string bytes = absl::StrCat(mask.cols, "x", mask.rows, ":");
  for (int y = 0; y < mask.rows; ++y) {
    bytes.append(mask.ptr<char>(y), static_cast<size_t>(mask.cols));
  }
  return vision::Crc32(bytes);
}

absl::Status CheckMaskSize(const ImageRecord& record, const cv::Mat& mask) {
  if (record.width == 0 ||
      (mask.cols == record.width && mask.rows == record.height)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "image id '", record.id, "': the mask is ", mask.cols, "x", mask.rows,
      " pixels, expected ", record.width, "x", record.height, " as the image"));
}

class MapEvaluator {
 public:
  MapEvaluator(const Dataset& dataset, const MapSource& map_of,
               const MapEvaluationOptions& options)
      : dataset_(dataset), map_of_(map_of), options_(options) {}

  absl::StatusOr<MapEvaluation> Run() {
    VISION_RETURN_IF_ERROR(CheckInput());
    for (int t = 0; t < std::max(1, options_.num_threads); ++t) {
      VISION_ASSIGN_OR_RETURN(LocalizationEvaluator evaluator,
                              LocalizationEvaluator::Create(options_.metrics));
      workers_.emplace_back(std::move(evaluator));
    }
    result_.mask_checksums.assign(static_cast<size_t>(dataset_.size()), 0);
    const auto num_workers = static_cast<int64_t>(workers_.size());
    vision::ParallelFor(
        num_workers, static_cast<int>(num_workers),
        [&](int64_t w) { EvaluateImages(&workers_[static_cast<size_t>(w)]); });
    if (stopped_) return absl::CancelledError("stopped during the evaluation");
    VISION_RETURN_IF_ERROR(problems_.ToStatus());
    return Finish();
  }

 private:
  struct Worker {
    explicit Worker(LocalizationEvaluator evaluator)
        : localization(std::move(evaluator)) {}
    LocalizationEvaluator localization;
    ClassificationEvaluator classification;
    int64_t num_resized = 0;
  };

  bool is_native() const {
    return options_.metrics.boxes.mode == EvaluationMode::kNative;
  }

  absl::Status CheckInput() const {
    if (!options_.class_ranks.empty() &&
        options_.class_ranks.size() != static_cast<size_t>(dataset_.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("class ranks of ", options_.class_ranks.size(),
                       " images, expected those of all ", dataset_.size()));
    }
    for (int64_t i = 0; i < dataset_.size(); ++i) {
      const ImageRecord& record = dataset_.record(i);
      if (record.boxes.empty() && record.mask_paths.empty()) {
        return absl::FailedPreconditionError(absl::StrCat(
            "image id '", record.id,
            "' has neither boxes nor masks: there is nothing to compare "
            "with; is this a split for training?"));
      }
    }
    return absl::OkStatus();
  }

  void EvaluateImages(Worker* worker) {
    while (!problems_.full() && !stopped_) {
      const int64_t i = next_++;
      if (i >= dataset_.size()) return;
      if (options_.should_stop && options_.should_stop()) {
        stopped_ = true;
        return;
      }
      const absl::Status status = EvaluateImage(i, worker);
      if (!status.ok()) problems_.Add(i, status);
      if (options_.on_image) options_.on_image();
    }
  }

  absl::Status EvaluateImage(int64_t i, Worker* worker) {
    const ImageRecord& record = dataset_.record(i);
    LocalizationSample sample;
    sample.id = record.id;
    sample.label = record.label;
    sample.width = record.width;
    sample.height = record.height;
    sample.boxes = record.boxes;
    if (!record.mask_paths.empty()) {
      VISION_ASSIGN_OR_RETURN(sample.mask, dataset_.LoadMask(i));
      VISION_RETURN_IF_ERROR(CheckMaskSize(record, sample.mask));
      result_.mask_checksums[static_cast<size_t>(i)] =
          MaskChecksum(sample.mask);
      sample.width = sample.mask.cols;
      sample.height = sample.mask.rows;
    }
    if (sample.width == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("image id '", record.id,
                       "': boxes need the image's size, but image_sizes.txt "
                       "does not tell it"));
    }
    const cv::Size size = is_native() ? cv::Size(sample.width, sample.height)
                                      : cv::Size(kFrameSize, kFrameSize);
    absl::StatusOr<cv::Mat> map = map_of_(i, size);
    if (!map.ok()) return OfImage(map.status(), record);
    const absl::Status size_status =
        CheckMapSize(options_.size_policy, map->cols, map->rows, sample.width,
                     sample.height);
    if (!size_status.ok()) return OfImage(size_status, record);
    if (map->size() != size) ++worker->num_resized;
    sample.score_map = *std::move(map);
    if (!options_.class_ranks.empty()) {
      sample.true_class_rank = options_.class_ranks[static_cast<size_t>(i)];
      VISION_RETURN_IF_ERROR(worker->classification.Accumulate(
          *sample.true_class_rank, record.label));
    }
    return worker->localization.Accumulate(sample);
  }

  static absl::Status OfImage(const absl::Status& status,
                              const ImageRecord& record) {
    return absl::Status(status.code(), absl::StrCat("image id '", record.id,
                                                    "': ", status.message()));
  }

  absl::StatusOr<MapEvaluation> Finish() {
    Worker& all = workers_.front();
    for (size_t t = 1; t < workers_.size(); ++t) {
      VISION_RETURN_IF_ERROR(all.localization.Merge(workers_[t].localization));
      all.classification.Merge(workers_[t].classification);
      all.num_resized += workers_[t].num_resized;
    }
    VISION_ASSIGN_OR_RETURN(result_.localization, all.localization.Compute());
    if (!options_.class_ranks.empty()) {
      VISION_ASSIGN_OR_RETURN(result_.classification,
                              all.classification.Compute());
    }
    result_.num_resized = all.num_resized;
    return std::move(result_);
  }

  const Dataset& dataset_;
  const MapSource& map_of_;
  const MapEvaluationOptions& options_;
  std::vector<Worker> workers_;
  std::atomic<int64_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  ImageProblems problems_;
  MapEvaluation result_;
};

}  // namespace

absl::StatusOr<MapEvaluation> EvaluateMaps(
    const Dataset& dataset, const MapSource& map_of,
    const MapEvaluationOptions& options) {
  return MapEvaluator(dataset, map_of, options).Run();
}

absl::StatusOr<std::vector<uint32_t>> MaskChecksums(const Dataset& dataset,
                                                    int num_threads) {
  std::vector<uint32_t> checksums(static_cast<size_t>(dataset.size()), 0);
  ImageProblems problems;
  vision::ParallelFor(dataset.size(), std::max(1, num_threads), [&](int64_t i) {
    if (dataset.record(i).mask_paths.empty() || problems.full()) return;
    const absl::StatusOr<cv::Mat> mask = dataset.LoadMask(i);
    if (mask.ok()) {
      checksums[static_cast<size_t>(i)] = MaskChecksum(*mask);
    } else {
      problems.Add(i, mask.status());
    }
  });
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  return checksums;
}

}  // namespace wsol
