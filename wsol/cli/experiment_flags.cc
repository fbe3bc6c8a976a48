#include "wsol/cli/experiment_flags.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "vision/base/status_util.h"
#include "wsol/cli/config_file.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/training/lr_schedule.h"

DEFINE_string(config, "",
              "YAML file with values of these flags; the command line wins.");
DEFINE_string(output_dir, "",
              "Folder for the models, the log and the results.");
DEFINE_bool(resume, false,
            "Go on from the state in --output_dir, or begin if there is none.");
DEFINE_int64(checkpoint_batches, 0,
             "Save the state every so many batches, and not only after each "
             "epoch; 0: not.");
DEFINE_uint64(seed, 0, "Seed of all that is random.");

DEFINE_string(metadata_root, "",
              "Folder with the split folders train, val and test.");
DEFINE_string(train_metadata_dir, "", "Split folder instead of train.");
DEFINE_string(val_metadata_dir, "",
              "Split folder instead of val; with pseudo-boxes, for example, by "
              "which epochs are then chosen.");
DEFINE_string(test_metadata_dir, "", "Split folder instead of test.");
DEFINE_string(mask_metadata_root, "",
              "Folder with the splits val and test again, with masks, where "
              "--metadata_root has them with boxes.");
DEFINE_string(image_root, "", "Folder that image ids start from.");
DEFINE_string(mask_root, "",
              "Folder that paths of masks start from; empty: --image_root.");
DEFINE_int32(num_classes, 0,
             "Number of classes; 0: from class_names.txt or the largest label "
             "of the training split.");
DEFINE_bool(proxy_training_set, false,
            "Train on the images of image_ids_proxy.txt only.");
DEFINE_int32(num_val_per_class, 0,
             "Validate on so many images of each class, drawn at random; 0: "
             "all.");
DEFINE_bool(validate, true,
            "Validate after each epoch and keep the best model.");
DEFINE_bool(test, true, "Test the best and the last model at the end.");
DEFINE_bool(save_test_maps, false,
            "Keep the best model's maps of the test split in test_maps.");
DEFINE_string(on_bad_image, "fail",
              "Images that cannot be read: fail, or skip and count.");

DEFINE_string(select_by, "localization",
              "What the best epoch is best at, on the validation split: "
              "localization, classification, or a metric such as PxAP or "
              "BoxAcc@70.");
DEFINE_string(box_mode, "v1",
              "Boxes of --select_by=localization and of BoxAcc, Top1Loc and "
              "Top5Loc: v1 (largest contour) or v2 (all contours).");
DEFINE_double(tau_interval, 0.001, "Distance of the test's thresholds.");
DEFINE_double(val_tau_interval, 0.001,
              "Distance of the validation's thresholds.");

DEFINE_int64(epochs, 50, "Epochs to train.");
DEFINE_int32(batch_size, 32, "Images in a batch.");
DEFINE_int32(workers, 0, "Threads that read images; 0: --threads.");
DEFINE_bool(cache_images, false,
            "Keep resized images in memory (3 bytes a pixel).");
DEFINE_int64(accumulate_batches, 1, "Batches whose gradients make one update.");
DEFINE_double(max_gradient_norm, 0,
              "Gradients are scaled to this norm if theirs is larger; 0: not.");
DEFINE_double(average_decay, 0,
              "Decay of the average of the weights that is used in place of "
              "them (EMA); 0: none.");

DEFINE_string(optimizer, "sgd", "sgd, adam or adamw.");
DEFINE_double(learning_rate, 0, "Initial learning rate; 0: the published one.");
DEFINE_double(momentum, 0.9, "Of SGD.");
DEFINE_double(dampening, 0, "Of SGD.");
DEFINE_bool(nesterov, true, "Of SGD.");
DEFINE_double(beta1, 0.9, "Of Adam.");
DEFINE_double(beta2, 0.999, "Of Adam.");
DEFINE_double(epsilon, 1e-8, "Of Adam.");
DEFINE_bool(amsgrad, false, "Of Adam.");
DEFINE_double(weight_decay, 1e-4, "L2 penalty; of AdamW, decay.");
DEFINE_string(schedule, "",
              "Learning rate over the epochs: constant, step, mystep (step "
              "with a floor), multistep or cosine; empty: as published, mystep "
              "for classifiers and constant for F-CAM.");
