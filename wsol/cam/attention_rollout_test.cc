#include "wsol/cam/attention_rollout.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/vision_transformer.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"
#include "wsol/pooling/factory.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Attention of one class token and two places, one head, two blocks, whatever
// the image. The logits are sums of G[k][l] * A[l], so that G are their
// gradients.
class FakeNetwork : public CamNetwork {
 public:
  FakeNetwork() {
    attention_.push_back(
        at::tensor({0.5, 0.5, 0.0, 0.0, 1.0, 0.0, 0.25, 0.25, 0.5}, at::kDouble)
            .view({1, 1, 3, 3}));
    attention_.push_back(
        at::tensor({1.0, 0.0, 0.0, 0.5, 0.0, 0.5, 0.0, 0.5, 0.5}, at::kDouble)
            .view({1, 1, 3, 3}));
    // Class 0: block 1 counts 2 from place 1 to the class token, block 2 counts
    // 4 from place 2 to place 1 and -8 from place 1 to the class token.
    gradients_.push_back(at::zeros({2, 3, 3}, at::kDouble));
    gradients_.push_back(at::zeros({2, 3, 3}, at::kDouble));
    gradients_[0][0][2][0] = 2;
    gradients_[0][1][2][1] = 4;
    gradients_[0][1][1][0] = -8;
    // Class 1: block 2 alone, from place 1 to place 2.
    gradients_[1][1][1][2] = 6;
  }

  Output Forward(const at::Tensor& images) override {
    Output output;
    output.features = {images};
    output.logits = at::zeros({images.size(0), 2}, at::kDouble);
    return output;
  }
  at::Tensor LogitsOf(const at::Tensor& f) override {
    return at::zeros({f.size(0), 2}, at::kDouble);
  }
  at::Tensor LinearWeights() const override { return {}; }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return true; }
  bool HasAttention() const override { return has_attention; }
  AttentionOutput ForwardWithAttention(const at::Tensor& images) override {
    EXPECT_EQ(images.size(0), 1);
    AttentionOutput output;
    output.height = 1;
    output.width = 2;
    for (const at::Tensor& attention : attention_) {
      output.attention.push_back(attention + 0 * images.sum());
    }
    std::vector<at::Tensor> logits;
    for (const at::Tensor& gradient : gradients_) {
      logits.push_back((gradient[0] * output.attention[0]).sum() +
                       (gradient[1] * output.attention[1]).sum());
    }
    output.logits = at::stack(logits).unsqueeze(0);
    return output;
  }

  bool has_attention = true;

 private:
  std::vector<at::Tensor> attention_;
  std::vector<at::Tensor> gradients_;
};

CamInput Input(int64_t count, std::vector<int64_t> classes) {
  CamInput input;
  input.images = at::rand({count, 1, 2, 2}, at::kDouble);
  input.classes = at::tensor(classes, at::kLong);
  return input;
}

absl::StatusOr<CamOutput> Compute(const std::string& name, CamNetwork& network,
                                  const CamInput& input) {
  CamOptions options;
  options.method = name;
  options.finer_classes = 1;
  return MakeCamMethod(options).value()->Compute(network, input);
}

// r = (0, 1/2, 1/2). r A[2] = (1/4, 1/4, 1/2), so r B[2] = (1/8, 3/8, 1/2).
// That times A[1] is 1/8 (1/2, 1/2, 0) + 3/8 (0, 1, 0) + 1/2 (1/4, 1/4, 1/2) =
// (3/16, 9/16, 1/4), and the mean of both is (5/32, 15/32, 3/8).
TEST(AttentionRolloutTest, ByHand) {
  FakeNetwork network;
  const auto output = Compute("AttentionRollout", network, Input(2, {0, 1}));
  ASSERT_THAT(output, IsOk());
  const at::Tensor map =
      at::tensor({15.0 / 32, 3.0 / 8}, at::kDouble).view({1, 2});
  // Of each image and class the same.
  EXPECT_THAT(output->maps, TensorNear(at::stack({map, map}), 1e-12));
}

// Class 0: relu(G A) of block 2 is 4 * 1/2 = 2 from place 2 to place 1 (the
// negative one is dropped): r becomes (0, 1/2 + 1/2 * 2, 1/2). Of block 1 it is
// 2 * 1/4 from place 2 to the class token, which the map does not show.
// Class 1: block 2 adds 1/2 * 6 * 1/2 from place 1 to place 2.
TEST(AttentionRolloutTest, GradientsByHand) {
  FakeNetwork network;
  const auto output =
      Compute("GradientAttentionRollout", network, Input(2, {0, 1}));
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(
      output->maps,
      TensorNear(at::tensor({1.5, 0.5, 0.5, 2.0}, at::kDouble).view({2, 1, 2}),
                 1e-12));
  EXPECT_FALSE(output->maps.requires_grad());
}

TEST(AttentionRolloutTest, NeedsAttention) {
  FakeNetwork network;
  network.has_attention = false;
  for (const char* const name :
       {"AttentionRollout", "GradientAttentionRollout"}) {
    EXPECT_THAT(Compute(name, network, Input(1, {0})),
                StatusIs(kInvalid, AllOf(HasSubstr(name),
                                         HasSubstr("vision transformer"))));
  }
}

