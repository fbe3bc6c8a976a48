#include "fcam/decoder/reconstruction_head.h"

#include <cmath>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;

TEST(ReconstructionHeadTest, IsAConvolutionAndItsFunctionByHand) {
  for (const ReconstructionRange range :
       {ReconstructionRange::kTanh, ReconstructionRange::kSigmoid}) {
    ReconstructionHead head(1, range, 0);
    const at::NoGradGuard no_grad;
    auto weights = head.named_parameters();
    ASSERT_EQ(weights.size(), 2u);
    weights["0.weight"].fill_(1);
    weights["0.bias"].copy_(at::tensor({0.f, 1.f, -1.f}));
    const at::Tensor y = head.forward(at::full({1, 1, 1, 2}, 0.25f));
    EXPECT_THAT(y, HasShape({1, 3, 1, 2}));
    // .25 twice, the rest is padding: .5.
    for (const auto& [channel, x] :
         {std::pair<int, double>{0, .5}, {1, 1.5}, {2, -.5}}) {
      EXPECT_NEAR(y[0][channel][0][0].item<double>(),
                  range == ReconstructionRange::kTanh ? std::tanh(x)
                                                      : 1 / (1 + std::exp(-x)),
                  1e-6);
    }
  }
}

TEST(ReconstructionHeadTest, StartsFromItsSeed) {
  const ReconstructionHead a(4, ReconstructionRange::kTanh, 1);
  const ReconstructionHead b(4, ReconstructionRange::kTanh, 1);
  const ReconstructionHead c(4, ReconstructionRange::kTanh, 2);
  const at::Tensor weight = a.parameters()[0];
  EXPECT_THAT(b.parameters()[0], TensorEq(weight));
  EXPECT_THAT(c.parameters()[0], Not(TensorEq(weight)));
  EXPECT_LE(weight.abs().max().item<double>(), std::sqrt(6. / (7 * 9)));
  EXPECT_TRUE((a.parameters()[1] == 0).all().item<bool>());
}

TEST(ReconstructionHeadTest, NamesOfRanges) {
  for (const ReconstructionRange range :
       {ReconstructionRange::kTanh, ReconstructionRange::kSigmoid}) {
    EXPECT_EQ(ParseReconstructionRange(ReconstructionRangeName(range)).value(),
              range);
  }
  EXPECT_THAT(ParseReconstructionRange("tan"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tanh")));
}

}  // namespace
}  // namespace fcam
