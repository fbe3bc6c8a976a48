// A split with the files it refers to: whether all are there and fit.
//
//   wsol::SplitCheckOptions options;
//   options.image_root = "images/CUB";
//   VISION_ASSIGN_OR_RETURN(const wsol::SplitCheck check,
//                           wsol::CheckSplit("metadata/CUB/test", options));

#ifndef WSOL_DATASETS_SPLIT_CHECK_H_
#define WSOL_DATASETS_SPLIT_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct SplitCheckOptions {
  // Folder of the images; empty: they are not looked at.
  std::string image_root;
  // Folder of the masks; empty: image_root, and if that is empty too they are
  // not looked at.
  std::string mask_root;
  // Decode each image, which finds damaged ones, instead of reading its header
  // only. Masks are always decoded.
  bool decode = false;
  // As DatasetOptions::num_classes.
  int num_classes = 0;
  int num_threads = 1;
  // Asked before each image, from any of the threads; true stops the work with
  // kCancelled.
  std::function<bool()> should_stop;
  // Called once with the number of images to look at, unless there are none,
  // and then after each of them, by one thread at a time.
  std::function<void(int64_t total)> on_begin;
  std::function<void()> on_image;
};

struct SplitCheck {
  SplitMetadata metadata;
  std::vector<std::string> class_names;
  int64_t boxes = 0;
  int64_t masks = 0;
  int64_t images_checked = 0;
  int64_t masks_checked = 0;
  // What is legal, but seldom meant.
  int64_t classes_without_images = 0;
  // Boxes that end one past the last pixel, as the published files have some.
  int64_t boxes_past_the_image = 0;
  // Images of whose masks no pixel is foreground.
  int64_t empty_masks = 0;
};

// Reads the metadata, then each file that it refers to: that it is there, is an
// image, of the size told by image_sizes.txt, and the masks of an image of its
// size and of one size. Errors: those of Dataset::Open, and kInvalidArgument
// with the first 20 problems, by id, in the order of the split.
absl::StatusOr<SplitCheck> CheckSplit(const std::string& metadata_dir,
                                      const SplitCheckOptions& options);

// kInvalidArgument naming the first 20 ids that are in two splits of one data
// set: images that are both trained on and evaluated. `folders` are those of
// the splits; a data set is a folder that holds some of them.
absl::Status CheckSplitsAreDisjoint(const std::vector<std::string>& folders,
                                    const std::vector<SplitCheck>& splits);

// The folders of splits that `folder` stands for: itself if it holds
// image_ids.txt, or else those of its own folders that do, in alphabetical
// order. kNotFound if there are none.
absl::StatusOr<std::vector<std::string>> FindSplits(const std::string& folder);

}  // namespace wsol

#endif  // WSOL_DATASETS_SPLIT_CHECK_H_
