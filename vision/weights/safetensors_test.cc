#include "vision/weights/safetensors.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/weights/dtype.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/tensor_entry.h"

namespace vision {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;

std::string File(absl::string_view header, size_t data_size) {
  std::string bytes;
  AppendLittleEndian(header.size(), 8, bytes);
  return absl::StrCat(bytes, header, std::string(data_size, 'x'));
}

absl::StatusOr<CheckpointIndex> Index(absl::string_view header,
                                      size_t data_size) {
  return IndexSafetensors(File(header, data_size));
}

TEST(SafetensorsTest, ReadsTensorsInTheHeadersOrder) {
  const auto index =
      Index(R"({"__metadata__":{"format":"pt"},)"
            R"("b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},)"
            R"("a":{"data_offsets":[0,2],"shape":[],"dtype":"BF16"},)"
            R"("none":{"dtype":"I64","shape":[0,4],"data_offsets":[26,26]}}  )",
            26);
  ASSERT_THAT(index, IsOk());
  ASSERT_EQ(index->tensors.size(), 3u);
  const TensorEntry& b = index->tensors[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, DType::kFloat32);
  EXPECT_THAT(b.shape, ElementsAre(2, 3));
  EXPECT_THAT(b.strides, ElementsAre(3, 1));
  EXPECT_EQ(b.span_bytes, 24);
  EXPECT_EQ(index->tensors[1].name, "a");
  EXPECT_EQ(b.offset, index->tensors[1].offset + 2);
  EXPECT_EQ(index->tensors[2].span_bytes, 0);
  EXPECT_THAT(index->others, ElementsAre("format: string \"pt\""));
  EXPECT_EQ(index->format, CheckpointFormat::kSafetensors);
}

TEST(SafetensorsTest, ReadsAnEmptyFile) {
  const auto index = Index("{}", 0);
  ASSERT_THAT(index, IsOk());
  EXPECT_TRUE(index->tensors.empty());
}

TEST(SafetensorsTest, RejectsLengthsThatLie) {
  std::string bytes = File("{}", 0);
  bytes[0] = 3;
  EXPECT_THAT(
      IndexSafetensors(bytes),
      StatusIs(kDamaged, HasSubstr("header claims 3 bytes, but 2 are left")));
  for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(i)] = '\xff';
  EXPECT_THAT(IndexSafetensors(bytes),
              StatusIs(kDamaged, HasSubstr("18446744073709551615 bytes")));
  bytes = File("{}", 0);
  bytes[0] = 1;
  EXPECT_THAT(IndexSafetensors(bytes),
              StatusIs(kDamaged, HasSubstr("no JSON")));
  EXPECT_THAT(IndexSafetensors(""), StatusIs(kDamaged, HasSubstr("no header")));
}

TEST(SafetensorsTest, RejectsRangesThatLie) {
  const auto two = [](const char* a, const char* b, size_t data_size) {
    return Index(
        absl::StrCat(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)", a,
                     R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)", b,
                     "}}"),
        data_size);
  };
  EXPECT_THAT(two("[0,4]", "[4,8]", 8), IsOk());
  EXPECT_THAT(two("[4,8]", "[0,4]", 8), IsOk());
  EXPECT_THAT(two("[0,4]", "[2,6]", 8),
              StatusIs(kDamaged, HasSubstr("\"b\" starts at 2, inside of")));
  EXPECT_THAT(two("[0,4]", "[0,4]", 8),
              StatusIs(kDamaged, HasSubstr("inside of another")));
  EXPECT_THAT(two("[0,4]", "[5,9]", 9),
              StatusIs(kDamaged, HasSubstr("\"b\" starts at 5, behind a gap")));
  EXPECT_THAT(two("[1,5]", "[5,9]", 9),
              StatusIs(kDamaged, HasSubstr("behind a gap; expected 0")));
  EXPECT_THAT(two("[0,4]", "[4,8]", 7),
              StatusIs(kDamaged,
                       HasSubstr("\"b\" lies outside of the file: it ends at 8 "
                                 "of 7 bytes")));
  EXPECT_THAT(two("[0,4]", "[4,8]", 9),
              StatusIs(kDamaged, HasSubstr("its tensors end at 8")));
  EXPECT_THAT(two("[0,4]", "[8,4]", 8),
              StatusIs(kDamaged, HasSubstr("data_offsets [8, 4]")));
  EXPECT_THAT(two("[0,4]", "[18446744073709551608,18446744073709551612]", 8),
              StatusIs(kDamaged, HasSubstr("\"b\" lies outside of the file")));
}