DEFINE_int32(step_size, 40, "Of step and mystep: epochs between reductions.");
DEFINE_string(milestones, "",
              "Of multistep: last epochs before each reduction, 10,20.");
DEFINE_double(gamma, 0.1, "Of step, mystep and multistep: the factor.");
DEFINE_double(min_learning_rate, 1e-7, "Of mystep and cosine: the floor.");
DEFINE_int32(warmup_epochs, 0, "First epochs, in which the rate rises.");

DEFINE_string(method, "CAM", "CAM method: CAM, LayerCAM, ScoreCAM, ...");
DEFINE_string(variant, "published",
              "Where they differ: published (what the F-CAM code does) or "
              "paper (the formula).");
DEFINE_string(weights_dir, "",
              "Folder of published weights; empty: $FCAM_WEIGHTS.");

namespace wsol {
namespace {

// Flags on which no result depends.
bool Decides(absl::string_view flag) {
  static constexpr absl::string_view kOthers[] = {"config",
                                                  "output_dir",
                                                  "resume",
                                                  "workers",
                                                  "checkpoint_batches",
                                                  "cache_images",
                                                  "image_root",
                                                  "mask_root",
                                                  "metadata_root",
                                                  "weights_dir",
                                                  "train_metadata_dir",
                                                  "val_metadata_dir",
                                                  "test_metadata_dir",
                                                  "mask_metadata_root",
                                                  "save_test_maps"};
  return std::find(std::begin(kOthers), std::end(kOthers), flag) ==
         std::end(kOthers);
}

}  // namespace

std::vector<std::string> TrainingFlagNames(absl::string_view own_flags) {
  // --threads is one of the program's start.
  std::vector<std::string> names = FlagsDefinedIn("wsol/cli/init");
  const std::vector<std::string> shared =
      FlagsDefinedIn("wsol/cli/experiment_flags");
  names.insert(names.end(), shared.begin(), shared.end());
  const std::vector<std::string> own = FlagsDefinedIn(own_flags);
  names.insert(names.end(), own.begin(), own.end());
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status ApplyConfigFlag(absl::Span<const std::string> names) {
  if (FLAGS_config.empty()) return absl::OkStatus();
  return ApplyConfigFile(ResolvePath(FLAGS_config), names);
}

absl::StatusOr<ExperimentOptions> ExperimentOptionsFromFlags(
    absl::Span<const std::string> names) {
  ExperimentOptions options;
  options.output_dir = ResolvePath(FLAGS_output_dir);
  options.resume = FLAGS_resume;
  options.checkpoint_batches = FLAGS_checkpoint_batches;
  options.seed = FLAGS_seed;
  ExperimentDataOptions& data = options.data;
  data.metadata_root = ResolvePath(FLAGS_metadata_root);
  data.train_metadata_dir = ResolvePath(FLAGS_train_metadata_dir);
  data.val_metadata_dir = ResolvePath(FLAGS_val_metadata_dir);
  data.test_metadata_dir = ResolvePath(FLAGS_test_metadata_dir);
  data.mask_metadata_root = ResolvePath(FLAGS_mask_metadata_root);
  data.image_root = ResolvePath(FLAGS_image_root);
  data.mask_root = ResolvePath(FLAGS_mask_root);
  data.num_classes = FLAGS_num_classes;
  data.proxy_training_set = FLAGS_proxy_training_set;
  data.num_val_per_class = FLAGS_num_val_per_class;
  data.seed = FLAGS_seed;
  data.validate = FLAGS_validate;
  data.test = FLAGS_test;
  options.save_test_maps = FLAGS_save_test_maps;
  options.select_by = FLAGS_select_by;
  VISION_ASSIGN_OR_RETURN(options.box_mode, ParseBoxMode(FLAGS_box_mode));
  options.val_tau_interval = FLAGS_val_tau_interval;
  options.test_tau_interval = FLAGS_tau_interval;
  options.num_threads = NumThreads();
  options.should_stop = InterruptRequested;
  options.config_yaml = ConfigText(names);
  for (const std::string& name : names) {
    std::string value;
    if (Decides(name) && gflags::GetCommandLineOption(name.c_str(), &value)) {
      options.config.emplace_back(name, value);
    }
  }
  return options;
}

absl::StatusOr<LoaderOptions> TrainLoaderFromFlags() {
  LoaderOptions options;
  options.batch_size = FLAGS_batch_size;
  options.num_threads = FLAGS_workers > 0 ? FLAGS_workers : NumThreads();
  options.cache_in_memory = FLAGS_cache_images;
  options.seed = FLAGS_seed;
  VISION_ASSIGN_OR_RETURN(options.on_bad_image,
                          ParseBadImagePolicy(FLAGS_on_bad_image));
  return options;
}

TrainingLoop TrainingLoopFromFlags() {
  TrainingLoop loop;
  loop.epochs = FLAGS_epochs;
  loop.seed = FLAGS_seed;
  loop.accumulate_batches = FLAGS_accumulate_batches;
  loop.max_gradient_norm = FLAGS_max_gradient_norm;
  loop.average_decay = FLAGS_average_decay;
  return loop;
}

absl::StatusOr<OptimizerOptions> OptimizerOptionsFromFlags(
    LrScheduleKind default_schedule) {
  OptimizerOptions options;
  VISION_ASSIGN_OR_RETURN(options.kind, ParseOptimizerKind(FLAGS_optimizer));
  options.momentum = FLAGS_momentum;
  options.dampening = FLAGS_dampening;
  options.nesterov = FLAGS_nesterov;
  options.beta1 = FLAGS_beta1;
  options.beta2 = FLAGS_beta2;
  options.epsilon = FLAGS_epsilon;
  options.amsgrad = FLAGS_amsgrad;
  options.weight_decay = FLAGS_weight_decay;
  LrScheduleOptions& schedule = options.schedule;
  schedule.kind = default_schedule;
  if (!FLAGS_schedule.empty()) {
    VISION_ASSIGN_OR_RETURN(schedule.kind, ParseLrScheduleKind(FLAGS_schedule));
  }
  schedule.step_size = FLAGS_step_size;
  VISION_ASSIGN_OR_RETURN(
      schedule.milestones,
      ParseNumbers(FLAGS_milestones, "milestones", "numbers such as 10,20"));
  schedule.gamma = FLAGS_gamma;
  schedule.min_lr = FLAGS_min_learning_rate;
  schedule.epochs = FLAGS_epochs;
  schedule.warmup_epochs = FLAGS_warmup_epochs;
  return options;
}

double LearningRateFromFlags(double default_rate) {
  return FLAGS_learning_rate == 0 ? default_rate : FLAGS_learning_rate;
}

absl::StatusOr<CamOptions> CamOptionsFromFlags() {
  CamOptions options;
  options.method = FLAGS_method;
  VISION_ASSIGN_OR_RETURN(options.variant, ParseCamVariant(FLAGS_variant));
  options.seed = FLAGS_seed;
  return options;
}

uint64_t SeedFromFlags() { return FLAGS_seed; }

absl::StatusOr<std::vector<int64_t>> ParseNumbers(const std::string& text,
                                                  absl::string_view flag,
                                                  absl::string_view expected) {
  std::vector<int64_t> numbers;
  for (const absl::string_view part :
       absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(part, &number)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", flag, ": got \"", text, "\", expected ", expected));
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::string WeightsDirFromFlags() { return ResolvePath(FLAGS_weights_dir); }

}  // namespace wsol
