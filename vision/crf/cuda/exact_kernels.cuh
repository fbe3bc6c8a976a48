// All pairs of pixels: a float32 kernel for any device, and one that takes both
// the exponents and the weighted sums as matrix products on tensor cores.

#ifndef VISION_CRF_CUDA_EXACT_KERNELS_CUH_
#define VISION_CRF_CUDA_EXACT_KERNELS_CUH_

#include "vision/crf/cuda/device.cuh"

namespace vision {
namespace cuda_internal {

constexpr int kExactThreads = 128;

// Positions and colours in one unit: w_ij = 2^(factor |f_i - f_j|^2). Of the
// two, the one with the larger sigma is scaled down, so that the other, which
// decides about most weights, is exact for integers.
struct ExactScale {
  float position;
  float color;
  float factor;  // -log2(e) / (2 sigma^2), sigma that of the unscaled one.
};

// Grid: blocks of kExactThreads * kRows pixels, images. `in` and `out` point to
// the first of the kChannels channels of image 0; images are `image_stride`
// floats apart. Sums are taken over tiles of columns and then over tiles: the
// rounding of one long sum would exceed the error of everything else.
template <int kChannels, int kRows>
__global__ __launch_bounds__(kExactThreads) void ExactSimtKernel(
    const float* images, int size, int width, ExactScale scale, const float* in,
    float* out, size_t image_stride) {
  struct Tile {
    float features[5][kExactThreads];
    float values[kChannels][kExactThreads];
  };
  VISION_SHARED(Tile, tile);
  const int t = ThreadX();
  const float* rgb = images + static_cast<size_t>(BlockY()) * 3 * size;
  in += static_cast<size_t>(BlockY()) * image_stride;
  out += static_cast<size_t>(BlockY()) * image_stride;

  const auto load = [&](int i, float(&feature)[5]) {
    const int y = i / width;
    feature[0] = static_cast<float>(i - y * width) * scale.position;
    feature[1] = static_cast<float>(y) * scale.position;
    for (int c = 0; c < 3; ++c) {
      feature[2 + c] = rgb[static_cast<size_t>(c) * size + i] * scale.color;
    }
  };

  const int first = BlockX() * kExactThreads * kRows + t;
  float row[kRows][5];
  float sum[kRows][kChannels];
  VISION_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int i = first + r * kExactThreads;
    load(i < size ? i : size - 1, row[r]);
    VISION_UNROLL
    for (int k = 0; k < kChannels; ++k) sum[r][k] = 0.0f;
  }

  for (int j0 = 0; j0 < size; j0 += kExactThreads) {
    SyncBlock();
    {
      // Columns beyond the end repeat the last one with value zero.
      const int j = j0 + t;
      float column[5];
      load(j < size ? j : size - 1, column);
      for (int d = 0; d < 5; ++d) tile.features[d][t] = column[d];
      for (int k = 0; k < kChannels; ++k) {
        tile.values[k][t] =
            j < size ? in[static_cast<size_t>(k) * size + j] : 0.0f;
      }
    }
    SyncBlock();
    float tile_sum[kRows][kChannels] = {};
    VISION_UNROLL_BY(4)
    for (int j = 0; j < kExactThreads; ++j) {
      float column[5];
      VISION_UNROLL
      for (int d = 0; d < 5; ++d) column[d] = tile.features[d][j];
      VISION_UNROLL
      for (int r = 0; r < kRows; ++r) {
        float distance = 0.0f;
        VISION_UNROLL
        for (int d = 0; d < 5; ++d) {
          const float difference = row[r][d] - column[d];
          distance = FusedMultiplyAdd(difference, difference, distance);
        }
        const float weight = Exp2(scale.factor * distance);
        VISION_UNROLL
        for (int k = 0; k < kChannels; ++k) {
          tile_sum[r][k] =
              FusedMultiplyAdd(weight, tile.values[k][j], tile_sum[r][k]);
        }
      }
    }
    VISION_UNROLL
    for (int r = 0; r < kRows; ++r) {
      VISION_UNROLL
      for (int k = 0; k < kChannels; ++k) sum[r][k] += tile_sum[r][k];
    }
  }

