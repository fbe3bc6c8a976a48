// Compares VGG, Inception, light networks and transformers with what
// torchvision and timm compute (testdata/make_families.py).

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/backbone_list.h"
#include "vision/backbones/factory.h"
#include "vision/backbones/golden_weights.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

using ::testing::IsOk;

BackboneOptions ImageNetOptions() {
  BackboneOptions options;
  options.strides = StridePreset::kImageNet;
  return options;
}

nlohmann::json Golden() {
  return ::testing::ReadTestJson("vision/backbones/testdata/families.json");
}

std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.contiguous();
  const double* data = dense.data_ptr<double>();
  return std::vector<double>(data, data + dense.numel());
}

TEST(FamiliesGoldenTest, StateDictsAreThoseOfPython) {
  const nlohmann::json golden = Golden();
  ASSERT_EQ(golden["networks"].size(), 13u);
  for (const nlohmann::json& network : golden["networks"]) {
    const auto name = network["name"].get<std::string>();
    SCOPED_TRACE(name);
    const auto backbone = MakeBackbone(name, ImageNetOptions());
    ASSERT_THAT(backbone, IsOk());
    std::vector<std::string> lines;
    for (const auto& item : GetStateDict(**backbone)) {
      lines.push_back(absl::StrCat(
          item.key(), " ", absl::StrJoin(item.value().sizes().vec(), ",")));
    }
    EXPECT_EQ(static_cast<int64_t>(lines.size()), network["entries"]);
    EXPECT_EQ(Crc32(absl::StrJoin(lines, "\n")), network["crc32"]);
  }
}

// Known sizes of the whole networks, with heads.
TEST(FamiliesGoldenTest, CountsAreThoseOfPython) {
  const nlohmann::json golden = Golden();
  for (const BackboneInfo& info : ListBackbones()) {
    for (const nlohmann::json& network : golden["networks"]) {
      if (network["name"] != info.name) continue;
      EXPECT_EQ(info.imagenet.num_parameters, network["parameters"])
          << info.name;
    }
  }
  const std::map<std::string, int64_t> with_head = {
      {"vgg16", 138357544},
      {"inception_v3", 27161264},
      {"mobilenet_v3_large", 5483032},
      {"efficientnet_b0", 5288548},
      {"vit_small_patch16_224", 22050664}};
  for (const nlohmann::json& network : golden["networks"]) {
    const auto name = network["name"].get<std::string>();
    const auto known = with_head.find(name);
    if (known == with_head.end()) continue;
    EXPECT_EQ(network["parameters_with_head"], known->second) << name;
  }
}

TEST(FamiliesGoldenTest, FeaturesAreThoseOfPython) {
  const nlohmann::json golden = Golden();
  ASSERT_EQ(golden["cases"].size(), 7u);
  for (const nlohmann::json& c : golden["cases"]) {
    const auto name = c["name"].get<std::string>();
    const auto backbone = MakeBackbone(name, ImageNetOptions());
    ASSERT_THAT(backbone, IsOk());
    (*backbone)->to(at::kDouble);
    (*backbone)->eval();
    FillGoldenWeights(c["fill"], "", GetStateDict(**backbone));
    ::testing::GoldenTensor x = ::testing::MakeGoldenTensor(c["x"]);
    const at::NoGradGuard no_grad;
    const FeaturePyramid pyramid = (*backbone)->forward(
        at::from_blob(x.data.data(), x.shape, at::kDouble));
    // timm interpolates position embeddings in float32.
    const double rtol = name == "deit_small_patch16_224" ? 1e-7 : 1e-10;
    const size_t skipped = pyramid.size() - c["features"].size();
    EXPECT_EQ(skipped, name[0] == 'v' && name[1] == 'g' ? 0u : 1u) << name;
    for (size_t i = skipped; i < pyramid.size(); ++i) {
      EXPECT_EQ(::testing::CompareWithGolden(c["features"][i - skipped],
                                             Values(pyramid[i]), rtol, 1e-12),
                "")
          << name << " f" << i;
    }
  }
}

}  // namespace
}  // namespace vision
