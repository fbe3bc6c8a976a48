#include "vision/backbones/inception.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "c10/util/Exception.h"
#include "torch/nn/module.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/conv.h"
#include "torch/nn/modules/dropout.h"
#include "torch/nn/options/batchnorm.h"
#include "torch/nn/options/conv.h"
#include "vision/backbones/backbone.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/conv_norm_pair.h"
#include "vision/nn/weight_init.h"

namespace vision {
namespace {

// A convolution with norm and ReLU.
struct UnitSpec {
  absl::string_view name;
  int64_t out_channels;
  int64_t kernel_height = 1;
  int64_t kernel_width = 1;
  int64_t stride = 1;
  int64_t pad_height = 0;
  int64_t pad_width = 0;
};

UnitSpec Conv1x1(absl::string_view name, int64_t out_channels) {
  return {name, out_channels};
}

// Square, of stride 1, keeps the size.
UnitSpec ConvSame(absl::string_view name, int64_t out_channels, int64_t height,
                  int64_t width) {
  return {name, out_channels, height, width, 1, height / 2, width / 2};
}

UnitSpec Conv3x3(absl::string_view name, int64_t out_channels, int64_t stride,
                 int64_t padding) {
  return {name, out_channels, 3, 3, stride, padding, padding};
}

// Children "conv" and "bn".
class Unit : public torch::nn::Module, public ConvNormOwner {
 public:
  Unit(int64_t in_channels, const UnitSpec& spec)
      : pair_(RegisterConvNorm(
            *this, "conv",
            std::make_shared<torch::nn::Conv2dImpl>(
                torch::nn::Conv2dOptions(
                    in_channels, spec.out_channels,
                    {spec.kernel_height, spec.kernel_width})
                    .stride(spec.stride)
                    .padding({spec.pad_height, spec.pad_width})
                    .bias(false)),
            "bn",
            std::make_shared<torch::nn::BatchNorm2dImpl>(
                torch::nn::BatchNorm2dOptions(spec.out_channels).eps(1e-3)))) {}

  at::Tensor forward(const at::Tensor& x) const {
    return pair_->ForwardRelu(x);
  }

 private:
  std::shared_ptr<ConvNormPair> pair_;
};

enum class Pool {
  kNone,
  // 3 x 3, stride 1, padding 1 counted.
  kAverage,
  // 3 x 3 with the block's stride and padding.
  kMax,
};

// pool -> chain of units -> each unit of `split` side by side, if there are
// any.
struct BranchSpec {
  Pool pool = Pool::kNone;
  std::vector<UnitSpec> chain;
  std::vector<UnitSpec> split;
};

// Branches side by side, their maps stacked; all units are its children.
class Mixed : public torch::nn::Module {
 public:
  Mixed(int64_t in_channels, const std::vector<BranchSpec>& branches,
        int64_t pool_stride = 1, int64_t pool_padding = 1)
      : pool_stride_(pool_stride), pool_padding_(pool_padding) {
    for (const BranchSpec& spec : branches) {
      Branch branch;
      branch.pool = spec.pool;
      int64_t channels = in_channels;
      for (const UnitSpec& unit : spec.chain) {
        branch.chain.push_back(Register(channels, unit));
        channels = unit.out_channels;
      }
      for (const UnitSpec& unit : spec.split) {
        branch.split.push_back(Register(channels, unit));
        out_channels_ += unit.out_channels;
      }
      if (spec.split.empty()) out_channels_ += channels;
      branches_.push_back(std::move(branch));
    }
  }

  at::Tensor forward(const at::Tensor& x) const {
    std::vector<at::Tensor> maps;
    for (const Branch& branch : branches_) {
      at::Tensor y = x;
      if (branch.pool == Pool::kAverage) {
        y = at::avg_pool2d(x, 3, /*stride=*/1, /*padding=*/1);
      } else if (branch.pool == Pool::kMax) {
        y = at::max_pool2d(x, 3, pool_stride_, pool_padding_);
      }
      for (const auto& unit : branch.chain) y = unit->forward(y);
      for (const auto& unit : branch.split) maps.push_back(unit->forward(y));
      if (branch.split.empty()) maps.push_back(std::move(y));
    }
    return at::cat(maps, 1);
  }

  int64_t out_channels() const { return out_channels_; }

 private:
  struct Branch {
    Pool pool;
    std::vector<std::shared_ptr<Unit>> chain;
    std::vector<std::shared_ptr<Unit>> split;
  };

  std::shared_ptr<Unit> Register(int64_t in_channels, const UnitSpec& spec) {
    return register_module(std::string(spec.name),
                           std::make_shared<Unit>(in_channels, spec));
  }

