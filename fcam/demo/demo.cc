#include "fcam/demo/demo.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/demo/demo_report.h"
#include "fcam/demo/recipe.h"
#include "fcam/demo/summary.h"
#include "fcam/training/fcam_trainer.h"
#include "glog/logging.h"
#include "opencv2/core/mat.hpp"
#include "vision/base/file_io.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "vision/image/tensor_image.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/output_dir.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/metrics/baseline_maps.h"
#include "wsol/report/report.h"
#include "wsol/report/text_table.h"
#include "wsol/training/classifier_trainer.h"
#include "wsol/training/engine.h"

namespace fcam {
namespace {

// Report, states of both trainings and a data set of 2120 images at 96 pixels.
constexpr int64_t kOutputBytes = 64 << 20;
constexpr int64_t kDataBytes = 64 << 20;

// Tells how to go on where the user stopped a step, and else which step failed.
absl::Status ExplainStop(const absl::Status& status, absl::string_view step) {
  return vision::Annotate(status, absl::IsCancelled(status)
                                      ? "the same command goes on from there"
                                      : step);
}

// Measures the steps of the run.
class StepTimer {
 public:
  // Ends the step that began at the last call or at construction.
  void EndStep(const char* name, DemoSummary* summary) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> seconds = now - step_start_;
    summary->seconds.emplace_back(name, seconds.count());
    step_start_ = now;
  }

  double TotalSeconds() const {
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start_;
    return seconds.count();
  }

 private:
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point step_start_ = start_;
};

// A split with boxes and with masks, and batches of it.
struct Split {
  std::unique_ptr<wsol::Dataset> boxes;
  std::unique_ptr<wsol::Dataset> masks;
  std::unique_ptr<wsol::Loader> loader;

  wsol::SplitTruth truth() const { return {boxes.get(), masks.get()}; }
};

absl::StatusOr<std::unique_ptr<wsol::Dataset>> OpenDataset(
    const wsol::SyntheticDataset& data, const char* kind, wsol::Split split) {
  VISION_ASSIGN_OR_RETURN(
      wsol::Dataset dataset,
      wsol::Dataset::Open(data.MetadataDir(kind, split), data.image_root));
  return std::make_unique<wsol::Dataset>(std::move(dataset));
}

absl::StatusOr<Split> OpenSplit(const wsol::SyntheticDataset& data,
                                wsol::Split which,
                                const wsol::LoaderOptions& options) {
  Split split;
  VISION_ASSIGN_OR_RETURN(split.boxes, OpenDataset(data, "boxes", which));
  VISION_ASSIGN_OR_RETURN(split.masks, OpenDataset(data, "masks", which));
  VISION_ASSIGN_OR_RETURN(split.loader,
                          wsol::Loader::Create(split.boxes.get(), options));
  return split;
}

// One run: the steps in their order, each leaving its part of the results.
class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_(options) {
    results_.recipe = MakeDemoRecipe(options);
  }

  absl::Status Run() {
    VISION_RETURN_IF_ERROR(
        wsol::PrepareOutputDir(options_.output_dir, kOutputBytes));
    VISION_RETURN_IF_ERROR(
        wsol::PrepareOutputDir(options_.data_dir, kDataBytes));
    VISION_RETURN_IF_ERROR(vision::CreateDirectories(StateDir()));
    VISION_RETURN_IF_ERROR(Compose());
    VISION_RETURN_IF_ERROR(TrainTheClassifier());
    VISION_RETURN_IF_ERROR(EvaluateTheCam());
    VISION_RETURN_IF_ERROR(TrainTheDecoder());
    VISION_RETURN_IF_ERROR(EvaluateFcam());
    VISION_RETURN_IF_ERROR(EvaluateBaselines());
    return WriteResults();
  }

 private:
  DemoSummary& summary() { return results_.summary; }
  const DemoRecipe& recipe() const { return results_.recipe; }

  std::string StateDir() const {
    return vision::JoinPath(options_.output_dir, "state");
  }

  std::string OutputPath(const char* name) const {
    return vision::JoinPath(options_.output_dir, name);
  }

