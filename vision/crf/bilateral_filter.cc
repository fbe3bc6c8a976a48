#include "vision/crf/bilateral_filter.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "vision/base/status_util.h"
#include "vision/crf/exact_bilateral_filter.h"
#include "vision/crf/grid_bilateral_filter.h"
#include "vision/crf/lattice_bilateral_filter.h"

namespace vision {
namespace {

// Up to here all pairs take a few milliseconds.
constexpr int64_t kAutoExactPixels = 4096;

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

// Makes an implementation a BilateralFilter.
template <typename Implementation>
class FilterOf final : public BilateralFilter {
 public:
  FilterOf(int height, int width, BilateralFilterMethod method,
           Implementation implementation)
      : BilateralFilter(height, width, method),
        implementation_(std::move(implementation)) {}

 private:
  void Filter(const float* in, int channels, float* out) const override {
    implementation_.Filter(in, channels, out);
  }

  const Implementation implementation_;
};

template <typename Implementation>
std::unique_ptr<BilateralFilter> MakeFilter(int height, int width,
                                            BilateralFilterMethod method,
                                            Implementation implementation) {
  return std::make_unique<FilterOf<Implementation>>(height, width, method,
                                                    std::move(implementation));
}

GridBilateralFilterOptions GridOptions(BilateralFilterAccuracy accuracy) {
  GridBilateralFilterOptions options;
  switch (accuracy) {
    case BilateralFilterAccuracy::kFast:
      options.spline_degree = 1;
      options.pitch = 0.7;
      options.spatial_tolerance = 2e-2;
      break;
    case BilateralFilterAccuracy::kDefault:
      options.spline_degree = 2;
      options.pitch = 0.8;
      options.spatial_tolerance = 1e-2;
      break;
    case BilateralFilterAccuracy::kAccurate:
      options.spline_degree = 2;
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

absl::StatusOr<std::unique_ptr<BilateralFilter>> BilateralFilter::Create(
    const float* rgb_chw, int height, int width,
    const BilateralFilterOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
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
  const auto make_exact = [&] {
    return MakeFilter(
        height, width, BilateralFilterMethod::kExact,
        ExactBilateralFilter(rgb_chw, height, width, options.sigma_rgb,
                             options.sigma_xy_pixels));
  };
  switch (options.method) {
    case BilateralFilterMethod::kExact:
      return make_exact();
    case BilateralFilterMethod::kLattice: {
      VISION_ASSIGN_OR_RETURN(
          auto filter, LatticeBilateralFilter::Create(rgb_chw, height, width,
                                                      options.sigma_rgb,
                                                      options.sigma_xy_pixels));
      return MakeFilter(height, width, BilateralFilterMethod::kLattice,
                        std::move(filter));
    }
    case BilateralFilterMethod::kAuto:
    case BilateralFilterMethod::kGrid:
      break;
  }
  const bool is_auto = options.method == BilateralFilterMethod::kAuto;
  if (is_auto && size <= kAutoExactPixels) return make_exact();
  auto filter = GridBilateralFilter::Create(
      rgb_chw, height, width, options.sigma_rgb, options.sigma_xy_pixels,
      GridOptions(options.accuracy));
  if (filter.ok()) {
    return MakeFilter(height, width, BilateralFilterMethod::kGrid,
                      *std::move(filter));
  }
  if (is_auto) return make_exact();
  return std::move(filter).status();
}

absl::Status BilateralFilter::Apply(const float* in, int channels,
                                    float* out) const {
  if (channels < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The number of channels must be positive, got ", channels));
  }
  const size_t size = static_cast<size_t>(height_) * width_;
  const size_t bad = FindNonFinite(in, channels * size);
  if (bad < channels * size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The maps to filter must be finite, got ", in[bad], " in channel ",
        bad / size, ", row ", bad % size / width_, ", column ", bad % width_));
  }
  Filter(in, channels, out);
  return absl::OkStatus();
}

}  // namespace vision
