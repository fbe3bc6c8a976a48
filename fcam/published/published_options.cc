#include "fcam/published/published_options.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fcam/losses/composite.h"
#include "fcam/published/published_names.h"
#include "fcam/published/published_rules.h"
#include "fcam/seeds/seed_sampler.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/crf/dense_crf_loss.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/factory.h"
#include "wsol/datasets/loader.h"
#include "wsol/experiment/experiment.h"
#include "wsol/experiment/experiment_data.h"
#include "wsol/metrics/box_mode.h"
#include "wsol/pooling/pooling.h"
#include "wsol/training/lr_schedule.h"
#include "wsol/training/optimizer.h"

namespace fcam {
namespace {

using ::vision::JoinPath;

constexpr char kDataFolder[] = "datasets";
constexpr char kWeightsFolder[] = "pretrained-imgnet";
constexpr char kMasksDataset[] = "OpenImages";
// Distance of validation's thresholds for data sets with boxes, whatever
// --cam_curve_interval says.
constexpr double kBoxValidationInterval = 0.004;
// A killed training loses at most so many batches.
constexpr int64_t kCheckpointBatches = 100;

bool IsFolder(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// Flags on which no result depends, or that are part of the folder's name.
bool Decides(const std::string& flag) {
  static const auto* const kOthers =
      new std::set<std::string>{"cudaid",
                                "debug_subfolder",
                                "num_workers",
                                "exp_id",
                                "verbose",
                                "fd_exp",
                                "data_root",
                                "metadata_root",
                                "mask_root",
                                "root",
                                "multi_contour_eval",
                                "multi_iou_eval",
                                "weights_dir",
                                "threads",
                                "import_from",
                                "import_to",
                                "folder_pre_trained_cl"};
  return kOthers->count(flag) == 0;
}

absl::StatusOr<wsol::ExperimentDataOptions> DataOptions(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  wsol::ExperimentDataOptions data;
  std::string data_root = environment.data_root;
  if (flags.IsGiven("data_root")) data_root = flags.data_root;
  if (data_root.empty()) data_root = JoinPath(environment.root, kDataFolder);
  data.image_root = JoinPath(data_root, flags.dataset);
  if (!IsFolder(data.image_root)) {
    return absl::NotFoundError(
        absl::StrCat("no folder of images '", data.image_root,
                     "': --data_root, or else $FCAM_DATA, or else the folder '",
                     kDataFolder, "' below --root must have a folder '",
                     flags.dataset, "', from which image ids start"));
  }
  data.metadata_root =
      flags.IsGiven("metadata_root")
          ? flags.metadata_root
          : JoinPath(environment.root,
                     absl::StrCat(kFoldsFolder, "/", flags.dataset));
  if (!IsFolder(data.metadata_root)) {
    return absl::NotFoundError(
        absl::StrCat("no folder of folds '", data.metadata_root,
                     "': --metadata_root, or else the folder '", kFoldsFolder,
                     "/", flags.dataset,
                     "' below --root, must have the folders train, val and "
                     "test"));
  }
  if (flags.IsGiven("mask_root")) data.mask_root = flags.mask_root;
  data.num_classes = static_cast<int>(flags.num_classes);
  data.proxy_training_set = flags.proxy_training_set;
  data.num_val_per_class = static_cast<int>(flags.num_val_sample_per_class);
  data.seed = static_cast<uint64_t>(flags.seed);
  return data;
}

absl::StatusOr<wsol::ExperimentOptions> ExperimentOptionsOf(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  wsol::ExperimentOptions options;
  options.output_dir = JoinPath(environment.root, ExperimentFolder(flags));
  options.resume = true;
  VISION_ASSIGN_OR_RETURN(options.data, DataOptions(flags, environment));
  for (const auto& [name, value] : PublishedFlagValues(flags)) {
    if (Decides(name)) options.config.emplace_back(name, value);
  }
  options.config_yaml = PublishedFlagsYaml(flags);
  options.extra_files.emplace_back(kConfigFile, options.config_yaml);
  options.seed = static_cast<uint64_t>(flags.seed);
  options.box_mode = flags.box_v2_metric ? wsol::BoxMode::kAllContours
                                         : wsol::BoxMode::kLargestContour;
  options.test_tau_interval = flags.cam_curve_interval;
  options.val_tau_interval = flags.dataset == kMasksDataset
                                 ? flags.cam_curve_interval
                                 : kBoxValidationInterval;
  options.best_folder = ModelTag(flags, "best");
  options.last_folder = ModelTag(flags, "last");
  options.checkpoint_batches = kCheckpointBatches;
  options.num_threads = environment.num_threads;
  options.show_progress = environment.show_progress && flags.verbose;
  options.should_stop = environment.should_stop;
  return options;
}

wsol::LrScheduleOptions ScheduleOf(const PublishedFlags& flags) {
  wsol::LrScheduleOptions schedule;
  schedule.step_size = static_cast<int>(flags.step_size);
  schedule.gamma = flags.gamma;
  schedule.min_lr = flags.min_lr;
  schedule.epochs = flags.max_epochs;
  if (!flags.lr_scheduler) {
    schedule.kind = wsol::LrScheduleKind::kConstant;
  } else if (flags.name_lr_scheduler == "mystep") {
    schedule.kind = wsol::LrScheduleKind::kMyStep;
  } else if (flags.name_lr_scheduler == "mycosine") {
    schedule.kind = wsol::LrScheduleKind::kCosine;
  } else if (flags.name_lr_scheduler == "cosine") {
    schedule.kind = wsol::LrScheduleKind::kCosine;
    schedule.epochs = std::llround(flags.t_max);
  } else {
    // Also multistep, whose milestones no flag names.
    schedule.kind = wsol::LrScheduleKind::kStep;
  }
  return schedule;
}

wsol::OptimizerOptions OptimizerOf(const PublishedFlags& flags) {
  wsol::OptimizerOptions optimizer;
  optimizer.kind = flags.name_optimizer == "adam" ? wsol::OptimizerKind::kAdam
                                                  : wsol::OptimizerKind::kSgd;
  optimizer.momentum = flags.momentum;
  optimizer.dampening = flags.dampening;
  optimizer.nesterov = flags.nesterov;
  optimizer.beta1 = flags.beta1;
  optimizer.beta2 = flags.beta2;
  optimizer.epsilon = flags.eps_adam;
  optimizer.amsgrad = flags.amsgrad;
  optimizer.weight_decay = flags.weight_decay;
  optimizer.schedule = ScheduleOf(flags);
  return optimizer;
}

wsol::LoaderOptions LoaderOf(const PublishedFlags& flags,
                             const MainWsolEnvironment& environment) {
  wsol::LoaderOptions loader;
  loader.batch_size = static_cast<int>(flags.batch_size);
  loader.resize = static_cast<int>(flags.resize_size);
  loader.crop = static_cast<int>(flags.crop_size);
  loader.num_threads = environment.num_threads;
  if (flags.IsGiven("num_workers") && flags.num_workers > 0) {
    loader.num_threads = static_cast<int>(flags.num_workers);
  }
  loader.seed = static_cast<uint64_t>(flags.seed);
  return loader;
}

absl::StatusOr<wsol::CamOptions> CamOf(const PublishedFlags& flags) {
  wsol::CamOptions cam;
  VISION_ASSIGN_OR_RETURN(cam.method, wsol::ParseCamMethod(flags.method));
  cam.seed = static_cast<uint64_t>(flags.seed);
  return cam;
}

LossTermOptions Term(bool on, double weight, int64_t start, int64_t end) {
  return {on, weight, static_cast<int>(start), static_cast<int>(end)};
}

FcamLossOptions LossOf(const PublishedFlags& flags) {
  FcamLossOptions loss;
  loss.classification.enabled = !flags.freeze_cl;
  loss.self_learning =
      Term(flags.sl_fc, flags.sl_fc_lambda, flags.sl_start_ep, flags.sl_end_ep);
  loss.crf = Term(flags.crf_fc, flags.crf_lambda, flags.crf_start_ep,
                  flags.crf_end_ep);
  loss.entropy = Term(flags.entropy_fc, flags.entropy_fc_lambda, 0, -1);
  loss.size = Term(flags.max_sizepos_fc, flags.max_sizepos_fc_lambda,
                   flags.max_sizepos_fc_start_ep, flags.max_sizepos_fc_end_ep);
  vision::DenseCrfLossOptions& crf = loss.crf_options.dense;
  crf.filter.sigma_rgb = flags.crf_sigma_rgb;
  crf.filter.sigma_xy_pixels = flags.crf_sigma_xy;
  crf.scale = flags.crf_scale;
  loss.elb.init_t = flags.elb_init_t;
  loss.elb.max_t = flags.elb_max_t;
  loss.elb.mulcoef = flags.elb_mulcoef;
  loss.ignore_index = flags.seg_ignore_idx;
  return loss;
}

SeedOptions SeedsOf(const PublishedFlags& flags) {
  SeedOptions seeds;
  seeds.foreground_pixels = static_cast<int>(flags.sl_max);
  seeds.background_pixels = static_cast<int>(flags.sl_min);
  seeds.dilation = static_cast<int>(flags.sl_ksz);
  seeds.background_fraction = flags.sl_min_p;
  seeds.erosion_kernel = static_cast<int>(flags.sl_fg_erode_k);
  seeds.erosion_iterations = static_cast<int>(flags.sl_fg_erode_iter);
  seeds.ignore_index = flags.seg_ignore_idx;
  return seeds;
}

}  // namespace

wsol::ClassifierOptions PublishedClassifier(const PublishedFlags& flags) {
  wsol::ClassifierOptions options;
  options.backbone = flags.encoder_name;
  options.num_classes = flags.num_classes;
  options.seed = static_cast<uint64_t>(flags.seed);
  wsol::PoolingOptions& pooling = options.pooling;
  pooling.name = flags.spatial_pooling;
  pooling.support_background = flags.support_background;
  pooling.lse_sharpness = flags.lse_r;
  pooling.wildcat_modalities = flags.wc_modalities;
  pooling.wildcat_kmax.value = flags.wc_kmax;
  pooling.wildcat_kmin.value = flags.wc_kmin;
  pooling.wildcat_alpha = flags.wc_alpha;
  pooling.wildcat_dropout = flags.wc_dropout;
  return options;
}

wsol::InitialWeightsOptions PublishedInitialWeights(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  wsol::InitialWeightsOptions options;
  options.weights = flags.encoder_weights.has_value() ? "imagenet" : "none";
  if (flags.path_pre_trained.has_value()) {
    options.weights = *flags.path_pre_trained;
  }
  options.weights_dir = environment.weights_dir;
  if (flags.IsGiven("weights_dir")) options.weights_dir = flags.weights_dir;
  if (options.weights_dir.empty()) {
    options.weights_dir = JoinPath(environment.root, kWeightsFolder);
  }
  options.strict = flags.strict;
  return options;
}

wsol::ImagePreprocessing PublishedPreprocessing(const PublishedFlags& flags) {
  wsol::ImagePreprocessing preprocessing;
  preprocessing.resize = static_cast<int>(flags.resize_size);
  preprocessing.crop = static_cast<int>(flags.crop_size);
  return preprocessing;
}

absl::StatusOr<wsol::ClassifierRunOptions> PublishedClassifierRun(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  wsol::ClassifierRunOptions options;
  VISION_ASSIGN_OR_RETURN(options.experiment,
                          ExperimentOptionsOf(flags, environment));
  options.classifier = PublishedClassifier(flags);
  options.initial_weights = PublishedInitialWeights(flags, environment);
  options.training.loop.epochs = flags.max_epochs;
  options.training.loop.seed = static_cast<uint64_t>(flags.seed);
  options.training.optimizer = OptimizerOf(flags);
  options.training.learning_rate = flags.lr;
  options.training.classifier_learning_rate_ratio = flags.lr_classifier_ratio;
  options.train_loader = LoaderOf(flags, environment);
  VISION_ASSIGN_OR_RETURN(options.cam, CamOf(flags));
  return options;
}

absl::StatusOr<FcamRunOptions> PublishedFcamRun(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  FcamRunOptions options;
  VISION_ASSIGN_OR_RETURN(options.experiment,
                          ExperimentOptionsOf(flags, environment));
  options.fcam.freeze_classifier = flags.freeze_cl;
  options.fcam.seed = static_cast<uint64_t>(flags.seed);
  FcamTrainingOptions& training = options.training;
  training.loop.epochs = flags.max_epochs;
  training.loop.seed = static_cast<uint64_t>(flags.seed);
  training.optimizer = OptimizerOf(flags);
  training.learning_rate = flags.lr;
  VISION_ASSIGN_OR_RETURN(training.cam, CamOf(flags));
  training.seeds = SeedsOf(flags);
  training.loss = LossOf(flags);
  training.seed = static_cast<uint64_t>(flags.seed);
  training.num_threads = environment.num_threads;
  training.loss.crf_options.dense.num_threads = environment.num_threads;
  options.train_loader = LoaderOf(flags, environment);
  const std::string cams =
      JoinPath(environment.root, StoredCamsFolder(flags, "train"));
  if (IsFolder(cams)) options.stored_cams_dir = cams;
  return options;
}

}  // namespace fcam
