#include "wsol/metrics/test_maps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"

namespace wsol {
namespace {

int UniformInt(vision::Rng& rng, int n) {
  return static_cast<int>(rng.UniformInt(static_cast<uint64_t>(n)));
}

// Roughly normal: the sum of twelve uniform numbers, centred.
double Normal(vision::Rng& rng) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += rng.Uniform();
  return sum;
}

// A map from a function of (x, y) that returns a byte.
template <typename F>
cv::Mat MapOf(int width, int height, F f) {
  cv::Mat map(height, width, CV_8UC1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      map.at<uint8_t>(y, x) = static_cast<uint8_t>(f(x, y));
    }
  }
  return map;
}

// Stretches a CV_64F map over all bytes; zeros if it is constant.
cv::Mat Stretched(const cv::Mat& map) {
  double low = 0, high = 0;
  cv::minMaxLoc(map, &low, &high);
  const double scale = high > low ? 1 / (high - low) : 0;
  return MapOf(map.cols, map.rows, [&](int x, int y) {
    return (map.at<double>(y, x) - low) * scale * 255;
  });
}

cv::Mat Smooth(int cells, double object, int interpolation, int width,
               int height, vision::Rng& rng) {
  cv::Mat low(cells, cells, CV_64F), map;
  const double cx = cells * rng.Uniform(0.25, 0.75);
  const double cy = cells * rng.Uniform(0.25, 0.75);
  const double radius = cells * rng.Uniform(0.12, 0.32);
  for (int y = 0; y < cells; ++y) {
    for (int x = 0; x < cells; ++x) {
      const double d = std::hypot(x - cx, y - cy) / radius;
      low.at<double>(y, x) =
          object * std::exp(-d * d / 2) + 0.35 * std::abs(Normal(rng));
    }
  }
  cv::resize(low, map, cv::Size(width, height), 0, 0, interpolation);
  return Stretched(map);
}

cv::Mat Decoder(double noise, int width, int height, vision::Rng& rng) {
  cv::Mat map(height, width, CV_64F);
  cv::Mat coarse(height / 8 + 1, width / 8 + 1, CV_64F);
  cv::Mat fine(height / 2 + 1, width / 2 + 1, CV_64F);
  for (cv::Mat* const cells : {&coarse, &fine}) {
    for (int y = 0; y < cells->rows; ++y) {
      for (int x = 0; x < cells->cols; ++x) {
        cells->at<double>(y, x) = Normal(rng);
      }
    }
  }
  const double cx = width * rng.Uniform(0.3, 0.7);
  const double cy = height * rng.Uniform(0.3, 0.7);
  const double rx = width * rng.Uniform(0.15, 0.35);
  const double ry = height * rng.Uniform(0.15, 0.35);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double d = std::hypot((x - cx) / rx, (y - cy) / ry);
      const double n = 0.6 * coarse.at<double>(y / 8, x / 8) +
                       0.6 * fine.at<double>(y / 2, x / 2) + 0.8 * Normal(rng);
      map.at<double>(y, x) = 1 / (1 + std::exp(4 * (d - 1) + noise * n));
    }
  }
  return Stretched(map);
}

cv::Rect RandomRect(int width, int height, vision::Rng& rng) {
  const int x = UniformInt(rng, width), y = UniformInt(rng, height);
  return cv::Rect(x, y, 1 + UniformInt(rng, width - x),
                  1 + UniformInt(rng, height - y));
}

cv::Mat Frames(int width, int height, vision::Rng& rng) {
  cv::Mat map = cv::Mat::zeros(height, width, CV_8UC1);
  const int count = 2 + UniformInt(rng, 12);
  for (int i = 0; i < count; ++i) {
    const cv::Rect rect = RandomRect(width, height, rng);
    const int value = UniformInt(rng, 256), thickness = 1 + UniformInt(rng, 2);
    cv::rectangle(map, rect, cv::Scalar(value), thickness);
  }
  return map;
}

cv::Mat Rectangles(int width, int height, vision::Rng& rng) {
  cv::Mat map = cv::Mat::zeros(height, width, CV_64F);
  const int count = 3 + UniformInt(rng, 20);
  for (int i = 0; i < count; ++i) {
    map(RandomRect(width, height, rng)) += Normal(rng);
  }
  return Stretched(map);
}

cv::Mat Ties(int width, int height, vision::Rng& rng) {
  cv::Mat map = cv::Mat::zeros(height, width, CV_8UC1);
  const int side = 2 + UniformInt(rng, 5);
  for (int y = UniformInt(rng, 3); y + side < height;
       y += side + 1 + UniformInt(rng, 2)) {
    for (int x = UniformInt(rng, 3); x + side < width;
         x += side + 1 + UniformInt(rng, 2)) {
      map(cv::Rect(x, y, side, side)).setTo(63 * (1 + UniformInt(rng, 4)));
    }
  }
  return map;
}

