// Format and size of an image file, read from its bytes without decoding it.
//
//   VISION_ASSIGN_OR_RETURN(const vision::ImageHeader header,
//                           vision::ParseImageHeader(bytes, path));
//
// image_io.h stands on it: decoders would allocate whatever a header claims,
// and turn a file that was cut short into a half grey image with a mere
// warning.

#ifndef VISION_IMAGE_IMAGE_HEADER_H_
#define VISION_IMAGE_IMAGE_HEADER_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

enum class ImageFormat { kJpeg, kPng, kWebp, kBmp };

// "JPEG", "PNG", "WebP", "BMP".
absl::string_view ImageFormatName(ImageFormat format);

struct ImageHeader {
  ImageFormat format = ImageFormat::kJpeg;
  // In pixels as stored (EXIF orientation not applied), positive.
  int width = 0;
  int height = 0;
};

// Reads the header. The first few kilobytes of a file suffice for most (a
// JPEG's thumbnail may come first). kDataLoss naming `name` if the bytes are
// empty, of no known format, or damaged or cut off before the size was found.
absl::StatusOr<ImageHeader> ParseImageHeader(absl::string_view bytes,
                                             absl::string_view name);

// Checks that a whole file is there: a JPEG up to its end marker, a PNG up to
// IEND and with all checksums right, a WebP and an uncompressed BMP as long as
// they claim. Bytes after the end are ignored. kDataLoss with the offset if
// not. Cost: one pass over the bytes.
absl::Status CheckImageIsComplete(absl::string_view bytes,
                                  absl::string_view name);

}  // namespace vision

#endif  // VISION_IMAGE_IMAGE_HEADER_H_
