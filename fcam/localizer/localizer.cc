#include "fcam/localizer/localizer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/decoder/segmentation_head.h"
#include "fcam/decoder/unet_decoder.h"
#include "fcam/model_folder/fcam_folder.h"
#include "glog/logging.h"
#include "opencv2/core.hpp"
#include "torch/nn/module.h"
#include "vision/backbones/backbone.h"
#include "vision/base/nearest_names.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/image/resize.h"
#include "vision/image/resize_map.h"
#include "vision/image/transforms.h"
#include "vision/inference/inference_backbone.h"
#include "vision/nn/fold_norms.h"
#include "vision/nn/freeze.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/classifier_info.h"
#include "wsol/pooling/pooling.h"

namespace fcam {
namespace {

// The child of a classifier, as its owner holds it.
template <typename T>
std::shared_ptr<T> Shared(T& module) {
  return std::dynamic_pointer_cast<T>(module.shared_from_this());
}

// The number of a class that is given by name or number.
absl::StatusOr<int64_t> FindClass(const std::string& text,
                                  const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found != names.end()) return found - names.begin();
  int64_t index = 0;
  if (!absl::SimpleAtoi(text, &index)) {
    return vision::UnknownNameError("class", text, names);
  }
  if (index < 0 || index >= static_cast<int64_t>(names.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "class ", index, " is none of the model's, 0 to ", names.size() - 1));
  }
  return index;
}

// The threshold that the options ask for, of a model with these.
absl::StatusOr<Threshold> ResolveThreshold(
    const LocalizerOptions& options,
    const std::map<std::string, double>& taus) {
  Threshold threshold = options.threshold;
  if (threshold.rule == ThresholdRule::kFixed ||
      threshold.rule == ThresholdRule::kOtsu) {
    return threshold;
  }
  // That of the metric which looks at the same boxes, if there is one.
  std::vector<const char*> metrics = {"MaxBoxAcc", "MaxBoxAccV2"};
  if (options.boxes == BoxSelection::kAll) std::swap(metrics[0], metrics[1]);
  metrics.push_back("PxAP");
  for (const char* const metric : metrics) {
    const auto found = taus.find(metric);
    if (found == taus.end()) continue;
    threshold.rule = ThresholdRule::kValidation;
    threshold.tau = found->second;
    if (threshold.tau >= 0 && threshold.tau < 1) return threshold;
    return absl::InvalidArgumentError(
        absl::StrCat("the model's threshold for ", metric, " is ",
                     threshold.tau, ", expected a number in [0, 1)"));
  }
  if (threshold.rule == ThresholdRule::kValidation) {
    return absl::FailedPreconditionError(
        "the model has no threshold chosen on a validation split; expected a "
        "number in [0, 1) or otsu");
  }
  threshold.rule = ThresholdRule::kOtsu;
  return threshold;
}

absl::Status CheckImage(const cv::Mat& rgb) {
  if (rgb.dims == 2 && !rgb.empty() && rgb.type() == CV_8UC3) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the image is ", cv::typeToString(rgb.type()), ", ", rgb.cols, "x",
      rgb.rows, " pixels, expected CV_8UC3 (RGB) and at least one pixel"));
}

absl::Status InImage(size_t index, size_t count, const absl::Status& status) {
  if (status.ok() || count == 1) return status;
  return absl::Status(status.code(),
                      absl::StrCat("image ", index, ": ", status.message()));
}

}  // namespace

absl::Status LocalizerOptions::Validate() const {
  if (!method.empty() && method != kFcamMethod) {
    VISION_RETURN_IF_ERROR(wsol::ParseCamMethod(method).status());
  }
  VISION_RETURN_IF_ERROR(wsol::ParseCamVariant(variant).status());
  VISION_RETURN_IF_ERROR(vision::ParsePrecision(precision).status());
  const auto at_least_one = [](const char* name, int value) {
    if (value >= 1) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is ", value, ", expected at least 1"));
  };
  VISION_RETURN_IF_ERROR(at_least_one("top_k", top_k));
  VISION_RETURN_IF_ERROR(at_least_one("num_threads", num_threads));
  VISION_RETURN_IF_ERROR(at_least_one("max_batch", max_batch));
  if (threshold.rule == ThresholdRule::kFixed &&
      !(threshold.tau >= 0 && threshold.tau < 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "threshold is ", threshold.tau, ", expected a number in [0, 1)"));
  }
  if (!(min_box_fraction >= 0 && min_box_fraction <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_box_fraction is ", min_box_fraction,
                     ", expected a number in [0, 1]"));
  }
  return absl::OkStatus();
}

