#include "vision/backbones/stage_transform.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/factory.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::IsOk;
using ::testing::TensorEq;

// Doubles one level and remembers which it was shown.
class DoubleLevel : public StageTransform {
 public:
  explicit DoubleLevel(int64_t level) : level_(level) {}

  at::Tensor Apply(const at::Tensor& map, int64_t level) override {
    levels_.push_back(level);
    return level == level_ ? map * 2 : map;
  }

  const std::vector<int64_t>& levels() const { return levels_; }

 private:
  const int64_t level_;
  std::vector<int64_t> levels_;
};

struct Case {
  const char* backbone;
  int64_t image_size;
  // The first level that the network computes.
  int64_t first_level;
  bool has_stochastic_depth = false;
};

std::shared_ptr<Backbone> Make(const Case& c) {
  BackboneOptions options;
  options.dropout = 0;
  if (c.has_stochastic_depth) options.stochastic_depth = 0;
  absl::StatusOr<std::shared_ptr<Backbone>> backbone =
      MakeBackbone(c.backbone, options);
  EXPECT_THAT(backbone, IsOk());
  // In training mode batch norm would hide a factor of two.
  (*backbone)->set_freeze_norms(true);
  return *backbone;
}

class StageTransformTest : public ::testing::TestWithParam<Case> {};

TEST_P(StageTransformTest, SeesEachComputedLevelOnceAndFeedsTheNextStage) {
  const at::NoGradGuard no_grad;
  const Case c = GetParam();
  const std::shared_ptr<Backbone> backbone = Make(c);
  const at::Tensor images = at::rand({1, 3, c.image_size, c.image_size});
  const FeaturePyramid plain = backbone->forward(images);
  const int64_t num_levels = static_cast<int64_t>(plain.size());
  // The last but one where there is one, so that something comes after it.
  const int64_t level = num_levels > 2 ? num_levels - 2 : num_levels - 1;
  const auto transform = std::make_shared<DoubleLevel>(level);
  backbone->set_stage_transform(transform);
  const FeaturePyramid changed = backbone->forward(images);

  std::vector<int64_t> expected;
  for (int64_t i = c.first_level; i < num_levels; ++i) expected.push_back(i);
  EXPECT_EQ(transform->levels(), expected);
  for (int64_t i = 0; i < level; ++i) {
    EXPECT_THAT(changed[static_cast<size_t>(i)],
                TensorEq(plain[static_cast<size_t>(i)]))
        << i;
  }
  EXPECT_THAT(changed[static_cast<size_t>(level)],
              TensorEq(plain[static_cast<size_t>(level)] * 2));
  EXPECT_FALSE(changed.back().equal(plain.back()));

  backbone->set_stage_transform(nullptr);
  EXPECT_THAT(backbone->forward(images).back(), TensorEq(plain.back()));
}

TEST_P(StageTransformTest, IsNotCalledInEvaluationModeAndHasNoState) {
  const at::NoGradGuard no_grad;
  const Case c = GetParam();
  const std::shared_ptr<Backbone> backbone = Make(c);
  const std::vector<std::string> keys = backbone->named_parameters().keys();
  const auto transform = std::make_shared<DoubleLevel>(1);
  backbone->set_stage_transform(transform);
  backbone->eval();
  backbone->forward(at::rand({1, 3, c.image_size, c.image_size}));
  EXPECT_THAT(transform->levels(), ElementsAre());
  EXPECT_EQ(backbone->named_parameters().keys(), keys);
}

INSTANTIATE_TEST_SUITE_P(
    Families, StageTransformTest,
    ::testing::Values(Case{"resnet_small", 32, 1}, Case{"vgg11_bn", 32, 0},
                      Case{"inception_v3", 32, 1},
                      Case{"mobilenet_v3_large", 32, 1, true},
                      Case{"deit_small_patch16_224", 32, 1, true}));

}  // namespace
}  // namespace vision
