// The network that F-CAM is used with most, at its own size: wide enough for
// every fast path.

#include <cstdint>
#include <iostream>

#include "ATen/ATen.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/localizer/localizer.h"
#include "fcam/localizer/test_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/image/tensor_image.h"

namespace fcam {
namespace {

using ::testing::IsOk;

TEST(LocalizerResNet50Test, IsWithinTheLimitOfThePlainForwardPass) {
  FcamFolderInfo info;
  info.classifier.classifier.backbone = "resnet50";
  info.classifier.classifier.num_classes = 20;
  const auto plain = MakeTestModel(info);
  // Maps of drawn weights fill a fair part of [0, 1] then.
  const at::NoGradGuard no_grad;
  const cv::Mat image = TestImage(224, 224, 1);
  const at::Tensor input = vision::NormalizedImageToTensor(image).unsqueeze(0);
  at::Tensor weight = plain->segmentation_head().parameters()[0];
  const at::Tensor before = plain->forward(input).fcams;
  weight.div_((before.select(1, 1) - before.select(1, 0)).std());
  const FcamOutput output = plain->forward(input);
  const cv::Mat expected = vision::TensorToMap(ForegroundMap(output.fcams)[0]);
  double smallest = 0;
  double largest = 0;
  cv::minMaxLoc(expected, &smallest, &largest);
  ASSERT_GT(largest - smallest, 0.3);
  const at::Tensor probabilities = output.logits.softmax(1)[0];
  const int64_t best = probabilities.argmax().item<int64_t>();

  const auto localizer = Localizer::Create(plain, info.classifier, {});
  ASSERT_THAT(localizer, IsOk());
  const auto found = (*localizer)->Localize(image);
  ASSERT_THAT(found, IsOk());
  const double difference = cv::norm(found->map, expected, cv::NORM_INF);
  std::cout << "largest difference of the map: " << difference << "\n";
  EXPECT_LE(difference, 1e-4);
  EXPECT_EQ(found->classes[0].index, best);
  EXPECT_NEAR(found->classes[0].probability, probabilities[best].item<double>(),
              1e-4);
}

}  // namespace
}  // namespace fcam
