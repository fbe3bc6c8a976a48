#include "vision/crf/exact_bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "hwy/aligned_allocator.h"
#include "vision/crf/run_phases.h"

// The code between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE is compiled
// once for each instruction set; the best one for the CPU is chosen at run
// time. Vectors without a compile-time size (SVE, RVV) cannot be kept in
// arrays.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/crf/exact_bilateral_filter.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// 2^-x for x >= 0 to 2e-7 relative, exactly 1 at 0; never below 2^-126.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2OfMinus(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V y = hn::Max(hn::Neg(x), hn::Set(d, -126.0f));
  const auto exponent = hn::NearestInt(y);
  const V f = hn::Sub(y, hn::ConvertTo(d, exponent));  // In [-1/2, 1/2].
  // Taylor's coefficients ln(2)^n / n!: at |f| = 1/2 the first term left out is
  // 1.2e-7, the size of a rounding error.
  V p = hn::Set(d, 1.5403530e-4f);
  p = hn::MulAdd(p, f, hn::Set(d, 1.3333558e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 9.6181291e-3f));
  p = hn::MulAdd(p, f, hn::Set(d, 5.5504109e-2f));
  p = hn::MulAdd(p, f, hn::Set(d, 2.4022651e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 6.9314718e-1f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const auto power_of_two =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(di, 127))));
  return hn::Mul(p, power_of_two);
}

using exact_internal::ExactFilterWindow;

// Outputs of `kRows` pixels at a time share the loads of the other pixels'
// features; weights of `kTile` other pixels are kept, so that they are computed
// once for all channels and stay in the first-level cache.
constexpr int kRows = 4;
constexpr int kTile = 512;

