// GoogleTest matchers for tensors, with failures that say where they differ.
//
//   EXPECT_THAT(actual, TensorNear(expected, /*atol=*/1e-6, /*rtol=*/1e-5));
//   EXPECT_THAT(output, HasShape({2, 3, 4, 4}));

#ifndef TESTING_TENSOR_MATCHERS_H_
#define TESTING_TENSOR_MATCHERS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "ATen/core/Tensor.h"
#include "gmock/gmock.h"

namespace testing {

// An empty string if |actual - expected| <= atol + rtol * |expected| everywhere
// (NaN equals NaN), shapes and dtypes agree; otherwise shape, dtype, the worst
// index, both values there and the number of mismatches.
std::string DescribeTensorDifference(const at::Tensor& expected,
                                     const at::Tensor& actual, double atol,
                                     double rtol);

// "float32 [2, 3]"
std::string DescribeTensorType(const at::Tensor& tensor);

class TensorNearMatcher {
 public:
  using is_gtest_matcher = void;

  TensorNearMatcher(at::Tensor expected, double atol, double rtol)
      : expected_(std::move(expected)), atol_(atol), rtol_(rtol) {}

  bool MatchAndExplain(const at::Tensor& actual,
                       MatchResultListener* listener) const {
    const std::string difference =
        DescribeTensorDifference(expected_, actual, atol_, rtol_);
    *listener << difference;
    return difference.empty();
  }
  void DescribeTo(std::ostream* os) const {
    *os << "is near a " << DescribeTensorType(expected_) << " tensor, atol "
        << atol_ << ", rtol " << rtol_;
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "not: ";
    DescribeTo(os);
  }

 private:
  at::Tensor expected_;
  double atol_;
  double rtol_;
};

inline TensorNearMatcher TensorNear(at::Tensor expected, double atol,
                                    double rtol = 0) {
  return TensorNearMatcher(std::move(expected), atol, rtol);
}

// Equal bit for bit, but that NaN equals NaN.
inline TensorNearMatcher TensorEq(at::Tensor expected) {
  return TensorNearMatcher(std::move(expected), 0, 0);
}

MATCHER_P(HasShapeVector, shape, "") {
  *result_listener << "which is " << DescribeTensorType(arg);
  return arg.sizes().vec() == shape;
}

inline auto HasShape(std::vector<int64_t> shape) {
  return HasShapeVector(std::move(shape));
}

}  // namespace testing

#endif  // TESTING_TENSOR_MATCHERS_H_
