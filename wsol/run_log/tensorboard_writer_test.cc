#include "wsol/run_log/tensorboard_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using ::google::protobuf::io::CodedInputStream;
using ::testing::ElementsAre;
using ::testing::IsOk;
using ::testing::Pair;
using ::testing::SizeIs;

std::string NewDir(absl::string_view name) {
  return absl::StrCat(::testing::TempDir(), "/tensorboard_writer_test_", name);
}

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// The data of the file's records, after a check of both CRCs of each.
std::vector<std::string> ReadRecords(const std::string& path) {
  const absl::StatusOr<std::string> file = vision::ReadFile(path);
  EXPECT_THAT(file, IsOk());
  std::vector<std::string> records;
  if (!file.ok()) return records;
  absl::string_view rest = *file;
  while (!rest.empty()) {
    if (rest.size() < 16) {
      ADD_FAILURE() << rest.size() << " bytes left";
      break;
    }
    const uint64_t length = LittleEndian(rest.substr(0, 8));
    EXPECT_EQ(LittleEndian(rest.substr(8, 4)), MaskedCrc32c(rest.substr(0, 8)));
    if (length > rest.size() - 16) {
      ADD_FAILURE() << "length " << length;
      break;
    }
    const absl::string_view data = rest.substr(12, length);
    EXPECT_EQ(LittleEndian(rest.substr(12 + length, 4)), MaskedCrc32c(data));
    records.emplace_back(data);
    rest.remove_prefix(16 + length);
  }
  return records;
}

// A message's fields as number and value; of a varint or a fixed number the
// value is its eight or four bytes.
std::vector<std::pair<int, std::string>> Fields(const std::string& message) {
  std::vector<std::pair<int, std::string>> fields;
  CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                      static_cast<int>(message.size()));
  while (const uint32_t tag = in.ReadTag()) {
    std::string value;
    bool ok = true;
    switch (tag & 7) {
      case 0: {
        uint64_t number = 0;
        ok = in.ReadVarint64(&number);
        value.assign(reinterpret_cast<const char*>(&number), sizeof(number));
        break;
      }
      case 1:
        ok = in.ReadString(&value, 8);
        break;
      case 2: {
        uint32_t length = 0;
        ok = in.ReadVarint32(&length) &&
             in.ReadString(&value, static_cast<int>(length));
        break;
      }
      case 5:
        ok = in.ReadString(&value, 4);
        break;
      default:
        ok = false;
    }
    EXPECT_TRUE(ok) << "tag " << tag;
    if (!ok) break;
    fields.emplace_back(static_cast<int>(tag >> 3), value);
  }
  return fields;
}

