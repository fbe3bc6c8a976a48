#include "vision/crf/cuda/cuda_bilateral_filter.h"

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "c10/core/DeviceGuard.h"
#include "c10/cuda/CUDAStream.h"
#include "c10/util/Exception.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/spatial_basis.h"

namespace vision {
namespace {

// Images up to this size are filtered by tensor cores faster than by the grid,
// see docs/benchmarks.md.
constexpr int64_t kMaxTensorCorePixels = 51200;
// Below it, half floats show: there is little to average over.
constexpr int64_t kMinTensorCorePixels = 1024;

// The spatial functions of an image size, on a device.
struct DeviceBasis {
  int device;
  int height, width;
  double sigma_xy_pixels;
  int num_functions;
  at::Tensor x, y;
};

// Kept for the last sizes used: a training run has one or two. An error is that
// of MakeSpatialBasis.
absl::StatusOr<DeviceBasis> GetBasis(const at::Device& device, int height,
                                     int width, double sigma_xy_pixels) {
  static auto& mutex = *new std::mutex;
  static auto& bases = *new std::deque<DeviceBasis>;
  constexpr size_t kMaxBases = 16;
  const std::lock_guard<std::mutex> lock(mutex);
  for (const DeviceBasis& basis : bases) {
    if (basis.device == device.index() && basis.height == height &&
        basis.width == width && basis.sigma_xy_pixels == sigma_xy_pixels) {
      return basis;
    }
  }
  absl::StatusOr<SpatialBasis> made =
      MakeSpatialBasis(height, width, sigma_xy_pixels);
  if (!made.ok()) return made.status();
  // Copies from pageable memory are done when they return, so that other
  // streams may use the tables, too.
  const auto copy = [&](std::vector<float>& table, int length) {
    return at::from_blob(table.data(), {length, made->num_functions},
                         at::TensorOptions(at::kFloat))
        .to(device);
  };
  DeviceBasis basis = {device.index(),
                       height,
                       width,
                       sigma_xy_pixels,
                       made->num_functions,
                       copy(made->x, width),
                       copy(made->y, height)};
  c10::cuda::getCurrentCUDAStream(device.index()).synchronize();
  bases.push_front(basis);
  if (bases.size() > kMaxBases) bases.pop_back();
  return basis;
}

void SetAccuracy(BilateralFilterAccuracy accuracy,
                 CudaBilateralProblem& problem) {
  problem.spline_degree = accuracy == BilateralFilterAccuracy::kFast ? 1 : 2;
  problem.pitch = accuracy == BilateralFilterAccuracy::kFast      ? 0.7
                  : accuracy == BilateralFilterAccuracy::kDefault ? 0.8
                                                                  : 0.65;
}

void SetBasis(const DeviceBasis& basis, CudaBilateralProblem& problem) {
  problem.num_functions = basis.num_functions;
  problem.functions_x = basis.x.data_ptr<float>();
  problem.functions_y = basis.y.data_ptr<float>();
}

bool HasTensorCores(const at::Device& device) {
  int major = 0;
  const cudaError_t error = cudaDeviceGetAttribute(
      &major, cudaDevAttrComputeCapabilityMajor, device.index());
  TORCH_CHECK(error == cudaSuccess,
              "CudaBilateralFilter: ", cudaGetErrorString(error));
  return major >= 8;
}

bool IsServed(const CudaBilateralProblem& problem) {
  size_t bytes = 0;
  return CudaBilateralWorkspaceBytes(problem, &bytes).ok();
}

// Sets the method, and for the grid its tables.
void ChooseMethod(const at::Device& device,
                  const BilateralFilterOptions& options,
                  CudaBilateralProblem& problem) {
  switch (options.method) {
    case BilateralFilterMethod::kExact:
      problem.method = CudaBilateralMethod::kExactSimt;
      return;
    case BilateralFilterMethod::kLattice:
      problem.method = CudaBilateralMethod::kLattice;
      return;
    case BilateralFilterMethod::kGrid:
    case BilateralFilterMethod::kAuto:
      break;
  }
  const int64_t pixels = int64_t{problem.height} * problem.width;
  if (options.method == BilateralFilterMethod::kAuto) {
    problem.method = CudaBilateralMethod::kExactSimt;
    if (pixels < kMinTensorCorePixels) return;
    problem.method = CudaBilateralMethod::kExactTensorCore;
    if (pixels <= kMaxTensorCorePixels && HasTensorCores(device) &&
        IsServed(problem)) {
      return;
    }
  }
  problem.method = CudaBilateralMethod::kGrid;
  const absl::StatusOr<DeviceBasis> basis =
      GetBasis(device, problem.height, problem.width, problem.sigma_xy_pixels);
  if (basis.ok()) SetBasis(*basis, problem);
  if (options.method == BilateralFilterMethod::kGrid) {
    TORCH_CHECK(basis.ok(),
                "CudaBilateralFilter: ", std::string(basis.status().message()));
    return;
  }
  if (!basis.ok() || !IsServed(problem)) {
    problem.method = CudaBilateralMethod::kExactSimt;
  }
}

void CheckStatus(const CudaStatus& status) {
  TORCH_CHECK(status.ok(), "CudaBilateralFilter: ", status.message);
}

// Waits for the device.
void CheckFlags(const at::Tensor& flags, const CudaBilateralProblem& problem) {
  const at::Tensor host = flags.cpu();
  for (int64_t n = 0; n < host.numel(); ++n) {
    const uint32_t flag = static_cast<uint32_t>(host.data_ptr<int32_t>()[n]);
    TORCH_CHECK((flag & kCudaNonFiniteImage) == 0,
                "CudaBilateralFilter, image ", n,
                " of the batch: expected finite colours, got others");
    TORCH_CHECK((flag & kCudaNonFiniteMap) == 0, "CudaBilateralFilter, image ",
                n, " of the batch: expected finite maps, got others");
    TORCH_CHECK((flag & kCudaColorRange) == 0, "CudaBilateralFilter, image ", n,
                " of the batch: its colours span more than max_color_range ",
                problem.max_color_range);
    TORCH_CHECK((flag & kCudaLatticeCoordinate) == 0,
                "CudaBilateralFilter, image ", n, " of the batch: sigma_rgb ",
                problem.sigma_rgb, " is too small for the lattice's keys");
    TORCH_CHECK((flag & kCudaLatticeFull) == 0, "CudaBilateralFilter, image ",
                n, " of the batch: more lattice vertices than ",
                problem.lattice_vertices_per_pixel, " a pixel");
  }
}

}  // namespace

bool CudaBilateralFilterIsBuilt() { return true; }

at::Tensor CudaBilateralFilter(const at::Tensor& maps, const at::Tensor& images,
                               const BilateralFilterOptions& options,
                               const CudaBilateralFilterOptions& cuda) {
  TORCH_CHECK(
      maps.defined() && images.defined(),
      "CudaBilateralFilter: expected two tensors, got an undefined one");
  TORCH_CHECK(maps.is_cuda() && images.device() == maps.device(),
              "CudaBilateralFilter: expected tensors on one CUDA device, got "
              "maps on ",
              maps.device(), " and images on ", images.device());
  TORCH_CHECK(maps.dim() == 4 && maps.numel() > 0,
              "CudaBilateralFilter: expected maps [N, K, H, W], got ",
              maps.sizes());
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3 &&
                  images.size(0) == maps.size(0) &&
                  images.size(2) == maps.size(2) &&
                  images.size(3) == maps.size(3),
              "CudaBilateralFilter: expected images [", maps.size(0), ", 3, ",
              maps.size(2), ", ", maps.size(3), "], got ", images.sizes());
  TORCH_CHECK(
      maps.scalar_type() == at::kFloat || maps.scalar_type() == at::kDouble,
      "CudaBilateralFilter: expected float32 or float64 maps, got ",
      maps.scalar_type());
  TORCH_CHECK(!images.is_complex(),
              "CudaBilateralFilter: expected images of real numbers, got ",
              images.scalar_type());
  const absl::Status valid = options.Validate();
  TORCH_CHECK(valid.ok(),
              "CudaBilateralFilter: ", std::string(valid.message()));
  constexpr int64_t kMaxBatch = 65535;
  TORCH_CHECK(maps.size(0) <= kMaxBatch &&
                  maps.size(2) * maps.size(3) <= kCudaMaxPixels,
              "CudaBilateralFilter: expected at most ", kMaxBatch,
              " images of ", kCudaMaxPixels, " pixels, got ", maps.sizes());

