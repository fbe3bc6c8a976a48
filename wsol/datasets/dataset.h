// The images of one split, read from disk when asked for.
//
//   VISION_ASSIGN_OR_RETURN(
//       const wsol::Dataset test,
//       wsol::Dataset::Open("metadata/CUB/test", "images/CUB"));
//   VISION_ASSIGN_OR_RETURN(const cv::Mat rgb, test.LoadImage(0));

#ifndef WSOL_DATASETS_DATASET_H_
#define WSOL_DATASETS_DATASET_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core/mat.hpp"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct DatasetOptions {
  // Folder that mask and ignore paths start from; empty: the images' folder.
  std::string mask_root;
  // Number of classes; 0: as many as class_names.txt has lines, or else the
  // largest label + 1.
  int num_classes = 0;
  // Takes the subset of image_ids_proxy.txt.
  bool proxy = false;
  // Takes so many images of each class, drawn by `subset_seed`
  // (split_subset.h), or all of a class that has fewer; 0: all of them.
  int images_per_class = 0;
  uint64_t subset_seed = 0;
};

// Metadata and the folders it refers to. Immutable, so it may be used from
// several threads.
class Dataset {
 public:
  // Reads the split of `metadata_dir` (the folder with image_ids.txt), whose
  // ids are paths below `image_root`; an empty `image_root` is for work that
  // needs no images. Names of classes are those of class_names.txt (see
  // class_names.h), or else of the images' folders. Errors: those of
  // ReadSplitMetadata and ReadClassNames; kNotFound if `image_root` is no
  // folder.
  static absl::StatusOr<Dataset> Open(const std::string& metadata_dir,
                                      const std::string& image_root,
                                      const DatasetOptions& options = {});

  int64_t size() const { return static_cast<int64_t>(metadata_.images.size()); }
  int num_classes() const { return metadata_.num_classes; }
  // Index i must be in [0, size()), here and below.
  const ImageRecord& record(int64_t i) const {
    return metadata_.images[static_cast<size_t>(i)];
  }
  const SplitMetadata& metadata() const { return metadata_; }
  // The metadata without a copy, as the last thing that is asked for.
  SplitMetadata ReleaseMetadata() && { return std::move(metadata_); }
  // One for each class; "class 7" where nothing names it.
  const std::vector<std::string>& class_names() const { return class_names_; }
  // Whether it was opened with a folder of images.
  bool has_images() const { return !image_root_.empty(); }
  std::string ImagePath(int64_t i) const;

  // The image, CV_8UC3 in RGB order, at its original size. Errors name the id;
  // kFailedPrecondition without an image root.
  absl::StatusOr<cv::Mat> LoadImage(int64_t i) const;

  // CV_8UC1 at the masks' own size: 1 where any instance's mask is not 0, else
  // 255 where the ignore image is not 0, else 0. Files may be of any kind that
  // DecodeGray reads: 1 to 16 bit grey, palette, RGB, with or without alpha;
  // colours count by their luma, as in the protocol. kFailedPrecondition if the
  // image has no masks; kInvalidArgument if they differ in size.
  absl::StatusOr<cv::Mat> LoadMask(int64_t i) const;

  // One of the mask or ignore files of image i as it is, CV_8UC1, by its path
  // in the metadata. Errors name the id.
  absl::StatusOr<cv::Mat> LoadMaskFile(int64_t i,
                                       const std::string& path) const;

 private:
  Dataset() = default;

  SplitMetadata metadata_;
  std::string image_root_;
  std::string mask_root_;
  std::vector<std::string> class_names_;
};

}  // namespace wsol

#endif  // WSOL_DATASETS_DATASET_H_
