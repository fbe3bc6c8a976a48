#include "wsol/metrics/state_codec.h"

#include <zlib.h>

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace wsol {
namespace {

constexpr size_t kTagSize = 4;
constexpr size_t kChecksumSize = 4;

// In slices: zlib takes 32-bit lengths.
uint32_t Crc32(absl::string_view bytes) {
  constexpr size_t kSlice = size_t{1} << 30;
  uLong crc = crc32(0, nullptr, 0);
  while (!bytes.empty()) {
    const absl::string_view slice = bytes.substr(0, kSlice);
    crc = crc32(crc, reinterpret_cast<const Bytef*>(slice.data()),
                static_cast<uInt>(slice.size()));
    bytes.remove_prefix(slice.size());
  }
  return static_cast<uint32_t>(crc);
}

// Lowest byte first, whatever the machine's order.
void AppendFixed(uint64_t value, size_t size, std::string* bytes) {
  for (size_t i = 0; i < size; ++i) {
    bytes->push_back(static_cast<char>(value >> (8 * i) & 255));
  }
}

uint64_t ReadFixed(absl::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

}  // namespace

void AppendVarint(uint64_t value, std::string* bytes) {
  while (value >= 128) {
    bytes->push_back(static_cast<char>(value | 128));
    value >>= 7;
  }
  bytes->push_back(static_cast<char>(value));
}

bool ReadVarint(absl::string_view bytes, size_t* position, uint64_t* value) {
  uint64_t result = 0;
  size_t at = *position;
  for (int shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    const uint64_t digits = byte & 127;
    if (shift == 63 && digits > 1) return false;
    result |= digits << shift;
    if (byte < 128) {
      *position = at;
      *value = result;
      return true;
    }
  }
  return false;
}

StateWriter::StateWriter(absl::string_view tag) : bytes_(tag) {}

void StateWriter::PutUnsigned(uint64_t value) { AppendVarint(value, &bytes_); }

void StateWriter::PutSigned(int64_t value) {
  // 0, -1, 1, -2 ... become 0, 1, 2, 3 ...
  const auto bits = static_cast<uint64_t>(value);
  PutUnsigned(bits << 1 ^ (value < 0 ? ~uint64_t{0} : 0));
}

void StateWriter::PutDouble(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  AppendFixed(bits, sizeof bits, &bytes_);
}

void StateWriter::PutString(absl::string_view value) {
  PutUnsigned(value.size());
  bytes_.append(value.data(), value.size());
}

void StateWriter::PutCounts(absl::Span<const int64_t> values) {
  PutUnsigned(values.size());
  for (const int64_t value : values) PutSigned(value);
}

std::string StateWriter::Finish() && {
  AppendFixed(Crc32(bytes_), kChecksumSize, &bytes_);
  return std::move(bytes_);
}

absl::StatusOr<StateReader> StateReader::Open(absl::string_view bytes,
                                              absl::string_view tag) {
  if (bytes.size() < kTagSize + kChecksumSize ||
      !absl::StartsWith(bytes, tag)) {
    return absl::DataLossError(absl::StrCat(
        "evaluator state: got ", bytes.size(),
        " bytes that do not begin with '", tag, "', expected such a state"));
  }
  const absl::string_view checked =
      bytes.substr(0, bytes.size() - kChecksumSize);
  const uint64_t stored = ReadFixed(bytes.substr(checked.size()));
  if (stored != Crc32(checked)) {
    return absl::DataLossError(absl::StrCat(
        "evaluator state '", tag, "': the checksum of its ", bytes.size(),
        " bytes is wrong, expected an unchanged and complete state"));
  }
  return StateReader(checked.substr(kTagSize));
}

uint64_t StateReader::GetUnsigned() {
  uint64_t value = 0;
  if (is_short_ || !ReadVarint(content_, &position_, &value)) {
    is_short_ = true;
    return 0;
  }
  return value;
}

int64_t StateReader::GetSigned() {
  const uint64_t bits = GetUnsigned();
  return static_cast<int64_t>(bits >> 1 ^ (~(bits & 1) + 1));
}

double StateReader::GetDouble() {
  double value = 0;
  if (is_short_ || content_.size() - position_ < sizeof value) {
    is_short_ = true;
    return 0;
  }
  const uint64_t bits = ReadFixed(content_.substr(position_, sizeof value));
  position_ += sizeof value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string StateReader::GetString() {
  const uint64_t size = GetUnsigned();
  if (is_short_ || content_.size() - position_ < size) {
    is_short_ = true;
    return "";
  }
  const absl::string_view value = content_.substr(position_, size);
  position_ += value.size();
  return std::string(value);
}

std::vector<int64_t> StateReader::GetCounts() {
  const uint64_t size = GetUnsigned();
  // Each takes at least a byte: no huge allocation for a wrong size.
  if (is_short_ || content_.size() - position_ < size) {
    is_short_ = true;
    return {};
  }
  std::vector<int64_t> values(size);
  for (int64_t& value : values) value = GetSigned();
  return values;
}

absl::Status StateReader::Finish() const {
  if (is_short_) {
    return absl::DataLossError(
        "evaluator state: ends early, expected more content");
  }
  if (position_ != content_.size()) {
    return absl::DataLossError(
        absl::StrCat("evaluator state: ", content_.size() - position_,
                     " bytes are left after its content, expected none"));
  }
  return absl::OkStatus();
}

}  // namespace wsol
