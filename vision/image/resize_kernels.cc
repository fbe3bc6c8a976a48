#include "vision/image/resize_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/image/resize_kernels.cc"
#include "hwy/foreach_target.h"
// foreach_target.h first: it compiles this file once for each instruction set.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace internal {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows that FilterHorizontally() works on at once: a tile of 16 x 16 bytes is
// what 128-bit interleaving transposes.
constexpr int kTile = 16;

// out[j][i] = in[i][j] for 16 x 16 bytes.
HWY_INLINE void TransposeTile(const uint8_t* const* in, uint8_t* const* out) {
#if HWY_TARGET == HWY_SCALAR || HWY_HAVE_SCALABLE
  // No 16 lanes, or vectors of unknown size, which cannot be in arrays.
  for (int j = 0; j < kTile; ++j) {
    for (int i = 0; i < kTile; ++i) out[j][i] = in[i][j];
  }
#else
  const hn::FixedTag<uint8_t, kTile> d;
  hn::Vec<decltype(d)> a[kTile];
  hn::Vec<decltype(d)> b[kTile];
  for (int i = 0; i < kTile; ++i) a[i] = hn::LoadU(d, in[i]);
  // Interleaving row i with row i + 8 moves the top bit of the row number to
  // the bottom of the column number; four times makes it a transposition.
  const auto step = [&](const hn::Vec<decltype(d)>* from,
                        hn::Vec<decltype(d)>* to) HWY_ATTR {
    for (int i = 0; i < kTile / 2; ++i) {
      to[2 * i] = hn::InterleaveLower(d, from[i], from[i + kTile / 2]);
      to[2 * i + 1] = hn::InterleaveUpper(d, from[i], from[i + kTile / 2]);
    }
  };
  step(a, b);
  step(b, a);
  step(a, b);
  step(b, a);
  for (int i = 0; i < kTile; ++i) hn::StoreU(a[i], d, out[i]);
#endif
}

// columns[j * 16 + i] = rows[i][j] for `length` bytes of 16 rows.
void RowsToColumns(const uint8_t* const* rows, size_t length,
                   uint8_t* columns) {
  if (length < kTile) {
    for (size_t j = 0; j < length; ++j) {
      for (int i = 0; i < kTile; ++i) columns[j * kTile + i] = rows[i][j];
    }
    return;
  }
  const uint8_t* in[kTile];
  uint8_t* out[kTile];
  for (size_t begin = 0; begin < length; begin += kTile) {
    // The last tile overlaps the one before it.
    const size_t j = std::min(begin, length - kTile);
    for (int i = 0; i < kTile; ++i) {
      in[i] = rows[i] + j;
      out[i] = columns + (j + i) * kTile;
    }
    TransposeTile(in, out);
  }
}

void ColumnsToRows(const uint8_t* columns, size_t length,
                   uint8_t* const* rows) {
  if (length < kTile) {
    for (size_t j = 0; j < length; ++j) {
      for (int i = 0; i < kTile; ++i) rows[i][j] = columns[j * kTile + i];
    }
    return;
  }
  const uint8_t* in[kTile];
  uint8_t* out[kTile];
  for (size_t begin = 0; begin < length; begin += kTile) {
    const size_t j = std::min(begin, length - kTile);
    for (int i = 0; i < kTile; ++i) {
      in[i] = columns + (j + i) * kTile;
      out[i] = rows[i] + j;
    }
    TransposeTile(in, out);
  }
}

// Rounds a sum to the nearest byte, clipped.
template <class D32, class V = hn::Vec<D32>>
HWY_INLINE void StoreBytes(D32 d32, V sum, uint8_t* out) {
  const hn::Rebind<uint8_t, D32> d8;
  const V half = hn::Set(d32, 1 << (kWeightBits - 1));
  hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kWeightBits>(hn::Add(sum, half))),
             d8, out);
}

template <class D32, class V = hn::Vec<D32>>
HWY_INLINE V MulAddBytes(D32 d32, const uint8_t* in, V weight, V sum) {
  const hn::Rebind<uint8_t, D32> d8;
  return hn::Add(sum, hn::Mul(weight, hn::PromoteTo(d32, hn::LoadU(d8, in))));
}

// Filters 16 transposed rows: in[source byte][16] to out[target byte][16].
template <int kChannels>
void FilterColumns(const uint8_t* HWY_RESTRICT in, const AxisWeights& axis,
                   uint8_t* HWY_RESTRICT out) {
  const hn::CappedTag<int32_t, kTile> d32;
  using V = hn::Vec<decltype(d32)>;
  const int lanes = static_cast<int>(hn::Lanes(d32));
  constexpr size_t kPixel = size_t{kTile} * kChannels;
  const int width = static_cast<int>(axis.first.size());
  for (int x = 0; x < width; ++x, out += kPixel) {
    const int32_t* weights =
        axis.weights.data() + static_cast<size_t>(x) * axis.max_taps;
    const int taps = axis.taps[x];
    for (int row = 0; row < kTile; row += lanes) {
      const uint8_t* pixel = in + axis.first[x] * kPixel + row;
      // Named sums, not an array: some vector types cannot be array elements.
      V sum0 = hn::Zero(d32);
      V sum1 = sum0;
      V sum2 = sum0;
      V sum3 = sum0;
      for (int t = 0; t < taps; ++t, pixel += kPixel) {
        const V weight = hn::Set(d32, weights[t]);
        sum0 = MulAddBytes(d32, pixel, weight, sum0);
        if constexpr (kChannels > 1) {
          sum1 = MulAddBytes(d32, pixel + kTile, weight, sum1);
        }
        if constexpr (kChannels > 2) {
          sum2 = MulAddBytes(d32, pixel + 2 * kTile, weight, sum2);
        }
        if constexpr (kChannels > 3) {
          sum3 = MulAddBytes(d32, pixel + 3 * kTile, weight, sum3);
        }
      }
      StoreBytes(d32, sum0, out + row);
      if constexpr (kChannels > 1) StoreBytes(d32, sum1, out + row + kTile);
      if constexpr (kChannels > 2) StoreBytes(d32, sum2, out + row + 2 * kTile);
      if constexpr (kChannels > 3) StoreBytes(d32, sum3, out + row + 3 * kTile);
    }
  }
}

