#include "vision/nn/state_dict.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "torch/nn/module.h"
#include "vision/base/file_io.h"
#include "vision/nn/conv_block.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

// Parameters of its own before and after a child.
struct Net : torch::nn::Module {
  Net()
      : child(register_module("child", std::make_shared<ConvNorm>(2, 3, 1))),
        scale(register_parameter("scale", at::ones({2}))),
        count(register_buffer("count", at::zeros({}, at::kLong))) {}

  std::shared_ptr<ConvNorm> child;
  at::Tensor scale;
  at::Tensor count;
};

std::string TempPath(const std::string& name) {
  return JoinPath(::testing::TempDir(), name);
}

TEST(StateDictTest, HasPytorchsOrder) {
  const Net net;
  EXPECT_THAT(
      GetStateDict(net).keys(),
      ElementsAre("scale", "count", "child.0.weight", "child.1.weight",
                  "child.1.bias", "child.1.running_mean", "child.1.running_var",
                  "child.1.num_batches_tracked"));
}

TEST(StateDictTest, SharesMemoryWithTheModule) {
  const Net net;
  const StateDict dict = GetStateDict(net);
  EXPECT_FALSE(dict["scale"].requires_grad());
  dict["scale"].fill_(7);
  EXPECT_THAT(net.scale.detach(), TensorEq(at::full({2}, 7.f)));
}

TEST(StateDictTest, LoadsIntoAnotherModule) {
  const Net source;
  source.count.fill_(9);
  Net target;
  ASSERT_THAT(LoadStateDict(GetStateDict(source), target), IsOk());
  EXPECT_THAT(target.child->conv().weight.detach(),
              TensorEq(source.child->conv().weight.detach()));
  EXPECT_EQ(target.count.item<int64_t>(), 9);
  EXPECT_TRUE(target.scale.requires_grad());
}

TEST(StateDictTest, ConvertsTheDtype) {
  StateDict dict = GetStateDict(Net());
  dict["scale"] = at::tensor({1.5, 2.5}, at::kDouble);
  Net target;
  ASSERT_THAT(LoadStateDict(dict, target), IsOk());
  EXPECT_THAT(target.scale.detach(), TensorEq(at::tensor({1.5f, 2.5f})));
}

// Lacks "scale", has another shape of "count", and one entry more.
StateDict BadDict() {
  StateDict bad;
  for (const auto& item : GetStateDict(Net())) {
    if (item.key() == "scale") continue;
    bad.insert(item.key(), item.key() == "count"
                               ? at::full({3}, 5, at::kLong)
                               : at::full_like(item.value(), 5));
  }
  bad.insert("head.bias", at::zeros({1}));
  return bad;
}

TEST(StateDictTest, StrictLoadingNamesWhatDiffersAndChangesNothing) {
  Net net;
  EXPECT_THAT(
      LoadStateDict(BadDict(), net),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("missing 1 (scale)"),
                     HasSubstr("unexpected 1 (head.bias)"),
                     HasSubstr("mismatched 1 (count: got [3], expected [])"))));
  EXPECT_THAT(net.child->norm().weight.detach(), TensorEq(at::ones({3})));
}

TEST(StateDictTest, LooseLoadingTakesWhatFits) {
  Net net;
  const auto report = LoadMatchingStateDict(BadDict(), net);
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(report->missing, ElementsAre("scale"));
  EXPECT_THAT(report->unexpected, ElementsAre("head.bias"));
  EXPECT_THAT(report->mismatched, ElementsAre("count: got [3], expected []"));
  EXPECT_THAT(net.scale.detach(), TensorEq(at::ones({2})));
  EXPECT_THAT(net.child->norm().weight.detach(), TensorEq(at::full({3}, 5.f)));
}

TEST(StateDictTest, OldFilesMayLackTheNumberOfBatches) {
  StateDict old;
  for (const auto& item : GetStateDict(Net())) {
    if (item.key() != "child.1.num_batches_tracked") {
      old.insert(item.key(), item.value());
    }
  }
  Net net;
  EXPECT_THAT(LoadStateDict(old, net), IsOk());
}

TEST(StateDictTest, LongReportsAreCutShort) {
  StateDictReport report;
  EXPECT_EQ(report.ToString(), "all entries agree");
  report.missing = {"a", "b", "c", "d", "e", "f", "g"};
  EXPECT_EQ(report.ToString(), "missing 7 (a, b, c, d, e, ...)");
}

