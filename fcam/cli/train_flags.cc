#include "fcam/cli/train_flags.h"

#include <string>
#include <vector>

#include "fcam/decoder/reconstruction_head.h"
#include "fcam/losses/composite.h"
#include "fcam/seeds/seed_sampler.h"
#include "gflags/gflags.h"
#include "vision/base/status_util.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/cli/experiment_flags.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/training/lr_schedule.h"

DEFINE_string(classifier, "",
              "Model folder of the classifier: <output_dir>/best of "
              "//wsol:train.");
DEFINE_bool(freeze_classifier, true,
            "Train the decoder alone; otherwise the classifier too, with cross "
            "entropy.");
DEFINE_string(decoder_channels, "",
              "Widths of the decoder's blocks, 256,128,64,32,16; empty: as "
              "published for the backbone.");

DEFINE_bool(light_decoder, false,
            "Depthwise-separable convolutions in the decoder.");
DEFINE_string(encoder_precision, "float32",
              "Of a frozen encoder: float32, or bfloat16 where the CPU is fast "
              "with it.");
DEFINE_bool(fast_encoder, true,
            "A frozen encoder runs with folded norms and packed weights.");
DEFINE_string(stored_cams, "",
              "Folder of maps of the training images, as //wsol:cam writes "
              "them, that seeds are drawn from; empty: maps are computed by "
              "--method in each batch.");

DEFINE_string(seed_region, "eroded",
              "Where seeds lie: eroded (above Otsu's threshold, eroded), "
              "adaptive (above Li's threshold) or fixed (so many pixels).");
DEFINE_string(seed_sampling, "uniform",
              "How seeds are drawn: uniform or weighted by the map.");
DEFINE_int32(seed_foreground, 1, "Foreground seeds of an image.");
DEFINE_int32(seed_background, 1, "Background seeds of an image.");
DEFINE_int32(seed_dilation, 3, "Side of the square that a seed labels.");
DEFINE_double(
    seed_background_fraction, 0.1,
    "Share of the pixels, those of lowest activation, that background "
    "seeds are drawn from.");
DEFINE_int32(seed_erosion_kernel, 11,
             "Side of the square that erodes the foreground region.");
DEFINE_int32(seed_erosion_iterations, 1, "Erosions; 0: none.");

DEFINE_double(self_learning_weight, 1, "Weight of the seeds' loss; 0: off.");
DEFINE_int32(self_learning_start_epoch, 0, "First epoch of it.");
DEFINE_int32(self_learning_end_epoch, -1, "Last epoch of it; -1: no end.");
DEFINE_double(crf_weight, -1,
              "Weight of the dense CRF loss; 0: off; negative: the published "
              "2e-9 for images of 224x224, and what is as strong for others.");
DEFINE_double(crf_sigma_rgb, 15, "Its width in colour, of 255.");
DEFINE_double(crf_sigma_xy, -1,
              "Its width in pixels; negative: the published 100 for images of "
              "224x224, and in proportion for others.");
DEFINE_double(crf_scale, 1, "Factor of the size at which it is computed.");
DEFINE_string(crf_filter, "auto",
              "auto, exact, grid, or lattice (the published one).");
DEFINE_int32(crf_start_epoch, 0, "First epoch of it.");
DEFINE_int32(crf_end_epoch, -1, "Last epoch of it; -1: no end.");
DEFINE_double(size_weight, 0.1, "Weight of the size loss; 0: off.");
DEFINE_int32(size_start_epoch, 0, "First epoch of it.");
DEFINE_int32(size_end_epoch, -1, "Last epoch of it; -1: no end.");
DEFINE_double(entropy_weight, 0, "Weight of the entropy; 0: off.");
DEFINE_int32(entropy_start_epoch, 0, "First epoch of it.");
DEFINE_int32(entropy_end_epoch, -1, "Last epoch of it; -1: no end.");
DEFINE_double(local_color_weight, 0,
              "Weight of the local colour loss; 0: off.");
DEFINE_double(
    size_bounds_weight, 0,
    "Weight of the bounds of an object's share of the image; 0: off.");
DEFINE_double(reconstruction_weight, 0,
              "Weight of the reconstruction loss, which adds a head; 0: off.");
DEFINE_double(elb_init_t, 1, "Sharpness t of the log barrier at first.");
DEFINE_double(elb_max_t, 10, "Its largest value.");
DEFINE_double(elb_mulcoef, 1.01, "Its factor after each epoch.");

