// Training traces of the published code for classifiers: optimizer, schedule
// and parameter groups in float64 on closed-form weights and images, and
// TrainClassifier itself, from image files, in float32.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/golden_weights.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/metadata.h"
#include "wsol/training/classifier_trainer.h"
#include "wsol/training/optimizer.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::IsOk;

json FindCase(const std::string& id) {
  const json golden =
      ::testing::ReadTestJson("wsol/training/testdata/train_std.json");
  for (const json& c : golden.at("cases")) {
    if (c.at("id") == "train/g/" + id) return c;
  }
  ADD_FAILURE() << "no case " << id;
  return json();
}

std::shared_ptr<Classifier> MakeModel(const json& model, at::ScalarType dtype) {
  ClassifierOptions options;
  options.backbone = model.at("encoder");
  options.pooling.name = model.at("head");
  options.num_classes = model.at("classes");
  if (options.backbone == "inceptionv3") {
    options.backbone_options.dropout = model.at("dropout").get<double>();
  }
  const auto classifier = MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  (*classifier)->to(dtype);
  vision::FillGoldenWeights(model.at("fill"), "",
                            vision::GetStateDict(**classifier));
  return *classifier;
}

// The images of kind tri_noise: whole numbers 0..255, [N, 3, H, W].
at::Tensor MakeRawImages(const json& image) {
  EXPECT_EQ(image.at("kind"), "tri_noise");
  const at::Tensor images =
      at::empty({image.at("N").get<int64_t>(), 3, image.at("H").get<int64_t>(),
                 image.at("W").get<int64_t>()},
                at::kDouble);
  const std::vector<double> stream =
      ::testing::GoldenStream(image.at("gen"), images.numel());
  double* out = images.data_ptr<double>();
  int64_t i = 0;
  for (int64_t n = 0; n < images.size(0); ++n) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < images.size(2); ++y) {
        for (int64_t x = 0; x < images.size(3); ++x, ++i) {
          const int64_t wave = (3 * x + 5 * y + 40 * c + 17 * n) % 128;
          const double base = static_cast<double>(
              std::min<int64_t>(std::abs(wave - 64) * 4, 255));
          out[i] = std::min(base + std::floor(stream[i] * 32), 255.0);
        }
      }
    }
  }
  return images;
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kDouble).contiguous();
  return std::vector<double>(values.data_ptr<double>(),
                             values.data_ptr<double>() + values.numel());
}

ClassifierTrainingOptions MakeOptions(const json& inputs) {
  ClassifierTrainingOptions options;
  const json& sgd = inputs.at("optimizer");
  options.learning_rate = sgd.at("lr");
  options.classifier_learning_rate_ratio = sgd.at("lr_classifier_ratio");
  options.optimizer.momentum = sgd.at("momentum");
  options.optimizer.dampening = sgd.at("dampening");
  options.optimizer.nesterov = sgd.at("nesterov");
  options.optimizer.weight_decay = sgd.at("weight_decay");
  const json& scheduler = inputs.at("scheduler");
  options.optimizer.schedule.step_size = scheduler.at("step_size");
  options.optimizer.schedule.gamma = scheduler.at("gamma");
  options.optimizer.schedule.min_lr = scheduler.at("min_lr");
  return options;
}

void ExpectPublishedTrace(const std::string& id) {
  const json golden = FindCase(id);
  ASSERT_FALSE(golden.is_null());
  const json& inputs = golden.at("inputs");
  const json& expect = golden.at("expect");
  const double rtol = golden.at("tol").at("rtol");
  const double atol = golden.at("tol").at("atol");
  const auto check = [&](const json& expected, const at::Tensor& actual) {
    EXPECT_EQ(
        ::testing::CompareWithGolden(expected, ToVector(actual), rtol, atol),
        "");
  };
  const auto classifier = MakeModel(inputs.at("model"), at::kDouble);
  const at::Tensor mean =
      at::tensor({.485, .456, .406}, at::kDouble).view({3, 1, 1});
  const at::Tensor std =
      at::tensor({.229, .224, .225}, at::kDouble).view({3, 1, 1});
  const at::Tensor images =
      (MakeRawImages(inputs.at("image")) / 255 - mean) / std;
  check(expect.at("input"), images);
  const at::Tensor labels =
      at::tensor(inputs.at("labels").get<std::vector<int64_t>>(), at::kLong);
  // As TrainClassifier makes it.
  const ClassifierTrainingOptions options = MakeOptions(inputs);
  const ClassifierParameters groups = ParameterGroups(*classifier);
  const auto optimizer = Optimizer::Create(
      {{groups.low, options.learning_rate},
       {groups.high,
        options.learning_rate * options.classifier_learning_rate_ratio}},
      options.optimizer);
  ASSERT_THAT(optimizer, IsOk());

  for (const json& step : expect.at("steps")) {
    SCOPED_TRACE(step.at("step").get<int>());
    classifier->train();
    (*optimizer)->SetEpoch(step.at("step"));
    const std::vector<double> rates = (*optimizer)->LearningRates();
    ASSERT_EQ(rates.size(), step.at("lr").size());
    for (size_t i = 0; i < rates.size(); ++i) {
      EXPECT_DOUBLE_EQ(rates[i], step.at("lr")[i].get<double>());
    }
    const at::Tensor logits = classifier->forward(images).logits;
    check(step.at("logits"), logits);
    const at::Tensor loss = at::cross_entropy_loss(logits, labels);
    EXPECT_NEAR(loss.item<double>(), step.at("loss").get<double>(),
                atol + rtol * std::abs(step.at("loss").get<double>()));
    (*optimizer)->ZeroGrad();
    loss.backward();
    (*optimizer)->Step();

    classifier->eval();
    const at::NoGradGuard no_grad;
    const at::Tensor after = classifier->forward(images).logits;
    check(step.at("eval_logits"), after);
    const double expected = step.at("eval_loss");
    EXPECT_NEAR(at::cross_entropy_loss(after, labels).item<double>(), expected,
                atol + rtol * std::abs(expected));
  }
  const vision::StateDict state = vision::GetStateDict(*classifier);
  for (const auto& [name, expected] : expect.at("after").items()) {
    SCOPED_TRACE(name);
    check(expected, state[name]);
  }
}

