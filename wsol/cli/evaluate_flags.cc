#include "wsol/cli/evaluate_flags.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "gflags/gflags.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"

DEFINE_string(metadata_dir, "",
              "Folder of the split: the one that holds image_ids.txt.");
DEFINE_string(score_maps, "",
              "Folder of score maps in [0, 1], one for each image: .npy "
              "(float16/32/64, uint8/16) or grey .png (8 or 16 bit). How files "
              "are named is found out: <id>.npy, <id without extension>.npy, "
              "ids with / as _, or file names without folders.");
DEFINE_string(baseline, "",
              "Instead of score maps: center, constant or random, which look "
              "at no image.");
DEFINE_string(
    checkpoint, "",
    "Instead of score maps: a model folder of //wsol:train, or weights "
    "of a classifier (.pt, .pth, .safetensors), whose class "
    "activation maps are evaluated; needs --image_root.");
DEFINE_string(image_root, "",
              "With --checkpoint: folder that image ids start from.");
DEFINE_string(backbone, "resnet50",
              "With weights as --checkpoint: the classifier's backbone, which "
              "they do not tell.");
DEFINE_string(strides, "wsol28",
              "With --checkpoint: wsol28 (maps of 28x28) or imagenet.");
DEFINE_string(pooling, "WGAP", "With --checkpoint: the classifier's head.");
DEFINE_string(cam_method, "CAM", "With --checkpoint: CAM, LayerCAM, ...");
DEFINE_int32(image_size, 224,
             "With --checkpoint: images are resized to this many pixels "
             "squared.");
DEFINE_int32(batch_size, 32, "With --checkpoint: images in a batch.");
DEFINE_string(mask_root, "",
              "Folder that the paths of masks start from; needed for splits "
              "with masks.");
DEFINE_string(
    predictions, "",
    "CSV of a classifier's rankings, <id>,<first>,<second>,..., or "
    "with a header id,score0,... of its scores; for Top-1 and Top-5.");
DEFINE_string(box_mode, "both",
              "v1: the box of the largest contour (MaxBoxAcc); v2: boxes of "
              "all contours (MaxBoxAccV2); or both.");
DEFINE_string(mode, "protocol",
              "protocol: the published evaluation to the last digit, in a "
              "frame of 224x224 pixels; native: at the image's resolution, "
              "without its quirks.");
DEFINE_double(tau_interval, 0.001, "Distance between thresholds, in (0, 1).");
DEFINE_string(tau_from, "",
              "JSON results of another split: its best thresholds are taken "
              "instead of the best ones of these images.");
DEFINE_double(tau, -1,
              "One threshold for all metrics, a multiple of --tau_interval; "
              "negative: not given.");
DEFINE_string(size_policy, "any",
              "Sizes that score maps may have. frame: 224x224; image: the "
              "image's own; any: others are interpolated bilinearly.");
DEFINE_string(bad_scores, "reject",
              "NaN, infinities and scores outside [0, 1]: reject, or replace "
              "(by 0 or the nearest of 0 and 1) and count.");
DEFINE_bool(allow_extra_maps, false,
            "Accept score maps of images that are not in the split.");
DEFINE_int32(num_classes, 0,
             "Number of classes; 0: from class_names.txt or the largest "
             "label.");
DEFINE_bool(proxy, false, "Evaluate the images of image_ids_proxy.txt only.");
DEFINE_bool(per_image, true,
            "Keep results by image: a CSV file, results by class and size, "
            "and comparisons need them.");
DEFINE_string(output, "",
              "JSON file for the results; results by image go to the .csv file "
              "beside it. With compare: JSON file for the comparison.");
DEFINE_uint64(seed, 0, "Seed of --baseline=random and of compare.");
DEFINE_int64(resamples, 10000, "Of compare: number of bootstrap resamples.");
DEFINE_double(confidence, 0.95, "Of compare: share that intervals cover.");

namespace wsol {

absl::StatusOr<EvaluateOptions> EvaluateOptionsFromFlags() {
  EvaluateOptions options;
  options.metadata_dir = ResolvePath(FLAGS_metadata_dir);
  options.mask_root = ResolvePath(FLAGS_mask_root);
  options.num_classes = FLAGS_num_classes;
  options.proxy = FLAGS_proxy;
  options.score_maps = ResolvePath(FLAGS_score_maps);
  if (!FLAGS_baseline.empty()) {
    VISION_ASSIGN_OR_RETURN(options.baseline, ParseBaseline(FLAGS_baseline));
  }
  options.checkpoint = ResolvePath(FLAGS_checkpoint);
  options.checkpoint_options.image_root = ResolvePath(FLAGS_image_root);
  options.checkpoint_options.backbone = FLAGS_backbone;
  options.checkpoint_options.strides = FLAGS_strides;
  options.checkpoint_options.pooling = FLAGS_pooling;
  options.checkpoint_options.cam_method = FLAGS_cam_method;
  options.checkpoint_options.image_size = FLAGS_image_size;
  options.checkpoint_options.batch_size = FLAGS_batch_size;
  VISION_ASSIGN_OR_RETURN(options.size_policy,
                          ParseSizePolicy(FLAGS_size_policy));
  VISION_ASSIGN_OR_RETURN(options.bad_scores, ParseBadScores(FLAGS_bad_scores));
  options.allow_extra_maps = FLAGS_allow_extra_maps;
  options.predictions = ResolvePath(FLAGS_predictions);
  VISION_ASSIGN_OR_RETURN(options.mode, ParseEvaluationMode(FLAGS_mode));
  VISION_ASSIGN_OR_RETURN(options.box_modes, ParseBoxModes(FLAGS_box_mode));
  options.tau_interval = FLAGS_tau_interval;
  options.tau_from = ResolvePath(FLAGS_tau_from);
  // Also for NaN, which is then found to be no threshold.
  if (!(FLAGS_tau < 0)) options.tau = FLAGS_tau;
  options.per_image = FLAGS_per_image;
  options.output = OutputFromFlags();
  options.seed = FLAGS_seed;
  options.num_threads = NumThreads();
  return options;
}

absl::StatusOr<BootstrapOptions> BootstrapOptionsFromFlags() {
  BootstrapOptions options;
  options.num_resamples = FLAGS_resamples;
  options.confidence = FLAGS_confidence;
  options.seed = FLAGS_seed;
  options.num_threads = NumThreads();
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return absl::InvalidArgumentError("--confidence must be in (0, 1)");
  }
  if (options.num_resamples < 1) {
    return absl::InvalidArgumentError("--resamples must be positive");
  }
  return options;
}

std::string OutputFromFlags() { return ResolvePath(FLAGS_output); }

}  // namespace wsol