class Localizer::Impl {
 public:
  static absl::StatusOr<std::unique_ptr<Impl>> Create(
      std::shared_ptr<wsol::Classifier> classifier,
      std::shared_ptr<FcamModel> fcam, const wsol::ClassifierFolderInfo& info,
      const LocalizerOptions& options) {
    auto impl = std::make_unique<Impl>();
    VISION_RETURN_IF_ERROR(vision::StatusFromTorch(
        "preparing a model for localization", [&]() -> absl::Status {
          return impl->Init(std::move(classifier), std::move(fcam), info,
                            options);
        }));
    return impl;
  }

  absl::StatusOr<std::vector<Localization>> Localize(
      absl::Span<const cv::Mat> images) const {
    for (size_t i = 0; i < images.size(); ++i) {
      VISION_RETURN_IF_ERROR(InImage(i, images.size(), CheckImage(images[i])));
    }
    std::vector<Localization> results(images.size());
    std::vector<absl::Status> statuses(images.size());
    const size_t step = static_cast<size_t>(options_.max_batch);
    for (size_t begin = 0; begin < images.size(); begin += step) {
      const size_t count = std::min(step, images.size() - begin);
      VISION_RETURN_IF_ERROR(
          vision::StatusFromTorch("localizing objects", [&]() -> absl::Status {
            return LocalizeStep(images.subspan(begin, count),
                                absl::MakeSpan(results).subspan(begin, count),
                                absl::MakeSpan(statuses).subspan(begin, count));
          }));
      for (size_t i = begin; i < begin + count; ++i) {
        VISION_RETURN_IF_ERROR(InImage(i, images.size(), statuses[i]));
      }
    }
    return results;
  }

