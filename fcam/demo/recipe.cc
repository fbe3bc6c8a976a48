#include "fcam/demo/recipe.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "vision/base/file_io.h"
#include "vision/crf/bilateral_filter.h"

namespace fcam {
namespace {

constexpr int kImageSize = 96;
// Images are resized to this and cropped to kImageSize for training.
constexpr int kResizeSize = 104;
constexpr int64_t kClassifierEpochs = 15;
constexpr int64_t kFcamEpochs = 5;
// Of the dense CRF loss per pair of pixels.
constexpr double kCrfWeight = 100;

void SetData(const DemoOptions& options, DemoRecipe* recipe) {
  recipe->data.kind = options.data;
  recipe->data.source_dir = options.source_dir;
  recipe->data.size = kImageSize;
  recipe->data.num_threads = options.num_threads;
  if (options.fast) {
    recipe->data.train_per_class = 16;
    recipe->data.val_per_class = 2;
    recipe->data.test_per_class = 4;
  }
  wsol::LoaderOptions& train = recipe->classifier_loader;
  train.batch_size = 32;
  train.shuffle = true;
  train.augment = true;
  train.resize = kResizeSize;
  train.crop = kImageSize;
  train.num_threads = options.num_threads;
  train.cache_in_memory = true;
  train.seed = options.seed;
  recipe->fcam_loader = train;
  recipe->evaluation_loader = train;
  recipe->evaluation_loader.shuffle = false;
  recipe->evaluation_loader.augment = false;
  recipe->evaluation_loader.cache_in_memory = false;
}

void SetClassifier(const DemoOptions& options, DemoRecipe* recipe) {
  wsol::ClassifierOptions& model = recipe->classifier;
  model.backbone = "resnet_small";
  model.seed = options.seed;
  vision::ResNetOptions& net = model.backbone_options.resnet_small;
  net.stem_kernel = 7;
  net.stem_width = 32;
  net.stem_max_pool = true;
  net.blocks = {1, 1, 1};
  net.widths = {32, 64, 128};
  net.strides = {1, 2, 2};
  wsol::ClassifierTrainingOptions& training = recipe->classifier_training;
  training.loop.epochs = options.fast ? 4 : kClassifierEpochs;
  training.learning_rate = 0.01;
  training.classifier_learning_rate_ratio = 10;
  training.optimizer.schedule.step_size =
      std::max<int>(1, static_cast<int>(training.loop.epochs * 2 / 5));
}

void SetFcam(const DemoOptions& options, DemoRecipe* recipe) {
  recipe->fcam.seed = options.seed;
  recipe->fcam.decoder.channels = {64, 48, 32, 16};
  FcamTrainingOptions& training = recipe->fcam_training;
  training.loop.epochs = options.fast ? 2 : kFcamEpochs;
  training.learning_rate = 0.05;
  training.seed = options.seed;
  training.num_threads = options.num_threads;
  training.optimizer.schedule.kind = wsol::LrScheduleKind::kCosine;
  training.optimizer.schedule.epochs = training.loop.epochs;
  // More seeds than published (1 and 1): an epoch has 50 batches, not 187. The
  // region of strong activation is not eroded: at 6 x 6 it is coarse, and
  // erosion would cost small objects their seeds.
  training.seeds.foreground_pixels = 30;
  training.seeds.background_pixels = 30;
  training.seeds.dilation = 3;
  training.seeds.background_fraction = 0.3;
  training.seeds.erosion_iterations = 0;
  FcamLossOptions& loss = training.loss;
  loss.self_learning.enabled = true;
  loss.size.enabled = true;
  loss.size.weight = 0.1;
  loss.crf.enabled = true;
  // The loss grows with the square of the number of pixels.
  loss.crf.weight =
      kCrfWeight / (kImageSize * kImageSize) / (kImageSize * kImageSize);
  // From the first epoch on, a term this strong can pull an untrained map to
  // all foreground.
  loss.crf.start_epoch = 2;
  loss.crf_options.published_strength = false;
  loss.crf_options.dense.filter.sigma_rgb = 15;
  // 100 pixels of 224, as published.
  loss.crf_options.dense.filter.sigma_xy_pixels = 43;
  loss.crf_options.dense.num_threads = options.num_threads;
}

std::string Hash(const std::string& text) {
  return absl::StrFormat("%08x", vision::Crc32(text));
}

std::string OptimizerText(const wsol::OptimizerOptions& options) {
  return absl::StrCat(
      options.kind == wsol::OptimizerKind::kSgd ? "sgd" : "adam", " ",
      options.momentum, " ", options.dampening, " ", options.nesterov, " ",
      options.weight_decay, " ",
      wsol::LrScheduleKindName(options.schedule.kind), " ",
      options.schedule.step_size, " ", options.schedule.gamma, " ",
      options.schedule.min_lr, " ", options.schedule.epochs);
}

std::string TermText(const LossTermOptions& term) {
  return absl::StrCat(term.enabled, " ", term.weight, " ", term.start_epoch,
                      " ", term.end_epoch);
}

std::string LoaderText(const wsol::LoaderOptions& options) {
  return absl::StrCat(options.batch_size, " ", options.resize, " ",
                      options.crop, " ", options.seed);
}

std::string ClassifierText(const DemoRecipe& recipe) {
  const wsol::SyntheticOptions& data = recipe.data;
  const wsol::ClassifierOptions& model = recipe.classifier;
  const vision::ResNetOptions& net = model.backbone_options.resnet_small;
  const wsol::ClassifierTrainingOptions& training = recipe.classifier_training;
  return absl::StrCat(
      "data ", wsol::SyntheticKindName(data.kind), " ", data.size, " ",
      data.train_per_class, " ", data.val_per_class, " ", data.test_per_class,
      " ", data.seed, "\nmodel ", model.backbone, " ",
      absl::StrJoin(net.blocks, ","), " ", absl::StrJoin(net.widths, ","), " ",
      absl::StrJoin(net.strides, ","), " ", net.stem_kernel, " ",
      net.stem_stride, " ", net.stem_width, " ", net.stem_max_pool, " ",
      model.pooling.name, " ", model.seed, "\ntraining ", training.loop.epochs,
      " ", training.learning_rate, " ", training.classifier_learning_rate_ratio,
      " ", OptimizerText(training.optimizer), "\nloader ",
      LoaderText(recipe.classifier_loader));
}

std::string FcamText(const DemoRecipe& recipe) {
  const FcamTrainingOptions& training = recipe.fcam_training;
  const SeedOptions& seeds = training.seeds;
  const FcamLossOptions& loss = training.loss;
  const vision::DenseCrfLossOptions& crf = loss.crf_options.dense;
  return absl::StrCat(
      ClassifierText(recipe), "\nfcam ",
      absl::StrJoin(recipe.fcam.decoder.channels, ","), " ",
      recipe.fcam.decoder.center, " ", recipe.fcam.decoder.finest_skip, " ",
      recipe.fcam.seed, "\ntraining ", training.loop.epochs, " ",
      training.learning_rate, " ", training.seed, " ",
      OptimizerText(training.optimizer), "\nseeds ", seeds.foreground_pixels,
      " ", seeds.background_pixels, " ", seeds.dilation, " ",
      seeds.background_fraction, " ", seeds.erosion_kernel, " ",
      seeds.erosion_iterations, "\nloss ", TermText(loss.self_learning), " ",
      TermText(loss.crf), " ", TermText(loss.size), " ", TermText(loss.entropy),
      " ", crf.filter.sigma_rgb, " ", crf.filter.sigma_xy_pixels, " ",
      vision::BilateralFilterMethodName(crf.filter.method), " ", crf.self_term,
      " ", loss.elb.init_t, " ", loss.elb.max_t, " ", loss.elb.mulcoef, " ",
      crf.scale, " ", loss.crf_options.published_strength, "\nloader ",
      LoaderText(recipe.fcam_loader));
}

}  // namespace

DemoRecipe MakeDemoRecipe(const DemoOptions& options) {
  DemoRecipe recipe;
  SetData(options, &recipe);
  SetClassifier(options, &recipe);
  SetFcam(options, &recipe);
  return recipe;
}

std::vector<std::pair<std::string, std::string>> DescribeRecipe(
    const DemoRecipe& recipe) {
  const vision::ResNetOptions& net =
      recipe.classifier.backbone_options.resnet_small;
  const wsol::ClassifierTrainingOptions& classifier =
      recipe.classifier_training;
  const FcamTrainingOptions& fcam = recipe.fcam_training;
  const FcamLossOptions& loss = fcam.loss;
  return {
      {"Images", absl::StrCat(recipe.data.size, " x ", recipe.data.size,
                              " pixels; training crops from ",
                              recipe.classifier_loader.resize, " x ",
                              recipe.classifier_loader.resize, ", flipped")},
      {"Classifier",
       absl::StrCat("residual network, widths ",
                    absl::StrJoin(net.widths, ", "), ", head ",
                    recipe.classifier.pooling.name, ", from scratch")},
      {"Classifier training",
       absl::StrCat("SGD with Nesterov momentum, ", classifier.loop.epochs,
                    " epochs, batch ", recipe.classifier_loader.batch_size,
                    ", learning rate ", classifier.learning_rate, " (x ",
                    classifier.classifier_learning_rate_ratio,
                    " for the last stage and the head)")},
      {"Decoder",
       absl::StrCat("U-Net, blocks of ",
                    absl::StrJoin(recipe.fcam.decoder.channels, ", "),
                    " channels")},
      {"F-CAM training",
       absl::StrCat(fcam.loop.epochs, " epochs, batch ",
                    recipe.fcam_loader.batch_size, ", learning rate ",
                    fcam.learning_rate, "; classifier frozen")},
      {"Seeds",
       absl::StrCat(
           fcam.seeds.foreground_pixels, " foreground and ",
           fcam.seeds.background_pixels,
           " background pixels an image, dilated to ", fcam.seeds.dilation,
           " x ", fcam.seeds.dilation, "; background from the lowest ",
           absl::StrFormat("%g", 100 * fcam.seeds.background_fraction), " %")},
      {"Loss",
       absl::StrCat("seeds (", loss.self_learning.weight, "), dense CRF (",
                    absl::StrFormat("%.3g", loss.crf.weight), ", sigmas ",
                    loss.crf_options.dense.filter.sigma_rgb, " and ",
                    loss.crf_options.dense.filter.sigma_xy_pixels,
                    " pixels), size (", loss.size.weight, ")")},
  };
}

std::string ClassifierFingerprint(const DemoRecipe& recipe) {
  return Hash(ClassifierText(recipe));
}

std::string FcamFingerprint(const DemoRecipe& recipe) {
  return Hash(FcamText(recipe));
}

}  // namespace fcam
