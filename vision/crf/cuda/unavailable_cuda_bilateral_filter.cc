// Of builds without --config=cuda.

#include "ATen/core/Tensor.h"
#include "c10/util/Exception.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/cuda/cuda_bilateral_filter.h"

namespace vision {

bool CudaBilateralFilterIsBuilt() { return false; }

at::Tensor CudaBilateralFilter(const at::Tensor& maps,
                               const at::Tensor& /*images*/,
                               const BilateralFilterOptions& /*options*/,
                               const CudaBilateralFilterOptions& /*cuda*/) {
  TORCH_CHECK(false, "CudaBilateralFilter: got a tensor on ", maps.device(),
              ", but this was built without CUDA: use --config=cuda");
  return {};
}

}  // namespace vision