  const int64_t pool_stride_;
  const int64_t pool_padding_;
  int64_t out_channels_ = 0;
  std::vector<Branch> branches_;
};

// The blocks under their names in torchvision (InceptionA to InceptionE).

std::shared_ptr<Mixed> MakeA(int64_t in_channels, int64_t pool_width) {
  return std::make_shared<Mixed>(
      in_channels,
      std::vector<BranchSpec>{
          {Pool::kNone, {Conv1x1("branch1x1", 64)}, {}},
          {Pool::kNone,
           {Conv1x1("branch5x5_1", 48), ConvSame("branch5x5_2", 64, 5, 5)},
           {}},
          {Pool::kNone,
           {Conv1x1("branch3x3dbl_1", 64), ConvSame("branch3x3dbl_2", 96, 3, 3),
            ConvSame("branch3x3dbl_3", 96, 3, 3)},
           {}},
          {Pool::kAverage, {Conv1x1("branch_pool", pool_width)}, {}}});
}

std::shared_ptr<Mixed> MakeB(int64_t in_channels, int64_t stride,
                             int64_t padding) {
  return std::make_shared<Mixed>(
      in_channels,
      std::vector<BranchSpec>{
          {Pool::kNone, {Conv3x3("branch3x3", 384, stride, padding)}, {}},
          {Pool::kNone,
           {Conv1x1("branch3x3dbl_1", 64), ConvSame("branch3x3dbl_2", 96, 3, 3),
            Conv3x3("branch3x3dbl_3", 96, stride, padding)},
           {}},
          {Pool::kMax, {}, {}}},
      stride, padding);
}

std::shared_ptr<Mixed> MakeC(int64_t in_channels, int64_t width) {
  return std::make_shared<Mixed>(
      in_channels,
      std::vector<BranchSpec>{
          {Pool::kNone, {Conv1x1("branch1x1", 192)}, {}},
          {Pool::kNone,
           {Conv1x1("branch7x7_1", width), ConvSame("branch7x7_2", width, 1, 7),
            ConvSame("branch7x7_3", 192, 7, 1)},
           {}},
          {Pool::kNone,
           {Conv1x1("branch7x7dbl_1", width),
            ConvSame("branch7x7dbl_2", width, 7, 1),
            ConvSame("branch7x7dbl_3", width, 1, 7),
            ConvSame("branch7x7dbl_4", width, 7, 1),
            ConvSame("branch7x7dbl_5", 192, 1, 7)},
           {}},
          {Pool::kAverage, {Conv1x1("branch_pool", 192)}, {}}});
}

std::shared_ptr<Mixed> MakeD(int64_t in_channels, int64_t stride,
                             int64_t padding) {
  return std::make_shared<Mixed>(
      in_channels,
      std::vector<BranchSpec>{
          {Pool::kNone,
           {Conv1x1("branch3x3_1", 192),
            Conv3x3("branch3x3_2", 320, stride, padding)},
           {}},
          {Pool::kNone,
           {Conv1x1("branch7x7x3_1", 192), ConvSame("branch7x7x3_2", 192, 1, 7),
            ConvSame("branch7x7x3_3", 192, 7, 1),
            Conv3x3("branch7x7x3_4", 192, stride, padding)},
           {}},
          {Pool::kMax, {}, {}}},
      stride, padding);
}

std::shared_ptr<Mixed> MakeE(int64_t in_channels) {
  return std::make_shared<Mixed>(
      in_channels, std::vector<BranchSpec>{
                       {Pool::kNone, {Conv1x1("branch1x1", 320)}, {}},
                       {Pool::kNone,
                        {Conv1x1("branch3x3_1", 384)},
                        {ConvSame("branch3x3_2a", 384, 1, 3),
                         ConvSame("branch3x3_2b", 384, 3, 1)}},
                       {Pool::kNone,
                        {Conv1x1("branch3x3dbl_1", 448),
                         ConvSame("branch3x3dbl_2", 384, 3, 3)},
                        {ConvSame("branch3x3dbl_3a", 384, 1, 3),
                         ConvSame("branch3x3dbl_3b", 384, 3, 1)}},
                       {Pool::kAverage, {Conv1x1("branch_pool", 192)}, {}}});
}

constexpr int64_t kSpgWidth = 1024;

// Dropout, convolution with bias, ReLU; children "0" and "1".
class SpgLayer : public torch::nn::Module {
 public:
  SpgLayer(int64_t in_channels, double dropout)
      : dropout_(register_module(
            "0", std::make_shared<torch::nn::DropoutImpl>(dropout))),
        conv_(register_module(
            "1", std::make_shared<torch::nn::Conv2dImpl>(
                     torch::nn::Conv2dOptions(in_channels, kSpgWidth, 3)
                         .padding(1)))) {}

  at::Tensor forward(const at::Tensor& x) {
    return conv_->forward(dropout_->forward(x)).relu_();
  }

