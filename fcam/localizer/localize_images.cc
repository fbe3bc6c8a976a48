#include "fcam/localizer/localize_images.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "fcam/version.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/nearest_names.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "wsol/datasets/coco_json.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr size_t kMostListed = 20;

Json ResultJson(const ImageResult& result) {
  Json json;
  json["image"] = result.image.path;
  json["name"] = result.image.name;
  json["width"] = result.width;
  json["height"] = result.height;
  json["classes"] = Json::array();
  for (const ClassScore& score : result.classes) {
    json["classes"].push_back({{"index", score.index},
                               {"name", score.name},
                               {"probability", score.probability}});
  }
  json["tau"] = result.tau;
  json["boxes"] = Json::array();
  for (const ScoredBox& box : result.boxes) {
    json["boxes"].push_back({{"x0", box.box.x0},
                             {"y0", box.box.y0},
                             {"x1", box.box.x1},
                             {"y1", box.box.y1},
                             {"score", box.score},
                             {"pixels", box.pixels}});
  }
  json["files"] = Json::object();
  for (const auto& [key, file] :
       {std::make_pair("overlay", &result.overlay_file),
        std::make_pair("mask", &result.mask_file),
        std::make_pair("map", &result.map_file)}) {
    if (!file->empty()) json["files"][key] = *file;
  }
  return json;
}