cv::Mat Spiral(int width, int height, vision::Rng& rng) {
  cv::Mat map =
      MapOf(width, height, [&](int, int) { return UniformInt(rng, 180); });
  for (int x0 = 0, y0 = 0, x1 = width - 1, y1 = height - 1;
       x0 <= x1 && y0 <= y1; x0 += 2, y0 += 2, x1 -= 2, y1 -= 2) {
    cv::rectangle(map, cv::Point(x0, y0), cv::Point(x1, y1),
                  cv::Scalar(200 + UniformInt(rng, 56)));
    if (y0 < y1) map.at<uint8_t>(y0 + 1, x0) = 0;  // A gate in the wall.
  }
  return map;
}

}  // namespace

const std::vector<TestMapKind>& AllTestMapKinds() {
  static const auto* const kinds = new std::vector<TestMapKind>([] {
    std::vector<TestMapKind> all;
    for (int i = 0; i <= static_cast<int>(TestMapKind::kZeros); ++i) {
      all.push_back(static_cast<TestMapKind>(i));
    }
    return all;
  }());
  return *kinds;
}

std::string TestMapKindName(TestMapKind kind) {
  switch (kind) {
    case TestMapKind::kSmooth7:
      return "Smooth7";
    case TestMapKind::kSmooth28:
      return "Smooth28";
    case TestMapKind::kBilinear:
      return "Bilinear";
    case TestMapKind::kBlocks:
      return "Blocks";
    case TestMapKind::kDecoder:
      return "Decoder";
    case TestMapKind::kNoisyDecoder:
      return "NoisyDecoder";
    case TestMapKind::kSaturated:
      return "Saturated";
    case TestMapKind::kNoise:
      return "Noise";
    case TestMapKind::kBinary:
      return "Binary";
    case TestMapKind::kFewLevels:
      return "FewLevels";
    case TestMapKind::kWeak:
      return "Weak";
    case TestMapKind::kPlateaus:
      return "Plateaus";
    case TestMapKind::kClipped:
      return "Clipped";
    case TestMapKind::kNoisyRamp:
      return "NoisyRamp";
    case TestMapKind::kFineBlocks:
      return "FineBlocks";
    case TestMapKind::kRings:
      return "Rings";
    case TestMapKind::kFrames:
      return "Frames";
    case TestMapKind::kRectangles:
      return "Rectangles";
    case TestMapKind::kCheckerboard:
      return "Checkerboard";
    case TestMapKind::kNoisyChecks:
      return "NoisyChecks";
    case TestMapKind::kDots:
      return "Dots";
    case TestMapKind::kTies:
      return "Ties";
    case TestMapKind::kDiamonds:
      return "Diamonds";
    case TestMapKind::kDiagonals:
      return "Diagonals";
    case TestMapKind::kSpiral:
      return "Spiral";
    case TestMapKind::kComb:
      return "Comb";
    case TestMapKind::kSawtooth:
      return "Sawtooth";
    case TestMapKind::kConstant:
      return "Constant";
    case TestMapKind::kOnePixel:
      return "OnePixel";
    case TestMapKind::kZeros:
      return "Zeros";
  }
  LOG(FATAL) << "Not a kind of map: " << static_cast<int>(kind);
}

