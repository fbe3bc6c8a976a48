#include "fcam/seeds/seed_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fcam/seeds/erosion.h"
#include "fcam/seeds/li_threshold.h"
#include "fcam/seeds/otsu.h"
#include "glog/logging.h"
#include "vision/base/nearest_names.h"

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

// The pixels whose byte is above `threshold`, and the others.
SeedPools SplitAt(absl::Span<const uint8_t> bytes, int threshold) {
  SeedPools pools;
  for (size_t i = 0; i < bytes.size(); ++i) {
    (bytes[i] > threshold ? pools.foreground : pools.background)
        .push_back(static_cast<int32_t>(i));
  }
  return pools;
}

template <typename T>
SeedPools FindErodedPools(absl::Span<const T> cam,
                          absl::Span<const uint8_t> bytes,
                          const ByteHistogram& histogram, int height, int width,
                          const SeedOptions& options) {
  int threshold = ForegroundThreshold(histogram);
  int64_t above = 0;
  for (int level = threshold + 1; level < 256; ++level) {
    above += histogram[level];
  }
  if (above == 0) threshold = OtsuThreshold(histogram);
  std::vector<uint8_t> region(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) region[i] = bytes[i] > threshold;
  ErodeUnlessEmpty(height, width, options.erosion_kernel,
                   options.erosion_iterations, absl::MakeSpan(region));
  SeedPools pools;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (region[i] != 0) pools.foreground.push_back(static_cast<int32_t>(i));
  }
  pools.background =
      SmallestValues<T>(cam, bytes, histogram,
                        static_cast<int64_t>(options.background_fraction *
                                             static_cast<double>(cam.size())));
  return pools;
}

// A square of pixels, cut at the map's borders.
struct Cell {
  int x0, y0, x1, y1;

  int width() const { return x1 - x0; }
  int num_pixels() const { return (x1 - x0) * (y1 - y0); }
};

// The cell whose upper left pixel has index `first`.
Cell CellAt(int32_t first, int height, int width, int side) {
  const int y = first / width;
  const int x = first % width;
  return {x, y, std::min(x + side, width), std::min(y + side, height)};
}

template <typename T>
double MeanActivation(absl::Span<const T> cam, int width, const Cell& cell) {
  double sum = 0;
  for (int y = cell.y0; y < cell.y1; ++y) {
    for (int x = cell.x0; x < cell.x1; ++x) {
      sum += static_cast<double>(
          ClampToUnit(cam[static_cast<size_t>(y) * width + x]));
    }
  }
  return sum / cell.num_pixels();
}

// The first `count` of `cells` in the order of `less`, ascending.
template <typename Less>
std::vector<int32_t> FirstCells(std::vector<int32_t> cells, int count,
                                const Less& less) {
  const size_t kept = std::min(cells.size(), static_cast<size_t>(count));
  std::nth_element(cells.begin(), cells.begin() + kept, cells.end(), less);
  cells.resize(kept);
  std::sort(cells.begin(), cells.end());
  return cells;
}

template <typename T>
SeedPools FindFixedPools(absl::Span<const T> cam, int height, int width,
                         const SeedOptions& options) {
  // By index of the upper left pixel.
  std::vector<double> activation(cam.size());
  std::vector<int32_t> cells;
  for (int y = 0; y < height; y += options.cell_side) {
    for (int x = 0; x < width; x += options.cell_side) {
      const int32_t first = y * width + x;
      cells.push_back(first);
      activation[first] = MeanActivation(
          cam, width, CellAt(first, height, width, options.cell_side));
    }
  }
  SeedPools pools;
  pools.foreground =
      FirstCells(cells, options.fixed_foreground, [&](int32_t a, int32_t b) {
        return activation[a] != activation[b] ? activation[a] > activation[b]
                                              : a < b;
      });
  pools.background = FirstCells(
      std::move(cells), options.fixed_background, [&](int32_t a, int32_t b) {
        return activation[a] != activation[b] ? activation[a] < activation[b]
                                              : a < b;
      });
  return pools;
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
  if (size == 0 || histogram[bytes[0]] == static_cast<int64_t>(size)) {
    return SeedPools();
  }
  switch (options.region) {
    case SeedRegion::kEroded:
      return FindErodedPools(cam, bytes, histogram, height, width, options);
    case SeedRegion::kAdaptive:
      return SplitAt(bytes, LiThreshold(histogram, OtsuThreshold(histogram)));
    case SeedRegion::kFixedSize:
      return FindFixedPools(cam, height, width, options);
  }
  LOG(FATAL) << "seed region " << static_cast<int>(options.region);
}

// Draws `count` distinct elements of `pool`, or all of them, by the first steps
// of a Fisher-Yates shuffle.
std::vector<int32_t> DrawUniformly(std::vector<int32_t> pool, int count,
                                   vision::Rng& rng) {
  const size_t drawn = std::min(pool.size(), static_cast<size_t>(count));
  for (size_t i = 0; i < drawn; ++i) {
    std::swap(pool[i], pool[i + rng.UniformInt(pool.size() - i)]);
  }
  pool.resize(drawn);
  return pool;
}