class TransformerRolloutTest : public ::testing::Test {
 protected:
  TransformerRolloutTest() {
    vision::VisionTransformerOptions options;
    options.width = 16;
    options.depth = 3;
    options.heads = 2;
    options.patch = 4;
    options.stride = 4;
    options.image_size = 16;
    options.seed = 4;
    transformer_ = vision::MakeVisionTransformer(options).value();
    PoolingOptions pooling;
    pooling.name = "AttentionPool";
    pooling.in_channels = 16;
    pooling.num_classes = 3;
    classifier_ = std::make_shared<Classifier>(
        transformer_, MakePoolingHead(pooling).value());
    classifier_->to(at::kDouble);
    classifier_->eval();
    // Larger weights than those of the start, whose attention is nearly flat.
    const at::NoGradGuard no_grad;
    at::manual_seed(8);
    for (const at::Tensor& parameter : classifier_->parameters()) {
      parameter.add_(at::randn_like(parameter) * 0.3);
    }
    input_.images = at::randn({2, 3, 16, 20}, at::kDouble);
    input_.classes = at::tensor({0, 2, 1, 1}, at::kLong).view({2, 2});
  }

  std::shared_ptr<vision::VisionTransformer> transformer_;
  std::shared_ptr<Classifier> classifier_;
  CamInput input_;
};

// The definition: whole matrices, multiplied in the order of the blocks.
TEST_F(TransformerRolloutTest, EqualsProductsOfMatrices) {
  ClassifierNetwork network(*classifier_);
  const auto output = Compute("AttentionRollout", network, input_);
  ASSERT_THAT(output, IsOk());
  ASSERT_THAT(output->maps, HasShape({2, 2, 4, 5}));
  const at::NoGradGuard no_grad;
  const auto run = transformer_->ForwardWithAttention(input_.images);
  at::Tensor product = at::eye(21, at::kDouble);
  for (const at::Tensor& attention : run.attention) {
    product =
        at::matmul((attention.mean(1) + at::eye(21, at::kDouble)) / 2, product);
  }
  const at::Tensor expected =
      product.slice(1, 1).mean(1).slice(1, 1).view({2, 4, 5});
  EXPECT_THAT(output->maps.select(1, 0), TensorNear(expected, 1e-12));
  EXPECT_THAT(output->maps.select(1, 1), TensorNear(expected, 1e-12));
  // Attention is spread, not lost: all tokens together have 1.
  EXPECT_LE(output->maps.sum({2, 3}).max().item<double>(), 1 + 1e-12);
}

TEST_F(TransformerRolloutTest, GradientsEqualProductsOfMatrices) {
  ClassifierNetwork network(*classifier_);
  const auto output = Compute("GradientAttentionRollout", network, input_);
  ASSERT_THAT(output, IsOk());
  ASSERT_THAT(output->maps, HasShape({2, 2, 4, 5}));
  for (int64_t n = 0; n < 2; ++n) {
    for (int64_t m = 0; m < 2; ++m) {
      const auto run =
          transformer_->ForwardWithAttention(input_.images.narrow(0, n, 1));
      for (const at::Tensor& attention : run.attention) attention.retain_grad();
      classifier_->head()
          .forward(run.pyramid.back())[0][input_.classes[n][m].item<int64_t>()]
          .backward();
      at::Tensor product = at::eye(21, at::kDouble);
      for (const at::Tensor& attention : run.attention) {
        const at::Tensor relevant =
            (attention.grad() * attention.detach()).relu().mean(1)[0];
        product = at::matmul(at::eye(21, at::kDouble) + relevant, product);
      }
      EXPECT_THAT(
          output->maps[n][m],
          TensorNear(product.slice(0, 1).mean(0).slice(0, 1).view({4, 5}),
                     1e-12));
    }
  }
}

TEST_F(TransformerRolloutTest, TouchesNoGradientOfTheNetwork) {
  for (const at::Tensor& parameter : classifier_->parameters()) {
    parameter.set_requires_grad(false);
  }
  ClassifierNetwork network(*classifier_);
  const auto frozen = Compute("GradientAttentionRollout", network, input_);
  ASSERT_THAT(frozen, IsOk());
  for (const at::Tensor& parameter : classifier_->parameters()) {
    parameter.set_requires_grad(true);
  }
  const auto output = Compute("GradientAttentionRollout", network, input_);
  ASSERT_THAT(output, IsOk());
  EXPECT_THAT(output->maps, TensorEq(frozen->maps));
  for (const at::Tensor& parameter : classifier_->parameters()) {
    EXPECT_FALSE(parameter.grad().defined());
  }
}

// The other methods take a transformer as any network.
TEST_F(TransformerRolloutTest, OtherMethodsTakeTransformersToo) {
  ClassifierNetwork network(*classifier_);
  for (const std::string& name : CamMethodNames()) {
    EXPECT_THAT(Compute(name, network, input_), IsOk()) << name;
  }
}

TEST_F(TransformerRolloutTest, TakesTheLastLayerOnly) {
  ClassifierNetwork network(*classifier_);
  CamOptions options;
  options.method = "AttentionRollout";
  options.layers = {0};
  EXPECT_THAT(MakeCamMethod(options).value()->Compute(network, input_),
              StatusIs(kInvalid, HasSubstr("last layer (-1) only")));
}

}  // namespace
}  // namespace wsol
