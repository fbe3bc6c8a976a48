// Launches the kernels: checks arguments, lays out the workspace, picks the
// sizes of grids. Compiled by nvcc for devices and, included by
// emulated_bilateral_filter_kernels.cc, by the host's compiler for tests.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "vision/crf/cuda/bilateral_filter_kernels.h"
#include "vision/crf/cuda/device.cuh"
#include "vision/crf/cuda/exact_kernels.cuh"
#include "vision/crf/cuda/grid_kernels.cuh"
#include "vision/crf/cuda/lattice_kernels.cuh"
#include "vision/crf/cuda/sort_kernels.cuh"
#include "vision/crf/cuda/statistics_kernels.cuh"

namespace vision {
namespace {

using namespace cuda_internal;  // NOLINT(build/namespaces): one's own kernels.

constexpr double kLog2E = 1.4426950408889634;
// Exponents of kExactTensorCore have an error of some 2^-22 of their largest
// terms, which are below this.
constexpr double kMaxTensorExponent = 400.0;

template <class... Parts>
CudaStatus InvalidArgument(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  return {CudaStatus::Code::kInvalidArgument, message.str()};
}

int DivideUp(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

int Pixels(const CudaBilateralProblem& problem) {
  return problem.height * problem.width;
}

// Pixels of an image with padding, for the tensor cores.
int PaddedPixels(const CudaBilateralProblem& problem) {
  return DivideUp(Pixels(problem), kPadding) * kPadding;
}

double LargestTensorExponent(const CudaBilateralProblem& problem) {
  const double color = 0.5 * problem.max_color_range / problem.sigma_rgb;
  const double x = 0.5 * problem.width / problem.sigma_xy_pixels;
  const double y = 0.5 * problem.height / problem.sigma_xy_pixels;
  return 0.5 * kLog2E * (3 * color * color + x * x + y * y);
}

// Half of a discrete Gaussian of standard deviation 1, narrowed by the variance
// that splines of the degree add at both ends, with the sum of a continuous
// one: see grid_bilateral_filter.h.
BlurTaps MakeTaps(const CudaBilateralProblem& problem) {
  const double pitch = problem.pitch;
  const double variance = 1 - (problem.spline_degree + 1) * pitch * pitch / 6;
  // 4.6 standard deviations: the first tap left out is 2e-5 of the middle one.
  BlurTaps blur = {};
  blur.radius =
      std::min(kMaxBlurRadius,
               static_cast<int>(std::ceil(4.6 * std::sqrt(variance) / pitch)));
  double taps[kMaxBlurRadius + 1];
  double sum = 0;
  for (int j = 0; j <= blur.radius; ++j) {
    taps[j] = std::exp(-0.5 * j * j * pitch * pitch / variance);
    sum += j == 0 ? taps[j] : 2 * taps[j];
  }
  const double scale = std::sqrt(2 * 3.14159265358979323846) / (pitch * sum);
  for (int j = 0; j <= blur.radius; ++j) {
    blur.taps[j] = static_cast<float>(taps[j] * scale);
  }
  return blur;
}

// Where in a cell a colour must lie for its weight with itself to be exactly
// one along each axis; the lowest colours are put there.
double UnbiasedOffset(int degree, const BlurTaps& blur) {
  const auto self_weight = [&](double t) {
    double w[3] = {1 - t, t, 0};
    if (degree == 2) {
      w[0] = 0.5 * (1 - t) * (1 - t);
      w[1] = 0.75 - (t - 0.5) * (t - 0.5);
      w[2] = 0.5 * t * t;
    }
    double sum = 0;
    for (int a = 0; a <= degree; ++a) {
      for (int b = 0; b <= degree; ++b) {
        const int distance = a > b ? a - b : b - a;
        if (distance <= blur.radius) {
          sum += w[a] * w[b] * static_cast<double>(blur.taps[distance]);
        }
      }
    }
    return sum;
  };
  // Between a place at a node, with the largest weight, and the middle of two.
  double at_node = degree == 1 ? 0.0 : 0.5;
  double between = degree == 1 ? 0.5 : 1.0;
  for (int step = 0; step < 40; ++step) {
    const double middle = 0.5 * (at_node + between);
    (self_weight(middle) > 1 ? at_node : between) = middle;
  }
  return at_node;
}

GridScale MakeGridScale(const CudaBilateralProblem& problem) {
  GridScale scale;
  scale.inverse_pitch =
      static_cast<float>(1 / (problem.sigma_rgb * problem.pitch));
  scale.shift = static_cast<float>(
      UnbiasedOffset(problem.spline_degree, MakeTaps(problem)));
  return scale;
}

// Nodes of a grid for colours that span max_color_range; more than
// kCudaMaxGridNodes, perhaps infinite, if that is too many.
double GridNodes(const CudaBilateralProblem& problem) {
  const GridScale scale = MakeGridScale(problem);
  // One more, since a range may be rounded up.
  const double side =
      std::floor(problem.max_color_range / (problem.sigma_rgb * problem.pitch) +
                 static_cast<double>(scale.shift)) +
      2 + problem.spline_degree;
  return side * side * side;
}

int PhantomPoints(const CudaBilateralProblem& problem) {
  return problem.lattice_phantom_points && Pixels(problem) % 4 != 0 ? 1 : 0;
}

CudaStatus Validate(const CudaBilateralProblem& problem) {
  if (problem.batch < 1 || problem.batch > 65535) {
    return InvalidArgument("batch must be 1 to 65535, got ", problem.batch);
  }
  if (problem.height < 1 || problem.width < 1 ||
      static_cast<int64_t>(problem.height) * problem.width > kCudaMaxPixels) {
    return InvalidArgument("images must have 1 to ", kCudaMaxPixels,
                           " pixels, got ", problem.height, " x ",
                           problem.width);
  }
  const auto is_positive = [](double x) { return x > 0 && std::isfinite(x); };
  if (!is_positive(problem.sigma_rgb)) {
    return InvalidArgument("sigma_rgb must be finite and positive, got ",
                           problem.sigma_rgb);
  }
  if (!is_positive(problem.sigma_xy_pixels)) {
    return InvalidArgument("sigma_xy_pixels must be finite and positive, got ",
                           problem.sigma_xy_pixels);
  }
  const bool needs_range =
      problem.method == CudaBilateralMethod::kExactTensorCore ||
      problem.method == CudaBilateralMethod::kGrid;
  if (needs_range && !is_positive(problem.max_color_range)) {
    return InvalidArgument("max_color_range must be finite and positive, got ",
                           problem.max_color_range);
  }
  switch (problem.method) {
    case CudaBilateralMethod::kExactSimt:
      break;
    case CudaBilateralMethod::kExactTensorCore: {
      if (problem.height > 4096 || problem.width > 4096) {
        return InvalidArgument(
            "the tensor-core filter takes images of up to 4096 x 4096, got ",
            problem.height, " x ", problem.width, "; use kExactSimt");
      }
      const double exponent = LargestTensorExponent(problem);
      if (!(exponent <= kMaxTensorExponent)) {
        return InvalidArgument(
            "sigma_rgb ", problem.sigma_rgb, " and sigma_xy_pixels ",
            problem.sigma_xy_pixels,
            " are too small for half floats, for colours that span ",
            problem.max_color_range, " and ", problem.height, " x ",
            problem.width, " pixels (exponents up to ", exponent,
            ", expected at most ", kMaxTensorExponent, "); use kExactSimt");
      }
      break;
    }
    case CudaBilateralMethod::kGrid: {
      if (problem.spline_degree != 1 && problem.spline_degree != 2) {
        return InvalidArgument("spline_degree must be 1 or 2, got ",
                               problem.spline_degree);
      }
      const double largest = std::sqrt(6.0 / (problem.spline_degree + 1));
      if (!(problem.pitch >= 0.3 && problem.pitch < largest)) {
        return InvalidArgument("pitch must be at least 0.3 and below ", largest,
                               ", got ", problem.pitch);
      }
      if (problem.num_functions < 1 || problem.functions_x == nullptr ||
          problem.functions_y == nullptr) {
        return InvalidArgument(
            "the grid filter needs tables of spatial functions, got ",
            problem.num_functions, " functions");
      }
      const double nodes = GridNodes(problem);
      if (!(nodes <= kCudaMaxGridNodes)) {
        return InvalidArgument("sigma_rgb ", problem.sigma_rgb,
                               " and max_color_range ", problem.max_color_range,
                               " need ", nodes, " grid nodes, more than ",
                               kCudaMaxGridNodes);
      }
      break;
    }
    case CudaBilateralMethod::kLattice:
      if (!(problem.lattice_vertices_per_pixel > 0 &&
            problem.lattice_vertices_per_pixel <= kSimplex)) {
        return InvalidArgument(
            "lattice_vertices_per_pixel must be above 0 and at most ", kSimplex,
            ", got ", problem.lattice_vertices_per_pixel);
      }
      break;
  }
  return {};
}

// Hands out pieces of the workspace; with a null base it only counts.
class Arena {
 public:
  explicit Arena(void* base) : base_(static_cast<char*>(base)) {}

  template <class T>
  T* Take(size_t count) {
    T* piece =
        base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + bytes_);
    bytes_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return piece;
  }

  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kAlignment = 256;

  char* base_;
  size_t bytes_ = 0;
};

// Everything in the workspace. What a method does not use is null.
struct Workspace {
  uint32_t* image_ranges = nullptr;  // [batch, 3] pairs of OrderedBits.
  uint32_t* map_ranges = nullptr;    // [batch, up to kMapGroup] pairs.

