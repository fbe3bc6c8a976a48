// The Gaussian bilateral filter of bilateral_filter.h on a CUDA device, for a
// batch of images of one size: exact (two forms), grid and lattice.
//
//   CudaBilateralProblem problem;
//   problem.batch = n; problem.height = h; problem.width = w;
//   size_t bytes;
//   CudaStatus status = CudaBilateralWorkspaceBytes(problem, &bytes);
//   ...  allocate `workspace` and `flags` on the device
//   status = PlanCudaBilateral(problem, images, workspace, bytes, flags,
//   stream); status = ApplyCudaBilateral(problem, images, workspace, bytes,
//   maps,
//                               channels, filtered, flags, stream);
//
// Raw device pointers, the caller's memory and stream; nothing here allocates,
// waits for the device, or keeps state: a plan lives in the workspace, may be
// applied many times, and streams with workspaces of their own may run at once.
// No CUDA header, LibTorch or Abseil is needed to include this one. It is
// implemented twice from the same source: for devices by nvcc, and for tests on
// the host by the emulation of emulation.h.
//
// Values on the device cannot be reported without waiting for it. What is wrong
// with image n sets bits of flags[n] (CudaBilateralFlag), and that image's
// outputs are then all NaN: never a wrong number.
//
// Each image's results are the same in any batch, and the same in every run
// (bit for bit, on one type of device) except for kLattice with
// `lattice_deterministic` off.

#ifndef VISION_CRF_CUDA_BILATERAL_FILTER_KERNELS_H_
#define VISION_CRF_CUDA_BILATERAL_FILTER_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace vision {

// A plain status: device code is compiled without Abseil.
struct CudaStatus {
  enum class Code {
    kOk,
    kInvalidArgument,  // Found before anything was launched.
    kLaunchFailed,     // The message is the driver's.
  };

  bool ok() const { return code == Code::kOk; }

  Code code = Code::kOk;
  std::string message;
};

enum class CudaBilateralMethod {
  // All pairs in float32: relative L2 error below 5e-6. O(N^2).
  kExactSimt,
  // All pairs by tensor cores (compute capability 8.0 or newer), half floats
  // inside: error below 1e-4, or 3e-4 for images of a few pixels. O(N^2).
  kExactTensorCore,
  // Low-rank in space, B-spline grid in colour, symmetric positive
  // semidefinite: errors as BilateralFilterMethod::kGrid. O(N).
  kGrid,
  // The published lattice's numbers, see lattice_bilateral_filter.h. O(N).
  kLattice,
};

// Bits of an image's flags.
enum CudaBilateralFlag : uint32_t {
  kCudaNonFiniteImage = 1,
  kCudaNonFiniteMap = 2,
  // A colour channel of the image spans more than `max_color_range`; kGrid: and
  // the grid does not fit the workspace.
  kCudaColorRange = 4,
  // Colours over sigma_rgb are too large for the lattice's keys.
  kCudaLatticeCoordinate = 8,
  // The image occupies more than lattice_vertices_per_pixel * N vertices.
  kCudaLatticeFull = 16,
};

struct CudaBilateralProblem {
  int batch = 1;  // 1 to 65535.
  int height = 1;
  int width = 1;
  double sigma_rgb = 15.0;         // In units of the image's values; > 0.
  double sigma_xy_pixels = 100.0;  // > 0.
  CudaBilateralMethod method = CudaBilateralMethod::kExactSimt;

  // kGrid, kExactTensorCore: bound of each channel's largest less smallest
  // value within an image; > 0. It sizes the grid and scales half floats.
  double max_color_range = 255.0;

  // kGrid: see GridBilateralFilterOptions.
  int spline_degree = 2;  // 1 or 2.
  double pitch = 0.8;
  // kGrid: device tables [width, num_functions] and [height, num_functions] of
  // the spatial functions (spatial_basis.h), whose products add up to the
  // spatial Gaussian.
  int num_functions = 0;
  const float* functions_x = nullptr;
  const float* functions_y = nullptr;

  // kLattice: memory for that many vertices, in (0, 6]. Photographs at the
  // published sigmas have 0.03 to 0.1, independent noise 1.1; 6 always do.
  double lattice_vertices_per_pixel = 2.0;
  // kLattice: the published code's points of feature zero, see
  // LatticeBilateralFilterOptions.
  bool lattice_phantom_points = true;
  // kLattice: sums each vertex's values in the order of pixels, by a sort in
  // the plan. Otherwise by atomic additions, whose order and last bits vary.
  bool lattice_deterministic = true;
};

// Sizes of the largest image and grid, see CudaBilateralWorkspaceBytes.
constexpr int kCudaMaxPixels = 1 << 24;
constexpr int kCudaMaxGridNodes = 1 << 19;

// Bytes of workspace that plan and apply need. kInvalidArgument, with the field
// and its value: fields out of range; more than kCudaMaxPixels pixels; kGrid
// with more than kCudaMaxGridNodes nodes for `max_color_range`;
// kExactTensorCore with sigmas so small against colours or image that half
// floats would not reach its accuracy (use kExactSimt).
CudaStatus CudaBilateralWorkspaceBytes(const CudaBilateralProblem& problem,
                                       size_t* bytes);

// Prepares `workspace` (aligned to 256 bytes, as cudaMalloc's) for filters of
// the device's `images`, float32 [batch, 3, height, width], any finite values.
// Zeroes and then sets `flags`, [batch] on the device.
CudaStatus PlanCudaBilateral(const CudaBilateralProblem& problem,
                             const float* images, void* workspace,
                             size_t workspace_bytes, uint32_t* flags,
                             void* stream);

// out = W in for float32 maps [batch, channels, height, width] on the device;
// `out` may not overlap `in`. Any number of channels: they are taken in groups,
// of 4 (exact and lattice) or 2 (grid). `problem`, `images`, `workspace` and
// `flags` are those of the plan, unchanged.
CudaStatus ApplyCudaBilateral(const CudaBilateralProblem& problem,
                              const float* images, void* workspace,
                              size_t workspace_bytes, const float* in,
                              int channels, float* out, uint32_t* flags,
                              void* stream);

}  // namespace vision

#endif  // VISION_CRF_CUDA_BILATERAL_FILTER_KERNELS_H_
