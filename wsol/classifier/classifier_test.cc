#include "wsol/classifier/classifier.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;

// A few thousand parameters.
ClassifierOptions TinyOptions() {
  ClassifierOptions options;
  options.num_classes = 3;
  vision::ResNetOptions& net = options.backbone_options.resnet_small;
  net.blocks = {1, 1};
  net.widths = {4, 8};
  net.strides = {1, 2};
  net.stem_width = 4;
  return options;
}

std::shared_ptr<Classifier> Make(const ClassifierOptions& options) {
  absl::StatusOr<std::shared_ptr<Classifier>> classifier =
      MakeClassifier(options);
  EXPECT_THAT(classifier, IsOk());
  return *classifier;
}

int64_t Count(const std::vector<at::Tensor>& tensors) {
  int64_t count = 0;
  for (const at::Tensor& tensor : tensors) count += tensor.numel();
  return count;
}

TEST(ClassifierTest, ReturnsThePyramidAndLogits) {
  const auto classifier = Make(TinyOptions());
  const ClassifierOutput output = classifier->forward(at::rand({2, 3, 16, 12}));
  EXPECT_THAT(output.logits, HasShape({2, 3}));
  ASSERT_EQ(output.features.size(), 4u);
  EXPECT_THAT(output.features.front(), HasShape({2, 3, 16, 12}));
  EXPECT_THAT(output.features.back(), HasShape({2, 8, 4, 3}));
  EXPECT_THAT(classifier->head().forward(output.features.back()).detach(),
              TensorEq(output.logits.detach()));
}

TEST(ClassifierTest, EveryParameterLearns) {
  const auto classifier = Make(TinyOptions());
  classifier->forward(at::rand({4, 3, 16, 16})).logits.sum().backward();
  for (const auto& item : classifier->named_parameters()) {
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
  }
}

TEST(ClassifierTest, WeightsAreAFunctionOfTheSeed) {
  ClassifierOptions options = TinyOptions();
  options.seed = 7;
  options.backbone_options.seed = 1;  // No effect.
  options.pooling.seed = 2;
  const auto a = Make(options);
  options.backbone_options.seed = 3;
  options.pooling.seed = 4;
  const auto b = Make(options);
  const vision::StateDict expected = vision::GetStateDict(*a);
  for (const auto& item : vision::GetStateDict(*b)) {
    EXPECT_THAT(item.value(), TensorEq(expected[item.key()])) << item.key();
  }
  options.seed = 8;
  const vision::StateDict other = vision::GetStateDict(*Make(options));
  for (const char* name :
       {"encoder.conv1.weight", "classification_head.fc.weight"}) {
    EXPECT_THAT(other[name], Not(TensorEq(expected[name]))) << name;
  }
}

// Names, order, sizes and ratio of the published groups.
TEST(ClassifierTest, GroupsAreThePublishedOnes) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/classifier/testdata/parameter_groups.json");
  int cases = 0;
  for (const nlohmann::json& c : golden.at("cases")) {
    const nlohmann::json& inputs = c.at("inputs");
    // Training of F-CAM has one group: see fcam_model_golden_test.cc.
    if (inputs.at("task") != "STD_CL") continue;
    SCOPED_TRACE(c.at("id").get<std::string>());
    ++cases;
    ClassifierOptions options;
    options.backbone = inputs.at("encoder");
    options.pooling.name = inputs.at("head");
    options.num_classes = inputs.at("classes");
    const auto classifier = Make(options);
    const ClassifierParameters groups = ParameterGroups(*classifier);
    const auto check = [&](const nlohmann::json& expected,
                           const std::vector<at::Tensor>& parameters,
                           const std::vector<std::string>& names) {
      EXPECT_EQ(parameters.size(), expected.at("tensors").get<size_t>());
      EXPECT_EQ(Count(parameters), expected.at("numbers").get<int64_t>());
      EXPECT_EQ(names.front(), expected.at("first").get<std::string>());
      EXPECT_EQ(names.back(), expected.at("last").get<std::string>());
      EXPECT_EQ(vision::Crc32(absl::StrJoin(names, "\n")),
                expected.at("names_crc32").get<uint32_t>());
    };
    const nlohmann::json& expected = c.at("expect").at("groups");
    ASSERT_EQ(expected.size(), 2u);
    check(expected[0], groups.low, groups.low_names);
    check(expected[1], groups.high, groups.high_names);
    const nlohmann::json& parts = c.at("expect").at("numbers_per_part");
    EXPECT_EQ(Count(classifier->encoder().parameters()),
              parts.at("encoder").get<int64_t>());
    EXPECT_EQ(Count(classifier->head().parameters()),
              parts.at("classification_head").get<int64_t>());
  }
  EXPECT_EQ(cases, 6);
}

TEST(ClassifierTest, GroupsShareMemoryWithTheModel) {
  const auto classifier = Make(TinyOptions());
  const ClassifierParameters groups = ParameterGroups(*classifier);
  EXPECT_EQ(groups.low.size() + groups.high.size(),
            classifier->parameters().size());
  {
    const at::NoGradGuard no_grad;
    groups.high.back().fill_(5);
  }
  EXPECT_THAT(vision::GetStateDict(*classifier)["classification_head.fc.bias"],
              TensorEq(at::full({3}, 5.f)));
}

TEST(ClassifierTest, SavedWeightsLoad) {
  const auto source = Make(TinyOptions());
  const std::string path =
      vision::JoinPath(::testing::TempDir(), "classifier.pt");
  ASSERT_THAT(vision::SaveStateDict(path, vision::GetStateDict(*source)),
              IsOk());
  const auto dict = vision::ReadStateDict(path);
  ASSERT_THAT(dict, IsOk());
  ClassifierOptions options = TinyOptions();
  options.seed = 1;
  const auto target = Make(options);
  ASSERT_THAT(vision::LoadStateDict(*dict, *target), IsOk());
  source->eval();
  target->eval();
  const at::Tensor images = at::rand({2, 3, 16, 16});
  EXPECT_THAT(target->forward(images).logits.detach(),
              TensorEq(source->forward(images).logits.detach()));
}

TEST(MakeClassifierTest, RejectsBadOptions) {
  ClassifierOptions options;
  const auto code = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(MakeClassifier(options),
              StatusIs(code, HasSubstr("num_classes is 0")));
  options.num_classes = 3;
  options.backbone = "resnet";
  EXPECT_THAT(MakeClassifier(options),
              StatusIs(code, HasSubstr("unknown backbone \"resnet\"")));
  options.backbone = "resnet18";
  options.pooling.name = "mean";
  EXPECT_THAT(MakeClassifier(options),
              StatusIs(code, HasSubstr("unknown pooling head \"mean\"")));
}

}  // namespace
}  // namespace wsol
