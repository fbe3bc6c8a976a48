#include "wsol/cam_run/cam_run.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/image/image_io.h"
#include "vision/image/overlay.h"
#include "vision/image/resize.h"
#include "vision/image/resize_map.h"
#include "vision/image/tensor_image.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/cam_run/contact_sheet.h"
#include "wsol/cam_run/image_list.h"
#include "wsol/cam_run/map_file.h"
#include "wsol/cam_run/run_state.h"
#include "wsol/classifier/classifier.h"
#include "wsol/classifier/inference_classifier.h"
#include "wsol/datasets/dataset.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"
#include "wsol/results/pretty_json.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRanked = 5;
constexpr double kOverlayShare = 0.5;
constexpr int kOverlayQuality = 90;

// Stops the long loops inside methods: they run many passes for an image.
class StoppableNetwork : public CamNetwork {
 public:
  StoppableNetwork(CamNetwork& network,
                   const std::function<bool()>& should_stop)
      : network_(network), should_stop_(should_stop) {}

  Output Forward(const at::Tensor& images) override {
    StopIfAsked();
    return network_.Forward(images);
  }
  at::Tensor LogitsOf(const at::Tensor& last_features) override {
    StopIfAsked();
    return network_.LogitsOf(last_features);
  }
  at::Tensor LinearWeights() const override { return network_.LinearWeights(); }
  bool HasOwnMaps() const override { return network_.HasOwnMaps(); }
  at::Tensor OwnMaps(const at::Tensor& last_features) override {
    return network_.OwnMaps(last_features);
  }
  at::Tensor OwnMapsOf(const at::Tensor& last_features,
                       const at::Tensor& classes) override {
    return network_.OwnMapsOf(last_features, classes);
  }
  bool HasAttention() const override { return network_.HasAttention(); }
  AttentionOutput ForwardWithAttention(const at::Tensor& images) override {
    StopIfAsked();
    return network_.ForwardWithAttention(images);
  }
  bool IsInEvaluationMode() const override {
    return network_.IsInEvaluationMode();
  }

 private:
  void StopIfAsked() const {
    if (should_stop_ && should_stop_()) throw std::runtime_error("stopped");
  }

  CamNetwork& network_;
  const std::function<bool()>& should_stop_;
};

// An image on its way through the network.
struct LoadedImage {
  cv::Mat rgb;
  at::Tensor input;  // [3, H, W]
};

// A map to be written.
struct PendingMap {
  const LoadedImage* image = nullptr;
  std::string path;          // Without extension.
  std::string overlay_path;  // Without extension.
  at::Tensor map;            // [h, w], normalised.
};

// What is kept of each image: few bytes, for there may be a million.
struct Ranked {
  int64_t index = 0;
  std::array<int32_t, kRanked> top = {};
};

double MillisecondsSince(absl::Time begin) {
  return absl::ToDoubleMilliseconds(absl::Now() - begin);
}

// "GradCAM++", "GradCAM++/class_7".
std::string MapFolder(const std::string& method,
                      const std::vector<int64_t>& classes, size_t i) {
  return classes.size() < 2 ? method
                            : absl::StrCat(method, "/class_", classes[i]);
}

class Run {
 public:
  Run(const CamRunNetwork& network, const CamRunOptions& options,
      const CamRunCallbacks& callbacks)
      : network_(*network.network, callbacks.should_stop),
        preprocessing_(network.preprocessing),
        class_names_(network.class_names),
        options_(options),
        callbacks_(callbacks) {
    side_ = options_.image_size > 0 ? options_.image_size : preprocessing_.crop;
  }

  absl::StatusOr<CamRunReport> Execute() {
    VISION_RETURN_IF_ERROR(List());
    VISION_RETURN_IF_ERROR(MakeMethods());
    VISION_RETURN_IF_ERROR(CheckAll());
    VISION_RETURN_IF_ERROR(Begin());
    VISION_RETURN_IF_ERROR(Work());
    return Finish();
  }