std::string ResultsText(const LocalizeImagesOptions& options,
                        const Localizer& localizer,
                        const LocalizeImagesReport& report, bool complete) {
  Json json;
  json["schema_version"] = kSchemaVersion;
  json["tool"] = "fcam localize";
  json["tool_version"] = kVersion;
  json["complete"] = complete;
  json["model"] = {{"path", options.model_dir},
                   {"method", report.method},
                   {"input_size", localizer.input_size()},
                   {"classes", localizer.class_names().size()},
                   {"precision", options.localizer.precision}};
  if (!options.localizer.target_class.empty()) {
    json["model"]["target_class"] = options.localizer.target_class;
  }
  Threshold rule = report.threshold;
  json["threshold"] = {{"rule", rule.rule == ThresholdRule::kFixed
                                    ? "fixed"
                                    : ThresholdText(rule)}};
  if (rule.rule != ThresholdRule::kOtsu) json["threshold"]["tau"] = rule.tau;
  json["boxes"] = {
      {"selection", std::string(BoxSelectionName(options.localizer.boxes))},
      {"min_fraction", options.localizer.min_box_fraction}};
  json["images"] = Json::array();
  for (const ImageResult& result : report.results) {
    json["images"].push_back(ResultJson(result));
  }
  json["skipped"] = Json::array();
  for (const LocalizeImagesReport::Skipped& skipped : report.skipped) {
    json["skipped"].push_back(
        {{"image", skipped.path}, {"reason", skipped.reason}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

absl::StatusOr<std::string> CocoText(const Localizer& localizer,
                                     const LocalizeImagesReport& report) {
  wsol::CocoJson coco;
  for (const std::string& name : localizer.class_names()) {
    VISION_RETURN_IF_ERROR(
        vision::Annotate(coco.AddCategory(name), "in coco.json"));
  }
  for (const ImageResult& result : report.results) {
    absl::StatusOr<int64_t> id =
        coco.AddImage(result.image.name, result.width, result.height);
    if (!id.ok()) return vision::Annotate(id.status(), result.image.path);
    if (result.classes.empty()) continue;
    const ClassScore& best = result.classes.front();
    for (const ScoredBox& box : result.boxes) {
      // Detections are ranked by it: sure of the class and of the place.
      const double score = best.probability * box.score;
      coco.AddAnnotation(*id, best.index + 1,
                         absl::StrCat(wsol::CocoBox(box.box, box.pixels, false),
                                      ", \"score\": ", score));
    }
  }
  return coco.ToString();
}

absl::Status WriteDocuments(const LocalizeImagesOptions& options,
                            const Localizer& localizer,
                            const LocalizeImagesReport& report, bool complete) {
  if (options.output_dir.empty()) return absl::OkStatus();
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
      report.results_path, ResultsText(options, localizer, report, complete)));
  if (!options.coco) return absl::OkStatus();
  VISION_ASSIGN_OR_RETURN(const std::string text, CocoText(localizer, report));
  return vision::WriteFileAtomically(
      vision::JoinPath(options.output_dir, "coco.json"), text);
}

// A file that is not there is found now, not after hours.
absl::Status CheckFiles(const std::vector<ImageFile>& images) {
  std::vector<std::string> missing;
  size_t count = 0;
  for (const ImageFile& image : images) {
    std::error_code error;
    if (fs::is_regular_file(image.path, error)) continue;
    if (++count <= kMostListed) missing.push_back(image.path);
  }
  if (count == 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(
      "there ", count == 1 ? "is no file " : "are no files ",
      absl::StrJoin(missing, ", "),
      count > kMostListed ? absl::StrCat(" and ", count - kMostListed, " more")
                          : std::string()));
}

class Run {
 public:
  Run(const LocalizeImagesOptions& options, const Localizer& localizer,
      LocalizeImagesReport* report)
      : options_(options), localizer_(localizer), report_(*report) {}

  // Folders for all results, before the first.
  absl::Status MakeFolders(const std::vector<ImageFile>& images) const {
    if (options_.output_dir.empty()) return absl::OkStatus();
    std::set<std::string> folders;
    for (const ImageFile& image : images) {
      folders.insert(fs::path(image.name).parent_path().string());
    }
    for (const auto& [wanted, kind] :
         {std::make_pair(options_.overlays, "overlays"),
          std::make_pair(options_.masks, "masks"),
          std::make_pair(options_.maps != MapFile::kNone, "maps")}) {
      if (!wanted) continue;
      for (const std::string& folder : folders) {
        VISION_RETURN_IF_ERROR(vision::CreateDirectories(
            (fs::path(options_.output_dir) / kind / folder).string()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Step(absl::Span<const ImageFile> files) {
    const int64_t count = static_cast<int64_t>(files.size());
    const int threads = options_.localizer.num_threads;
    std::vector<absl::StatusOr<cv::Mat>> read(files.size(), cv::Mat());
    vision::ParallelFor(count, threads, [&](int64_t n) {
      const size_t i = static_cast<size_t>(n);
      read[i] = vision::ReadRgb(files[i].path);
    });
    std::vector<cv::Mat> images;
    std::vector<const ImageFile*> names;
    for (size_t i = 0; i < files.size(); ++i) {
      if (read[i].ok()) {
        images.push_back(*std::move(read[i]));
        names.push_back(&files[i]);
        continue;
      }
      if (!options_.skip_bad_images) return read[i].status();
      report_.skipped.push_back(
          {files[i].path, std::string(read[i].status().message())});
    }
    VISION_ASSIGN_OR_RETURN(const std::vector<Localization> found,
                            localizer_.LocalizeBatch(images));
    std::vector<ImageResult> results(found.size());
    std::vector<absl::Status> written(found.size());
    vision::ParallelFor(static_cast<int64_t>(found.size()), threads,
                        [&](int64_t n) {
                          const size_t i = static_cast<size_t>(n);
                          ImageResult& result = results[i];
                          result.image = *names[i];
                          result.width = images[i].cols;
                          result.height = images[i].rows;
                          result.classes = found[i].classes;
                          result.boxes = found[i].boxes;
                          result.tau = found[i].tau;
                          written[i] = WriteFiles(images[i], found[i], &result);
                        });
    for (size_t i = 0; i < found.size(); ++i) {
      VISION_RETURN_IF_ERROR(written[i]);
      report_.results.push_back(std::move(results[i]));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status WriteFiles(const cv::Mat& image, const Localization& found,
                          ImageResult* result) const {
    if (options_.output_dir.empty()) return absl::OkStatus();
    const std::string& name = result->image.name;
    const auto path = [&](const std::string& file) {
      return vision::JoinPath(options_.output_dir, file);
    };
    if (options_.overlays) {
      VISION_ASSIGN_OR_RETURN(const cv::Mat picture,
                              DrawLocalization(image, found, options_.draw));
      result->overlay_file = absl::StrCat("overlays/", name, ".png");
      VISION_RETURN_IF_ERROR(
          vision::WritePng(path(result->overlay_file), picture));
    }
    if (options_.masks) {
      result->mask_file = absl::StrCat("masks/", name, ".png");
      VISION_RETURN_IF_ERROR(
          vision::WritePng(path(result->mask_file), found.mask));
    }
    if (options_.maps == MapFile::kNpy) {
      result->map_file = absl::StrCat("maps/", name, ".npy");
      return vision::WriteNpy(path(result->map_file), found.map,
                              vision::NpyDtype::kFloat32);
    }
    if (options_.maps == MapFile::kPng) {
      result->map_file = absl::StrCat("maps/", name, ".png");
      cv::Mat bytes;
      found.map.convertTo(bytes, CV_8U, 255);
      return vision::WritePng(path(result->map_file), bytes);
    }
    return absl::OkStatus();
  }

  const LocalizeImagesOptions& options_;
  const Localizer& localizer_;
  LocalizeImagesReport& report_;
};

}  // namespace

absl::StatusOr<MapFile> ParseMapFile(absl::string_view text) {
  if (text == "none") return MapFile::kNone;
  if (text == "npy") return MapFile::kNpy;
  if (text == "png") return MapFile::kPng;
  return vision::UnknownNameError("kind of maps", text, {"none", "npy", "png"});
}

absl::Status LocalizeImagesOptions::Validate() const {
  if (model_dir.empty()) {
    return absl::InvalidArgumentError(
        "no model was given, expected the folder of one");
  }
  if (images.paths.empty() && images.list.empty()) {
    return absl::InvalidArgumentError(
        "no image was given, expected files, folders or a list");
  }
  if (coco && output_dir.empty()) {
    return absl::InvalidArgumentError(
        "coco.json was asked for without an output folder");
  }
  VISION_RETURN_IF_ERROR(localizer.Validate());
  return draw.Validate();
}

absl::StatusOr<LocalizeImagesReport> LocalizeImages(
    const LocalizeImagesOptions& options,
    const LocalizeImagesCallbacks& callbacks) {
  VISION_RETURN_IF_ERROR(options.Validate());
  ImageSources sources = options.images;
  sources.excluded_dir = options.output_dir;
  VISION_ASSIGN_OR_RETURN(const std::vector<ImageFile> files,
                          FindImages(sources));
  if (!options.skip_bad_images) VISION_RETURN_IF_ERROR(CheckFiles(files));
  VISION_ASSIGN_OR_RETURN(
      const std::unique_ptr<Localizer> localizer,
      Localizer::Open(options.model_dir, options.localizer));

  LocalizeImagesReport report;
  report.method = localizer->method();
  report.threshold = localizer->threshold();
  report.images = static_cast<int64_t>(files.size());
  if (!options.output_dir.empty()) {
    report.results_path = vision::JoinPath(options.output_dir, "results.json");
  }
  Run run(options, *localizer, &report);
  VISION_RETURN_IF_ERROR(run.MakeFolders(files));
  // Says at once whether results can be written at all.
  VISION_RETURN_IF_ERROR(WriteDocuments(options, *localizer, report, false));

  if (callbacks.on_begin) callbacks.on_begin(report.images);
  const size_t step = static_cast<size_t>(options.localizer.max_batch);
  absl::Status status;
  for (size_t begin = 0; begin < files.size() && status.ok(); begin += step) {
    if (callbacks.should_stop && callbacks.should_stop()) {
      status = absl::CancelledError(absl::StrCat(
          begin, " of ", files.size(), " images are done",
          report.results_path.empty()
              ? std::string()
              : absl::StrCat(", their results in ", report.results_path)));
      break;
    }
    const size_t count = std::min(step, files.size() - begin);
    status = run.Step(absl::MakeConstSpan(files).subspan(begin, count));
    if (status.ok() && callbacks.on_images) {
      callbacks.on_images(static_cast<int64_t>(count));
    }
  }
  const absl::Status written =
      WriteDocuments(options, *localizer, report, status.ok());
  VISION_RETURN_IF_ERROR(status);
  VISION_RETURN_IF_ERROR(written);
  if (report.results.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "none of ", files.size(),
        " images could be read; the first: ", report.skipped.front().reason));
  }
  return report;
}

}  // namespace fcam
