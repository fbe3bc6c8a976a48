#include "vision/backbones/factory.h"

#include <cstdint>
#include <map>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/backbones/resnet.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

int64_t CountParameters(const std::string& name) {
  const auto backbone = MakeBackbone(name);
  EXPECT_THAT(backbone, IsOk());
  int64_t count = 0;
  for (const at::Tensor& parameter : (*backbone)->parameters()) {
    count += parameter.numel();
  }
  return count;
}

TEST(ListBackbonesTest, CountsParameters) {
  // resnet_test builds the others and compares them with the same file.
  const nlohmann::json golden =
      ::testing::ReadTestJson("vision/backbones/testdata/torchvision.json");
  std::map<std::string, int64_t> expected;
  for (const nlohmann::json& network : golden["networks"]) {
    expected[network["name"].get<std::string>()] =
        network["parameters"].get<int64_t>();
  }
  expected["resnet_small"] = CountParameters("resnet_small");
  EXPECT_EQ(CountParameters("resnet18"), expected["resnet18"]);
  for (const BackboneInfo& info : ListBackbones()) {
    EXPECT_EQ(info.num_parameters, expected[info.name]) << info.name;
  }
  EXPECT_EQ(ListBackbones().size(), expected.size());
}

TEST(MakeBackboneTest, PassesOptionsOn) {
  BackboneOptions options;
  options.strides = StridePreset::kImageNet;
  options.in_channels = 1;
  const auto resnet = MakeBackbone("resnet18", options);
  ASSERT_THAT(resnet, IsOk());
  EXPECT_THAT((*resnet)->strides(), ElementsAre(1, 2, 4, 8, 16, 32));
  EXPECT_THAT((*resnet)->channels(), ElementsAre(1, 64, 64, 128, 256, 512));

  options.resnet_small.widths = {8, 8, 16, 24};
  options.resnet_small.stem_stride = 1;
  const auto small = MakeBackbone("resnet_small", options);
  ASSERT_THAT(small, IsOk());
  EXPECT_THAT((*small)->channels(), ElementsAre(1, 32, 8, 8, 16, 24));
  EXPECT_THAT((*small)->strides(), ElementsAre(1, 1, 1, 2, 4, 4));
  EXPECT_THAT((*small)->forward(at::rand({1, 1, 16, 16})).back(),
              HasShape({1, 24, 4, 4}));
}

TEST(MakeBackboneTest, NamesTheNearestOfUnknownNames) {
  EXPECT_THAT(MakeBackbone("ResNet-50"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown backbone \"ResNet-50\""),
                             HasSubstr("did you mean resnet50"))));
}

TEST(MakeBackboneTest, RejectsBadOptions) {
  BackboneOptions options;
  options.in_channels = -1;
  EXPECT_THAT(MakeBackbone("resnet18", options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("in_channels is -1")));
}

}  // namespace
}  // namespace vision
