// What the kernels use of the device: thread indices, barriers, warp
// collectives, atomics, approximate and correctly rounded arithmetic, the
// tensor core's m16n8k16 product, and launches. nvcc compiles it to
// instructions; any C++17 compiler to the emulation of emulation.h, so that the
// same kernel source runs in tests on the host.
//
// All warp collectives are for whole warps: each of the 32 lanes must come.

#ifndef VISION_CRF_CUDA_DEVICE_CUH_
#define VISION_CRF_CUDA_DEVICE_CUH_

#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#include <cuda_runtime_api.h>
#else
#include <cmath>

#include "vision/crf/cuda/emulation.h"

// CUDA's keywords. Shared memory is declared by VISION_SHARED.
#define __global__
#define __device__
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)
#endif

namespace vision {
namespace cuda_internal {

constexpr int kWarpSize = 32;

#ifdef __CUDACC__

using Dim3 = dim3;

#define VISION_UNROLL _Pragma("unroll")
#define VISION_UNROLL_BY(n) VISION_PRAGMA(unroll n)
#define VISION_PRAGMA(x) _Pragma(#x)

// Declares `name`, a reference to an object that the threads of a block share.
#define VISION_SHARED(Type, name) __shared__ Type name

__device__ __forceinline__ int ThreadX() {
  return static_cast<int>(threadIdx.x);
}
__device__ __forceinline__ int BlockX() { return static_cast<int>(blockIdx.x); }
__device__ __forceinline__ int BlockY() { return static_cast<int>(blockIdx.y); }
__device__ __forceinline__ int BlockZ() { return static_cast<int>(blockIdx.z); }
__device__ __forceinline__ int GridX() { return static_cast<int>(gridDim.x); }
__device__ __forceinline__ int GridY() { return static_cast<int>(gridDim.y); }

__device__ __forceinline__ void SyncBlock() { __syncthreads(); }
__device__ __forceinline__ void SyncWarp() { __syncwarp(); }
__device__ __forceinline__ unsigned Ballot(bool value) {
  return __ballot_sync(0xffffffffu, value);
}
// The lanes with the same value.
__device__ __forceinline__ unsigned MatchAny(unsigned value) {
  return __match_any_sync(0xffffffffu, value);
}
__device__ __forceinline__ float ShuffleDown(float value, int distance) {
  return __shfl_down_sync(0xffffffffu, value, distance);
}
__device__ __forceinline__ float ShuffleXor(float value, int mask) {
  return __shfl_xor_sync(0xffffffffu, value, mask);
}
__device__ __forceinline__ unsigned ShuffleUp(unsigned value, int distance) {
  return __shfl_up_sync(0xffffffffu, value, distance);
}
__device__ __forceinline__ unsigned Shuffle(unsigned value, int lane) {
  return __shfl_sync(0xffffffffu, value, lane);
}

__device__ __forceinline__ int CountBits(unsigned value) {
  return __popc(value);
}
__device__ __forceinline__ int LowestBit(unsigned value) {
  return __ffs(static_cast<int>(value)) - 1;
}

__device__ __forceinline__ void AtomicAdd(float* address, float value) {
  atomicAdd(address, value);
}
__device__ __forceinline__ unsigned AtomicAdd(unsigned* address,
                                              unsigned value) {
  return atomicAdd(address, value);
}
__device__ __forceinline__ void AtomicMin(unsigned* address, unsigned value) {
  atomicMin(address, value);
}
__device__ __forceinline__ void AtomicMax(unsigned* address, unsigned value) {
  atomicMax(address, value);
}
__device__ __forceinline__ void AtomicOr(unsigned* address, unsigned value) {
  atomicOr(address, value);
}
__device__ __forceinline__ uint64_t AtomicCompareAndSwap(uint64_t* address,
                                                         uint64_t expected,
                                                         uint64_t desired) {
  return atomicCAS(reinterpret_cast<unsigned long long*>(address),
                   static_cast<unsigned long long>(expected),
                   static_cast<unsigned long long>(desired));
}
// A load from the L2 cache, which other blocks' atomics have written.
__device__ __forceinline__ uint64_t LoadFresh(const uint64_t* address) {
  return __ldcg(reinterpret_cast<const unsigned long long*>(address));
}

// 2^x, relative error 2e-7; 0 below -126.
__device__ __forceinline__ float Exp2(float x) {
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}
__device__ __forceinline__ float FusedMultiplyAdd(float a, float b, float c) {
  return fmaf(a, b, c);
}
// Rounded each by itself, never fused.
__device__ __forceinline__ float AddRounded(float a, float b) {
  return __fadd_rn(a, b);
}
__device__ __forceinline__ float SubRounded(float a, float b) {
  return __fsub_rn(a, b);
}
__device__ __forceinline__ float MulRounded(float a, float b) {
  return __fmul_rn(a, b);
}
__device__ __forceinline__ float DivRounded(float a, float b) {
  return __fdiv_rn(a, b);
}

// Two half floats in a word, `low` in the low bits.
__device__ __forceinline__ uint32_t PackHalves(float low, float high) {
  uint32_t result;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
  return result;
}
// The nearest half float.
__device__ __forceinline__ float RoundToHalf(float x) {
  float result;
  asm("{ .reg .f16 half; cvt.rn.f16.f32 half, %1; cvt.f32.f16 %0, half; }"
      : "=f"(result)
      : "f"(x));
  return result;
}

// sum = a b for a 16x16 `a` and a 16x8 `b` of half floats, in the register
// layout of PTX's mma.m16n8k16; float32 products and sums.
__device__ __forceinline__ void MultiplyTiles(const uint32_t (&a)[4],
                                              const uint32_t (&b)[2],
                                              float (&sum)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <class... Parameters, class... Arguments>
const char* LaunchKernel(void (*kernel)(Parameters...), Dim3 grid, int threads,
                         void* stream, Arguments... arguments) {
  kernel<<<grid, threads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<Parameters>(arguments)...);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

#else  // The emulation.

using cuda_emulation::Dim3;
using cuda_emulation::SyncBlock;

#define VISION_UNROLL
#define VISION_UNROLL_BY(n)

#define VISION_SHARED(Type, name)        \
  Type& name = *reinterpret_cast<Type*>( \
      ::vision::cuda_emulation::SharedMemory(sizeof(Type)))

inline int ThreadX() { return static_cast<int>(cuda_emulation::threadIdx.x); }
inline int BlockX() { return static_cast<int>(cuda_emulation::blockIdx.x); }
inline int BlockY() { return static_cast<int>(cuda_emulation::blockIdx.y); }
inline int BlockZ() { return static_cast<int>(cuda_emulation::blockIdx.z); }
inline int GridX() { return static_cast<int>(cuda_emulation::gridDim.x); }
inline int GridY() { return static_cast<int>(cuda_emulation::gridDim.y); }

inline void SyncWarp() {
  cuda_emulation::WarpCollective("SyncWarp", nullptr, nullptr);
}

// A lane's part in a collective on words.
struct LaneWord {
  unsigned value;
  int other;  // Lane to read, or distance to it.
  unsigned result;
};

template <class Combine>
unsigned WordCollective(const char* name, unsigned value, int other, Combine) {
  LaneWord word = {value, other, 0};
  cuda_emulation::WarpCollective(name, &word, [](void* const* arguments) {
    LaneWord* lanes[kWarpSize];
    for (int l = 0; l < kWarpSize; ++l) {
      lanes[l] = static_cast<LaneWord*>(arguments[l]);
    }
    for (int l = 0; l < kWarpSize; ++l) {
      lanes[l]->result = Combine()(lanes, l);
    }
  });
  return word.result;
}

struct BallotLanes {
  unsigned operator()(LaneWord* const* lanes, int) const {
    unsigned result = 0;
    for (int l = 0; l < kWarpSize; ++l) result |= lanes[l]->value << l;
    return result;
  }
};
struct MatchLanes {
  unsigned operator()(LaneWord* const* lanes, int lane) const {
    unsigned result = 0;
    for (int l = 0; l < kWarpSize; ++l) {
      if (lanes[l]->value == lanes[lane]->value) result |= 1u << l;
    }
    return result;
  }
};
struct ReadLane {
  unsigned operator()(LaneWord* const* lanes, int lane) const {
    return lanes[lanes[lane]->other & (kWarpSize - 1)]->value;
  }
};
// Lanes beyond the warp's ends read their own value.
struct ReadLaneAtDistance {
  unsigned operator()(LaneWord* const* lanes, int lane) const {
    const int source = lane + lanes[lane]->other;
    return lanes[source >= 0 && source < kWarpSize ? source : lane]->value;
  }
};

inline unsigned FloatBits(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline float FloatOfBits(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline unsigned Ballot(bool value) {
  return WordCollective("Ballot", value ? 1 : 0, 0, BallotLanes());
}
inline unsigned MatchAny(unsigned value) {
  return WordCollective("MatchAny", value, 0, MatchLanes());
}
inline float ShuffleDown(float value, int distance) {
  return FloatOfBits(WordCollective("ShuffleDown", FloatBits(value), distance,
                                    ReadLaneAtDistance()));
}
inline float ShuffleXor(float value, int mask) {
  return FloatOfBits(WordCollective(
      "ShuffleXor", FloatBits(value),
      static_cast<int>(cuda_emulation::threadIdx.x % kWarpSize) ^ mask,
      ReadLane()));
}
inline unsigned ShuffleUp(unsigned value, int distance) {
  return WordCollective("ShuffleUp", value, -distance, ReadLaneAtDistance());
}
inline unsigned Shuffle(unsigned value, int lane) {
  return WordCollective("Shuffle", value, lane, ReadLane());
}

inline int CountBits(unsigned value) { return __builtin_popcount(value); }
inline int LowestBit(unsigned value) {
  return __builtin_ffs(static_cast<int>(value)) - 1;
}

inline void AtomicAdd(float* address, float value) { *address += value; }
inline unsigned AtomicAdd(unsigned* address, unsigned value) {
  const unsigned old = *address;
  *address += value;
  return old;
}
inline void AtomicMin(unsigned* address, unsigned value) {
  if (value < *address) *address = value;
}
inline void AtomicMax(unsigned* address, unsigned value) {
  if (value > *address) *address = value;
}
inline void AtomicOr(unsigned* address, unsigned value) { *address |= value; }
inline uint64_t AtomicCompareAndSwap(uint64_t* address, uint64_t expected,
                                     uint64_t desired) {
  const uint64_t old = *address;
  if (old == expected) *address = desired;
  return old;
}
inline uint64_t LoadFresh(const uint64_t* address) { return *address; }

inline float Exp2(float x) { return x < -126.0f ? 0.0f : std::exp2(x); }
inline float FusedMultiplyAdd(float a, float b, float c) {
  return std::fma(a, b, c);
}
// Compiled without contraction of expressions (-ffp-contract=off).
inline float AddRounded(float a, float b) { return a + b; }
inline float SubRounded(float a, float b) { return a - b; }
inline float MulRounded(float a, float b) { return a * b; }
inline float DivRounded(float a, float b) { return a / b; }

// Rounds to nearest even; infinite beyond the range of half floats.
inline uint16_t HalfBits(float x) {
  const uint32_t bits = FloatBits(x);
  const uint32_t sign = bits >> 16 & 0x8000;
  const float magnitude = std::fabs(x);
  if (!(magnitude < 65520.0f)) {
    return static_cast<uint16_t>(sign | (x != x ? 0x7E00 : 0x7C00));
  }
  // The unit in the last place: 2^-24 for subnormal numbers.
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int scale = magnitude < 0x1p-14f ? -24 : exponent - 11;
  const float units = std::nearbyint(std::ldexp(magnitude, -scale));
  if (magnitude < 0x1p-14f) {
    // 1024 units are the smallest normal number, whose bits are these.
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(units));
  }
  // units is 1024 to 2048; the carry of the latter raises the exponent.
  const uint32_t biased = static_cast<uint32_t>(exponent - 1 + 15);
  return static_cast<uint16_t>(
      sign | ((biased << 10) + (static_cast<uint32_t>(units) - 1024)));
}
inline float HalfValue(uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const float mantissa = static_cast<float>(bits & 1023);
  float value = exponent == 0 ? std::ldexp(mantissa, -24)
                              : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) value = mantissa == 0 ? INFINITY : NAN;
  return (bits & 0x8000) != 0 ? -value : value;
}
inline uint32_t PackHalves(float low, float high) {
  return HalfBits(low) | static_cast<uint32_t>(HalfBits(high)) << 16;
}
inline float RoundToHalf(float x) { return HalfValue(HalfBits(x)); }

// PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": with
// group = lane / 4 and pair = lane % 4,
//   a[r], half h: row group + 8 (r % 2), column 2 pair + h + 8 (r / 2);
//   b[r], half h: row 2 pair + h + 8 r, column group;
//   sum[i]: row group + 8 (i / 2), column 2 pair + i % 2.
struct TileProduct {
  const uint32_t* a;
  const uint32_t* b;
  float* sum;
};
inline void MultiplyTiles(const uint32_t (&a)[4], const uint32_t (&b)[2],
                          float (&sum)[4]) {
  TileProduct product = {a, b, sum};
  cuda_emulation::WarpCollective(
      "MultiplyTiles", &product, [](void* const* arguments) {
        float left[16][16];
        float right[16][8];
        for (int l = 0; l < kWarpSize; ++l) {
          const auto& lane = *static_cast<TileProduct*>(arguments[l]);
          const int group = l / 4;
          const int pair = l % 4;
          for (int h = 0; h < 2; ++h) {
            for (int r = 0; r < 4; ++r) {
              left[group + 8 * (r % 2)][2 * pair + h + 8 * (r / 2)] =
                  HalfValue(lane.a[r] >> (16 * h) & 0xFFFF);
            }
            for (int r = 0; r < 2; ++r) {
              right[2 * pair + h + 8 * r][group] =
                  HalfValue(lane.b[r] >> (16 * h) & 0xFFFF);
            }
          }
        }
        for (int l = 0; l < kWarpSize; ++l) {
          const auto& lane = *static_cast<TileProduct*>(arguments[l]);
          for (int i = 0; i < 4; ++i) {
            const float* row = left[l / 4 + 8 * (i / 2)];
            float sum_of_products = lane.sum[i];
            for (int k = 0; k < 16; ++k) {
              sum_of_products += row[k] * right[k][2 * (l % 4) + i % 2];
            }
            lane.sum[i] = sum_of_products;
          }
        }
      });
}

template <class... Parameters, class... Arguments>
const char* LaunchKernel(void (*kernel)(Parameters...), Dim3 grid, int threads,
                         void* stream, Arguments... arguments) {
  (void)stream;
  cuda_emulation::Launch(grid, Dim3(static_cast<unsigned>(threads)), [&] {
    kernel(static_cast<Parameters>(arguments)...);
  });
  return nullptr;
}

#endif  // __CUDACC__

__device__ __forceinline__ int Lane() { return ThreadX() % kWarpSize; }
__device__ __forceinline__ int WarpOfBlock() { return ThreadX() / kWarpSize; }

#ifdef __CUDACC__
__device__ __forceinline__ unsigned FloatBits(float value) {
  return __float_as_uint(value);
}
__device__ __forceinline__ float FloatOfBits(unsigned bits) {
  return __uint_as_float(bits);
}
#endif

// Floats as integers of the same order, for AtomicMin and AtomicMax.
__device__ __forceinline__ unsigned OrderedBits(float value) {
  const unsigned bits = FloatBits(value);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ __forceinline__ float FloatOfOrderedBits(unsigned ordered) {
  return FloatOfBits((ordered & 0x80000000u) != 0 ? ordered & 0x7FFFFFFFu
                                                  : ~ordered);
}
__device__ __forceinline__ bool IsFinite(float value) {
  return (FloatBits(value) & 0x7F800000u) != 0x7F800000u;
}

}  // namespace cuda_internal
}  // namespace vision

#endif  // VISION_CRF_CUDA_DEVICE_CUH_
