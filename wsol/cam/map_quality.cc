#include "wsol/cam/map_quality.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/describe_tensor.h"

namespace wsol {
namespace {

absl::Status CheckInput(const at::Tensor& images, const at::Tensor& classes,
                        const at::Tensor& maps,
                        const MapQualityOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (!images.defined() || images.dim() != 4 || !images.is_floating_point() ||
      images.numel() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("images are ", DescribeTensor(images),
                     ", expected float [N, C, H, W] with N > 0"));
  }
  if (!classes.defined() || classes.dim() != 1 ||
      classes.scalar_type() != at::kLong || classes.size(0) != images.size(0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("classes are ", DescribeTensor(classes),
                     ", expected Long [", images.size(0), "]"));
  }
  if (!maps.defined() || maps.dim() != 3 || !maps.is_floating_point() ||
      maps.size(0) != images.size(0) || maps.size(1) != images.size(2) ||
      maps.size(2) != images.size(3)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "maps are ", DescribeTensor(maps), ", expected float [", images.size(0),
        ", ", images.size(2), ", ", images.size(3), "], one for each image"));
  }
  if (options.steps > images.size(2) * images.size(3)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "steps is ", options.steps, ", but an image has only ",
        images.size(2) * images.size(3), " pixels to insert or delete"));
  }
  return absl::OkStatus();
}

// Probabilities of one class for images [N, C, H, W], a batch at a time.
class Probabilities {
 public:
  Probabilities(CamNetwork& network, int64_t label, int64_t batch_size)
      : network_(network), label_(label), batch_size_(batch_size) {}

  std::vector<double> Of(const at::Tensor& images) const {
    std::vector<double> probabilities;
    for (int64_t begin = 0; begin < images.size(0); begin += batch_size_) {
      const at::Tensor logits =
          network_
              .Forward(images.narrow(
                  0, begin, std::min(batch_size_, images.size(0) - begin)))
              .logits;
      const at::Tensor values = at::softmax(logits, 1)
                                    .select(1, label_)
                                    .to(at::kCPU, at::kDouble)
                                    .contiguous();
      probabilities.insert(probabilities.end(), values.data_ptr<double>(),
                           values.data_ptr<double>() + values.numel());
    }
    return probabilities;
  }

 private:
  CamNetwork& network_;
  const int64_t label_;
  const int64_t batch_size_;
};

// Of the steps 0, 1, ..., steps the areas under the probabilities of images
// made of `first` and, where `rank` is below the step's share of pixels,
// `second`.
double AreaUnderSwaps(const Probabilities& probabilities,
                      const at::Tensor& first, const at::Tensor& second,
                      const at::Tensor& rank, int64_t steps,
                      int64_t batch_size) {
  const int64_t pixels = rank.numel();
  double area = 0;
  double previous = 0;
  for (int64_t begin = 0; begin <= steps; begin += batch_size) {
    const int64_t count = std::min(batch_size, steps + 1 - begin);
    std::vector<int64_t> swapped;
    for (int64_t i = 0; i < count; ++i) {
      swapped.push_back((begin + i) * pixels / steps);
    }
    const at::Tensor limits =
        at::tensor(swapped, rank.options()).view({-1, 1, 1, 1});
    const std::vector<double> values =
        probabilities.Of(at::where(rank < limits, second, first));
    for (int64_t i = 0; i < count; ++i) {
      const double value = values[static_cast<size_t>(i)];
      if (begin + i > 0) {
        const int64_t step = begin + i;
        // Shares are not quite equal where steps do not divide the pixels.
        const double share = static_cast<double>(step * pixels / steps -
                                                 (step - 1) * pixels / steps) /
                             static_cast<double>(pixels);
        area += share * (previous + value) / 2;
      }
      previous = value;
    }
  }
  return area;
}

}  // namespace

absl::string_view InsertionStartName(InsertionStart start) {
  return start == InsertionStart::kBlurred ? "blurred" : "zero";
}

absl::StatusOr<InsertionStart> ParseInsertionStart(absl::string_view name) {
  for (const InsertionStart start :
       {InsertionStart::kBlurred, InsertionStart::kZero}) {
    if (name == InsertionStartName(start)) return start;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown start \"", name, "\" of insertion, expected blurred or zero"));
}

