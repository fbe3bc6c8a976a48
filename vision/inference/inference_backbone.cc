#include "vision/inference/inference_backbone.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "torch/nn/module.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/fold_norms.h"
#include "vision/nn/freeze.h"

namespace vision {
namespace {

class InferenceBackbone : public Backbone {
 public:
  InferenceBackbone(std::shared_ptr<Backbone> inner,
                    const InferenceOptions& options)
      : options_(options),
        inner_(register_module("backbone", std::move(inner))) {
    torch::nn::Module::train(false);
  }

  FeaturePyramid forward(const at::Tensor& images) override {
    at::Tensor x = images;
    if (options_.channels_last && images.dim() == 4) {
      x = x.contiguous(at::MemoryFormat::ChannelsLast);
    }
    if (options_.precision == Precision::kFloat32) return inner_->forward(x);
    const at::Tensor rounded = x.to(at::kBFloat16);
    FeaturePyramid pyramid = inner_->forward(rounded);
    for (at::Tensor& map : pyramid) {
      // Where f0 is the images, it is as exact as they are.
      map = map.is_same(rounded) ? x : map.to(at::kFloat);
    }
    return pyramid;
  }

  std::vector<int64_t> channels() const override { return inner_->channels(); }
  std::vector<int64_t> strides() const override { return inner_->strides(); }
  std::vector<int64_t> FeatureSizes(int64_t size) const override {
    return inner_->FeatureSizes(size);
  }
  std::vector<std::string> last_stage() const override {
    std::vector<std::string> names = inner_->last_stage();
    for (std::string& name : names) name = absl::StrCat("backbone.", name);
    return names;
  }
  std::string input_weight() const override {
    return absl::StrCat("backbone.", inner_->input_weight());
  }

  // Stays in eval mode.
  void train(bool /*on*/ = true) override {}

 private:
  const InferenceOptions options_;
  std::shared_ptr<Backbone> inner_;
};

absl::Status CheckPrecision(const Backbone& backbone,
                            const InferenceOptions& options) {
  if (options.precision == Precision::kFloat32) return absl::OkStatus();
  for (const auto& parameter : backbone.named_parameters()) {
    const at::Tensor& value = parameter.value();
    if (value.scalar_type() != at::kFloat) {
      return absl::InvalidArgumentError(absl::StrCat(
          "cannot make a bfloat16 backbone: ", parameter.key(), " is ",
          at::toString(value.scalar_type()), ", expected Float"));
    }
    if (!options.allow_slow_precision && !HasFastBFloat16(value.device())) {
      return absl::FailedPreconditionError(absl::StrCat(
          "bfloat16 is slow on this ", value.device().str(),
          ", which has no instructions for it (AVX-512 BF16): expected "
          "float32, or allow_slow_precision"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Precision> ParsePrecision(absl::string_view name) {
  for (const Precision precision :
       {Precision::kFloat32, Precision::kBFloat16}) {
    if (name == PrecisionName(precision)) return precision;
  }
  return UnknownNameError("precision", name, {"float32", "bfloat16"});
}

absl::string_view PrecisionName(Precision precision) {
  return precision == Precision::kFloat32 ? "float32" : "bfloat16";
}

bool HasFastBFloat16(const c10::Device& device) {
  if (device.is_cuda()) return true;
#if defined(__x86_64__)
  return device.is_cpu() && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

absl::StatusOr<std::shared_ptr<Backbone>> MakeInferenceBackbone(
    std::shared_ptr<Backbone> backbone, const InferenceOptions& options) {
  CHECK(backbone != nullptr);
  VISION_RETURN_IF_ERROR(CheckPrecision(*backbone, options));
  return CallTorch(
      "making a backbone for inference",
      [&]() -> absl::StatusOr<std::shared_ptr<Backbone>> {
        backbone->eval();
        Freeze(*backbone);
        if (options.fold_norms) {
          VISION_RETURN_IF_ERROR(FoldNorms(*backbone).status());
        }
        if (options.precision == Precision::kBFloat16) {
          backbone->to(at::kBFloat16);
        }
        if (options.channels_last) {
          for (at::Tensor& parameter : backbone->parameters()) {
            if (parameter.dim() != 4) continue;
            parameter.set_data(
                parameter.contiguous(at::MemoryFormat::ChannelsLast));
          }
        }
        if (options.pack_weights) {
          PackFoldedConvolutions(
              *backbone,
              options.winograd && options.precision == Precision::kFloat32);
        }
        return std::make_shared<InferenceBackbone>(std::move(backbone),
                                                   options);
      });
}

}  // namespace vision
