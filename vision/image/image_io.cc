#include "vision/image/image_io.h"

#include <climits>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/image_header.h"
#include "vision/image/opencv_status.h"

namespace vision {
namespace {

// Everything that is checked before a decoder sees the bytes.
absl::Status CheckBytes(absl::string_view bytes, absl::string_view name,
                        const DecodeOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const ImageHeader header,
                          ParseImageHeader(bytes, name));
  const int64_t pixels = int64_t{header.width} * header.height;
  if (pixels > options.max_pixels) {
    return absl::ResourceExhaustedError(absl::StrCat(
        name, ": image of ", header.width, "x", header.height, " = ", pixels,
        " pixels, more than the limit of ", options.max_pixels));
  }
  if (bytes.size() > INT_MAX) {
    return absl::ResourceExhaustedError(absl::StrCat(
        name, ": file of ", bytes.size(), " bytes, more than OpenCV decodes"));
  }
  return CheckImageIsComplete(bytes, name);
}

// cv::imdecode with its failures, an exception or an empty matrix, as
// kDataLoss.
absl::StatusOr<cv::Mat> Decode(absl::string_view bytes, absl::string_view name,
                               int flags) {
  const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1,
                        const_cast<char*>(bytes.data()));
  absl::StatusOr<cv::Mat> image =
      CallOpencv(name, [&] { return cv::imdecode(encoded, flags); });
  if (!image.ok() &&
      image.status().code() == absl::StatusCode::kResourceExhausted) {
    return image;
  }
  if (!image.ok() || image->empty()) {
    return absl::DataLossError(absl::StrCat(
        name, ": damaged image, or a kind of it that OpenCV does not decode",
        image.ok() ? "" : absl::StrCat(" (", image.status().message(), ")")));
  }
  return image;
}

int WithOrientation(int flags, const DecodeOptions& options) {
  return options.apply_exif_orientation ? flags
                                        : flags | cv::IMREAD_IGNORE_ORIENTATION;
}

absl::StatusOr<cv::Mat> DecodeRgbChecked(absl::string_view bytes,
                                         absl::string_view name,
                                         const DecodeOptions& options) {
  VISION_ASSIGN_OR_RETURN(
      cv::Mat image,
      Decode(bytes, name, WithOrientation(cv::IMREAD_COLOR, options)));
  return CallOpencv(name, [&] {
    cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
    return image;
  });
}

absl::StatusOr<cv::Mat> DecodeRgbaChecked(absl::string_view bytes,
                                          absl::string_view name,
                                          const DecodeOptions& options) {
  VISION_ASSIGN_OR_RETURN(cv::Mat image,
                          Decode(bytes, name, cv::IMREAD_UNCHANGED));
  if (image.channels() != 4) {
    VISION_ASSIGN_OR_RETURN(image, DecodeRgbChecked(bytes, name, options));
    return CallOpencv(name, [&] {
      cv::Mat rgba;
      cv::cvtColor(image, rgba, cv::COLOR_RGB2RGBA);
      return rgba;
    });
  }
  return CallOpencv(name, [&] {
    if (image.depth() == CV_16U) {
      // The high byte, as the other two functions keep.
      cv::Mat high(image.size(), CV_8UC4);
      for (int y = 0; y < image.rows; ++y) {
        const uint16_t* in = image.ptr<uint16_t>(y);
        uint8_t* out = high.ptr<uint8_t>(y);
        for (int x = 0; x < image.cols * 4; ++x) {
          out[x] = static_cast<uint8_t>(in[x] >> 8);
        }
      }
      image = high;
    }
    cv::cvtColor(image, image, cv::COLOR_BGRA2RGBA);
    return image;
  });
}