  const c10::DeviceGuard guard(maps.device());
  const at::Tensor in = maps.detach().to(at::kFloat).contiguous();
  const at::Tensor rgb = images.detach().to(at::kFloat).contiguous();
  CudaBilateralProblem problem;
  problem.batch = static_cast<int>(in.size(0));
  problem.height = static_cast<int>(in.size(2));
  problem.width = static_cast<int>(in.size(3));
  problem.sigma_rgb = options.sigma_rgb;
  problem.sigma_xy_pixels = options.sigma_xy_pixels;
  problem.max_color_range = cuda.max_color_range;
  problem.lattice_vertices_per_pixel = cuda.lattice_vertices_per_pixel;
  problem.lattice_deterministic = cuda.lattice_deterministic;
  SetAccuracy(options.accuracy, problem);
  ChooseMethod(maps.device(), options, problem);

  size_t bytes = 0;
  CheckStatus(CudaBilateralWorkspaceBytes(problem, &bytes));
  // Freed when this returns; the allocator hands it out again to the same
  // stream only, behind what is launched here.
  const at::Tensor workspace =
      at::empty({static_cast<int64_t>(bytes)}, in.options().dtype(at::kByte));
  const at::Tensor flags =
      at::empty({in.size(0)}, in.options().dtype(at::kInt));
  uint32_t* flag_words = reinterpret_cast<uint32_t*>(flags.data_ptr<int32_t>());
  at::Tensor out = at::empty_like(in);
  void* stream =
      c10::cuda::getCurrentCUDAStream(maps.device().index()).stream();
  CheckStatus(PlanCudaBilateral(problem, rgb.data_ptr<float>(),
                                workspace.data_ptr(), bytes, flag_words,
                                stream));
  CheckStatus(ApplyCudaBilateral(
      problem, rgb.data_ptr<float>(), workspace.data_ptr(), bytes,
      in.data_ptr<float>(), static_cast<int>(in.size(1)), out.data_ptr<float>(),
      flag_words, stream));
  if (cuda.check_values) CheckFlags(flags, problem);
  if (!options.self_term) out.sub_(in);  // The diagonal of W is one.
  return out.to(maps.scalar_type());
}

}  // namespace vision
