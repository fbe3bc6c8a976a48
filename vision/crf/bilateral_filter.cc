#include "vision/crf/bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "vision/base/status_util.h"
#include "vision/crf/exact_bilateral_filter.h"
#include "vision/crf/filter_workspace.h"
#include "vision/crf/grid_bilateral_filter.h"
#include "vision/crf/lattice_bilateral_filter.h"

namespace vision {
namespace {

// Pairs of a pixel up to which the exact filter is taken: some 0.5 microseconds
// each pixel.
constexpr int64_t kAutoExactPairs = 4096;

// Pixels are counted in int32.
constexpr int64_t kMaxPixels = int64_t{1} << 26;

// Index of the first non-finite value, or `size`.
size_t FindNonFinite(const float* values, size_t size) {
  // A loop without a branch, which compilers vectorise; a search only if it
  // finds an exponent of all ones.
  constexpr uint32_t kExponent = 0x7F800000;
  uint32_t found = 0;
  for (size_t i = 0; i < size; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    found |= (bits & kExponent) == kExponent ? 1u : 0u;
  }
  if (found == 0) return size;
  return static_cast<size_t>(
      std::find_if(values, values + size,
                   [](float value) { return !std::isfinite(value); }) -
      values);
}

GridBilateralFilterOptions GridOptions(BilateralFilterAccuracy accuracy) {
  GridBilateralFilterOptions options;
  switch (accuracy) {
    case BilateralFilterAccuracy::kFast:
      options.pitch = 1.0;
      options.spatial_tolerance = 2e-2;
      break;
    case BilateralFilterAccuracy::kDefault:
      options.pitch = 0.8;
      options.spatial_tolerance = 1e-2;
      break;
    case BilateralFilterAccuracy::kAccurate:
      options.pitch = 0.65;
      options.spatial_tolerance = 5e-3;
      break;
  }
  return options;
}

}  // namespace

absl::string_view BilateralFilterMethodName(BilateralFilterMethod method) {
  switch (method) {
    case BilateralFilterMethod::kAuto:
      return "auto";
    case BilateralFilterMethod::kExact:
      return "exact";
    case BilateralFilterMethod::kGrid:
      return "grid";
    case BilateralFilterMethod::kLattice:
      return "lattice";
  }
  LOG(FATAL) << "Not a BilateralFilterMethod: " << static_cast<int>(method);
  return "";
}

absl::StatusOr<BilateralFilterMethod> ParseBilateralFilterMethod(
    absl::string_view name) {
  for (const BilateralFilterMethod method :
       {BilateralFilterMethod::kAuto, BilateralFilterMethod::kExact,
        BilateralFilterMethod::kGrid, BilateralFilterMethod::kLattice}) {
    if (name == BilateralFilterMethodName(method)) return method;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Bilateral filter method must be auto, exact, grid or "
                   "lattice, got \"",
                   name, "\""));
}

absl::Status BilateralFilterOptions::Validate() const {
  if (!std::isfinite(sigma_rgb) || sigma_rgb <= 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("sigma_rgb must be finite and positive, got ", sigma_rgb));
  }
  if (!std::isfinite(sigma_xy_pixels) || sigma_xy_pixels <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sigma_xy_pixels must be finite and positive, got ", sigma_xy_pixels));
  }
  return absl::OkStatus();
}

struct BilateralFilter::Plans {
  std::optional<ExactBilateralFilter> exact;
  GridBilateralFilter grid;
  LatticeBilateralFilter lattice;
};

BilateralFilter::BilateralFilter(const BilateralFilterOptions& options)
    : options_(options), plans_(std::make_unique<Plans>()) {}

BilateralFilter::~BilateralFilter() = default;

absl::StatusOr<std::unique_ptr<BilateralFilter>> BilateralFilter::Create(
    const float* rgb_chw, int height, int width,
    const BilateralFilterOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  // The constructor is private.
  std::unique_ptr<BilateralFilter> filter(new BilateralFilter(options));
  VISION_RETURN_IF_ERROR(filter->SetImage(rgb_chw, height, width));
  return filter;
}

