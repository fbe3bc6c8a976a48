#include "wsol/cam/cam.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/pooling/factory.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

at::Tensor FromGolden(const nlohmann::json& descriptor) {
  ::testing::GoldenTensor golden = ::testing::MakeGoldenTensor(descriptor);
  return at::from_blob(golden.data.data(), golden.shape, at::kDouble).clone();
}

std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.detach().contiguous();
  const double* data = dense.data_ptr<double>();
  return std::vector<double>(data, data + dense.numel());
}

at::Tensor Labels(const std::vector<int64_t>& labels) {
  return at::tensor(labels, at::kLong);
}

std::shared_ptr<PoolingHead> MakeHead(const std::string& name,
                                      int64_t in_channels,
                                      int64_t num_classes) {
  PoolingOptions options;
  options.name = name;
  options.in_channels = in_channels;
  options.num_classes = num_classes;
  absl::StatusOr<std::shared_ptr<PoolingHead>> head = MakePoolingHead(options);
  EXPECT_THAT(head, IsOk());
  return *head;
}

TEST(ClassActivationMapsTest, SumsWeightedFeatures) {
  // Channels (1, 2) and (3, 4); class 0 weighs them 1 and 10, class 1: -1 and
  // 0.
  const at::Tensor features =
      at::tensor({1.f, 2.f, 3.f, 4.f}).view({1, 2, 1, 2}).repeat({2, 1, 1, 1});
  const at::Tensor weights = at::tensor({1.f, 10.f, -1.f, 0.f}).view({2, 2});
  const auto maps = ClassActivationMaps(features, weights, Labels({1, 0}));
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(*maps,
              TensorEq(at::tensor({-1.f, -2.f, 31.f, 42.f}).view({2, 1, 2})));
}

TEST(ClassActivationMapsTest, EqualsImageByImageInAnyMemoryFormat) {
  const at::Tensor features = at::rand({3, 8, 5, 4}, at::kDouble);
  const at::Tensor weights = at::rand({6, 8}, at::kDouble) - 0.5;
  const std::vector<int64_t> labels = {5, 0, 5};
  for (const at::Tensor& input :
       {features, features.contiguous(at::MemoryFormat::ChannelsLast),
        features.transpose(2, 3)}) {
    const auto maps = ClassActivationMaps(input, weights, Labels(labels));
    ASSERT_THAT(maps, IsOk());
    for (int64_t n = 0; n < 3; ++n) {
      const at::Tensor weight = weights[labels[n]].view({-1, 1, 1});
      EXPECT_THAT((*maps)[n], TensorNear((weight * input[n]).sum(0), 1e-12));
    }
  }
}

TEST(ClassActivationMapsTest, DropsProductsThatAreNan) {
  // At pixel 0: NaN * 1 dropped, 3 * 2 stays. At pixel 1: inf * 0 for class 1.
  const at::Tensor features =
      at::tensor({NAN, INFINITY, 3.f, 4.f}).view({1, 2, 1, 2});
  const at::Tensor weights = at::tensor({1.f, 2.f, 0.f, 2.f}).view({2, 2});
  const auto first = ClassActivationMaps(features, weights, Labels({0}));
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT(*first, TensorEq(at::tensor({6.f, INFINITY}).view({1, 1, 2})));
  const auto second = ClassActivationMaps(features, weights, Labels({1}));
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(*second, TensorEq(at::tensor({6.f, 8.f}).view({1, 1, 2})));
}

TEST(ClassActivationMapsTest, HasNoGradient) {
  const auto maps =
      ClassActivationMaps(at::rand({1, 2, 3, 3}).requires_grad_(),
                          at::rand({4, 2}).requires_grad_(), Labels({3}));
  ASSERT_THAT(maps, IsOk());
  EXPECT_FALSE(maps->requires_grad());
}

TEST(ClassActivationMapsTest, TakesNoImagesAndOnePixel) {
  const auto none =
      ClassActivationMaps(at::rand({0, 2, 3, 3}), at::rand({4, 2}), Labels({}));
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(*none, HasShape({0, 3, 3}));
  const auto pixel = ClassActivationMaps(at::rand({1, 2, 1, 1}),
                                         at::rand({1, 2}), Labels({0}));
  ASSERT_THAT(pixel, IsOk());
  EXPECT_THAT(*pixel, HasShape({1, 1, 1}));
}

TEST(ClassActivationMapsTest, RejectsWhatDoesNotFit) {
  const at::Tensor features = at::rand({2, 3, 4, 4});
  const at::Tensor weights = at::rand({5, 3});
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ClassActivationMaps(features[0], weights, Labels({0, 1})),
              StatusIs(code, HasSubstr("features are Float [3, 4, 4]")));
  EXPECT_THAT(ClassActivationMaps(features, at::rand({5, 4}), Labels({0, 1})),
              StatusIs(code, HasSubstr("weights are Float [5, 4]")));
  EXPECT_THAT(
      ClassActivationMaps(features, weights.to(at::kDouble), Labels({0, 1})),
      StatusIs(code, HasSubstr("weights are Double [5, 3]")));
  EXPECT_THAT(
      ClassActivationMaps(features, weights, Labels({0})),
      StatusIs(code, HasSubstr("labels are Long [1], expected Long [2]")));
  EXPECT_THAT(ClassActivationMaps(features, weights, at::zeros({2})),
              StatusIs(code, HasSubstr("labels are Float [2]")));
  EXPECT_THAT(ClassActivationMaps(features, weights, at::Tensor()),
              StatusIs(code, HasSubstr("an undefined tensor")));
  EXPECT_THAT(ClassActivationMaps(features, weights, Labels({0, 5})),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("label 5 is none of the classes 0 to 4")));
  EXPECT_THAT(ClassActivationMaps(features, weights, Labels({-1, 0})),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("label -1")));
}

