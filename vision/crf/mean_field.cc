#include "vision/crf/mean_field.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "glog/logging.h"
#include "vision/base/status_util.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/run_phases.h"

// The code between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE is compiled
// once for each instruction set; the best one for the CPU is chosen at run
// time. Vectors without a compile-time size (SVE, RVV) cannot be kept in
// arrays.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "vision/crf/mean_field.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef VISION_CRF_MEAN_FIELD_CC_
#define VISION_CRF_MEAN_FIELD_CC_
namespace vision {
namespace mean_field_internal {

// Pixels that are worked on together, a multiple of all vectors.
constexpr int kChunk = 512;

// Rows that a blur along columns writes at a time.
constexpr int kBlurredRows = 4;

// What of a chunk of pixels a kernel of the CRF adds to the messages. Planes
// are `stride` apart, those of the messages kChunk.
struct KernelChunk {
  const float* in;   // [labels - 1]: what was filtered.
  const float* out;  // [labels - 1]: that filtered.
  const float* total;
  const float* normalizer;  // nullptr: none after the filter.
  float weight;
  bool subtract_self;
  bool is_first;  // Messages are set, else added to.
  int labels;
  int count;
  size_t stride;
  float* messages;  // [labels].
};

}  // namespace mean_field_internal
}  // namespace vision
#endif  // VISION_CRF_MEAN_FIELD_CC_

HWY_BEFORE_NAMESPACE();
namespace vision {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using mean_field_internal::kBlurredRows;
using mean_field_internal::kChunk;
using mean_field_internal::KernelChunk;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;

// exp(x) for x <= 0 to 2e-7 relative; 0 below -87.
HWY_INLINE V ExpOfNegative(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  const V y = hn::Max(hn::Mul(x, hn::Set(d, 1.44269504f)), hn::Set(d, -126.0f));
  const auto exponent = hn::NearestInt(y);
  // In [-1/2, 1/2], of the original x so as not to lose digits of a large one:
  // f = x - exponent ln 2, in two parts.
  const V e = hn::ConvertTo(d, exponent);
  V f = hn::NegMulAdd(e, hn::Set(d, 0.693359375f), x);
  f = hn::NegMulAdd(e, hn::Set(d, -2.12194440e-4f), f);
  // Taylor's series of exp: the first term left out is 1e-8 at ln(2) / 2.
  V p = hn::Set(d, 1.0f / 5040);
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f / 720));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f / 120));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f / 24));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f / 6));
  p = hn::MulAdd(p, f, hn::Set(d, 0.5f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  p = hn::MulAdd(p, f, hn::Set(d, 1.0f));
  const auto power_of_two =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(di, 127))));
  return hn::IfThenElseZero(hn::Gt(x, hn::Set(d, -87.0f)),
                            hn::Mul(p, power_of_two));
}

// A chunk of messages, by a kernel: see KernelChunk. The last label's filtered
// map is what is left of the total.
void AddMessages(const KernelChunk& chunk) {
  // Left to the compiler to vectorise.
  const int count = chunk.count;
  float rest[kChunk];
  for (int i = 0; i < count; ++i) rest[i] = chunk.total[i];
  float factor[kChunk];
  for (int i = 0; i < count; ++i) {
    factor[i] = chunk.normalizer == nullptr
                    ? chunk.weight
                    : chunk.weight * chunk.normalizer[i];
  }
  for (int k = 0; k < chunk.labels; ++k) {
    float value[kChunk];
    if (k + 1 < chunk.labels) {
      const float* out = chunk.out + k * chunk.stride;
      for (int i = 0; i < count; ++i) value[i] = out[i];
      if (chunk.subtract_self) {
        const float* in = chunk.in + k * chunk.stride;
        for (int i = 0; i < count; ++i) value[i] -= in[i];
      }
      for (int i = 0; i < count; ++i) rest[i] -= value[i];
    } else {
      for (int i = 0; i < count; ++i) value[i] = rest[i];
    }
    float* to = chunk.messages + k * kChunk;
    if (chunk.is_first) {
      for (int i = 0; i < count; ++i) to[i] = factor[i] * value[i];
    } else {
      for (int i = 0; i < count; ++i) to[i] += factor[i] * value[i];
    }
  }
}

