#include "vision/weights/pickle.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/weights/dtype.h"
#include "vision/weights/memory_budget.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kForeign = absl::StatusCode::kInvalidArgument;

// `pickle` must outlive the document.
absl::StatusOr<PickleDocument> Parse(absl::string_view pickle) {
  MemoryBudget budget(MemoryBudget::ForFile(pickle.size()));
  return PickleDocument::Parse(pickle, budget);
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

std::string StorageId(const std::string& name, int count) {
  return absl::StrCat("(", Str("storage"), "ctorch\n", name, "\n", Str("0"),
                      Str("cpu"), Int(count), "tQ");
}

// A tensor alone, of a storage text.
std::string Tensor(const std::string& storage, int offset,
                   const std::vector<int>& sizes,
                   const std::vector<int>& strides,
                   const std::string& function = "_rebuild_tensor_v2") {
  return absl::StrCat("ctorch._utils\n", function, "\n(", storage, Int(offset),
                      Ints(sizes), Ints(strides), "\x89", "}tR.");
}

int64_t ParseInteger(absl::string_view pickle) {
  const auto document = Parse(pickle);
  EXPECT_THAT(document, IsOk());
  EXPECT_EQ(document->kind(document->root()), PickleKind::kInteger);
  return document->integer(document->root());
}

TEST(PickleTest, ReadsNumbers) {
  EXPECT_EQ(ParseInteger("K\xff."), 255);
  EXPECT_EQ(ParseInteger("M\x01\x02."), 0x0201);
  EXPECT_EQ(ParseInteger("J\xfe\xff\xff\xff."), -2);
  EXPECT_EQ(ParseInteger(std::string("\x8a\x00.", 3)), 0);
  EXPECT_EQ(ParseInteger("\x8a\x01\x80."), -128);
  EXPECT_EQ(ParseInteger(std::string("\x8a\x02\xff\x00.", 5)), 255);
  EXPECT_EQ(ParseInteger(std::string("\x8b\x01\0\0\0\x07.", 7)), 7);
  const std::string pickle("G\x40\x04\0\0\0\0\0\0.", 10);
  const auto number = Parse(pickle);
  ASSERT_THAT(number, IsOk());
  EXPECT_EQ(number->number(number->root()), 2.5);
  const auto big = Parse(
      "\x8a\x09"
      "123456789.");
  ASSERT_THAT(big, IsOk());
  EXPECT_EQ(big->kind(big->root()), PickleKind::kBigInteger);
}

TEST(PickleTest, ReadsStringsOfAllProtocols) {
  for (const std::string& pickle :
       {Str("ab") + ".",
        std::string("U\x02"
                    "ab."),
        std::string("\x8c\x02"
                    "ab."),
        std::string("T\x02\0\0\0ab.", 8),
        std::string("\x8d\x02\0\0\0\0\0\0\0ab.", 12)}) {
    const auto document = Parse(pickle);
    ASSERT_THAT(document, IsOk()) << pickle;
    EXPECT_EQ(document->kind(document->root()), PickleKind::kString);
    EXPECT_EQ(document->text(document->root()), "ab");
  }
  const auto bytes = Parse(
      "C\x02"
      "ab.");
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(bytes->kind(bytes->root()), PickleKind::kBytes);
}

TEST(PickleTest, ReadsContainers) {
  // {"a": [1, (2, 3), {4}], 5: None}
  const std::string pickle =
      "\x80\x04\x95" + std::string(8, '\0') + "}(" + Str("a") + "](" + Int(1) +
      Int(2) + Int(3) + "\x86\x8f(" + Int(4) + "\x90" + "e" + Int(5) + "Nu.";
  const auto document = Parse(pickle);
  ASSERT_THAT(document, IsOk());
  const auto items = document->Items(document->root());
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(document->kind(items[1].second), PickleKind::kNone);
  PickleId list = 0;
  ASSERT_TRUE(document->FindItem(document->root(), "a", &list));
  EXPECT_FALSE(document->FindItem(document->root(), "b", &list));
  const auto elements = document->Elements(list);
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(document->integer(document->Elements(elements[1])[1]), 3);
  EXPECT_EQ(document->kind(elements[2]), PickleKind::kSet);
  EXPECT_EQ(document->size_bytes(), pickle.size());
}

TEST(PickleTest, SharesValuesThroughTheMemo) {
  // [d, d] with one dictionary, by each way to store it; the list is number 0.
  for (const std::string pickle : {"]\x94(}\x94h\x01"
                                   "e.",
                                   "]\x94(}q\x01h\x01"
                                   "e."}) {
    const auto document = Parse(pickle);
    ASSERT_THAT(document, IsOk());
    const auto elements = document->Elements(document->root());
    ASSERT_EQ(elements.size(), 2u);
    EXPECT_EQ(elements[0], elements[1]);
  }
}

TEST(PickleTest, TakesCyclesAndDepth) {
  // A list that holds itself, and 100000 tuples in each other.
  EXPECT_THAT(Parse("]\x94h" + std::string(1, '\0') + "a."), IsOk());
  EXPECT_THAT(Parse("N" + std::string(20000, '\x85') + "."), IsOk());
}

TEST(PickleTest, LeavesWhatFollows) {
  const auto document = Parse("N.rest");
  ASSERT_THAT(document, IsOk());
  EXPECT_EQ(document->size_bytes(), 2u);
}

TEST(PickleTest, ReadsOrderedDictsOfPython2) {
  // OrderedDict([["a", 1], ["b", 2]]), then its attributes, {}.
  const std::string pickle = "ccollections\nOrderedDict\n](](" + Str("a") +
                             Int(1) + "e](" + Str("b") + Int(2) + "ee\x85R}b.";
  const auto document = Parse(pickle);
  ASSERT_THAT(document, IsOk());
  const auto items = document->Items(document->root());
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(document->text(items[1].first), "b");
  EXPECT_THAT(Parse("ccollections\nOrderedDict\n](](Nee\x85R."),
              StatusIs(kDamaged, HasSubstr("OrderedDict is malformed")));
  EXPECT_THAT(Parse("ccollections\nOrderedDict\nN\x85R."),
              StatusIs(kDamaged, HasSubstr("OrderedDict is malformed")));
}

TEST(PickleTest, ReadsTensors) {
  for (const char* function : {"_rebuild_tensor_v2", "_rebuild_tensor"}) {
    const std::string pickle =
        Tensor(StorageId("HalfStorage", 12), 1, {2, 3}, {1, 4}, function);
    const auto document = Parse(pickle);
    ASSERT_THAT(document, IsOk());
    ASSERT_EQ(document->kind(document->root()), PickleKind::kTensor);
    const PickledTensor tensor = document->Tensor(document->root());
    EXPECT_EQ(tensor.storage.dtype, DType::kFloat16);
    EXPECT_EQ(tensor.storage.key, "0");
    EXPECT_EQ(tensor.storage.numel, 12);
    EXPECT_EQ(tensor.offset, 1);
    EXPECT_THAT(tensor.shape, ElementsAre(2, 3));
    EXPECT_THAT(tensor.strides, ElementsAre(1, 4));
  }
}

TEST(PickleTest, ReadsParametersAndSizes) {
  const std::string tensor = Tensor(StorageId("FloatStorage", 4), 0, {}, {});
  const std::string inner = tensor.substr(0, tensor.size() - 1);
  const std::string parameter = absl::StrCat(
      "ctorch._utils\n_rebuild_parameter\n(", inner, "\x88", "}tR.");
  const auto document = Parse(parameter);
  ASSERT_THAT(document, IsOk());
  ASSERT_EQ(document->kind(document->root()), PickleKind::kTensor);
  EXPECT_THAT(document->Tensor(document->root()).shape, IsEmpty());
  EXPECT_THAT(Parse("ctorch._utils\n_rebuild_parameter\nN\x85R."),
              StatusIs(kDamaged, HasSubstr("a parameter is no tensor")));
  const std::string size = "ctorch\nSize\n(" + Int(2) + Int(3) + "t\x85R.";
  const auto sizes = Parse(size);
  ASSERT_THAT(sizes, IsOk());
  EXPECT_EQ(sizes->Elements(sizes->root()).size(), 2u);
  EXPECT_THAT(Parse("ctorch\nSize\n)R."),
              StatusIs(kDamaged, HasSubstr("size")));
}

TEST(PickleTest, ReadsParametersAndTensorsOfPyTorchBefore04) {
  const std::string storage = StorageId("FloatStorage", 4);
  const std::string full = Tensor(storage, 0, {2}, {1});
  const std::string tensor = full.substr(0, full.size() - 1);
  // Python's steps: make an empty object, note it, set its state.
  const std::string state =
      absl::StrCat("(", storage, Int(1), Ints({3}), Ints({1}), "t");
  const std::string cases[] = {
      absl::StrCat("ctorch\nFloatTensor\n)R", state, "b."),
      absl::StrCat("ctorch.cuda\nFloatTensor\n)\x81", state, "b."),
      absl::StrCat("ctorch.nn.parameter\nParameter\n", tensor, "\x85\x81",
                   "(\x88\x89}tb."),
      absl::StrCat("ctorch.nn.parameter\nParameter\n)\x81(", tensor,
                   "N}\x88\x89tb."),
  };
  for (const std::string& pickle : cases) {
    const auto document = Parse(pickle);
    ASSERT_THAT(document, IsOk()) << pickle;
    ASSERT_EQ(document->kind(document->root()), PickleKind::kTensor) << pickle;
  }
  // Whoever noted the object before sees the state.
  const std::string noted =
      absl::StrCat("](ctorch\nFloatTensor\n)Rq\x01", state,
                   "bh\x01"
                   "e.");
  const auto document = Parse(noted);
  ASSERT_THAT(document, IsOk());
  for (const PickleId id : document->Elements(document->root())) {
    EXPECT_EQ(document->kind(id), PickleKind::kTensor);
  }
  // Without a state there are no values, and other states give none.
  for (const char* end : {".", "Nb.", ")b.", "(NNNNNtb."}) {
    const std::string pickle = absl::StrCat("ctorch\nFloatTensor\n)R", end);
    const auto unbuilt = Parse(pickle);
    ASSERT_THAT(unbuilt, IsOk()) << end;
    EXPECT_EQ(unbuilt->kind(unbuilt->root()), PickleKind::kUnbuilt);
  }
  EXPECT_THAT(Parse("ctorch\nFloatTensor\n)R(NNNNtb."),
              StatusIs(kDamaged, HasSubstr("a tensor is malformed")));
  EXPECT_THAT(Parse("ctorch\nEvilTensor\n)R."),
              StatusIs(kForeign, HasSubstr("asks for torch.EvilTensor")));
}

TEST(PickleTest, TakesViewsThatLieInsideOfTheirStorage) {
  const std::string storage = StorageId("FloatStorage", 4);
  // Transposed, expanded, and empty ones at the end and beyond any size.
  EXPECT_THAT(Parse(Tensor(storage, 0, {2, 2}, {1, 2})), IsOk());
  EXPECT_THAT(Parse(Tensor(storage, 3, {5}, {0})), IsOk());
  EXPECT_THAT(Parse(Tensor(storage, 4, {0, 9}, {9, 1})), IsOk());
  EXPECT_THAT(Parse(Tensor(storage, 3, {1}, {200})), IsOk());
}

TEST(PickleTest, RejectsTensorsOutsideOfTheirStorage) {
  const std::string storage = StorageId("FloatStorage", 4);
  const auto outside = StatusIs(kDamaged, HasSubstr("outside of its storage"));
  EXPECT_THAT(Parse(Tensor(storage, 1, {4}, {1})), outside);
  EXPECT_THAT(Parse(Tensor(storage, 4, {1}, {1})), outside);
  EXPECT_THAT(Parse(Tensor(storage, 5, {0}, {1})), outside);
  EXPECT_THAT(Parse(Tensor(storage, 0, {2, 2}, {1, 3})), outside);
  // 255^8 elements at stride 0, also next to an empty axis: no overflow.
  EXPECT_THAT(Parse(Tensor(storage, 0, std::vector<int>(8, 255),
                           std::vector<int>(8, 0))),
              outside);
  EXPECT_THAT(Parse(Tensor(storage, 0, {0, 255, 255, 255, 255, 255, 255},
                           std::vector<int>(7, 1))),
              outside);
  const auto malformed = StatusIs(kDamaged, HasSubstr("tensor is malformed"));
  EXPECT_THAT(Parse(Tensor(storage, 0, {2}, {1, 1})), malformed);
  EXPECT_THAT(Parse(Tensor(storage, 0, std::vector<int>(17, 1),
                           std::vector<int>(17, 1))),
              malformed);
  EXPECT_THAT(Parse(Tensor("N", 0, {2}, {1})), malformed);
}

TEST(PickleTest, RejectsBadStorages) {
  const auto malformed = StatusIs(kDamaged, HasSubstr("storage is malformed"));
  EXPECT_THAT(Parse("(tQ."), malformed);
  EXPECT_THAT(Parse("NQ."), malformed);
  EXPECT_THAT(Parse("(" + Str("storage") + "ctorch\nSize\n" + Str("0") +
                    Str("cpu") + Int(1) + "tQ."),
              malformed);
  EXPECT_THAT(Parse("(" + Str("module") + "NNNtQ."),
              StatusIs(kForeign, HasSubstr("save its state_dict() instead")));
  std::string view = StorageId("FloatStorage", 4);
  view.insert(view.size() - 2, Ints({0, 1, 2}));
  EXPECT_THAT(Parse(view + "."),
              StatusIs(kForeign, HasSubstr("views of storages")));
}

TEST(PickleTest, RefusesOtherNamesByName) {
  // What pickle.dumps makes of an object whose __reduce__ is os.system("ls").
  EXPECT_THAT(
      Parse("cos\nsystem\n(" + Str("ls") + "tR."),
      StatusIs(kForeign, HasSubstr("asks for os.system; only tensors")));
  EXPECT_THAT(Parse(Str("posix") + Str("system") + "\x93."),
              StatusIs(kForeign, HasSubstr("asks for posix.system")));
  EXPECT_THAT(Parse("ctorch\nComplexFloatStorage\n."),
              StatusIs(kForeign, HasSubstr("torch.ComplexFloatStorage")));
  EXPECT_THAT(Parse("cnumpy.core.multiarray\nscalar\n."),
              StatusIs(kForeign, HasSubstr("numpy.core.multiarray.scalar")));
  // Instructions that make objects of a class, or look one up by number.
  EXPECT_THAT(Parse("\x92."), StatusIs(kForeign, HasSubstr("instruction 146")));
  EXPECT_THAT(Parse("\x82"
                    "1."),
              StatusIs(kForeign, HasSubstr("130")));
  EXPECT_THAT(Parse("i."), StatusIs(kForeign, HasSubstr("105")));
  EXPECT_THAT(Parse("o."), StatusIs(kForeign, HasSubstr("111")));
  // Known names do what they are for, and nothing else.
  EXPECT_THAT(Parse("ctorch\nFloatStorage\n)R."),
              StatusIs(kForeign, HasSubstr("storage outside of a tensor")));
}

TEST(PickleTest, RejectsDamagedPickles) {
  const struct {
    std::string pickle;
    const char* message;
  } cases[] = {
      {"", "ends early"},
      {"}", "ends early"},
      {".", "a value is missing"},
      {"s.", "a value is missing"},
      {"t.", "a value is missing"},
      {"1.", "a value is missing"},
      {"N(0.", "a value is missing"},
      {"\x87.", "a value is missing"},
      {"h1.", "a memo is missing"},
      {"q1.", "a value is missing"},
      {"Nr\xff\xff\xff\x7f.", "a memo's number is too large"},
      {"NR.", "a value is missing"},
      {"N)R.", "a call without a class"},
      {"ccollections", "a name has no end"},
      {"}N}b.", "attributes without an object"},
      {"](Nu.", "items without a container"},
      {"}(Nu.", "a key without a value"},
      {"}(Ne.", "items without a container"},
      {"X\xff\xff\xff\xff.", "ends early"},
      {"\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "ends early"},
      {"\x8b\xff\xff\xff\xff.", "ends early"},
      {"NN\x93.", "a name is no string"},
      {"\x80\x06}.", "its protocol is 6, expected 2 to 5"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Parse(c.pickle), StatusIs(kDamaged, HasSubstr(c.message)))
        << c.pickle;
  }
}

TEST(PickleTest, StopsWhereValuesTakeMoreThanTheFile) {
  // A million dictionaries of one byte each.
  const std::string pickle(1000000, '}');
  EXPECT_THAT(Parse(pickle), StatusIs(absl::StatusCode::kResourceExhausted,
                                      HasSubstr("1524288 bytes of memory")));
}

}  // namespace
}  // namespace vision
