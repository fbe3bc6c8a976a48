// Training traces of the published code: FcamStep with the optimizer that
// TrainFcam makes, in float64, on closed-form weights, images and seeds.

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/losses/composite.h"
#include "fcam/losses/golden_inputs.h"
#include "fcam/training/fcam_step.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "vision/backbones/golden_weights.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/training/engine.h"
#include "wsol/training/optimizer.h"

namespace fcam {
namespace {

using ::nlohmann::json;
using ::testing::IsOk;

constexpr int64_t kIgnore = -255;
// Relative tolerance of the CRF term: the published filter is float32.
constexpr double kCrfTolerance = 2e-5;

json FindCase(const std::string& id) {
  const json golden =
      ::testing::ReadTestJson("fcam/training/testdata/train_fcl.json");
  for (const json& c : golden.at("cases")) {
    if (c.at("id") == "train/g/" + id) return c;
  }
  ADD_FAILURE() << "no case " << id;
  return json();
}

std::shared_ptr<FcamModel> MakeModel(const json& inputs) {
  wsol::ClassifierOptions classifier;
  classifier.backbone = inputs.at("encoder");
  classifier.num_classes = inputs.at("classes");
  if (classifier.backbone == "inceptionv3") {
    classifier.backbone_options.dropout = inputs.at("dropout").get<double>();
  }
  FcamModelOptions options;
  options.freeze_classifier = inputs.at("freeze_cl");
  if (classifier.backbone == "vgg16") {
    options.decoder.channels = {256, 128, 64};
    options.decoder.center = true;
  }
  auto made = wsol::MakeClassifier(classifier);
  EXPECT_THAT(made, IsOk());
  auto model = MakeFcamModel(*std::move(made), options);
  EXPECT_THAT(model, IsOk());
  (*model)->to(at::kDouble);
  vision::FillGoldenWeights(inputs.at("fill"), "",
                            vision::GetStateDict(**model));
  return *model;
}

FcamLossOptions MakeLossOptions(const json& inputs) {
  const json& losses = inputs.at("losses");
  FcamLossOptions options;
  options.classification.enabled = !losses.at("freeze").get<bool>();
  options.crf.enabled = true;
  options.crf.weight = losses.at("crf_lambda");
  auto& dense = options.crf_options.dense;
  dense.filter.sigma_rgb = losses.at("crf_sigma_rgb");
  dense.filter.sigma_xy_pixels = losses.at("crf_sigma_xy");
  dense.filter.method = vision::BilateralFilterMethod::kLattice;
  dense.scale = losses.at("crf_scale");
  options.size.enabled = true;
  options.size.weight = losses.at("max_size_lambda");
  options.self_learning.enabled = true;
  options.self_learning.weight = losses.at("sl_lambda");
  options.elb.init_t = inputs.at("elb").at("init");
  options.elb.max_t = inputs.at("elb").at("max");
  options.elb.mulcoef = inputs.at("elb").at("mul");
  return options;
}

wsol::Batch MakeBatch(const json& inputs) {
  wsol::Batch batch;
  batch.raw_images = ImagesFromGolden(inputs.at("image"));
  const at::Tensor mean =
      at::tensor({.485, .456, .406}, at::kDouble).view({3, 1, 1});
  const at::Tensor std =
      at::tensor({.229, .224, .225}, at::kDouble).view({3, 1, 1});
  batch.images = (batch.raw_images / 255 - mean) / std;
  batch.labels =
      at::tensor(inputs.at("labels").get<std::vector<int64_t>>(), at::kLong);
  for (int64_t n = 0; n < batch.images.size(0); ++n) batch.indices.push_back(n);
  return batch;
}

// The squares of step `s`, from 1; see the file's conventions.
at::Tensor MakeSeeds(int64_t batch, int64_t height, int64_t width, int64_t s) {
  const at::Tensor seeds = at::full({batch, height, width}, kIgnore, at::kLong);
  for (int64_t n = 0; n < batch; ++n) {
    const at::Tensor foreground = at::zeros({height, width}, at::kBool);
    const at::Tensor background = at::zeros({height, width}, at::kBool);
    const auto mark = [](const at::Tensor& mask, int64_t x, int64_t y) {
      mask.slice(0, y, y + 3).slice(1, x, x + 3).fill_(true);
    };
    mark(foreground, (11 * n + 5 * s + 8) % (width - 3),
         (7 * n + 3 * s + 10) % (height - 3));
    mark(background, (13 * n + 4 * s + 1) % (width - 3),
         (5 * n + 2 * s + 2) % (height - 3));
    seeds[n].masked_fill_(foreground.logical_and(~background), 1);
    seeds[n].masked_fill_(background.logical_and(~foreground), 0);
  }
  return seeds;
}

int CountNormsInTrainMode(const torch::nn::Module& module) {
  int count = 0;
  for (const auto& child : module.children()) {
    count += CountNormsInTrainMode(*child);
    count += child->as<torch::nn::BatchNorm2dImpl>() != nullptr &&
             child->is_training();
  }
  return count;
}

class Tolerance {
 public:
  explicit Tolerance(const json& tolerance)
      : rtol_(tolerance.at("rtol")), atol_(tolerance.at("atol")) {}

