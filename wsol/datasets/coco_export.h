// A split as a COCO JSON file, for the many tools that read one.
//
// Labels become category ids from 1, images are numbered from 1 in their order,
// boxes are [x, y, width, height] in whole pixels: reading the file again
// (coco_annotations.h) gives the same boxes. A mask becomes an annotation with
// its tight box and its pixels as uncompressed run lengths; the ignored pixels
// of an image become one with "iscrowd": 1, COCO's own way to say so.

#ifndef WSOL_DATASETS_COCO_EXPORT_H_
#define WSOL_DATASETS_COCO_EXPORT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "wsol/datasets/dataset.h"

namespace wsol {

struct CocoExportOptions {
  // Whether the dataset's folder of masks is there; otherwise a split with
  // masks is an error.
  bool masks = false;
  int num_threads = 1;
  // As in SplitCheckOptions.
  std::function<bool()> should_stop;
  std::function<void(int64_t total)> on_begin;
  std::function<void()> on_image;
};

struct CocoFile {
  std::string json;  // One image or annotation a line.
  int64_t images = 0;
  int64_t annotations = 0;
  // Boxes that ended one past the last pixel, and were cut.
  int64_t boxes_clipped = 0;
  // Masks and ignored regions without a pixel, which have no annotation.
  int64_t empty_masks = 0;
};

// Images whose size the metadata do not tell are looked at for it, if the
// dataset has an image root. kInvalidArgument with the first 20 problems:
// images of unknown size, masks that are no image or of another size, texts
// that are not UTF-8.
absl::StatusOr<CocoFile> ExportCoco(const Dataset& dataset,
                                    const CocoExportOptions& options);

}  // namespace wsol

#endif  // WSOL_DATASETS_COCO_EXPORT_H_
