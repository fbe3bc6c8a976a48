#include "vision/weights/zip_archive.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/weights/little_endian.h"

namespace vision {
namespace {

// Signatures and sizes without variable parts, of the format's description
// ("APPNOTE.TXT", sections 4.3.7 to 4.3.16).
constexpr absl::string_view kLocalHeader = "PK\x03\x04";
constexpr absl::string_view kDirectoryHeader = "PK\x01\x02";
constexpr absl::string_view kEndOfDirectory = "PK\x05\x06";
constexpr absl::string_view kEmptyArchive = kEndOfDirectory;
constexpr absl::string_view kZip64End = "PK\x06\x06";
constexpr absl::string_view kZip64Locator = "PK\x06\x07";
constexpr size_t kLocalHeaderSize = 30;
constexpr size_t kDirectoryHeaderSize = 46;
constexpr size_t kEndSize = 22;
constexpr size_t kZip64EndSize = 56;
constexpr size_t kZip64LocatorSize = 20;
constexpr uint64_t kIn64Bits = 0xffffffff;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged zip archive: ", what));
}

uint64_t Number(absl::string_view record, size_t position, size_t num_bytes) {
  return LoadLittleEndian(record.substr(position), num_bytes);
}

// The end record is the last thing in the file but for a comment.
size_t FindEnd(absl::string_view bytes) {
  if (bytes.size() < kEndSize) return absl::string_view::npos;
  constexpr size_t kLongestComment = 0xffff;
  const size_t first =
      bytes.size() - std::min(bytes.size(), kEndSize + kLongestComment);
  for (size_t at = bytes.size() - kEndSize + 1; at-- > first;) {
    if (absl::StartsWith(bytes.substr(at), kEndOfDirectory) &&
        Number(bytes, at + 20, 2) == bytes.size() - at - kEndSize) {
      return at;
    }
  }
  return absl::string_view::npos;
}

// Sizes and offset that do not fit 32 bits are in extra field 1, those that do
// are not.
absl::Status ReadZip64Field(absl::string_view extra, uint64_t* size,
                            uint64_t* packed_size, uint64_t* offset) {
  while (extra.size() >= 4) {
    const uint64_t id = Number(extra, 0, 2);
    const uint64_t length = Number(extra, 2, 2);
    extra.remove_prefix(4);
    if (length > extra.size()) break;
    absl::string_view field = extra.substr(0, length);
    extra.remove_prefix(length);
    if (id != 1) continue;
    for (uint64_t* value : {size, packed_size, offset}) {
      if (*value != kIn64Bits) continue;
      if (field.size() < 8) return Damaged("a 64-bit size is missing");
      *value = Number(field, 0, 8);
      field.remove_prefix(8);
    }
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace

bool ZipArchive::LooksLikeOne(absl::string_view bytes) {
  return absl::StartsWith(bytes, kLocalHeader) ||
         absl::StartsWith(bytes, kEmptyArchive);
}

absl::StatusOr<ZipArchive> ZipArchive::Open(absl::string_view bytes) {
  ZipArchive archive(bytes);
  VISION_RETURN_IF_ERROR(archive.ReadDirectory());
  return archive;
}

absl::Status ZipArchive::ReadDirectory() {
  const size_t end = FindEnd(bytes_);
  if (end == absl::string_view::npos) {
    return Damaged("the directory at its end is missing; is it cut short?");
  }
  uint64_t count = Number(bytes_, end + 10, 2);
  uint64_t size = Number(bytes_, end + 12, 4);
  uint64_t offset = Number(bytes_, end + 16, 4);
  uint64_t limit = end;
  if (end >= kZip64LocatorSize &&
      absl::StartsWith(bytes_.substr(end - kZip64LocatorSize), kZip64Locator)) {
    const uint64_t at = Number(bytes_, end - kZip64LocatorSize + 8, 8);
    if (at > bytes_.size() || bytes_.size() - at < kZip64EndSize ||
        !absl::StartsWith(bytes_.substr(at), kZip64End)) {
      return Damaged("the 64-bit end record is missing");
    }
    count = Number(bytes_, at + 32, 8);
    size = Number(bytes_, at + 40, 8);
    offset = Number(bytes_, at + 48, 8);
    limit = at;
  }
  if (offset > limit || size > limit - offset ||
      count > size / kDirectoryHeaderSize) {
    return Damaged("the directory lies outside of the file");
  }

  absl::string_view rest = bytes_.substr(offset, size);
  members_.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    if (rest.size() < kDirectoryHeaderSize ||
        !absl::StartsWith(rest, kDirectoryHeader)) {
      return Damaged("an entry of the directory is malformed");
    }
    const uint64_t flags = Number(rest, 8, 2);
    const uint64_t method = Number(rest, 10, 2);
    uint64_t packed_size = Number(rest, 20, 4);
    uint64_t local_offset = Number(rest, 42, 4);
    const uint64_t name_size = Number(rest, 28, 2);
    const uint64_t extra_size = Number(rest, 30, 2);
    const uint64_t comment_size = Number(rest, 32, 2);
    ZipMember member;
    member.crc32 = static_cast<uint32_t>(Number(rest, 16, 4));
    member.size = Number(rest, 24, 4);
    rest.remove_prefix(kDirectoryHeaderSize);
    if (name_size + extra_size + comment_size > rest.size()) {
      return Damaged("an entry of the directory is malformed");
    }
    member.name = rest.substr(0, name_size);
    VISION_RETURN_IF_ERROR(ReadZip64Field(rest.substr(name_size, extra_size),
                                          &member.size, &packed_size,
                                          &local_offset));
    rest.remove_prefix(name_size + extra_size + comment_size);
    member.is_stored = method == 0 && (flags & 1) == 0;
    if (local_offset > bytes_.size() ||
        bytes_.size() - local_offset < kLocalHeaderSize ||
        !absl::StartsWith(bytes_.substr(local_offset), kLocalHeader)) {
      return Damaged(absl::StrCat("member \"", member.name, "\" is missing"));
    }
    // The name and extra fields may differ from the directory's in length.
    member.offset = local_offset + kLocalHeaderSize +
                    Number(bytes_, local_offset + 26, 2) +
                    Number(bytes_, local_offset + 28, 2);
    if ((member.is_stored && packed_size != member.size) ||
        member.offset > bytes_.size() ||
        packed_size > bytes_.size() - member.offset) {
      return Damaged(absl::StrCat("member \"", member.name,
                                  "\" lies outside of the file"));
    }
    member.size = packed_size;
    members_.push_back(member);
  }
  by_name_.resize(members_.size());
  for (size_t i = 0; i < by_name_.size(); ++i) {
    by_name_[i] = static_cast<uint32_t>(i);
  }
  std::sort(by_name_.begin(), by_name_.end(), [this](uint32_t a, uint32_t b) {
    const int order = members_[a].name.compare(members_[b].name);
    return order != 0 ? order < 0 : a < b;
  });
  return absl::OkStatus();
}

const ZipMember* ZipArchive::Find(absl::string_view name) const {
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [this](uint32_t index, absl::string_view wanted) {
                         return members_[index].name < wanted;
                       });
  if (found == by_name_.end() || members_[*found].name != name) return nullptr;
  return &members_[*found];
}

absl::Status ZipArchive::CheckCrc(const ZipMember& member) const {
  if (Crc32(bytes_.substr(member.offset, member.size)) == member.crc32) {
    return absl::OkStatus();
  }
  return Damaged(absl::StrCat("the checksum of member \"", member.name,
                              "\" does not match its bytes"));
}

}  // namespace vision
