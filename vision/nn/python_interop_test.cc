// Files of weights to Python and back, where python3 has PyTorch (Debian's
// python3-torch, or another that $FCAM_PYTHON names). Elsewhere
// python_files_test.cc still reads what Python wrote once.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

using ::testing::IsOk;

std::string Python() {
  const char* variable = std::getenv("FCAM_PYTHON");
  return variable == nullptr ? "/usr/bin/python3" : variable;
}

// What the command prints, errors included; its exit code in `code`.
std::string Execute(const std::string& command, int* code) {
  std::string output;
  std::FILE* pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  char buffer[4096];
  size_t count = 0;
  while ((count = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, count);
  }
  *code = pclose(pipe);
  return output;
}

// Each dtype, with values that only equal bits reproduce.
StateDict MakeDict() {
  StateDict dict;
  const at::Tensor weight = at::arange(6, at::kFloat).view({2, 3});
  dict.insert("weight", weight);
  dict.insert("twin", weight);
  dict.insert("special", at::tensor({-0.f, INFINITY, NAN, 1e-45f, 0.1f}));
  dict.insert("scalar", at::full({}, 7, at::kLong));
  dict.insert("empty", at::zeros({0, 3}));
  dict.insert("channels_last", at::arange(120, at::kFloat)
                                   .view({2, 3, 4, 5})
                                   .contiguous(at::MemoryFormat::ChannelsLast));
  for (const at::ScalarType type :
       {at::kDouble, at::kHalf, at::kBFloat16, at::kInt, at::kShort, at::kChar,
        at::kByte, at::kBool}) {
    dict.insert(c10::toString(type), at::tensor({0, 1, 77}).to(type));
  }
  return dict;
}

void ExpectSameBits(const StateDict& expected, const StateDict& got) {
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& item : expected) {
    const at::Tensor* other = got.find(item.key());
    ASSERT_NE(other, nullptr) << item.key();
    const at::Tensor a = item.value().contiguous();
    const at::Tensor b = other->contiguous();
    ASSERT_EQ(a.sizes(), b.sizes()) << item.key();
    ASSERT_EQ(a.scalar_type(), b.scalar_type()) << item.key();
    const std::string a_bytes(static_cast<const char*>(a.data_ptr()),
                              a.nbytes());
    const std::string b_bytes(static_cast<const char*>(b.data_ptr()),
                              b.nbytes());
    EXPECT_EQ(a_bytes, b_bytes) << item.key();
  }
}

TEST(PythonInteropTest, FilesGoToPythonAndBackBitForBit) {
  int code = 0;
  Execute(absl::StrCat("'", Python(), "' -c 'import torch'"), &code);
  if (code != 0) {
    GTEST_SKIP() << Python() << " has no torch; install python3-torch";
  }
  const std::string folder = JoinPath(::testing::TempDir(), "interop");
  ASSERT_THAT(CreateDirectories(folder), IsOk());
  const StateDict dict = MakeDict();
  ASSERT_THAT(SaveStateDict(JoinPath(folder, "ours.pt"), dict), IsOk());
  ASSERT_THAT(SaveStateDict(JoinPath(folder, "ours.safetensors"), dict,
                            CheckpointFormat::kSafetensors),
              IsOk());
  const std::string output = Execute(
      absl::StrCat("'", Python(), "' '",
                   ::testing::TestDataPath("vision/nn/python_interop.py"),
                   "' '", folder, "'"),
      &code);
  ASSERT_EQ(code, 0) << output;
  for (const char* name : {"zip.pt", "legacy.pt", "wrapped.pt"}) {
    const auto read = ReadStateDict(JoinPath(folder, name));
    ASSERT_THAT(read, IsOk());
    ExpectSameBits(dict, *read);
    EXPECT_EQ(read->keys(), dict.keys());
  }
  if (absl::StrContains(output, "safetensors")) {
    const auto read = ReadStateDict(JoinPath(folder, "theirs.safetensors"));
    ASSERT_THAT(read, IsOk());
    ExpectSameBits(dict, *read);
  }
}

}  // namespace
}  // namespace vision
