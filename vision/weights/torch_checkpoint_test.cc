#include "vision/weights/torch_checkpoint.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/weights/dtype.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/tensor_entry.h"
#include "vision/weights/zip_writer.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;
constexpr auto kForeign = absl::StatusCode::kInvalidArgument;

std::string Int(int value) {
  return std::string("K") + static_cast<char>(value);
}
std::string Str(const std::string& text) {
  return std::string("X") + static_cast<char>(text.size()) +
         std::string(3, '\0') + text;
}

// A vector of `size` elements from `offset` of the storage "0" of 4 elements.
std::string Tensor(int offset, int size, int storage_size = 4,
                   const std::string& type = "FloatStorage",
                   const std::string& key = "0") {
  return absl::StrCat("ctorch._utils\n_rebuild_tensor\n((", Str("storage"),
                      "ctorch\n", type, "\n", Str(key), Str("cpu"),
                      Int(storage_size), "tQ", Int(offset), Int(size), "\x85",
                      Int(1), "\x85tR");
}

// {"w": tensor}.
std::string Dict(const std::string& tensor) {
  return absl::StrCat("}", Str("w"), tensor, "s");
}

// A zip file with this pickle, and 16 bytes of values.
std::string Zip(const std::string& pickle) {
  ZipWriter zip;
  zip.AddOwned("net/data.pkl", pickle + ".");
  zip.AddOwned("net/data/0", "0123456789abcdef");
  return absl::StrJoin(std::move(zip).Finish().pieces, "");
}

absl::StatusOr<CheckpointIndex> ReadZip(const std::string& pickle,
                                        const std::string& entry = "") {
  CheckpointOptions options;
  options.entry = entry;
  return IndexTorchZip(Zip(pickle), options);
}

// The old format with this pickle, and what follows it.
std::string Legacy(const std::string& pickle, const std::string& values) {
  return absl::StrCat(
      "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
      "\x80\x02M\xe9\x03.", "\x80\x02}", Str("little_endian"), "\x88s.", pickle,
      ".", values);
}

// The list of one storage "0", and its values.
std::string LegacyValues(uint64_t numel, const std::string& values) {
  std::string length;
  AppendLittleEndian(numel, 8, length);
  return absl::StrCat("]", Str("0"), "a.", length, values);
}

absl::StatusOr<CheckpointIndex> ReadLegacy(const std::string& pickle,
                                           const std::string& values) {
  return IndexTorchLegacy(Legacy(pickle, values), CheckpointOptions());
}

TEST(TorchZipTest, TellsWhereValuesAre) {
  const std::string bytes = Zip(Dict(Tensor(1, 3)));
  const auto index = IndexTorchZip(bytes, CheckpointOptions());
  ASSERT_THAT(index, IsOk());
  ASSERT_EQ(index->tensors.size(), 1u);
  const TensorEntry& tensor = index->tensors[0];
  EXPECT_EQ(tensor.name, "w");
  EXPECT_EQ(tensor.dtype, DType::kFloat32);
  EXPECT_THAT(tensor.shape, ElementsAre(3));
  EXPECT_EQ(tensor.span_bytes, 12);
  EXPECT_EQ(bytes.substr(static_cast<size_t>(tensor.offset), 12),
            "456789abcdef");
  EXPECT_EQ(index->entry, "");
}

TEST(TorchZipTest, FindsTheDictionaryInACheckpoint) {
  const std::string weights = Dict(Tensor(0, 1));
  // {"epoch": 3, "state_dict": {...}, "ema": {...}}
  const std::string wrapped =
      absl::StrCat("}(", Str("epoch"), Int(3), Str("ema"), weights,
                   Str("state_dict"), weights, "u");
  const auto index = ReadZip(wrapped);
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(index->entry, "state_dict");
  EXPECT_EQ(index->tensors.size(), 1u);
  EXPECT_THAT(index->others,
              ElementsAre("epoch: int 3", "ema: dictionary of 1"));
  const auto ema = ReadZip(wrapped, "ema");
  ASSERT_THAT(ema, IsOk());
  EXPECT_EQ(ema->entry, "ema");
  EXPECT_THAT(ReadZip(wrapped, "emu"),
              StatusIs(kForeign, HasSubstr("no dictionary \"emu\"; there is "
                                           "ema, state_dict")));
}

TEST(TorchZipTest, FindsADictionaryOfAnyNameIfItIsTheOnlyOne) {
  const std::string weights = Dict(Tensor(0, 1));
  const auto one = ReadZip(
      absl::StrCat("}(", Str("mine"), weights, Str("epoch"), Int(3), "u"));
  ASSERT_THAT(one, IsOk());
  EXPECT_EQ(one->entry, "mine");
  EXPECT_THAT(
      ReadZip(absl::StrCat("}(", Str("a"), weights, Str("b"), weights, "u")),
      StatusIs(kForeign, HasSubstr("name one of a, b")));
  const auto deep =
      ReadZip(absl::StrCat("}", Str("x"), "}", Str("model"), weights, "ss"));
  ASSERT_THAT(deep, IsOk());
  EXPECT_EQ(deep->entry, "x/model");
}

