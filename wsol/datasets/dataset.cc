#include "wsol/datasets/dataset.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/class_names.h"
#include "wsol/datasets/split_subset.h"

namespace wsol {

absl::StatusOr<Dataset> Dataset::Open(const std::string& metadata_dir,
                                      const std::string& image_root,
                                      const DatasetOptions& options) {
  std::error_code error;
  if (!image_root.empty() &&
      !std::filesystem::is_directory(image_root, error)) {
    return absl::NotFoundError(
        absl::StrCat("the images' folder '", image_root, "' does not exist"));
  }
  Dataset dataset;
  dataset.image_root_ = image_root;
  dataset.mask_root_ =
      options.mask_root.empty() ? image_root : options.mask_root;
  VISION_ASSIGN_OR_RETURN(dataset.class_names_, ReadClassNames(metadata_dir));
  MetadataOptions metadata_options;
  metadata_options.proxy = options.proxy;
  metadata_options.num_classes = options.num_classes;
  if (!dataset.class_names_.empty()) {
    const int named = static_cast<int>(dataset.class_names_.size());
    if (options.num_classes != 0 && options.num_classes != named) {
      return absl::InvalidArgumentError(absl::StrCat(
          "num_classes is ", options.num_classes, ", but ", kClassNamesFile,
          " of '", metadata_dir, "' names ", named, " classes"));
    }
    metadata_options.num_classes = named;
  }
  VISION_ASSIGN_OR_RETURN(dataset.metadata_,
                          ReadSplitMetadata(metadata_dir, metadata_options));
  if (options.images_per_class > 0) {
    SubsetOptions subset;
    subset.per_class = options.images_per_class;
    subset.allow_fewer = true;
    subset.seed = options.subset_seed;
    VISION_ASSIGN_OR_RETURN(dataset.metadata_,
                            SelectSubset(dataset.metadata_, subset));
  }
  if (dataset.class_names_.empty()) {
    dataset.class_names_ = ClassNamesFromFolders(dataset.metadata_);
  }
  return dataset;
}

std::string Dataset::ImagePath(int64_t i) const {
  return vision::JoinPath(image_root_, record(i).id);
}

absl::StatusOr<cv::Mat> Dataset::LoadImage(int64_t i) const {
  if (image_root_.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("image id '", record(i).id,
                     "': the split was opened without a folder of images"));
  }
  absl::StatusOr<cv::Mat> image = vision::ReadRgb(ImagePath(i));
  if (!image.ok()) {
    return vision::Annotate(image.status(),
                            absl::StrCat("image id '", record(i).id, "'"));
  }
  return image;
}

absl::StatusOr<cv::Mat> Dataset::LoadMaskFile(int64_t i,
                                              const std::string& path) const {
  absl::StatusOr<cv::Mat> gray =
      vision::ReadGray(vision::JoinPath(mask_root_, path));
  if (!gray.ok()) {
    return vision::Annotate(
        gray.status(), absl::StrCat("a mask of image id '", record(i).id, "'"));
  }
  return gray;
}

absl::StatusOr<cv::Mat> Dataset::LoadMask(int64_t i) const {
  const ImageRecord& image = record(i);
  if (image.mask_paths.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("image id '", image.id, "' has no masks"));
  }
  cv::Mat mask;
  // Reads one file and checks that it is as large as those before it.
  const auto read = [&](const std::string& path) -> absl::StatusOr<cv::Mat> {
    VISION_ASSIGN_OR_RETURN(cv::Mat gray, LoadMaskFile(i, path));
    if (!mask.empty() && gray.size() != mask.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("mask '", path, "' of image id '", image.id, "' is ",
                       gray.cols, "x", gray.rows, " pixels, expected ",
                       mask.cols, "x", mask.rows, " as its other masks"));
    }
    return gray;
  };
  for (const std::string& path : image.mask_paths) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat instance, read(path));
    if (mask.empty()) mask = cv::Mat::zeros(instance.size(), CV_8UC1);
    mask.setTo(1, instance != 0);
  }
  if (!image.ignore_path.empty()) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat ignore, read(image.ignore_path));
    mask.setTo(255, (ignore != 0) & (mask == 0));
  }
  return mask;
}

}  // namespace wsol
