#include "wsol/pooling/factory.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

at::Tensor FromGolden(const nlohmann::json& descriptor) {
  ::testing::GoldenTensor golden = ::testing::MakeGoldenTensor(descriptor);
  return at::from_blob(golden.data.data(), golden.shape, at::kDouble).clone();
}

std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  const double* data = dense.data_ptr<double>();
  return std::vector<double>(data, data + dense.numel());
}

PixelSelection Selection(const nlohmann::json& value) {
  if (value.is_object()) return {value["int"].get<double>(), true};
  return {value.get<double>(), false};
}

PoolingOptions OptionsOf(const nlohmann::json& inputs) {
  PoolingOptions options;
  options.name = inputs["head"].get<std::string>();
  options.in_channels = inputs["C"].get<int64_t>();
  options.num_classes = inputs["K"].get<int64_t>();
  options.support_background = inputs["support_background"].get<bool>();
  if (inputs.contains("r")) options.lse_sharpness = inputs["r"].get<double>();
  if (inputs.contains("modalities")) {
    options.wildcat_modalities = inputs["modalities"].get<int64_t>();
    options.wildcat_kmax = Selection(inputs["kmax"]);
    options.wildcat_kmin = Selection(inputs["kmin"]);
    options.wildcat_alpha = inputs["alpha"].get<double>();
  }
  return options;
}

TEST(MakePoolingHeadTest, MatchesThePublishedHeads) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/pooling/testdata/pooling.json");
  int compared = 0;
  for (const nlohmann::json& c : golden["cases"]) {
    const nlohmann::json& inputs = c["inputs"];
    const double rtol = c["tol"]["rtol"].get<double>();
    const double atol = c["tol"]["atol"].get<double>();
    const struct {
      const char* name;
      WildcatVariant variant;
    } variants[] = {{"reference", WildcatVariant::kPublished},
                    {"paper", WildcatVariant::kPaper},
                    {"half", WildcatVariant::kHalved}};
    for (const auto& variant : variants) {
      if (!c["expect"].contains(variant.name)) continue;
      const nlohmann::json& expect = c["expect"][variant.name];
      SCOPED_TRACE(c["id"].get<std::string>() + " " + variant.name);
      PoolingOptions options = OptionsOf(inputs);
      options.wildcat_variant = variant.variant;
      const auto head = MakePoolingHead(options);
      ASSERT_THAT(head, IsOk());
      (*head)->to(at::kDouble);
      const std::vector<at::Tensor> parameters = (*head)->parameters();
      ASSERT_EQ(parameters.size(), 2u);
      {
        const at::NoGradGuard no_grad;
        const at::Tensor weight = FromGolden(inputs["weight"]);
        ASSERT_THAT(parameters[0], HasShape(weight.sizes().vec()));
        parameters[0].copy_(weight);
        parameters[1].copy_(FromGolden(inputs["bias"]));
      }
      const at::Tensor x = FromGolden(inputs["X"]).requires_grad_();
      const at::Tensor logits = (*head)->forward(x);
      (logits * FromGolden(inputs["cotangent"])).sum().backward();
      const struct {
        const char* name;
        at::Tensor actual;
      } results[] = {{"logits", logits},
                     {"grad_x", x.grad()},
                     {"grad_weight", parameters[0].grad()},
                     {"grad_bias", parameters[1].grad()}};
      for (const auto& result : results) {
        EXPECT_THAT(
            result.actual,
            HasShape(expect[result.name]["shape"].get<std::vector<int64_t>>()));
        EXPECT_EQ(::testing::CompareWithGolden(
                      expect[result.name], Values(result.actual), rtol, atol),
                  "")
            << result.name;
        ++compared;
      }
      ASSERT_EQ((*head)->has_maps(), c["expect"].contains("cams"));
      if ((*head)->has_maps()) {
        EXPECT_EQ(
            ::testing::CompareWithGolden(c["expect"]["cams"],
                                         Values((*head)->Maps(x)), rtol, atol),
            "");
      }
    }
  }
  // 19 cases, 7 of them WILDCAT's with three variants, 4 results each.
  EXPECT_EQ(compared, (12 + 7 * 3) * 4);
}

TEST(MakePoolingHeadTest, MakesEveryNamedHead) {
  for (const std::string& name : PoolingNames()) {
    PoolingOptions options;
    options.name = name;
    options.in_channels = 4;
    options.num_classes = 3;
    const auto head = MakePoolingHead(options);
    ASSERT_THAT(head, IsOk());
    EXPECT_EQ((*head)->num_classes(), 3);
    EXPECT_THAT((*head)->forward(at::rand({2, 4, 5, 6})), HasShape({2, 3}));
    // ACoL's maps are not linear in the features.
    if (name == "ACoL") continue;
    EXPECT_THAT((*head)->class_weights(), HasShape({3, 4}));
  }
}

TEST(MakePoolingHeadTest, NamesTheNearestOfUnknownNames) {
  PoolingOptions options;
  options.name = "wgap";
  options.in_channels = 4;
  options.num_classes = 3;
  EXPECT_THAT(MakePoolingHead(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown pooling head \"wgap\""),
                             HasSubstr("did you mean WGAP"))));
}

TEST(MakePoolingHeadTest, RejectsBadOptions) {
  EXPECT_THAT(MakePoolingHead(PoolingOptions()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("in_channels is 0")));
}

}  // namespace
}  // namespace wsol