cv::Mat MakeTestMap(TestMapKind kind, int width, int height, vision::Rng& rng) {
  const auto map_of = [&](auto f) { return MapOf(width, height, f); };
  switch (kind) {
    case TestMapKind::kSmooth7:
      return Smooth(7, 3, cv::INTER_CUBIC, width, height, rng);
    case TestMapKind::kSmooth28:
      return Smooth(28, 3, cv::INTER_CUBIC, width, height, rng);
    case TestMapKind::kBilinear:
      return Smooth(7, 0, cv::INTER_LINEAR, width, height, rng);
    case TestMapKind::kBlocks: {
      cv::Mat cells =
          MapOf(14, 14, [&](int, int) { return UniformInt(rng, 256); });
      cv::Mat map;
      cv::resize(cells, map, cv::Size(width, height), 0, 0, cv::INTER_NEAREST);
      return map;
    }
    case TestMapKind::kDecoder:
      return Decoder(1, width, height, rng);
    case TestMapKind::kNoisyDecoder:
      return Decoder(4, width, height, rng);
    case TestMapKind::kSaturated: {
      const cv::Mat map = Decoder(2, width, height, rng);
      return map_of([&](int x, int y) {
        const int v = map.at<uint8_t>(y, x);
        return v < 25 ? 0 : v > 230 ? 255 : v;
      });
    }
    case TestMapKind::kNoise:
      return map_of([&](int, int) { return UniformInt(rng, 256); });
    case TestMapKind::kBinary: {
      const double density = rng.Uniform();
      return map_of([&](int, int) { return rng.Bernoulli(density) ? 255 : 0; });
    }
    case TestMapKind::kFewLevels: {
      const int levels = 2 + UniformInt(rng, 4);
      return map_of([&](int, int) { return UniformInt(rng, levels) * 63; });
    }
    case TestMapKind::kWeak: {
      const int levels = 2 + UniformInt(rng, 12);
      return map_of([&](int, int) { return UniformInt(rng, levels); });
    }
    case TestMapKind::kPlateaus: {
      const cv::Mat map = Smooth(7, 3, cv::INTER_CUBIC, width, height, rng);
      const int step = 20 + UniformInt(rng, 80);
      return map_of(
          [&](int x, int y) { return map.at<uint8_t>(y, x) / step * step; });
    }
    case TestMapKind::kClipped: {
      const cv::Mat map = Smooth(7, 0, cv::INTER_CUBIC, width, height, rng);
      return map_of([&](int x, int y) {
        return std::clamp(map.at<uint8_t>(y, x) * 5 / 2 - 191, 0, 255);
      });
    }
    case TestMapKind::kNoisyRamp: {
      cv::Mat map(height, width, CV_64F);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          map.at<double>(y, x) = x + 0.5 * y + 3 * Normal(rng);
        }
      }
      return Stretched(map);
    }
    case TestMapKind::kFineBlocks: {
      const int levels = 3 + UniformInt(rng, 250);
      const cv::Mat cells = MapOf(width / 2 + 1, height / 2 + 1, [&](int, int) {
        return UniformInt(rng, levels);
      });
      return map_of(
          [&](int x, int y) { return cells.at<uint8_t>(y / 2, x / 2); });
    }
    case TestMapKind::kRings: {
      const double cx = width * rng.Uniform(), cy = height * rng.Uniform();
      const double frequency = rng.Uniform(0.2, 1.2);
      return map_of([&](int x, int y) {
        return 127.5 + 127 * std::sin(frequency * std::hypot(x - cx, y - cy));
      });
    }
    case TestMapKind::kFrames:
      return Frames(width, height, rng);
    case TestMapKind::kRectangles:
      return Rectangles(width, height, rng);
    case TestMapKind::kCheckerboard:
      return map_of([](int x, int y) { return (x + y) % 2 == 0 ? 0 : 255; });
    case TestMapKind::kNoisyChecks:
      return map_of([&](int x, int y) {
        return (x + y) % 2 == 0 ? 0 : UniformInt(rng, 256);
      });
    case TestMapKind::kDots:
      return map_of([&](int x, int y) {
        return x % 2 == 0 && y % 2 == 0 ? 1 + UniformInt(rng, 255) : 0;
      });
    case TestMapKind::kTies:
      return Ties(width, height, rng);
    case TestMapKind::kDiamonds:
      return map_of([&](int x, int y) {
        const int d = std::abs(x % 6 - 3) + std::abs(y % 6 - 3);
        return d == 2 ? 85 * (1 + UniformInt(rng, 3)) : 0;
      });
    case TestMapKind::kDiagonals: {
      const int step = 2 + UniformInt(rng, 3);
      return map_of([&](int x, int y) {
        const bool is_line =
            (x + y) % step == 0 || (x - y + height) % (step + 1) == 0;
        return is_line ? UniformInt(rng, 256) : 0;
      });
    }
    case TestMapKind::kSpiral:
      return Spiral(width, height, rng);
    case TestMapKind::kComb:
      return map_of([&](int x, int y) {
        const int open = (y / 2) % 2 == 0 ? width - 1 : 0;
        return y % 2 == 1 && x != open ? 255 : UniformInt(rng, 200);
      });
    case TestMapKind::kSawtooth:
      return map_of([](int x, int y) { return (x * 7 + y * 13) % 256; });
    case TestMapKind::kConstant: {
      const int value = UniformInt(rng, 256);
      return map_of([&](int, int) { return value; });
    }
    case TestMapKind::kOnePixel: {
      cv::Mat map = cv::Mat::zeros(height, width, CV_8UC1);
      const int x = UniformInt(rng, width), y = UniformInt(rng, height);
      map.at<uint8_t>(y, x) = static_cast<uint8_t>(UniformInt(rng, 256));
      return map;
    }
    case TestMapKind::kZeros:
      return cv::Mat::zeros(height, width, CV_8UC1);
  }
  LOG(FATAL) << "Not a kind of map: " << static_cast<int>(kind);
}

}  // namespace wsol
