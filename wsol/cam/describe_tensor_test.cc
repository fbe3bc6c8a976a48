#include "wsol/cam/describe_tensor.h"

#include "ATen/ATen.h"
#include "gtest/gtest.h"

namespace wsol {
namespace {

TEST(DescribeTensorTest, TellsTypeAndShape) {
  EXPECT_EQ(DescribeTensor(at::zeros({2, 3})), "Float [2, 3]");
  EXPECT_EQ(DescribeTensor(at::zeros({1}, at::kLong)), "Long [1]");
  EXPECT_EQ(DescribeTensor(at::Tensor()), "undefined");
}

}  // namespace
}  // namespace wsol
