#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "vision/weights/check_index.h"
#include "vision/weights/fuzz_target.h"
#include "vision/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  vision::CheckIndex(vision::IndexSafetensors(bytes), size);
  return 0;
}

namespace vision {

std::vector<std::string> FuzzSeeds(
    absl::FunctionRef<std::string(absl::string_view)> read) {
  return {read("plain_safetensors")};
}

}  // namespace vision
