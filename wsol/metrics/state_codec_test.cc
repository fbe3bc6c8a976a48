#include "wsol/metrics/state_codec.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Sample() {
  StateWriter writer("TST1");
  writer.PutUnsigned(300);
  writer.PutUnsigned(~uint64_t{0});
  writer.PutSigned(-3);
  writer.PutSigned(kMin);
  writer.PutDouble(-0.0);
  writer.PutString(std::string("a\0b", 3));
  writer.PutCounts({0, 1, -1, kMax});
  return std::move(writer).Finish();
}

TEST(VarintTest, WritesLowestDigitsFirst) {
  std::string bytes;
  AppendVarint(300, &bytes);  // 2 * 128 + 44
  EXPECT_EQ(bytes, "\xAC\x02");
  size_t position = 0;
  uint64_t value = 0;
  ASSERT_TRUE(ReadVarint(bytes, &position, &value));
  EXPECT_EQ(value, 300u);
  EXPECT_EQ(position, 2u);
  EXPECT_FALSE(ReadVarint(bytes, &position, &value));
}

TEST(VarintTest, RejectsMoreThan64Bits) {
  std::string bytes;
  AppendVarint(~uint64_t{0}, &bytes);
  ASSERT_EQ(bytes.size(), 10u);
  size_t position = 0;
  uint64_t value = 0;
  EXPECT_TRUE(ReadVarint(bytes, &position, &value));
  EXPECT_EQ(value, ~uint64_t{0});
  bytes[9] = 2;  // Bit 64.
  position = 0;
  EXPECT_FALSE(ReadVarint(bytes, &position, &value));
  EXPECT_EQ(position, 0u);
  EXPECT_FALSE(ReadVarint(std::string(11, '\x80'), &position, &value));
}

TEST(StateCodecTest, ReadsBackWhatWasWritten) {
  const std::string bytes = Sample();
  StateReader reader = StateReader::Open(bytes, "TST1").value();
  EXPECT_EQ(reader.GetUnsigned(), 300u);
  EXPECT_EQ(reader.GetUnsigned(), ~uint64_t{0});
  EXPECT_EQ(reader.GetSigned(), -3);
  EXPECT_EQ(reader.GetSigned(), kMin);
  EXPECT_TRUE(std::signbit(reader.GetDouble()));
  EXPECT_EQ(reader.GetString(), std::string("a\0b", 3));
  EXPECT_THAT(reader.GetCounts(), ElementsAre(0, 1, -1, kMax));
  EXPECT_THAT(reader.Finish(), IsOk());
}

TEST(StateCodecTest, EveryChangedBitIsFound) {
  const std::string bytes = Sample();
  for (size_t i = 0; i < 8 * bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ 1 << i % 8);
    EXPECT_THAT(StateReader::Open(changed, "TST1"),
                StatusIs(StatusCode::kDataLoss))
        << i;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(
        StateReader::Open(absl::string_view(bytes).substr(0, size), "TST1"),
        StatusIs(StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(StateReader::Open(bytes, "OTHR"),
              StatusIs(StatusCode::kDataLoss, HasSubstr("'OTHR'")));
}

TEST(StateCodecTest, SaysWhenContentIsMissingOrLeft) {
  StateWriter writer("TST1");
  writer.PutUnsigned(uint64_t{1} << 60);  // A size of a string or list.
  const std::string bytes = std::move(writer).Finish();
  StateReader reader = StateReader::Open(bytes, "TST1").value();
  EXPECT_THAT(reader.Finish(),
              StatusIs(StatusCode::kDataLoss, HasSubstr("9 bytes are left")));
  EXPECT_EQ(reader.GetString(), "");
  EXPECT_TRUE(reader.is_short());
  EXPECT_EQ(reader.GetUnsigned(), 0u);
  EXPECT_EQ(reader.GetDouble(), 0);
  EXPECT_THAT(reader.Finish(),
              StatusIs(StatusCode::kDataLoss, HasSubstr("ends early")));
  StateReader counts = StateReader::Open(bytes, "TST1").value();
  EXPECT_THAT(counts.GetCounts(), IsEmpty());
  EXPECT_TRUE(counts.is_short());
}

}  // namespace
}  // namespace wsol
