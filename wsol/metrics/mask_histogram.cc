#include "wsol/metrics/mask_histogram.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

void Encode(const std::vector<int64_t>& counts, std::string* bytes) {
  uint64_t gap = 0;
  for (const int64_t count : counts) {
    if (count == 0) {
      ++gap;
      continue;
    }
    AppendVarint(gap, bytes);
    AppendVarint(static_cast<uint64_t>(count), bytes);
    gap = 0;
  }
  AppendVarint(gap, bytes);  // The last bin was passed or is at the end.
}

// Calls f(bin, count) for each bin that is not empty; false if the bytes at
// `*position`, which it moves, are no such histogram. A gap that ends exactly
// at `num_bins` is the end.
template <typename F>
bool Decode(absl::string_view bytes, size_t num_bins, size_t* position, F f) {
  uint64_t bin = 0;
  while (true) {
    uint64_t gap = 0, count = 0;
    if (!ReadVarint(bytes, position, &gap) || gap > num_bins - bin) {
      return false;
    }
    bin += gap;
    if (bin == num_bins) return true;
    if (!ReadVarint(bytes, position, &count) || count == 0 ||
        count > (uint64_t{1} << 62)) {
      return false;
    }
    f(static_cast<size_t>(bin++), static_cast<int64_t>(count));
  }
}

}  // namespace

void PixelCounts::Clear() {
  std::fill(foreground.begin(), foreground.end(), 0);
  std::fill(background.begin(), background.end(), 0);
}

void PixelCounts::Add(const PixelCounts& other) {
  for (size_t i = 0; i < foreground.size(); ++i) {
    foreground[i] += other.foreground[i];
    background[i] += other.background[i];
  }
}

MaskHistogram::MaskHistogram(const PixelCounts& counts) {
  Encode(counts.foreground, &encoded_);
  Encode(counts.background, &encoded_);
}

void MaskHistogram::AddTo(PixelCounts* counts) const {
  size_t position = 0;
  for (std::vector<int64_t>* const histogram :
       {&counts->foreground, &counts->background}) {
    Decode(
        encoded_, histogram->size(), &position,
        [histogram](size_t bin, int64_t count) { (*histogram)[bin] += count; });
  }
}

absl::StatusOr<MaskHistogram> MaskHistogram::Parse(absl::string_view encoded,
                                                   size_t num_bins) {
  size_t position = 0;
  const auto ignore = [](size_t, int64_t) {};
  if (!Decode(encoded, num_bins, &position, ignore) ||
      !Decode(encoded, num_bins, &position, ignore) ||
      position != encoded.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "histograms of a mask: got ", encoded.size(),
        " bytes that are not two histograms of ", num_bins, " bins"));
  }
  MaskHistogram histogram;
  histogram.encoded_ = std::string(encoded);
  return histogram;
}

}  // namespace wsol