  const std::string& method() const { return method_; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  int input_size() const { return input_size_; }
  const Threshold& threshold() const { return threshold_; }

 private:
  struct NetworkOutput {
    at::Tensor probabilities;  // [N, K] float32.
    at::Tensor maps;           // [N, input_size, input_size] float32.
  };

  absl::Status Init(std::shared_ptr<wsol::Classifier> classifier,
                    std::shared_ptr<FcamModel> fcam,
                    const wsol::ClassifierFolderInfo& info,
                    const LocalizerOptions& options);

  absl::Status LocalizeStep(absl::Span<const cv::Mat> images,
                            absl::Span<Localization> results,
                            absl::Span<absl::Status> statuses) const;

  absl::StatusOr<NetworkOutput> Forward(const at::Tensor& images) const;

  at::Tensor DecoderMaps(const vision::FeaturePyramid& pyramid) const;

  absl::Status Finish(const cv::Mat& image, const NetworkOutput& output,
                      int64_t n, Localization* result) const;

  LocalizerOptions options_;
  std::string method_;
  std::vector<std::string> class_names_;
  int input_size_ = 0;
  Threshold threshold_;
  std::optional<int64_t> target_class_;
  std::optional<vision::PixelNormalizer> normalizer_;
  bool is_bfloat16_ = false;

  // With the fast backbone.
  std::shared_ptr<wsol::Classifier> classifier_;
  // For F-CAM.
  std::shared_ptr<UnetDecoder> decoder_;
  std::shared_ptr<SegmentationHead> segmentation_head_;
  // For the others.
  std::unique_ptr<wsol::CamMethod> cam_method_;
};

absl::Status Localizer::Impl::Init(std::shared_ptr<wsol::Classifier> classifier,
                                   std::shared_ptr<FcamModel> fcam,
                                   const wsol::ClassifierFolderInfo& info,
                                   const LocalizerOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  options_ = options;
  method_ = options.method;
  if (method_.empty()) {
    method_ = fcam != nullptr ? kFcamMethod : info.cam_method;
  }
  const bool is_fcam = method_ == kFcamMethod;
  if (is_fcam && fcam == nullptr) {
    return absl::InvalidArgumentError(
        "the model is a classifier without F-CAM's decoder; expected a method "
        "such as CAM");
  }
  if (is_fcam && !options.target_class.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "class \"", options.target_class,
        "\" was asked for, but F-CAM has one map for all classes; CAM methods "
        "have one for each"));
  }
  const int64_t num_classes = classifier->num_classes();
  class_names_ = info.class_names;
  if (class_names_.empty()) {
    for (int64_t i = 0; i < num_classes; ++i) {
      class_names_.push_back(absl::StrCat("class ", i));
    }
  }
  if (static_cast<int64_t>(class_names_.size()) != num_classes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model has ", class_names_.size(),
                     " class names, expected ", num_classes));
  }
  if (!options.target_class.empty()) {
    VISION_ASSIGN_OR_RETURN(target_class_,
                            FindClass(options.target_class, class_names_));
  }
  // A threshold belongs to the maps for which it was chosen.
  bool is_chosen_method = options.method.empty() || is_fcam;
  if (!is_chosen_method && fcam == nullptr) {
    VISION_ASSIGN_OR_RETURN(const std::string asked,
                            wsol::ParseCamMethod(options.method));
    VISION_ASSIGN_OR_RETURN(const std::string chosen,
                            wsol::ParseCamMethod(info.cam_method));
    is_chosen_method = asked == chosen;
  }
  VISION_ASSIGN_OR_RETURN(
      threshold_,
      ResolveThreshold(options, is_chosen_method
                                    ? info.taus
                                    : std::map<std::string, double>()));
  input_size_ = info.preprocessing.crop;
  if (input_size_ < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model's images are ", input_size_,
                     " pixels wide, expected at least 1"));
  }
  normalizer_.emplace(info.preprocessing.normalization);
  if (!is_fcam) {
    wsol::CamOptions cam;
    cam.method = method_;
    VISION_ASSIGN_OR_RETURN(cam.variant,
                            wsol::ParseCamVariant(options.variant));
    VISION_ASSIGN_OR_RETURN(method_, wsol::ParseCamMethod(method_));
    VISION_ASSIGN_OR_RETURN(cam_method_, wsol::MakeCamMethod(cam));
  }

  vision::InferenceOptions inference;
  inference.fold_norms = options.fold_norms;
  inference.channels_last = options.channels_last;
  inference.pack_weights = options.pack_weights;
  inference.winograd = options.winograd;
  inference.allow_slow_precision = options.allow_slow_precision;
  VISION_ASSIGN_OR_RETURN(inference.precision,
                          vision::ParsePrecision(options.precision));
  is_bfloat16_ = inference.precision == vision::Precision::kBFloat16;
  VISION_ASSIGN_OR_RETURN(
      std::shared_ptr<vision::Backbone> encoder,
      vision::MakeInferenceBackbone(Shared(classifier->encoder()), inference));
  classifier_ = std::make_shared<wsol::Classifier>(std::move(encoder),
                                                   Shared(classifier->head()));
  classifier_->eval();
  vision::Freeze(*classifier_);
  if (!is_fcam) return absl::OkStatus();

  decoder_ = Shared(fcam->decoder());
  segmentation_head_ = Shared(fcam->segmentation_head());
  for (torch::nn::Module* const module :
       {static_cast<torch::nn::Module*>(decoder_.get()),
        static_cast<torch::nn::Module*>(segmentation_head_.get())}) {
    module->eval();
    vision::Freeze(*module);
    if (options.fold_norms) {
      VISION_RETURN_IF_ERROR(vision::FoldNorms(*module).status());
    }
    if (is_bfloat16_) module->to(at::kBFloat16);
    if (options.channels_last) {
      for (at::Tensor& parameter : module->parameters()) {
        if (parameter.dim() != 4) continue;
        parameter.set_data(
            parameter.contiguous(at::MemoryFormat::ChannelsLast));
      }
    }
    if (options.pack_weights) {
      vision::PackFoldedConvolutions(*module,
                                     options.winograd && !is_bfloat16_);
    }
  }
  return absl::OkStatus();
}

