// What each *_fuzz.cc of this package defines: an entry point of libFuzzer, and
// inputs to start from.
//
// mutation_test.cc runs a fixed number of mutated inputs through it, in every
// test run. For libFuzzer itself see docs/weights.md.

#ifndef VISION_WEIGHTS_FUZZ_TARGET_H_
#define VISION_WEIGHTS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

// Reads `data`, of `size` bytes, as a file; stops the process if the result is
// not as promised. Always 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vision {

// Good inputs. `read` returns the file testdata/<name>.b64, decoded.
std::vector<std::string> FuzzSeeds(
    absl::FunctionRef<std::string(absl::string_view)> read);

}  // namespace vision

#endif  // VISION_WEIGHTS_FUZZ_TARGET_H_
