// Compares the whole network with the published one on closed-form weights.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/decoder/unet_decoder.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/test_data.h"
#include "torch/types.h"
#include "vision/base/file_io.h"
#include "wsol/classifier/classifier.h"

namespace fcam {
namespace {

using ::nlohmann::json;

// Every tensor restarts the stream: weights (2u - 1) sqrt(6 / fan_in), biases
// .1 (2u - 1), batch norms 1 and 0.
void Fill(torch::nn::Module& model, const json& gen) {
  const at::NoGradGuard no_grad;
  int64_t longest = 0;
  for (const at::Tensor& parameter : model.parameters()) {
    longest = std::max(longest, parameter.numel());
  }
  const std::vector<double> values = ::testing::GoldenStream(gen, longest);
  const at::Tensor stream = at::empty({longest}, at::kDouble);
  std::copy(values.begin(), values.end(), stream.data_ptr<double>());
  const at::Tensor centred = stream * 2 - 1;
  const auto buffers = model.named_buffers();
  for (const auto& item : model.named_parameters()) {
    at::Tensor parameter = item.value();
    const std::string& name = item.key();
    const std::string module = name.substr(0, name.rfind('.'));
    const at::Tensor drawn =
        centred.slice(0, 0, parameter.numel()).view(parameter.sizes());
    if (parameter.dim() > 1) {
      const double fan_in =
          static_cast<double>(parameter.numel() / parameter.size(0));
      parameter.copy_(drawn * std::sqrt(6 / fan_in));
    } else if (!buffers.contains(module + ".running_mean")) {
      parameter.copy_(drawn * 0.1);
    }
  }
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor values = tensor.contiguous();
  return std::vector<double>(values.data_ptr<double>(),
                             values.data_ptr<double>() + values.numel());
}

at::Tensor ToTensor(const ::testing::GoldenTensor& golden) {
  const at::Tensor tensor = at::empty(golden.shape, at::kDouble);
  std::copy(golden.data.begin(), golden.data.end(), tensor.data_ptr<double>());
  return tensor;
}

// A published network, and what its parameters are known to be.
struct Published {
  std::string backbone;
  std::vector<int64_t> decoder_channels;
  bool center;
  int64_t encoder_parameters;
  int64_t trainable_parameters;
  // CRC-32 of the names of all parameters, one a line, part by part.
  uint32_t names_crc32;
};

void ExpectPublishedNetwork(const Published& published) {
  const json golden =
      ::testing::ReadTestJson("fcam/decoder/testdata/models.json");
  const auto c = std::find_if(
      golden.at("cases").begin(), golden.at("cases").end(), [&](const json& x) {
        return x.at("inputs").at("model").at("encoder") == published.backbone;
      });
  ASSERT_NE(c, golden.at("cases").end());
  const json& inputs = c->at("inputs");
  wsol::ClassifierOptions classifier_options;
  classifier_options.backbone = published.backbone;
  classifier_options.num_classes = inputs.at("model").at("classes");
  FcamModelOptions options;
  options.decoder.channels = published.decoder_channels;
  options.decoder.center = published.center;
  const auto model =
      MakeFcamModel(wsol::MakeClassifier(classifier_options).value(), options)
          .value();
  int64_t trainable = 0;
  for (const at::Tensor& parameter : model->TrainableParameters()) {
    trainable += parameter.numel();
  }
  EXPECT_EQ(trainable, published.trainable_parameters);
  int64_t encoder = 0;
  for (const at::Tensor& parameter :
       model->classifier().encoder().parameters()) {
    encoder += parameter.numel();
  }
  EXPECT_EQ(encoder, published.encoder_parameters);
  std::string names;
  for (const std::string part :
       {"encoder", "decoder", "classification_head", "segmentation_head"}) {
    for (const auto& item : model->named_parameters()) {
      if (item.key().rfind(part + ".", 0) != 0) continue;
      names += (names.empty() ? "" : "\n") + item.key();
    }
  }
  EXPECT_EQ(vision::Crc32(names), published.names_crc32);

  model->to(at::kDouble);
  model->eval();
  Fill(*model, inputs.at("model").at("fill").at("gen"));
  const at::NoGradGuard no_grad;
  const at::Tensor images =
      ToTensor(::testing::MakeGoldenTensor(inputs.at("x")));
  // model->forward(images), but the decoder's blocks are seen too.
  const wsol::ClassifierOutput output = model->classifier().forward(images);
  const std::vector<at::Tensor> blocks =
      model->decoder().ForwardBlocks(output.features);
  const at::Tensor fcams = model->segmentation_head().forward(blocks.back());
  const json& expect = c->at("expect");
  const double rtol = c->at("tol").at("rtol");
  const double atol = c->at("tol").at("atol");
  const auto check = [&](const json& expected, const at::Tensor& actual) {
    EXPECT_EQ(
        ::testing::CompareWithGolden(expected, ToVector(actual), rtol, atol),
        "");
  };
  ASSERT_EQ(output.features.size(), expect.at("features").size());
  for (size_t i = 0; i < output.features.size(); ++i) {
    SCOPED_TRACE(i);
    check(expect.at("features")[i], output.features[i]);
  }
  check(expect.at("logits"), output.logits);
  EXPECT_EQ(output.logits.argmax(1).item<int64_t>(),
            expect.at("argmax").get<int64_t>());
  check(expect.at("fcams"), fcams);
  check(expect.at("foreground"), ForegroundMap(fcams));
  const int64_t class_idx = inputs.at("class_idx");
  at::Tensor cam = at::tensordot(
      model->named_parameters()["classification_head.fc.weight"][class_idx],
      output.features.back()[0], {0}, {0});
  cam = cam - cam.min();
  check(expect.at("cam"), cam / cam.max());
  ASSERT_EQ(blocks.size(), expect.at("decoder_blocks").size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    SCOPED_TRACE(i);
    check(expect.at("decoder_blocks")[i], blocks[i]);
  }
  if (!published.center) {  // The third network is slow.
    EXPECT_TRUE(model->forward(images).fcams.equal(fcams));
  }
}

TEST(FcamModelGoldenTest, Resnet50EqualsThePublishedNetwork) {
  ExpectPublishedNetwork({"resnet50",
                          {256, 128, 64, 32, 16},
                          /*center=*/false,
                          23508032,
                          9013218,
                          2162987878});
}

TEST(FcamModelGoldenTest, Vgg16EqualsThePublishedNetwork) {
  ExpectPublishedNetwork({"vgg16",
                          {256, 128, 64},
                          /*center=*/true,
                          19434304,
                          23120770,
                          685753434});
}

TEST(FcamModelGoldenTest, InceptionV3EqualsThePublishedNetwork) {
  ExpectPublishedNetwork({"inceptionv3",
                          {256, 128, 64, 32, 16},
                          /*center=*/false,
                          25482976,
                          5704674,
                          4087110206});
}

}  // namespace
}  // namespace fcam