// probabilities = softmax(-unary - costs) over the labels, at `count` pixels;
// returns the largest change. `costs` may be nullptr: none. Costs, whose planes
// are kChunk apart, are overwritten.
float UpdateProbabilities(const float* unary, float* costs, int labels,
                          size_t stride, int count, float* probabilities) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V change = hn::Zero(d);
  HWY_ALIGN float buffer[16];
  for (int i = 0; i < count; i += lanes) {
    const int valid = count - i < lanes ? count - i : lanes;
    const bool whole = valid == lanes;
    const auto load = [&](const float* from) HWY_ATTR {
      if (whole) return hn::LoadU(d, from);
      for (int l = 0; l < lanes; ++l) buffer[l] = l < valid ? from[l] : 0.0f;
      return hn::Load(d, buffer);
    };
    const auto store = [&](V v, float* to) HWY_ATTR {
      if (whole) {
        hn::StoreU(v, d, to);
        return;
      }
      hn::Store(v, d, buffer);
      for (int l = 0; l < valid; ++l) to[l] = buffer[l];
    };
    const auto cost = [&](int k) HWY_ATTR {
      const V u = load(unary + k * stride + i);
      return costs == nullptr ? u : hn::Add(u, load(costs + k * kChunk + i));
    };
    V least = cost(0);
    for (int k = 1; k < labels; ++k) least = hn::Min(least, cost(k));
    V sum = hn::Zero(d);
    // Exponentials wait in the place of the probabilities, or if those are
    // needed for the change, of the costs.
    float* place = costs == nullptr ? probabilities : costs;
    const size_t place_stride = costs == nullptr ? stride : kChunk;
    for (int k = 0; k < labels; ++k) {
      const V e = ExpOfNegative(hn::Sub(least, cost(k)));
      sum = hn::Add(sum, e);
      store(e, place + k * place_stride + i);
    }
    const V inverse = hn::Div(hn::Set(d, 1.0f), sum);
    for (int k = 0; k < labels; ++k) {
      const V p = hn::Mul(load(place + k * place_stride + i), inverse);
      if (costs != nullptr) {
        const V before = load(probabilities + k * stride + i);
        change = hn::Max(change, hn::Abs(hn::Sub(p, before)));
      }
      store(p, probabilities + k * stride + i);
    }
  }
  return hn::GetLane(hn::MaxOfLanes(d, change));
}

// out[x] = sum_t taps[|t|] in[x + t] over the row, zero outside of it. `padded`
// has radius floats before `width` and a vector more than that after it.
void BlurRow(const float* in, int width, const float* taps, int radius,
             float* padded, float* out) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (int x = 0; x < radius; ++x) padded[x] = 0.0f;
  for (int x = 0; x < width; ++x) padded[radius + x] = in[x];
  for (int x = 0; x < radius + 4 * lanes; ++x) {
    padded[radius + width + x] = 0.0f;
  }
  HWY_ALIGN float buffer[64];
  for (int x = 0; x < width; x += 4 * lanes) {
    V sum[4];
    for (int u = 0; u < 4; ++u) {
      sum[u] = hn::Mul(hn::Set(d, taps[0]),
                       hn::LoadU(d, padded + radius + x + u * lanes));
    }
    for (int t = 1; t <= radius; ++t) {
      const V tap = hn::Set(d, taps[t]);
      for (int u = 0; u < 4; ++u) {
        const float* middle = padded + radius + x + u * lanes;
        sum[u] = hn::MulAdd(
            tap, hn::Add(hn::LoadU(d, middle - t), hn::LoadU(d, middle + t)),
            sum[u]);
      }
    }
    if (x + 4 * lanes <= width) {
      for (int u = 0; u < 4; ++u) hn::StoreU(sum[u], d, out + x + u * lanes);
    } else {
      for (int u = 0; u < 4; ++u) hn::Store(sum[u], d, buffer + u * lanes);
      for (int l = 0; x + l < width; ++l) out[x + l] = buffer[l];
    }
  }
}