// The same by TrainClassifier, whose batches come from files and are float32:
// one batch is an epoch. The deviations of float32 are those that were measured
// with the published code.
void ExpectTrainerFollows(const std::string& id, size_t num_epochs) {
  const json golden = FindCase(id);
  ASSERT_FALSE(golden.is_null());
  const json& inputs = golden.at("inputs");
  const json& expect = golden.at("expect");
  const at::Tensor raw = MakeRawImages(inputs.at("image"));
  const int height = static_cast<int>(raw.size(2));
  const int width = static_cast<int>(raw.size(3));
  ASSERT_EQ(height, width);  // The loader's crops are square.

  const std::string folder = vision::JoinPath(::testing::TempDir(), id);
  ASSERT_THAT(vision::CreateDirectories(folder), IsOk());
  SplitMetadata metadata;
  metadata.num_classes = inputs.at("model").at("classes");
  for (int n = 0; n < raw.size(0); ++n) {
    ImageRecord record;
    record.id = std::to_string(n) + ".png";
    record.label = inputs.at("labels")[n];
    record.width = width;
    record.height = height;
    const at::Tensor rgb = raw[n].permute({1, 2, 0}).to(at::kByte).contiguous();
    const cv::Mat image(height, width, CV_8UC3, rgb.data_ptr());
    const auto png = vision::EncodePng(image);
    ASSERT_THAT(png, IsOk());
    ASSERT_THAT(
        vision::WriteFileAtomically(vision::JoinPath(folder, record.id), *png),
        IsOk());
    metadata.images.push_back(record);
  }
  ASSERT_THAT(WriteSplitMetadata(folder, metadata), IsOk());
  const auto dataset = Dataset::Open(folder, folder);
  ASSERT_THAT(dataset, IsOk());
  LoaderOptions loader_options;
  loader_options.batch_size = static_cast<int>(raw.size(0));
  loader_options.resize = width;
  loader_options.crop = width;
  const auto loader = Loader::Create(&*dataset, loader_options);
  ASSERT_THAT(loader, IsOk());

  ClassifierTrainingOptions options = MakeOptions(inputs);
  options.loop.epochs = static_cast<int64_t>(num_epochs);
  const auto classifier = MakeModel(inputs.at("model"), at::kFloat);
  const auto history = TrainClassifier(*classifier, **loader, options);
  ASSERT_THAT(history, IsOk());
  ASSERT_EQ(history->size(), num_epochs);
  for (size_t i = 0; i < num_epochs; ++i) {
    const json& step = expect.at("steps")[i];
    const double deviation = expect.at("float32_dev_per_step")[i];
    EXPECT_NEAR((*history)[i].loss, step.at("loss").get<double>(),
                2e-6 + 20 * deviation)
        << "step " << i + 1;
    EXPECT_DOUBLE_EQ((*history)[i].learning_rate,
                     step.at("lr")[0].get<double>());
  }
}

TEST(ClassifierTrainerGoldenTest, Resnet50) {
  ExpectPublishedTrace("std-resnet50");
}
TEST(ClassifierTrainerGoldenTest, Vgg16) { ExpectPublishedTrace("std-vgg16"); }
TEST(ClassifierTrainerGoldenTest, InceptionV3) {
  ExpectPublishedTrace("std-inceptionv3");
}
TEST(ClassifierTrainerGoldenTest, Resnet50WithWildcatHead) {
  ExpectPublishedTrace("std-resnet50-wildcat-keyed");
}
TEST(ClassifierTrainerGoldenTest, TrainClassifierFollowsResnet50) {
  ExpectTrainerFollows("std-resnet50", 3);
}
TEST(ClassifierTrainerGoldenTest, TrainClassifierFollowsVgg16) {
  ExpectTrainerFollows("std-vgg16", 3);
}

}  // namespace
}  // namespace wsol