absl::Status MapQualityOptions::Validate() const {
  if (steps < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("steps is ", steps, ", expected 0 or more"));
  }
  if (!(blur_sigma > 0) || std::isinf(blur_sigma)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "blur_sigma is ", blur_sigma, ", expected a positive number"));
  }
  const std::pair<const char*, int> positive[] = {{"blur_radius", blur_radius},
                                                  {"batch_size", batch_size}};
  for (const auto& [name, value] : positive) {
    if (value < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected 1 or more"));
    }
  }
  return absl::OkStatus();
}

at::Tensor GaussianBlur(const at::Tensor& images, double sigma, int radius) {
  TORCH_CHECK(images.dim() == 4, "images must be [N, C, H, W], got ",
              images.sizes());
  const at::NoGradGuard no_grad;
  const at::Tensor offsets =
      at::arange(-radius, radius + 1, images.options().dtype(at::kDouble));
  at::Tensor kernel = at::exp(offsets * offsets / (-2 * sigma * sigma));
  kernel = (kernel / kernel.sum()).to(images.scalar_type());
  const at::Tensor planes =
      images.contiguous().view({-1, 1, images.size(2), images.size(3)});
  // A window along each axis. Borders are repeated, else they would darken.
  const at::Tensor rows =
      at::conv2d(at::replication_pad2d(planes, {0, 0, radius, radius}),
                 kernel.view({1, 1, -1, 1}));
  return at::conv2d(at::replication_pad2d(rows, {radius, radius, 0, 0}),
                    kernel.view({1, 1, 1, -1}))
      .view(images.sizes());
}

absl::StatusOr<std::vector<MapQuality>> MeasureMapQuality(
    CamNetwork& network, const at::Tensor& images, const at::Tensor& classes,
    const at::Tensor& maps, const MapQualityOptions& options) {
  VISION_RETURN_IF_ERROR(CheckInput(images, classes, maps, options));
  if (!network.IsInEvaluationMode()) {
    return absl::FailedPreconditionError(
        "the network is in training mode; call eval() first");
  }
  return vision::CallTorch(
      "map quality", [&]() -> absl::StatusOr<std::vector<MapQuality>> {
        const at::NoGradGuard no_grad;
        const at::Tensor logits = network.Forward(images).logits;
        std::vector<MapQuality> measured;
        for (int64_t n = 0; n < images.size(0); ++n) {
          const int64_t label = classes[n].item<int64_t>();
          if (label < 0 || label >= logits.size(1)) {
            return absl::OutOfRangeError(
                absl::StrCat("class ", label, " is none of the classes 0 to ",
                             logits.size(1) - 1));
          }
          const at::Tensor image = images.narrow(0, n, 1);
          const at::Tensor map = maps[n].to(images.scalar_type());
          const Probabilities probabilities(network, label, options.batch_size);
          MapQuality& quality = measured.emplace_back();
          quality.probability =
              at::softmax(logits[n].to(at::kDouble), 0)[label].item<double>();
          quality.masked_probability = probabilities.Of(image * map)[0];
          quality.increase = quality.probability < quality.masked_probability;
          if (quality.probability > 0) {
            quality.drop = std::max(0.0, quality.probability -
                                             quality.masked_probability) /
                           quality.probability;
          }
          if (options.steps == 0) continue;
          // rank[p]: how many pixels go before p.
          const at::Tensor order = std::get<1>(
              map.flatten().sort(/*stable=*/true, 0, /*descending=*/true));
          at::Tensor rank = at::empty_like(order);
          rank.scatter_(0, order, at::arange(order.numel(), order.options()));
          rank = rank.view({1, 1, map.size(0), map.size(1)});
          const at::Tensor zero = at::zeros_like(image);
          quality.deletion = AreaUnderSwaps(probabilities, image, zero, rank,
                                            options.steps, options.batch_size);
          quality.insertion =
              AreaUnderSwaps(probabilities,
                             options.insertion_start == InsertionStart::kZero
                                 ? zero
                                 : GaussianBlur(image, options.blur_sigma,
                                                options.blur_radius),
                             image, rank, options.steps, options.batch_size);
        }
        return measured;
      });
}

void MapQualitySummary::Add(const MapQuality& quality) {
  ++count_;
  drop_ += quality.drop;
  increase_ += quality.increase ? 1 : 0;
  insertion_ += quality.insertion;
  deletion_ += quality.deletion;
}

double MapQualitySummary::Percent(double sum) const {
  return count_ == 0 ? 0 : 100 * sum / static_cast<double>(count_);
}

}  // namespace wsol
