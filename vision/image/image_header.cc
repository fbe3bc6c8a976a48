#include "vision/image/image_header.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

// Unsigned numbers at an offset; the caller has checked that they are inside.
uint32_t ByteAt(absl::string_view bytes, size_t offset) {
  return static_cast<unsigned char>(bytes[offset]);
}
uint32_t BigEndian16(absl::string_view bytes, size_t offset) {
  return ByteAt(bytes, offset) << 8 | ByteAt(bytes, offset + 1);
}
uint32_t BigEndian32(absl::string_view bytes, size_t offset) {
  return BigEndian16(bytes, offset) << 16 | BigEndian16(bytes, offset + 2);
}
uint32_t LittleEndian16(absl::string_view bytes, size_t offset) {
  return ByteAt(bytes, offset) | ByteAt(bytes, offset + 1) << 8;
}
uint32_t LittleEndian32(absl::string_view bytes, size_t offset) {
  return LittleEndian16(bytes, offset) | LittleEndian16(bytes, offset + 2)
                                             << 16;
}

constexpr absl::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);

bool HasTag(absl::string_view bytes, size_t offset, absl::string_view tag) {
  return offset <= bytes.size() && bytes.substr(offset, tag.size()) == tag;
}

absl::Status Damaged(absl::string_view name, ImageFormat format,
                     absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(name, ": damaged ", ImageFormatName(format), ": ", what));
}

absl::Status CutShort(absl::string_view name, ImageFormat format,
                      absl::string_view bytes, absl::string_view missing) {
  return absl::DataLossError(absl::StrCat(name, ": ", ImageFormatName(format),
                                          " file is cut short: it ends after ",
                                          bytes.size(), " bytes, ", missing));
}

absl::StatusOr<ImageFormat> FormatOf(absl::string_view bytes,
                                     absl::string_view name) {
  if (bytes.empty()) {
    return absl::DataLossError(absl::StrCat(name, ": image file is empty"));
  }
  if (HasTag(bytes, 0, "\xFF\xD8\xFF")) return ImageFormat::kJpeg;
  if (HasTag(bytes, 0, kPngSignature)) return ImageFormat::kPng;
  if (HasTag(bytes, 0, "RIFF") && HasTag(bytes, 8, "WEBP")) {
    return ImageFormat::kWebp;
  }
  if (HasTag(bytes, 0, "BM")) return ImageFormat::kBmp;
  return absl::DataLossError(absl::StrCat(
      name, ": not a JPEG, PNG, WebP or BMP image; it begins with the bytes ",
      absl::BytesToHexString(bytes.substr(0, 8))));
}

absl::StatusOr<ImageHeader> MakeHeader(absl::string_view name,
                                       ImageFormat format, int64_t width,
                                       int64_t height) {
  // No decoder takes more than 31 bits, and most stop far below.
  constexpr int64_t kMax = 0x7FFFFFFF;
  if (width <= 0 || height <= 0 || width > kMax || height > kMax) {
    return Damaged(name, format,
                   absl::StrCat("size ", width, "x", height,
                                ", expected positive 31-bit numbers"));
  }
  ImageHeader header;
  header.format = format;
  header.width = static_cast<int>(width);
  header.height = static_cast<int>(height);
  return header;
}

// ---- JPEG (ITU-T T.81, annex B) ---------------------------------------------

struct JpegSegment {
  uint32_t marker = 0;  // The byte after 0xFF.
  size_t begin = 0;     // Of the payload, after the length.
  size_t end = 0;
};

constexpr uint32_t kJpegEnd = 0xD9;
constexpr uint32_t kJpegScan = 0xDA;

// Start-of-frame markers: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC).
bool IsJpegFrame(uint32_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
         marker != 0xCC;
}

// Reads the marker segment at `offset`, skipping what lies before its 0xFF.
absl::StatusOr<JpegSegment> NextJpegSegment(absl::string_view bytes,
                                            size_t offset,
                                            absl::string_view name) {
  JpegSegment segment;
  // In entropy-coded data 0xFF is followed by 0 (stuffing) or a restart marker;
  // before a marker any number of 0xFF may stand as fill.
  while (true) {
    offset = bytes.find('\xFF', offset);
    if (offset == absl::string_view::npos || offset + 1 >= bytes.size()) {
      return CutShort(name, ImageFormat::kJpeg, bytes,
                      "without the end marker");
    }
    segment.marker = ByteAt(bytes, offset + 1);
    if (segment.marker == 0xFF) {
      ++offset;
      continue;
    }
    offset += 2;
    const bool stands_alone =
        segment.marker == 0x00 || segment.marker == 0x01 ||
        (segment.marker >= 0xD0 && segment.marker <= 0xD8);
    if (!stands_alone) break;
  }
  segment.begin = segment.end = offset;
  if (segment.marker == kJpegEnd) return segment;
  if (offset + 2 > bytes.size() ||
      offset + BigEndian16(bytes, offset) > bytes.size()) {
    return CutShort(name, ImageFormat::kJpeg, bytes, "inside a segment");
  }
  const uint32_t length = BigEndian16(bytes, offset);  // Counts itself.
  if (length < 2) {
    return Damaged(name, ImageFormat::kJpeg,
                   absl::StrCat("segment of length ", length, " at byte ",
                                offset, ", expected at least 2"));
  }
  segment.begin = offset + 2;
  segment.end = offset + length;
  return segment;
}

