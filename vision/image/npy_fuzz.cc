// The reader of .npy files as a target of libFuzzer: compile it with
// -fsanitize=fuzzer,address and link it with //vision/image:npy.
// npy_test.cc runs a fixed number of mutated files through it in every test
// run.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/image/npy.h"

// Stops the process if the result is not as promised. Always 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::StatusOr<cv::Mat> array = vision::ParseNpy(
      absl::string_view(reinterpret_cast<const char*>(data), size), "fuzz.npy");
  if (!array.ok()) {
    if (array.status().message().substr(0, 10) != "fuzz.npy: ") std::abort();
    return 0;
  }
  // Never more pixels than bytes, and not none.
  if (array->empty() || array->total() > size || !array->isContinuous()) {
    std::abort();
  }
  return 0;
}