namespace fcam {
namespace {

// For images of 224 x 224.
constexpr double kPublishedCrfWeight = 2e-9;
constexpr double kPublishedSigmaXy = 100;

LossTermOptions Term(double weight, int start_epoch, int end_epoch) {
  return {weight != 0, weight, start_epoch, end_epoch};
}

absl::StatusOr<SeedOptions> SeedsFromFlags() {
  SeedOptions seeds;
  VISION_ASSIGN_OR_RETURN(seeds.region, ParseSeedRegion(FLAGS_seed_region));
  VISION_ASSIGN_OR_RETURN(seeds.sampling,
                          ParseSeedSampling(FLAGS_seed_sampling));
  seeds.foreground_pixels = FLAGS_seed_foreground;
  seeds.background_pixels = FLAGS_seed_background;
  seeds.dilation = FLAGS_seed_dilation;
  seeds.background_fraction = FLAGS_seed_background_fraction;
  seeds.erosion_kernel = FLAGS_seed_erosion_kernel;
  seeds.erosion_iterations = FLAGS_seed_erosion_iterations;
  return seeds;
}

absl::StatusOr<FcamLossOptions> LossFromFlags() {
  FcamLossOptions loss;
  loss.self_learning =
      Term(FLAGS_self_learning_weight, FLAGS_self_learning_start_epoch,
           FLAGS_self_learning_end_epoch);
  loss.crf = Term(FLAGS_crf_weight < 0 ? kPublishedCrfWeight : FLAGS_crf_weight,
                  FLAGS_crf_start_epoch, FLAGS_crf_end_epoch);
  loss.size =
      Term(FLAGS_size_weight, FLAGS_size_start_epoch, FLAGS_size_end_epoch);
  loss.entropy = Term(FLAGS_entropy_weight, FLAGS_entropy_start_epoch,
                      FLAGS_entropy_end_epoch);
  loss.local_color = Term(FLAGS_local_color_weight, 0, -1);
  loss.size_bounds = Term(FLAGS_size_bounds_weight, 0, -1);
  loss.reconstruction = Term(FLAGS_reconstruction_weight, 0, -1);
  loss.classification.enabled = !FLAGS_freeze_classifier;
  loss.elb.init_t = FLAGS_elb_init_t;
  loss.elb.max_t = FLAGS_elb_max_t;
  loss.elb.mulcoef = FLAGS_elb_mulcoef;
  vision::DenseCrfLossOptions& crf = loss.crf_options.dense;
  crf.filter.sigma_rgb = FLAGS_crf_sigma_rgb;
  crf.filter.sigma_xy_pixels =
      FLAGS_crf_sigma_xy < 0 ? kPublishedSigmaXy : FLAGS_crf_sigma_xy;
  crf.scale = FLAGS_crf_scale;
  crf.num_threads = wsol::NumThreads();
  VISION_ASSIGN_OR_RETURN(crf.filter.method,
                          vision::ParseBilateralFilterMethod(FLAGS_crf_filter));
  return loss;
}

}  // namespace

absl::StatusOr<FcamRunOptions> FcamRunOptionsFromFlags() {
  const std::vector<std::string> names =
      wsol::TrainingFlagNames("fcam/cli/train_flags");
  VISION_RETURN_IF_ERROR(wsol::ApplyConfigFlag(names));
  FcamRunOptions options;
  VISION_ASSIGN_OR_RETURN(options.experiment,
                          wsol::ExperimentOptionsFromFlags(names));
  options.classifier_dir = wsol::ResolvePath(FLAGS_classifier);
  options.fcam.freeze_classifier = FLAGS_freeze_classifier;
  options.fcam.seed = wsol::SeedFromFlags();
  options.fcam.decoder.light = FLAGS_light_decoder;
  if (FLAGS_reconstruction_weight != 0) {
    options.fcam.reconstruction = ReconstructionRange::kTanh;
  }
  options.fast_encoder = FLAGS_fast_encoder;
  VISION_ASSIGN_OR_RETURN(options.encoder_precision,
                          vision::ParsePrecision(FLAGS_encoder_precision));
  options.stored_cams_dir = wsol::ResolvePath(FLAGS_stored_cams);
  if (!FLAGS_decoder_channels.empty()) {
    options.set_decoder = true;
    VISION_ASSIGN_OR_RETURN(
        options.fcam.decoder.channels,
        wsol::ParseNumbers(FLAGS_decoder_channels, "decoder_channels",
                           "widths such as 256,128,64"));
  }
  FcamTrainingOptions& training = options.training;
  VISION_ASSIGN_OR_RETURN(training.cam, wsol::CamOptionsFromFlags());
  training.loop = wsol::TrainingLoopFromFlags();
  VISION_ASSIGN_OR_RETURN(
      training.optimizer,
      wsol::OptimizerOptionsFromFlags(wsol::LrScheduleKind::kConstant));
  training.learning_rate = wsol::LearningRateFromFlags(0.01);
  training.seed = wsol::SeedFromFlags();
  training.num_threads = wsol::NumThreads();
  VISION_ASSIGN_OR_RETURN(training.seeds, SeedsFromFlags());
  VISION_ASSIGN_OR_RETURN(training.loss, LossFromFlags());
  options.adjust_crf_weight = FLAGS_crf_weight < 0;
  options.adjust_crf_sigma = FLAGS_crf_sigma_xy < 0;
  VISION_ASSIGN_OR_RETURN(options.train_loader, wsol::TrainLoaderFromFlags());
  return options;
}

}  // namespace fcam