void FilterHorizontallyImpl(ConstRows source, int height, int source_width,
                            int channels, const AxisWeights& axis,
                            Rows target) {
  const size_t source_bytes = static_cast<size_t>(source_width) * channels;
  const size_t target_bytes = axis.first.size() * channels;
  std::vector<uint8_t> source_columns(source_bytes * kTile);
  std::vector<uint8_t> target_columns(target_bytes * kTile);
  const uint8_t* in[kTile];
  uint8_t* out[kTile];
  for (int y = 0; y < height; y += kTile) {
    for (int i = 0; i < kTile; ++i) {
      // The last tile repeats the last row.
      const size_t row = std::min(y + i, height - 1);
      in[i] = source.data + row * source.stride;
      out[i] = target.data + row * target.stride;
    }
    RowsToColumns(in, source_bytes, source_columns.data());
    switch (channels) {
      case 1:
        FilterColumns<1>(source_columns.data(), axis, target_columns.data());
        break;
      case 2:
        FilterColumns<2>(source_columns.data(), axis, target_columns.data());
        break;
      case 3:
        FilterColumns<3>(source_columns.data(), axis, target_columns.data());
        break;
      default:
        FilterColumns<4>(source_columns.data(), axis, target_columns.data());
    }
    ColumnsToRows(target_columns.data(), target_bytes, out);
  }
}

// One target row from `taps` source rows.
void FilterOneRow(const uint8_t* in, size_t stride, const int32_t* weights,
                  int taps, size_t row_bytes, uint8_t* HWY_RESTRICT out) {
  const hn::ScalableTag<int32_t> d32;
  using V = hn::Vec<decltype(d32)>;
  const size_t lanes = hn::Lanes(d32);
  size_t x = 0;
  // Four vectors at a time hide the latency of the products.
  for (; x + 4 * lanes <= row_bytes; x += 4 * lanes) {
    V sum0 = hn::Zero(d32);
    V sum1 = sum0;
    V sum2 = sum0;
    V sum3 = sum0;
    const uint8_t* row = in + x;
    for (int t = 0; t < taps; ++t, row += stride) {
      const V weight = hn::Set(d32, weights[t]);
      sum0 = MulAddBytes(d32, row, weight, sum0);
      sum1 = MulAddBytes(d32, row + lanes, weight, sum1);
      sum2 = MulAddBytes(d32, row + 2 * lanes, weight, sum2);
      sum3 = MulAddBytes(d32, row + 3 * lanes, weight, sum3);
    }
    StoreBytes(d32, sum0, out + x);
    StoreBytes(d32, sum1, out + x + lanes);
    StoreBytes(d32, sum2, out + x + 2 * lanes);
    StoreBytes(d32, sum3, out + x + 3 * lanes);
  }
  const auto filter_vector = [&](auto d, size_t at) HWY_ATTR {
    auto sum = hn::Zero(d);
    const uint8_t* row = in + at;
    for (int t = 0; t < taps; ++t, row += stride) {
      sum = MulAddBytes(d, row, hn::Set(d, weights[t]), sum);
    }
    StoreBytes(d, sum, out + at);
  };
  for (; x + lanes <= row_bytes; x += lanes) filter_vector(d32, x);
  for (; x < row_bytes; ++x) filter_vector(hn::CappedTag<int32_t, 1>(), x);
}

void FilterVerticallyImpl(ConstRows source, size_t row_bytes,
                          const AxisWeights& axis, Rows target) {
  const size_t height = axis.first.size();
  for (size_t y = 0; y < height; ++y) {
    FilterOneRow(source.data + axis.first[y] * source.stride, source.stride,
                 axis.weights.data() + y * axis.max_taps, axis.taps[y],
                 row_bytes, target.data + y * target.stride);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace internal
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace vision {
namespace internal {

HWY_EXPORT(FilterHorizontallyImpl);
HWY_EXPORT(FilterVerticallyImpl);

void FilterHorizontally(ConstRows source, int height, int source_width,
                        int channels, const AxisWeights& axis, Rows target) {
  HWY_DYNAMIC_DISPATCH(FilterHorizontallyImpl)
  (source, height, source_width, channels, axis, target);
}

void FilterVertically(ConstRows source, size_t row_bytes,
                      const AxisWeights& axis, Rows target) {
  HWY_DYNAMIC_DISPATCH(FilterVerticallyImpl)(source, row_bytes, axis, target);
}

}  // namespace internal
}  // namespace vision

#endif  // HWY_ONCE