  // Tensor core.
  int padded = 0;
  uint32_t* rows = nullptr;
  float* row_norms = nullptr;
  uint32_t* columns = nullptr;
  uint32_t* values = nullptr;

  // Sorts, of grid and lattice.
  int sort_count = 0;  // Keys of an image.
  int last_key = 0;
  uint32_t* keys[2] = {};
  uint32_t* indices[2] = {};
  uint32_t* histograms = nullptr;
  uint32_t* starts = nullptr;

  // Grid.
  int max_nodes = 0;
  ColorBox* boxes = nullptr;
  SortedPixel* pixels = nullptr;
  float* nodes[2] = {};

  // Lattice.
  LatticeTable table = {};
  uint32_t* vertices = nullptr;
  float* weights = nullptr;
  uint32_t* neighbors = nullptr;
  float* vertex_values[2] = {};

  size_t bytes = 0;
};

// Channels whose ranges are found at a time.
constexpr int kMapGroup = 64;
constexpr int kMaxChannelGroup = 4;  // Of exact and lattice filters.

int SortPasses(const Workspace& workspace) {
  int passes = 1;
  while (passes < 4 && workspace.last_key >> (8 * passes) != 0) ++passes;
  return passes;
}

// Where SortKeys() leaves its results.
int SortedBuffer(const Workspace& workspace) {
  return SortPasses(workspace) % 2;
}

Workspace LayOut(const CudaBilateralProblem& problem, void* base) {
  Workspace w;
  Arena arena(base);
  const size_t batch = static_cast<size_t>(problem.batch);
  const size_t size = static_cast<size_t>(Pixels(problem));
  w.image_ranges = arena.Take<uint32_t>(batch * 3 * 2);
  w.map_ranges = arena.Take<uint32_t>(batch * kMapGroup * 2);
  const auto take_sort = [&](size_t count, size_t last_key) {
    w.sort_count = static_cast<int>(count);
    w.last_key = static_cast<int>(last_key);
    for (int b = 0; b < 2; ++b) {
      w.keys[b] = arena.Take<uint32_t>(batch * count);
      w.indices[b] = arena.Take<uint32_t>(batch * count);
    }
    w.histograms = arena.Take<uint32_t>(
        batch * static_cast<size_t>(SortTiles(w.sort_count)) * kDigits);
    w.starts = arena.Take<uint32_t>(batch * (last_key + 1));
  };
  switch (problem.method) {
    case CudaBilateralMethod::kExactSimt:
      break;
    case CudaBilateralMethod::kExactTensorCore: {
      w.padded = PaddedPixels(problem);
      const size_t padded = static_cast<size_t>(w.padded);
      w.rows = arena.Take<uint32_t>(batch * padded * 8);
      w.row_norms = arena.Take<float>(batch * padded);
      w.columns = arena.Take<uint32_t>(batch * padded * 8);
      w.values = arena.Take<uint32_t>(batch * padded * 4);
      break;
    }
    case CudaBilateralMethod::kGrid: {
      w.max_nodes = static_cast<int>(GridNodes(problem));
      const size_t nodes = static_cast<size_t>(w.max_nodes);
      take_sort(size, nodes);
      w.boxes = arena.Take<ColorBox>(batch);
      w.pixels = arena.Take<SortedPixel>(batch * size);
      for (float*& buffer : w.nodes) {
        buffer = arena.Take<float>(batch * nodes * kGridLanes);
      }
      break;
    }
    case CudaBilateralMethod::kLattice: {
      const size_t points = size + static_cast<size_t>(PhantomPoints(problem));
      const size_t vertices =
          std::min(points * kSimplex,
                   static_cast<size_t>(problem.lattice_vertices_per_pixel *
                                       static_cast<double>(size)) +
                       64);
      size_t slots = 64;
      while (slots < 2 * vertices + 2) slots *= 2;
      w.table.slot_mask = static_cast<uint32_t>(slots - 1);
      w.table.max_vertices = static_cast<uint32_t>(vertices);
      w.table.slots = arena.Take<uint64_t>(batch * slots);
      w.table.numbers = arena.Take<uint32_t>(batch * slots);
      w.table.keys = arena.Take<uint64_t>(batch * (vertices + 1));
      w.table.counts = arena.Take<uint32_t>(batch);
      w.vertices = arena.Take<uint32_t>(batch * size * kSimplex);
      w.weights = arena.Take<float>(batch * size * kSimplex);
      w.neighbors = arena.Take<uint32_t>(batch * kSimplex * (vertices + 1) * 2);
      for (float*& buffer : w.vertex_values) {
        buffer = arena.Take<float>(batch * (vertices + 1) * kMaxChannelGroup);
      }
      if (problem.lattice_deterministic) {
        take_sort(size * kSimplex, vertices + 1);
      }
      break;
    }
  }
  w.bytes = arena.bytes();
  return w;
}

// Launches on one stream, until the first failure.
class Launcher {
 public:
  explicit Launcher(void* stream) : stream_(stream) {}

