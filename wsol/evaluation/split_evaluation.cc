#include "wsol/evaluation/split_evaluation.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/image/tensor_image.h"
#include "wsol/metrics/evaluation_mode.h"

namespace wsol {
namespace {

// Evaluators of one thread, and the first error it met.
struct Worker {
  explicit Worker(LocalizationEvaluator evaluator)
      : localization(std::move(evaluator)) {}

  LocalizationEvaluator localization;
  ClassificationEvaluator classification;
  bool has_classes = false;
  absl::Status status;
};

absl::Status CheckTruth(const SplitTruth& truth) {
  if (truth.boxes == nullptr && truth.masks == nullptr) {
    return absl::InvalidArgumentError("a split needs boxes or masks");
  }
  if (truth.boxes == nullptr || truth.masks == nullptr) {
    return absl::OkStatus();
  }
  if (truth.boxes->size() != truth.masks->size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("boxes and masks must be of the same images, got ",
                     truth.boxes->size(), " and ", truth.masks->size()));
  }
  for (int64_t i = 0; i < truth.boxes->size(); ++i) {
    if (truth.boxes->record(i).id != truth.masks->record(i).id) {
      return absl::InvalidArgumentError(
          absl::StrCat("boxes and masks must be of the same images, but image ",
                       i, " is '", truth.boxes->record(i).id, "' and '",
                       truth.masks->record(i).id, "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Worker>> MakeWorkers(
    const SplitEvaluationOptions& options) {
  std::vector<Worker> workers;
  for (int t = 0; t < std::max(1, options.num_threads); ++t) {
    VISION_ASSIGN_OR_RETURN(LocalizationEvaluator evaluator,
                            LocalizationEvaluator::Create(options.metrics));
    workers.emplace_back(std::move(evaluator));
  }
  return workers;
}

absl::Status EvaluateImage(const SplitTruth& truth, int64_t index,
                           const cv::Mat& map, absl::Span<const float> logits,
                           Worker* worker) {
  LocalizationSample sample;
  const Dataset& dataset = truth.boxes != nullptr ? *truth.boxes : *truth.masks;
  const ImageRecord& record = dataset.record(index);
  sample.id = record.id;
  sample.score_map = map;
  sample.label = record.label;
  sample.width = record.width;
  sample.height = record.height;
  if (truth.boxes != nullptr) sample.boxes = record.boxes;
  if (truth.masks != nullptr) {
    VISION_ASSIGN_OR_RETURN(sample.mask, truth.masks->LoadMask(index));
    if (truth.boxes == nullptr) {  // Splits of masks need not tell the size.
      sample.width = sample.mask.cols;
      sample.height = sample.mask.rows;
    }
  }
  if (!logits.empty()) {
    VISION_ASSIGN_OR_RETURN(const int rank, RankOfClass(logits, record.label));
    sample.true_class_rank = rank;
    VISION_RETURN_IF_ERROR(
        worker->classification.Accumulate(rank, record.label));
    worker->has_classes = true;
  }
  return worker->localization.Accumulate(sample);
}

// Evaluates images number `indices`, dealt out to the workers.
absl::Status EvaluateImages(
    const SplitTruth& truth, absl::Span<const int64_t> indices,
    const std::function<cv::Mat(size_t)>& map_of,
    const std::function<absl::Span<const float>(size_t)>& logits_of,
    std::vector<Worker>* workers) {
  const size_t num_workers = workers->size();
  vision::ParallelFor(
      static_cast<int64_t>(num_workers), static_cast<int>(num_workers),
      [&](int64_t w) {
        Worker& worker = (*workers)[static_cast<size_t>(w)];
        for (size_t i = static_cast<size_t>(w);
             i < indices.size() && worker.status.ok(); i += num_workers) {
          worker.status = EvaluateImage(truth, indices[i], map_of(i),
                                        logits_of(i), &worker);
        }
      });
  for (const Worker& worker : *workers) {
    VISION_RETURN_IF_ERROR(worker.status);
  }
  return absl::OkStatus();
}

absl::StatusOr<SplitEvaluation> Finish(std::vector<Worker> workers) {
  SplitEvaluation result;
  Worker& all = workers.front();
  for (size_t t = 1; t < workers.size(); ++t) {
    VISION_RETURN_IF_ERROR(all.localization.Merge(workers[t].localization));
    all.classification.Merge(workers[t].classification);
  }
  VISION_ASSIGN_OR_RETURN(result.localization, all.localization.Compute());
  if (all.has_classes) {
    VISION_ASSIGN_OR_RETURN(result.classification,
                            all.classification.Compute());
  }
  return result;
}

absl::Status CheckScores(const BatchScores& scores, int64_t images) {
  if (!scores.maps.defined() || scores.maps.dim() != 3 ||
      scores.maps.size(0) != images) {
    return absl::InvalidArgumentError(absl::StrCat(
        "score maps must be [", images, ", h, w], got ",
        scores.maps.defined() ? c10::str(scores.maps.sizes()) : "none"));
  }
  if (scores.logits.defined() &&
      (scores.logits.dim() != 2 || scores.logits.size(0) != images)) {
    return absl::InvalidArgumentError(
        absl::StrCat("logits must be [", images, ", K], got ",
                     c10::str(scores.logits.sizes())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SplitEvaluation> EvaluateSplit(
    const SplitTruth& truth, Loader& loader,
    const std::function<absl::StatusOr<BatchScores>(const Batch&)>& score,
    const SplitEvaluationOptions& options) {
  VISION_RETURN_IF_ERROR(CheckTruth(truth));
  VISION_ASSIGN_OR_RETURN(std::vector<Worker> workers, MakeWorkers(options));
  loader.StartEpoch(0);
  while (true) {
    if (options.should_stop && options.should_stop()) {
      return absl::CancelledError("stopped during the evaluation");
    }
    VISION_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader.Next());
    if (!batch.has_value()) break;
    const auto images = static_cast<int64_t>(batch->indices.size());
    VISION_ASSIGN_OR_RETURN(BatchScores scores,
                            vision::CallTorch("scoring a batch", [&] {
                              const at::NoGradGuard no_grad;
                              return score(*batch);
                            }));
    VISION_RETURN_IF_ERROR(CheckScores(scores, images));
    const at::Tensor logits = scores.logits.defined()
                                  ? scores.logits.to(at::kFloat).contiguous()
                                  : scores.logits;
    VISION_RETURN_IF_ERROR(EvaluateImages(
        truth, batch->indices,
        [&](size_t i) {
          return vision::TensorToMap(scores.maps[static_cast<int64_t>(i)]);
        },
        [&](size_t i) -> absl::Span<const float> {
          if (!logits.defined()) return {};
          const auto classes = static_cast<size_t>(logits.size(1));
          return {logits.data_ptr<float>() + i * classes, classes};
        },
        &workers));
    if (options.on_images) options.on_images(images);
  }
  return Finish(std::move(workers));
}

absl::StatusOr<SplitEvaluation> EvaluateConstantMap(
    const SplitTruth& truth, const cv::Mat& map,
    const SplitEvaluationOptions& options) {
  VISION_RETURN_IF_ERROR(CheckTruth(truth));
  VISION_ASSIGN_OR_RETURN(std::vector<Worker> workers, MakeWorkers(options));
  cv::Mat frame = map;
  if (options.metrics.boxes.mode == EvaluationMode::kProtocol) {
    // Once instead of for each image.
    VISION_ASSIGN_OR_RETURN(frame, ScoreMapToFrame(map));
  }
  const Dataset& dataset = truth.boxes != nullptr ? *truth.boxes : *truth.masks;
  std::vector<int64_t> indices(static_cast<size_t>(dataset.size()));
  std::iota(indices.begin(), indices.end(), 0);
  VISION_RETURN_IF_ERROR(EvaluateImages(
      truth, indices, [&](size_t) { return frame; },
      [](size_t) { return absl::Span<const float>(); }, &workers));
  if (options.on_images) options.on_images(dataset.size());
  return Finish(std::move(workers));
}

}  // namespace wsol
