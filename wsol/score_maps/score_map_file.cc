#include "wsol/score_maps/score_map_file.h"

#include <climits>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/image_header.h"
#include "vision/image/npy.h"
#include "vision/image/opencv_status.h"

namespace wsol {
namespace {

// More is no map but a damaged header.
constexpr int64_t kMaxPixels = 100'000'000;

// Integer samples as fractions of the largest one.
cv::Mat ToFractions(const cv::Mat& samples) {
  const double largest = samples.depth() == CV_8U ? 255 : 65535;
  cv::Mat map(samples.size(), CV_64FC1);
  for (int y = 0; y < samples.rows; ++y) {
    double* const out = map.ptr<double>(y);
    // A division, not a product with the reciprocal: v / 255 * 255 is v again.
    if (samples.depth() == CV_8U) {
      const uint8_t* const in = samples.ptr<uint8_t>(y);
      for (int x = 0; x < samples.cols; ++x) out[x] = in[x] / largest;
    } else {
      const uint16_t* const in = samples.ptr<uint16_t>(y);
      for (int x = 0; x < samples.cols; ++x) out[x] = in[x] / largest;
    }
  }
  return map;
}

absl::string_view ColorTypeName(int color_type) {
  switch (color_type) {
    case 2:
      return "RGB";
    case 3:
      return "palette";
    case 4:
      return "grey with alpha";
    case 6:
      return "RGB with alpha";
    default:
      return "unknown";
  }
}

absl::StatusOr<cv::Mat> ParsePng(absl::string_view bytes,
                                 absl::string_view name) {
  VISION_ASSIGN_OR_RETURN(const vision::ImageHeader header,
                          vision::ParseImageHeader(bytes, name));
  if (header.format != vision::ImageFormat::kPng) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": a ", vision::ImageFormatName(header.format),
                     " file, expected a PNG"));
  }
  if (int64_t{header.width} * header.height > kMaxPixels ||
      bytes.size() > INT_MAX) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": a PNG of ", header.width, "x", header.height,
        " pixels, expected a score map of at most ", kMaxPixels, " pixels"));
  }
  VISION_RETURN_IF_ERROR(vision::CheckImageIsComplete(bytes, name));
  // Signature, then the chunk IHDR: length, name, width, height, bits, colour.
  const int color_type = static_cast<unsigned char>(bytes[25]);
  if (color_type != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": a PNG of type ", ColorTypeName(color_type),
                     ", expected grey: one score a pixel"));
  }
  return vision::CallOpencv(name, [&]() -> absl::StatusOr<cv::Mat> {
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1,
                          const_cast<char*>(bytes.data()));
    const cv::Mat samples =
        cv::imdecode(encoded, cv::IMREAD_GRAYSCALE | cv::IMREAD_ANYDEPTH);
    if (samples.empty()) {
      return absl::DataLossError(absl::StrCat(name, ": damaged PNG"));
    }
    return ToFractions(samples);
  });
}

}  // namespace

absl::string_view ScoreMapExtension(ScoreMapFormat format) {
  return format == ScoreMapFormat::kNpy ? ".npy" : ".png";
}

absl::StatusOr<cv::Mat> ParseScoreMap(absl::string_view bytes,
                                      absl::string_view name,
                                      ScoreMapFormat format) {
  if (format == ScoreMapFormat::kPng) return ParsePng(bytes, name);
  VISION_ASSIGN_OR_RETURN(const cv::Mat array, vision::ParseNpy(bytes, name));
  const bool integers = array.depth() == CV_8U || array.depth() == CV_16U;
  return integers ? ToFractions(array) : array;
}

absl::StatusOr<cv::Mat> ReadScoreMap(const std::string& path) {
  for (const ScoreMapFormat format :
       {ScoreMapFormat::kNpy, ScoreMapFormat::kPng}) {
    if (!absl::EndsWith(path, ScoreMapExtension(format))) continue;
    VISION_ASSIGN_OR_RETURN(const std::string bytes, vision::ReadFile(path));
    return ParseScoreMap(bytes, path, format);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a .npy or .png file"));
}

}  // namespace wsol
