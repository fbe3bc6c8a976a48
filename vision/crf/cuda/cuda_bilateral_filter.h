// The bilateral filter of bilateral_filter.h for tensors on a CUDA device.
//
//   // [N, K, H, W] and [N, 3, H, W] on the same device.
//   at::Tensor filtered = vision::CudaBilateralFilter(maps, images, options);
//
// Works on the device's current stream, in memory of LibTorch's caching
// allocator, and does not wait for the device (but for the first call with an
// image size, where the grid's tables are copied to it). Without autograd: it
// is for functions that know their gradient, such as DenseCrfLoss.
//
// Only in builds with --config=cuda, against a CUDA build of LibTorch; in
// others it throws.

#ifndef VISION_CRF_CUDA_CUDA_BILATERAL_FILTER_H_
#define VISION_CRF_CUDA_CUDA_BILATERAL_FILTER_H_

#include "ATen/core/Tensor.h"
#include "vision/crf/bilateral_filter.h"

namespace vision {

// What only the device's filters need to know.
struct CudaBilateralFilterOptions {
  // Bound of each colour channel's largest less smallest value in an image, for
  // the grid and for tensor cores.
  double max_color_range = 255.0;
  // Whether to wait for the device and to throw an error for values that the
  // filter does not take (non-finite ones, colours that span more than the
  // bound, lattices that are too large). Otherwise all of such an image's
  // results are NaN.
  bool check_values = false;
  // See CudaBilateralProblem.
  double lattice_vertices_per_pixel = 2.0;
  bool lattice_deterministic = true;
};

// Whether this is a build with CUDA.
bool CudaBilateralFilterIsBuilt();

// Returns W maps, [N, K, H, W], contiguous, of the dtype of `maps`; float32
// inside.
//
// `maps`: [N, K, H, W] float32 or float64 on a CUDA device, any strides.
// `images`: [N, 3, H, W], any real dtype, on the same device.
//
// Methods: kExact takes all pairs in float32 (error below 5e-6); kGrid and
// kLattice as on the CPU. kAuto takes all pairs by tensor cores (error below
// 1e-4) up to 51200 pixels, where the device has them and sigmas allow, else
// the grid, and kExact where neither serves (and for less than 1024 pixels).
// Grids have accuracies as on the CPU (kFast: linear splines, pitch 0.7).
//
// Throws c10::Error for shapes, dtypes, devices and options out of range, with
// the value; for a failed launch; in builds without CUDA.
at::Tensor CudaBilateralFilter(const at::Tensor& maps, const at::Tensor& images,
                               const BilateralFilterOptions& options,
                               const CudaBilateralFilterOptions& cuda = {});

}  // namespace vision

#endif  // VISION_CRF_CUDA_CUDA_BILATERAL_FILTER_H_
