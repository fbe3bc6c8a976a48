#include "vision/nn/state_dict_pickle.h"

#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "caffe2/serialize/inline_container.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/torch_status.h"

namespace vision {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kForeign = absl::StatusCode::kInvalidArgument;

// A file with this pickle, and the record data/0 of the floats 0, 1, 2, 3.
std::string Archive(const std::string& pickle) {
  std::string file;
  caffe2::serialize::PyTorchStreamWriter writer(
      [&file](const void* data, size_t size) {
        file.append(static_cast<const char*>(data), size);
        return size;
      });
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  const float values[] = {0, 1, 2, 3};
  writer.writeRecord("data/0", values, sizeof(values));
  writer.writeEndOfFile();
  return file;
}

absl::StatusOr<NamedTensors> Read(const std::string& pickle) {
  return CallTorch("reading", [&] { return UnpickleTensors(Archive(pickle)); });
}

// Pickle text of a small integer, a string, and a tuple of small integers.
std::string Int(int value) {
  return std::string("K") + static_cast<char>(value);
}
std::string Str(const std::string& text) {
  return std::string("X") + static_cast<char>(text.size()) +
         std::string(3, '\0') + text;
}
std::string Ints(const std::vector<int>& values) {
  std::string text = "(";
  for (const int value : values) text += Int(value);
  return text + "t";
}

std::string StorageId(const std::string& key, const std::string& name,
                      int count) {
  return absl::StrCat("(", Str("storage"), "ctorch\n", name, "\n", Str(key),
                      Str("cpu"), Int(count), "tQ");
}

// A dictionary {"a": tensor}, of a storage text.
std::string DictOf(const std::string& storage, int offset,
                   const std::vector<int>& sizes,
                   const std::vector<int>& strides) {
  return absl::StrCat("}", Str("a"), "ctorch._utils\n_rebuild_tensor_v2\n(",
                      storage, Int(offset), Ints(sizes), Ints(strides), "\x89",
                      "}tRs.");
}

TEST(StateDictPickleTest, ReadsViewsOfAStorage) {
  const auto tensors =
      Read(DictOf(StorageId("0", "FloatStorage", 4), 1, {3}, {1}));
  ASSERT_THAT(tensors, IsOk());
  ASSERT_EQ(tensors->size(), 1u);
  EXPECT_EQ((*tensors)[0].first, "a");
  EXPECT_THAT((*tensors)[0].second, TensorEq(at::tensor({1.f, 2.f, 3.f})));
  // Transposed, expanded, empty.
  const std::string storage = StorageId("0", "FloatStorage", 4);
  EXPECT_THAT((*Read(DictOf(storage, 0, {2, 2}, {1, 2})))[0].second,
              TensorEq(at::tensor({0.f, 2.f, 1.f, 3.f}).view({2, 2})));
  EXPECT_THAT((*Read(DictOf(storage, 3, {5}, {0})))[0].second,
              TensorEq(at::full({5}, 3.f)));
  EXPECT_THAT((*Read(DictOf(storage, 4, {0, 9}, {9, 1})))[0].second,
              HasShape({0, 9}));
}

TEST(StateDictPickleTest, RejectsTensorsOutsideOfTheirStorage) {
  const std::string storage = StorageId("0", "FloatStorage", 4);
  const auto outside = StatusIs(kDamaged, HasSubstr("outside of its storage"));
  EXPECT_THAT(Read(DictOf(storage, 1, {4}, {1})), outside);
  EXPECT_THAT(Read(DictOf(storage, 4, {1}, {1})), outside);
  EXPECT_THAT(Read(DictOf(storage, 5, {0}, {1})), outside);
  EXPECT_THAT(Read(DictOf(storage, 0, {2, 2}, {1, 3})), outside);
  // 255^8 elements at stride 0: no overflow, no allocation.
  EXPECT_THAT(Read(DictOf(storage, 0, std::vector<int>(8, 255),
                          std::vector<int>(8, 0))),
              outside);
  EXPECT_THAT(Read(DictOf(storage, 0, {2}, {1, 1})),
              StatusIs(kDamaged, HasSubstr("a tensor is malformed")));
}

TEST(StateDictPickleTest, RejectsBadStorages) {
  EXPECT_THAT(Read(DictOf(StorageId("7", "FloatStorage", 4), 0, {1}, {1})),
              StatusIs(kDamaged, HasSubstr("record data/7 is missing")));
  EXPECT_THAT(Read(DictOf(StorageId("0", "FloatStorage", 5), 0, {1}, {1})),
              StatusIs(kDamaged, HasSubstr("has 16 bytes, expected 5")));
  EXPECT_THAT(Read(DictOf(StorageId("0", "EvilStorage", 4), 0, {1}, {1})),
              StatusIs(kForeign, HasSubstr("holds a torch.EvilStorage")));
  EXPECT_THAT(Read("}" + Str("a") + "(tQs."),
              StatusIs(kDamaged, HasSubstr("a storage is malformed")));
}

TEST(StateDictPickleTest, CallsNothing) {
  // What pickle.dumps makes of an object whose __reduce__ is os.system("ls").
  EXPECT_THAT(Read("cos\nsystem\n(" + Str("ls") + "tR."),
              StatusIs(kForeign, HasSubstr("wants to call os.system")));
  EXPECT_THAT(Read("\x81."),  // NEWOBJ
              StatusIs(kForeign, HasSubstr("pickle instruction 129")));
}

TEST(StateDictPickleTest, RejectsOtherContent) {
  EXPECT_THAT(Read("]."), StatusIs(kForeign, HasSubstr("holds a list")));
  EXPECT_THAT(Read("}" + Str("epoch") + Int(3) + "s."),
              StatusIs(kForeign, HasSubstr("entry \"epoch\" is a int")));
  EXPECT_THAT(Read("}" + Int(3) + Int(3) + "s."),
              StatusIs(kForeign, HasSubstr("a key that is a int")));
  // {1: d, 2: d} with one d.
  EXPECT_THAT(Read("}(" + Int(1) + "}q" + std::string(1, '\0') + Int(2) + "h" +
                   std::string(1, '\0') + "u."),
              StatusIs(kForeign, HasSubstr("a shared dictionary")));
}

TEST(StateDictPickleTest, RejectsDamagedPickles) {
  const struct {
    std::string pickle;
    const char* message;
  } cases[] = {
      {"", "ends early"},
      {"}", "ends early"},
      {".", "a value is missing"},
      {"s.", "a value is missing"},
      {"t.", "a value is missing"},
      {"\x87.", "a value is missing"},
      {"h1.", "a memo is missing"},
      {"q1.", "a value is missing"},
      {"NR.", "a value is missing"},
      {"N)R.", "a call without a class"},
      {"ccollections", "a name has no end"},
      {"}N}b", "attributes without an object"},
      {"](Nu.", "items without a container"},
      {"}(Nu.", "items without a container"},
      {"X\xff\xff\xff\xff.", "ends early"},
      {"\x8a\x09"
       "123456789.",
       "an integer is too long"},
      {"\x80\x05}.", "newer than 3"},
      {")" + std::string(40, '\x85') + ".", "too deep"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Read(c.pickle), StatusIs(kDamaged, HasSubstr(c.message)))
        << c.pickle;
  }
}

TEST(StateDictPickleTest, AnyTruncationOfAFileIsAnError) {
  const auto file = PickleTensors({{"weight", at::rand({3, 2})}});
  ASSERT_THAT(file, IsOk());
  for (size_t size = 0; size < file->size(); size += 7) {
    EXPECT_FALSE(CallTorch("reading",
                           [&] {
                             return UnpickleTensors(
                                 absl::string_view(*file).substr(0, size));
                           })
                     .ok())
        << size;
  }
}

}  // namespace
}  // namespace vision