  vision::ProgressOptions MakeProgressOptions() const {
    vision::ProgressOptions progress;
    progress.enabled = options_.show_progress;
    return progress;
  }

  absl::Status Compose();
  absl::Status TrainTheClassifier();
  absl::Status EvaluateTheCam();
  absl::Status TrainTheDecoder();
  absl::Status EvaluateFcam();
  absl::Status EvaluateBaselines();
  absl::Status WriteResults();

  // Callbacks that show the progress of a training.
  wsol::TrainingCallbacks MakeCallbacks(vision::Progress* progress) const;

  using ScoreFunction =
      std::function<absl::StatusOr<wsol::BatchScores>(const wsol::Batch&)>;

  // The metrics on `split`; keeps the maps of its images in `maps` if not null.
  absl::StatusOr<wsol::SplitEvaluation> Evaluate(const char* label,
                                                 const Split& split,
                                                 const ScoreFunction& score,
                                                 std::vector<cv::Mat>* maps);

  const DemoOptions options_;
  DemoResults results_;
  StepTimer timer_;
  wsol::SyntheticDataset data_;
  std::unique_ptr<wsol::Dataset> train_;
  Split val_;
  Split test_;
  std::shared_ptr<wsol::Classifier> classifier_;
  std::shared_ptr<FcamModel> fcam_;
};

MapScores ScoresOf(const wsol::SplitEvaluation& evaluation) {
  const wsol::BoxMetrics& boxes = *evaluation.localization.boxes;
  MapScores scores;
  scores.max_box_acc = boxes.max_box_acc;
  scores.max_box_acc_v2 = boxes.max_box_acc_v2;
  CHECK_EQ(boxes.all_contours.size(), scores.box_acc_v2.size());
  for (size_t i = 0; i < scores.box_acc_v2.size(); ++i) {
    scores.box_acc_v2[i] = boxes.all_contours[i].max_accuracy;
  }
  scores.pxap = evaluation.localization.masks->pxap;
  return scores;
}

absl::Status Demo::Compose() {
  wsol::SyntheticOptions options = recipe().data;
  options.should_stop = wsol::InterruptRequested;
  std::unique_ptr<vision::Progress> progress;
  int64_t shown = 0;
  options.progress = [&](int64_t done, int64_t total) {
    if (progress == nullptr) {
      progress = std::make_unique<vision::Progress>("images", total,
                                                    MakeProgressOptions());
    }
    progress->Advance(done - shown);
    shown = done;
  };
  absl::StatusOr<wsol::SyntheticDataset> data =
      wsol::ComposeDataset(options, options_.data_dir);
  if (progress != nullptr) progress->Finish();
  VISION_RETURN_IF_ERROR(data.status());
  data_ = *std::move(data);
  if (data_.num_repaired > 0 && options_.show_progress) {
    std::cerr << data_.num_repaired << " damaged files were made anew, "
              << data_.repaired.front() << " first\n";
  }
  VISION_ASSIGN_OR_RETURN(train_,
                          OpenDataset(data_, "boxes", wsol::Split::kTrain));
  VISION_ASSIGN_OR_RETURN(
      val_, OpenSplit(data_, wsol::Split::kVal, recipe().evaluation_loader));
  VISION_ASSIGN_OR_RETURN(
      test_, OpenSplit(data_, wsol::Split::kTest, recipe().evaluation_loader));
  VISION_ASSIGN_OR_RETURN(results_.contact_sheet,
                          vision::ReadFile(data_.contact_sheet));
  summary().data = options_.data == wsol::SyntheticKind::kObjects20
                       ? "Objects20"
                       : "Birds16";
  summary().num_classes = static_cast<int>(data_.class_names.size());
  summary().image_size = recipe().data.size;
  summary().num_train = train_->size();
  summary().num_val = val_.boxes->size();
  summary().num_test = test_.boxes->size();
  summary().seed = options_.seed;
  summary().num_threads = options_.num_threads;
  summary().fast = options_.fast;
  timer_.EndStep("compose", &summary());
  return absl::OkStatus();
}

