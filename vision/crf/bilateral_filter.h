// The Gaussian bilateral filter W of dense CRFs, planned once for an image and
// applied to any number of maps of the same size.
//
//   (W s)_i = sum_j exp(-|x_i - x_j|^2 / (2 sigma_xy^2)
//                       -|c_i - c_j|^2 / (2 sigma_rgb^2)) s_j
//
// over all pixels j, j = i included, with positions x in pixels and colours c;
// no normalisation (Kraehenbuehl and Koltun, NIPS 2011, the appearance kernel).
//
//   ASSIGN(auto filter, BilateralFilter::Create(rgb, height, width, options));
//   filter->Apply(maps, /*channels=*/2, filtered);
//
// For the loss built on it see dense_crf_loss.h. No LibTorch here.

#ifndef VISION_CRF_BILATERAL_FILTER_H_
#define VISION_CRF_BILATERAL_FILTER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

// How W is evaluated. Errors are relative L2 errors of W s, measured on natural
// images at sigma_rgb 15, sigma_xy 100; N is the number of pixels.
enum class BilateralFilterMethod {
  // kExact if N <= 4096, else kGrid; kExact too where the grid does not serve
  // (sigma_xy below about a sixth of the image, or a sigma_rgb so small that
  // the
  // colours' box has too many cells), which is slow for large images.
  // Never kLattice, whose values are on another scale.
  kAuto,
  // All pairs in float32: error 2e-7, O(N^2).
  kExact,
  // Low-rank in space, B-spline grid in colour: error about 1e-2 (see
  // BilateralFilterAccuracy), O(N). Symmetric positive semidefinite.
  kGrid,
  // The permutohedral lattice with the arithmetic of the published F-CAM and
  // rloss code, to reproduce their numbers: O(N), about 0.5 to 0.6 times the
  // true values, not quite symmetric.
  kLattice,
};

// "auto", "exact", "grid" or "lattice".
absl::string_view BilateralFilterMethodName(BilateralFilterMethod method);

// The inverse of BilateralFilterMethodName; kInvalidArgument for other names.
absl::StatusOr<BilateralFilterMethod> ParseBilateralFilterMethod(
    absl::string_view name);

// Accuracy of kGrid; the other methods ignore it.
enum class BilateralFilterAccuracy {
  kFast,      // Linear splines, pitch 0.7 sigma_rgb: error about 4e-2.
  kDefault,   // Quadratic splines, pitch 0.8 sigma_rgb: at most 1.5e-2.
  kAccurate,  // Quadratic splines, pitch 0.65 sigma_rgb: at most 8e-3.
};

struct BilateralFilterOptions {
  // Standard deviation of colour differences, in units of the image's values
  // (0..255), finite and > 0.
  double sigma_rgb = 15.0;
  // Standard deviation of positions in pixels, finite and > 0.
  double sigma_xy_pixels = 100.0;
  BilateralFilterMethod method = BilateralFilterMethod::kAuto;
  BilateralFilterAccuracy accuracy = BilateralFilterAccuracy::kDefault;

  absl::Status Validate() const;
};

// A filter for one image. Immutable: Apply() may run on several threads at
// once. Results depend neither on the number of threads nor on earlier calls,
// bit for bit on one type of CPU (vector widths, thus rounding, differ between
// types).
class BilateralFilter {
 public:
  // Plans the filter of the planar image `rgb_chw`, [3, height, width], usually
  // 0..255 though any finite range will do; it is not kept.
  // kInvalidArgument: options out of range, height or width < 1, a non-finite
  // colour, or kGrid / kLattice asked for with sigmas that they do not serve.
  static absl::StatusOr<std::unique_ptr<BilateralFilter>> Create(
      const float* rgb_chw, int height, int width,
      const BilateralFilterOptions& options);

  virtual ~BilateralFilter() = default;
  BilateralFilter(const BilateralFilter&) = delete;
  BilateralFilter& operator=(const BilateralFilter&) = delete;

  // out = W in for each of the `channels` maps of `in`, [channels, height,
  // width], any finite values. `out` has the same shape and may not overlap
  // `in`. kInvalidArgument: channels < 1, a non-finite value in `in` (`out` is
  // then untouched).
  absl::Status Apply(const float* in, int channels, float* out) const;

  // The method in use, never kAuto.
  BilateralFilterMethod method() const { return method_; }
  int height() const { return height_; }
  int width() const { return width_; }

 protected:
  BilateralFilter(int height, int width, BilateralFilterMethod method)
      : height_(height), width_(width), method_(method) {}

 private:
  // Apply() on checked arguments.
  virtual void Filter(const float* in, int channels, float* out) const = 0;

  const int height_;
  const int width_;
  const BilateralFilterMethod method_;
};

}  // namespace vision

#endif  // VISION_CRF_BILATERAL_FILTER_H_
