#include "wsol/metrics/tau_sets.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

// Calls f(begin, end) for each run of the set at `*position` and moves behind
// it; false if the bytes are no set.
template <typename F>
bool ForEachRun(absl::string_view bytes, size_t* position, F f) {
  uint64_t num_runs = 0;
  if (!ReadVarint(bytes, position, &num_runs)) return false;
  uint64_t end = 0;
  for (uint64_t i = 0; i < num_runs; ++i) {
    uint64_t gap = 0, length = 0;
    if (!ReadVarint(bytes, position, &gap) ||
        !ReadVarint(bytes, position, &length)) {
      return false;
    }
    const uint64_t begin = end + gap;
    end = begin + length;
    if (!f(begin, end)) return false;
  }
  return true;
}

}  // namespace

void TauSets::Append(absl::Span<const std::pair<uint32_t, uint32_t>> runs) {
  AppendVarint(runs.size(), &encoded_);
  uint32_t end = 0;
  for (const auto& run : runs) {
    AppendVarint(run.first - end, &encoded_);
    AppendVarint(run.second - run.first, &encoded_);
    end = run.second;
  }
  ++size_;
}

TauRuns TauSets::Runs(size_t set) const {
  TauRuns runs;
  size_t position = 0;
  for (size_t i = 0; i <= set; ++i) {
    ForEachRun(encoded_, &position, [&](uint64_t begin, uint64_t end) {
      if (i == set) {
        runs.emplace_back(static_cast<uint32_t>(begin),
                          static_cast<uint32_t>(end));
      }
      return true;
    });
  }
  return runs;
}

bool TauSets::Contains(size_t set, size_t tau_index) const {
  bool contains = false;
  size_t position = 0;
  for (size_t i = 0; i <= set; ++i) {
    ForEachRun(encoded_, &position, [&](uint64_t begin, uint64_t end) {
      contains |= i == set && begin <= tau_index && tau_index < end;
      return true;
    });
  }
  return contains;
}

absl::StatusOr<TauSets> TauSets::Parse(absl::string_view encoded, size_t size,
                                       size_t num_taus) {
  size_t position = 0;
  bool is_valid = true;
  for (size_t i = 0; i < size && is_valid; ++i) {
    uint64_t last_end = 0;
    bool is_first = true;
    is_valid =
        ForEachRun(encoded, &position, [&](uint64_t begin, uint64_t end) {
          // Sums of small numbers only: each is checked before the next is
          // added.
          const bool fits = begin < num_taus && begin < end &&
                            end <= num_taus && (is_first || begin > last_end);
          is_first = false;
          last_end = end;
          return fits;
        });
  }
  if (!is_valid || position != encoded.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sets of thresholds: got ", encoded.size(), " bytes that are not ",
        size, " sets of thresholds below ", num_taus));
  }
  TauSets sets;
  sets.encoded_ = std::string(encoded);
  sets.size_ = size;
  return sets;
}

bool operator==(const TauSets& a, const TauSets& b) {
  return a.size() == b.size() && a.encoded() == b.encoded();
}

}  // namespace wsol
