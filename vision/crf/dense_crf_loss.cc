#include "vision/crf/dense_crf_loss.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
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
#include "vision/crf/cuda/cuda_bilateral_filter.h"
#include "vision/crf/exact_bilateral_filter.h"
#include "vision/crf/filter_workspace.h"

namespace vision {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kMaxScale = 8.0;

// What a thread works with.
struct Worker {
  std::unique_ptr<BilateralFilter> filter;
  FilterWorkspace workspace;
  std::vector<float> in_float, out_float;  // Copies of float64 maps.
};

// The batch, contiguous; images are float32. `regions` is undefined or [N, H,
// W] and of the dtype of the probabilities, which it multiplies already.
struct Batch {
  at::Tensor probabilities;
  at::Tensor images;
  at::Tensor regions;
  at::Tensor gradient;  // Output: of each image's energy.
};

// out = W in or (W - I) in, with float64 maps in float64 if the filter can.
template <typename T>
absl::Status FilterMaps(const DenseCrfLossOptions& options, const float* rgb,
                        int num_threads, const T* in, int channels, T* out,
                        Worker& worker) {
  const BilateralFilter& filter = *worker.filter;
  const int64_t count = int64_t{channels} * filter.height() * filter.width();
  if constexpr (std::is_same_v<T, float>) {
    (void)rgb;
    VISION_RETURN_IF_ERROR(
        filter.Apply(in, channels, out, &worker.workspace, num_threads));
  } else {
    // Run for its checks of the values, too.
    worker.in_float.assign(in, in + count);
    worker.out_float.resize(count);
    VISION_RETURN_IF_ERROR(filter.Apply(worker.in_float.data(), channels,
                                        worker.out_float.data(),
                                        &worker.workspace, num_threads));
    if (filter.method() == BilateralFilterMethod::kExact) {
      FilterExactlyInDouble(rgb, filter.height(), filter.width(),
                            options.filter.sigma_rgb,
                            options.filter.sigma_xy_pixels, in, channels, out);
      if (!options.filter.self_term) {
        // The diagonal of W is one.
        for (int64_t i = 0; i < count; ++i) out[i] -= in[i];
      }
    } else {
      std::copy(worker.out_float.begin(), worker.out_float.end(), out);
    }
  }
  return absl::OkStatus();
}

// The energy of image n, summed in double; its gradient goes to the batch.
template <typename T>
absl::StatusOr<double> ComputeImage(const Batch& batch,
                                    const DenseCrfLossOptions& options,
                                    int num_threads, int64_t n,
                                    Worker& worker) {
  const int channels = static_cast<int>(batch.probabilities.size(1));
  const int height = static_cast<int>(batch.probabilities.size(2));
  const int width = static_cast<int>(batch.probabilities.size(3));
  const int64_t size = int64_t{height} * width;
  const float* rgb = batch.images.data_ptr<float>() + n * 3 * size;
  if (worker.filter == nullptr) {
    VISION_ASSIGN_OR_RETURN(
        worker.filter,
        BilateralFilter::Create(rgb, height, width, options.filter));
  } else {
    VISION_RETURN_IF_ERROR(worker.filter->SetImage(rgb, height, width));
  }
  const int64_t offset = n * channels * size;
  const T* in = batch.probabilities.data_ptr<T>() + offset;
  T* out = batch.gradient.data_ptr<T>() + offset;
  VISION_RETURN_IF_ERROR(
      FilterMaps(options, rgb, num_threads, in, channels, out, worker));
  const bool disagreement = options.form == DenseCrfForm::kDisagreement;
  const T* region = nullptr;
  std::vector<T> ones;
  std::vector<T> filtered_region;
  if (batch.regions.defined()) {
    region = batch.regions.data_ptr<T>() + n * size;
  } else if (disagreement) {
    ones.assign(size, T{1});
  }
  if (disagreement) {
    filtered_region.resize(size);
    VISION_RETURN_IF_ERROR(FilterMaps(
        options, rgb, num_threads, region != nullptr ? region : ones.data(),
        /*channels=*/1, filtered_region.data(), worker));
  }
  double energy = 0;
  for (int64_t k = 0; k < channels; ++k) {
    const T* map = in + k * size;
    T* to = out + k * size;
    double sum = 0;
    if (disagreement) {
      for (int64_t i = 0; i < size; ++i) {
        sum += static_cast<double>(map[i]) *
               (static_cast<double>(filtered_region[i]) - to[i]);
        to[i] = filtered_region[i] - 2 * to[i];
      }
    } else {
      for (int64_t i = 0; i < size; ++i) {
        sum -= static_cast<double>(map[i]) * static_cast<double>(to[i]);
        to[i] *= -2;
      }
    }
    if (region != nullptr) {
      for (int64_t i = 0; i < size; ++i) to[i] *= region[i];
    }
    energy += sum;
  }
  return energy;
}

// Energies of all images, over threads; gradients go to the batch.
std::vector<double> ComputeBatch(const Batch& batch,
                                 const DenseCrfLossOptions& options) {
  const int64_t count = batch.probabilities.size(0);
  const int num_threads =
      options.num_threads > 0 ? options.num_threads : at::get_num_threads();
  const int workers = static_cast<int>(std::min<int64_t>(count, num_threads));
  const int threads_within = std::max(1, num_threads / workers);
  std::vector<absl::StatusOr<double>> energies(count, 0.0);
  std::atomic<int64_t> next{0};
  ParallelFor(workers, workers, [&](int64_t) {
    Worker worker;  // Its memory serves for one image after the other.
    for (int64_t n = next.fetch_add(1); n < count; n = next.fetch_add(1)) {
      energies[n] =
          batch.probabilities.scalar_type() == at::kFloat
              ? ComputeImage<float>(batch, options, threads_within, n, worker)
              : ComputeImage<double>(batch, options, threads_within, n, worker);
    }
  });
  std::vector<double> values;
  for (int64_t n = 0; n < count; ++n) {
    TORCH_CHECK(energies[n].ok(), "DenseCrfLoss, image ", n,
                " of the batch: ", std::string(energies[n].status().message()));
    values.push_back(*energies[n]);
  }
  return values;
}

// The same on a CUDA device: energies [N] in float64, without waiting for them.
at::Tensor ComputeBatchOnCuda(Batch& batch,
                              const DenseCrfLossOptions& options) {
  const at::Tensor& maps = batch.probabilities;
  const int64_t channels = maps.size(1);
  at::Tensor regions;
  if (batch.regions.defined()) regions = batch.regions.unsqueeze(1);
  at::Tensor in = maps;
  const bool disagreement = options.form == DenseCrfForm::kDisagreement;
  if (disagreement) {
    // The regions are one more channel.
    in = at::cat(
        {maps, regions.defined() ? regions
                                 : at::ones_like(maps.slice(/*dim=*/1, 0, 1))},
        /*dim=*/1);
  }
  const at::Tensor filtered =
      CudaBilateralFilter(in, batch.images, options.filter);
  at::Tensor product;  // What the maps are multiplied with.
  if (disagreement) {
    const at::Tensor filtered_maps = filtered.slice(/*dim=*/1, 0, channels);
    const at::Tensor filtered_regions =
        filtered.slice(/*dim=*/1, channels, channels + 1);
    product = filtered_regions - filtered_maps;
    batch.gradient = product - filtered_maps;
  } else {
    product = -filtered;
    batch.gradient = 2 * product;
  }
  if (regions.defined()) batch.gradient = batch.gradient * regions;
  return (maps.to(at::kDouble) * product).sum(at::IntArrayRef({1, 2, 3}));
}

// The gradient as a function of its own, whose only purpose is to refuse to be
// differentiated: autograd would take the saved map for a constant and return a
// wrong second derivative without a word.
class DenseCrfLossGradient
    : public torch::autograd::Function<DenseCrfLossGradient> {
 public:
  static at::Tensor forward(AutogradContext* /*context*/,
                            const at::Tensor& /*probabilities*/,
                            const at::Tensor& energy_gradient,
                            const at::Tensor& gradient) {
    // One factor for all images, or one for each.
    return energy_gradient *
           (gradient.dim() == 0 ? gradient : gradient.view({-1, 1, 1, 1}));
  }

  static variable_list backward(AutogradContext* /*context*/,
                                const variable_list& /*gradients*/) {
    TORCH_CHECK(false, "DenseCrfLoss cannot be differentiated twice");
    return {};
  }
};

// What gets no gradient, hidden from autograd, which takes no undefined
// tensors.
struct Constants {
  at::Tensor images;
  at::Tensor regions;  // Undefined, or as in Batch.
};

class DenseCrfLossFunction
    : public torch::autograd::Function<DenseCrfLossFunction> {
 public:
  static at::Tensor forward(AutogradContext* context,
                            const at::Tensor& probabilities,
                            const Constants& constants,
                            const DenseCrfLossOptions& options) {
    const int64_t count = probabilities.size(0);
    const at::Tensor& regions = constants.regions;
    Batch batch;
    batch.images = constants.images;
    batch.regions = regions;
    batch.probabilities = regions.defined()
                              ? probabilities * regions.unsqueeze(1)
                              : probabilities;
    at::Tensor energies;
    if (probabilities.is_cuda()) {
      energies = ComputeBatchOnCuda(batch, options);
    } else {
      batch.gradient = at::empty_like(probabilities);
      energies = at::tensor(ComputeBatch(batch, options), at::kDouble);
    }
    context->save_for_backward({probabilities, batch.gradient});
    const double factor = options.reduction == DenseCrfReduction::kMean
                              ? 1.0 / static_cast<double>(count)
                              : 1.0;
    context->saved_data["factor"] = factor;
    if (options.reduction != DenseCrfReduction::kNone) {
      energies = energies.sum() * factor;
    }
    return energies.to(probabilities.scalar_type());
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const double factor = context->saved_data["factor"].toDouble();
    return {
        DenseCrfLossGradient::apply(saved[0], saved[1], gradients[0] * factor),
        at::Tensor(), at::Tensor()};
  }
};

void CheckInputs(const at::Tensor& probabilities, const at::Tensor& images,
                 const at::Tensor& regions) {
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
      (probabilities.is_cpu() || probabilities.is_cuda()) &&
          images.device() == probabilities.device(),
      "DenseCrfLoss: expected tensors on the CPU or on one CUDA device, "
      "got probabilities on ",
      probabilities.device(), " and images on ", images.device());
  TORCH_CHECK(probabilities.is_cpu() || CudaBilateralFilterIsBuilt(),
              "DenseCrfLoss: got tensors on ", probabilities.device(),
              ", but this was built without CUDA: use --config=cuda");
  if (!regions.defined()) return;
  const bool has_channel = regions.dim() == 4 && regions.size(1) == 1;
  TORCH_CHECK((regions.dim() == 3 || has_channel) &&
                  regions.size(0) == probabilities.size(0) &&
                  regions.size(-2) == probabilities.size(2) &&
                  regions.size(-1) == probabilities.size(3),
              "DenseCrfLoss: expected regions [", probabilities.size(0), ", ",
              probabilities.size(2), ", ", probabilities.size(3),
              "] (or with a channel) to go with probabilities ",
              probabilities.sizes(), ", got ", regions.sizes());
  TORCH_CHECK(!regions.is_complex(),
              "DenseCrfLoss: expected regions of real numbers or bool, got ",
              regions.scalar_type());
  TORCH_CHECK(regions.device() == probabilities.device(),
              "DenseCrfLoss: expected regions on ", probabilities.device(),
              ", got them on ", regions.device());
  // On a device that would wait for it; there, NaN comes out.
  if (!regions.is_cpu()) return;
  const at::Tensor finite = at::isfinite(regions);
  TORCH_CHECK(
      finite.all().item<bool>(), "DenseCrfLoss: expected finite regions, got ",
      (finite.logical_not()).sum().item<int64_t>(), " values that are not");
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
                        const DenseCrfLossOptions& options,
                        const at::Tensor& regions) {
  const absl::Status status = options.Validate();
  TORCH_CHECK(status.ok(), "DenseCrfLoss: ", std::string(status.message()));
  CheckInputs(probabilities, images, regions);
  at::Tensor maps = probabilities;
  at::Tensor rgb = images.detach().to(at::kFloat);
  at::Tensor region;
  if (regions.defined()) {
    region = regions.detach().to(probabilities.scalar_type());
    if (region.dim() == 3) region = region.unsqueeze(1);
  }
  DenseCrfLossOptions scaled_options = options;
  scaled_options.filter.self_term &= options.self_term;
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
    if (region.defined()) {
      region = at::upsample_nearest2d(region, c10::nullopt, factors);
    }
    scaled_options.filter.sigma_xy_pixels *= options.scale;
  }
  if (region.defined()) region = region.squeeze(1).contiguous();
  const Constants constants = {rgb.contiguous(), region};
  return DenseCrfLossFunction::apply(maps.contiguous(), constants,
                                     scaled_options);
}

}  // namespace vision