absl::StatusOr<ImageHeader> ParseJpeg(absl::string_view bytes,
                                      absl::string_view name) {
  size_t offset = 2;
  while (true) {
    VISION_ASSIGN_OR_RETURN(const JpegSegment segment,
                            NextJpegSegment(bytes, offset, name));
    if (segment.marker == kJpegEnd || segment.marker == kJpegScan) {
      return Damaged(name, ImageFormat::kJpeg, "no frame header");
    }
    if (IsJpegFrame(segment.marker)) {
      if (segment.end - segment.begin < 6) {
        return Damaged(name, ImageFormat::kJpeg, "frame header too short");
      }
      return MakeHeader(name, ImageFormat::kJpeg,
                        BigEndian16(bytes, segment.begin + 3),
                        BigEndian16(bytes, segment.begin + 1));
    }
    offset = segment.end;
  }
}

absl::Status CheckJpeg(absl::string_view bytes, absl::string_view name) {
  size_t offset = 2;
  bool has_scan = false;
  while (true) {
    VISION_ASSIGN_OR_RETURN(const JpegSegment segment,
                            NextJpegSegment(bytes, offset, name));
    if (segment.marker == kJpegEnd) break;
    if (segment.marker == kJpegScan) has_scan = true;
    offset = segment.end;
  }
  if (!has_scan) return Damaged(name, ImageFormat::kJpeg, "no image data");
  return absl::OkStatus();
}

// ---- PNG (W3C, third edition, section 5) ------------------------------------

absl::StatusOr<ImageHeader> ParsePng(absl::string_view bytes,
                                     absl::string_view name) {
  if (bytes.size() < 24) {
    return CutShort(name, ImageFormat::kPng, bytes, "inside the header");
  }
  if (!HasTag(bytes, 12, "IHDR")) {
    return Damaged(name, ImageFormat::kPng, "first chunk is not IHDR");
  }
  return MakeHeader(name, ImageFormat::kPng, BigEndian32(bytes, 16),
                    BigEndian32(bytes, 20));
}

absl::Status CheckPng(absl::string_view bytes, absl::string_view name) {
  size_t offset = kPngSignature.size();
  while (true) {
    // Length, type, data, checksum of type and data.
    if (bytes.size() - offset < 12 ||
        bytes.size() - offset - 12 < BigEndian32(bytes, offset)) {
      return CutShort(name, ImageFormat::kPng, bytes, "without the IEND chunk");
    }
    const size_t length = BigEndian32(bytes, offset);
    const absl::string_view type_and_data =
        bytes.substr(offset + 4, length + 4);
    const absl::string_view type = type_and_data.substr(0, 4);
    if (Crc32(type_and_data) != BigEndian32(bytes, offset + 8 + length)) {
      return Damaged(name, ImageFormat::kPng,
                     absl::StrCat("wrong checksum of chunk ",
                                  absl::CHexEscape(type), " at byte ", offset));
    }
    if (type == "IEND") return absl::OkStatus();
    offset += length + 12;
  }
}

// ---- WebP (RFC 9649) --------------------------------------------------------

absl::StatusOr<ImageHeader> ParseWebp(absl::string_view bytes,
                                      absl::string_view name) {
  // Bytes up to the end of the size, by kind; a whole VP8L file can be shorter
  // than the header of the others.
  const bool is_extended = HasTag(bytes, 12, "VP8X");
  const bool is_lossless = HasTag(bytes, 12, "VP8L");
  const bool is_lossy = HasTag(bytes, 12, "VP8 ");
  if (bytes.size() < (is_lossless ? 25 : 30)) {
    return CutShort(name, ImageFormat::kWebp, bytes, "inside the header");
  }
  if (is_extended) {
    return MakeHeader(name, ImageFormat::kWebp,
                      int64_t{1} + (LittleEndian32(bytes, 24) & 0xFFFFFF),
                      int64_t{1} + (LittleEndian32(bytes, 26) >> 8));
  }
  if (is_lossless && HasTag(bytes, 20, "\x2F")) {
    const uint32_t bits = LittleEndian32(bytes, 21);
    return MakeHeader(name, ImageFormat::kWebp, 1 + (bits & 0x3FFF),
                      1 + (bits >> 14 & 0x3FFF));
  }
  if (is_lossy && HasTag(bytes, 23, "\x9D\x01\x2A")) {
    return MakeHeader(name, ImageFormat::kWebp,
                      LittleEndian16(bytes, 26) & 0x3FFF,
                      LittleEndian16(bytes, 28) & 0x3FFF);
  }
  return Damaged(name, ImageFormat::kWebp, "no VP8, VP8L or VP8X header");
}

