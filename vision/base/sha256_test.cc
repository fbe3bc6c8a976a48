#include "vision/base/sha256.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace vision {
namespace {

std::string Hash(absl::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

// The examples of FIPS 180-4, and the empty message.
TEST(Sha256Test, KnownHashes) {
  EXPECT_EQ(Hash(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hash(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around the ends of blocks, in pieces of all sizes.
TEST(Sha256Test, PiecesDoNotMatter) {
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    for (const size_t piece : {1, 3, 63, 64, 65}) {
      Sha256 hash;
      for (size_t i = 0; i < size; i += piece) {
        hash.Update(absl::string_view(bytes).substr(i, piece));
      }
      EXPECT_EQ(hash.HexDigest(), Hash(bytes)) << size << " " << piece;
    }
  }
}

TEST(Sha256Test, GoesOnAfterADigest) {
  Sha256 hash;
  hash.Update("a");
  EXPECT_EQ(hash.HexDigest(), Hash("a"));
  hash.Update("bc");
  EXPECT_EQ(hash.HexDigest(), Hash("abc"));
}

}  // namespace
}  // namespace vision