wsol::TrainingCallbacks Demo::MakeCallbacks(vision::Progress* progress) const {
  wsol::TrainingCallbacks callbacks;
  callbacks.should_stop = wsol::InterruptRequested;
  callbacks.on_damaged_checkpoint = [](const absl::Status& damage) {
    std::cerr << damage.message() << "; the training starts anew\n";
  };
  callbacks.on_batch = [progress](int64_t epoch, double loss) {
    progress->SetNote(absl::StrFormat("epoch %d, loss %.3f", epoch, loss));
    progress->Advance();
  };
  return callbacks;
}

absl::Status Demo::TrainTheClassifier() {
  wsol::ClassifierOptions options = recipe().classifier;
  options.num_classes = summary().num_classes;
  VISION_ASSIGN_OR_RETURN(classifier_, wsol::MakeClassifier(options));
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<wsol::Loader> loader,
      wsol::Loader::Create(train_.get(), recipe().classifier_loader));
  wsol::ClassifierTrainingOptions training = recipe().classifier_training;
  training.loop.checkpoint_path = vision::JoinPath(
      StateDir(),
      absl::StrCat("classifier-", ClassifierFingerprint(recipe()), ".ckpt"));
  vision::Progress progress("classifier",
                            loader->NumBatches() * training.loop.epochs,
                            MakeProgressOptions());
  training.loop.callbacks = MakeCallbacks(&progress);
  absl::StatusOr<std::vector<wsol::EpochRecord>> history =
      wsol::TrainClassifier(*classifier_, *loader, training);
  progress.Finish();
  VISION_RETURN_IF_ERROR(
      ExplainStop(history.status(), "while training the classifier"));
  results_.classifier_history = *std::move(history);
  timer_.EndStep("train_classifier", &summary());
  return absl::OkStatus();
}

absl::StatusOr<wsol::SplitEvaluation> Demo::Evaluate(
    const char* label, const Split& split, const ScoreFunction& score,
    std::vector<cv::Mat>* maps) {
  wsol::SplitEvaluationOptions options;
  options.num_threads = options_.num_threads;
  options.should_stop = wsol::InterruptRequested;
  vision::Progress progress(label, split.boxes->size(), MakeProgressOptions());
  options.on_images = [&](int64_t images) { progress.Advance(images); };
  if (maps != nullptr) maps->resize(static_cast<size_t>(split.boxes->size()));
  const auto score_and_keep =
      [&](const wsol::Batch& batch) -> absl::StatusOr<wsol::BatchScores> {
    VISION_ASSIGN_OR_RETURN(wsol::BatchScores scores, score(batch));
    for (size_t i = 0; maps != nullptr && i < batch.indices.size(); ++i) {
      (*maps)[static_cast<size_t>(batch.indices[i])] =
          vision::TensorToMap(scores.maps[static_cast<int64_t>(i)]);
    }
    return scores;
  };
  absl::StatusOr<wsol::SplitEvaluation> result = wsol::EvaluateSplit(
      split.truth(), *split.loader, score_and_keep, options);
  progress.Finish();
  if (absl::IsCancelled(result.status())) {
    return ExplainStop(result.status(), label);
  }
  return result;
}

absl::Status Demo::EvaluateTheCam() {
  classifier_->eval();
  const ScoreFunction score =
      [&](const wsol::Batch& batch) -> absl::StatusOr<wsol::BatchScores> {
    const wsol::ClassifierOutput output = classifier_->forward(batch.images);
    VISION_ASSIGN_OR_RETURN(
        const at::Tensor maps,
        wsol::HeadMaps(classifier_->head(), output.features.back(),
                       batch.labels));
    return wsol::BatchScores{wsol::NormalizeMaps(maps).maps, output.logits};
  };
  VISION_ASSIGN_OR_RETURN(const wsol::SplitEvaluation on_val,
                          Evaluate("CAM, validation", val_, score, nullptr));
  VISION_ASSIGN_OR_RETURN(
      results_.cam.evaluation,
      Evaluate("CAM, test", test_, score, &results_.cam.maps));
  summary().val_cam = ScoresOf(on_val);
  summary().val_classifier_accuracy = on_val.classification->top1_accuracy;
  summary().cam = ScoresOf(results_.cam.evaluation);
  summary().classifier_accuracy =
      results_.cam.evaluation.classification->top1_accuracy;
  timer_.EndStep("evaluate_cam", &summary());
  return absl::OkStatus();
}

