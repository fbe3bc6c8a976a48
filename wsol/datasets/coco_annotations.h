// Boxes as COCO has them: one JSON file for a split.
//
//   wsol::CocoOptions options;
//   options.path = "annotations/instances_val2017.json";
//   VISION_ASSIGN_OR_RETURN(wsol::Annotations annotations,
//                           wsol::ReadCocoAnnotations(options));
//
// Used are, and nothing else:
//   images       id, file_name, width, height
//   categories   id, name
//   annotations  id, image_id, category_id, bbox, iscrowd
// A bbox [x, y, width, height] covers [x, x + width) x [y, y + height), with
// fractions; the smallest box of whole pixels around it is taken.

#ifndef WSOL_DATASETS_COCO_ANNOTATIONS_H_
#define WSOL_DATASETS_COCO_ANNOTATIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/annotations.h"

namespace wsol {

struct CocoOptions {
  std::string path;
  // File of class names, in the order of labels; annotations of a category that
  // is not in it are an error. Empty: all categories of the file, in the order
  // of their ids, whether an image shows them or not.
  std::string class_names;
  // Put before each file_name to make an id: "val2017/".
  std::string id_prefix;
};

// Reads the file; images come in its order. kNotFound, kInvalidArgument with
// the place of a syntax error or the first 20 other problems. The
// file is parsed entry by entry: memory is that of its text and the boxes.
absl::StatusOr<Annotations> ReadCocoAnnotations(const CocoOptions& options);

// The same of a file in memory; options.path stands for it in messages.
absl::StatusOr<Annotations> ParseCocoAnnotations(absl::string_view text,
                                                 const CocoOptions& options);

}  // namespace wsol

#endif  // WSOL_DATASETS_COCO_ANNOTATIONS_H_
