// A step of F-CAM training, ResNet-50 with WSOL strides, 8 images of 224 x 224,
// the losses of the published README, two threads: TrainFcam's step, with the
// frozen encoder as it is and made fast, against the published step's work done
// plainly. Run with
//   --benchmark_enable_random_interleaving=true --benchmark_repetitions=5
// and OMP_WAIT_POLICY=passive in the environment, or CPU times include waiting.
// With KEEP_FREED_MEMORY=1 in it, all cases run with KeepFreedMemory(); with
// MEASURE_MEMORY=1, the peak memory of each case, in a process of its own, is
// printed first.
//
// BM_PublishedStep is written from the behaviour of the published code, with
// this repository's layers: NCHW, float32; one pass of the network with its
// decoder, where the first two blocks resize up and down again; another
// classifier that runs the images one by one for their maps; seeds image by
// image; the lattice CRF; autograd through decoder and head.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "fcam/decoder/fast_encoder.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/decoder/unet_decoder.h"
#include "fcam/losses/composite.h"
#include "fcam/seeds/seed_batch.h"
#include "fcam/seeds/seed_sampler.h"
#include "fcam/training/fcam_step.h"
#include "fcam/training/training_cams.h"
#include "glog/logging.h"
#include "vision/backbones/backbone.h"
#include "vision/base/rng.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/inference/inference_backbone.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/optimizer.h"

namespace fcam {
namespace {

constexpr int kThreads = 2;
constexpr int64_t kClasses = 200;

// The smoke test, which Bazel runs, is content with less.
const bool kSmoke = std::getenv("TEST_TMPDIR") != nullptr;
const int64_t kBatch = kSmoke ? 2 : 8;
const int64_t kSize = kSmoke ? 32 : 224;

wsol::ClassifierOptions MakeClassifierOptions() {
  wsol::ClassifierOptions options;
  options.backbone = kSmoke ? "resnet18" : "resnet50";
  options.num_classes = kClasses;
  return options;
}

// Images with smooth colours and some noise: the CRF's cost depends on them.
wsol::Batch MakeBatch() {
  at::manual_seed(1);
  wsol::Batch batch;
  batch.raw_images =
      (at::upsample_bilinear2d(at::rand({kBatch, 3, 9, 9}), {kSize, kSize},
                               /*align_corners=*/true) *
           235 +
       at::rand({kBatch, 3, kSize, kSize}) * 20)
          .floor();
  const at::Tensor mean = at::tensor({.485f, .456f, .406f}).view({3, 1, 1});
  const at::Tensor std = at::tensor({.229f, .224f, .225f}).view({3, 1, 1});
  batch.images = (batch.raw_images / 255 - mean) / std;
  batch.labels = at::arange(kBatch, at::kLong);
  for (int64_t n = 0; n < kBatch; ++n) batch.indices.push_back(n);
  return batch;
}

// Both kinds of steps: one batch, again and again.
struct Setup {
  explicit Setup(bool light = false) : batch(MakeBatch()) {
    at::set_num_threads(kThreads);
    FcamModelOptions model_options;
    model_options.decoder.light = light;
    model = MakeFcamModel(wsol::MakeClassifier(MakeClassifierOptions()).value(),
                          model_options)
                .value();
    model->train();
    wsol::OptimizerOptions optimizer_options;
    optimizer = wsol::Optimizer::Create({{model->TrainableParameters(), 0.01}},
                                        optimizer_options)
                    .value();
    seeds.foreground_pixels = 1;
    seeds.background_pixels = 1;
    seeds.dilation = 3;
    seeds.background_fraction = 0.1;
  }

  void Update(const at::Tensor& loss) {
    CHECK(std::isfinite(loss.item<double>()));
    optimizer->ZeroGrad();
    loss.backward();
    optimizer->Step();
  }

