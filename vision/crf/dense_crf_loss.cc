#include "vision/crf/dense_crf_loss.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "torch/csrc/autograd/custom_function.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/exact_bilateral_filter.h"

namespace vision {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMaxScale = 8.0;

// Filters image n's maps and returns their energy S^T (W S), summed in double.
absl::StatusOr<double> FilterImage(const at::Tensor& probabilities,
                                   const at::Tensor& images,
                                   const DenseCrfLossOptions& options,
                                   int64_t n, at::Tensor& filtered) {
  const int channels = static_cast<int>(probabilities.size(1));
  const int height = static_cast<int>(probabilities.size(2));
  const int width = static_cast<int>(probabilities.size(3));
  const int64_t size = int64_t{height} * width;
  const float* rgb = images.data_ptr<float>() + n * 3 * size;
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<BilateralFilter> filter,
      BilateralFilter::Create(rgb, height, width, options.filter));

  const auto energy = [&](const auto* in, auto* out) {
    double sum = 0;
    for (int64_t i = 0; i < channels * size; ++i) {
      if (!options.self_term) out[i] -= in[i];  // The diagonal of W is one.
      sum += static_cast<double>(in[i]) * static_cast<double>(out[i]);
    }
    return sum;
  };
  const int64_t offset = n * channels * size;
  if (probabilities.scalar_type() == at::kFloat) {
    const float* in = probabilities.data_ptr<float>() + offset;
    float* out = filtered.data_ptr<float>() + offset;
    VISION_RETURN_IF_ERROR(filter->Apply(in, channels, out));
    return energy(in, out);
  }
  const double* in = probabilities.data_ptr<double>() + offset;
  double* out = filtered.data_ptr<double>() + offset;
  // Run for its checks of the values, too.
  const std::vector<float> in_float(in, in + channels * size);
  std::vector<float> out_float(in_float.size());
  VISION_RETURN_IF_ERROR(
      filter->Apply(in_float.data(), channels, out_float.data()));
  if (filter->method() == BilateralFilterMethod::kExact) {
    FilterExactlyInDouble(rgb, height, width, options.filter.sigma_rgb,
                          options.filter.sigma_xy_pixels, in, channels, out);
  } else {
    std::copy(out_float.begin(), out_float.end(), out);
  }
  return energy(in, out);
}

// The gradient as a function of its own, whose only purpose is to refuse to be
// differentiated: autograd would take the saved map for a constant and return a
// wrong second derivative without a word.
class DenseCrfLossGradient
    : public torch::autograd::Function<DenseCrfLossGradient> {
 public:
  static at::Tensor forward(AutogradContext* /*context*/,
                            const at::Tensor& /*probabilities*/,
                            const at::Tensor& filtered,
                            const at::Tensor& gradient) {
    const double factor = -2.0 / static_cast<double>(filtered.size(0));
    return filtered * (gradient * factor);
  }

  static variable_list backward(AutogradContext* /*context*/,
                                const variable_list& /*gradients*/) {
    TORCH_CHECK(false, "DenseCrfLoss cannot be differentiated twice");
    return {};
  }
};

// Inputs are contiguous; images are float32.
class DenseCrfLossFunction
    : public torch::autograd::Function<DenseCrfLossFunction> {
 public:
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& probabilities,
                            const at::Tensor& images,
                            const DenseCrfLossOptions& options) {
    const int64_t batch = probabilities.size(0);
    at::Tensor filtered = at::empty_like(probabilities);
    std::vector<absl::StatusOr<double>> energies(batch, 0.0);
    const int num_threads =
        options.num_threads > 0 ? options.num_threads : at::get_num_threads();
    ParallelFor(batch, num_threads, [&](int64_t n) {
      energies[n] = FilterImage(probabilities, images, options, n, filtered);
    });
    double energy = 0;
    for (int64_t n = 0; n < batch; ++n) {
      TORCH_CHECK(
          energies[n].ok(), "DenseCrfLoss, image ", n,
          " of the batch: ", std::string(energies[n].status().message()));
      energy += *energies[n];
    }
    context->save_for_backward({probabilities, filtered});
    return at::scalar_tensor(-energy / static_cast<double>(batch),
                             probabilities.options());
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    return {DenseCrfLossGradient::apply(saved[0], saved[1], gradients[0]),
            at::Tensor(), at::Tensor()};
  }
};

void CheckInputs(const at::Tensor& probabilities, const at::Tensor& images) {
  TORCH_CHECK(probabilities.defined() && images.defined(),
              "DenseCrfLoss: expected two tensors, got an undefined one");
  TORCH_CHECK(probabilities.dim() == 4,
              "DenseCrfLoss: expected probabilities [N, K, H, W], got ",
              probabilities.sizes());
  TORCH_CHECK(images.dim() == 4 && images.size(1) == 3 &&
                  images.size(0) == probabilities.size(0) &&
                  images.size(2) == probabilities.size(2) &&
                  images.size(3) == probabilities.size(3),
              "DenseCrfLoss: expected images [", probabilities.size(0), ", 3, ",
              probabilities.size(2), ", ", probabilities.size(3),
              "] to go with probabilities ", probabilities.sizes(), ", got ",
              images.sizes());
  TORCH_CHECK(probabilities.numel() > 0,
              "DenseCrfLoss: expected at least one image, channel and pixel, "
              "got probabilities ",
              probabilities.sizes());
  TORCH_CHECK(probabilities.scalar_type() == at::kFloat ||
                  probabilities.scalar_type() == at::kDouble,
              "DenseCrfLoss: expected float32 or float64 probabilities, got ",
              probabilities.scalar_type());
  TORCH_CHECK(!images.is_complex(),
              "DenseCrfLoss: expected images of real numbers, got ",
              images.scalar_type());
  TORCH_CHECK(
      probabilities.is_cpu() && images.is_cpu(),
      "DenseCrfLoss: expected tensors on the CPU, got probabilities on ",
      probabilities.device(), " and images on ", images.device());
}

}  // namespace

absl::Status DenseCrfLossOptions::Validate() const {
  VISION_RETURN_IF_ERROR(filter.Validate());
  if (!(scale > 0 && scale <= kMaxScale)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scale must be positive and at most ", kMaxScale, ", got ", scale));
  }
  if (num_threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads must be at least 0, got ", num_threads));
  }
  return absl::OkStatus();
}

at::Tensor DenseCrfLoss(const at::Tensor& probabilities,
                        const at::Tensor& images,
                        const DenseCrfLossOptions& options) {
  const absl::Status status = options.Validate();
  TORCH_CHECK(status.ok(), "DenseCrfLoss: ", std::string(status.message()));
  CheckInputs(probabilities, images);
  at::Tensor maps = probabilities;
  at::Tensor rgb = images.detach().to(at::kFloat);
  DenseCrfLossOptions scaled_options = options;
  if (options.scale != 1.0) {
    for (const int64_t size : {maps.size(2), maps.size(3)}) {
      TORCH_CHECK(std::floor(static_cast<double>(size) * options.scale) >= 1,
                  "DenseCrfLoss: scale ", options.scale,
                  " leaves no pixel of images ", images.sizes());
    }
    const std::vector<double> factors = {options.scale, options.scale};
    rgb = at::upsample_nearest2d(rgb, c10::nullopt, factors);
    maps = at::upsample_bilinear2d(maps, c10::nullopt, /*align_corners=*/false,
                                   factors);
    scaled_options.filter.sigma_xy_pixels *= options.scale;
  }
  return DenseCrfLossFunction::apply(maps.contiguous(), rgb.contiguous(),
                                     scaled_options);
}

}  // namespace vision