  VISION_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const int i = first + r * kExactThreads;
    if (i >= size) break;
    VISION_UNROLL
    for (int k = 0; k < kChannels; ++k) {
      out[static_cast<size_t>(k) * size + i] = sum[r][k];
    }
  }
}

// ---- Tensor cores ----------------------------------------------------------
//
// The exponent of a pair is -n_i plus an inner product of 16 half floats,
//   -n_j + alpha c_i . c_j + beta x_i . x_j,  n = (alpha |c|^2 + beta |x|^2) /
//   2,
// alpha = log2(e) / sigma_rgb^2 and beta = log2(e) / sigma_xy^2. A half float
// has 11 bits. Positions are integers, exact up to 2048; everything else is
// split into the nearest half float and those of the rest:
//   slot   0 1 2 | 3 4 5 | 6 7 8 | 9 10 | 11 12 | 13 14 15
//   row    h h l   h h l   h h l   x x    y y   | 1  1  1
//   column h l h   h l h   h l h   h l    h l   | -n, in three parts
// with colours in slots 0 to 8, those of columns times alpha, and the columns'
// positions times beta. Products of two rests, 2^-22, are left out. Rows add
// their own -n in float32.
// Then P = 2^exponent is rounded to half floats and multiplied with the maps'
// values, again as two half floats, in the 8 columns {k0 h, k0 l, k1 h, ...}.

constexpr int kTensorChannels = 4;
constexpr int kPadding = 128;     // Pixels are padded to a multiple of it.
constexpr int kTileColumns = 64;  // Staged in shared memory at a time.

struct TensorScale {
  float color_unit;        // Multiplies colours: a power of two.
  float alpha;             // log2(e) / (sigma_rgb color_unit)^2.
  float beta;              // log2(e) / sigma_xy^2.
  float padding_exponent;  // Of pairs with a pixel that does not exist.
};

// Packs the operands of each pixel, [images, padded, 8] pairs of half floats,
// and the rows' norms, [images, padded]. Grid: blocks of kExactThreads pixels,
// images.
__global__ __launch_bounds__(kExactThreads) void PackPixelsKernel(
    const float* images, const uint32_t* ranges, int size, int padded,
    int width, int height, TensorScale scale, uint32_t* rows, float* row_norms,
    uint32_t* columns) {
  const int i = BlockX() * kExactThreads + ThreadX();
  if (i >= padded) return;
  const size_t image = static_cast<size_t>(BlockY());
  float row[16] = {};
  float column[16] = {};
  float norm = 0.0f;
  if (i < size) {
    VISION_UNROLL
    for (int c = 0; c < 3; ++c) {
      const uint32_t* range = ranges + 2 * (3 * image + c);
      const float middle =
          0.5f * (FloatOfOrderedBits(range[0]) + FloatOfOrderedBits(range[1]));
      // Bytes stay integers.
      const float center = floorf(middle * scale.color_unit);
      const float value =
          images[(3 * image + c) * size + i] * scale.color_unit - center;
      const float scaled = scale.alpha * value;
      norm = FusedMultiplyAdd(0.5f * scaled, value, norm);
      row[3 * c] = row[3 * c + 1] = RoundToHalf(value);
      row[3 * c + 2] = value - row[3 * c];
      column[3 * c] = column[3 * c + 2] = RoundToHalf(scaled);
      column[3 * c + 1] = scaled - column[3 * c];
    }
    const int y = i / width;
    const int position[2] = {i - y * width - width / 2, y - height / 2};
    VISION_UNROLL
    for (int d = 0; d < 2; ++d) {
      const float value = static_cast<float>(position[d]);
      const float scaled = scale.beta * value;
      norm = FusedMultiplyAdd(0.5f * scaled, value, norm);
      row[9 + 2 * d] = row[10 + 2 * d] = value;
      column[9 + 2 * d] = RoundToHalf(scaled);
      column[10 + 2 * d] = scaled - column[9 + 2 * d];
    }
    row[13] = row[14] = row[15] = 1.0f;
    column[13] = RoundToHalf(-norm);
    column[14] = RoundToHalf(-norm - column[13]);
    column[15] = -norm - column[13] - column[14];
  } else {
    // A column of weight zero; a row whose results are not stored.
    column[13] = scale.padding_exponent;
  }
  const size_t pixel = image * padded + i;
  row_norms[pixel] = norm;
  VISION_UNROLL
  for (int q = 0; q < 8; ++q) {
    rows[pixel * 8 + q] = PackHalves(row[2 * q], row[2 * q + 1]);
    columns[pixel * 8 + q] = PackHalves(column[2 * q], column[2 * q + 1]);
  }
}

