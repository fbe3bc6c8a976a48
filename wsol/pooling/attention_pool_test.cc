#include "wsol/pooling/attention_pool.h"

#include <cmath>
#include <cstdint>
#include <memory>

#include "ATen/ATen.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "wsol/pooling/pooling.h"
#include "wsol/pooling/wgap.h"

namespace wsol {
namespace {

using ::testing::CheckGradient;
using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::TensorNear;

PoolingOptions Options(int64_t channels, int64_t classes) {
  PoolingOptions options;
  options.in_channels = channels;
  options.num_classes = classes;
  options.seed = 5;
  return options;
}

// In double, with random weights and a random query.
std::shared_ptr<AttentionPoolHead> RandomHead(int64_t channels,
                                              int64_t classes) {
  auto head = std::make_shared<AttentionPoolHead>(Options(channels, classes));
  head->to(at::kDouble);
  at::manual_seed(11);
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : head->parameters()) {
    parameter.copy_(at::randn_like(parameter));
  }
  return head;
}

// One channel, the places 0 and ln 3, q = 1: a is 1/4 and 3/4. With W = 2 and
// b = 1 the logit is 2 (3/4 ln 3) + 1; the places' parts are 1/4 (0 + 1) and
// 3/4 (2 ln 3 + 1), times 2 places.
TEST(AttentionPoolTest, ByHand) {
  AttentionPoolHead head(Options(1, 1));
  head.to(at::kDouble);
  {
    const at::NoGradGuard no_grad;
    head.named_parameters()["query"].fill_(1);
    head.named_parameters()["fc.weight"].fill_(2);
    head.named_parameters()["fc.bias"].fill_(1);
  }
  const double ln3 = std::log(3.0);
  const at::Tensor features =
      at::tensor({0.0, ln3}, at::kDouble).view({1, 1, 1, 2});
  EXPECT_THAT(
      head.Attention(features).detach(),
      TensorNear(at::tensor({0.25, 0.75}, at::kDouble).view({1, 2}), 1e-12));
  EXPECT_NEAR(head.forward(features).item<double>(), 1.5 * ln3 + 1, 1e-12);
  EXPECT_THAT(head.Maps(features).detach(),
              TensorNear(at::tensor({0.5, 1.5 * (2 * ln3 + 1)}, at::kDouble)
                             .view({1, 1, 1, 2}),
                         1e-12));
}

TEST(AttentionPoolTest, StartsAsWgap) {
  AttentionPoolHead head(Options(6, 4));
  WgapHead wgap(Options(6, 4));
  const at::Tensor features = at::rand({3, 6, 5, 4});
  EXPECT_THAT(head.forward(features).detach(),
              TensorNear(wgap.forward(features).detach(), 1e-6));
}

TEST(AttentionPoolTest, TheMeanOfAMapIsItsLogit) {
  const auto head = RandomHead(5, 3);
  const at::Tensor features = at::randn({2, 5, 3, 4}, at::kDouble);
  EXPECT_THAT(head->Maps(features), HasShape({2, 3, 3, 4}));
  EXPECT_THAT(head->Maps(features).mean(at::IntArrayRef({2, 3})).detach(),
              TensorNear(head->forward(features).detach(), 1e-12));
}

TEST(AttentionPoolTest, MapsOfSomeClassesAreThoseOfAll) {
  const auto head = RandomHead(5, 3);
  const at::Tensor features = at::randn({2, 5, 3, 4}, at::kDouble);
  const at::Tensor classes = at::tensor({2, 0, 1, 1}, at::kLong).view({2, 2});
  EXPECT_THAT(
      head->ClassMapsOf(features, classes).detach(),
      TensorNear(head->PoolingHead::ClassMapsOf(features, classes).detach(),
                 1e-12));
}

// The order of places has no effect on the logit and moves the map with it.
TEST(AttentionPoolTest, PlacesAreAlike) {
  const auto head = RandomHead(5, 3);
  const at::Tensor features = at::randn({2, 5, 3, 4}, at::kDouble);
  const at::Tensor flipped = features.flip({2, 3});
  EXPECT_THAT(head->forward(flipped).detach(),
              TensorNear(head->forward(features).detach(), 1e-12));
  EXPECT_THAT(head->Maps(flipped).detach(),
              TensorNear(head->Maps(features).flip({2, 3}).detach(), 1e-12));
}

TEST(AttentionPoolTest, GradientsMatchFiniteDifferences) {
  const auto head = RandomHead(3, 2);
  const at::Tensor features = at::randn({2, 3, 2, 3}, at::kDouble);
  EXPECT_THAT(
      CheckGradient(
          [&](const at::Tensor& x) { return head->forward(x).pow(2).sum(); },
          features),
      IsOk());
  // The query learns, from its start at 0 too.
  AttentionPoolHead fresh(Options(3, 2));
  fresh.forward(at::rand({2, 3, 2, 3})).pow(2).sum().backward();
  EXPECT_GT(fresh.named_parameters()["query"].grad().abs().max().item<float>(),
            0);
}

TEST(AttentionPoolTest, RejectsOtherFeatures) {
  AttentionPoolHead head(Options(3, 2));
  EXPECT_THROW(head.forward(at::rand({2, 4, 2, 3})), c10::Error);
  EXPECT_THROW(head.Maps(at::rand({3, 2, 3})), c10::Error);
}

}  // namespace
}  // namespace wsol
