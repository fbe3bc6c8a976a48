#include "wsol/datasets/line_reader.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

std::vector<std::string> Lines(LineReader reader) {
  std::vector<std::string> lines;
  for (absl::string_view line; reader.Next(&line);) {
    lines.emplace_back(line);
    EXPECT_EQ(reader.line_number(), lines.size());
  }
  EXPECT_THAT(reader.status(), IsOk());
  return lines;
}

std::string WriteTemporary(absl::string_view text) {
  const std::string path = vision::JoinPath(::testing::TempDir(), "lines.txt");
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  EXPECT_TRUE(out.good());
  return path;
}

TEST(LineReaderTest, SplitsAtLineEnds) {
  EXPECT_THAT(Lines(LineReader::FromText("")), IsEmpty());
  EXPECT_THAT(Lines(LineReader::FromText("\n")), ElementsAre(""));
  EXPECT_THAT(Lines(LineReader::FromText("a\nb")), ElementsAre("a", "b"));
  EXPECT_THAT(Lines(LineReader::FromText("a\r\n\r\nb\n")),
              ElementsAre("a", "", "b"));
  // A carriage return within a line is part of it.
  EXPECT_THAT(Lines(LineReader::FromText("a\rb\n")), ElementsAre("a\rb"));
}

// Lines that cross the buffer's end, and lines that are longer than it.
TEST(LineReaderTest, FilesAndTextGiveTheSameLines) {
  vision::Rng rng(3);
  std::string text;
  for (int i = 0; i < 200; ++i) {
    const uint64_t length = rng.UniformInt(i == 50 ? 1'500'000 : 9000);
    text.append(length, static_cast<char>('a' + i % 26));
    text += i % 3 == 0 ? "\r\n" : "\n";
  }
  text += "last";
  const std::string path = WriteTemporary(text);
  absl::StatusOr<LineReader> reader = LineReader::Open(path);
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(reader->CountLines(), IsOkAndHolds(201));
  const std::vector<std::string> lines = Lines(*std::move(reader));
  EXPECT_EQ(lines, Lines(LineReader::FromText(text)));
  EXPECT_EQ(lines.size(), 201);
  EXPECT_EQ(lines.back(), "last");
}

// What is left of the buffer moves when the file turns out to be at its end.
TEST(LineReaderTest, KeepsALastLineWithoutLineEnd) {
  absl::StatusOr<LineReader> reader =
      LineReader::Open(WriteTemporary("a\nb,c"));
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(Lines(*std::move(reader)), ElementsAre("a", "b,c"));
}

TEST(LineReaderTest, CountsFromTheStart) {
  LineReader reader = LineReader::FromText("a\nb\nc");
  absl::string_view line;
  EXPECT_TRUE(reader.Next(&line));
  EXPECT_THAT(reader.CountLines(), IsOkAndHolds(2));
  EXPECT_TRUE(reader.Next(&line));
  EXPECT_EQ(line, "a");
  EXPECT_EQ(reader.line_number(), 1);
}

TEST(LineReaderTest, ErrorsNameThePath) {
  EXPECT_THAT(LineReader::Open("/nowhere/x.txt").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/x")));
  const std::string path = WriteTemporary("x");
  EXPECT_THAT(LineReader::Open(path + "/y").status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("lines.txt/y")));
  // A folder opens, but has no lines.
  absl::StatusOr<LineReader> folder = LineReader::Open(::testing::TempDir());
  ASSERT_THAT(folder, IsOk());
  absl::string_view line;
  EXPECT_FALSE(folder->Next(&line));
  EXPECT_FALSE(folder->status().ok());
  EXPECT_FALSE(folder->CountLines().ok());
}

}  // namespace
}  // namespace wsol
