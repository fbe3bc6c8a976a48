// The published maps on whole classifiers: resnet50, vgg16 and inceptionv3 with
// a WGAP head, and the maps that the other heads make.

#include <cstdint>
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
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
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

void ExpectGolden(const nlohmann::json& expected, const at::Tensor& actual,
                  const nlohmann::json& tolerance) {
  const at::Tensor dense = actual.detach().contiguous();
  const double* const values = dense.data_ptr<double>();
  EXPECT_EQ(
      ::testing::CompareWithGolden(
          expected, std::vector<double>(values, values + dense.numel()),
          tolerance["rtol"].get<double>(), tolerance["atol"].get<double>()),
      "");
}

std::shared_ptr<Classifier> MakeGoldenClassifier(const nlohmann::json& model) {
  ClassifierOptions options;
  options.backbone = model["encoder"].get<std::string>();
  options.pooling.name = model["head"].get<std::string>();
  options.pooling.support_background = model.value("support_background", true);
  options.num_classes = model["classes"].get<int64_t>();
  const absl::StatusOr<std::shared_ptr<Classifier>> classifier =
      MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  (*classifier)->to(at::kDouble);
  (*classifier)->eval();
  vision::FillGoldenWeights(model["fill"], "",
                            vision::GetStateDict(**classifier));
  return *classifier;
}

struct NamedMethod {
  const char* key;  // In the file.
  const char* method;
  CamVariant variant;
};

constexpr NamedMethod kMethods[] = {
    {"CAM", "CAM", CamVariant::kPublished},
    {"GradCam", "GradCAM", CamVariant::kPublished},
    {"GradCAMpp", "GradCAM++", CamVariant::kPublished},
    {"GradCAMpp_textbook", "GradCAM++", CamVariant::kPaper},
    {"XGradCAM", "XGradCAM", CamVariant::kPublished},
    {"LayerCAM", "LayerCAM", CamVariant::kPublished},
    {"SmoothGradCAMpp", "SmoothGradCAM++", CamVariant::kPublished},
};

class BackboneCamsGoldenTest : public ::testing::TestWithParam<const char*> {};

TEST_P(BackboneCamsGoldenTest, MatchesThePublishedMaps) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/cam/testdata/cams_backbones.json");
  int compared = 0;
  for (const nlohmann::json& c : golden["cases"]) {
    const nlohmann::json& inputs = c["inputs"];
    if (inputs["model"]["encoder"] != GetParam()) continue;
    SCOPED_TRACE(c["id"].get<std::string>());
    const nlohmann::json& expect = c["expect"];
    const std::shared_ptr<Classifier> classifier =
        MakeGoldenClassifier(inputs["model"]);
    ClassifierNetwork network(*classifier);
    CamInput input;
    input.images = FromGolden(inputs["x"]);
    input.classes =
        at::full({1}, inputs["class_idx"].get<int64_t>(), at::kLong);
    {
      const at::NoGradGuard no_grad;
      input.output = network.Forward(input.images);
    }
    ExpectGolden(expect["logits"], input.output->logits, c["tol"]);
    if (expect.contains("A")) {
      ExpectGolden(expect["A"], input.output->features.back()[0], c["tol"]);
    }
    const auto check = [&](const CamOptions& options,
                           const nlohmann::json& maps) {
      const absl::StatusOr<std::unique_ptr<CamMethod>> method =
          MakeCamMethod(options);
      ASSERT_THAT(method, IsOk());
      const absl::StatusOr<CamOutput> output =
          (*method)->Compute(network, input);
      ASSERT_THAT(output, IsOk());
      const at::Tensor map = NormalizeMaps(output->maps).maps;
      ExpectGolden(maps["map"], map, c["tol"]);
      if (maps.contains("upsampled")) {
        ExpectGolden(
            maps["upsampled"],
            UpsampleMaps(map, input.images.size(2), input.images.size(3)),
            c["tol"]);
      }
      ++compared;
    };
    if (expect.contains("map")) check(CamOptions(), expect);
    for (const NamedMethod& named : kMethods) {
      if (!expect.contains(named.key)) continue;
      SCOPED_TRACE(named.key);
      CamOptions options;
      options.method = named.method;
      options.variant = named.variant;
      options.noise = [&](uint64_t, int sample, at::IntArrayRef shape) {
        return FromGolden(inputs["noise"][sample]).view(shape) /
               options.smooth_std;
      };
      check(options, expect[named.key]);
    }
  }
  EXPECT_GE(compared, 14);
}

INSTANTIATE_TEST_SUITE_P(Backbones, BackboneCamsGoldenTest,
                         ::testing::Values("resnet50", "vgg16", "inceptionv3"),
                         [](const ::testing::TestParamInfo<const char*>& p) {
                           return std::string(p.param);
                         });

}  // namespace
}  // namespace wsol
