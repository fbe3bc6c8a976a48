#include "vision/image/colormap.h"

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace vision {
namespace {

constexpr Colormap kColormaps[] = {Colormap::kViridis, Colormap::kInferno,
                                   Colormap::kTurbo, Colormap::kJet};

int OpencvColormap(Colormap colormap) {
  switch (colormap) {
    case Colormap::kViridis:
      return cv::COLORMAP_VIRIDIS;
    case Colormap::kInferno:
      return cv::COLORMAP_INFERNO;
    case Colormap::kTurbo:
      return cv::COLORMAP_TURBO;
    case Colormap::kJet:
      return cv::COLORMAP_JET;
  }
  LOG(FATAL) << "unknown colormap";
  return 0;
}

template <typename T>
cv::Mat ToLevels(const cv::Mat& map) {
  cv::Mat levels(map.size(), CV_8UC1);
  for (int y = 0; y < map.rows; ++y) {
    const T* in = map.ptr<T>(y);
    uint8_t* out = levels.ptr<uint8_t>(y);
    for (int x = 0; x < map.cols; ++x) {
      // Written so that NaN fails the comparison.
      const T value = in[x] > 0 ? in[x] : T(0);
      out[x] = static_cast<uint8_t>((value < 1 ? value : T(1)) * 255 + T(0.5));
    }
  }
  return levels;
}

}  // namespace

absl::string_view ColormapName(Colormap colormap) {
  switch (colormap) {
    case Colormap::kViridis:
      return "viridis";
    case Colormap::kInferno:
      return "inferno";
    case Colormap::kTurbo:
      return "turbo";
    case Colormap::kJet:
      return "jet";
  }
  return "unknown";
}

absl::StatusOr<Colormap> ParseColormap(absl::string_view name) {
  std::string names;
  for (const Colormap colormap : kColormaps) {
    if (name == ColormapName(colormap)) return colormap;
    absl::StrAppend(&names, names.empty() ? "" : ", ", ColormapName(colormap));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown colormap \"", name, "\", expected ", names));
}

cv::Mat ApplyColormap(const cv::Mat& map, Colormap colormap) {
  CHECK(map.type() == CV_32FC1 || map.type() == CV_64FC1)
      << "expected a map of CV_32FC1 or CV_64FC1, got "
      << cv::typeToString(map.type());
  if (map.empty()) return cv::Mat(map.size(), CV_8UC3);
  const cv::Mat levels =
      map.type() == CV_32FC1 ? ToLevels<float>(map) : ToLevels<double>(map);
  cv::Mat image;
  cv::applyColorMap(levels, image, OpencvColormap(colormap));
  cv::cvtColor(image, image, cv::COLOR_BGR2RGB);
  return image;
}

}  // namespace vision
