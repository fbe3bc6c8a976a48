#include "vision/crf/test_images.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "glog/logging.h"
#include "vision/base/rng.h"

namespace vision {
namespace {

constexpr double kTwoPi = 6.28318530717958648;

// Roughly normal with standard deviation 1.
double Noise(Rng& rng) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += rng.Uniform();
  return sum - 6;
}

struct Wave {
  double amplitude, fx, fy, phase;
};

struct Disc {
  double x, y, radius_x, radius_y;
  std::array<double, 3> color;
};

std::vector<float> MakeScene(int height, int width, uint64_t seed,
                             bool textured) {
  Rng rng(seed);
  std::array<std::array<Wave, 5>, 3> waves;
  for (auto& channel : waves) {
    for (Wave& wave : channel) {
      wave = {18 * Noise(rng), rng.Uniform(0, 2.5), rng.Uniform(0, 2.5),
              rng.Uniform(0, kTwoPi)};
    }
  }
  std::array<Disc, 6> discs;
  for (Disc& disc : discs) {
    disc = {rng.Uniform(),
            rng.Uniform(),
            rng.Uniform(0.06, 0.26),
            rng.Uniform(0.06, 0.26),
            {rng.Uniform(0, 255), rng.Uniform(0, 255), rng.Uniform(0, 255)}};
  }
  const size_t size = static_cast<size_t>(height) * width;
  std::vector<float> image(3 * size);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) / width;
      const double v = (y + 0.5) / height;
      for (size_t c = 0; c < 3; ++c) {
        double value = 120;
        for (const Wave& wave : waves[c]) {
          value += wave.amplitude *
                   std::cos(kTwoPi * (wave.fx * u + wave.fy * v) + wave.phase);
        }
        for (const Disc& disc : discs) {
          const double r = std::hypot((u - disc.x) / disc.radius_x,
                                      (v - disc.y) / disc.radius_y);
          const double alpha = 0.8 / (1 + std::exp((r - 1) * 40));
          value += alpha * (disc.color[c] - value);
        }
        if (textured) value += 20 * std::sin(0.9 * x + 0.4 * y);
        value += (textured ? 8 : 2) * Noise(rng);
        image[c * size + static_cast<size_t>(y) * width + x] =
            static_cast<float>(std::clamp(std::round(value), 0.0, 255.0));
      }
    }
  }
  return image;
}

}  // namespace

std::vector<float> MakeTestImage(TestImage kind, int height, int width,
                                 uint64_t seed) {
  std::vector<float> image(3 * static_cast<size_t>(height) * width, 128.0f);
  switch (kind) {
    case TestImage::kNatural:
      return MakeScene(height, width, seed, /*textured=*/false);
    case TestImage::kTextured:
      return MakeScene(height, width, seed, /*textured=*/true);
    case TestImage::kNoise: {
      Rng rng(seed);
      for (float& value : image) {
        value = static_cast<float>(rng.UniformInt(256));
      }
      break;
    }
    case TestImage::kConstant:
      break;
  }
  return image;
}

std::vector<float> MakeTestMaps(int channels, int height, int width,
                                uint64_t seed) {
  Rng rng(seed);
  const size_t size = static_cast<size_t>(height) * width;
  std::vector<float> maps(channels * size);
  if (channels == 2) {
    const double center_x = rng.Uniform(0.35, 0.65);
    const double center_y = rng.Uniform(0.35, 0.65);
    const double radius = rng.Uniform(0.2, 0.3);
    for (size_t i = 0; i < size; ++i) {
      const double x = (static_cast<double>(i % width) + 0.5) / width;
      const double y = (static_cast<double>(i / width) + 0.5) / height;
      const double distance = std::hypot(x - center_x, y - center_y);
      const double logit = 18 * (radius - distance) + 0.5 * Noise(rng);
      maps[size + i] = static_cast<float>(1 / (1 + std::exp(-logit)));
      maps[i] = 1 - maps[size + i];
    }
    return maps;
  }
  for (size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (int k = 0; k < channels; ++k) {
      const double value = std::exp(Noise(rng));
      maps[k * size + i] = static_cast<float>(value);
      sum += value;
    }
    for (int k = 0; k < channels; ++k) {
      maps[k * size + i] = static_cast<float>(maps[k * size + i] / sum);
    }
  }
  return maps;
}

double RelativeL2Error(absl::Span<const float> actual,
                       absl::Span<const double> expected) {
  CHECK_EQ(actual.size(), expected.size());
  double squared_error = 0;
  double squared_norm = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = static_cast<double>(actual[i]) - expected[i];
    squared_error += error * error;
    squared_norm += expected[i] * expected[i];
  }
  return std::sqrt(squared_error / squared_norm);
}

}  // namespace vision
