#include "wsol/metrics/golden_split.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "opencv2/core.hpp"

namespace wsol {
namespace {

struct Bump {
  int cx, cy, a, b, amplitude;
};

class Lcg {
 public:
  explicit Lcg(uint32_t seed) : state_(seed) {}

  int Draw(int low, int high) {
    state_ = state_ * 1664525u + 1013904223u;
    return low + static_cast<int>((state_ >> 8) %
                                  static_cast<uint32_t>(high - low + 1));
  }

 private:
  uint32_t state_;
};

int FloorDiv(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

int BumpLevel(const Bump& bump, int x, int y) {
  const int64_t a2 = int64_t{bump.a} * bump.a, b2 = int64_t{bump.b} * bump.b;
  const int64_t dx = x - bump.cx, dy = y - bump.cy;
  const int64_t r = a2 * b2, q = dx * dx * b2 + dy * dy * a2;
  return static_cast<int>(bump.amplitude * r / (r + q));
}

cv::Mat MakeScoreMap(int index, const std::vector<Bump>& bumps) {
  cv::Mat map(224, 224, CV_64FC1);
  const int hole = std::min(bumps[0].a, bumps[0].b) / 2;
  for (int y = 0; y < map.rows; ++y) {
    for (int x = 0; x < map.cols; ++x) {
      int level = 0;
      for (const Bump& bump : bumps) {
        level = std::max(level, BumpLevel(bump, x, y));
      }
      const int dx = x - bumps[0].cx, dy = y - bumps[0].cy;
      if (index % 12 == 9 && dx * dx + dy * dy < hole * hole) level = 0;
      if (index % 12 == 11 && (x / 9 + y / 9) % 2 == 1) level = 0;
      double score = (level + 0.5) / 256;
      if (index % 12 == 5) score = 0;
      if (index % 12 == 7 && level >= 200) score = 1;
      map.at<double>(y, x) = score;
    }
  }
  return map;
}

cv::Mat MakeEllipse(int width, int height, int64_t mx, int64_t my, int64_t hx,
                    int64_t hy) {
  cv::Mat mask = cv::Mat::zeros(height, width, CV_8UC1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int64_t u = (x - mx) * hy, v = (y - my) * hx;
      if (u * u + v * v <= hx * hy * hx * hy) mask.at<uint8_t>(y, x) = 255;
    }
  }
  return mask;
}

}  // namespace

std::vector<GoldenImage> MakeGoldenSplit(unsigned seed, int count,
                                         int num_classes) {
  Lcg lcg(seed);
  std::vector<GoldenImage> images;
  for (int i = 0; i < count; ++i) {
    GoldenImage image;
    image.id = absl::StrFormat("img_%03d.jpg", i);
    const int width = image.width = lcg.Draw(120, 520);
    const int height = image.height = lcg.Draw(110, 430);
    image.label = lcg.Draw(0, num_classes - 1);
    std::vector<Bump> bumps(static_cast<size_t>(lcg.Draw(1, 3)));
    for (Bump& bump : bumps) {
      bump.cx = lcg.Draw(20, 203);
      bump.cy = lcg.Draw(20, 203);
      bump.a = lcg.Draw(6, 60);
      bump.b = lcg.Draw(6, 60);
      bump.amplitude = lcg.Draw(60, 255);
    }
    image.score_map = MakeScoreMap(i, bumps);

    const int num_boxes = lcg.Draw(1, 3);
    for (int j = 0; j < num_boxes; ++j) {
      const Bump& bump = bumps[static_cast<size_t>(j) % bumps.size()];
      const int cx = bump.cx + lcg.Draw(-30, 30);
      const int cy = bump.cy + lcg.Draw(-30, 30);
      const int a = bump.a + lcg.Draw(-25, 40);
      const int b = bump.b + lcg.Draw(-25, 40);
      const int hx = std::max(3, a), hy = std::max(3, b);
      const auto first = [](int edge, int size) {
        return std::min(std::max(0, edge) * size / 224, size - 2);
      };
      const auto last = [](int edge, int size, int first_pixel) {
        return std::clamp(FloorDiv(std::min(223, edge) * size, 224),
                          first_pixel + 1, size - 1);
      };
      const int x0 = first(cx - hx, width), y0 = first(cy - hy, height);
      image.boxes.push_back({x0, y0, last(cx + hx, width, x0) + 1,
                             last(cy + hy, height, y0) + 1});
      image.masks.push_back(MakeEllipse(
          width, height, FloorDiv(cx * width, 224), FloorDiv(cy * height, 224),
          std::max(3, FloorDiv(a * width, 224)),
          std::max(3, FloorDiv(b * height, 224))));
    }
    image.ignore = cv::Mat::zeros(height, width, CV_8UC1);
    if (i % 3 == 0) {
      // [x0, x0 + width / 8] x [y0, y0 + height / 9], ends included.
      const cv::Rect region(width * (i % 5) / 6, height * (i % 4) / 5,
                            width / 8 + 1, height / 9 + 1);
      image.ignore(region & cv::Rect(0, 0, width, height)).setTo(255);
    }
    for (int k = 0; k < num_classes; ++k) {
      image.class_scores.push_back(static_cast<float>(lcg.Draw(0, 9999)));
    }
    images.push_back(std::move(image));
  }
  return images;
}

}  // namespace wsol
