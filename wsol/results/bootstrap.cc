#include "wsol/results/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "vision/base/parallel_for.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

// Uniform over {0, ..., n - 1} up to n / 2^64, from one word: Rng::UniformInt
// without its division.
size_t Draw(vision::Rng* rng, size_t n) {
  return static_cast<size_t>(static_cast<unsigned __int128>(rng->Next()) * n >>
                             64);
}

vision::Rng RngOf(uint64_t seed, int64_t r) {
  return vision::Rng(seed, {static_cast<uint64_t>(r)});
}

// One byte for each column of an image: a cache line.
constexpr size_t kLanes = 64;
using Lanes = std::array<uint8_t, kLanes>;

// Sums of up to 255 images stay in bytes.
void AddBits(const std::vector<Lanes>& rows, vision::Rng* rng,
             std::array<int64_t, kLanes>* sums) {
  constexpr size_t kMaxBatch = 255;
  for (size_t done = 0; done < rows.size();) {
    const size_t batch = std::min(kMaxBatch, rows.size() - done);
    Lanes bytes = {};
    for (size_t i = 0; i < batch; ++i) {
      const Lanes& row = rows[Draw(rng, rows.size())];
      for (size_t lane = 0; lane < kLanes; ++lane) {
        bytes[lane] = static_cast<uint8_t>(bytes[lane] + row[lane]);
      }
    }
    for (size_t lane = 0; lane < kLanes; ++lane) (*sums)[lane] += bytes[lane];
    done += batch;
  }
}

}  // namespace

absl::Status BootstrapOptions::Validate() const {
  if (num_resamples < 1 || num_resamples > 10'000'000) {
    return absl::InvalidArgumentError(
        absl::StrCat("BootstrapOptions::num_resamples is ", num_resamples,
                     ", expected 1 to 10000000"));
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("BootstrapOptions::num_threads is ", num_threads,
                     ", expected at least 1"));
  }
  if (!(confidence > 0 && confidence < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("BootstrapOptions::confidence is ", confidence,
                     ", expected in (0, 1)"));
  }
  return absl::OkStatus();
}

std::vector<uint32_t> ResampleCounts(uint64_t seed, int64_t r,
                                     size_t num_images) {
  std::vector<uint32_t> counts(num_images, 0);
  vision::Rng rng = RngOf(seed, r);
  for (size_t i = 0; i < num_images; ++i) ++counts[Draw(&rng, num_images)];
  return counts;
}

std::vector<std::vector<int64_t>> BootstrapSums(
    const std::vector<std::vector<bool>>& columns,
    const BootstrapOptions& options) {
  CHECK(!columns.empty() && !columns[0].empty());
  std::vector<std::vector<int64_t>> sums(
      static_cast<size_t>(options.num_resamples),
      std::vector<int64_t>(columns.size(), 0));
  for (size_t begin = 0; begin < columns.size(); begin += kLanes) {
    const size_t end = std::min(begin + kLanes, columns.size());
    std::vector<Lanes> rows(columns[0].size(), Lanes{});
    for (size_t c = begin; c < end; ++c) {
      CHECK_EQ(columns[c].size(), rows.size());
      for (size_t i = 0; i < rows.size(); ++i) {
        rows[i][c - begin] = columns[c][i] ? 1 : 0;
      }
    }
    vision::ParallelFor(options.num_resamples, options.num_threads,
                        [&](int64_t r) {
                          vision::Rng rng = RngOf(options.seed, r);
                          std::array<int64_t, kLanes> lanes = {};
                          AddBits(rows, &rng, &lanes);
                          std::copy_n(lanes.begin(), end - begin,
                                      sums[static_cast<size_t>(r)].begin() +
                                          static_cast<std::ptrdiff_t>(begin));
                        });
  }
  return sums;
}

std::vector<std::vector<int64_t>> BootstrapSums(
    const std::vector<std::vector<int64_t>>& columns,
    const BootstrapOptions& options) {
  CHECK(!columns.empty() && !columns[0].empty());
  const size_t num_images = columns[0].size();
  const size_t width = columns.size();
  // By image, for each draw touches one place.
  std::vector<int64_t> rows(num_images * width);
  for (size_t c = 0; c < width; ++c) {
    CHECK_EQ(columns[c].size(), num_images);
    for (size_t i = 0; i < num_images; ++i) {
      rows[i * width + c] = columns[c][i];
    }
  }
  std::vector<std::vector<int64_t>> sums(
      static_cast<size_t>(options.num_resamples),
      std::vector<int64_t>(width, 0));
  vision::ParallelFor(
      options.num_resamples, options.num_threads, [&](int64_t r) {
        vision::Rng rng = RngOf(options.seed, r);
        int64_t* const sum = sums[static_cast<size_t>(r)].data();
        if (width < 8) {
          for (size_t i = 0; i < num_images; ++i) {
            const int64_t* const row = &rows[Draw(&rng, num_images) * width];
            for (size_t c = 0; c < width; ++c) sum[c] += row[c];
          }
          return;
        }
        // A third of the images is not drawn at all, others several times.
        const std::vector<uint32_t> counts =
            ResampleCounts(options.seed, r, num_images);
        for (size_t i = 0; i < num_images; ++i) {
          if (counts[i] == 0) continue;
          const int64_t* const row = &rows[i * width];
          for (size_t c = 0; c < width; ++c) {
            sum[c] += static_cast<int64_t>(counts[i]) * row[c];
          }
        }
      });
  return sums;
}

Interval PercentileInterval(absl::Span<double> values, double confidence) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const double position = share * static_cast<double>(values.size() - 1);
    const auto below = static_cast<size_t>(position);
    const size_t above = std::min(below + 1, values.size() - 1);
    const double rest = position - static_cast<double>(below);
    return values[below] + rest * (values[above] - values[below]);
  };
  return {at((1 - confidence) / 2), at((1 + confidence) / 2)};
}

}  // namespace wsol
