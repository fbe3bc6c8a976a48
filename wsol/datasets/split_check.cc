#include "wsol/datasets/split_check.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/image_header.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/datasets/image_size.h"

namespace wsol {
namespace {

absl::Status SizeError(const ImageRecord& image, absl::string_view what,
                       int width, int height, absl::string_view expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " is ", width, "x", height, " pixels, expected ",
                   image.width, "x", image.height, " as ", expected));
}

// What is wrong with an image's file; tells its size where metadata do not.
absl::Status CheckImage(const Dataset& dataset, int64_t i, bool decode,
                        int* width, int* height) {
  const ImageRecord& image = dataset.record(i);
  if (decode) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat rgb, dataset.LoadImage(i));
    *width = rgb.cols;
    *height = rgb.rows;
  } else {
    VISION_ASSIGN_OR_RETURN(const vision::ImageHeader header,
                            ReadImageHeader(dataset.ImagePath(i)));
    *width = header.width;
    *height = header.height;
  }
  if (image.width > 0 && (*width != image.width || *height != image.height)) {
    return SizeError(image, "the image", *width, *height, "in image_sizes.txt");
  }
  return absl::OkStatus();
}

// The foreground pixels of an image's masks.
absl::StatusOr<int64_t> CheckMasks(const Dataset& dataset, int64_t i, int width,
                                   int height) {
  VISION_ASSIGN_OR_RETURN(const cv::Mat mask, dataset.LoadMask(i));
  if (width > 0 && (mask.cols != width || mask.rows != height)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the mask '", dataset.record(i).mask_paths[0], "' is ", mask.cols, "x",
        mask.rows, " pixels, expected ", width, "x", height, " as the image"));
  }
  return cv::countNonZero(mask == 1);
}

std::string ParentFolder(const std::string& folder) {
  std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.parent_path().string();
}

}  // namespace

absl::StatusOr<SplitCheck> CheckSplit(const std::string& metadata_dir,
                                      const SplitCheckOptions& options) {
  DatasetOptions dataset_options;
  dataset_options.mask_root = options.mask_root;
  dataset_options.num_classes = options.num_classes;
  VISION_ASSIGN_OR_RETURN(
      Dataset dataset,
      Dataset::Open(metadata_dir, options.image_root, dataset_options));
  SplitCheck check;
  check.class_names = dataset.class_names();
  std::vector<bool> has_images(static_cast<size_t>(dataset.num_classes()));
  bool any_mask = false;
  for (const ImageRecord& image : dataset.metadata().images) {
    has_images[static_cast<size_t>(image.label)] = true;
    any_mask |= !image.mask_paths.empty();
    check.boxes += static_cast<int64_t>(image.boxes.size());
    check.masks += static_cast<int64_t>(image.mask_paths.size());
    if (image.width == 0) continue;
    for (const vision::Box& box : image.boxes) {
      if (box.x1 > image.width || box.y1 > image.height) {
        ++check.boxes_past_the_image;
      }
    }
  }
  check.classes_without_images =
      std::count(has_images.begin(), has_images.end(), false);

  const bool images = !options.image_root.empty();
  const bool masks =
      any_mask && !(options.image_root.empty() && options.mask_root.empty());
  if (images || masks) {
    if (options.on_begin) options.on_begin(dataset.size());
    std::vector<absl::Status> statuses(static_cast<size_t>(dataset.size()));
    std::atomic<bool> stopped{false};
    std::mutex mutex;  // Guards on_image and what is counted.
    vision::ParallelFor(dataset.size(), options.num_threads, [&](int64_t i) {
      if (!stopped && options.should_stop && options.should_stop()) {
        stopped = true;
      }
      if (stopped) return;
      const ImageRecord& image = dataset.record(i);
      absl::Status& status = statuses[static_cast<size_t>(i)];
      int width = image.width;
      int height = image.height;
      if (images) {
        status = CheckImage(dataset, i, options.decode, &width, &height);
      }
      absl::StatusOr<int64_t> foreground = -1;
      if (status.ok() && masks) {
        foreground = CheckMasks(dataset, i, width, height);
        status = foreground.status();
      }
      const std::lock_guard<std::mutex> lock(mutex);
      if (images) ++check.images_checked;
      if (masks) {
        check.masks_checked += static_cast<int64_t>(image.mask_paths.size());
      }
      if (foreground.ok() && *foreground == 0) ++check.empty_masks;
      if (options.on_image) options.on_image();
    });
    if (stopped) return absl::CancelledError("the check was stopped");
    FileProblems problems(metadata_dir);
    for (size_t i = 0; i < statuses.size(); ++i) {
      if (statuses[i].ok()) continue;
      const std::string& id = dataset.record(static_cast<int64_t>(i)).id;
      std::string text(statuses[i].message());
      // LoadImage and LoadMask name it themselves.
      if (text.find(absl::StrCat("'", id, "'")) == std::string::npos) {
        text = absl::StrCat("image id '", id, "': ", text);
      }
      problems.Add(0, text);
    }
    VISION_RETURN_IF_ERROR(problems.ToStatus());
  }
  check.metadata = std::move(dataset).ReleaseMetadata();
  return check;
}

absl::Status CheckSplitsAreDisjoint(const std::vector<std::string>& folders,
                                    const std::vector<SplitCheck>& splits) {
  absl::flat_hash_map<absl::string_view, size_t> split_of;
  FileProblems problems("splits");
  for (size_t k = 0; k < splits.size(); ++k) {
    for (const ImageRecord& image : splits[k].metadata.images) {
      const auto [place, is_new] = split_of.emplace(image.id, k);
      if (is_new || place->second == k ||
          ParentFolder(folders[place->second]) != ParentFolder(folders[k])) {
        continue;
      }
      problems.AddMessage(absl::StrCat("image id '", image.id, "' is in ",
                                       folders[place->second], " and in ",
                                       folders[k]));
    }
  }
  return problems.ToStatus();
}

absl::StatusOr<std::vector<std::string>> FindSplits(const std::string& folder) {
  namespace fs = std::filesystem;
  const auto is_split = [](const std::string& path) {
    return vision::FileExists(vision::JoinPath(path, "image_ids.txt"));
  };
  if (is_split(folder)) return std::vector<std::string>{folder};
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat("cannot list the folder '", folder,
                                            "': ", error.message()));
  }
  std::vector<std::string> splits;
  for (const fs::directory_entry& entry : entries) {
    if (is_split(entry.path().string()))
      splits.push_back(entry.path().string());
  }
  std::sort(splits.begin(), splits.end());
  if (splits.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no image_ids.txt in '",
                                            folder, "' or a folder in it"));
  }
  return splits;
}

}  // namespace wsol