  wsol::Batch batch;
  std::shared_ptr<FcamModel> model;
  std::unique_ptr<wsol::Optimizer> optimizer;
  SeedOptions seeds;
};

// ---- As published
// --------------------------------------------------------------

at::Tensor Upsample(const at::Tensor& x) {
  return at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
}

class PublishedStep {
 public:
  PublishedStep() {
    classifier_ = wsol::MakeClassifier(MakeClassifierOptions()).value();
    classifier_->eval();
    for (at::Tensor& parameter : classifier_->parameters()) {
      parameter.set_requires_grad(false);
    }
    FcamLossOptions options = PublishedFcamLossOptions();
    options.crf_options.dense.filter.method =
        vision::BilateralFilterMethod::kLattice;
    loss_ = std::make_unique<FcamLoss>(FcamLoss::Create(options).value());
    for (const auto& child :
         setup_.model->decoder().named_children()["blocks"]->children()) {
      blocks_.push_back(child->as<UnetBlock>());
      CHECK(blocks_.back() != nullptr);
    }
    Run();
  }

  void Run() {
    const wsol::Batch& batch = setup_.batch;
    FcamLossInputs inputs;
    inputs.images = batch.raw_images;
    inputs.fcams = Forward(batch.images);
    std::vector<at::Tensor> seeds;
    for (int64_t n = 0; n < kBatch; ++n) seeds.push_back(SeedsOf(n));
    inputs.seeds = at::stack(seeds);
    setup_.Update(loss_->Compute(inputs, 1).total);
    ++steps_;
  }

 private:
  at::Tensor Forward(const at::Tensor& images) {
    vision::FeaturePyramid features =
        setup_.model->classifier().forward(images).features;
    at::Tensor x = features.back();
    for (size_t i = 0; i < blocks_.size(); ++i) {
      x = Upsample(x);
      if (i + 2 < features.size()) {
        const at::Tensor& skip = features[features.size() - 2 - i];
        if (x.sizes().slice(2) != skip.sizes().slice(2)) {
          x = at::upsample_bilinear2d(x, skip.sizes().slice(2),
                                      /*align_corners=*/true);
        }
        x = at::cat({x, skip}, 1);
      }
      x = blocks_[i]->conv2().forward(blocks_[i]->conv1().forward(x));
    }
    return setup_.model->segmentation_head().forward(x);
  }

  at::Tensor SeedsOf(int64_t n) {
    const wsol::Batch& batch = setup_.batch;
    const at::Tensor features =
        classifier_->forward(batch.images.narrow(0, n, 1)).features.back();
    const at::Tensor raw =
        wsol::ClassActivationMaps(features, classifier_->head().class_weights(),
                                  batch.labels.narrow(0, n, 1))
            .value();
    const at::Tensor cam =
        wsol::UpsampleMaps(wsol::NormalizeMaps(raw).maps, kSize, kSize)
            .contiguous();
    const at::Tensor labels = at::empty({kSize, kSize}, at::kLong);
    vision::Rng rng(0, {steps_, static_cast<uint64_t>(n)});
    const size_t pixels = static_cast<size_t>(kSize * kSize);
    const int side = static_cast<int>(kSize);
    SampleSeeds(absl::Span<const float>(cam.data_ptr<float>(), pixels), side,
                side, setup_.seeds, rng,
                absl::Span<int64_t>(labels.data_ptr<int64_t>(), pixels));
    return labels;
  }

  Setup setup_;
  std::shared_ptr<wsol::Classifier> classifier_;
  std::unique_ptr<FcamLoss> loss_;
  std::vector<UnetBlock*> blocks_;
  uint64_t steps_ = 0;
};

// ---- Ours
// ----------------------------------------------------------------------

enum class Encoder { kPlain, kFloat32, kBFloat16 };

class OurStep {
 public:
  // The first step, which makes momenta and packed weights, is done here.
  explicit OurStep(Encoder encoder, bool light = false) : setup_(light) {
    FcamModel& model = *setup_.model;
    if (encoder != Encoder::kPlain) {
      vision::InferenceOptions inference;
      // In float32 packing saves less time than can be measured, and costs as
      // much memory as the weights.
      inference.pack_weights = encoder == Encoder::kBFloat16;
      if (encoder == Encoder::kBFloat16) {
        inference.precision = vision::Precision::kBFloat16;
        inference.allow_slow_precision = true;
      }
      const absl::Status status =
          model.UseFastEncoder(MakeFastEncoder(MakeClassifierOptions(),
                                               model.classifier(), inference)
                                   .value());
      CHECK(status.ok()) << status;
    }
    cams_ = TrainingCams::Create(model, wsol::CamOptions()).value();
    loss_ = std::make_unique<FcamLoss>(
        FcamLoss::Create(PublishedFcamLossOptions()).value());
    Run();
  }