// out = sum_t taps[|t|] row (y + t) of `in`, [height, width], for `rows` <=
// kBlurredRows rows y from `first_y` on.
void BlurColumns(const float* in, int height, int width, const float* taps,
                 int radius, int first_y, int rows, float* out) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const int first = first_y - radius > 0 ? first_y - radius : 0;
  const int end =
      first_y + rows + radius < height ? first_y + rows + radius : height;
  const auto tap_of = [&](int row, int y) {
    const int distance = row < y ? y - row : row - y;
    return distance <= radius ? taps[distance] : 0.0f;
  };
  int x = 0;
  for (; x + 2 * lanes <= width; x += 2 * lanes) {
    // A row that is read serves all rows that are written.
    V sum[kBlurredRows][2];
    for (int r = 0; r < kBlurredRows; ++r) sum[r][0] = sum[r][1] = hn::Zero(d);
    for (int row = first; row < end; ++row) {
      const float* from = in + static_cast<size_t>(row) * width + x;
      const V left = hn::LoadU(d, from);
      const V right = hn::LoadU(d, from + lanes);
      for (int r = 0; r < kBlurredRows; ++r) {
        const V tap = hn::Set(d, tap_of(row, first_y + r));
        sum[r][0] = hn::MulAdd(tap, left, sum[r][0]);
        sum[r][1] = hn::MulAdd(tap, right, sum[r][1]);
      }
    }
    for (int r = 0; r < kBlurredRows; ++r) {
      if (r >= rows) continue;
      hn::StoreU(sum[r][0], d, out + static_cast<size_t>(r) * width + x);
      hn::StoreU(sum[r][1], d,
                 out + static_cast<size_t>(r) * width + x + lanes);
    }
  }
  for (; x < width; ++x) {
    for (int r = 0; r < rows; ++r) {
      float sum = 0;
      for (int row = first; row < end; ++row) {
        sum +=
            tap_of(row, first_y + r) * in[static_cast<size_t>(row) * width + x];
      }
      out[static_cast<size_t>(r) * width + x] = sum;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace vision
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vision {

HWY_EXPORT(AddMessages);
HWY_EXPORT(UpdateProbabilities);
HWY_EXPORT(BlurRow);
HWY_EXPORT(BlurColumns);

namespace {

using mean_field_internal::kBlurredRows;
using mean_field_internal::kChunk;
using mean_field_internal::KernelChunk;

constexpr int kMaxLanes = 16;

bool IsFiniteAndNotNegative(double value) {
  return std::isfinite(value) && value >= 0;
}

}  // namespace

absl::string_view MeanFieldNormalizationName(MeanFieldNormalization value) {
  switch (value) {
    case MeanFieldNormalization::kNone:
      return "none";
    case MeanFieldNormalization::kBefore:
      return "before";
    case MeanFieldNormalization::kAfter:
      return "after";
    case MeanFieldNormalization::kSymmetric:
      return "symmetric";
  }
  LOG(FATAL) << "Not a MeanFieldNormalization: " << static_cast<int>(value);
  return "";
}

absl::StatusOr<MeanFieldNormalization> ParseMeanFieldNormalization(
    absl::string_view name) {
  for (const MeanFieldNormalization value :
       {MeanFieldNormalization::kNone, MeanFieldNormalization::kBefore,
        MeanFieldNormalization::kAfter, MeanFieldNormalization::kSymmetric}) {
    if (name == MeanFieldNormalizationName(value)) return value;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Mean-field normalisation must be none, before, after or "
                   "symmetric, got \"",
                   name, "\""));
}

absl::Status MeanFieldOptions::Validate() const {
  VISION_RETURN_IF_ERROR(bilateral.Validate());
  const auto invalid = [](absl::string_view what, double got) {
    return absl::InvalidArgumentError(absl::StrCat(what, ", got ", got));
  };
  if (!IsFiniteAndNotNegative(gaussian_weight)) {
    return invalid("gaussian_weight must be finite and at least 0",
                   gaussian_weight);
  }
  if (!IsFiniteAndNotNegative(bilateral_weight)) {
    return invalid("bilateral_weight must be finite and at least 0",
                   bilateral_weight);
  }
  if (!IsFiniteAndNotNegative(gaussian_sigma_pixels) ||
      gaussian_sigma_pixels == 0) {
    return invalid("gaussian_sigma_pixels must be finite and positive",
                   gaussian_sigma_pixels);
  }
  if (iterations < 1) {
    return invalid("iterations must be at least 1", iterations);
  }
  if (!IsFiniteAndNotNegative(tolerance)) {
    return invalid("tolerance must be finite and at least 0", tolerance);
  }
  if (num_threads < 1) {
    return invalid("num_threads must be at least 1", num_threads);
  }
  for (const double value : compatibility) {
    if (!std::isfinite(value)) {
      return invalid("compatibility must be finite", value);
    }
  }
  return absl::OkStatus();
}

MeanField::MeanField(const MeanFieldOptions& options) : options_(options) {}

absl::StatusOr<std::unique_ptr<MeanField>> MeanField::Create(
    const float* rgb_chw, int height, int width,
    const MeanFieldOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  // The constructor is private.
  std::unique_ptr<MeanField> result(new MeanField(options));
  VISION_RETURN_IF_ERROR(result->SetImage(rgb_chw, height, width));
  return result;
}

absl::Status MeanField::SetImage(const float* rgb_chw, int height, int width) {
  has_image_ = false;
  // Also where its weight is zero: it checks the image.
  if (bilateral_ == nullptr) {
    BilateralFilterOptions bilateral = options_.bilateral;
    bilateral.self_term = options_.self_term;
    VISION_ASSIGN_OR_RETURN(
        bilateral_, BilateralFilter::Create(rgb_chw, height, width, bilateral));
  } else {
    VISION_RETURN_IF_ERROR(bilateral_->SetImage(rgb_chw, height, width));
  }
  const bool same_size = height == height_ && width == width_;
  height_ = height;
  width_ = width;
  if (!same_size) {
    kernels_.clear();
    // Taps beyond are below 4e-6 of the middle one, in sum 6e-7.
    const int radius = static_cast<int>(std::ceil(std::min<double>(
        std::max(height, width) - 1, 5 * options_.gaussian_sigma_pixels)));
    taps_.clear();
    for (int t = 0; t <= radius; ++t) {
      const double x = t / options_.gaussian_sigma_pixels;
      taps_.push_back(static_cast<float>(std::exp(-0.5 * x * x)));
    }
    if (options_.gaussian_weight > 0) {
      Kernel gaussian;
      gaussian.weight = options_.gaussian_weight;
      VISION_RETURN_IF_ERROR(PlanKernel(&gaussian));
      kernels_.push_back(std::move(gaussian));
    }
    if (options_.bilateral_weight > 0) {
      Kernel bilateral;
      bilateral.weight = options_.bilateral_weight;
      bilateral.is_bilateral = true;
      kernels_.push_back(std::move(bilateral));
    }
  }
  if (!kernels_.empty() && kernels_.back().is_bilateral) {
    VISION_RETURN_IF_ERROR(PlanKernel(&kernels_.back()));
  }
  has_image_ = true;
  return absl::OkStatus();
}

absl::Status MeanField::PlanKernel(Kernel* kernel) {
  const size_t size = static_cast<size_t>(height_) * width_;
  in_.assign(size, 1.0f);
  kernel->total.resize(size);
  const auto apply = [&] {
    VISION_RETURN_IF_ERROR(
        ApplyKernel(*kernel, in_.data(), 1, kernel->total.data()));
    if (!options_.self_term && !kernel->is_bilateral) {
      for (size_t i = 0; i < size; ++i) kernel->total[i] -= in_[i];
    }
    return absl::OkStatus();
  };
  VISION_RETURN_IF_ERROR(apply());
  kernel->normalizer.clear();
  if (options_.normalization == MeanFieldNormalization::kNone) {
    return absl::OkStatus();
  }
  // Without the self term an approximate filter is some percent off where a
  // pixel has no neighbours to speak of, which a division by nearly nothing
  // would blow up.
  const bool is_exact = options_.self_term || !kernel->is_bilateral ||
                        bilateral_->method() == BilateralFilterMethod::kExact;
  const float least = is_exact ? 1e-20f : 0.05f;
  kernel->normalizer.resize(size);
  const bool symmetric =
      options_.normalization == MeanFieldNormalization::kSymmetric;
  for (size_t i = 0; i < size; ++i) {
    const float sum = std::max(kernel->total[i], least);
    kernel->normalizer[i] = symmetric ? 1 / std::sqrt(sum) : 1 / sum;
  }
  if (options_.normalization != MeanFieldNormalization::kAfter) {
    in_ = kernel->normalizer;
    VISION_RETURN_IF_ERROR(apply());
  }
  return absl::OkStatus();
}

void MeanField::BlurGaussian(const float* in, int channels, float* out) {
  const int radius = static_cast<int>(taps_.size()) - 1;
  const size_t size = static_cast<size_t>(height_) * width_;
  const size_t padded_size =
      static_cast<size_t>(width_) + 2 * radius + 8 * kMaxLanes;
  const int workers = std::max(1, options_.num_threads);
  // Channel by channel, which stay in the cache, and a few rows at a time.
  constexpr int kRows = 16;
  const int items = (height_ + kRows - 1) / kRows;
  const auto blur_rows = [&](int item, const float* from, float* padded,
                             float* to) {
    for (int y = item * kRows; y < std::min(height_, (item + 1) * kRows); ++y) {
      const size_t row = static_cast<size_t>(y) * width_;
      HWY_DYNAMIC_DISPATCH(BlurRow)
      (from + row, width_, taps_.data(), radius, padded, to + row);
    }
  };
  const auto blur_columns = [&](int item, const float* from, float* to) {
    const int end = std::min(height_, (item + 1) * kRows);
    for (int y = item * kRows; y < end; y += kBlurredRows) {
      HWY_DYNAMIC_DISPATCH(BlurColumns)
      (from, height_, width_, taps_.data(), radius, y,
       std::min(kBlurredRows, end - y), to + static_cast<size_t>(y) * width_);
    }
  };
  column_.resize(workers * (size + padded_size));
  float* padded_rows = column_.data() + workers * size;
  if (channels >= workers) {
    const Phase phase = {channels, [&](int64_t k, int worker) {
                           float* blurred = column_.data() + worker * size;
                           float* padded = padded_rows + worker * padded_size;
                           for (int item = 0; item < items; ++item) {
                             blur_rows(item, in + k * size, padded, blurred);
                           }
                           for (int item = 0; item < items; ++item) {
                             blur_columns(item, blurred, out + k * size);
                           }
                         }};
    RunPhases({&phase, 1}, workers);
    return;
  }
  for (int k = 0; k < channels; ++k) {
    const Phase phases[] = {
        {items,
         [&](int64_t item, int worker) {
           blur_rows(static_cast<int>(item), in + k * size,
                     padded_rows + worker * padded_size, column_.data());
         }},
        {items,
         [&](int64_t item, int) {
           blur_columns(static_cast<int>(item), column_.data(), out + k * size);
         }},
    };
    RunPhases(phases, workers);
  }
}

absl::Status MeanField::ApplyKernel(const Kernel& kernel, const float* in,
                                    int channels, float* out) {
  if (kernel.is_bilateral) {
    return bilateral_->Apply(in, channels, out, &workspace_,
                             options_.num_threads);
  }
  BlurGaussian(in, channels, out);
  return absl::OkStatus();
}

absl::StatusOr<MeanFieldReport> MeanField::Run(const float* unary, int labels,
                                               float* probabilities) {
  if (!has_image_) {
    return absl::FailedPreconditionError(
        "The mean field has no image, since the last SetImage() failed");
  }
  if (labels < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("The mean field needs at least two labels, got ", labels));
  }
  const size_t size = static_cast<size_t>(height_) * width_;
  const size_t num_labels = static_cast<size_t>(labels);
  const std::vector<double>& mu = options_.compatibility;
  const bool is_matrix = mu.size() == num_labels * num_labels;
  if (!mu.empty() && mu.size() != num_labels && !is_matrix) {
    return absl::InvalidArgumentError(
        absl::StrCat("The compatibility must have no, ", num_labels, " or ",
                     num_labels * num_labels, " values for ", labels,
                     " labels, got ", mu.size()));
  }
  if (is_matrix) {
    for (size_t k = 0; k < num_labels; ++k) {
      for (size_t l = 0; l < k; ++l) {
        if (mu[k * num_labels + l] != mu[l * num_labels + k]) {
          return absl::InvalidArgumentError(absl::StrCat(
              "The compatibility must be symmetric, got ",
              mu[k * num_labels + l], " for labels ", k, " and ", l, " but ",
              mu[l * num_labels + k], " for ", l, " and ", k));
        }
      }
    }
  }
  for (size_t i = 0; i < num_labels * size; ++i) {
    if (!std::isfinite(unary[i])) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Unary costs must be finite, got ", unary[i], " for label ", i / size,
          ", row ", i % size / width_, ", column ", i % width_));
    }
  }

  // Of a chunk of pixels, so that what is computed of it stays in the cache.
  const int64_t chunks = static_cast<int64_t>((size + kChunk - 1) / kChunk);
  const bool scale_before =
      options_.normalization == MeanFieldNormalization::kBefore ||
      options_.normalization == MeanFieldNormalization::kSymmetric;
  const auto prepare_inputs = [&](size_t begin, int count) {
    if (!scale_before) return;
    for (Kernel& kernel : kernels_) {
      const float* n = kernel.normalizer.data() + begin;
      for (size_t k = 0; k + 1 < num_labels; ++k) {
        const float* q = probabilities + k * size + begin;
        float* scaled = kernel.in.data() + k * size + begin;
        for (int i = 0; i < count; ++i) scaled[i] = q[i] * n[i];
      }
    }
  };
  const auto input_of = [&](const Kernel& kernel) {
    return scale_before ? kernel.in.data() : probabilities;
  };
  const size_t filtered = (num_labels - 1) * size;
  for (Kernel& kernel : kernels_) {
    if (scale_before) kernel.in.resize(filtered);
    kernel.out.resize(filtered);
  }
  messages_.resize(options_.num_threads * num_labels * kChunk);
  std::vector<MeanFieldIteration> of_chunks(chunks);

  const auto count_at = [&](int64_t chunk) {
    return static_cast<int>(
        std::min<size_t>(kChunk, size - static_cast<size_t>(chunk) * kChunk));
  };
  const Phase initialize = {chunks, [&](int64_t c, int) {
                              const size_t begin =
                                  static_cast<size_t>(c) * kChunk;
                              HWY_DYNAMIC_DISPATCH(UpdateProbabilities)
                              (unary + begin, nullptr, labels, size,
                               count_at(c), probabilities + begin);
                              prepare_inputs(begin, count_at(c));
                            }};
  const Phase update = {
      chunks, [&](int64_t c, int worker) {
        const size_t begin = static_cast<size_t>(c) * kChunk;
        const int count = count_at(c);
        float* messages = messages_.data() + worker * num_labels * kChunk;
        if (kernels_.empty()) {
          std::fill(messages, messages + num_labels * kChunk, 0.0f);
        }
        for (const Kernel& kernel : kernels_) {
          KernelChunk chunk;
          chunk.in = input_of(kernel) + begin;
          chunk.out = kernel.out.data() + begin;
          chunk.total = kernel.total.data() + begin;
          chunk.normalizer =
              kernel.normalizer.empty() ||
                      options_.normalization == MeanFieldNormalization::kBefore
                  ? nullptr
                  : kernel.normalizer.data() + begin;
          chunk.weight = static_cast<float>(kernel.weight);
          chunk.subtract_self = !options_.self_term && !kernel.is_bilateral;
          chunk.is_first = &kernel == &kernels_.front();
          chunk.labels = labels;
          chunk.count = count;
          chunk.stride = size;
          chunk.messages = messages;
          HWY_DYNAMIC_DISPATCH(AddMessages)(chunk);
        }
        MakeCosts(num_labels, count, messages);
        MeanFieldIteration& step = of_chunks[c];
        step = MeanFieldIteration();
        if (options_.compute_energy) {
          for (size_t k = 0; k < num_labels; ++k) {
            for (int i = 0; i < count; ++i) {
              const size_t at = k * size + begin + i;
              const double q = probabilities[at];
              if (q == 0) continue;
              step.negative_entropy += q * std::log(q);
              step.unary_energy += q * unary[at];
              step.pairwise_energy += 0.5 * q * messages[k * kChunk + i];
            }
          }
        }
        step.max_change = HWY_DYNAMIC_DISPATCH(UpdateProbabilities)(
            unary + begin, messages, labels, size, count,
            probabilities + begin);
        prepare_inputs(begin, count);
      }};

  RunPhases({&initialize, 1}, options_.num_threads);
  MeanFieldReport report;
  for (int iteration = 0; iteration < options_.iterations; ++iteration) {
    for (Kernel& kernel : kernels_) {
      VISION_RETURN_IF_ERROR(
          ApplyKernel(kernel, input_of(kernel), labels - 1, kernel.out.data()));
    }
    RunPhases({&update, 1}, options_.num_threads);
    MeanFieldIteration step;
    for (const MeanFieldIteration& of_chunk : of_chunks) {
      step.max_change = std::max(step.max_change, of_chunk.max_change);
      step.negative_entropy += of_chunk.negative_entropy;
      step.unary_energy += of_chunk.unary_energy;
      step.pairwise_energy += of_chunk.pairwise_energy;
    }
    report.iterations.push_back(step);
    if (step.max_change <= options_.tolerance && options_.tolerance > 0) {
      report.converged = true;
      break;
    }
  }
  return report;
}

