#include "fcam/losses/reconstruction_loss.h"

#include <cmath>
#include <limits>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/losses/elb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/gradient_check.h"
#include "testing/status_matchers.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

TEST(ReconstructionLossTest, IsTheMeanSquareByHand) {
  // 0, 255 and 51 are -1, 1 and -.6; differences 1, 0 and .6: 1.36 / 3.
  const at::Tensor images =
      at::tensor({0., 255., 51.}, at::kDouble).view({1, 3, 1, 1});
  const at::Tensor drawn =
      at::tensor({0., 1., 0.}, at::kDouble).view({1, 3, 1, 1});
  EXPECT_NEAR(ReconstructionLoss(drawn, images, {}, 1).item<double>(), 1.36 / 3,
              1e-15);
  // In [0, 1] they are 0, 1 and .2.
  ReconstructionOptions sigmoid;
  sigmoid.low = 0;
  EXPECT_NEAR(ReconstructionLoss(drawn, images, sigmoid, 1).item<double>(),
              .04 / 3, 1e-15);
}

TEST(ReconstructionLossTest, TheBarrierIsOfEachImagesError) {
  at::manual_seed(1);
  const at::Tensor images = at::rand({3, 3, 4, 5}, at::kDouble) * 255;
  const at::Tensor drawn = at::rand({3, 3, 4, 5}, at::kDouble);
  at::Tensor errors = at::empty({3}, at::kDouble);
  double mean = 0;
  for (int n = 0; n < 3; ++n) {
    errors[n] = ReconstructionLoss(drawn.narrow(0, n, 1),
                                   images.narrow(0, n, 1), {}, 1);
    mean += errors[n].item<double>() / 3;
  }
  EXPECT_NEAR(ReconstructionLoss(drawn, images, {}, 1).item<double>(), mean,
              1e-15);
  ReconstructionOptions options;
  options.use_elb = true;
  EXPECT_NEAR(ReconstructionLoss(drawn, images, options, 3).item<double>(),
              ExtendedLogBarrier(errors, 3).item<double>(), 1e-14);
}

TEST(ReconstructionLossTest, IsZeroForThePicture) {
  const at::Tensor images = at::randint(256, {2, 3, 4, 4}).to(at::kFloat);
  const at::Tensor drawn = (images / 127.5 - 1).set_requires_grad(true);
  const at::Tensor loss = ReconstructionLoss(drawn, images, {}, 1);
  loss.backward();
  EXPECT_NEAR(loss.item<double>(), 0, 1e-12);
  EXPECT_LT(drawn.grad().abs().max().item<double>(), 1e-7);
}

TEST(ReconstructionLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(2);
  const at::Tensor images = at::rand({2, 3, 2, 3}, at::kDouble) * 255;
  for (const bool use_elb : {false, true}) {
    ReconstructionOptions options;
    options.use_elb = use_elb;
    EXPECT_THAT(::testing::CheckGradient(
                    [&](const at::Tensor& drawn) {
                      return ReconstructionLoss(drawn.tanh(), images, options,
                                                2);
                    },
                    at::randn({2, 3, 2, 3}, at::kDouble)),
                IsOk());
  }
}

TEST(ReconstructionLossTest, RefusesBadArguments) {
  const at::Tensor images = at::zeros({1, 3, 2, 2});
  EXPECT_THROW(ReconstructionLoss(at::zeros({1, 2, 2, 2}), images, {}, 1),
               c10::Error);
  EXPECT_THROW(ReconstructionLoss(at::zeros({1, 3, 2, 3}), images, {}, 1),
               c10::Error);
  ReconstructionOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.high = -1;
  EXPECT_THAT(options.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                           HasSubstr("the range is -1 to -1")));
  options.high = std::numeric_limits<double>::infinity();
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inf")));
}

}  // namespace
}  // namespace fcam
