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
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
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

// Names, order and sizes of the published groups (optim.json of the golden
// numbers, groups-resnet50-std_cl-*).
TEST(ClassifierTest, GroupsOfResNet50AreThePublishedOnes) {
  ClassifierOptions options;
  options.backbone = "resnet50";
  options.num_classes = 200;
  const auto classifier = Make(options);
  const ClassifierParameters groups = ParameterGroups(*classifier);
  EXPECT_EQ(groups.low.size(), 129u);
  EXPECT_EQ(groups.high.size(), 32u);
  EXPECT_EQ(Count(groups.low), 8543296);
  EXPECT_EQ(Count(groups.high), 15374536);
  EXPECT_EQ(vision::Crc32(absl::StrJoin(groups.low_names, "\n")), 3545306349u);
  EXPECT_EQ(vision::Crc32(absl::StrJoin(groups.high_names, "\n")), 1154843672u);
  EXPECT_EQ(vision::GetStateDict(classifier->encoder()).size(), 318u);
  EXPECT_EQ(vision::GetStateDict(classifier->head()).size(), 2u);
  // Section 2.2 of the behaviour specification.
  EXPECT_EQ(Count(classifier->parameters()), 23917832);

  options.pooling.name = "WildCatCLHead";
  options.num_classes = 100;
  const ClassifierParameters wildcat = ParameterGroups(*Make(options));
  EXPECT_EQ(Count(wildcat.high), 15999481);
  EXPECT_EQ(vision::Crc32(absl::StrJoin(wildcat.high_names, "\n")),
            2224451178u);
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