TEST(SafetensorsTest, RejectsBadTensors) {
  const auto one = [](const std::string& fields) {
    return Index(absl::StrCat(R"({"a":{)", fields, "}}"), 4);
  };
  const struct {
    const char* fields;
    const char* message;
  } cases[] = {
      {R"("dtype":"U8","shape":[4])", "lacks dtype, shape or data_offsets"},
      {R"("dtype":"U8","shape":[4],"data_offsets":[0])", "lacks dtype"},
      {R"("dtype":"U8","shape":[4],"data_offsets":[0,4,4])", "more than two"},
      {R"("dtype":"U8","shape":[5],"data_offsets":[0,4])", "expected 5 bytes"},
      {R"("dtype":"U8","shape":[4294967296,4294967296,4294967296],)"
       R"("data_offsets":[0,4])",
       "is too large"},
      {R"("dtype":"U8","shape":[0,4294967296,4294967296,4294967296],)"
       R"("data_offsets":[0,0])",
       "is too large"},
      {R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],)"
       R"("data_offsets":[0,4])",
       "too many dimensions"},
      {R"("dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4])",
       "two fields dtype"},
      {R"("dtype":"U8","shape":[4],"shape":[4],"data_offsets":[0,4])",
       "two fields shape"},
      {R"("dtype":"U8","shape":[4],"strides":[1],"data_offsets":[0,4])",
       "unknown field \"strides\""},
      {R"("dtype":"U8","shape":[-4],"data_offsets":[0,4])",
       "a negative number where none belongs, at \"a\""},
      {R"("dtype":"U8","shape":[4.0],"data_offsets":[0,4])", "a fraction"},
      {R"("dtype":"U8","shape":4,"data_offsets":[0,4])", "a number"},
      {R"("dtype":"U8","shape":[[4]],"data_offsets":[0,4])", "an array"},
      {R"("dtype":8,"shape":[4],"data_offsets":[0,4])", "a number"},
      {R"("dtype":["U8"],"shape":[4],"data_offsets":[0,4])", "an array"},
      {R"("dtype":{},"shape":[4],"data_offsets":[0,4])", "an object"},
      {R"("dtype":null,"shape":[4],"data_offsets":[0,4])", "null"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(one(c.fields), StatusIs(kDamaged, HasSubstr(c.message)))
        << c.fields;
  }
  EXPECT_THAT(one(R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("dtype F8_E4M3, which is not supported")));
}

TEST(SafetensorsTest, RejectsBadHeaders) {
  const struct {
    const char* header;
    const char* message;
  } cases[] = {
      {"{", "no JSON"},
      {"{} {}", "no JSON"},
      {R"({"a":3})", "a number where none belongs, at \"a\""},
      {R"({"a":[1]})", "an array"},
      {R"({"a":"b"})", "a string"},
      {R"({"__metadata__":"b"})", "a string"},
      {R"({"__metadata__":{"b":1}})", "a number"},
      {R"({"__metadata__":{"b":{}}})", "an object"},
      {R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
       R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
       "\"a\" occurs twice"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Index(c.header, 0), StatusIs(kDamaged, HasSubstr(c.message)))
        << c.header;
  }
  // Nesting costs nothing: it is refused at the first bracket.
  const std::string deep = absl::StrCat("{\"a\":", std::string(100000, '['));
  EXPECT_THAT(Index(deep, 0), StatusIs(kDamaged, HasSubstr("an array")));
}

}  // namespace
}  // namespace vision