TEST(StateDictFileTest, RoundTripKeepsOrderShapesAndBits) {
  StateDict dict;
  dict.insert("b", at::tensor({0.1f, -0.f, INFINITY, NAN}).view({2, 2}));
  dict.insert("a.scalar", at::full({}, 1 << 20, at::kLong));
  dict.insert("empty", at::zeros({0, 3}));
  for (const at::ScalarType type :
       {at::kDouble, at::kHalf, at::kBFloat16, at::kInt, at::kShort, at::kChar,
        at::kByte, at::kBool}) {
    dict.insert(c10::toString(type), at::ones({3}, type));
  }
  // Neither a view nor another memory format changes the values.
  const at::Tensor image = at::rand({2, 3, 4, 5});
  dict.insert("channels_last",
              image.contiguous(at::MemoryFormat::ChannelsLast));
  dict.insert("view", image.select(1, 1).select(0, 1).t());
  const std::string path = TempPath("round_trip.pt");
  ASSERT_THAT(SaveStateDict(path, dict), IsOk());
  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->keys(), dict.keys());
  for (const auto& item : dict) {
    EXPECT_THAT((*read)[item.key()], TensorEq(item.value().detach()))
        << item.key();
  }
  EXPECT_TRUE(at::signbit((*read)["b"][0][1]).item<bool>());
}

TEST(StateDictFileTest, ReadsWhatPythonWrote) {
  for (const char* version : {"1_13", "2_13"}) {
    const auto dict = ReadStateDict(::testing::TestDataPath(
        absl::StrCat("vision/nn/testdata/python_state_dict_", version, ".pt")));
    ASSERT_THAT(dict, IsOk());
    EXPECT_THAT((*dict)["0.weight"],
                TensorEq(at::arange(6, at::kFloat).view({3, 2, 1, 1})));
    EXPECT_THAT((*dict)["1.running_var"],
                TensorEq(at::arange(40, 43, at::kFloat)));
    EXPECT_EQ((*dict)["1.num_batches_tracked"].item<int64_t>(), 50);
    ConvNorm block(2, 3, 1);
    EXPECT_THAT(LoadStateDict(*dict, block), IsOk());
  }
}

TEST(StateDictFileTest, SafetensorsRoundTripToo) {
  const StateDict dict = GetStateDict(Net());
  const std::string path = TempPath("round_trip.safetensors");
  ASSERT_THAT(SaveStateDict(path, dict, CheckpointFormat::kSafetensors),
              IsOk());
  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->keys(), dict.keys());
  for (const auto& item : dict) {
    EXPECT_THAT((*read)[item.key()], TensorEq(item.value())) << item.key();
  }
  EXPECT_THAT(SaveStateDict(path, dict, CheckpointFormat::kTorchLegacy),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is read, not written")));
}

TEST(StateDictFileTest, TensorsAreTheFilesPagesAndCanBeChanged) {
  StateDict dict;
  dict.insert("a", at::arange(4, at::kFloat));
  const std::string path = TempPath("pages.pt");
  ASSERT_THAT(SaveStateDict(path, dict), IsOk());
  at::Tensor kept;
  {
    const auto read = ReadStateDict(path);
    ASSERT_THAT(read, IsOk());
    kept = (*read)["a"];
  }
  // It outlives the dictionary and the file, and is the reader's own.
  kept.mul_(2);
  const auto again = ReadStateDict(path);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT((*again)["a"], TensorEq(at::arange(4, at::kFloat)));
  ASSERT_THAT(WriteFileAtomically(path, "gone"), IsOk());
  EXPECT_THAT(kept, TensorEq(at::arange(4, at::kFloat) * 2));
  EXPECT_THAT((*again)["a"], TensorEq(at::arange(4, at::kFloat)));
}

TEST(StateDictFileTest, AFileCanBeWrittenOverItsOwnTensors) {
  StateDict dict;
  dict.insert("a", at::arange(1000, at::kFloat));
  const std::string path = TempPath("over.pt");
  ASSERT_THAT(SaveStateDict(path, dict), IsOk());
  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  ASSERT_THAT(SaveStateDict(path, *read, CheckpointFormat::kSafetensors),
              IsOk());
  const auto again = ReadStateDict(path);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT((*again)["a"], TensorEq(dict["a"]));
}

