#include "wsol/cli/train_flags.h"

#include <string>
#include <vector>

#include "gflags/gflags.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/status_util.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/baselines/factory.h"
#include "wsol/cli/experiment_flags.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/training/lr_schedule.h"

DEFINE_string(backbone, "resnet50",
              "Name of the backbone; //vision:list_backbones has them all.");
DEFINE_string(strides, "wsol28",
              "wsol28 (last map of 28x28 for images of 224x224) or imagenet.");
DEFINE_double(backbone_dropout, -1,
              "Probability of dropout in the backbone; negative: its own "
              "default.");
DEFINE_bool(freeze_norms, false,
            "Keep the batch norms' running statistics as they are.");
DEFINE_string(pooling, "",
              "Pooling head: WGAP, GAP, MaxPool, LogSumExpPool, WildCatCLHead, "
              "...; empty: the one --training_method needs, or WGAP.");
DEFINE_bool(support_background, true,
            "Pooling heads with maps get one for the background.");
DEFINE_string(weights, "none",
              "Initial weights: none (random), imagenet (published ones, see "
              "docs/weights.md), a file of the backbone's weights, or a model "
              "folder.");
DEFINE_bool(strict_weights, true,
            "A file of --weights must fit the backbone wholly.");
DEFINE_int32(image_size, 224, "Side of the images that the network sees.");
DEFINE_int32(resize, 0,
             "Training images are resized to this and cropped to --image_size; "
             "0: 8/7 of it, 256 for 224.");
DEFINE_double(label_smoothing, 0,
              "Share of the target that is spread over all classes.");
DEFINE_double(classifier_learning_rate_ratio, 10,
              "Factor of the learning rate for the backbone's last stage and "
              "the head.");
DEFINE_string(precision, "float32",
              "float32, or bfloat16 for products where the CPU is fast with "
              "it.");
DEFINE_string(training_method, "none",
              "Training method: none, HaS, CutMix, ACoL, ADL or SPG.");

namespace wsol {

absl::StatusOr<ClassifierRunOptions> ClassifierRunOptionsFromFlags() {
  const std::vector<std::string> names =
      TrainingFlagNames("wsol/cli/train_flags");
  VISION_RETURN_IF_ERROR(ApplyConfigFlag(names));
  ClassifierRunOptions options;
  VISION_ASSIGN_OR_RETURN(options.experiment,
                          ExperimentOptionsFromFlags(names));
  VISION_ASSIGN_OR_RETURN(options.cam, CamOptionsFromFlags());

  ClassifierOptions& classifier = options.classifier;
  classifier.backbone = FLAGS_backbone;
  VISION_ASSIGN_OR_RETURN(classifier.backbone_options.strides,
                          vision::ParseStridePreset(FLAGS_strides));
  if (FLAGS_backbone_dropout >= 0) {
    classifier.backbone_options.dropout = FLAGS_backbone_dropout;
  }
  classifier.backbone_options.freeze_norms = FLAGS_freeze_norms;
  classifier.seed = SeedFromFlags();
  ClassifierTrainingOptions& training = options.training;
  VISION_ASSIGN_OR_RETURN(training.method.name,
                          ParseTrainingMethod(FLAGS_training_method));
  training.method.seed = SeedFromFlags();
  classifier.pooling.name = FLAGS_pooling;
  if (classifier.pooling.name.empty()) {
    classifier.pooling.name = RequiredPoolingHead(training.method.name);
  }
  if (classifier.pooling.name.empty()) classifier.pooling.name = "WGAP";
  classifier.pooling.support_background = FLAGS_support_background;

  options.initial_weights.weights =
      FLAGS_weights == "none" || FLAGS_weights == "imagenet"
          ? FLAGS_weights
          : ResolvePath(FLAGS_weights);
  options.initial_weights.weights_dir = WeightsDirFromFlags();
  options.initial_weights.strict = FLAGS_strict_weights;

  training.loop = TrainingLoopFromFlags();
  VISION_ASSIGN_OR_RETURN(training.optimizer,
                          OptimizerOptionsFromFlags(LrScheduleKind::kMyStep));
  training.learning_rate = LearningRateFromFlags(0.001);
  training.classifier_learning_rate_ratio =
      FLAGS_classifier_learning_rate_ratio;
  training.label_smoothing = FLAGS_label_smoothing;
  VISION_ASSIGN_OR_RETURN(training.precision,
                          vision::ParsePrecision(FLAGS_precision));

  VISION_ASSIGN_OR_RETURN(options.train_loader, TrainLoaderFromFlags());
  options.train_loader.crop = FLAGS_image_size;
  options.train_loader.resize =
      FLAGS_resize > 0 ? FLAGS_resize : FLAGS_image_size * 8 / 7;
  return options;
}

}  // namespace wsol
