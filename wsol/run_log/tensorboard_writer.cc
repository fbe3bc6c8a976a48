#include "wsol/run_log/tensorboard_writer.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "isa-l/crc.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/report/utf8.h"

namespace wsol {
namespace {

using ::google::protobuf::io::CodedOutputStream;
using ::google::protobuf::io::StringOutputStream;

constexpr absl::string_view kPrefix = "events.out.tfevents.";
// From version 2 on TensorBoard looks at SessionLog START.
constexpr absl::string_view kFileVersion = "brain.Event:2";

// Field numbers of tensorflow/core/util/event.proto and
// tensorflow/core/framework/summary.proto.
constexpr uint32_t kEventWallTime = 1;
constexpr uint32_t kEventStep = 2;
constexpr uint32_t kEventFileVersion = 3;
constexpr uint32_t kEventSummary = 5;
constexpr uint32_t kEventSessionLog = 7;
constexpr uint32_t kSummaryValue = 1;
constexpr uint32_t kValueTag = 1;
constexpr uint32_t kValueSimpleValue = 2;
constexpr uint32_t kSessionLogStatus = 1;
constexpr uint64_t kSessionLogStart = 1;

// One message in protobuf's wire format.
class MessageBuilder {
 public:
  void Varint(uint32_t field, uint64_t value) {
    Tag(field, 0);
    out_->WriteVarint64(value);
  }
  void Double(uint32_t field, double value) {
    Tag(field, 1);
    uint64_t bits;
    static_assert(sizeof(bits) == sizeof(value));
    std::copy_n(reinterpret_cast<const char*>(&value), sizeof(bits),
                reinterpret_cast<char*>(&bits));
    out_->WriteLittleEndian64(bits);
  }
  void Float(uint32_t field, float value) {
    Tag(field, 5);
    uint32_t bits;
    static_assert(sizeof(bits) == sizeof(value));
    std::copy_n(reinterpret_cast<const char*>(&value), sizeof(bits),
                reinterpret_cast<char*>(&bits));
    out_->WriteLittleEndian32(bits);
  }
  void Bytes(uint32_t field, absl::string_view bytes) {
    Tag(field, 2);
    out_->WriteVarint32(static_cast<uint32_t>(bytes.size()));
    out_->WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string Take() {
    out_.reset();  // Which flushes it into the string.
    return std::move(bytes_);
  }

 private:
  void Tag(uint32_t field, uint32_t wire_type) {
    out_->WriteTag(field << 3 | wire_type);
  }

  std::string bytes_;
  StringOutputStream stream_{&bytes_};
  std::unique_ptr<CodedOutputStream> out_ =
      std::make_unique<CodedOutputStream>(&stream_);
};

void StartEvent(absl::Time time, int64_t step, MessageBuilder* event) {
  event->Double(kEventWallTime,
                absl::ToDoubleSeconds(time - absl::UnixEpoch()));
  event->Varint(kEventStep, static_cast<uint64_t>(step));
}

// A value outside float32's range is an infinity there.
float ToFloat(double value) {
  if (std::isfinite(value) &&
      std::abs(value) > std::numeric_limits<float>::max()) {
    return value > 0 ? std::numeric_limits<float>::infinity()
                     : -std::numeric_limits<float>::infinity();
  }
  return static_cast<float>(value);
}

std::string HostName() {
  std::array<char, 256> buffer = {};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0) return "localhost";
  std::string name(buffer.data());
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' &&
        c != '.' && c != '_') {
      c = '_';
    }
  }
  return name.empty() ? "localhost" : name;
}