absl::Status CheckWebp(absl::string_view bytes, absl::string_view name) {
  const uint64_t claimed = uint64_t{8} + LittleEndian32(bytes, 4);
  if (claimed > bytes.size()) {
    return CutShort(name, ImageFormat::kWebp, bytes,
                    absl::StrCat("expected ", claimed));
  }
  return absl::OkStatus();
}

// ---- BMP --------------------------------------------------------------------

struct BmpInfo {
  int64_t width = 0;
  int64_t height = 0;
  uint64_t bits_per_pixel = 0;
  bool compressed = false;
};

absl::StatusOr<BmpInfo> ReadBmpInfo(absl::string_view bytes,
                                    absl::string_view name) {
  BmpInfo info;
  if (bytes.size() < 26) {
    return CutShort(name, ImageFormat::kBmp, bytes, "inside the header");
  }
  const uint32_t header_size = LittleEndian32(bytes, 14);
  if (header_size == 12) {
    info.width = LittleEndian16(bytes, 18);
    info.height = LittleEndian16(bytes, 20);
    info.bits_per_pixel = LittleEndian16(bytes, 24);
    return info;
  }
  if (header_size < 40) {
    return Damaged(name, ImageFormat::kBmp,
                   absl::StrCat("header of ", header_size,
                                " bytes, expected 12 or at least 40"));
  }
  if (bytes.size() < 34) {
    return CutShort(name, ImageFormat::kBmp, bytes, "inside the header");
  }
  info.width = static_cast<int32_t>(LittleEndian32(bytes, 18));
  // Negative: the first row is at the top.
  info.height =
      std::abs(int64_t{static_cast<int32_t>(LittleEndian32(bytes, 22))});
  info.bits_per_pixel = LittleEndian16(bytes, 28);
  const uint32_t compression = LittleEndian32(bytes, 30);
  info.compressed = compression != 0 && compression != 3;  // 3: bit fields.
  return info;
}

absl::Status CheckBmp(absl::string_view bytes, absl::string_view name) {
  VISION_ASSIGN_OR_RETURN(const BmpInfo info, ReadBmpInfo(bytes, name));
  if (info.compressed) return absl::OkStatus();  // Its length is not stated.
  VISION_ASSIGN_OR_RETURN(
      const ImageHeader header,
      MakeHeader(name, ImageFormat::kBmp, info.width, info.height));
  // Rows are padded to 4 bytes. 31 bits x 31 bits x 16 bits: double holds it
  // well enough to see that it is more than any file has.
  const uint64_t row_bytes =
      (static_cast<uint64_t>(header.width) * info.bits_per_pixel + 31) / 32 * 4;
  const double expected =
      LittleEndian32(bytes, 10) +
      static_cast<double>(row_bytes) * static_cast<double>(header.height);
  if (expected > static_cast<double>(bytes.size())) {
    return CutShort(name, ImageFormat::kBmp, bytes,
                    absl::StrCat("expected ", expected));
  }
  return absl::OkStatus();
}

}  // namespace

absl::string_view ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "JPEG";
    case ImageFormat::kPng:
      return "PNG";
    case ImageFormat::kWebp:
      return "WebP";
    case ImageFormat::kBmp:
      return "BMP";
  }
  return "unknown";
}

absl::StatusOr<ImageHeader> ParseImageHeader(absl::string_view bytes,
                                             absl::string_view name) {
  VISION_ASSIGN_OR_RETURN(const ImageFormat format, FormatOf(bytes, name));
  switch (format) {
    case ImageFormat::kJpeg:
      return ParseJpeg(bytes, name);
    case ImageFormat::kPng:
      return ParsePng(bytes, name);
    case ImageFormat::kWebp:
      return ParseWebp(bytes, name);
    case ImageFormat::kBmp: {
      VISION_ASSIGN_OR_RETURN(const BmpInfo info, ReadBmpInfo(bytes, name));
      return MakeHeader(name, format, info.width, info.height);
    }
  }
  return absl::InternalError("unknown image format");
}

absl::Status CheckImageIsComplete(absl::string_view bytes,
                                  absl::string_view name) {
  VISION_ASSIGN_OR_RETURN(const ImageFormat format, FormatOf(bytes, name));
  switch (format) {
    case ImageFormat::kJpeg:
      return CheckJpeg(bytes, name);
    case ImageFormat::kPng:
      return CheckPng(bytes, name);
    case ImageFormat::kWebp:
      return CheckWebp(bytes, name);
    case ImageFormat::kBmp:
      return CheckBmp(bytes, name);
  }
  return absl::InternalError("unknown image format");
}

}  // namespace vision
