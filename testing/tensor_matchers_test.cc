#include "testing/tensor_matchers.h"

#include <cmath>

#include "ATen/ATen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace testing {
namespace {

TEST(TensorMatchersTest, NearHonoursBothTolerances) {
  const at::Tensor expected = at::tensor({1.0, 100.0});
  EXPECT_THAT(at::tensor({1.05, 100.0}), TensorNear(expected, 0.1));
  EXPECT_THAT(at::tensor({1.0, 101.0}), Not(TensorNear(expected, 0.1)));
  EXPECT_THAT(at::tensor({1.0, 101.0}), TensorNear(expected, 0.0, 0.011));
}

TEST(TensorMatchersTest, EqTellsDtypeShapeAndNan) {
  const at::Tensor nan = at::tensor({1.0, std::nan("")});
  EXPECT_THAT(nan.clone(), TensorEq(nan));
  EXPECT_THAT(at::tensor({1.0, 1.0}), Not(TensorEq(nan)));
  EXPECT_THAT(nan.to(at::kFloat), Not(TensorEq(nan)));
  EXPECT_THAT(nan.view({1, 2}), Not(TensorEq(nan)));
  EXPECT_THAT(at::Tensor(), Not(TensorEq(nan)));
}

TEST(TensorMatchersTest, DifferenceNamesTheWorstElement) {
  const at::Tensor expected = at::zeros({2, 3});
  at::Tensor actual = at::zeros({2, 3});
  actual[1][2] = 5;
  actual[0][0] = 1;
  EXPECT_THAT(DescribeTensorDifference(expected, actual, 0, 0),
              AllOf(HasSubstr("2 of 6 differ"), HasSubstr("[1, 2]"),
                    HasSubstr("got 5")));
}

TEST(TensorMatchersTest, HasShape) {
  EXPECT_THAT(at::zeros({2, 3}), HasShape({2, 3}));
  EXPECT_THAT(at::zeros({2, 3}), Not(HasShape({3, 2})));
}

}  // namespace
}  // namespace testing
