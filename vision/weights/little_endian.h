// Unsigned numbers in files, least significant byte first.

#ifndef VISION_WEIGHTS_LITTLE_ENDIAN_H_
#define VISION_WEIGHTS_LITTLE_ENDIAN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace vision {

// The number in the first `num_bytes` <= 8 of `bytes`, which must have them.
inline uint64_t LoadLittleEndian(absl::string_view bytes, size_t num_bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < num_bytes; ++i) {
    value |= uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return value;
}

inline void AppendLittleEndian(uint64_t value, size_t num_bytes,
                               std::string& out) {
  for (size_t i = 0; i < num_bytes; ++i) {
    out += static_cast<char>(value >> (8 * i));
  }
}

}  // namespace vision

#endif  // VISION_WEIGHTS_LITTLE_ENDIAN_H_