  void Run() {
    const SeedMaker make_seeds =
        [&](const FcamOutput& output, const wsol::Batch& batch,
            int64_t epoch) -> absl::StatusOr<at::Tensor> {
      return SampleSeedBatch(cams_->Maps(output, batch, epoch).value(),
                             batch.indices, setup_.seeds,
                             {0, static_cast<uint64_t>(epoch)}, kThreads);
    };
    const auto result =
        FcamStep(*setup_.model, *loss_, make_seeds, setup_.batch, ++steps_);
    CHECK(result.ok()) << result.status();
    setup_.Update(result->loss);
  }

 private:
  Setup setup_;
  std::unique_ptr<TrainingCams> cams_;
  std::unique_ptr<FcamLoss> loss_;
  int64_t steps_ = 0;
};

template <typename Step>
void Benchmark(benchmark::State& state, Step& step) {
  for (auto _ : state) step.Run();
  state.SetItemsProcessed(state.iterations() * kBatch);
}

void BM_PublishedStep(benchmark::State& state) {
  static auto& step = *new PublishedStep();
  Benchmark(state, step);
}

template <Encoder encoder, bool light>
void BM_FcamStep(benchmark::State& state) {
  static auto& step = *new OurStep(encoder, light);
  Benchmark(state, step);
}

#define FCAM_STEP(name, ...)                   \
  BENCHMARK_TEMPLATE(BM_FcamStep, __VA_ARGS__) \
      ->Name("BM_FcamStep/" name)              \
      ->Unit(benchmark::kMillisecond)          \
      ->MeasureProcessCPUTime()                \
      ->UseRealTime()

BENCHMARK(BM_PublishedStep)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
FCAM_STEP("plain", Encoder::kPlain, false);
FCAM_STEP("float32", Encoder::kFloat32, false);
FCAM_STEP("bfloat16", Encoder::kBFloat16, false);
FCAM_STEP("float32_light_decoder", Encoder::kFloat32, true);
FCAM_STEP("bfloat16_light_decoder", Encoder::kBFloat16, true);

// Runs three steps in a process of its own and prints its peak memory.
template <typename MakeStep>
void PrintPeakMemory(const char* name, const MakeStep& make_step) {
  const pid_t child = fork();
  CHECK_GE(child, 0);
  if (child == 0) {
    auto step = make_step();
    for (int i = 0; i < 2; ++i) step.Run();
    std::_Exit(0);
  }
  int status = 0;
  rusage usage = {};
  CHECK_EQ(wait4(child, &status, 0, &usage), child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0) << name;
  std::printf("peak memory of %s: %.0f MB\n", name,
              static_cast<double>(usage.ru_maxrss) / 1024);
  std::fflush(stdout);
}

void PrintPeakMemories() {
  PrintPeakMemory("BM_PublishedStep", [] { return PublishedStep(); });
  PrintPeakMemory("BM_FcamStep/plain", [] { return OurStep(Encoder::kPlain); });
  PrintPeakMemory("BM_FcamStep/float32",
                  [] { return OurStep(Encoder::kFloat32); });
  PrintPeakMemory("BM_FcamStep/bfloat16",
                  [] { return OurStep(Encoder::kBFloat16); });
  PrintPeakMemory("BM_FcamStep/bfloat16_light_decoder",
                  [] { return OurStep(Encoder::kBFloat16, true); });
}

}  // namespace
}  // namespace fcam

int main(int argc, char** argv) {
  // Before LibTorch has threads, which a fork would lose.
  if (std::getenv("MEASURE_MEMORY") != nullptr) fcam::PrintPeakMemories();
  if (std::getenv("KEEP_FREED_MEMORY") != nullptr) vision::KeepFreedMemory();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
