#include "vision/cli/refine_maps.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "vision/crf/mean_field.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "vision/image/opencv_status.h"
#include "vision/image/resize.h"
#include "vision/image/resize_map.h"

namespace vision {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImageEndings[] = {".jpg", ".jpeg", ".png", ".webp",
                                         ".bmp"};

// A map, its image and where the refined map goes.
struct Job {
  std::string map;
  std::string image;
  std::string output;
};

// A map in float32, and what its file held.
struct LoadedMap {
  cv::Mat values;  // CV_32FC1.
  bool is_png = false;
  int depth = CV_32F;  // CV_8U, CV_16U, CV_32F or CV_64F.
};

std::string LowerExtension(const fs::path& path) {
  return absl::AsciiStrToLower(path.extension().string());
}

// Files under `folder`, relative to it, sorted.
absl::StatusOr<std::vector<fs::path>> ListFiles(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(absl::StrCat("There is no folder ", folder));
  }
  std::vector<fs::path> files;
  fs::recursive_directory_iterator iterator(folder, error);
  for (; !error && iterator != fs::recursive_directory_iterator();
       iterator.increment(error)) {
    std::error_code ignored;
    if (iterator->is_regular_file(ignored)) {
      files.push_back(iterator->path().lexically_relative(folder));
    }
  }
  if (error) {
    return absl::InternalError(
        absl::StrCat("Cannot list ", folder, ": ", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<Job>> MatchMapsAndImages(
    const RefineMapsOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::vector<fs::path> maps,
                          ListFiles(options.maps_dir));
  VISION_ASSIGN_OR_RETURN(const std::vector<fs::path> image_list,
                          ListFiles(options.images_dir));
  const std::set<fs::path> images(image_list.begin(), image_list.end());
  std::vector<Job> jobs;
  std::set<std::string> outputs;
  for (const fs::path& map : maps) {
    const std::string ending = LowerExtension(map);
    if (ending != ".npy" && ending != ".png") continue;
    Job job;
    job.map = (fs::path(options.maps_dir) / map).string();
    fs::path stem = map;
    stem.replace_extension();
    std::vector<fs::path> found;
    if (images.count(stem) != 0) found.push_back(stem);
    for (const char* image_ending : kImageEndings) {
      for (const std::string& spelled :
           {std::string(image_ending), absl::AsciiStrToUpper(image_ending)}) {
        fs::path candidate = stem;
        candidate += spelled;
        if (images.count(candidate) != 0) found.push_back(candidate);
      }
    }
    if (found.empty()) {
      return absl::NotFoundError(
          absl::StrCat("There is no image for the map ", job.map, ": expected ",
                       (fs::path(options.images_dir) / stem).string(),
                       " with the ending .jpg, .jpeg, .png, .webp or .bmp"));
    }
    if (found.size() > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("There are several images for the map ", job.map, ": ",
                       found[0].string(), " and ", found[1].string(), " in ",
                       options.images_dir));
    }
    job.image = (fs::path(options.images_dir) / found[0]).string();
    fs::path output = map;
    if (options.format == MapFormat::kNpy) output.replace_extension(".npy");
    if (options.format == MapFormat::kPng) output.replace_extension(".png");
    job.output = (fs::path(options.output_dir) / output).string();
    if (!outputs.insert(job.output).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Two maps would be written to ", job.output, ": one is ", job.map));
    }
    jobs.push_back(job);
  }
  if (jobs.empty()) {
    return absl::NotFoundError(
        absl::StrCat("There are no .npy or .png files in ", options.maps_dir));
  }
  return jobs;
}

absl::StatusOr<LoadedMap> LoadMap(const std::string& path, bool normalize) {
  LoadedMap loaded;
  cv::Mat stored;
  loaded.is_png = LowerExtension(path) == ".png";
  if (loaded.is_png) {
    VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    VISION_ASSIGN_OR_RETURN(
        stored, CallOpencv(absl::StrCat("decoding ", path), [&] {
          return cv::imdecode(cv::Mat(1, static_cast<int>(bytes.size()),
                                      CV_8UC1, const_cast<char*>(bytes.data())),
                              cv::IMREAD_UNCHANGED);
        }));
    if (stored.empty()) {
      return absl::DataLossError(
          absl::StrCat(path, " is no PNG file, or damaged"));
    }
    if (stored.channels() != 1 ||
        (stored.depth() != CV_8U && stored.depth() != CV_16U)) {
      return absl::InvalidArgumentError(
          absl::StrCat("The map ", path, " must be grey, of 8 or 16 bit, got ",
                       stored.channels(), " channels"));
    }
  } else {
    VISION_ASSIGN_OR_RETURN(stored, ReadNpy(path));
  }
  loaded.depth = stored.depth();
  const double scale = loaded.depth == CV_8U    ? 1 / 255.0
                       : loaded.depth == CV_16U ? 1 / 65535.0
                                                : 1.0;
  stored.convertTo(loaded.values, CV_32F, scale);
  if (!cv::checkRange(loaded.values)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The map ", path, " has values that are not finite numbers"));
  }
  double low;
  double high;
  cv::minMaxLoc(loaded.values, &low, &high);
  if (normalize) {
    const double stretch = high > low ? 1 / (high - low) : 0.0;
    loaded.values.convertTo(loaded.values, CV_32F, stretch, -low * stretch);
    loaded.values = cv::min(cv::max(loaded.values, 0.0), 1.0);
  } else if (low < 0 || high > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("The values of the map ", path,
                     " must be probabilities, between 0 and "
                     "1, got ",
                     low, " to ", high, "; stretch them by --normalize"));
  }
  return loaded;
}

absl::Status StoreMap(const RefineMapsOptions& options, const LoadedMap& as,
                      const cv::Mat& map, const std::string& path) {
  VISION_RETURN_IF_ERROR(
      CreateDirectories(fs::path(path).parent_path().string()));
  const bool png = options.format == MapFormat::kPng ||
                   (options.format == MapFormat::kSame && as.is_png);
  const int depth = options.format == MapFormat::kSame ? as.depth
                    : png                              ? CV_16U
                                                       : CV_32F;
  cv::Mat stored;
  const double scale = depth == CV_8U ? 255.0 : depth == CV_16U ? 65535.0 : 1.0;
  map.convertTo(stored, depth, scale);
  if (!png) {
    const NpyDtype dtype = depth == CV_8U    ? NpyDtype::kUint8
                           : depth == CV_16U ? NpyDtype::kUint16
                           : depth == CV_64F ? NpyDtype::kFloat64
                                             : NpyDtype::kFloat32;
    return WriteNpy(path, stored, dtype);
  }
  std::vector<uint8_t> bytes;
  VISION_RETURN_IF_ERROR(StatusFromOpencv(absl::StrCat("encoding ", path), [&] {
    cv::imencode(".png", stored, bytes);
  }));
  return WriteFileAtomically(
      path, absl::string_view(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size()));
}

// What a thread keeps from map to map.
struct Worker {
  std::unique_ptr<MeanField> crf;
  std::vector<float> rgb, probabilities, refined;
};

absl::Status RefineMap(const RefineMapsOptions& options, const Job& job,
                       Worker& worker) {
  VISION_ASSIGN_OR_RETURN(LoadedMap map, LoadMap(job.map, options.normalize));
  VISION_ASSIGN_OR_RETURN(cv::Mat image, ReadRgb(job.image));
  if (map.values.size() != image.size()) {
    switch (options.size_policy) {
      case MapSizePolicy::kError:
        return absl::InvalidArgumentError(
            absl::StrCat("The map ", job.map, " is ", map.values.rows, " x ",
                         map.values.cols, ", expected ", image.rows, " x ",
                         image.cols, " as the image ", job.image,
                         "; --size_policy says what to do about it"));
      case MapSizePolicy::kResizeMap: {
        VISION_ASSIGN_OR_RETURN(
            map.values, ResizeMapBilinear(map.values, image.cols, image.rows));
        break;
      }
      case MapSizePolicy::kResizeImage: {
        VISION_ASSIGN_OR_RETURN(
            image, ResizeAntialiased(image, map.values.cols, map.values.rows));
        break;
      }
    }
  }
  const int height = image.rows;
  const int width = image.cols;
  const size_t size = static_cast<size_t>(height) * width;
  worker.rgb.resize(3 * size);
  worker.probabilities.resize(2 * size);
  worker.refined.resize(2 * size);
  size_t i = 0;
  for (int y = 0; y < height; ++y) {
    const uint8_t* row = image.ptr<uint8_t>(y);
    const float* map_row = map.values.ptr<float>(y);
    for (int x = 0; x < width; ++x, ++i) {
      for (size_t c = 0; c < 3; ++c) {
        worker.rgb[c * size + i] = row[3 * static_cast<size_t>(x) + c];
      }
      worker.probabilities[i] = 1 - map_row[x];
      worker.probabilities[size + i] = map_row[x];
    }
  }
  if (worker.crf == nullptr) {
    MeanFieldOptions crf_options = options.mean_field;
    crf_options.num_threads = 1;
    VISION_ASSIGN_OR_RETURN(
        worker.crf,
        MeanField::Create(worker.rgb.data(), height, width, crf_options));
  } else {
    VISION_RETURN_IF_ERROR(
        worker.crf->SetImage(worker.rgb.data(), height, width));
  }
  const std::vector<float> unary = UnaryFromProbabilities(worker.probabilities);
  VISION_RETURN_IF_ERROR(
      worker.crf->Run(unary.data(), /*labels=*/2, worker.refined.data())
          .status());
  const cv::Mat refined(height, width, CV_32FC1, worker.refined.data() + size);
  return StoreMap(options, map, refined, job.output);
}

}  // namespace