  template <class... Parameters, class... Arguments>
  void Run(const char* name, void (*kernel)(Parameters...), Dim3 grid,
           int threads, Arguments... arguments) {
    if (!status_.ok()) return;
    const char* error =
        LaunchKernel(kernel, grid, threads, stream_, arguments...);
    if (error == nullptr) return;
    status_.code = CudaStatus::Code::kLaunchFailed;
    status_.message = std::string("launching ") + name + ": " + error;
  }

  void Fill(uint32_t* words, size_t count, uint32_t value) {
    Run("FillKernel", FillKernel,
        Dim3(static_cast<unsigned>((count + kStatisticsThreads - 1) /
                                   kStatisticsThreads)),
        kStatisticsThreads, words, count, value);
  }
  void Fill(float* floats, size_t count) {
    Fill(reinterpret_cast<uint32_t*>(floats), count, 0);
  }

  const CudaStatus& status() const { return status_; }

 private:
  void* stream_;
  CudaStatus status_;
};

Dim3 Grid(int x, int y = 1, int z = 1) {
  return Dim3(static_cast<unsigned>(x), static_cast<unsigned>(y),
              static_cast<unsigned>(z));
}

// Sorts workspace.keys[0] of each image; see SortedBuffer().
void SortKeys(const CudaBilateralProblem& problem, const Workspace& w,
              Launcher& launcher) {
  const int tiles = SortTiles(w.sort_count);
  const Dim3 grid = Grid(tiles, problem.batch);
  for (int pass = 0; pass < SortPasses(w); ++pass) {
    const int from = pass % 2;
    const int to = 1 - from;
    launcher.Run("CountDigitsKernel", CountDigitsKernel, grid, kSortThreads,
                 w.keys[from], w.sort_count, 8 * pass, w.histograms);
    launcher.Run("ScanDigitsKernel", ScanDigitsKernel, Grid(1, problem.batch),
                 kDigits, tiles, w.histograms);
    launcher.Run("ScatterKernel", ScatterKernel, grid, kSortThreads,
                 w.keys[from], pass == 0 ? nullptr : w.indices[from],
                 w.sort_count, 8 * pass, w.histograms, w.keys[to],
                 w.indices[to]);
  }
  launcher.Run("FindStartsKernel", FindStartsKernel,
               Grid(DivideUp(w.last_key + 1, kSortThreads), problem.batch),
               kSortThreads, w.keys[SortedBuffer(w)], w.sort_count, w.last_key,
               w.starts);
}

void PlanTensorCore(const CudaBilateralProblem& problem, const Workspace& w,
                    const float* images, uint32_t* flags, Launcher& launcher) {
  launcher.Run("CheckRangeKernel", CheckRangeKernel,
               Grid(DivideUp(problem.batch, kStatisticsThreads)),
               kStatisticsThreads, w.image_ranges, problem.batch,
               static_cast<float>(problem.max_color_range), flags);
  TensorScale scale;
  const double unit =
      std::exp2(std::floor(std::log2(256.0 / problem.max_color_range)));
  scale.color_unit = static_cast<float>(unit);
  const double sigma = problem.sigma_rgb * unit;
  scale.alpha = static_cast<float>(kLog2E / (sigma * sigma));
  scale.beta = static_cast<float>(
      kLog2E / (problem.sigma_xy_pixels * problem.sigma_xy_pixels));
  scale.padding_exponent = -60000.0f;
  launcher.Run("PackPixelsKernel", PackPixelsKernel,
               Grid(DivideUp(w.padded, kExactThreads), problem.batch),
               kExactThreads, images, w.image_ranges, Pixels(problem), w.padded,
               problem.width, problem.height, scale, w.rows, w.row_norms,
               w.columns);
}

void PlanGrid(const CudaBilateralProblem& problem, const Workspace& w,
              const float* images, uint32_t* flags, Launcher& launcher) {
  const int size = Pixels(problem);
  const GridScale scale = MakeGridScale(problem);
  const Dim3 grid = Grid(DivideUp(size, kGridThreads), problem.batch);
  launcher.Run("MakeBoxesKernel", MakeBoxesKernel,
               Grid(DivideUp(problem.batch, kGridThreads)), kGridThreads,
               w.image_ranges, problem.batch, problem.spline_degree, scale,
               w.max_nodes, w.boxes, flags);
  launcher.Run("FindCellsKernel", FindCellsKernel, grid, kGridThreads, images,
               w.boxes, flags, size, scale, w.keys[0]);
  SortKeys(problem, w, launcher);
  launcher.Run("GatherPixelsKernel", GatherPixelsKernel, grid, kGridThreads,
               images, w.boxes, flags, w.indices[SortedBuffer(w)], size, scale,
               w.pixels);
}

void PlanLattice(const CudaBilateralProblem& problem, const Workspace& w,
                 const float* images, uint32_t* flags, Launcher& launcher) {
  const size_t batch = static_cast<size_t>(problem.batch);
  const size_t slots = static_cast<size_t>(w.table.slot_mask) + 1;
  const int size = Pixels(problem);
  const int entries = size * kSimplex;
  launcher.Fill(reinterpret_cast<uint32_t*>(w.table.slots), 2 * batch * slots,
                0);
  launcher.Fill(w.table.numbers, batch * slots, 0);
  launcher.Fill(w.table.counts, batch, 0);

  LatticeScale scale;
  scale.sigma_rgb = static_cast<float>(problem.sigma_rgb);
  scale.sigma_xy = static_cast<float>(problem.sigma_xy_pixels);
  // Rounded as the published code rounds it, see the CPU's lattice.
  const float unit = static_cast<float>(std::sqrt(2.0 / 3.0) * kSimplex);
  for (int j = 1; j <= kLatticeD; ++j) {
    scale.elevation[j - 1] = static_cast<float>(1.0 / std::sqrt(j * (j + 1.0)) *
                                                static_cast<double>(unit));
  }
  const int phantoms = PhantomPoints(problem);
  launcher.Run("InsertKernel", InsertKernel,
               Grid(DivideUp(size + phantoms, kLatticeThreads), problem.batch),
               kLatticeThreads, images, size, problem.width, phantoms, scale,
               w.table, w.vertices, w.weights, flags);
  launcher.Run("NumberKernel", NumberKernel,
               Grid(DivideUp(entries, kLatticeThreads), problem.batch),
               kLatticeThreads, w.table, entries, flags, w.vertices);
  launcher.Run("FindNeighborsKernel", FindNeighborsKernel,
               Grid(DivideUp(w.table.max_vertices, kLatticeThreads), kSimplex,
                    problem.batch),
               kLatticeThreads, w.table, flags, w.neighbors);
  if (problem.lattice_deterministic) {
    // The sort overwrites its keys.
    launcher.Run("CopyKernel", CopyKernel,
                 Grid(DivideUp(static_cast<int64_t>(batch) * entries,
                               kStatisticsThreads)),
                 kStatisticsThreads, w.vertices, batch * entries, w.keys[0]);
    SortKeys(problem, w, launcher);
  }
}

template <int kRows>
void LaunchExactSimt(const CudaBilateralProblem& problem, const float* images,
                     const float* in, int channels, int total_channels,
                     float* out, Launcher& launcher) {
  const int size = Pixels(problem);
  const size_t stride = static_cast<size_t>(total_channels) * size;
  // See ExactScale.
  ExactScale scale;
  const double sigma = std::min(problem.sigma_rgb, problem.sigma_xy_pixels);
  scale.position = static_cast<float>(sigma / problem.sigma_xy_pixels);
  scale.color = static_cast<float>(sigma / problem.sigma_rgb);
  scale.factor = static_cast<float>(-0.5 * kLog2E / (sigma * sigma));
  const Dim3 grid = Grid(DivideUp(size, kExactThreads * kRows), problem.batch);
  const auto run = [&](auto kernel) {
    launcher.Run("ExactSimtKernel", kernel, grid, kExactThreads, images, size,
                 problem.width, scale, in, out, stride);
  };
  switch (channels) {
    case 1:
      return run(ExactSimtKernel<1, kRows>);
    case 2:
      return run(ExactSimtKernel<2, kRows>);
    case 3:
      return run(ExactSimtKernel<3, kRows>);
    default:
      return run(ExactSimtKernel<4, kRows>);
  }
}

void ApplyExactSimt(const CudaBilateralProblem& problem, const float* images,
                    const float* in, int total_channels, float* out,
                    Launcher& launcher) {
  const int size = Pixels(problem);
  // More rows a thread share the reading of columns; fewer keep a device busy
  // with small batches: 264 blocks are two for each of 132 multiprocessors.
  const bool many =
      static_cast<int64_t>(problem.batch) * DivideUp(size, kExactThreads * 4) >=
      264;
  for (int first = 0; first < total_channels; first += kMaxChannelGroup) {
    const int channels = std::min(kMaxChannelGroup, total_channels - first);
    const size_t offset = static_cast<size_t>(first) * size;
    if (many) {
      LaunchExactSimt<4>(problem, images, in + offset, channels, total_channels,
                         out + offset, launcher);
    } else {
      LaunchExactSimt<1>(problem, images, in + offset, channels, total_channels,
                         out + offset, launcher);
    }
  }
}

// Maps [first, first + count), whose ranges are in the workspace.
void ApplyTensorCore(const CudaBilateralProblem& problem, const Workspace& w,
                     const float* in, int channels, int first, int count,
                     float* out, Launcher& launcher) {
  constexpr int kTiles = 2;
  const int size = Pixels(problem);
  const size_t stride = static_cast<size_t>(channels) * size;
  for (int k = 0; k < count; k += kTensorChannels) {
    const size_t offset = static_cast<size_t>(first) * size;
    launcher.Run("PackMapsKernel", PackMapsKernel,
                 Grid(DivideUp(w.padded / 2, kExactThreads), problem.batch),
                 kExactThreads, in + offset, stride, w.map_ranges, count, k,
                 size, w.padded, w.values);
    launcher.Run("ExactTensorKernel", ExactTensorKernel<kTiles>,
                 Grid(DivideUp(w.padded, 64 * kTiles), problem.batch),
                 kExactThreads, w.rows, w.row_norms, w.columns, w.values,
                 w.map_ranges, size, w.padded, count, k, out + offset, stride);
  }
}

template <int kDegree, int kGroup>
void ApplyGridGroup(const CudaBilateralProblem& problem, const Workspace& w,
                    const float* in, size_t stride, float* out,
                    Launcher& launcher) {
  const int size = Pixels(problem);
  const BlurTaps blur = MakeTaps(problem);
  constexpr int kFunctions = kGridLanes / kGroup;  // At a time.
  for (int first = 0; first < problem.num_functions; first += kFunctions) {
    const SpatialTables tables = {problem.functions_x, problem.functions_y,
                                  problem.num_functions, first};
    launcher.Run("SplatNodesKernel", SplatNodesKernel<kDegree, kGroup>,
                 Grid(w.max_nodes, problem.batch), kGridThreads, w.pixels,
                 w.starts, w.boxes, tables, in, stride, size, problem.width,
                 w.max_nodes, w.nodes[0]);
    for (int axis = 2; axis >= 0; --axis) {
      launcher.Run(
          "BlurNodesKernel", BlurNodesKernel,
          Grid(DivideUp(w.max_nodes, kBlurThreads / kGridLanes), problem.batch),
          kBlurThreads, w.boxes, blur, axis, w.max_nodes, w.nodes[axis % 2],
          w.nodes[1 - axis % 2]);
    }
    launcher.Run("SlicePixelsKernel", SlicePixelsKernel<kDegree, kGroup>,
                 Grid(DivideUp(size, kGridThreads), problem.batch),
                 kGridThreads, w.pixels, w.keys[SortedBuffer(w)], w.boxes,
                 tables, w.nodes[1], size, problem.width, w.max_nodes,
                 first > 0, out, stride);
  }
}

void ApplyGrid(const CudaBilateralProblem& problem, const Workspace& w,
               const float* in, int channels, float* out, Launcher& launcher) {
  const int size = Pixels(problem);
  const size_t stride = static_cast<size_t>(channels) * size;
  for (int k = 0; k < channels; k += 2) {
    const float* from = in + static_cast<size_t>(k) * size;
    float* to = out + static_cast<size_t>(k) * size;
    const bool pair = k + 1 < channels;
    if (problem.spline_degree == 1) {
      (pair ? ApplyGridGroup<1, 2>
            : ApplyGridGroup<1, 1>)(problem, w, from, stride, to, launcher);
    } else {
      (pair ? ApplyGridGroup<2, 2>
            : ApplyGridGroup<2, 1>)(problem, w, from, stride, to, launcher);
    }
  }
}

template <int kChannels>
void ApplyLatticeGroup(const CudaBilateralProblem& problem, const Workspace& w,
                       const uint32_t* flags, const float* in, size_t stride,
                       float* out, Launcher& launcher) {
  const int size = Pixels(problem);
  const int batch = problem.batch;
  const uint32_t max_vertices = w.table.max_vertices;
  const size_t floats = static_cast<size_t>(batch) *
                        (static_cast<size_t>(max_vertices) + 1) * kChannels;
  // Vertex 0, the one that does not exist, stays zero; atomics add to zeros.
  for (float* buffer : w.vertex_values) launcher.Fill(buffer, floats);
  const int pixel_blocks = DivideUp(size, kLatticeThreads);
  if (problem.lattice_deterministic) {
    launcher.Run(
        "SplatSortedKernel", SplatSortedKernel<kChannels>,
        Grid(DivideUp(max_vertices, kLatticeThreads / kWarpSize), batch),
        kLatticeThreads, w.indices[SortedBuffer(w)], w.starts, w.weights, size,
        max_vertices, w.table.counts, flags, in, stride, w.vertex_values[0]);
  } else {
    launcher.Run("SplatAtomicKernel", SplatAtomicKernel<kChannels>,
                 Grid(pixel_blocks, kSimplex, batch), kLatticeThreads,
                 w.vertices, w.weights, size, max_vertices, in, stride,
                 w.vertex_values[0]);
  }
  for (int axis = 0; axis < kSimplex; ++axis) {
    launcher.Run("BlurVerticesKernel", BlurVerticesKernel<kChannels>,
                 Grid(DivideUp(max_vertices, kLatticeThreads), batch),
                 kLatticeThreads, w.neighbors, w.table.counts, flags,
                 max_vertices, axis, w.vertex_values[axis % 2],
                 w.vertex_values[1 - axis % 2]);
  }
  static_assert(kSimplex % 2 == 0, "The blur must end in the first buffer");
  launcher.Run("SliceVerticesKernel", SliceVerticesKernel<kChannels>,
               Grid(pixel_blocks, batch), kLatticeThreads, w.vertices,
               w.weights, size, max_vertices, w.vertex_values[0], out, stride);
}

void ApplyLattice(const CudaBilateralProblem& problem, const Workspace& w,
                  const uint32_t* flags, const float* in, int total_channels,
                  float* out, Launcher& launcher) {
  const int size = Pixels(problem);
  const size_t stride = static_cast<size_t>(total_channels) * size;
  for (int first = 0; first < total_channels;) {
    const int left = total_channels - first;
    const float* from = in + static_cast<size_t>(first) * size;
    float* to = out + static_cast<size_t>(first) * size;
    if (left >= 4) {
      ApplyLatticeGroup<4>(problem, w, flags, from, stride, to, launcher);
      first += 4;
    } else if (left >= 2) {
      ApplyLatticeGroup<2>(problem, w, flags, from, stride, to, launcher);
      first += 2;
    } else {
      ApplyLatticeGroup<1>(problem, w, flags, from, stride, to, launcher);
      first += 1;
    }
  }
}

// Ranges of the first `planes` planes of each image, which has `all_planes`.
void FindRanges(const CudaBilateralProblem& problem, const float* first,
                int planes, int all_planes, uint32_t flag, uint32_t* ranges,
                uint32_t* flags, Launcher& launcher) {
  const int size = Pixels(problem);
  launcher.Run("InitRangesKernel", InitRangesKernel,
               Grid(DivideUp(static_cast<int64_t>(problem.batch) * planes,
                             kStatisticsThreads)),
               kStatisticsThreads, ranges, problem.batch * planes);
  launcher.Run("RangeKernel", RangeKernel,
               Grid(DivideUp(size, kStatisticsThreads * kStatisticsItems),
                    planes, problem.batch),
               kStatisticsThreads, first,
               static_cast<size_t>(all_planes) * size, size, flag, ranges,
               flags);
}

CudaStatus CheckCall(const CudaBilateralProblem& problem, const void* images,
                     const void* workspace, size_t workspace_bytes,
                     const void* flags) {
  CudaStatus status = Validate(problem);
  if (!status.ok()) return status;
  if (images == nullptr || workspace == nullptr || flags == nullptr) {
    return InvalidArgument("images, workspace and flags must not be null");
  }
  const size_t bytes = LayOut(problem, nullptr).bytes;
  if (workspace_bytes < bytes) {
    return InvalidArgument("the workspace must have ", bytes, " bytes, got ",
                           workspace_bytes);
  }
  if (reinterpret_cast<uintptr_t>(workspace) % 16 != 0) {
    return InvalidArgument("the workspace must be aligned");
  }
  return {};
}

}  // namespace

CudaStatus CudaBilateralWorkspaceBytes(const CudaBilateralProblem& problem,
                                       size_t* bytes) {
  CudaStatus status = Validate(problem);
  if (status.ok()) *bytes = LayOut(problem, nullptr).bytes;
  return status;
}

CudaStatus PlanCudaBilateral(const CudaBilateralProblem& problem,
                             const float* images, void* workspace,
                             size_t workspace_bytes, uint32_t* flags,
                             void* stream) {
  CudaStatus status =
      CheckCall(problem, images, workspace, workspace_bytes, flags);
  if (!status.ok()) return status;
  const Workspace w = LayOut(problem, workspace);
  Launcher launcher(stream);
  launcher.Fill(flags, static_cast<size_t>(problem.batch), 0);
  FindRanges(problem, images, 3, 3, kCudaNonFiniteImage, w.image_ranges, flags,
             launcher);
  switch (problem.method) {
    case CudaBilateralMethod::kExactSimt:
      break;
    case CudaBilateralMethod::kExactTensorCore:
      PlanTensorCore(problem, w, images, flags, launcher);
      break;
    case CudaBilateralMethod::kGrid:
      PlanGrid(problem, w, images, flags, launcher);
      break;
    case CudaBilateralMethod::kLattice:
      PlanLattice(problem, w, images, flags, launcher);
      break;
  }
  return launcher.status();
}

CudaStatus ApplyCudaBilateral(const CudaBilateralProblem& problem,
                              const float* images, void* workspace,
                              size_t workspace_bytes, const float* in,
                              int channels, float* out, uint32_t* flags,
                              void* stream) {
  CudaStatus status =
      CheckCall(problem, images, workspace, workspace_bytes, flags);
  if (!status.ok()) return status;
  if (in == nullptr || out == nullptr) {
    return InvalidArgument("in and out must not be null");
  }
  const int64_t size = Pixels(problem);
  if (channels < 1 || channels * size > (int64_t{1} << 31)) {
    return InvalidArgument("channels must be 1 to ", (int64_t{1} << 31) / size,
                           ", got ", channels);
  }
  const Workspace w = LayOut(problem, workspace);
  Launcher launcher(stream);
  // Ranges find non-finite values, whatever the method; the tensor cores need
  // them too.
  for (int first = 0; first < channels; first += kMapGroup) {
    const int count = std::min(kMapGroup, channels - first);
    FindRanges(problem, in + first * size, count, channels, kCudaNonFiniteMap,
               w.map_ranges, flags, launcher);
    if (problem.method == CudaBilateralMethod::kExactTensorCore) {
      ApplyTensorCore(problem, w, in, channels, first, count, out, launcher);
    }
  }
  switch (problem.method) {
    case CudaBilateralMethod::kExactTensorCore:
      break;
    case CudaBilateralMethod::kExactSimt:
      ApplyExactSimt(problem, images, in, channels, out, launcher);
      break;
    case CudaBilateralMethod::kGrid:
      ApplyGrid(problem, w, in, channels, out, launcher);
      break;
    case CudaBilateralMethod::kLattice:
      ApplyLattice(problem, w, flags, in, channels, out, launcher);
      break;
  }
  const size_t floats = static_cast<size_t>(channels * size);
  launcher.Run(
      "PoisonKernel", PoisonKernel,
      Grid(static_cast<int>(std::min<size_t>(
               64, (floats + kStatisticsThreads - 1) / kStatisticsThreads)),
           problem.batch),
      kStatisticsThreads, flags, floats, out);
  return launcher.status();
}

}  // namespace vision