absl::Status CheckEncodable(const cv::Mat& image, bool alpha_allowed,
                            absl::string_view format) {
  const bool type_ok = image.type() == CV_8UC1 || image.type() == CV_8UC3 ||
                       (alpha_allowed && image.type() == CV_8UC4);
  if (image.empty() || !type_ok) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot encode a ", image.cols, "x", image.rows,
                     " matrix of type ", cv::typeToString(image.type()), " as ",
                     format, ", expected a non-empty CV_8UC1",
                     alpha_allowed ? ", CV_8UC3 or CV_8UC4" : " or CV_8UC3"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Encode(const cv::Mat& image,
                                   const std::string& extension,
                                   const std::vector<int>& parameters) {
  return CallOpencv("encoding an image", [&]() -> absl::StatusOr<std::string> {
    cv::Mat bgr;  // Not a copy of `image`: OpenCV would write to its pixels.
    switch (image.channels()) {
      case 3:
        cv::cvtColor(image, bgr, cv::COLOR_RGB2BGR);
        break;
      case 4:
        cv::cvtColor(image, bgr, cv::COLOR_RGBA2BGRA);
        break;
      default:
        bgr = image;
    }
    std::vector<uchar> bytes;
    if (!cv::imencode(extension, bgr, bytes, parameters)) {
      return absl::InternalError(
          absl::StrCat("OpenCV could not encode an image as ", extension));
    }
    return std::string(bytes.begin(), bytes.end());
  });
}

}  // namespace

absl::Status DecodeOptions::Validate() const {
  if (max_pixels <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "DecodeOptions::max_pixels is ", max_pixels, ", expected positive"));
  }
  return absl::OkStatus();
}

absl::StatusOr<cv::Mat> DecodeRgb(absl::string_view bytes,
                                  absl::string_view name,
                                  const DecodeOptions& options) {
  VISION_RETURN_IF_ERROR(CheckBytes(bytes, name, options));
  return DecodeRgbChecked(bytes, name, options);
}

absl::StatusOr<cv::Mat> DecodeGray(absl::string_view bytes,
                                   absl::string_view name,
                                   const DecodeOptions& options) {
  VISION_RETURN_IF_ERROR(CheckBytes(bytes, name, options));
  return Decode(bytes, name, WithOrientation(cv::IMREAD_GRAYSCALE, options));
}

absl::StatusOr<cv::Mat> DecodeRgba(absl::string_view bytes,
                                   absl::string_view name,
                                   const DecodeOptions& options) {
  VISION_RETURN_IF_ERROR(CheckBytes(bytes, name, options));
  return DecodeRgbaChecked(bytes, name, options);
}

absl::StatusOr<cv::Mat> ReadRgb(const std::string& path,
                                const DecodeOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return DecodeRgb(bytes, path, options);
}

absl::StatusOr<cv::Mat> ReadGray(const std::string& path,
                                 const DecodeOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return DecodeGray(bytes, path, options);
}

absl::StatusOr<cv::Mat> ReadRgba(const std::string& path,
                                 const DecodeOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return DecodeRgba(bytes, path, options);
}

absl::StatusOr<std::string> EncodePng(const cv::Mat& image) {
  VISION_RETURN_IF_ERROR(CheckEncodable(image, /*alpha_allowed=*/true, "PNG"));
  return Encode(image, ".png", {});
}

absl::StatusOr<std::string> EncodeJpeg(const cv::Mat& image, int quality) {
  VISION_RETURN_IF_ERROR(
      CheckEncodable(image, /*alpha_allowed=*/false, "JPEG"));
  if (quality < 1 || quality > 100) {
    return absl::InvalidArgumentError(
        absl::StrCat("JPEG quality is ", quality, ", expected 1 to 100"));
  }
  return Encode(image, ".jpg", {cv::IMWRITE_JPEG_QUALITY, quality});
}

absl::Status WritePng(const std::string& path, const cv::Mat& image) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, EncodePng(image));
  return WriteFileAtomically(path, bytes);
}

absl::Status WriteJpeg(const std::string& path, const cv::Mat& image,
                       int quality) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, EncodeJpeg(image, quality));
  return WriteFileAtomically(path, bytes);
}

}  // namespace vision
