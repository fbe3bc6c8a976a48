// What each *_fuzz.cc of this package defines: an entry point of libFuzzer, and
// inputs to start from.
//
// mutation_test.cc runs a fixed number of mutated inputs through it, in every
// test run. For libFuzzer itself see docs/data.md.

#ifndef WSOL_DATASETS_FUZZ_TARGET_H_
#define WSOL_DATASETS_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Reads `data`, of `size` bytes; stops the process if the result is not as
// promised. Always 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace wsol {

// Inputs that are read without error.
std::vector<std::string> FuzzSeeds();

}  // namespace wsol

#endif  // WSOL_DATASETS_FUZZ_TARGET_H_
