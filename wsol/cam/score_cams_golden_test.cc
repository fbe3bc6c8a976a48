// The published ScoreCAM and ISCAM on whole classifiers, in float64. A map
// takes a pass for each of 1024 or 2048 channels, so by default the weights of
// the channels that the golden file lists are compared; with SCORE_CAMS=maps in
// the environment the maps themselves.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/golden_weights.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"

namespace wsol {
namespace {

using ::testing::IsOk;

at::Tensor FromGolden(const nlohmann::json& descriptor) {
  ::testing::GoldenTensor golden = ::testing::MakeGoldenTensor(descriptor);
  return at::from_blob(golden.data.data(), golden.shape, at::kDouble).clone();
}

std::string Differences(const nlohmann::json& expected,
                        const at::Tensor& actual,
                        const nlohmann::json& tolerance) {
  const at::Tensor dense = actual.detach().contiguous();
  const double* const values = dense.data_ptr<double>();
  return ::testing::CompareWithGolden(
      expected, std::vector<double>(values, values + dense.numel()),
      tolerance["rtol"].get<double>(), tolerance["atol"].get<double>());
}

// Shows one channel of the last features, so that a map is the channel's weight
// times its normalised features, whose largest value is 1.
class OneChannel : public CamNetwork {
 public:
  OneChannel(CamNetwork& network, int64_t channel)
      : network_(network), channel_(channel) {}

  Output Forward(const at::Tensor& images) override {
    Output output = network_.Forward(images);
    output.features.back() = output.features.back().narrow(1, channel_, 1);
    return output;
  }
  at::Tensor LogitsOf(const at::Tensor&) override { return {}; }
  at::Tensor LinearWeights() const override { return {}; }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return true; }

 private:
  CamNetwork& network_;
  const int64_t channel_;
};

bool ComparesMaps() {
  const char* const what = std::getenv("SCORE_CAMS");
  return what != nullptr && std::string(what) == "maps";
}

class ScoreCamsGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ScoreCamsGoldenTest, MatchesThePublishedMaps) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/cam/testdata/cams_score.json");
  int compared = 0;
  for (const nlohmann::json& c : golden["cases"]) {
    const nlohmann::json& inputs = c["inputs"];
    const nlohmann::json& model = inputs["model"];
    if (model["encoder"] != GetParam()) continue;
    ClassifierOptions classifier_options;
    classifier_options.backbone = model["encoder"].get<std::string>();
    classifier_options.pooling.name = model["head"].get<std::string>();
    classifier_options.num_classes = model["classes"].get<int64_t>();
    const auto classifier = MakeClassifier(classifier_options);
    ASSERT_THAT(classifier, IsOk());
    (*classifier)->to(at::kDouble);
    (*classifier)->eval();
    vision::FillGoldenWeights(model["fill"], "",
                              vision::GetStateDict(**classifier));
    ClassifierNetwork network(**classifier);
    CamInput input;
    input.images = FromGolden(inputs["x"]);
    input.classes =
        at::full({1}, inputs["class_idx"].get<int64_t>(), at::kLong);
    {
      const at::NoGradGuard no_grad;
      input.output = network.Forward(input.images);
    }
    EXPECT_EQ(
        Differences(c["expect"]["logits"], input.output->logits, c["tol"]), "");
    for (const char* const method : {"ScoreCAM", "ISCAM"}) {
      if (!c["expect"].contains(method)) continue;
      SCOPED_TRACE(method);
      CamOptions options;
      options.method = method;
      options.iscam_steps = inputs["iscam_steps"].get<int>();
      const std::unique_ptr<CamMethod> cam = MakeCamMethod(options).value();
      const nlohmann::json& expected = c["expect"][method];
      if (ComparesMaps()) {
        const absl::StatusOr<CamOutput> output = cam->Compute(network, input);
        ASSERT_THAT(output, IsOk());
        EXPECT_EQ(Differences(expected["map"], NormalizeMaps(output->maps).maps,
                              c["tol"]),
                  "");
      } else {
        for (const nlohmann::json& at : expected["weights"]["at"]) {
          OneChannel channel(network, at[0].get<int64_t>());
          CamInput of_channel = input;
          at::Tensor& last = of_channel.output->features.back();
          last = last.narrow(1, at[0].get<int64_t>(), 1);
          const absl::StatusOr<CamOutput> output =
              cam->Compute(channel, of_channel);
          ASSERT_THAT(output, IsOk());
          EXPECT_NEAR(output->maps.max().item<double>(), at[1].get<double>(),
                      1e-7)
              << "channel " << at[0];
        }
      }
      ++compared;
    }
  }
  EXPECT_GE(compared, 1);
}

INSTANTIATE_TEST_SUITE_P(Backbones, ScoreCamsGoldenTest,
                         ::testing::Values("resnet50", "vgg16", "inceptionv3"),
                         [](const ::testing::TestParamInfo<const char*>& p) {
                           return std::string(p.param);
                         });

}  // namespace
}  // namespace wsol
