#include "vision/weights/zip_writer.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vision/base/file_io.h"
#include "vision/weights/little_endian.h"

namespace vision {
namespace {

constexpr uint64_t kIn64Bits = 0xffffffff;

// What both headers have in common: from the version needed to the length of
// the name.
void AppendCommon(bool is_large, uint32_t crc, uint64_t size,
                  absl::string_view name, std::string& header) {
  AppendLittleEndian(is_large ? 45 : 20, 2, header);  // Version needed.
  AppendLittleEndian(0, 2, header);                   // Flags.
  AppendLittleEndian(0, 2, header);                   // Stored.
  AppendLittleEndian(0, 2, header);                   // Time.
  AppendLittleEndian((1 << 5) | 1, 2, header);        // 1 January 1980.
  AppendLittleEndian(crc, 4, header);
  AppendLittleEndian(std::min(size, kIn64Bits), 4, header);
  AppendLittleEndian(std::min(size, kIn64Bits), 4, header);
  AppendLittleEndian(name.size(), 2, header);
}

}  // namespace

void ZipWriter::Add(const std::string& name, absl::string_view contents) {
  const uint32_t crc = Crc32(contents);
  const uint64_t size = contents.size();
  const uint64_t header_offset = offset_;
  const bool is_large = size >= kIn64Bits;

  std::string header = "PK\x03\x04";
  AppendCommon(is_large, crc, size, name, header);
  std::string extra;
  if (is_large) {
    AppendLittleEndian(1, 2, extra);  // The zip64 field.
    AppendLittleEndian(16, 2, extra);
    AppendLittleEndian(size, 8, extra);
    AppendLittleEndian(size, 8, extra);
  }
  // As PyTorch does, a field "FB" of so many bytes that the contents start at
  // a multiple of 64.
  constexpr uint64_t kAlignment = 64;
  constexpr uint64_t kFieldHeader = 4;
  const uint64_t unpadded =
      offset_ + header.size() + 2 + name.size() + extra.size() + kFieldHeader;
  const uint64_t padding = (kAlignment - unpadded % kAlignment) % kAlignment;
  extra += "FB";
  AppendLittleEndian(padding, 2, extra);
  extra.append(padding, 'Z');
  AppendLittleEndian(extra.size(), 2, header);
  absl::StrAppend(&header, name, extra);
  offset_ += header.size() + size;
  file_.AddText(std::move(header));
  file_.pieces.push_back(contents);

  AddToDirectory(name, crc, size, header_offset);
}

void ZipWriter::AddOwned(const std::string& name, std::string contents) {
  file_.texts.push_back(std::move(contents));
  Add(name, file_.texts.back());
}

FilePieces ZipWriter::Finish() && {
  const uint64_t start = offset_;
  const uint64_t size = directory_.size();
  std::string& end = directory_;
  if (start >= kIn64Bits || size >= kIn64Bits || count_ >= 0xffff) {
    // The zip64 end record and its locator.
    end += "PK\x06\x06";
    AppendLittleEndian(44, 8, end);  // Bytes that follow.
    AppendLittleEndian(45, 2, end);  // Made by, and needs, version 4.5.
    AppendLittleEndian(45, 2, end);
    AppendLittleEndian(0, 8, end);  // Disks.
    AppendLittleEndian(count_, 8, end);
    AppendLittleEndian(count_, 8, end);
    AppendLittleEndian(size, 8, end);
    AppendLittleEndian(start, 8, end);
    end += "PK\x06\x07";
    AppendLittleEndian(0, 4, end);
    AppendLittleEndian(start + size, 8, end);
    AppendLittleEndian(1, 4, end);
  }
  end += "PK\x05\x06";
  AppendLittleEndian(0, 4, end);  // Disks.
  AppendLittleEndian(std::min<uint64_t>(count_, 0xffff), 2, end);
  AppendLittleEndian(std::min<uint64_t>(count_, 0xffff), 2, end);
  AppendLittleEndian(std::min(size, kIn64Bits), 4, end);
  AppendLittleEndian(std::min(start, kIn64Bits), 4, end);
  AppendLittleEndian(0, 2, end);  // No comment.
  file_.AddText(std::move(directory_));
  return std::move(file_);
}

void ZipWriter::AddToDirectory(absl::string_view name, uint32_t crc,
                               uint64_t size, uint64_t header_offset) {
  const bool is_large = size >= kIn64Bits || header_offset >= kIn64Bits;
  std::string fields;
  if (size >= kIn64Bits) {
    AppendLittleEndian(size, 8, fields);
    AppendLittleEndian(size, 8, fields);
  }
  if (header_offset >= kIn64Bits) {
    AppendLittleEndian(header_offset, 8, fields);
  }
  std::string extra;
  if (is_large) {
    AppendLittleEndian(1, 2, extra);
    AppendLittleEndian(fields.size(), 2, extra);
    extra += fields;
  }
  directory_ += "PK\x01\x02";
  AppendLittleEndian(is_large ? 45 : 20, 2, directory_);  // Made by.
  AppendCommon(is_large, crc, size, name, directory_);
  AppendLittleEndian(extra.size(), 2, directory_);
  AppendLittleEndian(0, 2, directory_);  // Comment.
  AppendLittleEndian(0, 2, directory_);  // Disk.
  AppendLittleEndian(0, 2, directory_);  // Attributes.
  AppendLittleEndian(0, 4, directory_);
  AppendLittleEndian(std::min(header_offset, kIn64Bits), 4, directory_);
  absl::StrAppend(&directory_, name, extra);
  ++count_;
}

}  // namespace vision
