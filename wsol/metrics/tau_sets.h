// Sets of thresholds in a few bytes each: at which thresholds an image is
// right. A set of neighbouring thresholds, the usual case, takes 3 to 5 bytes.
//
//   wsol::TauSets sets;
//   sets.Append(wsol::TauRuns{{100, 400}});  // Thresholds 100 ... 399.
//   sets.Contains(0, 250);  // true

#ifndef WSOL_METRICS_TAU_SETS_H_
#define WSOL_METRICS_TAU_SETS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace wsol {

// Thresholds by index, as half-open runs that rise and do not touch.
using TauRuns = std::vector<std::pair<uint32_t, uint32_t>>;

// A short list of sets. Copyable; a few dozen bytes.
class TauSets {
 public:
  void Append(absl::Span<const std::pair<uint32_t, uint32_t>> runs);

  // Number of sets.
  size_t size() const { return size_; }

  // Set number `set` < size(). O(bytes of the list up to the set).
  TauRuns Runs(size_t set) const;
  bool Contains(size_t set, size_t tau_index) const;

  // The bytes: of each set the number of its runs, then the gap before and the
  // length of each run, as base-128 numbers.
  const std::string& encoded() const { return encoded_; }

  // The list of `size` sets of thresholds below `num_taus` with these bytes.
  // kInvalidArgument for any other bytes.
  static absl::StatusOr<TauSets> Parse(absl::string_view encoded, size_t size,
                                       size_t num_taus);

 private:
  std::string encoded_;
  size_t size_ = 0;
};

bool operator==(const TauSets& a, const TauSets& b);

}  // namespace wsol

#endif  // WSOL_METRICS_TAU_SETS_H_
