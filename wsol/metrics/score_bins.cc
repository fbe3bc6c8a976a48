#include "wsol/metrics/score_bins.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wsol/metrics/protocol_frame.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "wsol/metrics/score_bins.cc"
#include "hwy/foreach_target.h"
// foreach_target.h first: it compiles this file once for each instruction set.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace wsol {
namespace internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// For each pixel where it counts: its bin, plus `num_bins` in the background,
// or 2 * num_bins if it does not count. Bins come from the product with
// taus_per_unit, which rounding may carry to a neighbouring bin; the products i
// * tau_interval, exactly the edges, tell.
void FindSlots(const double* HWY_RESTRICT scores,
               const uint8_t* HWY_RESTRICT labels, size_t n,
               double tau_interval, double taus_per_unit, int32_t last_tau,
               int32_t num_bins, int32_t* HWY_RESTRICT slots) {
  const hn::ScalableTag<double> d64;
  const hn::Rebind<int32_t, decltype(d64)> d32;
  const hn::Rebind<uint8_t, decltype(d64)> d8;
  const auto one = hn::Set(d64, 1.0);
  const auto interval = hn::Set(d64, tau_interval);
  const auto per_unit = hn::Set(d64, taus_per_unit);
  const auto last = hn::Set(d64, static_cast<double>(last_tau));
  const auto foreground = hn::Set(d32, kForegroundLabel);
  const auto background = hn::Set(d32, kBackgroundLabel);
  const auto background_shift = hn::Set(d32, num_bins);
  const auto ignored_slot = hn::Set(d32, 2 * num_bins);
  // Compilers must not merge the products with what follows; compares follow.
  for (size_t i = 0; i < n; i += hn::Lanes(d64)) {
    const auto score = hn::LoadU(d64, scores + i);
    const auto guess =
        hn::PromoteTo(d64, hn::DemoteTo(d32, hn::Mul(score, per_unit)));
    const auto next = hn::Add(guess, one);
    const auto too_high = hn::Lt(score, hn::Mul(guess, interval));
    const auto too_low = hn::Ge(score, hn::Mul(next, interval));
    auto bin = hn::IfThenElse(too_low, next, guess);
    bin = hn::IfThenElse(too_high, hn::Sub(guess, one), bin);
    bin = hn::Min(bin, last);
    bin = hn::IfThenElse(hn::Ge(score, one), hn::Add(last, one), bin);
    const auto label = hn::PromoteTo(d32, hn::LoadU(d8, labels + i));
    const auto slot = hn::DemoteTo(d32, bin);
    auto result = hn::IfThenElse(hn::Eq(label, background),
                                 hn::Add(slot, background_shift), ignored_slot);
    result = hn::IfThenElse(hn::Eq(label, foreground), slot, result);
    hn::StoreU(result, d32, slots + i);
  }
}

size_t SlotLanes() { return hn::Lanes(hn::ScalableTag<double>()); }

}  // namespace HWY_NAMESPACE
}  // namespace internal
}  // namespace wsol
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace wsol {
namespace internal {
namespace {

HWY_EXPORT(FindSlots);
HWY_EXPORT(SlotLanes);

}  // namespace
}  // namespace internal

namespace {

// Neighbouring pixels often share a bin, and an addition has to wait for the
// one before it to the same place: they take turns with two tables.
constexpr size_t kNumTables = 2;
constexpr size_t kBlock = 512;

}  // namespace

ScoreBins::ScoreBins(double tau_interval)
    : edges_(TauList(tau_interval)),
      last_tau_(edges_.size() - 1),
      tau_interval_(tau_interval),
      taus_per_unit_(1 / tau_interval) {
  edges_.insert(edges_.end(), {1, 2, 3});
  tables_.assign(kNumTables * (2 * num_bins() + 1), 0);
}

size_t ScoreBins::Find(double score) const {
  if (score >= 1) return last_tau_ + 1;
  size_t bin = std::min(static_cast<size_t>(score * taus_per_unit_), last_tau_);
  while (score < edges_[bin]) --bin;
  while (score >= edges_[bin + 1]) ++bin;
  return bin;
}

void ScoreBins::Count(const double* scores, const uint8_t* labels, size_t n,
                      PixelCounts* counts) {
  const auto find_slots = HWY_DYNAMIC_DISPATCH(internal::FindSlots);
  const auto num_slots = static_cast<int32_t>(num_bins());
  int32_t slots[kBlock];
  uint32_t* const even = tables_.data();
  uint32_t* const odd = even + 2 * num_bins() + 1;
  const size_t lanes = HWY_DYNAMIC_DISPATCH(internal::SlotLanes)();
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t size = std::min(kBlock, n - begin);
    // Whole vectors, then the rest from a copy.
    const size_t whole = size / lanes * lanes;
    find_slots(scores + begin, labels + begin, whole, tau_interval_,
               taus_per_unit_, static_cast<int32_t>(last_tau_), num_slots,
               slots);
    for (size_t i = whole; i < size; ++i) {
      const uint8_t label = labels[begin + i];
      const size_t bin = Find(scores[begin + i]);
      slots[i] =
          static_cast<int32_t>(label == kForegroundLabel   ? bin
                               : label == kBackgroundLabel ? num_bins() + bin
                                                           : 2 * num_bins());
    }
    size_t i = 0;
    for (; i + 2 <= size; i += 2) {
      ++even[slots[i]];
      ++odd[slots[i + 1]];
    }
    if (i < size) ++even[slots[i]];
    unflushed_ += size;
    // No table overflows.
    if (unflushed_ > (uint64_t{1} << 31)) Flush(counts);
  }
  Flush(counts);
}

void ScoreBins::Flush(PixelCounts* counts) {
  const size_t bins = num_bins();
  const size_t size = 2 * bins + 1;
  for (size_t i = 0; i < bins; ++i) {
    counts->foreground[i] += int64_t{tables_[i]} + tables_[size + i];
    counts->background[i] +=
        int64_t{tables_[bins + i]} + tables_[size + bins + i];
  }
  std::fill(tables_.begin(), tables_.end(), 0);
  unflushed_ = 0;
}

}  // namespace wsol
#endif  // HWY_ONCE
