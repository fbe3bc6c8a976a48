// Mean-field inference in a fully connected CRF: sharpens probability maps
// along the edges of their image.
//
//   MeanFieldOptions options;
//   ASSIGN(auto crf, MeanField::Create(rgb, height, width, options));
//   const std::vector<float> unary = UnaryFromProbabilities(probabilities);
//   ASSIGN(auto report, crf->Run(unary.data(), /*labels=*/2, refined));
//
// Kraehenbuehl and Koltun, NIPS 2011. The energy of a labelling x is
//
//   E(x) = sum_i U_i(x_i) + sum_{i<j} mu(x_i, x_j) k(i, j)
//   k    = w_g exp(-|p_i - p_j|^2 / (2 sigma_g^2)) + w_b (bilateral kernel),
//
// and its mean field Q, a product of distributions of each pixel, is iterated:
//
//   Q_i(l) ~ exp(-U_i(l) - sum_l' mu(l, l') sum_j k(i, j) Q_j(l')).
//
// One sign for everything: U and mu are costs. Positive mu(l, l') keep labels l
// and l' apart; the Potts model has mu(l, l') = -[l = l'], which differs from
// +[l != l'] by a constant. No LibTorch here.

#ifndef VISION_CRF_MEAN_FIELD_H_
#define VISION_CRF_MEAN_FIELD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/filter_workspace.h"

namespace vision {

// What a kernel matrix A is replaced by, with n_i = sum_j A_ij.
enum class MeanFieldNormalization {
  kNone,       // A itself.
  kBefore,     // A D(1 / n).
  kAfter,      // D(1 / n) A: a weighted mean over the neighbours.
  kSymmetric,  // D(1 / sqrt(n)) A D(1 / sqrt(n)).
};

// "none", "before", "after" or "symmetric".
absl::string_view MeanFieldNormalizationName(MeanFieldNormalization value);

// The inverse of MeanFieldNormalizationName; kInvalidArgument for other names.
absl::StatusOr<MeanFieldNormalization> ParseMeanFieldNormalization(
    absl::string_view name);

struct MeanFieldOptions {
  // Weights w_g and w_b: finite, not negative; 0 leaves a kernel out.
  double gaussian_weight = 3.0;
  double bilateral_weight = 10.0;
  // In pixels, finite and > 0. The Gaussian is evaluated exactly, up to
  // 6e-7 of its sum.
  double gaussian_sigma_pixels = 3.0;
  // Widths, method and accuracy of the bilateral kernel, whose self_term is not
  // looked at.
  BilateralFilterOptions bilateral = DefaultBilateral();
  MeanFieldNormalization normalization = MeanFieldNormalization::kSymmetric;
  // Whether a pixel counts as its own neighbour. The paper excludes it,
  // published implementations do not.
  bool self_term = true;

  // mu. Empty: Potts. [labels]: v with mu(l, l') = -v_l [l = l'], Potts with a
  // strength for each label. [labels * labels]: mu itself, row-major,
  // symmetric.
  std::vector<double> compatibility;

  // At least 1.
  int iterations = 5;
  // Ends earlier if no probability changed by more than this; 0: never.
  double tolerance = 0.0;
  // Whether to compute the energies of the report, which takes a logarithm for
  // each probability.
  bool compute_energy = false;
  // At least 1. No result depends on it.
  int num_threads = 1;

  absl::Status Validate() const;

  static BilateralFilterOptions DefaultBilateral() {
    BilateralFilterOptions options;
    options.sigma_rgb = 13;
    options.sigma_xy_pixels = 80;
    return options;
  }
};

struct MeanFieldIteration {
  // Largest |Q - Q before| of the iteration.
  double max_change = 0;
  // Of Q before the iteration, with compute_energy, else 0: sum_i Q log Q,
  // sum_i Q U, and sum_{i<j} of Q mu k Q, j = i included once more with
  // self_term.
  double negative_entropy = 0;
  double unary_energy = 0;
  double pairwise_energy = 0;

  // Kullback-Leibler divergence of Q from exp(-E) / Z, less log Z. What mean
  // field minimises, though updating all pixels at once may let it grow.
  double FreeEnergy() const {
    return negative_entropy + unary_energy + pairwise_energy;
  }
};

struct MeanFieldReport {
  std::vector<MeanFieldIteration> iterations;  // Those done.
  bool converged = false;                      // Within a tolerance above 0.
};

// The CRF of one image at a time. Run() may be called any number of times; one
// thread may use it at a time.
class MeanField {
 public:
  // `rgb_chw`: [3, height, width], finite, usually 0..255. Errors are those of
  // the options and of BilateralFilter::Create().
  static absl::StatusOr<std::unique_ptr<MeanField>> Create(
      const float* rgb_chw, int height, int width,
      const MeanFieldOptions& options);

  // Takes another image, keeping memory. After an error there is none, and
  // Run() fails with kFailedPrecondition.
  absl::Status SetImage(const float* rgb_chw, int height, int width);

  // Infers `probabilities` from `unary`, both [labels, height, width]; unary
  // costs are finite, probabilities sum to one over the labels.
  // kInvalidArgument: fewer than two labels, a compatibility of another size, a
  // cost that is not finite (`probabilities` is then undefined).
  //
  // Cost: an Apply() of labels - 1 channels for each iteration, since
  // probabilities sum to one. Bitwise the same for any number of threads.
  absl::StatusOr<MeanFieldReport> Run(const float* unary, int labels,
                                      float* probabilities);

  int height() const { return height_; }
  int width() const { return width_; }
  // Bytes held: filters, workspace and maps.
  size_t bytes() const;

 private:
  // One of the two kernels.
  struct Kernel {
    double weight = 0;
    bool is_bilateral = false;
    std::vector<float> normalizer;  // Empty: none.
    std::vector<float> total;       // What the filter makes of a Q of one.
    // [labels - 1, height, width]: what is filtered, unless that is Q itself,
    // and that filtered.
    std::vector<float> in, out;
  };

  explicit MeanField(const MeanFieldOptions& options);

  // out = A in, without normalisation; the Gaussian with its diagonal.
  absl::Status ApplyKernel(const Kernel& kernel, const float* in, int channels,
                           float* out);
  absl::Status PlanKernel(Kernel* kernel);
  void BlurGaussian(const float* in, int channels, float* out);
  // Messages of `count` pixels of a chunk to costs, by the compatibility.
  void MakeCosts(size_t labels, int count, float* messages) const;

  const MeanFieldOptions options_;
  int height_ = 0;
  int width_ = 0;
  bool has_image_ = false;
  std::vector<float> taps_;  // Of the Gaussian: [0, radius].
  std::unique_ptr<BilateralFilter> bilateral_;
  std::vector<Kernel> kernels_;
  FilterWorkspace workspace_;
  std::vector<float> in_, messages_, column_;
};

// -log(p), p taken to be at least `least`.
std::vector<float> UnaryFromProbabilities(absl::Span<const float> probabilities,
                                          double least = 1e-5);

// [num_labels, pixels] from a label of each pixel: -log(certainty) for that
// label, the rest of the probability shared by the others; the same for all
// labels where it is negative (not known). certainty in (0, 1), num_labels at
// least 2, labels below num_labels: else kInvalidArgument.
absl::StatusOr<std::vector<float>> UnaryFromLabels(
    absl::Span<const int32_t> labels, int num_labels, double certainty);

}  // namespace vision

#endif  // VISION_CRF_MEAN_FIELD_H_
