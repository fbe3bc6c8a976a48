#include "vision/weights/zip_archive.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/zip_writer.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kDamaged = absl::StatusCode::kDataLoss;

std::string TwoMembers() {
  ZipWriter zip;
  zip.AddOwned("a/one", "first");
  zip.AddOwned("a/two", "second one");
  return absl::StrJoin(std::move(zip).Finish().pieces, "");
}

TEST(ZipArchiveTest, FindsMembers) {
  const std::string bytes = TwoMembers();
  const auto zip = ZipArchive::Open(bytes);
  ASSERT_THAT(zip, IsOk());
  ASSERT_EQ(zip->members().size(), 2u);
  EXPECT_EQ(zip->members()[0].name, "a/one");
  const ZipMember* two = zip->Find("a/two");
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(bytes.substr(two->offset, two->size), "second one");
  EXPECT_EQ(two->offset % 64, 0u);
  EXPECT_THAT(zip->CheckCrc(*two), IsOk());
  EXPECT_EQ(zip->Find("two"), nullptr);
  EXPECT_EQ(zip->Find("a/two "), nullptr);
}

TEST(ZipArchiveTest, ReadsAnEmptyArchive) {
  const std::string bytes = absl::StrJoin(ZipWriter().Finish().pieces, "");
  EXPECT_EQ(bytes.size(), 22u);
  EXPECT_TRUE(ZipArchive::LooksLikeOne(bytes));
  const auto zip = ZipArchive::Open(bytes);
  ASSERT_THAT(zip, IsOk());
  EXPECT_TRUE(zip->members().empty());
}

TEST(ZipArchiveTest, ReadsMoreMembersThanSixteenBitsCount) {
  ZipWriter writer;
  constexpr int kMany = 70000;
  for (int i = 0; i < kMany; ++i) writer.AddOwned(absl::StrCat(i), "");
  const std::string bytes =
      absl::StrJoin(std::move(writer).Finish().pieces, "");
  const auto zip = ZipArchive::Open(bytes);
  ASSERT_THAT(zip, IsOk());
  EXPECT_EQ(zip->members().size(), size_t{kMany});
  EXPECT_NE(zip->Find("69999"), nullptr);
}

TEST(ZipArchiveTest, FindsTheEndBehindAComment) {
  std::string bytes = TwoMembers();
  bytes[bytes.size() - 2] = 5;
  bytes += "hello";
  EXPECT_THAT(ZipArchive::Open(bytes), IsOk());
}

TEST(ZipArchiveTest, NoticesDamagedValues) {
  std::string bytes = TwoMembers();
  const size_t at = bytes.find("second");
  bytes[at] = 'x';
  const auto zip = ZipArchive::Open(bytes);
  ASSERT_THAT(zip, IsOk());
  EXPECT_THAT(zip->CheckCrc(*zip->Find("a/one")), IsOk());
  EXPECT_THAT(zip->CheckCrc(*zip->Find("a/two")),
              StatusIs(kDamaged, HasSubstr("checksum of member \"a/two\"")));
}

TEST(ZipArchiveTest, AnyTruncationIsAnError) {
  const std::string bytes = TwoMembers();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(ZipArchive::Open(bytes.substr(0, size)),
                StatusIs(kDamaged, HasSubstr("is it cut short?")))
        << size;
  }
}

// `bytes` with the number at `offset` behind the first `signature` replaced.
std::string WithNumber(std::string bytes, absl::string_view signature,
                       size_t offset, uint64_t value, size_t num_bytes) {
  std::string number;
  AppendLittleEndian(value, num_bytes, number);
  return bytes.replace(bytes.find(signature.data(), 0, 4) + offset, num_bytes,
                       number);
}

TEST(ZipArchiveTest, RejectsRangesOutsideOfTheFile) {
  const std::string good = TwoMembers();
  const auto rejects = [](const std::string& bytes, const char* message) {
    EXPECT_THAT(ZipArchive::Open(bytes),
                StatusIs(kDamaged, HasSubstr(message)));
  };
  // Offset, size and number of entries of the directory, in the end record.
  rejects(WithNumber(good, "PK\x05\x06", 16, 0x7fffffff, 4),
          "the directory lies outside");
  rejects(WithNumber(good, "PK\x05\x06", 12, 0x7fffffff, 4),
          "the directory lies outside");
  rejects(WithNumber(good, "PK\x05\x06", 10, 0xffff, 2),
          "the directory lies outside");
  rejects(WithNumber(good, "PK\x05\x06", 16, 3, 4), "is malformed");
  // Sizes, offset and length of the name, in the first entry.
  rejects(WithNumber(WithNumber(good, "PK\x01\x02", 20, 0x7fffffff, 4),
                     "PK\x01\x02", 24, 0x7fffffff, 4),
          "\"a/one\" lies outside");
  rejects(WithNumber(good, "PK\x01\x02", 24, 4, 4), "\"a/one\" lies outside");
  rejects(WithNumber(good, "PK\x01\x02", 42, 0x7fffffff, 4),
          "\"a/one\" is missing");
  rejects(WithNumber(good, "PK\x01\x02", 42, 5, 4), "\"a/one\" is missing");
  rejects(WithNumber(good, "PK\x01\x02", 28, 0xffff, 2), "is malformed");
  rejects(WithNumber(good, "PK\x01\x02", 24, 0xffffffff, 4),
          "\"a/one\" lies outside");
}

TEST(ZipArchiveTest, MarksCompressedAndEncryptedMembers) {
  for (const std::string& bytes :
       {WithNumber(TwoMembers(), "PK\x01\x02", 10, 8, 2),
        WithNumber(TwoMembers(), "PK\x01\x02", 8, 1, 2)}) {
    const auto zip = ZipArchive::Open(bytes);
    ASSERT_THAT(zip, IsOk());
    EXPECT_FALSE(zip->members()[0].is_stored);
    EXPECT_TRUE(zip->members()[1].is_stored);
  }
}

}  // namespace
}  // namespace vision