// Outputs [begin, end), of the pixels within the window of each.
void FilterPairs(const ExactFilterWindow& window, const float* const* features,
                 int begin, int end, const float* in, int channels,
                 float* out) {
  const hn::CappedTag<float, 16> d;
  using V = hn::Vec<decltype(d)>;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const int height = window.height;
  const int width = window.width;
  const size_t size = static_cast<size_t>(height) * width;
  HWY_ALIGN float weights[kRows][kTile];
  std::vector<double> sums(static_cast<size_t>(channels) * kRows);
  for (int i0 = begin; i0 < end; i0 += kRows) {
    const int rows = std::min(kRows, end - i0);
    std::fill(sums.begin(), sums.end(), 0.0);
    V f[kRows][5];
    for (int q = 0; q < kRows; ++q) {
      for (int c = 0; c < 5; ++c) {
        f[q][c] = hn::Set(d, features[c][i0 + std::min(q, rows - 1)]);
      }
    }
    // Other pixels j0 to j0 + valid. Vectors read past the last one, where
    // features go on, or their padding.
    const auto add_tile = [&](int j0, int valid) HWY_ATTR {
      for (int j = 0; j < valid; j += lanes) {
        V g[5];
        for (int c = 0; c < 5; ++c) g[c] = hn::LoadU(d, features[c] + j0 + j);
        for (int q = 0; q < kRows; ++q) {
          V distance = hn::Zero(d);
          for (int c = 0; c < 5; ++c) {
            const V difference = hn::Sub(f[q][c], g[c]);
            distance = hn::MulAdd(difference, difference, distance);
          }
          hn::Store(Exp2OfMinus(d, distance), d, weights[q] + j);
        }
      }
      if (!window.self_term) {
        for (int q = 0; q < rows; ++q) {
          const int self = i0 + q - j0;
          if (self >= 0 && self < valid) weights[q][self] = 0.0f;
        }
      }
      // Columns that fill up the last vector do not count.
      const int whole = valid - valid % lanes;
      for (int k = 0; k < channels; ++k) {
        const float* map = in + k * size + j0;
        V sum[kRows];
        for (int q = 0; q < kRows; ++q) sum[q] = hn::Zero(d);
        for (int j = 0; j < whole; j += lanes) {
          const V s = hn::LoadU(d, map + j);
          for (int q = 0; q < kRows; ++q) {
            sum[q] = hn::MulAdd(hn::Load(d, weights[q] + j), s, sum[q]);
          }
        }
        for (int q = 0; q < kRows; ++q) {
          float total = hn::GetLane(hn::SumOfLanes(d, sum[q]));
          for (int j = whole; j < valid; ++j) total += weights[q][j] * map[j];
          sums[static_cast<size_t>(k) * kRows + q] += total;
        }
      }
    };
    const auto add_range = [&](int first, int last) HWY_ATTR {
      for (int j0 = first; j0 < last; j0 += kTile) {
        add_tile(j0, std::min(kTile, last - j0));
      }
    };
    const int y0 = i0 / width;
    const int y1 = (i0 + rows - 1) / width;
    const int top = std::max(0, y0 - window.radius);
    const int bottom = std::min(height - 1, y1 + window.radius);
    int left = 0;
    int right = width - 1;
    if (y0 == y1) {
      left = std::max(0, i0 % width - window.radius);
      right = std::min(width - 1, (i0 + rows - 1) % width + window.radius);
    }
    if (left == 0 && right == width - 1) {
      add_range(top * width, (bottom + 1) * width);
    } else {
      for (int y = top; y <= bottom; ++y) {
        add_range(y * width + left, y * width + right + 1);
      }
    }
    for (int k = 0; k < channels; ++k) {
      for (int q = 0; q < rows; ++q) {
        out[k * size + i0 + q] =
            static_cast<float>(sums[static_cast<size_t>(k) * kRows + q]);
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(FilterPairs);

namespace {

constexpr int kMaxLanes = 16;

}  // namespace

ExactBilateralFilter::ExactBilateralFilter(const float* rgb_chw, int height,
                                           int width, double sigma_rgb,
                                           double sigma_xy_pixels)
    : size_(height * width) {
  window_.height = height;
  window_.width = width;
  window_.self_term = true;
  window_.radius = WindowRadius(height, width, sigma_xy_pixels);
  // exp(-x^2 / (2 sigma^2)) = 2^-(a x)^2 with a = sqrt(log2(e) / 2) / sigma.
  const double root = std::sqrt(0.5 / std::log(2.0));
  for (auto& feature : features_) {
    const size_t padded = static_cast<size_t>(size_) + kMaxLanes;
    feature = hwy::AllocateAligned<float>(padded);
    std::fill(feature.get(), feature.get() + padded, 0.0f);
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int i = y * width + x;
      features_[0][i] =
          static_cast<float>((x - 0.5 * width) * root / sigma_xy_pixels);
      features_[1][i] =
          static_cast<float>((y - 0.5 * height) * root / sigma_xy_pixels);
    }
  }
  for (int c = 0; c < 3; ++c) {
    const float* plane = rgb_chw + static_cast<size_t>(c) * size_;
    const auto [low, high] = std::minmax_element(plane, plane + size_);
    // Centred, to spend float32's digits on differences.
    const double center = 0.5 * (static_cast<double>(*low) + *high);
    for (int i = 0; i < size_; ++i) {
      features_[2 + c][i] =
          static_cast<float>((plane[i] - center) * root / sigma_rgb);
    }
  }
}

int ExactBilateralFilter::WindowRadius(int height, int width,
                                       double sigma_xy_pixels) {
  // Weights beyond are below exp(-6.5^2 / 2) = 7e-10.
  return static_cast<int>(std::ceil(
      std::min<double>(std::max(height, width), 6.5 * sigma_xy_pixels)));
}

void ExactBilateralFilter::Filter(const float* in, int channels, float* out,
                                  int num_threads, bool self_term) const {
  exact_internal::ExactFilterWindow window = window_;
  window.self_term = self_term;
  const float* features[5];
  for (size_t c = 0; c < 5; ++c) features[c] = features_[c].get();
  constexpr int kPixels = 256;  // An item.
  const Phase filter = {(size_ + kPixels - 1) / kPixels,
                        [&](int64_t item, int) {
                          const int begin = static_cast<int>(item) * kPixels;
                          HWY_DYNAMIC_DISPATCH(FilterPairs)
                          (window, features, begin,
                           std::min(begin + kPixels, size_), in, channels, out);
                        }};
  RunPhases({&filter, 1}, num_threads);
}

void FilterExactlyInDouble(const float* rgb_chw, int height, int width,
                           double sigma_rgb, double sigma_xy_pixels,
                           const double* in, int channels, double* out) {
  const int size = height * width;
  std::vector<double> weights(size);
  for (int i = 0; i < size; ++i) {
    for (int j = 0; j < size; ++j) {
      const double dx = (i % width - j % width) / sigma_xy_pixels;
      const double dy = (i / width - j / width) / sigma_xy_pixels;
      double squared_distance = dx * dx + dy * dy;
      for (int c = 0; c < 3; ++c) {
        const float* plane = rgb_chw + static_cast<size_t>(c) * size;
        const double d = (static_cast<double>(plane[i]) - plane[j]) / sigma_rgb;
        squared_distance += d * d;
      }
      weights[j] = std::exp(-0.5 * squared_distance);
    }
    for (int k = 0; k < channels; ++k) {
      const double* map = in + static_cast<size_t>(k) * size;
      double sum = 0;
      for (int j = 0; j < size; ++j) sum += weights[j] * map[j];
      out[static_cast<size_t>(k) * size + i] = sum;
    }
  }
}

}  // namespace vision
#endif  // HWY_ONCE