absl::StatusOr<MapSizePolicy> ParseMapSizePolicy(absl::string_view name) {
  if (name == "error") return MapSizePolicy::kError;
  if (name == "resize_map") return MapSizePolicy::kResizeMap;
  if (name == "resize_image") return MapSizePolicy::kResizeImage;
  return absl::InvalidArgumentError(absl::StrCat(
      "Size policy must be error, resize_map or resize_image, got \"", name,
      "\""));
}

absl::StatusOr<MapFormat> ParseMapFormat(absl::string_view name) {
  if (name == "same") return MapFormat::kSame;
  if (name == "npy") return MapFormat::kNpy;
  if (name == "png") return MapFormat::kPng;
  return absl::InvalidArgumentError(
      absl::StrCat("Map format must be same, npy or png, got \"", name, "\""));
}

absl::Status RefineMapsOptions::Validate() const {
  VISION_RETURN_IF_ERROR(mean_field.Validate());
  if (maps_dir.empty() || images_dir.empty() || output_dir.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "The folders of maps, images and results must be given, "
        "got \"",
        maps_dir, "\", \"", images_dir, "\" and \"", output_dir, "\""));
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads must be at least 1, got ", num_threads));
  }
  std::error_code ignored;
  if (fs::equivalent(maps_dir, output_dir, ignored)) {
    return absl::InvalidArgumentError(
        absl::StrCat("Maps and results must be in different folders, got ",
                     output_dir, " for both"));
  }
  return absl::OkStatus();
}