TEST(TorchZipTest, TakesTensorsNextToOtherThings) {
  const auto index = ReadZip(
      absl::StrCat("}(", Str("w"), Tensor(0, 1), Str("version"), Int(2), "u"));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(index->tensors.size(), 1u);
  EXPECT_THAT(index->others, ElementsAre("version: int 2"));
}

TEST(TorchZipTest, AnEmptyDictionaryHasNoTensors) {
  const auto index = ReadZip("}");
  ASSERT_THAT(index, IsOk());
  EXPECT_TRUE(index->tensors.empty());
}

TEST(TorchZipTest, RejectsOtherContent) {
  EXPECT_THAT(ReadZip("]"), StatusIs(kForeign, HasSubstr("holds a list")));
  EXPECT_THAT(ReadZip("}" + Str("epoch") + Int(3) + "s"),
              StatusIs(kForeign, HasSubstr("holds no dictionary of tensors, "
                                           "but epoch: int 3")));
  EXPECT_THAT(ReadZip("}" + Int(3) + Tensor(0, 1) + "s"),
              StatusIs(kForeign, HasSubstr("whose key is a int")));
  EXPECT_THAT(ReadZip(absl::StrCat("}(", Str("w"), Tensor(0, 1), Str("w"),
                                   Tensor(0, 1), "u")),
              StatusIs(kDamaged, HasSubstr("entry w occurs twice")));
  EXPECT_THAT(ReadZip("cos\nsystem\n" + Str("ls") + "\x85R"),
              StatusIs(kForeign, HasSubstr("asks for os.system")));
}

TEST(TorchZipTest, StopsAtDictionariesThatHoldThemselves) {
  // d = {}; d["model"] = d.
  EXPECT_THAT(ReadZip("}q\x01" + Str("model") + "h\x01s"),
              StatusIs(kForeign, HasSubstr("more than 4 dictionaries deep")));
}

TEST(TorchZipTest, RejectsStoragesThatAreNotThere) {
  EXPECT_THAT(ReadZip(Dict(Tensor(0, 1, 4, "FloatStorage", "7"))),
              StatusIs(kDamaged, HasSubstr("storage 7 is missing")));
  EXPECT_THAT(ReadZip(Dict(Tensor(0, 1, 5))),
              StatusIs(kDamaged, HasSubstr("storage 0 has 16 bytes, expected 5 "
                                           "elements of 4")));
  EXPECT_THAT(ReadZip(Dict(Tensor(0, 1, 4, "DoubleStorage"))),
              StatusIs(kDamaged, HasSubstr("expected 4 elements of 8")));
}

TEST(TorchZipTest, ComparesChecksums) {
  std::string bytes = Zip(Dict(Tensor(0, 4)));
  bytes[bytes.find("abcdef")] = 'x';
  CheckpointOptions options;
  EXPECT_THAT(
      IndexTorchZip(bytes, options),
      StatusIs(kDamaged, AllOf(HasSubstr("checksum of member \"net/data/0\""),
                               HasSubstr("compute_crc32 off"))));
  options.verify_checksums = false;
  EXPECT_THAT(IndexTorchZip(bytes, options), IsOk());
}

TEST(TorchZipTest, RejectsOtherArchives) {
  const auto read = [](const std::string& name, const std::string& contents) {
    ZipWriter zip;
    zip.AddOwned("net/data.pkl", "}.");
    zip.AddOwned(name, contents);
    return IndexTorchZip(absl::StrJoin(std::move(zip).Finish().pieces, ""),
                         CheckpointOptions());
  };
  EXPECT_THAT(read("net/byteorder", "little"), IsOk());
  EXPECT_THAT(read("net/byteorder", "big"),
              StatusIs(kForeign, HasSubstr("not little-endian")));
  EXPECT_THAT(read("net/constants.pkl", "}."),
              StatusIs(kForeign, HasSubstr("TorchScript program")));
  // The pickle is the first member; 8 in its entry means deflated.
  std::string packed = Zip("}");
  packed[packed.find("PK\x01\x02") + 10] = 8;
  EXPECT_THAT(
      IndexTorchZip(packed, CheckpointOptions()),
      StatusIs(kForeign, HasSubstr("\"net/data.pkl\" of the zip archive "
                                   "is compressed")));
  EXPECT_THAT(IndexTorchZip(absl::StrJoin(ZipWriter().Finish().pieces, ""),
                            CheckpointOptions()),
              StatusIs(kForeign, HasSubstr("without data.pkl")));
}

