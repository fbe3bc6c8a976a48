#include "fcam/localizer/export_model.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/decoder/segmentation_head.h"
#include "fcam/decoder/unet_decoder.h"
#include "fcam/localizer/localizer.h"
#include "fcam/localizer/trace_module.h"
#include "fcam/model_folder/fcam_folder.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"
#include "torch/nn/module.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/freeze.h"
#include "wsol/cam/factory.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/model_folder/classifier_info.h"
#include "wsol/pooling/pooling.h"

namespace fcam {
namespace {

constexpr char kCamMethod[] = "CAM";
constexpr char kInfoFile[] = "model.json";
constexpr double kTolerance = 1e-5;

using Shape = std::vector<int64_t>;
using Outputs = std::vector<at::Tensor>;
using Forward = std::function<Outputs(const at::Tensor&)>;

// FcamModel::forward and ForegroundMap, but with gradients on throughout: they
// would be off for a frozen classifier, see TraceModule.
Outputs FcamOutputs(const FcamModel& model, const at::Tensor& images) {
  wsol::ClassifierOutput classified = model.classifier().forward(images);
  at::Tensor fcams = model.segmentation_head().forward(
      model.decoder().forward(classified.features));
  const at::IntArrayRef size = images.sizes().slice(2);
  if (fcams.sizes().slice(2) != size) {
    fcams = at::upsample_bilinear2d(fcams, size, /*align_corners=*/true);
  }
  return {std::move(classified.logits), ForegroundMap(fcams)};
}

// The CAM of the most probable class, normalised and resized as in
// wsol/cam/{cam,normalize_cam}.h, by operators alone: those look at values.
Outputs CamOutputs(wsol::Classifier& classifier, const at::Tensor& images) {
  wsol::ClassifierOutput classified = classifier.forward(images);
  const at::Tensor features = classified.features.back();
  const at::Tensor classes = classified.logits.argmax(1);
  wsol::PoolingHead& head = classifier.head();
  at::Tensor map;
  if (head.has_maps()) {
    const at::Tensor maps = head.ClassMaps(features);
    // A mask of the class instead of indices, which would have to be expanded.
    const at::Tensor chosen =
        at::one_hot(classes, classifier.num_classes()).to(maps.scalar_type());
    map = at::where(chosen.unsqueeze(2).unsqueeze(3) > 0, maps,
                    at::zeros({}, maps.options()))
              .sum(at::IntArrayRef({1}), /*keepdim=*/true);
  } else {
    const at::Tensor weights = head.class_weights().index_select(0, classes);
    map = (weights.unsqueeze(2).unsqueeze(3) * features)
              .sum(at::IntArrayRef({1}), /*keepdim=*/true);
  }
  const at::IntArrayRef pixels({2, 3});
  map = map - map.amin(pixels, /*keepdim=*/true);
  const at::Tensor range = map.amax(pixels, /*keepdim=*/true);
  map = at::where(range > 0, map / range, at::zeros({}, map.options()));
  map = at::upsample_bilinear2d(map, images.sizes().slice(2),
                                /*align_corners=*/false);
  return {std::move(classified.logits), map.squeeze(1)};
}

std::string InfoText(const wsol::ClassifierFolderInfo& info,
                     const std::string& method, bool any_size) {
  nlohmann::ordered_json json;
  json["schema_version"] = 1;
  json["method"] = method;
  json["input"] = {{"layout", "NCHW"},
                   {"channels", "RGB"},
                   {"side", info.preprocessing.crop},
                   {"any_size", any_size},
                   {"mean", info.preprocessing.normalization.mean},
                   {"std", info.preprocessing.normalization.std}};
  json["outputs"] = {"logits", "map"};
  json["class_names"] = info.class_names;
  json["taus"] = info.taus;
  return json.dump(2, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

// Largest difference of what the file and the network compute for `shape`.
absl::StatusOr<double> Compare(const std::string& file, const Forward& forward,
                               const Shape& shape) {
  const at::NoGradGuard no_grad;
  at::Tensor images;
  Outputs expected;
  VISION_RETURN_IF_ERROR(vision::StatusFromTorch("running the model", [&] {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    images = (at::arange(count, at::kFloat) * 0.37f).sin().view(shape);
    expected = forward(images);
  }));
  VISION_ASSIGN_OR_RETURN(const Outputs got, RunTraced(file, images));
  double largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (i >= got.size() || got[i].sizes() != expected[i].sizes()) {
      return absl::InternalError("the recording gives another shape");
    }
    const double scale = std::max(1., expected[i].abs().max().item<double>());
    const double difference =
        (got[i] - expected[i]).abs().max().item<double>() / scale;
    // NaN must not pass for small.
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

// Records `forward` with `shapes` and compares on `checks`.
absl::StatusOr<double> RecordAndCompare(torch::nn::Module& module,
                                        const std::string& info,
                                        const Forward& forward,
                                        const std::vector<Shape>& shapes,
                                        const std::vector<Shape>& checks,
                                        std::string* file) {
  VISION_ASSIGN_OR_RETURN(
      *file,
      TraceModule(module, "Localizer", {{kInfoFile, info}}, forward, shapes));
  double largest = 0;
  for (const Shape& shape : checks) {
    VISION_ASSIGN_OR_RETURN(const double difference,
                            Compare(*file, forward, shape));
    if (!(difference <= kTolerance)) {
      return absl::InternalError(
          absl::StrCat("the recorded model differs by ", difference,
                       " from the model, expected at most ", kTolerance,
                       ", for images of ", shape[3], "x", shape[2], " pixels"));
    }
    largest = std::max(largest, difference);
  }
  return largest;
}

absl::StatusOr<ExportReport> Export(torch::nn::Module& module,
                                    const wsol::ClassifierFolderInfo& info,
                                    const std::string& method,
                                    const Forward& forward, std::string* file) {
  CHECK(file != nullptr);
  module.eval();
  vision::Freeze(module);
  ExportReport report;
  report.method = method;
  report.side = info.preprocessing.crop;
  const int64_t side = report.side;
  if (side < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the model's images are ", side, " pixels wide, expected at least 1"));
  }
  // A decoder resizes a map only where its size is not the skip's. For the
  // recording to hold for all sizes it must do so on every level: halving must
  // meet odd sizes, where they are rounded up (1 mod 32) or down (31 mod 32).
  // No size may be that of a batch, or one would be taken for the other. Some
  // networks do not take small images.
  const std::vector<Shape> checks = {
      {1, 3, side, side}, {2, 3, 128, 160}, {1, 3, 101, 143}};
  for (const int64_t base : {65, 63, 97, 95}) {
    const std::vector<Shape> shapes = {{2, 3, base, base + 64},
                                       {1, 3, base + 32, base},
                                       {3, 3, base + 64, base + 32}};
    const absl::StatusOr<double> difference = RecordAndCompare(
        module, InfoText(info, method, true), forward, shapes, checks, file);
    if (!difference.ok()) {
      VLOG(1) << "no recording for all sizes: " << difference.status();
      continue;
    }
    report.any_size = true;
    report.max_difference = *difference;
    return report;
  }
  VISION_ASSIGN_OR_RETURN(
      report.max_difference,
      RecordAndCompare(module, InfoText(info, method, false), forward,
                       {{2, 3, side, side}, {3, 3, side, side}},
                       {{1, 3, side, side}, {4, 3, side, side}}, file));
  return report;
}

absl::StatusOr<std::string> ParseExportMethod(const std::string& name,
                                              bool has_decoder) {
  if (name == kFcamMethod || (name.empty() && has_decoder)) {
    if (has_decoder) return std::string(kFcamMethod);
    return absl::InvalidArgumentError(
        "the model is a classifier without F-CAM's decoder; expected the "
        "method CAM");
  }
  if (name.empty()) return std::string(kCamMethod);
  VISION_ASSIGN_OR_RETURN(std::string method, wsol::ParseCamMethod(name));
  if (method == kCamMethod) return method;
  return absl::UnimplementedError(absl::StrCat(
      method,
      " cannot be exported: it needs more than a forward pass; expected ",
      kFcamMethod, " or ", kCamMethod));
}

}  // namespace

absl::StatusOr<ExportReport> ExportModel(FcamModel& model,
                                         const wsol::ClassifierFolderInfo& info,
                                         const ExportOptions& options,
                                         std::string* file) {
  VISION_ASSIGN_OR_RETURN(const std::string method,
                          ParseExportMethod(options.method, true));
  if (method == kCamMethod) {
    return ExportModel(model.classifier(), info, options, file);
  }
  return Export(
      model, info, method,
      [&](const at::Tensor& images) { return FcamOutputs(model, images); },
      file);
}

absl::StatusOr<ExportReport> ExportModel(wsol::Classifier& model,
                                         const wsol::ClassifierFolderInfo& info,
                                         const ExportOptions& options,
                                         std::string* file) {
  VISION_ASSIGN_OR_RETURN(const std::string method,
                          ParseExportMethod(options.method, false));
  const wsol::PoolingHead& head = model.head();
  if (!head.is_linear() && !head.has_maps()) {
    return absl::UnimplementedError(
        "the classifier's head is not linear and makes no maps: it has no CAM");
  }
  return Export(
      model, info, method,
      [&](const at::Tensor& images) { return CamOutputs(model, images); },
      file);
}

absl::StatusOr<ExportReport> ExportModel(const std::string& model_dir,
                                         const ExportOptions& options,
                                         const std::string& path) {
  std::string file;
  ExportReport report;
  VISION_ASSIGN_OR_RETURN(const bool is_fcam, IsFcamFolder(model_dir));
  if (is_fcam) {
    VISION_ASSIGN_OR_RETURN(const LoadedFcam loaded, LoadFcamFolder(model_dir));
    VISION_ASSIGN_OR_RETURN(
        report,
        ExportModel(*loaded.model, loaded.info.classifier, options, &file));
  } else {
    VISION_ASSIGN_OR_RETURN(const wsol::LoadedClassifier loaded,
                            wsol::LoadClassifierFolder(model_dir));
    VISION_ASSIGN_OR_RETURN(
        report, ExportModel(*loaded.classifier, loaded.info, options, &file));
  }
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(path, file));
  return report;
}

}  // namespace fcam