absl::StatusOr<RefineMapsReport> RefineMaps(const RefineMapsOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const std::vector<Job> all,
                          MatchMapsAndImages(options));
  RefineMapsReport report;
  std::vector<Job> jobs;
  for (const Job& job : all) {
    if (!options.overwrite && FileExists(job.output)) {
      ++report.skipped;
    } else {
      jobs.push_back(job);
    }
  }
  ProgressOptions progress_options;
  progress_options.stream = options.progress_stream;
  Progress progress("refining maps", static_cast<int64_t>(jobs.size()),
                    progress_options);
  std::atomic<size_t> next{0};
  std::mutex mutex;
  absl::Status first_error;
  ParallelFor(options.num_threads, options.num_threads, [&](int64_t) {
    Worker worker;
    for (size_t j = next.fetch_add(1); j < jobs.size(); j = next.fetch_add(1)) {
      const absl::Status status = RefineMap(options, jobs[j], worker);
      std::lock_guard<std::mutex> lock(mutex);
      if (!status.ok()) {
        next.store(jobs.size());
        if (first_error.ok()) first_error = status;
        return;
      }
      ++report.refined;
      progress.Advance();
    }
  });
  VISION_RETURN_IF_ERROR(first_error);
  progress.Finish();
  return report;
}

}  // namespace vision