// The power of two that brings a map's values into [-2, 2], and its inverse.
__device__ __forceinline__ float MapScale(const uint32_t* range) {
  const float low = fabsf(FloatOfOrderedBits(range[0]));
  const float high = fabsf(FloatOfOrderedBits(range[1]));
  const unsigned exponent = FloatBits(low > high ? low : high) >> 23;
  // Between 2^-100 and 2^100, so that the inverse is a normal number too.
  const unsigned clamped =
      exponent < 27 ? 27u : (exponent > 227 ? 227u : exponent);
  return FloatOfBits(clamped << 23);
}

// Packs the values of up to kTensorChannels channels, as pairs of neighbouring
// pixels: [images, 8, padded / 2]. Grid: blocks of kExactThreads pairs, images.
__global__ __launch_bounds__(kExactThreads) void PackMapsKernel(
    const float* in, size_t image_stride, const uint32_t* ranges,
    int total_channels, int first_channel, int size, int padded,
    uint32_t* values) {
  const int pair = BlockX() * kExactThreads + ThreadX();
  if (2 * pair >= padded) return;
  const int image = BlockY();
  for (int k = 0; k < kTensorChannels; ++k) {
    float high[2] = {};
    float low[2] = {};
    if (first_channel + k < total_channels) {
      const size_t plane =
          static_cast<size_t>(image) * total_channels + first_channel + k;
      const float factor = 1.0f / MapScale(ranges + 2 * plane);
      const float* map = in + static_cast<size_t>(image) * image_stride +
                         static_cast<size_t>(first_channel + k) * size;
      for (int h = 0; h < 2; ++h) {
        const float value =
            2 * pair + h < size ? factor * map[2 * pair + h] : 0.0f;
        high[h] = RoundToHalf(value);
        low[h] = value - high[h];
      }
    }
    const size_t base =
        (static_cast<size_t>(image) * 8 + 2 * k) * (padded / 2) + pair;
    values[base] = PackHalves(high[0], high[1]);
    values[base + padded / 2] = PackHalves(low[0], low[1]);
  }
}

