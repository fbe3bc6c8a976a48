#include "wsol/cam/masked_passes.h"

#include <algorithm>
#include <cstdint>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "wsol/cam/cam_network.h"

namespace wsol {

int64_t EstimatePassBytes(const CamNetwork::Output& output, int64_t num_images,
                          int64_t image_bytes) {
  int64_t largest = 0;
  for (const at::Tensor& features : output.features) {
    largest = std::max(largest, static_cast<int64_t>(features.nbytes()));
  }
  return image_bytes + 6 * largest / num_images;
}

absl::StatusOr<int64_t> PassesAtATime(int64_t budget_bytes,
                                      int64_t bytes_of_pass, int64_t limit) {
  if (bytes_of_pass > budget_bytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "memory_budget_bytes is ", budget_bytes,
        ", but a single pass is estimated to take ", bytes_of_pass));
  }
  return std::min(budget_bytes / std::max<int64_t>(bytes_of_pass, 1),
                  std::max<int64_t>(limit, 1));
}

}  // namespace wsol