// The largest number of seconds in the name of an event file of the folder; -1
// if there is none.
int64_t LastSeconds(const std::string& dir) {
  int64_t last = -1;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(dir, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    absl::string_view rest = name;
    if (!absl::ConsumePrefix(&rest, kPrefix)) continue;
    int64_t seconds = 0;
    // A name without a number counts as a file before.
    if (!absl::SimpleAtoi(rest.substr(0, rest.find('.')), &seconds)) {
      seconds = 0;
    }
    last = std::max(last, std::min(seconds, int64_t{9'999'999'998}));
  }
  return last;
}

absl::Time SystemNow() { return absl::Now(); }

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  // The library takes pieces of at most INT_MAX bytes, leaves the inversions
  // to the caller, and does not write to what it takes as non-const.
  constexpr size_t kPiece = size_t{1} << 30;
  uint32_t crc = 0xffffffff;
  while (!bytes.empty()) {
    const absl::string_view piece = bytes.substr(0, kPiece);
    crc = crc32_iscsi(
        reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data())),
        static_cast<int>(piece.size()), crc);
    bytes.remove_prefix(piece.size());
  }
  return ~crc;
}

uint32_t MaskedCrc32c(absl::string_view bytes) {
  const uint32_t crc = Crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

std::string TfRecord(absl::string_view data) {
  std::string record;
  record.reserve(data.size() + 16);
  const auto append = [&record](uint64_t value, int num_bytes) {
    for (int i = 0; i < num_bytes; ++i) {
      record.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    }
  };
  append(data.size(), 8);
  append(MaskedCrc32c(record), 4);
  absl::StrAppend(&record, data);
  append(MaskedCrc32c(data), 4);
  return record;
}

TensorboardWriter::TensorboardWriter(std::unique_ptr<AppendFile> file,
                                     std::function<absl::Time()> now,
                                     bool restarted)
    : file_(std::move(file)), now_(std::move(now)), restarted_(restarted) {}

absl::StatusOr<std::unique_ptr<TensorboardWriter>> TensorboardWriter::Open(
    const std::string& dir, std::function<absl::Time()> now) {
  if (now == nullptr) now = SystemNow;
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(dir));
  const int64_t last = LastSeconds(dir);
  const int64_t seconds = std::max(absl::ToUnixSeconds(now()), last + 1);
  const std::string path = vision::JoinPath(
      dir,
      absl::StrFormat("%s%010d.%s.%d", kPrefix, seconds, HostName(), getpid()));
  VISION_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file,
                          AppendFile::Open(path, AppendFile::Mode::kCreate));
  MessageBuilder event;
  StartEvent(now(), 0, &event);
  event.Bytes(kEventFileVersion, kFileVersion);
  const absl::Status status = file->Append(TfRecord(event.Take()));
  if (!status.ok()) {
    unlink(path.c_str());  // Trying again shall not leave empty files behind.
    return status;
  }
  return std::unique_ptr<TensorboardWriter>(new TensorboardWriter(
      std::move(file), std::move(now), /*restarted=*/last >= 0));
}

absl::Status TensorboardWriter::Scalars(
    int64_t step, const std::vector<std::pair<std::string, double>>& values) {
  std::string records;
  if (restarted_) {
    MessageBuilder session, event;
    session.Varint(kSessionLogStatus, kSessionLogStart);
    StartEvent(now_(), step, &event);
    event.Bytes(kEventSessionLog, session.Take());
    records = TfRecord(event.Take());
  }
  MessageBuilder summary;
  for (const auto& [tag, value] : values) {
    MessageBuilder one;
    one.Bytes(kValueTag, ToUtf8(tag));
    one.Float(kValueSimpleValue, ToFloat(value));
    summary.Bytes(kSummaryValue, one.Take());
  }
  MessageBuilder event;
  StartEvent(now_(), step, &event);
  event.Bytes(kEventSummary, summary.Take());
  absl::StrAppend(&records, TfRecord(event.Take()));
  VISION_RETURN_IF_ERROR(file_->Append(records));
  restarted_ = false;
  return absl::OkStatus();
}

absl::Status TensorboardWriter::Flush() { return file_->Sync(); }

}  // namespace wsol