template <typename T>
T As(const std::string& bytes) {
  T value{};
  EXPECT_EQ(bytes.size(), sizeof(T));
  if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

struct ParsedEvent {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version = "";
  int64_t session_status = 0;
  std::vector<std::pair<std::string, float>> scalars = {};
};

ParsedEvent ParseEvent(const std::string& record) {
  ParsedEvent event;
  for (const auto& [number, value] : Fields(record)) {
    if (number == 1) event.wall_time = As<double>(value);
    if (number == 2) event.step = As<int64_t>(value);
    if (number == 3) event.file_version = value;
    if (number == 7) {
      const auto fields = Fields(value);
      EXPECT_THAT(fields, SizeIs(1));
      event.session_status = As<int64_t>(fields.at(0).second);
    }
    if (number != 5) continue;
    for (const auto& [kind, summary_value] : Fields(value)) {
      EXPECT_EQ(kind, 1);
      const auto fields = Fields(summary_value);
      EXPECT_THAT(fields,
                  ElementsAre(Pair(1, testing::_), Pair(2, testing::_)));
      event.scalars.emplace_back(fields.at(0).second,
                                 As<float>(fields.at(1).second));
    }
  }
  return event;
}

std::vector<ParsedEvent> ReadEvents(const std::string& path) {
  std::vector<ParsedEvent> events;
  for (const std::string& record : ReadRecords(path)) {
    events.push_back(ParseEvent(record));
  }
  return events;
}

// RFC 3720, section B.4, and the check value of the CRC catalogue.
TEST(Crc32cTest, EqualsThePublishedValues) {
  EXPECT_EQ(Crc32c(""), 0u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(Crc32c(ascending), 0x46dd794eu);
}

// 0xe3069283 >> 15 = 0x1c60d; << 17 = 0x25060000; or-ed 0x2507c60d; plus
// 0xa282ead8 = 0xc78ab0e5.
TEST(Crc32cTest, IsRotatedAndShiftedWhenMasked) {
  EXPECT_EQ(MaskedCrc32c("123456789"), 0xc78ab0e5u);
}

TEST(TfRecordTest, HasLengthAndChecksums) {
  const std::string record = TfRecord("123456789");
  ASSERT_EQ(record.size(), 8u + 4 + 9 + 4);
  EXPECT_EQ(record.substr(0, 8), std::string("\x09\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(record.substr(12, 9), "123456789");
  EXPECT_EQ(record.substr(21), "\xe5\xb0\x8a\xc7");
}

TEST(TensorboardWriterTest, WritesTheVersionAndScalars) {
  const std::string dir = NewDir("scalars");
  const absl::Time time = absl::FromUnixMillis(1764060000250);
  const auto writer = TensorboardWriter::Open(dir, [time] { return time; });
  ASSERT_THAT(writer, IsOk());
  EXPECT_THAT(
      std::filesystem::path((*writer)->path()).filename().string(),
      testing::MatchesRegex("events\\.out\\.tfevents\\.1764060000\\..*"));
  EXPECT_THAT((*writer)->Scalars(0, {{"loss", 0.7}}), IsOk());
  EXPECT_THAT((*writer)->Scalars(int64_t{1} << 40,
                                 {{"acc/top1", 61.25}, {"p\xc3\xa9", -2}}),
              IsOk());
  EXPECT_THAT((*writer)->Flush(), IsOk());

  const std::vector<ParsedEvent> events = ReadEvents((*writer)->path());
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_NEAR(events[0].wall_time, 1764060000.25, 1e-6);
  EXPECT_EQ(events[1].step, 0);
  EXPECT_NEAR(events[1].wall_time, 1764060000.25, 1e-6);
  EXPECT_THAT(events[1].scalars, ElementsAre(Pair("loss", 0.7f)));
  EXPECT_EQ(events[2].step, int64_t{1} << 40);
  EXPECT_THAT(events[2].scalars,
              ElementsAre(Pair("acc/top1", 61.25f), Pair("p\xc3\xa9", -2.0f)));
}

TEST(TensorboardWriterTest, TakesAnyNumberAndName) {
  const auto writer = TensorboardWriter::Open(NewDir("odd"));
  ASSERT_THAT(writer, IsOk());
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT((*writer)->Scalars(-1, {{"nan", std::nan("")},
                                      {"inf", -infinity},
                                      {"large", 1e300},
                                      {"small", -1e300},
                                      {"\xff\n", 0}}),
              IsOk());
  EXPECT_THAT((*writer)->Scalars(3, {}), IsOk());
  const std::vector<ParsedEvent> events = ReadEvents((*writer)->path());
  ASSERT_THAT(events, SizeIs(3));
  EXPECT_EQ(events[1].step, -1);
  ASSERT_THAT(events[1].scalars, SizeIs(5));
  EXPECT_TRUE(std::isnan(events[1].scalars[0].second));
  EXPECT_EQ(events[1].scalars[1].second, -infinity);
  EXPECT_EQ(events[1].scalars[2].second, infinity);
  EXPECT_EQ(events[1].scalars[3].second, -infinity);
  // Readers refuse names that are not UTF-8.
  EXPECT_EQ(events[1].scalars[4].first, "\xef\xbf\xbd\n");
  EXPECT_THAT(events[2].scalars, SizeIs(0));
}

TEST(TensorboardWriterTest, ALaterWriterAsksForWhatItRepeatsToBeDropped) {
  const std::string dir = NewDir("restart");
  absl::Time time = absl::FromUnixSeconds(1764060000);
  const auto now = [&time] { return time; };
  std::vector<std::string> paths;
  for (const int first_step : {0, 4, 2}) {
    const auto writer = TensorboardWriter::Open(dir, now);
    ASSERT_THAT(writer, IsOk());
    paths.push_back((*writer)->path());
    for (int step = first_step; step < first_step + 3; ++step) {
      EXPECT_THAT((*writer)->Scalars(step, {{"loss", step}}), IsOk());
    }
    // The clock was put back: names ascend all the same.
    time -= absl::Hours(1);
  }
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  EXPECT_TRUE(absl::StrContains(paths[2], ".1764060002."));
  EXPECT_THAT(ReadEvents(paths[0]), SizeIs(4));  // No START in the first file.
  for (const int i : {1, 2}) {
    const std::vector<ParsedEvent> events = ReadEvents(paths[i]);
    ASSERT_THAT(events, SizeIs(5));
    EXPECT_EQ(events[1].session_status, 1);
    EXPECT_EQ(events[1].step, i == 1 ? 4 : 2);
    EXPECT_THAT(events[2].scalars, SizeIs(1));
    EXPECT_EQ(events[2].session_status, 0);
  }
}

TEST(TensorboardWriterTest, ReportsAFolderThatCannotBe) {
  const std::string path = NewDir("file");
  ASSERT_THAT(vision::WriteFileAtomically(path, "x"), IsOk());
  EXPECT_FALSE(TensorboardWriter::Open(path).ok());
}

}  // namespace
}  // namespace wsol
