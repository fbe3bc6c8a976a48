#include "fcam/decoder/fcam_model.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/types.h"
#include "vision/nn/freeze.h"
#include "wsol/classifier/classifier.h"

namespace fcam {
namespace {

using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

std::shared_ptr<wsol::Classifier> SmallClassifier() {
  wsol::ClassifierOptions options;
  options.backbone = "resnet_small";
  options.num_classes = 4;
  options.seed = 3;
  return wsol::MakeClassifier(options).value();
}

FcamModelOptions SmallOptions(bool freeze) {
  FcamModelOptions options;
  options.decoder.channels = {16, 8, 8, 4, 4};
  options.freeze_classifier = freeze;
  return options;
}

std::shared_ptr<FcamModel> SmallModel(bool freeze) {
  return MakeFcamModel(SmallClassifier(), SmallOptions(freeze)).value();
}

at::Tensor Images(int64_t height = 32, int64_t width = 32) {
  at::manual_seed(1);
  return at::randn({2, 3, height, width});
}

std::map<std::string, at::Tensor> Snapshot(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> copy;
  for (const auto& item : module.named_parameters()) {
    copy[item.key()] = item.value().detach().clone();
  }
  for (const auto& item : module.named_buffers()) {
    copy[item.key()] = item.value().clone();
  }
  return copy;
}

// A few steps of gradient descent on a made-up loss.
void Train(FcamModel& model) {
  model.train();
  for (int step = 0; step < 3; ++step) {
    const FcamOutput output = model.forward(Images() + step);
    const at::Tensor loss =
        output.fcams.softmax(1).select(1, 1).mean() + output.logits.mean();
    model.zero_grad();
    loss.backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& parameter : model.parameters()) {
      if (parameter.grad().defined()) parameter -= 0.1 * parameter.grad();
    }
  }
}

TEST(FcamModelTest, GivesLogitsAndAMapOfTheImagesSize) {
  const auto model = SmallModel(true);
  const FcamOutput output = model->forward(Images());
  EXPECT_THAT(output.logits, HasShape({2, 4}));
  EXPECT_THAT(output.fcams, HasShape({2, 2, 32, 32}));
  EXPECT_EQ(output.features.size(), 6u);
  EXPECT_THAT(model->forward(Images(45, 37)).fcams, HasShape({2, 2, 45, 37}));
}

TEST(FcamModelTest, SharesTheClassifier) {
  const auto classifier = SmallClassifier();
  const auto model = MakeFcamModel(classifier, SmallOptions(true)).value();
  std::vector<std::string> names;
  for (const auto& child : model->named_children()) {
    names.push_back(child.key());
  }
  EXPECT_THAT(names, ElementsAre("encoder", "classification_head", "decoder",
                                 "segmentation_head"));
  const auto own = model->named_parameters();
  for (const auto& item : classifier->named_parameters()) {
    EXPECT_TRUE(own[item.key()].is_same(item.value())) << item.key();
  }
  EXPECT_TRUE(own.contains("decoder.blocks.4.conv2.1.bias"));
  EXPECT_TRUE(own.contains("segmentation_head.0.bias"));
  classifier->eval();
  EXPECT_THAT(model->forward(Images()).logits,
              TensorEq(classifier->forward(Images()).logits.detach()));
}

TEST(FcamModelTest, FrozenClassifierIsIdenticalAfterTraining) {
  const auto model = SmallModel(true);
  const auto classifier = Snapshot(model->classifier());
  const auto decoder = Snapshot(model->decoder());
  const auto head = Snapshot(model->segmentation_head());
  Train(*model);
  for (const auto& [name, tensor] : Snapshot(model->classifier())) {
    EXPECT_THAT(tensor, TensorEq(classifier.at(name))) << name;
  }
  // Weights and running statistics.
  for (const auto& [name, tensor] : Snapshot(model->decoder())) {
    EXPECT_THAT(tensor, Not(TensorEq(decoder.at(name)))) << name;
  }
  for (const auto& [name, tensor] : Snapshot(model->segmentation_head())) {
    EXPECT_THAT(tensor, Not(TensorEq(head.at(name)))) << name;
  }
}

TEST(FcamModelTest, TrainKeepsAFrozenClassifierFrozen) {
  const auto model = SmallModel(true);
  EXPECT_TRUE(model->classifier_is_frozen());
  EXPECT_TRUE(vision::IsFrozen(model->classifier()));
  for (const bool on : {true, false, true}) {
    model->train(on);
    EXPECT_TRUE(vision::IsFrozen(model->classifier()));
    for (const auto& module : model->decoder().modules()) {
      EXPECT_EQ(module->is_training(), on);
    }
  }
}

TEST(FcamModelTest, FrozenFeaturesAreOutsideOfAutograd) {
  const auto model = SmallModel(true);
  at::Tensor images = Images();
  images.set_requires_grad(true);
  const FcamOutput output = model->forward(images);
  EXPECT_FALSE(output.logits.requires_grad());
  for (size_t i = 1; i < output.features.size(); ++i) {
    EXPECT_FALSE(output.features[i].requires_grad()) << i;
  }
  EXPECT_TRUE(output.fcams.requires_grad());
}

TEST(FcamModelTest, TrainsTheClassifierIfItIsNotFrozen) {
  const auto model = SmallModel(false);
  const auto classifier = Snapshot(model->classifier());
  Train(*model);
  int changed = 0;
  for (const auto& [name, tensor] : Snapshot(model->classifier())) {
    changed += !::testing::Value(tensor, TensorEq(classifier.at(name)));
  }
  EXPECT_EQ(changed, static_cast<int>(classifier.size()));
  EXPECT_EQ(model->TrainableParameters().size(), model->parameters().size());
}

TEST(FcamModelTest, TrainableParametersAreThoseOfTheDecoder) {
  const auto model = SmallModel(true);
  EXPECT_EQ(model->TrainableParameters().size(),
            model->decoder().parameters().size() +
                model->segmentation_head().parameters().size());
}

TEST(FcamModelTest, ResizesASmallerMap) {
  FcamModelOptions options = SmallOptions(true);
  options.decoder.channels = {8, 8};
  const auto model = MakeFcamModel(SmallClassifier(), options).value();
  model->eval();
  const FcamOutput output = model->forward(Images());
  const at::Tensor small = model->segmentation_head().forward(
      model->decoder().forward(output.features));
  EXPECT_THAT(small, HasShape({2, 2, 8, 8}));
  EXPECT_THAT(output.fcams,
              TensorEq(at::upsample_bilinear2d(small, {32, 32},
                                               /*align_corners=*/true)));
}

TEST(FcamModelTest, InitialWeightsAreAFunctionOfTheSeed) {
  FcamModelOptions options = SmallOptions(true);
  const auto weights = [&] {
    return Snapshot(*MakeFcamModel(SmallClassifier(), options).value());
  };
  const auto a = weights();
  for (const auto& [name, tensor] : weights()) {
    EXPECT_THAT(tensor, TensorEq(a.at(name))) << name;
  }
  options.seed = 1;
  const auto b = weights();
  EXPECT_THAT(b.at("decoder.blocks.0.conv1.0.weight"),
              Not(TensorEq(a.at("decoder.blocks.0.conv1.0.weight"))));
  EXPECT_THAT(b.at("segmentation_head.0.weight"),
              Not(TensorEq(a.at("segmentation_head.0.weight"))));
}

TEST(FcamModelTest, GivesTheCamsOfTheSameForward) {
  const auto model = SmallModel(true);
  const FcamOutput output = model->forward(Images(48, 40));
  const at::Tensor labels = at::tensor({3, 0}, at::kLong);
  const at::Tensor cams = model->TrainingCams(output, labels).value();
  EXPECT_THAT(cams, HasShape({2, 48, 40}));
  EXPECT_FALSE(cams.requires_grad());
  const at::Tensor weights = model->classifier().head().class_weights();
  for (int n = 0; n < 2; ++n) {
    // sum_c w_c f_c, min-max, bilinear.
    const at::Tensor w = weights[labels[n].item<int64_t>()].detach();
    at::Tensor map = (output.features.back()[n] * w.view({-1, 1, 1})).sum(0);
    map = map - map.min();
    map = map / map.max();
    const at::Tensor expected =
        at::upsample_bilinear2d(map.unsqueeze(0).unsqueeze(0), {48, 40},
                                /*align_corners=*/false)[0][0];
    // float32 sums in another order.
    EXPECT_THAT(cams[n], TensorNear(expected, 1e-4)) << n;
  }
}

TEST(FcamModelTest, RejectsLabelsThatDoNotFit) {
  const auto model = SmallModel(true);
  const FcamOutput output = model->forward(Images());
  EXPECT_THAT(model->TrainingCams(output, at::tensor({0, 4}, at::kLong)),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(model->TrainingCams(output, at::tensor({0}, at::kLong)),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(FcamModelTest, RejectsBadOptions) {
  FcamModelOptions options;
  options.decoder.channels = {};
  EXPECT_THAT(MakeFcamModel(SmallClassifier(), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("decoder channels are empty")));
}

TEST(ForegroundMapTest, IsTheSoftmaxOfChannelOne) {
  const at::Tensor logits = at::zeros({1, 2, 1, 2}, at::kDouble);
  logits[0][1][0][0] = std::log(3.0);
  EXPECT_THAT(
      ForegroundMap(logits),
      TensorNear(at::tensor({.75, .5}, at::kDouble).view({1, 1, 2}), 1e-15));
  at::manual_seed(2);
  const at::Tensor random = at::randn({3, 2, 5, 4}, at::kDouble) * 10;
  EXPECT_THAT(ForegroundMap(random),
              TensorNear(random.softmax(1).select(1, 1), 1e-15));
  EXPECT_THROW(ForegroundMap(at::zeros({2, 3, 3})), c10::Error);
}

}  // namespace
}  // namespace fcam
