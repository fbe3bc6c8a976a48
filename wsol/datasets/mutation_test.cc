// Runs the fuzz target that it is linked with on a fixed number of inputs:
// whatever the bytes are, they are read or refused, without crash or hang.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "vision/base/rng.h"
#include "wsol/datasets/fuzz_target.h"

namespace wsol {
namespace {

constexpr int kRounds = 20'000;

void RunOnce(absl::string_view input) {
  // A copy of its own size, so that a sanitizer sees a read past its end.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  EXPECT_EQ(LLVMFuzzerTestOneInput(bytes.data(), bytes.size()), 0);
}

// One small change at a random place; most of them keep the line structure, so
// that mutants get far.
void Mutate(const std::vector<std::string>& seeds, vision::Rng& rng,
            std::string* input) {
  constexpr absl::string_view kBytes =
      "0123456789,.-|/\n\r\"'<>{}[]: a\xEF\xFF";
  const size_t size = input->size();
  const size_t at = size == 0 ? 0 : rng.UniformInt(size);
  switch (rng.UniformInt(7)) {
    case 0:
      input->insert(at, 1, kBytes[rng.UniformInt(kBytes.size())]);
      break;
    case 1:
      if (size > 0) (*input)[at] = kBytes[rng.UniformInt(kBytes.size())];
      break;
    case 2:
      input->erase(at, 1 + rng.UniformInt(4));
      break;
    case 3: {  // A piece once more, or elsewhere.
      const std::string piece = input->substr(at, rng.UniformInt(24));
      input->insert(rng.UniformInt(size + 1), piece);
      break;
    }
    case 4:
      input->resize(at);
      break;
    case 5: {  // A piece of another good input.
      const std::string& other = seeds[rng.UniformInt(seeds.size())];
      input->insert(
          at, other.substr(rng.UniformInt(other.size()), rng.UniformInt(40)));
      break;
    }
    default:
      if (size > 0) {
        (*input)[at] =
            static_cast<char>((*input)[at] ^ (1 << rng.UniformInt(8)));
      }
  }
}

TEST(MutationTest, SeedsAndTheirBeginnings) {
  for (const std::string& seed : FuzzSeeds()) {
    for (size_t size = 0; size <= seed.size(); ++size) {
      RunOnce(absl::string_view(seed).substr(0, size));
    }
  }
}

TEST(MutationTest, RandomChangesOfSeeds) {
  const std::vector<std::string> seeds = FuzzSeeds();
  for (uint64_t round = 0; round < kRounds; ++round) {
    vision::Rng rng(1, {round});
    std::string input = seeds[rng.UniformInt(seeds.size())];
    const uint64_t changes = 1 + rng.UniformInt(6);
    for (uint64_t i = 0; i < changes; ++i) Mutate(seeds, rng, &input);
    RunOnce(input);
  }
}

}  // namespace
}  // namespace wsol