at::Tensor Localizer::Impl::DecoderMaps(
    const vision::FeaturePyramid& pyramid) const {
  vision::FeaturePyramid input = pyramid;
  if (is_bfloat16_) {
    for (at::Tensor& map : input) map = map.to(at::kBFloat16);
  }
  at::Tensor fcams =
      segmentation_head_->forward(decoder_->forward(input)).to(at::kFloat);
  const std::vector<int64_t> wanted = {input_size_, input_size_};
  if (fcams.sizes().slice(2) != at::IntArrayRef(wanted)) {
    fcams = at::upsample_bilinear2d(fcams, wanted, /*align_corners=*/true);
  }
  return ForegroundMap(fcams);
}

absl::StatusOr<Localizer::Impl::NetworkOutput> Localizer::Impl::Forward(
    const at::Tensor& images) const {
  const at::NoGradGuard no_grad;
  wsol::ClassifierOutput classified = classifier_->forward(images);
  NetworkOutput output;
  output.probabilities = classified.logits.softmax(1, at::kFloat).contiguous();
  if (decoder_ != nullptr) {
    output.maps = DecoderMaps(classified.features).contiguous();
    return output;
  }
  wsol::ClassifierNetwork network(*classifier_);
  wsol::CamInput input;
  input.images = images;
  input.classes = target_class_.has_value()
                      ? at::full({images.size(0)}, *target_class_, at::kLong)
                      : classified.logits.argmax(1);
  // One key for all: noise must not depend on an image's place in a batch.
  input.keys.assign(static_cast<size_t>(images.size(0)), 0);
  input.output = wsol::CamNetwork::Output{std::move(classified.features),
                                          std::move(classified.logits)};
  VISION_ASSIGN_OR_RETURN(const wsol::CamOutput cams,
                          cam_method_->Compute(network, input));
  const wsol::NormalizedMaps normalized = wsol::NormalizeMaps(cams.maps);
  if (normalized.num_not_finite > 0) {
    return absl::InternalError(absl::StrCat(
        method_, " gives values that are not finite for ",
        normalized.num_not_finite, " of ", images.size(0), " images"));
  }
  output.maps = wsol::UpsampleMaps(normalized.maps, input_size_, input_size_)
                    .contiguous();
  return output;
}

absl::Status Localizer::Impl::Finish(const cv::Mat& image,
                                     const NetworkOutput& output, int64_t n,
                                     Localization* result) const {
  const int64_t num_classes = output.probabilities.size(1);
  const float* const probabilities =
      output.probabilities.data_ptr<float>() + n * num_classes;
  std::vector<int64_t> order(static_cast<size_t>(num_classes));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (const int64_t i : order) {
    if (!std::isfinite(probabilities[i])) {
      return absl::InternalError(absl::StrCat("the probability of class ", i,
                                              " is ", probabilities[i]));
    }
  }
  const int64_t top_k = std::min<int64_t>(options_.top_k, num_classes);
  std::partial_sort(order.begin(), order.begin() + top_k, order.end(),
                    [&](int64_t a, int64_t b) {
                      if (probabilities[a] != probabilities[b]) {
                        return probabilities[a] > probabilities[b];
                      }
                      return a < b;
                    });
  for (int64_t k = 0; k < top_k; ++k) {
    const int64_t i = order[static_cast<size_t>(k)];
    result->classes.push_back(
        {i, class_names_[static_cast<size_t>(i)], probabilities[i]});
  }

  const int64_t pixels = int64_t{input_size_} * input_size_;
  const cv::Mat map(input_size_, input_size_, CV_32FC1,
                    output.maps.data_ptr<float>() + n * pixels);
  if (!cv::checkRange(map)) {
    return absl::InternalError(
        absl::StrCat("the map of ", method_, " is not finite"));
  }
  VISION_ASSIGN_OR_RETURN(
      result->map, vision::ResizeMapBilinear(map, image.cols, image.rows));
  // Of equal size it may be the tensor's memory.
  if (result->map.data == map.data) result->map = result->map.clone();
  absl::StatusOr<ThresholdedMap> foreground =
      threshold_.rule == ThresholdRule::kOtsu
          ? OtsuThresholdMap(result->map)
          : ThresholdMap(result->map, threshold_.tau);
  VISION_RETURN_IF_ERROR(foreground.status());
  result->mask = std::move(foreground->mask);
  result->tau = foreground->tau;
  VISION_ASSIGN_OR_RETURN(result->boxes,
                          FindBoxes(result->mask, result->map, options_.boxes,
                                    options_.min_box_fraction));
  return absl::OkStatus();
}