TEST(SelectMapsTest, TakesTheMapOfTheLabel) {
  const at::Tensor maps = at::rand({3, 4, 2, 5});
  const auto selected = SelectMaps(maps, Labels({2, 0, 3}));
  ASSERT_THAT(selected, IsOk());
  EXPECT_THAT(*selected,
              TensorEq(at::stack({maps[0][2], maps[1][0], maps[2][3]})));
  EXPECT_THAT(SelectMaps(maps, Labels({2, 0, 4})),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("label 4")));
}

TEST(HeadMapsTest, UsesTheHeadsOwnMapsOrItsWeights) {
  const at::Tensor features = at::rand({2, 6, 4, 4});
  const at::Tensor labels = Labels({2, 1});
  for (const std::string& name : PoolingNames()) {
    if (name == "ACoL") continue;  // Its maps are not W f: acol_test.cc.
    const auto head = MakeHead(name, /*in_channels=*/6, /*num_classes=*/3);
    const auto maps = HeadMaps(*head, features, labels);
    ASSERT_THAT(maps, IsOk());
    EXPECT_FALSE(maps->requires_grad());
    // Biases are 0 at the start: both kinds of maps are W f.
    const auto cams =
        ClassActivationMaps(features, head->class_weights(), labels);
    ASSERT_THAT(cams, IsOk());
    EXPECT_THAT(*maps, TensorNear(*cams, /*atol=*/1e-5)) << name;
  }
}

TEST(HeadMapsTest, RejectsWhatDoesNotFit) {
  const auto head = MakeHead("GAP", 6, 3);
  EXPECT_THAT(HeadMaps(*head, at::rand({2, 6, 4, 4}), Labels({2, 3})),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(HeadMaps(*head, at::rand({2, 5, 4, 4}), Labels({2, 0})),
              StatusIs(absl::StatusCode::kInternal,
                       HasSubstr("expects features [N, 6, h, w]")));
}

TEST(UpsampleMapsTest, InterpolatesBetweenPixelCentres) {
  // Centres of 4 pixels over 2: 0 | 1/4 | 3/4 | 1 between the values 0 and 4.
  const at::Tensor maps = at::tensor({0.f, 4.f}).view({1, 1, 2});
  EXPECT_THAT(UpsampleMaps(maps, 1, 4),
              TensorNear(at::tensor({0.f, 1.f, 3.f, 4.f}).view({1, 1, 4}),
                         /*atol=*/1e-6));
  EXPECT_THAT(UpsampleMaps(at::rand({3, 4, 5}), 7, 11), HasShape({3, 7, 11}));
  EXPECT_THROW(UpsampleMaps(at::rand({4, 5}), 7, 11), c10::Error);
}

TEST(CamTest, MatchesThePublishedMapsOfTinyNets) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/cam/testdata/cams_tiny.json");
  ASSERT_FALSE(golden["cases"].empty());
  for (const nlohmann::json& c : golden["cases"]) {
    SCOPED_TRACE(c["id"].get<std::string>());
    const nlohmann::json& expect = c["expect"];
    if (!expect.contains("CAM")) continue;
    const nlohmann::json& model = c["inputs"]["model"]["params"];
    const double rtol = c["tol"]["rtol"].get<double>();
    const double atol = c["tol"]["atol"].get<double>();
    const at::Tensor x = FromGolden(c["inputs"]["x"]);
    const at::Tensor features =
        at::conv2d(x, FromGolden(model["c1.weight"]),
                   FromGolden(model["c1.bias"]), /*stride=*/4, /*padding=*/1)
            .relu();
    const auto head = MakeHead("WGAP", features.size(1), 4);
    head->to(at::kDouble);
    {
      const at::NoGradGuard no_grad;
      head->named_parameters()["fc.weight"].copy_(
          FromGolden(model["fc.weight"]));
      head->named_parameters()["fc.bias"].copy_(FromGolden(model["fc.bias"]));
    }
    EXPECT_EQ(
        ::testing::CompareWithGolden(
            expect["logits"], Values(head->forward(features)), rtol, atol),
        "");
    const auto raw = HeadMaps(
        *head, features, Labels({c["inputs"]["class_idx"].get<int64_t>()}));
    ASSERT_THAT(raw, IsOk());
    const at::Tensor map = NormalizeMaps(*raw).maps;
    EXPECT_EQ(::testing::CompareWithGolden(expect["CAM"]["map"], Values(map),
                                           rtol, atol),
              "");
    EXPECT_EQ(::testing::CompareWithGolden(
                  expect["CAM"]["upsampled"],
                  Values(UpsampleMaps(map, x.size(2), x.size(3))), rtol, atol),
              "");
  }
}

}  // namespace
}  // namespace wsol
