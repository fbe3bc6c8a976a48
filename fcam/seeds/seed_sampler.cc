#include "fcam/seeds/seed_sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fcam/seeds/erosion.h"
#include "fcam/seeds/otsu.h"
#include "glog/logging.h"

namespace fcam {
namespace {

// Bits of the scratch map in which both kinds of seeds are stamped.
constexpr uint8_t kForegroundBit = 1;
constexpr uint8_t kBackgroundBit = 2;

// NaN fails both comparisons and becomes 0.
template <typename T>
T ClampToUnit(T value) {
  return value > T(1) ? T(1) : (value > T(0) ? value : T(0));
}

// The `count` smallest values' indices, ascending; ties by index. The bytes are
// monotone in the values, so only the pixels of one level need to be ordered.
template <typename T>
std::vector<int32_t> SmallestValues(absl::Span<const T> values,
                                    absl::Span<const uint8_t> bytes,
                                    const ByteHistogram& histogram,
                                    int64_t count) {
  std::vector<int32_t> pool;
  if (count <= 0) return pool;
  pool.reserve(count);
  int level = 0;
  int64_t below = 0;
  while (below + histogram[level] < count) below += histogram[level++];

  std::vector<T> candidates;
  candidates.reserve(histogram[level]);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == level) candidates.push_back(ClampToUnit(values[i]));
  }
  const int64_t rank = count - below - 1;
  std::nth_element(candidates.begin(), candidates.begin() + rank,
                   candidates.end());
  const T boundary = candidates[rank];
  const int64_t smaller =
      std::count_if(candidates.begin(), candidates.begin() + rank,
                    [boundary](T value) { return value < boundary; });
  int64_t equal_left = count - below - smaller;

  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] > level) continue;
    if (bytes[i] == level) {
      const T value = ClampToUnit(values[i]);
      if (value > boundary) continue;
      if (value == boundary && equal_left-- <= 0) continue;
    }
    pool.push_back(static_cast<int32_t>(i));
  }
  return pool;
}

template <typename T>
SeedPools FindSeedPoolsImpl(absl::Span<const T> cam, int height, int width,
                            const SeedOptions& options) {
  const size_t size = static_cast<size_t>(height) * width;
  CHECK_EQ(cam.size(), size);
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<uint8_t>(ClampToUnit(cam[i]) * T(255));
  }
  const ByteHistogram histogram = CountBytes(bytes);

  SeedPools pools;
  if (size == 0 || histogram[bytes[0]] == static_cast<int64_t>(size)) {
    return pools;
  }
  int threshold = ForegroundThreshold(histogram);
  int64_t above = 0;
  for (int level = threshold + 1; level < 256; ++level) {
    above += histogram[level];
  }
  if (above == 0) threshold = OtsuThreshold(histogram);
  std::vector<uint8_t> region(size);
  for (size_t i = 0; i < size; ++i) region[i] = bytes[i] > threshold;
  ErodeUnlessEmpty(height, width, options.erosion_kernel,
                   options.erosion_iterations, absl::MakeSpan(region));
  for (size_t i = 0; i < size; ++i) {
    if (region[i] != 0) pools.foreground.push_back(static_cast<int32_t>(i));
  }
  pools.background =
      SmallestValues<T>(cam, bytes, histogram,
                        static_cast<int64_t>(options.background_fraction *
                                             static_cast<double>(size)));
  return pools;
}

// Draws `count` distinct elements of `pool`, or all of them, by the first steps
// of a Fisher-Yates shuffle, and sets `bit` in the square around each.
void Stamp(std::vector<int32_t> pool, int count, int height, int width,
           int dilation, uint8_t bit, vision::Rng& rng,
           std::vector<uint8_t>* stamps) {
  const size_t drawn = std::min(pool.size(), static_cast<size_t>(count));
  // A dilated map at x is the maximum over [x - dilation / 2,
  // x + dilation - 1 - dilation / 2]; seen from the drawn pixel the two reaches
  // change places.
  const int after = dilation / 2;
  const int before = dilation - 1 - after;
  for (size_t i = 0; i < drawn; ++i) {
    std::swap(pool[i], pool[i + rng.UniformInt(pool.size() - i)]);
    const int y = pool[i] / width;
    const int x = pool[i] % width;
    const int y1 = std::min(y + after, height - 1);
    const int x1 = std::min(x + after, width - 1);
    for (int v = std::max(y - before, 0); v <= y1; ++v) {
      for (int u = std::max(x - before, 0); u <= x1; ++u) {
        (*stamps)[static_cast<size_t>(v) * width + u] |= bit;
      }
    }
  }
}

template <typename T>
void SampleSeedsImpl(absl::Span<const T> cam, int height, int width,
                     const SeedOptions& options, vision::Rng& rng,
                     absl::Span<int64_t> labels) {
  CHECK_EQ(labels.size(), cam.size());
  SeedPools pools = FindSeedPoolsImpl(cam, height, width, options);
  std::vector<uint8_t> stamps(labels.size(), 0);
  Stamp(std::move(pools.foreground), options.foreground_pixels, height, width,
        options.dilation, kForegroundBit, rng, &stamps);
  Stamp(std::move(pools.background), options.background_pixels, height, width,
        options.dilation, kBackgroundBit, rng, &stamps);
  const int64_t label_of_bits[4] = {options.ignore_index, kForegroundSeed,
                                    kBackgroundSeed, options.ignore_index};
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = label_of_bits[stamps[i]];
  }
}

}  // namespace

absl::Status SeedOptions::Validate() const {
  if (foreground_pixels < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "foreground_pixels is ", foreground_pixels, ", expected >= 0"));
  }
  if (background_pixels < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "background_pixels is ", background_pixels, ", expected >= 0"));
  }
  if (dilation < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("dilation is ", dilation, ", expected >= 1"));
  }
  // Written so that NaN is refused.
  if (!(background_fraction >= 0 && background_fraction <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("background_fraction is ", background_fraction,
                     ", expected a share in [0, 1]"));
  }
  if (erosion_iterations < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "erosion_iterations is ", erosion_iterations, ", expected >= 0"));
  }
  if (erosion_iterations > 0 && erosion_kernel < 2) {
    return absl::InvalidArgumentError(absl::StrCat("erosion_kernel is ",
                                                   erosion_kernel,
                                                   ", expected >= 2 when "
                                                   "erosion_iterations is ",
                                                   erosion_iterations));
  }
  if (ignore_index == kForegroundSeed || ignore_index == kBackgroundSeed) {
    return absl::InvalidArgumentError(
        absl::StrCat("ignore_index is ", ignore_index,
                     ", a label of seeds; expected neither ", kBackgroundSeed,
                     " nor ", kForegroundSeed));
  }
  return absl::OkStatus();
}

SeedPools FindSeedPools(absl::Span<const float> cam, int height, int width,
                        const SeedOptions& options) {
  return FindSeedPoolsImpl(cam, height, width, options);
}

SeedPools FindSeedPools(absl::Span<const double> cam, int height, int width,
                        const SeedOptions& options) {
  return FindSeedPoolsImpl(cam, height, width, options);
}

void SampleSeeds(absl::Span<const float> cam, int height, int width,
                 const SeedOptions& options, vision::Rng& rng,
                 absl::Span<int64_t> labels) {
  SampleSeedsImpl(cam, height, width, options, rng, labels);
}

void SampleSeeds(absl::Span<const double> cam, int height, int width,
                 const SeedOptions& options, vision::Rng& rng,
                 absl::Span<int64_t> labels) {
  SampleSeedsImpl(cam, height, width, options, rng, labels);
}

}  // namespace fcam