absl::Status Localizer::Impl::LocalizeStep(
    absl::Span<const cv::Mat> images, absl::Span<Localization> results,
    absl::Span<absl::Status> statuses) const {
  const int64_t count = static_cast<int64_t>(images.size());
  const int64_t size = input_size_;
  // The network reads it as it is stored, without another copy.
  at::Tensor input =
      at::empty({count, 3, size, size},
                at::TensorOptions(at::kFloat)
                    .memory_format(options_.channels_last
                                       ? at::MemoryFormat::ChannelsLast
                                       : at::MemoryFormat::Contiguous));
  float* const values = input.data_ptr<float>();
  const auto layout = options_.channels_last ? vision::PixelLayout::kHwc
                                             : vision::PixelLayout::kChw;
  vision::ParallelFor(count, options_.num_threads, [&](int64_t n) {
    const size_t i = static_cast<size_t>(n);
    const absl::StatusOr<cv::Mat> resized =
        vision::ResizeAntialiased(images[i], input_size_, input_size_);
    statuses[i] = resized.status();
    if (!resized.ok()) return;
    normalizer_->Write(*resized, layout, values + n * 3 * size * size);
  });
  for (size_t i = 0; i < images.size(); ++i) {
    if (!statuses[i].ok()) return absl::OkStatus();  // The caller looks.
  }
  VISION_ASSIGN_OR_RETURN(const NetworkOutput output, Forward(input));
  vision::ParallelFor(count, options_.num_threads, [&](int64_t n) {
    const size_t i = static_cast<size_t>(n);
    statuses[i] = Finish(images[i], output, n, &results[i]);
  });
  return absl::OkStatus();
}

Localizer::Localizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Localizer::~Localizer() = default;

absl::StatusOr<std::unique_ptr<Localizer>> Localizer::Create(
    std::shared_ptr<FcamModel> model, const wsol::ClassifierFolderInfo& info,
    const LocalizerOptions& options) {
  CHECK(model != nullptr);
  std::shared_ptr<wsol::Classifier> classifier = Shared(model->classifier());
  VISION_ASSIGN_OR_RETURN(
      std::unique_ptr<Impl> impl,
      Impl::Create(std::move(classifier), std::move(model), info, options));
  return std::unique_ptr<Localizer>(new Localizer(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<Localizer>> Localizer::Create(
    std::shared_ptr<wsol::Classifier> model,
    const wsol::ClassifierFolderInfo& info, const LocalizerOptions& options) {
  CHECK(model != nullptr);
  VISION_ASSIGN_OR_RETURN(
      std::unique_ptr<Impl> impl,
      Impl::Create(std::move(model), nullptr, info, options));
  return std::unique_ptr<Localizer>(new Localizer(std::move(impl)));
}

absl::StatusOr<std::unique_ptr<Localizer>> Localizer::Open(
    const std::string& model_dir, const LocalizerOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const bool is_fcam, IsFcamFolder(model_dir));
  if (is_fcam) {
    VISION_ASSIGN_OR_RETURN(LoadedFcam loaded, LoadFcamFolder(model_dir));
    return Create(std::move(loaded.model), loaded.info.classifier, options);
  }
  VISION_ASSIGN_OR_RETURN(wsol::LoadedClassifier loaded,
                          wsol::LoadClassifierFolder(model_dir));
  return Create(std::move(loaded.classifier), loaded.info, options);
}

absl::StatusOr<Localization> Localizer::Localize(const cv::Mat& rgb) const {
  VISION_ASSIGN_OR_RETURN(std::vector<Localization> results,
                          impl_->Localize(absl::MakeConstSpan(&rgb, 1)));
  return std::move(results.front());
}

absl::StatusOr<std::vector<Localization>> Localizer::LocalizeBatch(
    absl::Span<const cv::Mat> images) const {
  return impl_->Localize(images);
}

const std::string& Localizer::method() const { return impl_->method(); }
const std::vector<std::string>& Localizer::class_names() const {
  return impl_->class_names();
}
int Localizer::input_size() const { return impl_->input_size(); }
const Threshold& Localizer::threshold() const { return impl_->threshold(); }

}  // namespace fcam
