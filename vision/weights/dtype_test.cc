#include "vision/weights/dtype.h"

#include <cstddef>
#include <optional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace vision {
namespace {

using ::testing::Optional;

TEST(DTypeTest, NamesLeadBack) {
  size_t index = 0;
  for (const DTypeInfo& info : AllDTypes()) {
    // The table is indexed by the enum.
    EXPECT_EQ(static_cast<size_t>(info.dtype), index++);
    EXPECT_EQ(&GetDTypeInfo(info.dtype), &info);
    EXPECT_THAT(DTypeOfTorchStorage(info.torch_storage), Optional(info.dtype));
    EXPECT_THAT(DTypeOfSafetensorsName(info.safetensors_name),
                Optional(info.dtype));
  }
}

TEST(DTypeTest, KnowsNoOtherNames) {
  EXPECT_EQ(DTypeOfTorchStorage("ComplexFloatStorage"), std::nullopt);
  EXPECT_EQ(DTypeOfSafetensorsName("F8_E4M3"), std::nullopt);
  EXPECT_EQ(DTypeOfSafetensorsName("f32"), std::nullopt);
}

TEST(DTypeTest, HasTheSizesOfPyTorch) {
  EXPECT_EQ(GetDTypeInfo(DType::kFloat64).item_size, 8);
  EXPECT_EQ(GetDTypeInfo(DType::kBFloat16).item_size, 2);
  EXPECT_EQ(GetDTypeInfo(DType::kBool).item_size, 1);
}

}  // namespace
}  // namespace vision