void MeanField::MakeCosts(size_t labels, int count, float* messages) const {
  const std::vector<double>& mu = options_.compatibility;
  if (mu.size() != labels * labels) {
    for (size_t k = 0; k < labels; ++k) {
      const float strength = mu.empty() ? -1.0f : -static_cast<float>(mu[k]);
      float* message = messages + k * kChunk;
      for (int i = 0; i < count; ++i) message[i] *= strength;
    }
    return;
  }
  std::vector<float> of_pixel(labels);
  for (int i = 0; i < count; ++i) {
    for (size_t k = 0; k < labels; ++k) of_pixel[k] = messages[k * kChunk + i];
    for (size_t k = 0; k < labels; ++k) {
      float cost = 0;
      for (size_t l = 0; l < labels; ++l) {
        cost += static_cast<float>(mu[k * labels + l]) * of_pixel[l];
      }
      messages[k * kChunk + i] = cost;
    }
  }
}

size_t MeanField::bytes() const {
  size_t floats = in_.capacity() + messages_.capacity() + column_.capacity();
  for (const Kernel& kernel : kernels_) {
    floats += kernel.normalizer.capacity() + kernel.total.capacity() +
              kernel.in.capacity() + kernel.out.capacity();
  }
  return floats * sizeof(float) + workspace_.bytes() +
         (bilateral_ == nullptr ? 0 : bilateral_->bytes());
}

