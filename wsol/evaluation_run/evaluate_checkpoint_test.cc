#include "wsol/evaluation_run/evaluate_checkpoint.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/miniature.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/evaluation_run/evaluate.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/classifier_info.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class EvaluateCheckpointTest : public ::testing::Test {
 protected:
  EvaluateCheckpointTest() : miniature_(MakeMiniature()) {
    ClassifierOptions classifier_options;
    classifier_options.num_classes = 20;
    classifier_options.seed = 3;
    classifier_ = MakeClassifier(classifier_options).value();
    classifier_->eval();
    options_.checkpoint = Path("classifier.pt");
    options_.tau_interval = 0.01;
    options_.num_threads = 2;
    options_.checkpoint_options.backbone = "resnet_small";
    options_.checkpoint_options.image_size = kMiniatureSize;
    options_.checkpoint_options.batch_size = 8;
  }

  static std::string Path(const std::string& name) {
    return vision::JoinPath(::testing::TempDir(), name);
  }

  void UseSplit(const char* kind) {
    options_.metadata_dir = miniature_.data.MetadataDir(kind, Split::kTest);
    options_.mask_root = miniature_.data.image_root;
    options_.checkpoint_options.image_root = miniature_.data.image_root;
  }

  absl::StatusOr<EvaluateReport> Run() const {
    EvaluateCallbacks callbacks;
    callbacks.evaluate_checkpoint = [&](const Dataset& split,
                                        const MapEvaluationOptions& maps) {
      return EvaluateCheckpoint(options_, split, maps);
    };
    return Evaluate(options_, callbacks);
  }

  Miniature miniature_;
  std::shared_ptr<Classifier> classifier_;
  EvaluateOptions options_;
};

// The same numbers as the network in memory gives.
TEST_F(EvaluateCheckpointTest, EvaluatesTheClassifiersCam) {
  ASSERT_THAT(vision::SaveStateDict(options_.checkpoint,
                                    vision::GetStateDict(*classifier_)),
              IsOk());
  for (const char* const kind : {"boxes", "masks"}) {
    SCOPED_TRACE(kind);
    UseSplit(kind);
    const auto report = Run();
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->results.data_sha256.size(), 64u);

    const std::unique_ptr<Dataset> split = miniature_.Open(kind, Split::kTest);
    const auto loader = MakeMiniatureLoader(*split, /*training=*/false);
    const bool boxes = std::string(kind) == "boxes";
    const SplitTruth truth = {boxes ? split.get() : nullptr,
                              boxes ? nullptr : split.get()};
    SplitEvaluationOptions split_options;
    split_options.metrics.boxes.tau_interval = 0.01;
    split_options.metrics.masks.tau_interval = 0.01;
    const auto expected = EvaluateSplit(
        truth, *loader,
        [&](const Batch& batch) -> absl::StatusOr<BatchScores> {
          const ClassifierOutput output = classifier_->forward(batch.images);
          return BatchScores{
              NormalizeMaps(HeadMaps(classifier_->head(),
                                     output.features.back(), batch.labels)
                                .value())
                  .maps,
              output.logits};
        },
        split_options);
    ASSERT_THAT(expected, IsOk());
    const LocalizationMetrics& metrics = report->results.localization;
    if (boxes) {
      EXPECT_EQ(metrics.boxes->max_box_acc,
                expected->localization.boxes->max_box_acc);
      EXPECT_EQ(metrics.boxes->max_box_acc_v2,
                expected->localization.boxes->max_box_acc_v2);
      EXPECT_EQ(report->results.classification->num_top1,
                expected->classification->num_top1);
    } else {
      EXPECT_NEAR(metrics.masks->pxap, expected->localization.masks->pxap,
                  1e-3);
    }
  }
}

// A model folder describes its network: the flags about it do not matter.
TEST_F(EvaluateCheckpointTest, EvaluatesAModelFolder) {
  UseSplit("boxes");
  ASSERT_THAT(vision::SaveStateDict(options_.checkpoint,
                                    vision::GetStateDict(*classifier_)),
              IsOk());
  const auto of_weights = Run();
  ASSERT_THAT(of_weights, IsOk());
  ClassifierFolderInfo info;
  info.classifier.num_classes = 20;
  info.preprocessing.resize = kMiniatureSize;
  info.preprocessing.crop = kMiniatureSize;
  options_.checkpoint = Path("model");
  ASSERT_THAT(SaveClassifierFolder(options_.checkpoint, *classifier_, info),
              IsOk());
  options_.checkpoint_options.backbone = "vgg16";
  options_.checkpoint_options.image_size = 64;
  const auto of_folder = Run();
  ASSERT_THAT(of_folder, IsOk());
  EXPECT_EQ(of_folder->results.localization.boxes->max_box_acc_v2,
            of_weights->results.localization.boxes->max_box_acc_v2);
  EXPECT_EQ(of_folder->results.classification->num_top1,
            of_weights->results.classification->num_top1);
}

TEST_F(EvaluateCheckpointTest, LeavesADecoderOut) {
  vision::StateDict weights = vision::GetStateDict(*classifier_);
  weights.insert("decoder.x", weights.front().value());
  ASSERT_THAT(vision::SaveStateDict(options_.checkpoint, weights), IsOk());
  UseSplit("boxes");
  EXPECT_THAT(Run(), IsOk());
}

TEST_F(EvaluateCheckpointTest, SaysWhatIsWrong) {
  UseSplit("boxes");
  options_.checkpoint = Path("none.pt");
  EXPECT_THAT(Run(), StatusIs(absl::StatusCode::kNotFound));
  options_.checkpoint = Path("state.ckpt");
  ASSERT_THAT(vision::WriteFileAtomically(options_.checkpoint,
                                          "fcam checkpoint 2 0 0\n"),
              IsOk());
  EXPECT_THAT(Run(), StatusIs(kInvalid, HasSubstr("state of a training")));
  options_.checkpoint = Path("classifier.pt");
  ASSERT_THAT(vision::SaveStateDict(options_.checkpoint,
                                    vision::GetStateDict(*classifier_)),
              IsOk());
  options_.checkpoint_options.backbone = "resnet18";
  EXPECT_THAT(
      Run(), StatusIs(kInvalid, HasSubstr("does not fit --backbone=resnet18")));
  options_.checkpoint_options.backbone = "resnet_smal";
  EXPECT_THAT(Run(), StatusIs(kInvalid, HasSubstr("did you mean")));
  options_.checkpoint_options.backbone = "resnet_small";
  options_.checkpoint_options.cam_method = "GradCamm";
  EXPECT_THAT(Run(), StatusIs(kInvalid, HasSubstr("GradCamm")));
  options_.checkpoint_options.cam_method = "CAM";
  options_.checkpoint_options.image_root = Path("no_images");
  EXPECT_THAT(Run(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no_images")));
}

}  // namespace
}  // namespace wsol
