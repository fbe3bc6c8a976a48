// First words of the random keys of the training methods, so that with equal
// seeds no two draw the same numbers, nor those of the loader's crops.

#ifndef WSOL_BASELINES_RANDOM_STREAMS_H_
#define WSOL_BASELINES_RANDOM_STREAMS_H_

#include <cstdint>

namespace wsol {

enum class RandomStream : uint64_t {
  kHideAndSeek = 0x486153,
  kCutMix = 0x4375744D6978,
  kAttentionDropout = 0x41444C,
};

}  // namespace wsol

#endif  // WSOL_BASELINES_RANDOM_STREAMS_H_