 private:
  absl::Status List() {
    if (!options_.images.empty()) {
      VISION_ASSIGN_OR_RETURN(images_, ListImages(options_.images));
    } else {
      DatasetOptions dataset_options;
      dataset_options.proxy = options_.proxy;
      VISION_ASSIGN_OR_RETURN(
          const Dataset split,
          Dataset::Open(options_.metadata_dir, options_.image_root,
                        dataset_options));
      images_ = ImagesOfSplit(split);
    }
    choice_ = options_.class_choice;
    if (choice_ == ClassChoice::kAuto) {
      choice_ = options_.images.empty() ? ClassChoice::kLabel
                                        : ClassChoice::kPredicted;
    }
    return CheckImageNames(images_);
  }

  absl::Status MakeMethods() {
    for (const std::string& name : options_.methods) {
      CamOptions cam = options_.cam;
      VISION_ASSIGN_OR_RETURN(cam.method, ParseCamMethod(name));
      VISION_ASSIGN_OR_RETURN(methods_.emplace_back(), MakeCamMethod(cam));
      method_names_.push_back(cam.method);
      report_.methods.emplace_back().method = cam.method;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<LoadedImage> Load(const ListedImage& image) const {
    LoadedImage loaded;
    VISION_ASSIGN_OR_RETURN(loaded.rgb, vision::ReadRgb(image.path));
    VISION_ASSIGN_OR_RETURN(
        const cv::Mat resized,
        vision::ResizeAntialiased(loaded.rgb, side_, side_));
    loaded.input =
        vision::NormalizedImageToTensor(resized, preprocessing_.normalization);
    return loaded;
  }

  // [N] or, for a list of several, [N, M].
  at::Tensor Classes(const std::vector<int64_t>& indices,
                     const at::Tensor& logits) const {
    const int64_t count = static_cast<int64_t>(indices.size());
    switch (choice_) {
      case ClassChoice::kPredicted:
        return logits.argmax(1);
      case ClassChoice::kList: {
        const at::Tensor classes = at::tensor(options_.classes, at::kLong);
        return options_.classes.size() == 1
                   ? classes.expand({count}).contiguous()
                   : classes.expand({count, -1}).contiguous();
      }
      case ClassChoice::kAuto:
      case ClassChoice::kLabel:
        break;
    }
    std::vector<int64_t> labels;
    for (const int64_t i : indices) {
      labels.push_back(*images_[static_cast<size_t>(i)].label);
    }
    return at::tensor(labels, at::kLong);
  }

  // Finds out by the first image what the network will refuse.
  absl::Status CheckAll() {
    VISION_ASSIGN_OR_RETURN(const LoadedImage first, Load(images_[0]));
    CamInput input;
    input.images = first.input.unsqueeze(0);
    VISION_RETURN_IF_ERROR(vision::StatusFromTorch("forward pass", [&] {
      const at::NoGradGuard no_grad;
      input.output = network_.Forward(input.images);
    }));
    const int64_t num_classes = input.output->logits.size(1);
    if (choice_ == ClassChoice::kLabel) {
      for (const ListedImage& image : images_) {
        if (*image.label < num_classes) continue;
        return absl::OutOfRangeError(absl::StrCat(
            "the image '", image.id, "' has the label ", *image.label,
            ", but the model knows the classes 0 to ", num_classes - 1,
            "; --class=predicted needs no labels"));
      }
    }
    input.classes = Classes({0}, input.output->logits);
    for (size_t m = 0; m < methods_.size(); ++m) {
      const absl::Status status = methods_[m]->CheckGoesWith(network_, input);
      if (!status.ok()) {
        return vision::Annotate(status,
                                absl::StrCat("--method=", method_names_[m]));
      }
    }
    if (options_.quality &&
        options_.quality_options.steps > int64_t{side_} * side_) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--quality_steps is ", options_.quality_options.steps,
          ", but an input has only ", int64_t{side_} * side_, " pixels"));
    }
    return absl::OkStatus();
  }

  // What decides what is written.
  nlohmann::json Config() const {
    std::string ids;
    for (const ListedImage& image : images_) {
      absl::StrAppend(&ids, image.id, "\n");
    }
    nlohmann::json config;
    config["model"] = options_.model;
    config["model_files"] = ModelFiles();
    if (!options_.images.empty()) {
      config["images"] = options_.images;
    } else {
      config["metadata_dir"] = options_.metadata_dir;
      config["image_root"] = options_.image_root;
      config["proxy"] = options_.proxy;
    }
    config["num_images"] = images_.size();
    config["ids_crc32"] = vision::Crc32(ids);
    config["methods"] = method_names_;
    const CamOptions& cam = options_.cam;
    config["variant"] =
        cam.variant == CamVariant::kPaper ? "paper" : "published";
    config["layers"] = cam.layers;
    config["seed"] = cam.seed;
    config["class"] = choice_ == ClassChoice::kList
                          ? absl::StrJoin(options_.classes, ",")
                      : choice_ == ClassChoice::kLabel ? "label"
                                                       : "predicted";
    config["format"] = std::string(MapFormatName(options_.format));
    config["size"] = std::string(MapSizeName(options_.size));
    config["image_size"] = side_;
    config["precision"] =
        std::string(vision::PrecisionName(options_.precision));
    config["overlays"] = options_.overlays;
    config["contact_sheet"] = options_.contact_sheet;
    config["quality"] = options_.quality;
    if (options_.quality) {
      config["quality_steps"] = options_.quality_options.steps;
      config["insertion_start"] = std::string(
          InsertionStartName(options_.quality_options.insertion_start));
    }
    // Paths may be no UTF-8, which JSON cannot hold.
    return nlohmann::json::parse(
        config.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  // Names, sizes and times of the model's files: a model that was trained again
  // in the same folder is another one.
  std::vector<std::string> ModelFiles() const {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator it(options_.model, error), end;
         !error && it != end; it.increment(error)) {
      std::error_code ignored;
      files.push_back(absl::StrCat(
          it->path().filename().string(), " ", it->file_size(ignored), " ",
          it->last_write_time(ignored).time_since_epoch().count()));
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  absl::Status Begin() {
    VISION_RETURN_IF_ERROR(vision::CreateDirectories(options_.output_dir));
    const nlohmann::json config = Config();
    VISION_ASSIGN_OR_RETURN(std::vector<ImageResult> done,
                            BeginRun(options_.output_dir, config, method_names_,
                                     options_.overwrite));
    std::vector<char> is_done(images_.size(), 0);
    for (const ImageResult& result : done) {
      const size_t index = static_cast<size_t>(result.index);
      if (result.index < 0 || index >= images_.size() ||
          result.methods.size() != methods_.size() || is_done[index] ||
          result.top.empty() ||
          result.top.size() > static_cast<size_t>(kRanked)) {
        return absl::DataLossError(absl::StrCat(
            "'", Path(kPartialFile), "' is damaged; --overwrite starts anew"));
      }
      is_done[index] = 1;
    }
    ChooseRows();
    // The sheet's pictures are not in the file: these images are done again.
    done.erase(std::remove_if(done.begin(), done.end(),
                              [&](const ImageResult& result) {
                                return IsInSheet(result.index);
                              }),
               done.end());
    for (const ImageResult& result : done) Keep(result);
    for (size_t i = 0; i < images_.size(); ++i) {
      const int64_t index = static_cast<int64_t>(i);
      if (!is_done[i] || IsInSheet(index)) todo_.push_back(index);
    }
    report_.images = static_cast<int64_t>(images_.size());
    report_.resumed = static_cast<int64_t>(ranked_.size());
    for (const std::string& method : method_names_) {
      for (size_t i = 0; i < std::max<size_t>(options_.classes.size(), 1);
           ++i) {
        const std::string folder = MapFolder(method, options_.classes, i);
        VISION_RETURN_IF_ERROR(vision::CreateDirectories(Path(folder)));
        if (options_.overlays) {
          VISION_RETURN_IF_ERROR(vision::CreateDirectories(
              Path(absl::StrCat(kOverlaysFolder, "/", folder))));
        }
      }
    }
    VISION_ASSIGN_OR_RETURN(log_,
                            RunLog::Open(options_.output_dir, config, done));
    config_ = config;
    return absl::OkStatus();
  }

  void Keep(const ImageResult& result) {
    Ranked& ranked = ranked_.emplace_back();
    ranked.index = result.index;
    num_ranked_ = result.top.size();
    for (size_t k = 0; k < num_ranked_; ++k) {
      ranked.top[k] = static_cast<int32_t>(result.top[k]);
    }
    for (size_t m = 0; m < methods_.size(); ++m) {
      CamMethodReport& method = report_.methods[m];
      method.maps += result.methods[m].maps;
      method.constant_maps += result.methods[m].constant;
      method.not_finite_maps += result.methods[m].not_finite;
      for (const MapQuality& quality : result.methods[m].quality) {
        method.quality.Add(quality);
      }
    }
  }

  void ChooseRows() {
    const int64_t count = static_cast<int64_t>(images_.size());
    const int64_t rows = std::min<int64_t>(options_.contact_sheet, count);
    for (int64_t row = 0; row < rows; ++row) {
      sheet_images_.push_back(row * count / rows);
    }
    std::vector<std::string> columns;
    for (const std::string& method : method_names_) {
      for (size_t i = 0; i < std::max<size_t>(options_.classes.size(), 1);
           ++i) {
        columns.push_back(options_.classes.size() < 2
                              ? method
                              : absl::StrCat(method, " ", options_.classes[i]));
      }
    }
    sheet_.emplace(std::move(columns));
  }

  bool IsInSheet(int64_t index) const {
    return std::binary_search(sheet_images_.begin(), sheet_images_.end(),
                              index);
  }

  std::string Path(const std::string& name) const {
    return vision::JoinPath(options_.output_dir, name);
  }

  bool ShouldStop() const {
    return callbacks_.should_stop && callbacks_.should_stop();
  }

  absl::Status Work() {
    if (callbacks_.on_begin) {
      callbacks_.on_begin(report_.images, report_.resumed);
    }
    const size_t batch_size = static_cast<size_t>(options_.batch_size);
    for (size_t begin = 0; begin < todo_.size(); begin += batch_size) {
      const std::vector<int64_t> indices(
          todo_.begin() + static_cast<std::ptrdiff_t>(begin),
          todo_.begin() + static_cast<std::ptrdiff_t>(
                              std::min(begin + batch_size, todo_.size())));
      const absl::Status status =
          ShouldStop() ? absl::CancelledError() : WorkOn(indices);
      // A network that was stopped looks like one that failed.
      if (!status.ok() && ShouldStop()) {
        return absl::CancelledError(
            absl::StrCat("stopped after ", ranked_.size(), " of ",
                         images_.size(), " images; the same command goes on"));
      }
      VISION_RETURN_IF_ERROR(status);
      if (callbacks_.on_images) {
        callbacks_.on_images(static_cast<int64_t>(indices.size()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status WorkOn(const std::vector<int64_t>& indices) {
    const size_t count = indices.size();
    const absl::Time begin = absl::Now();
    std::vector<LoadedImage> loaded(count);
    std::vector<absl::Status> statuses(count);
    vision::ParallelFor(static_cast<int64_t>(count), options_.num_threads,
                        [&](int64_t i) {
                          const size_t at = static_cast<size_t>(i);
                          absl::StatusOr<LoadedImage> image =
                              Load(images_[static_cast<size_t>(indices[at])]);
                          statuses[at] = image.status();
                          if (image.ok()) loaded[at] = *std::move(image);
                        });
    std::vector<at::Tensor> inputs;
    for (size_t i = 0; i < count; ++i) {
      VISION_RETURN_IF_ERROR(statuses[i]);
      inputs.push_back(loaded[i].input);
      loaded[i].input.reset();
    }
    CamInput input;
    VISION_RETURN_IF_ERROR(vision::StatusFromTorch("forward pass", [&] {
      const at::NoGradGuard no_grad;
      input.images = at::stack(inputs);
      input.output = network_.Forward(input.images);
    }));
    input.classes = Classes(indices, input.output->logits);
    for (const int64_t index : indices) {
      input.keys.push_back(static_cast<uint64_t>(index));
    }
    forward_milliseconds_ += MillisecondsSince(begin);

    std::vector<ImageResult> results(count);
    const at::Tensor order = std::get<1>(input.output->logits.sort(
        /*stable=*/true, 1, /*descending=*/true));
    for (size_t i = 0; i < count; ++i) {
      results[i].index = indices[i];
      for (int64_t k = 0; k < std::min(kRanked, order.size(1)); ++k) {
        results[i].top.push_back(
            order[static_cast<int64_t>(i)][k].item<int64_t>());
      }
    }
    std::vector<PendingMap> maps;
    for (size_t m = 0; m < methods_.size(); ++m) {
      VISION_RETURN_IF_ERROR(
          RunMethod(m, input, indices, loaded, &results, &maps));
    }
    const absl::Time write_begin = absl::Now();
    VISION_RETURN_IF_ERROR(WriteMaps(maps));
    for (size_t i = 0; i < count; ++i) {
      if (IsInSheet(indices[i])) {
        AddToSheet(indices[i], loaded[i], results[i], maps, count, i);
      }
      VISION_RETURN_IF_ERROR(log_->Append(results[i]));
      Keep(results[i]);
    }
    write_milliseconds_ += MillisecondsSince(write_begin);
    return absl::OkStatus();
  }

  // Appends the maps of method m: all of the first image, then the second...
  absl::Status RunMethod(size_t m, const CamInput& input,
                         const std::vector<int64_t>& indices,
                         const std::vector<LoadedImage>& loaded,
                         std::vector<ImageResult>* results,
                         std::vector<PendingMap>* maps) {
    const absl::Time begin = absl::Now();
    VISION_ASSIGN_OR_RETURN(const CamOutput output,
                            methods_[m]->Compute(network_, input));
    const at::Tensor raw =
        output.maps.dim() == 3 ? output.maps.unsqueeze(1) : output.maps;
    const at::Tensor classes =
        input.classes.dim() == 1 ? input.classes.unsqueeze(1) : input.classes;
    std::vector<at::Tensor> by_image;
    for (size_t i = 0; i < indices.size(); ++i) {
      const NormalizedMaps normalized =
          NormalizeMaps(raw[static_cast<int64_t>(i)]);
      ImageResult::OfMethod& of_method = (*results)[i].methods.emplace_back();
      of_method.maps = raw.size(1);
      of_method.constant = normalized.num_constant;
      of_method.not_finite = normalized.num_not_finite;
      by_image.push_back(normalized.maps.to(at::kCPU, at::kFloat));
      const std::string stem =
          MapFileStem(images_[static_cast<size_t>(indices[i])].id);
      for (int64_t k = 0; k < raw.size(1); ++k) {
        const std::string name =
            absl::StrCat(MapFolder(method_names_[m], options_.classes,
                                   static_cast<size_t>(k)),
                         "/", stem);
        maps->push_back({&loaded[i], Path(name),
                         Path(absl::StrCat(kOverlaysFolder, "/", name)),
                         by_image.back()[k]});
      }
    }
    method_milliseconds_[m] += MillisecondsSince(begin);
    if (!options_.quality) return absl::OkStatus();
    const at::Tensor all = at::stack(by_image);  // [N, M, h, w]
    for (int64_t k = 0; k < raw.size(1); ++k) {
      MapQualityOptions quality_options = options_.quality_options;
      quality_options.batch_size = options_.batch_size;
      VISION_ASSIGN_OR_RETURN(
          const std::vector<MapQuality> measured,
          MeasureMapQuality(
              network_, input.images, classes.select(1, k).contiguous(),
              UpsampleMaps(all.select(1, k), side_, side_), quality_options));
      for (size_t i = 0; i < indices.size(); ++i) {
        (*results)[i].methods.back().quality.push_back(measured[i]);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<cv::Mat> AtSize(const cv::Mat& map, int width,
                                 int height) const {
    if (map.cols == width && map.rows == height) return map;
    VISION_ASSIGN_OR_RETURN(cv::Mat resized,
                            vision::ResizeMapBilinear(map, width, height));
    // Rounding may leave [0, 1] by the last bit.
    cv::min(resized, 1.0, resized);
    cv::max(resized, 0.0, resized);
    return resized;
  }

  absl::Status WriteOne(const PendingMap& pending) const {
    const cv::Mat map = vision::TensorToMap(pending.map);
    const cv::Mat& rgb = pending.image->rgb;
    cv::Mat sized = map;
    if (options_.size == MapSize::kInput) {
      VISION_ASSIGN_OR_RETURN(sized, AtSize(map, side_, side_));
    } else if (options_.size == MapSize::kImage) {
      VISION_ASSIGN_OR_RETURN(sized, AtSize(map, rgb.cols, rgb.rows));
    }
    VISION_RETURN_IF_ERROR(WriteMap(
        absl::StrCat(pending.path, MapFormatExtension(options_.format)), sized,
        options_.format));
    if (!options_.overlays) return absl::OkStatus();
    VISION_ASSIGN_OR_RETURN(const cv::Mat full,
                            AtSize(map, rgb.cols, rgb.rows));
    return vision::WriteJpeg(absl::StrCat(pending.overlay_path, ".jpg"),
                             vision::OverlayMap(rgb, full, kOverlayShare),
                             kOverlayQuality);
  }

  absl::Status WriteMaps(const std::vector<PendingMap>& maps) const {
    std::vector<absl::Status> statuses(maps.size());
    vision::ParallelFor(static_cast<int64_t>(maps.size()), options_.num_threads,
                        [&](int64_t i) {
                          const size_t at = static_cast<size_t>(i);
                          statuses[at] = WriteOne(maps[at]);
                        });
    for (const absl::Status& status : statuses) {
      VISION_RETURN_IF_ERROR(status);
    }
    return absl::OkStatus();
  }

  std::string ClassName(int64_t label) const {
    const size_t at = static_cast<size_t>(label);
    return at < class_names_.size() ? class_names_[at]
                                    : absl::StrCat("class ", label);
  }

  void AddToSheet(int64_t index, const LoadedImage& image,
                  const ImageResult& result,
                  const std::vector<PendingMap>& maps, size_t num_images,
                  size_t position) {
    const size_t per_image = maps.size() / methods_.size() / num_images;
    std::vector<cv::Mat> pictures;
    for (size_t m = 0; m < methods_.size(); ++m) {
      for (size_t k = 0; k < per_image; ++k) {
        pictures.push_back(vision::TensorToMap(
            maps[(m * num_images + position) * per_image + k].map));
      }
    }
    const ListedImage& listed = images_[static_cast<size_t>(index)];
    std::vector<std::string> lines = {listed.id};
    if (listed.label.has_value()) {
      lines.push_back(absl::StrCat("label: ", ClassName(*listed.label)));
    }
    lines.push_back(absl::StrCat("predicted: ", ClassName(result.top[0])));
    sheet_->AddRow(image.rgb, pictures, lines);
  }

  absl::StatusOr<CamRunReport> Finish() {
    std::sort(
        ranked_.begin(), ranked_.end(),
        [](const Ranked& a, const Ranked& b) { return a.index < b.index; });
    std::string predictions = "id";
    for (size_t k = 0; k < num_ranked_; ++k) {
      absl::StrAppend(&predictions, ",top", k + 1);
    }
    absl::StrAppend(&predictions, "\n");
    int64_t num_right = 0;
    for (const Ranked& ranked : ranked_) {
      const ListedImage& image = images_[static_cast<size_t>(ranked.index)];
      absl::StrAppend(
          &predictions, image.id, ",",
          absl::StrJoin(absl::MakeConstSpan(ranked.top).first(num_ranked_),
                        ","),
          "\n");
      num_right += image.label.has_value() && *image.label == ranked.top[0];
    }
    const double done = static_cast<double>(std::max<size_t>(todo_.size(), 1));
    report_.forward_milliseconds =
        (forward_milliseconds_ + write_milliseconds_) / done;
    for (size_t m = 0; m < methods_.size(); ++m) {
      report_.methods[m].milliseconds = method_milliseconds_[m] / done;
    }
    VISION_RETURN_IF_ERROR(
        vision::WriteFileAtomically(Path(kPredictionsFile), predictions));
    if (sheet_->num_rows() > 0) {
      VISION_RETURN_IF_ERROR(
          vision::WritePng(Path(kContactSheetFile), sheet_->Draw()));
    }
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(Path(kRunFile), Json()));
    VISION_RETURN_IF_ERROR(RemovePartialFile(options_.output_dir));
    VISION_ASSIGN_OR_RETURN(report_.text, Text(num_right));
    return std::move(report_);
  }

  std::string Json() const {
    nlohmann::ordered_json root;
    root["program"] = "//wsol:cam";
    root["schema_version"] = 1;
    root["config"] = config_;
    root["images"] = report_.images;
    root["methods"] = nlohmann::ordered_json::array();
    for (const CamMethodReport& method : report_.methods) {
      nlohmann::ordered_json one;
      one["method"] = method.method;
      one["maps"] = method.maps;
      one["constant_maps"] = method.constant_maps;
      one["not_finite_maps"] = method.not_finite_maps;
      if (options_.quality) {
        one["average_drop"] = method.quality.average_drop();
        one["average_increase"] = method.quality.average_increase();
        if (options_.quality_options.steps > 0) {
          one["insertion_auc"] = method.quality.insertion();
          one["deletion_auc"] = method.quality.deletion();
        }
      }
      root["methods"].push_back(std::move(one));
    }
    return PrettyJson(root);
  }

  absl::StatusOr<std::string> Text(int64_t num_right) const {
    Table table;
    table.columns = {{"Method"}, {"Time", "ms/image"}};
    const bool has_areas = options_.quality_options.steps > 0;
    if (options_.quality) {
      table.columns.push_back({"Drop", "%", Best::kLowest});
      table.columns.push_back({"Increase", "%", Best::kHighest});
      if (has_areas) {
        table.columns.push_back({"Insertion AUC", "%", Best::kHighest});
        table.columns.push_back({"Deletion AUC", "%", Best::kLowest});
      }
    }
    table.columns.push_back({"Constant", "maps", Best::kNone, 0});
    table.columns.push_back({"Not finite", "maps", Best::kNone, 0});
    for (const CamMethodReport& method : report_.methods) {
      TableRow& row = table.rows.emplace_back();
      row.cells = {method.method, method.milliseconds};
      if (options_.quality) {
        row.cells.emplace_back(method.quality.average_drop());
        row.cells.emplace_back(method.quality.average_increase());
        if (has_areas) {
          row.cells.emplace_back(method.quality.insertion());
          row.cells.emplace_back(method.quality.deletion());
        }
      }
      row.cells.emplace_back(static_cast<double>(method.constant_maps));
      row.cells.emplace_back(static_cast<double>(method.not_finite_maps));
    }
    VISION_ASSIGN_OR_RETURN(const std::string rendered, RenderTextTable(table));
    std::string text = absl::StrCat(report_.images, " images");
    if (report_.resumed > 0) {
      absl::StrAppend(&text, ", ", report_.resumed,
                      " of them done before this run went on");
    }
    if (images_[0].label.has_value()) {
      absl::StrAppend(&text,
                      absl::StrFormat(", %.1f %% classified right",
                                      100.0 * static_cast<double>(num_right) /
                                          static_cast<double>(report_.images)));
    }
    return absl::StrCat(
        text, "\n",
        absl::StrFormat("reading, forward pass and writing: %.1f ms/image; "
                        "each method beyond that:\n\n",
                        report_.forward_milliseconds),
        rendered);
  }

  StoppableNetwork network_;
  const ImagePreprocessing preprocessing_;
  const std::vector<std::string> class_names_;
  const CamRunOptions& options_;
  const CamRunCallbacks& callbacks_;
  int side_ = 0;

  std::vector<ListedImage> images_;
  ClassChoice choice_ = ClassChoice::kAuto;
  std::vector<std::string> method_names_;
  std::vector<std::unique_ptr<CamMethod>> methods_;
  std::vector<int64_t> todo_;
  std::vector<int64_t> sheet_images_;
  std::vector<Ranked> ranked_;
  size_t num_ranked_ = 0;
  std::optional<RunLog> log_;
  std::optional<ContactSheet> sheet_;
  nlohmann::json config_;
  CamRunReport report_;
  double forward_milliseconds_ = 0;
  double write_milliseconds_ = 0;
  std::vector<double> method_milliseconds_ =
      std::vector<double>(options_.methods.size(), 0.0);
};

}  // namespace

absl::StatusOr<CamRunReport> RunCamOf(const CamRunNetwork& network,
                                      const CamRunOptions& options,
                                      const CamRunCallbacks& callbacks) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return Run(network, options, callbacks).Execute();
}

absl::StatusOr<CamRunReport> RunCam(const CamRunOptions& options,
                                    const CamRunCallbacks& callbacks) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const LoadedClassifier loaded,
                          LoadClassifierFolder(options.model));
  vision::InferenceOptions inference;
  inference.precision = options.precision;
  // Batches of methods differ in size, and it gains little.
  inference.pack_weights = false;
  VISION_ASSIGN_OR_RETURN(
      const std::shared_ptr<Classifier> classifier,
      MakeInferenceClassifier(loaded.classifier, inference));
  ClassifierNetwork network(*classifier);
  CamRunNetwork run;
  run.network = &network;
  run.preprocessing = loaded.info.preprocessing;
  run.class_names = loaded.info.class_names;
  return RunCamOf(run, options, callbacks);
}

}  // namespace wsol