 private:
  std::shared_ptr<torch::nn::DropoutImpl> dropout_;
  std::shared_ptr<torch::nn::Conv2dImpl> conv_;
};

// Pixels that a 3 x 3 window leaves of `size`, rounding up if asked. As
// PyTorch's pools, the last window starts inside of the image or its left
// padding.
int64_t WindowSize(int64_t size, int64_t stride, int64_t padding,
                   bool round_up) {
  const int64_t room = size + 2 * padding - 3;
  if (room < 0) return 0;
  int64_t out = (round_up ? room + stride - 1 : room) / stride + 1;
  if (round_up && (out - 1) * stride >= size + padding) --out;
  return out;
}

class InceptionV3 : public Backbone {
 public:
  // `options` are valid.
  explicit InceptionV3(const InceptionV3Options& options)
      : options_(options), padding_(options.padded ? 1 : 0) {
    conv_1a_ =
        AddUnit(options.in_channels, Conv3x3("Conv2d_1a_3x3", 32, 2, padding_));
    conv_2a_ = AddUnit(32, Conv3x3("Conv2d_2a_3x3", 32, 1, padding_));
    conv_2b_ = AddUnit(32, Conv3x3("Conv2d_2b_3x3", 64, 1, 1));
    conv_3b_ = AddUnit(64, Conv1x1("Conv2d_3b_1x1", 80));
    conv_4a_ = AddUnit(80, Conv3x3("Conv2d_4a_3x3", 192, 1, padding_));
    int64_t channels = 192;
    const auto add = [&](std::vector<std::shared_ptr<Mixed>>& stage,
                         const std::string& name,
                         std::shared_ptr<Mixed> mixed) {
      stage.push_back(register_module(name, std::move(mixed)));
      channels = stage.back()->out_channels();
    };
    add(mixed_5_, "Mixed_5b", MakeA(channels, 32));
    add(mixed_5_, "Mixed_5c", MakeA(channels, 64));
    add(mixed_6_, "Mixed_5d", MakeA(channels, 64));
    add(mixed_6_, "Mixed_6a", MakeB(channels, options.strides[2], padding_));
    add(mixed_6_, "Mixed_6b", MakeC(channels, 128));
    add(mixed_6_, "Mixed_6c", MakeC(channels, 160));
    add(mixed_6_, "Mixed_6d", MakeC(channels, 160));
    add(mixed_6_, "Mixed_6e", MakeC(channels, 192));
    if (options.spg) {
      spg_1_ = register_module(
          "SPG_A3_1b", std::make_shared<SpgLayer>(channels, options.dropout));
      spg_2_ = register_module(
          "SPG_A3_2b", std::make_shared<SpgLayer>(kSpgWidth, options.dropout));
    } else {
      add(mixed_7_, "Mixed_7a", MakeD(channels, options.strides[3], padding_));
      add(mixed_7_, "Mixed_7b", MakeE(channels));
      add(mixed_7_, "Mixed_7c", MakeE(channels));
      if (options.dropout > 0) RegisterDropout(options.dropout);
    }
    InitWeights();
  }

  FeaturePyramid forward(const at::Tensor& images) override {
    TORCH_CHECK(images.dim() == 4 && images.size(1) == options_.in_channels,
                "Inception v3 expects images [N, ", options_.in_channels,
                ", H, W], got ", images.sizes());
    const std::vector<int64_t> heights = FeatureSizes(images.size(2));
    const std::vector<int64_t> widths = FeatureSizes(images.size(3));
    TORCH_CHECK(
        heights.back() > 0 && widths.back() > 0, "images of ", images.sizes(),
        " are too small for Inception v3 with strides {",
        absl::StrJoin(options_.strides, ", "), "}: nothing is left at the end");
    FeaturePyramid pyramid = {images};
    const auto finish = [&](const at::Tensor& map) {
      pyramid.push_back(FinishStage(map, pyramid.size()));
      return pyramid.back();
    };
    at::Tensor x =
        finish(conv_2b_->forward(conv_2a_->forward(conv_1a_->forward(images))));
    x = finish(conv_3b_->forward(MaxPool(x, options_.strides[0])));
    x = MaxPool(conv_4a_->forward(x), options_.strides[1]);
    for (const auto& mixed : mixed_5_) x = mixed->forward(x);
    x = finish(x);
    for (const auto& mixed : mixed_6_) x = mixed->forward(x);
    x = finish(x);
    if (options_.spg) {
      x = spg_2_->forward(spg_1_->forward(x));
    } else {
      for (const auto& mixed : mixed_7_) x = mixed->forward(x);
    }
    pyramid.push_back(ApplyDropout(FinishStage(x, pyramid.size())));
    return pyramid;
  }

