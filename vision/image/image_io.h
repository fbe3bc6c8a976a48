// Image files in and out: 8-bit pixels in RGB order, whatever the file holds.
//
//   VISION_ASSIGN_OR_RETURN(const cv::Mat rgb, vision::ReadRgb("bird.jpg"));
//   VISION_RETURN_IF_ERROR(vision::WritePng("copy.png", rgb));
//
// This is the border at which OpenCV's BGR becomes RGB, once. Formats are told
// by content, not by name: JPEG (baseline, progressive, grey, CMYK), PNG (1 to
// 16 bit, grey, palette, alpha), WebP and BMP. 16-bit samples keep their high
// byte. Pixels are as stored: EXIF orientation is ignored unless asked for.

#ifndef VISION_IMAGE_IMAGE_IO_H_
#define VISION_IMAGE_IMAGE_IO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace vision {

struct DecodeOptions {
  // Images of more pixels (width x height) are refused before they are decoded.
  int64_t max_pixels = 100'000'000;
  // Turn the image as the camera's EXIF record says. The WSOL data sets' boxes
  // refer to the stored pixels, so this is off. DecodeRgba() ignores it for
  // files that have an alpha channel.
  bool apply_exif_orientation = false;

  absl::Status Validate() const;
};

// Decodes an image; `name` stands for it in messages. Each returns a continuous
// matrix [height, width]:
//   DecodeRgb:  CV_8UC3 in RGB order; alpha is dropped, not blended;
//   DecodeGray: CV_8UC1; colour becomes luma, 0.299 R + 0.587 G + 0.114 B;
//   DecodeRgba: CV_8UC4 in RGBA order, alpha straight (not premultiplied), 255
//               where the file has none.
// Errors: kDataLoss if the bytes are empty, of no known format, damaged, or cut
// short (a file without its end is refused, not half-decoded);
// kResourceExhausted above options.max_pixels; kInvalidArgument for bad
// options.
absl::StatusOr<cv::Mat> DecodeRgb(absl::string_view bytes,
                                  absl::string_view name,
                                  const DecodeOptions& options = {});
absl::StatusOr<cv::Mat> DecodeGray(absl::string_view bytes,
                                   absl::string_view name,
                                   const DecodeOptions& options = {});
absl::StatusOr<cv::Mat> DecodeRgba(absl::string_view bytes,
                                   absl::string_view name,
                                   const DecodeOptions& options = {});

// The same from a file, whose path is the name; errors of reading it besides
// (kNotFound, ...).
absl::StatusOr<cv::Mat> ReadRgb(const std::string& path,
                                const DecodeOptions& options = {});
absl::StatusOr<cv::Mat> ReadGray(const std::string& path,
                                 const DecodeOptions& options = {});
absl::StatusOr<cv::Mat> ReadRgba(const std::string& path,
                                 const DecodeOptions& options = {});

// A PNG file of a CV_8UC1 (grey), CV_8UC3 (RGB) or CV_8UC4 (RGBA) image; the
// same bytes for the same pixels and OpenCV version. kInvalidArgument for other
// types and empty images.
absl::StatusOr<std::string> EncodePng(const cv::Mat& image);

// A baseline JPEG file of a CV_8UC1 or CV_8UC3 (RGB) image, quality in
// [1, 100]. kInvalidArgument for other types, qualities and empty images.
absl::StatusOr<std::string> EncodeJpeg(const cv::Mat& image, int quality);

// EncodePng or EncodeJpeg to a file that is replaced as a whole or not at all
// (see WriteFileAtomically in vision/base/file_io.h, whose errors it returns).
absl::Status WritePng(const std::string& path, const cv::Mat& image);
absl::Status WriteJpeg(const std::string& path, const cv::Mat& image,
                       int quality);

}  // namespace vision

#endif  // VISION_IMAGE_IMAGE_IO_H_
