#include "wsol/datasets/coco_export.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "opencv2/core.hpp"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/image_header.h"
#include "wsol/datasets/coco_json.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/datasets/image_size.h"

namespace wsol {
namespace {

// What an image contributes; ids are put in when all are known.
struct Part {
  absl::Status status;
  int width = 0;
  int height = 0;
  // Each annotation from "bbox" on.
  std::vector<std::string> annotations;
  int64_t boxes_clipped = 0;
  int64_t empty_masks = 0;
};

void AddBoxes(const ImageRecord& image, Part* part) {
  for (const vision::Box& box : image.boxes) {
    vision::Box inside = box;
    inside.x1 = std::min(box.x1, part->width);
    inside.y1 = std::min(box.y1, part->height);
    if (inside != box) ++part->boxes_clipped;
    part->annotations.push_back(CocoBox(inside, inside.Area(), false));
  }
}

void AddPixels(const cv::Mat& pixels, bool crowd, Part* part) {
  vision::Box box;
  box.x0 = pixels.cols;
  box.y0 = pixels.rows;
  int64_t area = 0;
  for (int y = 0; y < pixels.rows; ++y) {
    const uint8_t* const row = pixels.ptr<uint8_t>(y);
    for (int x = 0; x < pixels.cols; ++x) {
      if (row[x] == 0) continue;
      ++area;
      box.x0 = std::min(box.x0, x);
      box.y0 = std::min(box.y0, y);
      box.x1 = std::max(box.x1, x + 1);
      box.y1 = std::max(box.y1, y + 1);
    }
  }
  if (area == 0) {
    ++part->empty_masks;
    return;
  }
  part->annotations.push_back(
      absl::StrCat(CocoBox(box, area, crowd), ", ", CocoSegmentation(pixels)));
}

absl::Status AddMasks(const Dataset& dataset, int64_t i, Part* part) {
  const ImageRecord& image = dataset.record(i);
  const auto check = [&](const cv::Mat& pixels) {
    if (pixels.cols == part->width && pixels.rows == part->height) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "a mask is ", pixels.cols, "x", pixels.rows, " pixels, expected ",
        part->width, "x", part->height, " as the image"));
  };
  for (const std::string& path : image.mask_paths) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat mask, dataset.LoadMaskFile(i, path));
    VISION_RETURN_IF_ERROR(check(mask));
    AddPixels(mask, false, part);
  }
  if (!image.ignore_path.empty()) {
    // Foreground comes first, as in the protocol.
    VISION_ASSIGN_OR_RETURN(const cv::Mat labels, dataset.LoadMask(i));
    VISION_RETURN_IF_ERROR(check(labels));
    Part ignored;
    AddPixels(labels == 255, true, &ignored);
    std::move(ignored.annotations.begin(), ignored.annotations.end(),
              std::back_inserter(part->annotations));
  }
  return absl::OkStatus();
}

absl::Status FillPart(const Dataset& dataset, int64_t i, bool has_images,
                      bool masks, Part* part) {
  const ImageRecord& image = dataset.record(i);
  part->width = image.width;
  part->height = image.height;
  if (image.width == 0) {
    if (!has_images) {
      return absl::InvalidArgumentError(
          "its size is not known: image_sizes.txt does not tell it, and "
          "there is no folder of images to look into");
    }
    VISION_ASSIGN_OR_RETURN(const vision::ImageHeader header,
                            ReadImageHeader(dataset.ImagePath(i)));
    part->width = header.width;
    part->height = header.height;
  }
  AddBoxes(image, part);
  if (image.mask_paths.empty()) return absl::OkStatus();
  if (!masks) {
    return absl::InvalidArgumentError(
        "it has masks, and there is no folder of masks to look into");
  }
  return AddMasks(dataset, i, part);
}

}  // namespace

absl::StatusOr<CocoFile> ExportCoco(const Dataset& dataset,
                                    const CocoExportOptions& options) {
  const size_t count = static_cast<size_t>(dataset.size());
  std::vector<Part> parts(count);
  std::atomic<bool> stopped{false};
  std::mutex mutex;  // For on_image.
  if (options.on_begin) options.on_begin(dataset.size());
  vision::ParallelFor(dataset.size(), options.num_threads, [&](int64_t i) {
    if (!stopped && options.should_stop && options.should_stop()) {
      stopped = true;
    }
    if (stopped) return;
    Part& part = parts[static_cast<size_t>(i)];
    part.status =
        FillPart(dataset, i, dataset.has_images(), options.masks, &part);
    const std::lock_guard<std::mutex> lock(mutex);
    if (options.on_image) options.on_image();
  });
  if (stopped) return absl::CancelledError("the conversion was stopped");

  FileProblems problems("convert");
  CocoFile file;
  CocoJson coco;
  for (const std::string& class_name : dataset.class_names()) {
    const absl::Status status = coco.AddCategory(class_name);
    if (!status.ok()) {
      problems.AddMessage(absl::StrCat("class ", QuoteForMessage(class_name),
                                       ": ", status.message()));
    }
  }
  for (size_t i = 0; i < count; ++i) {
    Part& part = parts[i];
    const ImageRecord& image = dataset.record(static_cast<int64_t>(i));
    const absl::StatusOr<int64_t> id =
        part.status.ok() ? coco.AddImage(image.id, part.width, part.height)
                         : part.status;
    if (!id.ok()) {
      problems.AddMessage(absl::StrCat("image id ", QuoteForMessage(image.id),
                                       ": ", id.status().message()));
      continue;
    }
    for (const std::string& members : part.annotations) {
      coco.AddAnnotation(*id, image.label + 1, members);
    }
    file.boxes_clipped += part.boxes_clipped;
    file.empty_masks += part.empty_masks;
    part = Part();
  }
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  file.images = coco.num_images();
  file.annotations = coco.num_annotations();
  file.json = coco.ToString();
  return file;
}

}  // namespace wsol