  void Check(const json& expected, const at::Tensor& actual) const {
    EXPECT_EQ(
        ::testing::CompareWithGolden(expected, ToVector(actual), rtol_, atol_),
        "");
  }
  void Check(const json& expected, double actual) const {
    const double value = expected;
    EXPECT_NEAR(actual, value, atol_ + rtol_ * std::abs(value));
  }

 private:
  double rtol_;
  double atol_;
};

double GradientNorm(const std::vector<at::Tensor>& parameters) {
  double sum = 0;
  for (const at::Tensor& parameter : parameters) {
    sum += parameter.grad().square().sum().item<double>();
  }
  return std::sqrt(sum);
}

using State = std::map<std::string, at::Tensor>;

// The classifier's parameters and buffers.
State CopyClassifierState(const FcamModel& model) {
  State copy;
  for (const auto& item : vision::GetStateDict(model.classifier())) {
    copy[item.key()] = item.value().clone();
  }
  return copy;
}

bool SameState(const State& a, const State& b) {
  for (const auto& [name, value] : a) {
    if (!b.at(name).equal(value)) return false;
  }
  return a.size() == b.size();
}

void ExpectPublishedTrace(const std::string& id) {
  const json golden = FindCase(id);
  ASSERT_FALSE(golden.is_null());
  const json& inputs = golden.at("inputs");
  const json& expect = golden.at("expect");
  const Tolerance near(golden.at("tol"));
  const auto model = MakeModel(inputs.at("model"));
  const wsol::Batch batch = MakeBatch(inputs);
  near.Check(expect.at("input"), batch.images);
  auto loss = FcamLoss::Create(MakeLossOptions(inputs));
  ASSERT_THAT(loss, IsOk());

  const json& sgd = inputs.at("optimizer");
  wsol::OptimizerOptions optimizer_options;
  optimizer_options.momentum = sgd.at("momentum");
  optimizer_options.dampening = sgd.at("dampening");
  optimizer_options.nesterov = sgd.at("nesterov");
  optimizer_options.weight_decay = sgd.at("weight_decay");
  const json& scheduler = inputs.at("scheduler");
  optimizer_options.schedule.step_size = scheduler.at("step_size");
  optimizer_options.schedule.gamma = scheduler.at("gamma");
  optimizer_options.schedule.min_lr = scheduler.at("min_lr");
  const std::vector<at::Tensor> trainable = model->TrainableParameters();
  EXPECT_EQ(trainable.size(), expect.at("trainable_tensors").get<size_t>());
  const auto optimizer = wsol::Optimizer::Create(
      {{trainable, sgd.at("lr").get<double>()}}, optimizer_options);
  ASSERT_THAT(optimizer, IsOk());
  const State before = CopyClassifierState(*model);

  for (const json& step : expect.at("steps")) {
    const int64_t s = step.at("step");
    SCOPED_TRACE(s);
    model->train();
    const json& training = expect.at("batchnorm_layers_in_train_mode");
    EXPECT_EQ(CountNormsInTrainMode(model->classifier().encoder()),
              training.at("encoder").get<int>());
    EXPECT_EQ(CountNormsInTrainMode(model->decoder()),
              training.at("decoder").get<int>());
    (*optimizer)->SetEpoch(s);
    EXPECT_EQ((*optimizer)->LearningRates(),
              step.at("lr").get<std::vector<double>>());
    // t is float32 there.
    EXPECT_NEAR(loss->elb_t(), step.at("t").get<double>(), 1e-6);

    const SeedMaker seeds = [&](const FcamOutput& output, const wsol::Batch&,
                                int64_t epoch) -> absl::StatusOr<at::Tensor> {
      near.Check(step.at("fcams"), output.fcams);
      // Listed for some of the steps.
      if (step.contains("logits")) {
        near.Check(step.at("logits"), output.logits);
      }
      near.Check(step.at("foreground_mean"),
                 ForegroundMap(output.fcams).mean().item<double>());
      return MakeSeeds(output.fcams.size(0), output.fcams.size(2),
                       output.fcams.size(3), epoch);
    };
    const auto result = FcamStep(*model, *loss, seeds, batch, s);
    ASSERT_THAT(result, IsOk());
    ASSERT_EQ(result->values.size(), step.at("terms").size());
    double magnitude = 0;
    for (const auto& [name, value] : result->values) {
      const double expected = step.at("terms").at(name);
      magnitude += std::abs(expected);
      EXPECT_NEAR(
          value, expected,
          1e-9 + (name == kCrfTerm ? kCrfTolerance : 1e-6) * std::abs(expected))
          << name;
    }
    // The terms' tolerances are relative to them: the sum may be near 0.
    EXPECT_NEAR(result->loss.item<double>(), step.at("total").get<double>(),
                1e-9 + 1e-6 * magnitude);
    (*optimizer)->ZeroGrad();
    result->loss.backward();
    near.Check(step.at("grad_norm"), GradientNorm(trainable));
    (*optimizer)->Step();
    loss->UpdateEpochEnd();

    model->eval();
    const at::NoGradGuard no_grad;
    const FcamOutput after = model->forward(batch.images);
    near.Check(step.at("eval_fcams"), after.fcams);
    near.Check(step.at("eval_logits"), after.logits);
    near.Check(step.at("eval_foreground_mean"),
               ForegroundMap(after.fcams).mean().item<double>());
  }

  const vision::StateDict state = vision::GetStateDict(*model);
  for (const char* part : {"after", "decoder_batchnorm_after"}) {
    for (const auto& [name, expected] : expect.at(part).items()) {
      SCOPED_TRACE(name);
      if (expected.is_object()) {
        near.Check(expected, state[name]);
      } else {
        near.Check(expected, state[name].item<double>());
      }
    }
  }
  EXPECT_EQ(SameState(before, CopyClassifierState(*model)),
            expect.at("encoder_head_unchanged").get<bool>());
}

TEST(FcamStepGoldenTest, FrozenResnet50) {
  ExpectPublishedTrace("fcl-frozen-resnet50");
}
TEST(FcamStepGoldenTest, FrozenVgg16) {
  ExpectPublishedTrace("fcl-frozen-vgg16");
}
TEST(FcamStepGoldenTest, FrozenInceptionV3) {
  ExpectPublishedTrace("fcl-frozen-inceptionv3");
}
TEST(FcamStepGoldenTest, JointResnet50) {
  ExpectPublishedTrace("fcl-free-resnet50");
}
TEST(FcamStepGoldenTest, JointVgg16) { ExpectPublishedTrace("fcl-free-vgg16"); }
TEST(FcamStepGoldenTest, JointInceptionV3) {
  ExpectPublishedTrace("fcl-free-inceptionv3");
}

}  // namespace
}  // namespace fcam