TEST(TorchZipTest, StopsWhereTensorsTakeMoreThanTheFile) {
  // Ten thousand names for one tensor of 16 axes, from the memo.
  std::string pickle = absl::StrCat("ctorch._utils\n_rebuild_tensor\n((",
                                    Str("storage"), "ctorch\nFloatStorage\n",
                                    Str("0"), Str("cpu"), Int(4), "tQ", Int(0));
  for (int i = 0; i < 2; ++i) {
    pickle += "(";
    for (int axis = 0; axis < 16; ++axis) pickle += Int(1);
    pickle += "t";
  }
  pickle +=
      "tRq\x01"
      "0}(";
  for (int i = 0; i < 10000; ++i) {
    const std::string name = absl::StrCat(i);
    absl::StrAppend(&pickle, "U",
                    std::string(1, static_cast<char>(name.size())), name,
                    "h\x01");
  }
  EXPECT_THAT(ReadZip(pickle + "u"),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("more than the file's size allows")));
}

TEST(TorchLegacyTest, TellsWhereValuesAre) {
  const std::string bytes =
      Legacy(Dict(Tensor(1, 3)), LegacyValues(4, "0123456789abcdef"));
  EXPECT_TRUE(LooksLikeTorchLegacy(bytes));
  const auto index = IndexTorchLegacy(bytes, CheckpointOptions());
  ASSERT_THAT(index, IsOk());
  ASSERT_EQ(index->tensors.size(), 1u);
  EXPECT_EQ(bytes.substr(static_cast<size_t>(index->tensors[0].offset), 12),
            "456789abcdef");
  EXPECT_EQ(index->format, CheckpointFormat::kTorchLegacy);
}

TEST(TorchLegacyTest, RejectsValuesThatAreNotThere) {
  const std::string dict = Dict(Tensor(0, 4));
  EXPECT_THAT(ReadLegacy(dict, LegacyValues(4, "0123456789abcde")),
              StatusIs(kDamaged, HasSubstr("claims 4 elements of 4 bytes, but "
                                           "the file has 15 bytes left")));
  EXPECT_THAT(ReadLegacy(dict, LegacyValues(~uint64_t{0}, "0123456789abcdef")),
              StatusIs(kDamaged, HasSubstr("claims 18446744073709551615")));
  EXPECT_THAT(ReadLegacy(dict, LegacyValues(3, "0123456789abcdef")),
              StatusIs(kDamaged, HasSubstr("storage 0 has 12 bytes, expected "
                                           "4 elements")));
  EXPECT_THAT(ReadLegacy(dict, "]."),
              StatusIs(kDamaged, HasSubstr("storage 0 is missing")));
  EXPECT_THAT(ReadLegacy(dict, absl::StrCat("]", Str("0"), "a.1234567")),
              StatusIs(kDamaged, HasSubstr("storage 0 is missing")));
  EXPECT_THAT(ReadLegacy(dict, absl::StrCat("]", Str("7"), "a.")),
              StatusIs(kDamaged, HasSubstr("storage 7 belongs to no tensor")));
  EXPECT_THAT(ReadLegacy(dict, absl::StrCat("](", Str("0"), Str("0"), "e.",
                                            std::string(64, '\0'))),
              StatusIs(kDamaged, HasSubstr("storage 0 belongs to no tensor")));
  EXPECT_THAT(ReadLegacy(dict, "](Ne."),
              StatusIs(kDamaged, HasSubstr("list of storages is malformed")));
  EXPECT_THAT(ReadLegacy(dict, "N."),
              StatusIs(kDamaged, HasSubstr("list of storages is missing")));
}

TEST(TorchLegacyTest, RejectsOtherVersionsAndMachines) {
  const std::string good = Legacy("}", "].");
  EXPECT_THAT(IndexTorchLegacy(good, CheckpointOptions()), IsOk());
  EXPECT_THAT(IndexTorchLegacy(absl::StrReplaceAll(good, {{"M\xe9", "M\xea"}}),
                               CheckpointOptions()),
              StatusIs(kForeign, HasSubstr("version int 1002")));
  EXPECT_THAT(IndexTorchLegacy(absl::StrReplaceAll(good, {{"\x88", "\x89"}}),
                               CheckpointOptions()),
              StatusIs(kForeign, HasSubstr("not little-endian")));
  EXPECT_THAT(
      IndexTorchLegacy(absl::StrReplaceAll(good, {{"little", "middle"}}),
                       CheckpointOptions()),
      StatusIs(kDamaged, HasSubstr("description of the machine")));
  EXPECT_FALSE(LooksLikeTorchLegacy("\x80\x02}."));
  EXPECT_THAT(IndexTorchLegacy("\x80\x02}.", CheckpointOptions()),
              StatusIs(kForeign, HasSubstr("magic number")));
}

TEST(TorchLegacyTest, AnyTruncationIsAnError) {
  const std::string bytes =
      Legacy(Dict(Tensor(1, 3)), LegacyValues(4, "0123456789abcdef"));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(
        IndexTorchLegacy(bytes.substr(0, size), CheckpointOptions()).ok())
        << size;
  }
}

}  // namespace
}  // namespace vision
