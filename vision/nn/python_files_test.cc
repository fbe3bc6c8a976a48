// Files of weights that Python wrote (vision/weights/testdata), bit for bit.

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "ATen/ATen.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

using ::testing::IsOk;
using ::testing::TensorEq;

// Writes the file as Python did, and returns its path.
std::string Decode(const std::string& name) {
  const auto text = ReadFile(::testing::TestDataPath(
      absl::StrCat("vision/weights/testdata/", name, ".b64")));
  EXPECT_THAT(text, IsOk());
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(*text, &bytes));
  const std::string path = JoinPath(::testing::TempDir(), name);
  EXPECT_THAT(WriteFileAtomically(path, bytes), IsOk());
  return path;
}

// What make_checkpoints.py makes.
void ExpectTensors(const StateDict& dict) {
  EXPECT_EQ(dict.size(), 16u);
  EXPECT_THAT(dict["weight"],
              TensorEq(at::arange(6, at::kFloat).view({3, 2, 1, 1})));
  EXPECT_THAT(dict["transposed"],
              TensorEq(at::arange(6, at::kFloat).view({2, 3}).t()));
  EXPECT_THAT(dict["slice"], TensorEq(at::tensor({2.f, 3.f, 4.f})));
  EXPECT_THAT(dict["same_storage"], TensorEq(at::arange(10, at::kFloat)));
  EXPECT_THAT(dict["scalar"], TensorEq(at::full({}, 7, at::kLong)));
  EXPECT_THAT(dict["empty"], TensorEq(at::zeros({0, 3})));
  // Negative zero, infinity, NaN and a denormal keep their bits.
  const at::Tensor special = dict["special"];
  ASSERT_EQ(special.numel(), 4);
  const float* values = special.data_ptr<float>();
  EXPECT_TRUE(std::signbit(values[0]) && values[0] == 0);
  EXPECT_EQ(values[1], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_EQ(values[3], std::numeric_limits<float>::denorm_min());
  for (const auto& [name, type] :
       {std::make_pair("float64", at::kDouble),
        std::make_pair("float16", at::kHalf),
        std::make_pair("bfloat16", at::kBFloat16),
        std::make_pair("int64", at::kLong), std::make_pair("int32", at::kInt),
        std::make_pair("int16", at::kShort),
        std::make_pair("int8", at::kChar)}) {
    EXPECT_THAT(dict[name], TensorEq(at::tensor({-1, 0, 3}).to(type))) << name;
  }
  EXPECT_THAT(dict["uint8"], TensorEq(at::tensor({255, 0, 3}).to(at::kByte)));
  EXPECT_THAT(dict["bool"], TensorEq(at::tensor({1, 0, 1}).to(at::kBool)));
}

class PythonFilesTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PythonFilesTest, PlainDictionariesAreReadBitForBit) {
  const auto dict = ReadStateDict(Decode(absl::StrCat("plain_", GetParam())));
  ASSERT_THAT(dict, IsOk());
  ExpectTensors(*dict);
}

INSTANTIATE_TEST_SUITE_P(
    All, PythonFilesTest,
    ::testing::Values("1_13_zip", "1_13_legacy", "1_13_protocol4", "2_13_zip",
                      "2_13_legacy", "2_13_protocol4", "safetensors"),
    [](const auto& param) { return std::string(param.param); });

class PythonCheckpointsTest : public PythonFilesTest {};

TEST_P(PythonCheckpointsTest, WrappedDictionariesAreFound) {
  const std::string path = Decode(absl::StrCat("wrapped_", GetParam()));
  ReadStateDictOptions options;
  options.strip_prefix = "module.";
  const auto dict = ReadStateDict(path, options);
  ASSERT_THAT(dict, IsOk());
  ExpectTensors(*dict);
  options.strip_prefix.clear();
  const auto prefixed = ReadStateDict(path, options);
  ASSERT_THAT(prefixed, IsOk());
  EXPECT_TRUE(prefixed->contains("module.weight"));
}

INSTANTIATE_TEST_SUITE_P(All, PythonCheckpointsTest,
                         ::testing::Values("1_13_zip", "1_13_legacy",
                                           "2_13_zip", "2_13_legacy"),
                         [](const auto& param) {
                           return std::string(param.param);
                         });

}  // namespace
}  // namespace vision