absl::Status BilateralFilter::SetImage(const float* rgb_chw, int height,
                                       int width) {
  has_image_ = false;
  if (height < 1 || width < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("The image's height and width must be positive, got ",
                     height, " x ", width));
  }
  const int64_t size = static_cast<int64_t>(height) * width;
  if (size > kMaxPixels) {
    return absl::InvalidArgumentError(
        absl::StrCat("The image may have at most ", kMaxPixels, " pixels, got ",
                     height, " x ", width));
  }
  const size_t bad = FindNonFinite(rgb_chw, 3 * size);
  if (bad < static_cast<size_t>(3 * size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("The image's colours must be finite, got ", rgb_chw[bad],
                     " in channel ", bad / size, ", row ", bad % size / width,
                     ", column ", bad % width));
  }
  const double sigma_rgb = options_.sigma_rgb;
  const double sigma_xy = options_.sigma_xy_pixels;
  BilateralFilterMethod method = options_.method;
  const bool is_auto = method == BilateralFilterMethod::kAuto;
  if (is_auto) {
    const int64_t side = 2 * int64_t{ExactBilateralFilter::WindowRadius(
                                 height, width, sigma_xy)} +
                         1;
    const int64_t pairs =
        std::min<int64_t>(height, side) * std::min<int64_t>(width, side);
    method = pairs <= kAutoExactPairs ? BilateralFilterMethod::kExact
                                      : BilateralFilterMethod::kGrid;
  }
  if (method == BilateralFilterMethod::kGrid) {
    const absl::Status status =
        plans_->grid.Plan(rgb_chw, height, width, sigma_rgb, sigma_xy,
                          GridOptions(options_.accuracy));
    if (!status.ok() && !is_auto) return status;
    if (!status.ok()) method = BilateralFilterMethod::kExact;
  }
  if (method == BilateralFilterMethod::kLattice) {
    VISION_RETURN_IF_ERROR(
        plans_->lattice.Plan(rgb_chw, height, width, sigma_rgb, sigma_xy));
  }
  if (method == BilateralFilterMethod::kExact) {
    plans_->exact.emplace(rgb_chw, height, width, sigma_rgb, sigma_xy);
  }
  height_ = height;
  width_ = width;
  method_ = method;
  has_image_ = true;
  return absl::OkStatus();
}

absl::Status BilateralFilter::Apply(const float* in, int channels, float* out,
                                    FilterWorkspace* workspace,
                                    int num_threads) const {
  if (!has_image_) {
    return absl::FailedPreconditionError(
        "The bilateral filter has no image, since the last SetImage() failed");
  }
  if (channels < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The number of channels must be positive, got ", channels));
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The number of threads must be positive, got ", num_threads));
  }
  const size_t size = static_cast<size_t>(height_) * width_;
  const size_t bad = FindNonFinite(in, channels * size);
  if (bad < channels * size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The maps to filter must be finite, got ", in[bad], " in channel ",
        bad / size, ", row ", bad % size / width_, ", column ", bad % width_));
  }
  switch (method_) {
    case BilateralFilterMethod::kExact:
      plans_->exact->Filter(in, channels, out, num_threads, options_.self_term);
      return absl::OkStatus();
    case BilateralFilterMethod::kLattice:
      plans_->lattice.Filter(in, channels, out, workspace, num_threads);
      break;
    case BilateralFilterMethod::kAuto:
    case BilateralFilterMethod::kGrid:
      plans_->grid.Filter(in, channels, out, workspace, num_threads);
      break;
  }
  if (!options_.self_term) {
    for (size_t i = 0; i < channels * size; ++i) out[i] -= in[i];
  }
  return absl::OkStatus();
}

absl::Status BilateralFilter::Apply(const float* in, int channels,
                                    float* out) const {
  FilterWorkspace workspace;
  return Apply(in, channels, out, &workspace);
}

size_t BilateralFilter::bytes() const {
  switch (method_) {
    case BilateralFilterMethod::kExact:
      return 5 * sizeof(float) * static_cast<size_t>(height_) * width_;
    case BilateralFilterMethod::kLattice:
      return plans_->lattice.bytes();
    case BilateralFilterMethod::kAuto:
    case BilateralFilterMethod::kGrid:
      break;
  }
  return plans_->grid.bytes();
}

double BilateralFilter::NumMultiplyAdds(int channels) const {
  return method_ == BilateralFilterMethod::kGrid
             ? plans_->grid.NumMultiplyAdds(channels)
             : 0.0;
}

}  // namespace vision
