#include "fcam/losses/size_bounds_loss.h"

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

SizeBoundsOptions Bounds(double lower, double upper) {
  SizeBoundsOptions bounds;
  bounds.lower = lower;
  bounds.upper = upper;
  return bounds;
}

// Foreground probability `area` everywhere.
at::Tensor Flat(double area, int64_t batch = 1) {
  const at::Tensor map = at::full({batch, 1, 4, 5}, area, at::kDouble);
  return at::cat({1 - map, map}, 1);
}

TEST(SizeBoundsLossTest, IsTheBarrierOfTheAreaByHand) {
  // t = 5, 1 / t^2 = .04. Lower: .1 - .3 = -.2 <= -.04: -.2 log .2 = .32188758.
  // Upper: .3 - .8 = -.5: -.2 log .5 = .13862944.
  EXPECT_NEAR(SizeBoundsLoss(Flat(.3), Bounds(.1, .8), 5).item<double>(),
              .32188758 + .13862944, 1e-8);
  EXPECT_NEAR(SizeBoundsLoss(Flat(.3), Bounds(.1, 1), 5).item<double>(),
              .32188758, 1e-8);
  EXPECT_NEAR(SizeBoundsLoss(Flat(.3), Bounds(0, .8), 5).item<double>(),
              .13862944, 1e-8);
  // Above the upper bound by .1: 5 .1 + 2 log 5 / 5 + .2 = 1.34377517.
  EXPECT_NEAR(SizeBoundsLoss(Flat(.9), Bounds(0, .8), 5).item<double>(),
              1.34377517, 1e-8);
}

TEST(SizeBoundsLossTest, AveragesOverTheBatch) {
  const at::Tensor both = at::cat({Flat(.3), Flat(.9)}, 0);
  const SizeBoundsOptions bounds = Bounds(.1, .8);
  EXPECT_NEAR(SizeBoundsLoss(both, bounds, 5).item<double>(),
              (SizeBoundsLoss(Flat(.3), bounds, 5).item<double>() +
               SizeBoundsLoss(Flat(.9), bounds, 5).item<double>()) /
                  2,
              1e-14);
}

TEST(SizeBoundsLossTest, PushesTheAreaInwards) {
  const auto slope = [](double area, double t) {
    const at::Tensor map = Flat(area).requires_grad_();
    SizeBoundsLoss(map, Bounds(.1, .8), t).backward();
    EXPECT_EQ(map.grad().select(1, 0).abs().max().item<double>(), 0);
    return map.grad().select(1, 1).sum().item<double>();
  };
  EXPECT_LT(slope(.02, 3), 0);
  EXPECT_GT(slope(.95, 3), 0);
  EXPECT_NEAR(slope(.45, 3), 0, 1e-12);  // Half way.
  // Sharper barriers push harder outside and less inside.
  EXPECT_LT(slope(.02, 10), slope(.02, 3));
  EXPECT_LT(std::abs(slope(.3, 10)), std::abs(slope(.3, 5)));
}

TEST(SizeBoundsLossTest, GradientMatchesFiniteDifferences) {
  at::manual_seed(1);
  for (const double t : {1.0, 5.0}) {
    EXPECT_THAT(::testing::CheckGradient(
                    [t](const at::Tensor& logits) {
                      return SizeBoundsLoss(logits.softmax(1), Bounds(.2, .6),
                                            t);
                    },
                    at::randn({3, 2, 3, 4}, at::kDouble)),
                IsOk());
  }
}

TEST(SizeBoundsLossTest, IsFiniteForEmptyAndFullMaps) {
  for (const double area : {0.0, 1.0}) {
    const at::Tensor map = Flat(area).requires_grad_();
    const at::Tensor loss = SizeBoundsLoss(map, Bounds(.05, .9), 10);
    loss.backward();
    EXPECT_TRUE(std::isfinite(loss.item<double>()));
    EXPECT_TRUE(map.grad().isfinite().all().item<bool>());
  }
}

TEST(SizeBoundsLossTest, RefusesBadArguments) {
  EXPECT_THROW(SizeBoundsLoss(at::zeros({1, 3, 2, 2}), {}, 1), c10::Error);
  EXPECT_THROW(SizeBoundsLoss(at::zeros({0, 2, 2, 2}), {}, 1), c10::Error);
  EXPECT_THROW(SizeBoundsLoss(Flat(.5), {}, 0), c10::Error);
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(SizeBoundsOptions().Validate(), IsOk());
  EXPECT_THAT(Bounds(.5, .5).Validate(), invalid("0.5 and 0.5, expected"));
  EXPECT_THAT(Bounds(-.1, .5).Validate(), invalid("-0.1"));
  EXPECT_THAT(Bounds(.1, 1.5).Validate(), invalid("1.5"));
  EXPECT_THAT(Bounds(std::numeric_limits<double>::quiet_NaN(), .5).Validate(),
              invalid("nan"));
  EXPECT_THAT(Bounds(0, 1).Validate(), invalid("bounds nothing"));
}

}  // namespace
}  // namespace fcam
