#include "fcam/localizer/test_model.h"

#include <algorithm>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "glog/logging.h"
#include "torch/nn/modules/batchnorm.h"
#include "vision/base/rng.h"
#include "vision/nn/weight_init.h"

namespace fcam {

FcamFolderInfo TestInfo() {
  FcamFolderInfo info;
  info.classifier.classifier.backbone = "resnet_small";
  info.classifier.classifier.num_classes = 3;
  info.classifier.classifier.seed = 3;
  info.classifier.class_names = {"ant", "bee", "cat"};
  info.classifier.preprocessing.resize = 72;
  info.classifier.preprocessing.crop = 64;
  info.classifier.taus = {{"MaxBoxAcc", 0.25}, {"MaxBoxAccV2", 0.5}};
  info.fcam.decoder.channels = {16, 8, 8, 4, 4};
  info.fcam.seed = 5;
  return info;
}

void DrawNorms(torch::nn::Module& module, uint64_t seed) {
  const at::NoGradGuard no_grad;
  at::Generator generator = vision::MakeGenerator(seed);
  for (const auto& child : module.modules()) {
    const auto* const norm = child->as<torch::nn::BatchNorm2dImpl>();
    if (norm == nullptr) continue;
    norm->weight.uniform_(0.5, 1.5, generator);
    norm->bias.uniform_(-0.2, 0.2, generator);
    norm->running_mean.uniform_(-0.2, 0.2, generator);
    norm->running_var.uniform_(0.5, 1.5, generator);
  }
  module.eval();
}

std::shared_ptr<wsol::Classifier> MakeTestClassifier(
    const FcamFolderInfo& info) {
  auto classifier = wsol::MakeClassifier(info.classifier.classifier);
  CHECK(classifier.ok()) << classifier.status();
  DrawNorms(**classifier, 7);
  return *std::move(classifier);
}

std::shared_ptr<FcamModel> MakeTestModel(const FcamFolderInfo& info) {
  auto model = MakeFcamModel(MakeTestClassifier(info), info.fcam);
  CHECK(model.ok()) << model.status();
  DrawNorms(**model, 8);
  return *std::move(model);
}

cv::Mat TestImage(int width, int height, uint64_t seed) {
  vision::Rng rng(seed);
  cv::Mat image(height, width, CV_8UC3);
  const double radius = 0.3 * std::min(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = x - 0.4 * width;
      const double v = y - 0.6 * height;
      const bool inside = u * u + v * v < radius * radius;
      for (int c = 0; c < 3; ++c) {
        image.at<cv::Vec3b>(y, x)[c] = static_cast<uint8_t>(
            (inside ? 180 - 30 * c : 40 + 20 * c) + 30 * rng.Uniform());
      }
    }
  }
  return image;
}

}  // namespace fcam
