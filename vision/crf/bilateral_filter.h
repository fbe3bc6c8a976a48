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
// For many images keep the filter and a workspace, one of each for a thread:
//
//   FilterWorkspace workspace;
//   filter->SetImage(next_rgb, height, width);
//   filter->Apply(next_maps, /*channels=*/2, filtered, &workspace);
//
// For the loss built on it see dense_crf_loss.h. No LibTorch here.

#ifndef VISION_CRF_BILATERAL_FILTER_H_
#define VISION_CRF_BILATERAL_FILTER_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/crf/filter_workspace.h"

namespace vision {

// How W is evaluated. Errors are relative L2 errors of W s, measured on natural
// images at sigma_rgb 15, sigma_xy 100; N is the number of pixels.
enum class BilateralFilterMethod {
  // kExact if each pixel has at most 4096 others within its window (all of the
  // image if N <= 4096, or a small sigma_xy), else kGrid; kExact too where the
  // grid does not serve (a sigma_rgb so small that the colours have too many
  // cells, sides above 65536), which is slow for large images.
  // Never kLattice, whose values are on another scale.
  kAuto,
  // All pairs in float32: error 2e-7. O(N^2), or for a small sigma_xy N times
  // the window of 13 sigma_xy a side.
  kExact,
  // Few functions on each of some tiles in space, a grid in colour: error about
  // 1e-2 (see BilateralFilterAccuracy), O(N) for any size of the image.
  // Symmetric positive semidefinite.
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
  kFast,      // Pitch 1.0 sigma_rgb: error at most 4.5e-2.
  kDefault,   // Pitch 0.8 sigma_rgb: at most 1.5e-2, 2e-3 where normalised.
  kAccurate,  // Pitch 0.65 sigma_rgb: at most 8e-3, 1e-3 where normalised.
};

struct BilateralFilterOptions {
  // Standard deviation of colour differences, in units of the image's values
  // (0..255), finite and > 0.
  double sigma_rgb = 15.0;
  // Standard deviation of positions in pixels, finite and > 0.
  double sigma_xy_pixels = 100.0;
  BilateralFilterMethod method = BilateralFilterMethod::kAuto;
  BilateralFilterAccuracy accuracy = BilateralFilterAccuracy::kDefault;
  // Whether W keeps its diagonal, the weight 1 of a pixel with itself. Without
  // it W is no longer positive semidefinite, and kGrid's errors, a few percent
  // of each weight, are large compared with what is left where a pixel has no
  // neighbours to speak of. kExact leaves the diagonal out of its sums.
  bool self_term = true;

  absl::Status Validate() const;
};

// A filter for one image. Apply() may run on several threads at once, with a
// workspace each. Results depend neither on the number of threads nor on
// earlier calls, bit for bit on one type of CPU (vector widths, thus rounding,
// differ between types).
class BilateralFilter {
 public:
  // Plans the filter of the planar image `rgb_chw`, [3, height, width], usually
  // 0..255 though any finite range will do; it is not kept.
  // kInvalidArgument: options out of range, height or width < 1, a non-finite
  // colour, or kGrid / kLattice asked for with sigmas that they do not serve.
  static absl::StatusOr<std::unique_ptr<BilateralFilter>> Create(
      const float* rgb_chw, int height, int width,
      const BilateralFilterOptions& options);

  ~BilateralFilter();
  BilateralFilter(const BilateralFilter&) = delete;
  BilateralFilter& operator=(const BilateralFilter&) = delete;

  // Plans the filter of another image with the same options, as Create() does,
  // in the memory of the last one. After an error the filter has no image.
  absl::Status SetImage(const float* rgb_chw, int height, int width);

  // out = W in for each of the `channels` maps of `in`, [channels, height,
  // width], any finite values. `out` has the same shape and may not overlap
  // `in`. The computation is spread over up to `num_threads` threads.
  // kInvalidArgument: channels < 1, num_threads < 1, a non-finite value in `in`
  // (`out` is then untouched). kFailedPrecondition: no image.
  absl::Status Apply(const float* in, int channels, float* out,
                     FilterWorkspace* workspace, int num_threads = 1) const;
  // The same with a workspace of its own: slower.
  absl::Status Apply(const float* in, int channels, float* out) const;

  // The method in use, never kAuto.
  BilateralFilterMethod method() const { return method_; }
  int height() const { return height_; }
  int width() const { return width_; }

  // Bytes that the filter itself holds, without workspaces.
  size_t bytes() const;
  // Multiplications and additions, fused ones counted once, of an Apply(): to
  // compare with what a CPU can do. Known for kGrid; else 0.
  double NumMultiplyAdds(int channels) const;

 private:
  struct Plans;

  explicit BilateralFilter(const BilateralFilterOptions& options);

  const BilateralFilterOptions options_;
  int height_ = 0;
  int width_ = 0;
  BilateralFilterMethod method_ = BilateralFilterMethod::kAuto;
  bool has_image_ = false;
  // One of each method, of which one has the image.
  std::unique_ptr<Plans> plans_;
};

}  // namespace vision

#endif  // VISION_CRF_BILATERAL_FILTER_H_
