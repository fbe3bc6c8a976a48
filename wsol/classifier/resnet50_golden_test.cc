// The classifier as a whole against numbers of the published code.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/golden_weights.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::IsOk;

std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  const double* data = dense.data_ptr<double>();
  return std::vector<double>(data, data + dense.numel());
}

// What a case's classifier gives for its image.
struct Result {
  ClassifierOutput output;
  // The normalised map of its class, [h, w].
  at::Tensor map;
};

Result RunCase(const nlohmann::json& inputs) {
  const nlohmann::json& model = inputs["model"];
  ClassifierOptions options;
  options.backbone = model["encoder"].get<std::string>();
  options.pooling.name = model["head"].get<std::string>();
  options.pooling.support_background = model.value("support_background", true);
  options.num_classes = model["classes"].get<int64_t>();
  const auto classifier = MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  (*classifier)->to(at::kDouble);
  (*classifier)->eval();
  vision::FillGoldenWeights(model["fill"], "",
                            vision::GetStateDict(**classifier));

  ::testing::GoldenTensor x = ::testing::MakeGoldenTensor(inputs["x"]);
  const at::NoGradGuard no_grad;
  Result result;
  const at::Tensor images =
      at::from_blob(x.data.data(), x.shape, at::kDouble).clone();
  result.output = (*classifier)->forward(images);
  const auto raw =
      HeadMaps((*classifier)->head(), result.output.features.back(),
               at::full({1}, inputs["class_idx"].get<int64_t>(), at::kLong));
  EXPECT_THAT(raw, IsOk());
  const at::Tensor maps = NormalizeMaps(*raw).maps;
  result.map = maps[0];
  return result;
}

void ExpectGolden(const nlohmann::json& expected, const at::Tensor& actual,
                  const nlohmann::json& tolerance) {
  EXPECT_EQ(::testing::CompareWithGolden(expected, Values(actual),
                                         tolerance["rtol"].get<double>(),
                                         tolerance["atol"].get<double>()),
            "");
}

TEST(ResNet50GoldenTest, ForwardPassAt224) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/classifier/testdata/resnet50_models.json");
  for (const nlohmann::json& c : golden["cases"]) {
    const Result result = RunCase(c["inputs"]);
    const nlohmann::json& expect = c["expect"];
    ASSERT_EQ(result.output.features.size(), expect["features"].size());
    for (size_t i = 0; i < result.output.features.size(); ++i) {
      SCOPED_TRACE(i);
      const nlohmann::json& feature = expect["features"][i];
      EXPECT_THAT(result.output.features[i],
                  HasShape(feature["shape"].get<std::vector<int64_t>>()));
      ExpectGolden(feature, result.output.features[i], c["tol"]);
    }
    ExpectGolden(expect["logits"], result.output.logits, c["tol"]);
    ExpectGolden(expect["cam"], result.map, c["tol"]);
    EXPECT_EQ(result.output.logits.argmax(1).item<int64_t>(),
              expect["argmax"].get<int64_t>());
    // Section 14.6 of the behaviour specification: CAM of class 7.
    EXPECT_NEAR(result.map.mean().item<double>(), 0.552865, 1e-6);
    EXPECT_NEAR(result.map[5][9].item<double>(), 0.588433, 1e-6);
  }
}

}  // namespace
}  // namespace wsol