std::vector<float> UnaryFromProbabilities(absl::Span<const float> probabilities,
                                          double least) {
  std::vector<float> unary(probabilities.size());
  for (size_t i = 0; i < unary.size(); ++i) {
    // Negated: a NaN stays one, and is refused later.
    const double p = probabilities[i];
    unary[i] = static_cast<float>(-std::log(p < least ? least : p));
  }
  return unary;
}

absl::StatusOr<std::vector<float>> UnaryFromLabels(
    absl::Span<const int32_t> labels, int num_labels, double certainty) {
  if (num_labels < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_labels must be at least 2, got ", num_labels));
  }
  if (!(certainty > 0 && certainty < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("certainty must be between 0 and 1, got ", certainty));
  }
  const float unknown = static_cast<float>(std::log(num_labels));
  const float is = static_cast<float>(-std::log(certainty));
  const float is_not =
      static_cast<float>(-std::log((1 - certainty) / (num_labels - 1)));
  std::vector<float> unary(num_labels * labels.size());
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= num_labels) {
      return absl::InvalidArgumentError(
          absl::StrCat("Labels must be below ", num_labels, ", got ", labels[i],
                       " at pixel ", i));
    }
    for (int k = 0; k < num_labels; ++k) {
      unary[k * labels.size() + i] = labels[i] < 0    ? unknown
                                     : labels[i] == k ? is
                                                      : is_not;
    }
  }
  return unary;
}

}  // namespace vision
#endif  // HWY_ONCE
