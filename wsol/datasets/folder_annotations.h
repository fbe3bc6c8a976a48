// Images in one folder a class, with boxes in a CSV file or without boxes.
//
//   wsol::FolderOptions options;
//   options.image_root = "flowers/train";     // flowers/train/<class>/<image>
//   options.boxes = "flowers/train.csv";
//   VISION_ASSIGN_OR_RETURN(wsol::Annotations annotations,
//                           wsol::ReadFolderAnnotations(options));

#ifndef WSOL_DATASETS_FOLDER_ANNOTATIONS_H_
#define WSOL_DATASETS_FOLDER_ANNOTATIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/annotations.h"

namespace wsol {

// What the larger numbers of a box mean.
enum class BoxEnds {
  kInclusive,  // The last pixel, as in localization.txt.
  kExclusive,  // The first pixel behind it.
};
// "inclusive", "exclusive".
absl::StatusOr<BoxEnds> ParseBoxEnds(absl::string_view name);

struct FolderOptions {
  // Each folder in it is a class. Images in folders below a class's belong to
  // it. Files that do not have an image's name are passed over and counted.
  std::string image_root;
  // CSV file of boxes, a row a box; empty: none. Without a header its columns
  // are the image's path below image_root, x0, y0, x1 and y1. A header may name
  // them in another order, or further ones, which are not looked at:
  //   id, image, file, filename, path   the image
  //   x0, y0, x1, y1                    or xmin, ymin, xmax, ymax, or
  //   x, y, width, height               or x, y, w, h: x + width is the first
  //                                     column behind the box
  // Fractions are rounded to whole pixels.
  std::string boxes;
  BoxEnds box_ends = BoxEnds::kInclusive;
  // What the first pixel is called in the CSV file: 0 or 1.
  int origin = 0;
  // File of class names, which are those of folders, in the order of labels; a
  // folder that is not in it is an error. Empty: the folders in alphabetical
  // order.
  std::string class_names;
  // Put before each path to make an id.
  std::string id_prefix;
  int num_threads = 1;
};

// Reads the folders, the headers of all images for their sizes, and the boxes.
// Images come in the alphabetical order of their paths. kNotFound;
// kInvalidArgument with the first 20 problems.
absl::StatusOr<Annotations> ReadFolderAnnotations(const FolderOptions& options);

// Adds the boxes of `text`, a CSV file as above, to the images whose ids
// (without options.id_prefix) it names; options.boxes stands for it in
// messages.
absl::Status AddCsvBoxes(absl::string_view text, const FolderOptions& options,
                         Annotations* annotations);

}  // namespace wsol

#endif  // WSOL_DATASETS_FOLDER_ANNOTATIONS_H_
