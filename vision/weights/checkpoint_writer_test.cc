#include "vision/weights/checkpoint_writer.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/weights/checkpoint.h"
#include "vision/weights/dtype.h"
#include "vision/weights/file_pieces.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::string_view kValues = "0123456789abcdef";

std::vector<DenseTensor> Tensors() {
  return {{"byte", DType::kUInt8, {3}, kValues.substr(0, 3)},
          {"layer.weight", DType::kFloat32, {2, 2}, kValues},
          {"none", DType::kInt64, {0, 5}, ""},
          {"scalar", DType::kInt64, {}, kValues.substr(8)},
          {"again", DType::kFloat32, {4, 1}, kValues}};
}

std::string Join(const absl::StatusOr<FilePieces>& file) {
  EXPECT_THAT(file, IsOk());
  const std::string bytes = absl::StrJoin(file->pieces, "");
  EXPECT_EQ(bytes.size(), file->size_bytes());
  return bytes;
}

TEST(CheckpointWriterTest, ReadsBackWhatItWrote) {
  const std::vector<DenseTensor> tensors = Tensors();
  for (const std::string& bytes :
       {Join(MakeTorchZip(tensors)), Join(MakeSafetensors(tensors))}) {
    const auto index = IndexCheckpoint(bytes);
    ASSERT_THAT(index, IsOk());
    ASSERT_EQ(index->tensors.size(), tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      const TensorEntry& entry = index->tensors[i];
      EXPECT_EQ(entry.name, tensors[i].name);
      EXPECT_EQ(entry.dtype, tensors[i].dtype);
      EXPECT_EQ(entry.shape, tensors[i].shape);
      EXPECT_TRUE(entry.IsContiguous());
      EXPECT_EQ(bytes.substr(static_cast<size_t>(entry.offset),
                             static_cast<size_t>(entry.span_bytes)),
                tensors[i].values);
      // Aligned to its type.
      EXPECT_EQ(entry.offset % GetDTypeInfo(entry.dtype).item_size, 0);
    }
  }
}

TEST(CheckpointWriterTest, SharedValuesAreStoredOnceInZipFiles) {
  const auto index = IndexCheckpoint(Join(MakeTorchZip(Tensors())));
  ASSERT_THAT(index, IsOk());
  EXPECT_EQ(index->tensors[1].offset, index->tensors[4].offset);
  const auto plain = IndexCheckpoint(Join(MakeSafetensors(Tensors())));
  ASSERT_THAT(plain, IsOk());
  EXPECT_NE(plain->tensors[1].offset, plain->tensors[4].offset);
}

TEST(CheckpointWriterTest, DoesNotCopyValues) {
  const std::vector<DenseTensor> tensors = Tensors();
  const auto file = MakeTorchZip(tensors);
  ASSERT_THAT(file, IsOk());
  int found = 0;
  for (const absl::string_view piece : file->pieces) {
    found += piece.data() == kValues.data() ? 1 : 0;
  }
  // layer.weight and byte, which starts at the same address.
  EXPECT_EQ(found, 2);
}

TEST(CheckpointWriterTest, WritesNoTensors) {
  for (const std::string& bytes :
       {Join(MakeTorchZip({})), Join(MakeSafetensors({}))}) {
    const auto index = IndexCheckpoint(bytes);
    ASSERT_THAT(index, IsOk());
    EXPECT_TRUE(index->tensors.empty());
  }
}

TEST(CheckpointWriterTest, NamesMayHaveAnyCharacters) {
  const std::vector<DenseTensor> tensors = {
      {"quote\" \\ \n \xc3\xa9", DType::kUInt8, {1}, kValues.substr(0, 1)}};
  for (const std::string& bytes :
       {Join(MakeTorchZip(tensors)), Join(MakeSafetensors(tensors))}) {
    const auto index = IndexCheckpoint(bytes);
    ASSERT_THAT(index, IsOk());
    EXPECT_EQ(index->tensors[0].name, tensors[0].name);
  }
}

TEST(CheckpointWriterTest, RejectsBadTensors) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const std::vector<DenseTensor> twice = {{"a", DType::kUInt8, {0}, ""},
                                          {"a", DType::kUInt8, {0}, ""}};
  EXPECT_THAT(MakeTorchZip(twice), StatusIs(kInvalid, HasSubstr("a occurs")));
  EXPECT_THAT(MakeSafetensors(twice), StatusIs(kInvalid, HasSubstr("twice")));
  const std::vector<DenseTensor> small = {
      {"a", DType::kFloat32, {2}, kValues.substr(0, 7)}};
  EXPECT_THAT(MakeTorchZip(small),
              StatusIs(kInvalid, HasSubstr("has 7 bytes, expected 8 for shape "
                                           "[2]")));
  for (const std::string name : {"\xff", "__metadata__"}) {
    const std::vector<DenseTensor> bad = {{name, DType::kUInt8, {0}, ""}};
    EXPECT_THAT(MakeSafetensors(bad),
                StatusIs(kInvalid, HasSubstr("not UTF-8, or reserved")));
    EXPECT_THAT(MakeTorchZip(bad), IsOk());
  }
}

TEST(IndexCheckpointTest, TellsFormatsByContent) {
  const auto format = [](const std::string& bytes) {
    return IndexCheckpoint(bytes).value().format;
  };
  EXPECT_EQ(format(Join(MakeTorchZip({}))), CheckpointFormat::kTorchZip);
  EXPECT_EQ(format(Join(MakeSafetensors({}))), CheckpointFormat::kSafetensors);
  EXPECT_STREQ(CheckpointFormatName(CheckpointFormat::kTorchLegacy),
               "torch legacy");
}

TEST(IndexCheckpointTest, RejectsOtherFiles) {
  constexpr auto kDamaged = absl::StatusCode::kDataLoss;
  EXPECT_THAT(IndexCheckpoint(""), StatusIs(kDamaged, HasSubstr("is empty")));
  EXPECT_THAT(IndexCheckpoint("\x80\x02}."),
              StatusIs(kDamaged, HasSubstr("torch.save did not write it")));
  EXPECT_THAT(
      IndexCheckpoint("some text"),
      StatusIs(kDamaged, HasSubstr("neither a file of torch.save nor")));
  CheckpointOptions options;
  options.entry = "model";
  EXPECT_THAT(IndexCheckpoint(Join(MakeSafetensors({})), options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no dictionaries to choose from")));
}

}  // namespace
}  // namespace vision