  std::vector<int64_t> channels() const override {
    return {options_.in_channels,
            64,
            80,
            mixed_5_.back()->out_channels(),
            mixed_6_.back()->out_channels(),
            options_.spg ? kSpgWidth : mixed_7_.back()->out_channels()};
  }

  std::vector<int64_t> strides() const override {
    std::vector<int64_t> strides = {1, 2};
    for (const int64_t stride : options_.strides) {
      strides.push_back(strides.back() * stride);
    }
    if (options_.spg) strides.push_back(strides.back());
    return strides;
  }

  std::vector<int64_t> FeatureSizes(int64_t size) const override {
    std::vector<int64_t> sizes = {size};
    const auto window = [&](int64_t stride, bool round_up = false) {
      size = WindowSize(size, stride, padding_, round_up);
    };
    window(2);
    window(1);
    sizes.push_back(size);  // Conv2d_2b keeps the size.
    window(options_.strides[0], options_.padded);
    sizes.push_back(size);
    window(1);
    window(options_.strides[1], options_.padded);
    sizes.push_back(size);
    window(options_.strides[2]);
    sizes.push_back(size);
    if (!options_.spg) window(options_.strides[3]);
    sizes.push_back(size);
    return sizes;
  }

  std::vector<std::string> last_stage() const override {
    if (options_.spg) return {"SPG_A3_1b", "SPG_A3_2b"};
    return {"Mixed_7a", "Mixed_7b", "Mixed_7c"};
  }

  std::string input_weight() const override {
    return "Conv2d_1a_3x3.conv.weight";
  }

 private:
  std::shared_ptr<Unit> AddUnit(int64_t in_channels, const UnitSpec& spec) {
    return register_module(std::string(spec.name),
                           std::make_shared<Unit>(in_channels, spec));
  }

  at::Tensor MaxPool(const at::Tensor& x, int64_t stride) const {
    return at::max_pool2d(x, 3, stride, padding_, /*dilation=*/1,
                          /*ceil_mode=*/options_.padded);
  }

  void InitWeights() {
    at::Generator generator = MakeGenerator(options_.seed);
    for (const auto& parameter : named_parameters()) {
      if (parameter.value().dim() == 4) {
        XavierUniform(parameter.value(), generator);
      }
    }
    if (!options_.spg) return;
    for (const auto& layer : {spg_1_, spg_2_}) {
      FillConstant(layer->named_parameters()["1.bias"], 0);
    }
  }

  const InceptionV3Options options_;
  const int64_t padding_;
  std::shared_ptr<Unit> conv_1a_;
  std::shared_ptr<Unit> conv_2a_;
  std::shared_ptr<Unit> conv_2b_;
  std::shared_ptr<Unit> conv_3b_;
  std::shared_ptr<Unit> conv_4a_;
  // The blocks up to f3, f4 and f5.
  std::vector<std::shared_ptr<Mixed>> mixed_5_;
  std::vector<std::shared_ptr<Mixed>> mixed_6_;
  std::vector<std::shared_ptr<Mixed>> mixed_7_;
  std::shared_ptr<SpgLayer> spg_1_;
  std::shared_ptr<SpgLayer> spg_2_;
};

absl::Status FieldError(absl::string_view field, absl::string_view value,
                        absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "InceptionV3Options.", field, " is ", value, ", expected ", expected));
}

}  // namespace

absl::Status InceptionV3Options::Validate() const {
  const std::string got = absl::StrCat("{", absl::StrJoin(strides, ", "), "}");
  const size_t expected = spg ? 3 : 4;
  if (strides.size() != expected) {
    return FieldError("strides", got,
                      absl::StrCat(expected, " values ",
                                   spg ? "with" : "without", " SPG layers"));
  }
  for (const int64_t stride : strides) {
    if (stride < 1 || stride > 8) {
      return FieldError("strides", got, "values from 1 to 8");
    }
  }
  if (in_channels < 1 || in_channels > (1 << 16)) {
    return FieldError("in_channels", absl::StrCat(in_channels), "1 to 65536");
  }
  if (!(dropout >= 0 && dropout < 1)) {
    return FieldError("dropout", absl::StrCat(dropout), "0 up to below 1");
  }
  return absl::OkStatus();
}

InceptionV3Options InceptionV3Preset(StridePreset strides) {
  InceptionV3Options options;
  if (strides == StridePreset::kImageNet) {
    options.strides = {2, 2, 2, 2};
    options.padded = false;
    options.spg = false;
    options.dropout = 0;
  }
  return options;
}

absl::StatusOr<std::shared_ptr<Backbone>> MakeInceptionV3(
    const InceptionV3Options& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return CallTorch("making an Inception v3",
                   [&]() -> std::shared_ptr<Backbone> {
                     return std::make_shared<InceptionV3>(options);
                   });
}

}  // namespace vision