absl::Status Demo::TrainTheDecoder() {
  VISION_ASSIGN_OR_RETURN(fcam_, MakeFcamModel(classifier_, recipe().fcam));
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<wsol::Loader> loader,
      wsol::Loader::Create(train_.get(), recipe().fcam_loader));
  FcamTrainingOptions training = recipe().fcam_training;
  training.loop.checkpoint_path = vision::JoinPath(
      StateDir(), absl::StrCat("fcam-", FcamFingerprint(recipe()), ".ckpt"));
  vision::Progress progress("F-CAM",
                            loader->NumBatches() * training.loop.epochs,
                            MakeProgressOptions());
  training.loop.callbacks = MakeCallbacks(&progress);
  absl::StatusOr<std::vector<wsol::EpochRecord>> history =
      TrainFcam(*fcam_, *loader, training);
  progress.Finish();
  VISION_RETURN_IF_ERROR(ExplainStop(history.status(), "while training F-CAM"));
  results_.fcam_history = *std::move(history);
  timer_.EndStep("train_fcam", &summary());
  return absl::OkStatus();
}

absl::Status Demo::EvaluateFcam() {
  fcam_->eval();
  const ScoreFunction score =
      [&](const wsol::Batch& batch) -> absl::StatusOr<wsol::BatchScores> {
    const FcamOutput output = fcam_->forward(batch.images);
    return wsol::BatchScores{ForegroundMap(output.fcams), output.logits};
  };
  VISION_ASSIGN_OR_RETURN(const wsol::SplitEvaluation on_val,
                          Evaluate("F-CAM, validation", val_, score, nullptr));
  VISION_ASSIGN_OR_RETURN(
      results_.fcam.evaluation,
      Evaluate("F-CAM, test", test_, score, &results_.fcam.maps));
  summary().val_fcam = ScoresOf(on_val);
  summary().fcam = ScoresOf(results_.fcam.evaluation);
  timer_.EndStep("evaluate_fcam", &summary());
  return absl::OkStatus();
}

absl::Status Demo::EvaluateBaselines() {
  wsol::SplitEvaluationOptions options;
  options.num_threads = options_.num_threads;
  VISION_ASSIGN_OR_RETURN(
      const wsol::SplitEvaluation center,
      wsol::EvaluateConstantMap(test_.truth(), wsol::CenterBaselineMap(),
                                options));
  VISION_ASSIGN_OR_RETURN(
      const wsol::SplitEvaluation constant,
      wsol::EvaluateConstantMap(test_.truth(), wsol::ConstantBaselineMap(),
                                options));
  summary().center = ScoresOf(center);
  summary().constant = ScoresOf(constant);
  timer_.EndStep("evaluate_baselines", &summary());
  return absl::OkStatus();
}

absl::Status Demo::WriteResults() {
  VISION_RETURN_IF_ERROR(vision::SaveStateDict(OutputPath("fcam.pt"),
                                               vision::GetStateDict(*fcam_)));
  summary().seconds.emplace_back("total", timer_.TotalSeconds());
  VISION_ASSIGN_OR_RETURN(const wsol::Report report,
                          MakeDemoReport(results_, *test_.boxes, *test_.masks));
  VISION_RETURN_IF_ERROR(wsol::WriteReport(report, OutputPath("report.html")));
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(OutputPath("summary.json"),
                                                     SummaryToJson(summary())));
  VISION_ASSIGN_OR_RETURN(const std::string table,
                          wsol::RenderTextTable(ResultTable(summary())));
  std::cout << "\n"
            << table
            << absl::StrFormat("\nClassifier accuracy %.1f %%, %.0f s in all\n",
                               summary().classifier_accuracy,
                               timer_.TotalSeconds())
            << "Report: " << OutputPath("report.html") << std::endl;
  return absl::OkStatus();
}

}  // namespace

absl::Status RunDemo(const DemoOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return Demo(options).Run();
}

}  // namespace fcam