// The same with probabilities proportional to `weight(element)`, in [0, 1]:
// element i would come at a time that is exponential of rate weight i, and the
// first ones are taken.
template <typename Weight>
std::vector<int32_t> DrawByWeight(const std::vector<int32_t>& pool, int count,
                                  const Weight& weight, vision::Rng& rng) {
  struct Arrival {
    double time;
    double draw;  // Orders those that never come.
    int32_t element;
  };
  std::vector<Arrival> arrivals;
  arrivals.reserve(pool.size());
  for (const int32_t element : pool) {
    const double draw = rng.Uniform();
    const double rate = weight(element);
    arrivals.push_back({rate > 0 ? -std::log1p(-draw) / rate
                                 : std::numeric_limits<double>::infinity(),
                        draw, element});
  }
  const size_t drawn = std::min(pool.size(), static_cast<size_t>(count));
  std::partial_sort(arrivals.begin(), arrivals.begin() + drawn, arrivals.end(),
                    [](const Arrival& a, const Arrival& b) {
                      if (a.time != b.time) return a.time < b.time;
                      return a.draw != b.draw ? a.draw < b.draw
                                              : a.element < b.element;
                    });
  std::vector<int32_t> result;
  for (size_t i = 0; i < drawn; ++i) result.push_back(arrivals[i].element);
  return result;
}

// Sets `bit` in the square around pixel `i`.
void Stamp(int32_t i, int height, int width, int dilation, uint8_t bit,
           std::vector<uint8_t>* stamps) {
  // A dilated map at x is the maximum over [x - dilation / 2,
  // x + dilation - 1 - dilation / 2]; seen from the drawn pixel the two reaches
  // change places.
  const int after = dilation / 2;
  const int before = dilation - 1 - after;
  const int y = i / width;
  const int x = i % width;
  const int y1 = std::min(y + after, height - 1);
  const int x1 = std::min(x + after, width - 1);
  for (int v = std::max(y - before, 0); v <= y1; ++v) {
    for (int u = std::max(x - before, 0); u <= x1; ++u) {
      (*stamps)[static_cast<size_t>(v) * width + u] |= bit;
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
  const int side =
      options.region == SeedRegion::kFixedSize ? options.cell_side : 1;
  const auto draw = [&](std::vector<int32_t> pool, int count, uint8_t bit) {
    const auto weight = [&](int32_t element) {
      const double activation =
          MeanActivation(cam, width, CellAt(element, height, width, side));
      return bit == kForegroundBit ? activation : 1 - activation;
    };
    const std::vector<int32_t> drawn =
        options.sampling == SeedSampling::kUniform
            ? DrawUniformly(std::move(pool), count, rng)
            : DrawByWeight(pool, count, weight, rng);
    for (int32_t pixel : drawn) {
      if (side > 1) {
        const Cell cell = CellAt(pixel, height, width, side);
        const int k = static_cast<int>(rng.UniformInt(cell.num_pixels()));
        pixel =
            (cell.y0 + k / cell.width()) * width + cell.x0 + k % cell.width();
      }
      Stamp(pixel, height, width, options.dilation, bit, &stamps);
    }
  };
  draw(std::move(pools.foreground), options.foreground_pixels, kForegroundBit);
  draw(std::move(pools.background), options.background_pixels, kBackgroundBit);
  const int64_t label_of_bits[4] = {options.ignore_index, kForegroundSeed,
                                    kBackgroundSeed, options.ignore_index};
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = label_of_bits[stamps[i]];
  }
}

constexpr SeedRegion kRegions[] = {SeedRegion::kEroded, SeedRegion::kAdaptive,
                                   SeedRegion::kFixedSize};
constexpr SeedSampling kSamplings[] = {SeedSampling::kUniform,
                                       SeedSampling::kWeighted};

}  // namespace

absl::string_view SeedRegionName(SeedRegion region) {
  switch (region) {
    case SeedRegion::kEroded:
      return "eroded";
    case SeedRegion::kAdaptive:
      return "adaptive";
    case SeedRegion::kFixedSize:
      return "fixed";
  }
  return "";
}

absl::StatusOr<SeedRegion> ParseSeedRegion(absl::string_view name) {
  std::vector<std::string> names;
  for (const SeedRegion region : kRegions) {
    if (name == SeedRegionName(region)) return region;
    names.emplace_back(SeedRegionName(region));
  }
  return vision::UnknownNameError("seed region", name, names);
}

absl::string_view SeedSamplingName(SeedSampling sampling) {
  return sampling == SeedSampling::kUniform ? "uniform" : "weighted";
}

absl::StatusOr<SeedSampling> ParseSeedSampling(absl::string_view name) {
  std::vector<std::string> names;
  for (const SeedSampling sampling : kSamplings) {
    if (name == SeedSamplingName(sampling)) return sampling;
    names.emplace_back(SeedSamplingName(sampling));
  }
  return vision::UnknownNameError("seed sampling", name, names);
}

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
  const std::pair<const char*, int> sizes[] = {
      {"fixed_foreground", fixed_foreground},
      {"fixed_background", fixed_background}};
  for (const auto& [name, value] : sizes) {
    if (value < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected >= 0"));
    }
  }
  if (cell_side < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("cell_side is ", cell_side, ", expected >= 1"));
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
