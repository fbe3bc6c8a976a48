// One split of a data set in the wsol-done-right format: image ids, labels,
// sizes, boxes or masks.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::SplitMetadata test,
//                           wsol::ReadSplitMetadata("metadata/CUB/test"));
//   const wsol::ImageRecord& first = test.images[0];
//
// A split folder holds plain text files, one record a line, fields separated by
// a comma, no header (Choe et al., "Evaluating Weakly Supervised Object
// Localization Methods Right", CVPR 2020):
//   image_ids.txt     <id>                            order and membership
//   class_labels.txt  <id>,<label>                    from 0
//   image_sizes.txt   <id>,<width>,<height>           may be empty or missing
//   localization.txt  <id>,<x0>,<y0>,<x1>,<y1>        several rows per id, or
//                     <id>,<mask png>,<ignore png>    ignore on an id's first
//                                                     row only, empty after it;
//                                                     may be empty or missing
//   image_ids_proxy.txt  <id>                         optional subset
//
// Boxes on disk have inclusive ends: the protocol's IoU takes x1 - x0 + 1 as
// the width. Here, and nowhere else, they become half-open vision::Box and
// back; the conversion is a shift by one, so it is exactly invertible and the
// protocol's int(coordinate * 224 / size) sees the numbers of the file.

#ifndef WSOL_DATASETS_METADATA_H_
#define WSOL_DATASETS_METADATA_H_

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/geometry/box.h"

namespace wsol {

// What is known of one image.
struct ImageRecord {
  // Path of the image relative to the data set's root; no comma in it.
  std::string id;
  int label = 0;
  // Pixels; both 0 if the split does not tell.
  int width = 0;
  int height = 0;
  // Half-open, in pixels of the original image. x1 may be width + 1 and y1
  // height + 1: published rows reach x1 = width, one past the last column.
  std::vector<vision::Box> boxes;
  // One mask image per instance, and the image of pixels to ignore (empty if
  // there is none); relative to the root of the masks.
  std::vector<std::string> mask_paths;
  std::string ignore_path;
};

struct SplitMetadata {
  // In the order of image_ids.txt.
  std::vector<ImageRecord> images;
  int num_classes = 0;
};

struct MetadataOptions {
  // Labels must lie in [0, num_classes). 0 takes the largest label + 1.
  int num_classes = 0;
  // Reads only the images that image_ids_proxy.txt lists, in its order.
  bool proxy = false;
  // A split without images is an error unless this is set.
  bool allow_empty = false;
};

// Reads the files of one split folder; no image is needed. Windows line ends, a
// UTF-8 byte order mark and blank last lines are accepted. Every other
// irregularity is an error: kNotFound if image_ids.txt or class_labels.txt is
// missing, kInvalidArgument for everything in their contents, with "file:line:
// " before each problem; the first 20 problems of each file are listed and the
// others counted. A localization.txt that is not empty must have a row for each
// image. 1.28 million images of one box take about a second and 300 MB
// (docs/benchmarks.md).
absl::StatusOr<SplitMetadata> ReadSplitMetadata(
    const std::string& split_dir, const MetadataOptions& options = {});

// The contents of a split's files; those that are not there are nullopt.
struct SplitText {
  std::optional<std::string> image_ids;
  std::optional<std::string> class_labels;
  std::optional<std::string> image_sizes;
  std::optional<std::string> localization;
  std::optional<std::string> image_ids_proxy;
};

// ReadSplitMetadata of files in memory, whose names in messages are those
// above.
absl::StatusOr<SplitMetadata> ParseSplitMetadata(
    const SplitText& text, const MetadataOptions& options = {});

// What ReadSplitMetadata would refuse in the files of `metadata`: the first 20
// problems, each after `name` and the image. Images have either boxes or masks,
// not both.
absl::Status CheckSplitMetadata(const std::string& name,
                                const SplitMetadata& metadata);

// Empty if a file of a split can hold this id or path, or else what keeps it
// from that: "has a comma in it".
std::string CheckImageId(absl::string_view id);

// Writes the four files into `split_dir`, which is created if need be; each
// file replaces an old one atomically. Errors are those of CheckSplitMetadata
// and of writing.
absl::Status WriteSplitMetadata(const std::string& split_dir,
                                const SplitMetadata& metadata);

// The corners {x0, y0, x1, y1} with inclusive ends that stand in
// localization.txt for a half-open box, and the other way round: {x0, y0, x1 +
// 1, y1 + 1}.
std::array<int, 4> BoxToFileCorners(const vision::Box& box);
vision::Box BoxFromFileCorners(const std::array<int, 4>& corners);

}  // namespace wsol

#endif  // WSOL_DATASETS_METADATA_H_