TEST(StateDictFileTest, ValuesThatAreNotAlignedAreCopied) {
  // A header of 57 bytes: the values start at byte 65.
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )";
  ASSERT_EQ(header.size() % 4, 1u);
  const float values[] = {1.5f, -2.f};
  const std::string path = TempPath("unaligned.safetensors");
  ASSERT_THAT(
      WriteFileAtomically(
          path, absl::StrCat(std::string(1, static_cast<char>(header.size())),
                             std::string(7, '\0'), header,
                             absl::string_view(
                                 reinterpret_cast<const char*>(values), 8))),
      IsOk());
  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT((*read)["a"], TensorEq(at::tensor({1.5f, -2.f})));
}

TEST(StateDictFileTest, RejectsBoolsOfOtherValues) {
  StateDict dict;
  dict.insert("mask", at::full({5}, true, at::kBool));
  const std::string path = TempPath("bools.safetensors");
  ASSERT_THAT(SaveStateDict(path, dict, CheckpointFormat::kSafetensors),
              IsOk());
  auto bytes = ReadFile(path);
  ASSERT_THAT(bytes, IsOk());
  bytes->back() = 2;
  ASSERT_THAT(WriteFileAtomically(path, *bytes), IsOk());
  EXPECT_THAT(ReadStateDict(path),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("entry mask is of neither 0 nor 1")));
}

TEST(StateDictFileTest, StripsAPrefix) {
  StateDict dict;
  dict.insert("module.a", at::zeros({1}));
  dict.insert("b", at::zeros({1}));
  const std::string path = TempPath("prefix.pt");
  ASSERT_THAT(SaveStateDict(path, dict), IsOk());
  ReadStateDictOptions options;
  options.strip_prefix = "module.";
  const auto read = ReadStateDict(path, options);
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->keys(), ElementsAre("a", "b"));
  dict.insert("a", at::zeros({1}));
  ASSERT_THAT(SaveStateDict(path, dict), IsOk());
  EXPECT_THAT(ReadStateDict(path, options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("entry a occurs twice once \"module.\"")));
}

TEST(StateDictTest, StrictLoadingHintsAtAPrefix) {
  StateDict dict;
  for (const auto& item : GetStateDict(Net())) {
    dict.insert("module." + item.key(), item.value());
  }
  Net net;
  EXPECT_THAT(LoadStateDict(dict, net),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("start with \"module.\", which reading can "
                                 "strip")));
}

TEST(StateDictFileTest, RejectsWhatIsNoDictionaryOfTensors) {
  EXPECT_THAT(ReadStateDict(::testing::TestDataPath(
                  "vision/nn/testdata/python_list_1_13.pt")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("expected a dictionary of tensors")));
}

TEST(StateDictFileTest, RejectsDamagedFiles) {
  EXPECT_THAT(ReadStateDict(TempPath("none.pt")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.pt")));
  const std::string path = TempPath("damaged.pt");
  ASSERT_THAT(WriteFileAtomically(path, "not a zip archive"), IsOk());
  EXPECT_THAT(ReadStateDict(path),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged.pt")));
  ASSERT_THAT(SaveStateDict(path, GetStateDict(Net())), IsOk());
  const auto bytes = ReadFile(path);
  ASSERT_THAT(bytes, IsOk());
  ASSERT_THAT(WriteFileAtomically(path, bytes->substr(0, bytes->size() / 2)),
              IsOk());
  EXPECT_THAT(ReadStateDict(path),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged.pt")));
}

TEST(StateDictFileTest, RejectsTensorsThatTheFormatLacks) {
  StateDict dict;
  dict.insert("z", at::zeros({1}, at::kComplexFloat));
  EXPECT_THAT(SaveStateDict(TempPath("complex.pt"), dict),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("entry z has dtype ComplexFloat")));
  dict["z"] = at::Tensor();
  EXPECT_THAT(SaveStateDict(TempPath("complex.pt"), dict),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("entry z is an undefined tensor")));
  EXPECT_THAT(SaveStateDict("/none/such/folder/a.pt", StateDict()),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace vision