// Each warp takes 16 * kTiles rows; grid: blocks of 64 * kTiles rows, images.
template <int kTiles>
__global__ __launch_bounds__(kExactThreads) void ExactTensorKernel(
    const uint32_t* rows, const float* row_norms, const uint32_t* columns,
    const uint32_t* values, const uint32_t* ranges, int size, int padded,
    int total_channels, int first_channel, float* out, size_t image_stride) {
  // Row pitches that spread the lanes' loads over all banks.
  constexpr int kColumnPitch = 12;
  constexpr int kValuePitch = kTileColumns / 2 + 4;
  struct Tile {
    uint32_t columns[kTileColumns * kColumnPitch];
    uint32_t values[8 * kValuePitch];
  };
  VISION_SHARED(Tile, tile);
  const int t = ThreadX();
  const int group = Lane() / 4;
  const int pair = Lane() % 4;
  const size_t image = static_cast<size_t>(BlockY());
  rows += image * padded * 8;
  row_norms += image * padded;
  columns += image * padded * 8;
  values += image * 8 * (padded / 2);

  const int first =
      (BlockX() * (kExactThreads / kWarpSize) + WarpOfBlock()) * 16 * kTiles;
  uint32_t row[kTiles][4];
  float norm[kTiles][2];  // Of the lane's two rows.
  float sum[kTiles][4];
  VISION_UNROLL
  for (int m = 0; m < kTiles; ++m) {
    // The last block may have tiles beyond the end.
    const int upper = first + 16 * m < padded ? first + 16 * m + group : group;
    const uint32_t* top = rows + static_cast<size_t>(upper) * 8;
    row[m][0] = top[pair];
    row[m][1] = top[8 * 8 + pair];
    row[m][2] = top[4 + pair];
    row[m][3] = top[8 * 8 + 4 + pair];
    norm[m][0] = row_norms[upper];
    norm[m][1] = row_norms[upper + 8];
    VISION_UNROLL
    for (int q = 0; q < 4; ++q) sum[m][q] = 0.0f;
  }

  for (int j0 = 0; j0 < padded; j0 += kTileColumns) {
    SyncBlock();
    for (int q = t; q < kTileColumns * 8; q += kExactThreads) {
      tile.columns[q / 8 * kColumnPitch + q % 8] =
          columns[static_cast<size_t>(j0) * 8 + q];
    }
    for (int q = t; q < 8 * (kTileColumns / 2); q += kExactThreads) {
      const int line = q / (kTileColumns / 2);
      const int word = q % (kTileColumns / 2);
      tile.values[line * kValuePitch + word] =
          values[static_cast<size_t>(line) * (padded / 2) + j0 / 2 + word];
    }
    SyncBlock();
    // Tensor cores cut off bits when they add up: short sums only.
    float tile_sum[kTiles][4] = {};
    VISION_UNROLL
    for (int j = 0; j < kTileColumns; j += 16) {
      const uint32_t* left = tile.columns + (j + group) * kColumnPitch + pair;
      const uint32_t* right = left + 8 * kColumnPitch;
      const uint32_t* value = tile.values + group * kValuePitch + j / 2 + pair;
      const uint32_t left_columns[2] = {left[0], left[4]};
      const uint32_t right_columns[2] = {right[0], right[4]};
      const uint32_t map[2] = {value[0], value[4]};
      VISION_UNROLL
      for (int m = 0; m < kTiles; ++m) {
        float left_exponents[4] = {-norm[m][0], -norm[m][0], -norm[m][1],
                                   -norm[m][1]};
        float right_exponents[4] = {-norm[m][0], -norm[m][0], -norm[m][1],
                                    -norm[m][1]};
        MultiplyTiles(row[m], left_columns, left_exponents);
        MultiplyTiles(row[m], right_columns, right_exponents);
        // The layout of a result is that of half of a left operand.
        const uint32_t weights[4] = {
            PackHalves(Exp2(left_exponents[0]), Exp2(left_exponents[1])),
            PackHalves(Exp2(left_exponents[2]), Exp2(left_exponents[3])),
            PackHalves(Exp2(right_exponents[0]), Exp2(right_exponents[1])),
            PackHalves(Exp2(right_exponents[2]), Exp2(right_exponents[3]))};
        MultiplyTiles(weights, map, tile_sum[m]);
      }
    }
    VISION_UNROLL
    for (int m = 0; m < kTiles; ++m) {
      VISION_UNROLL
      for (int q = 0; q < 4; ++q) sum[m][q] += tile_sum[m][q];
    }
  }

  // Columns 2 pair and 2 pair + 1 are the two parts of channel `pair`.
  const int channel = first_channel + pair;
  if (channel >= total_channels) return;
  const float factor =
      MapScale(ranges + 2 * (image * total_channels + channel));
  float* map = out + image * image_stride + static_cast<size_t>(channel) * size;
  VISION_UNROLL
  for (int m = 0; m < kTiles; ++m) {
    const int i = first + 16 * m + group;
    if (i < size) map[i] = factor * (sum[m][0] + sum[m][1]);
    if (i + 8 < size) map[i + 8] = factor * (sum[m][2] + sum[m][3]);
  }
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_EXACT_KERNELS_CUH_
