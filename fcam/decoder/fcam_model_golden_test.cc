// Compares the whole network with the published one on closed-form weights.

#include <algorithm>
#include <cmath>
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

TEST(FcamModelGoldenTest, Resnet50EqualsThePublishedNetwork) {
  const json golden =
      ::testing::ReadTestJson("fcam/decoder/testdata/models.json");
  ASSERT_EQ(golden.at("cases").size(), 1u);
  const json& c = golden.at("cases")[0];
  wsol::ClassifierOptions classifier_options;
  classifier_options.backbone = "resnet50";
  classifier_options.num_classes = c.at("inputs").at("model").at("classes");
  const auto model =
      MakeFcamModel(wsol::MakeClassifier(classifier_options).value(), {})
          .value();
  int64_t trainable = 0;
  for (const at::Tensor& parameter : model->TrainableParameters()) {
    trainable += parameter.numel();
  }
  EXPECT_EQ(trainable, 9013218);

  model->to(at::kDouble);
  model->eval();
  Fill(*model, c.at("inputs").at("model").at("fill").at("gen"));
  const ::testing::GoldenTensor x =
      ::testing::MakeGoldenTensor(c.at("inputs").at("x"));
  const at::Tensor images = at::empty(x.shape, at::kDouble);
  std::copy(x.data.begin(), x.data.end(), images.data_ptr<double>());

  const at::NoGradGuard no_grad;
  const FcamOutput output = model->forward(images);
  const json& expect = c.at("expect");
  const double rtol = c.at("tol").at("rtol");
  const double atol = c.at("tol").at("atol");
  const auto check = [&](const json& expected, const at::Tensor& actual) {
    EXPECT_EQ(
        ::testing::CompareWithGolden(expected, ToVector(actual), rtol, atol),
        "");
  };
  check(expect.at("logits"), output.logits);
  EXPECT_EQ(output.logits.argmax(1).item<int64_t>(),
            expect.at("argmax").get<int64_t>());
  check(expect.at("fcams"), output.fcams);
  check(expect.at("foreground"), ForegroundMap(output.fcams));
  const std::vector<at::Tensor> blocks =
      model->decoder().ForwardBlocks(output.features);
  ASSERT_EQ(blocks.size(), expect.at("decoder_blocks").size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    SCOPED_TRACE(i);
    check(expect.at("decoder_blocks")[i], blocks[i]);
  }
}

}  // namespace
}  // namespace fcam
