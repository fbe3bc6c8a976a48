// Refines a folder of score maps by the dense CRF of their images.

#ifndef VISION_CLI_REFINE_MAPS_H_
#define VISION_CLI_REFINE_MAPS_H_

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/crf/mean_field.h"

namespace vision {

// What to do with a map that is not of its image's size.
enum class MapSizePolicy {
  kError,
  kResizeMap,    // To the image's, bilinear; the result is of that size.
  kResizeImage,  // To the map's, antialiased; the result is of the map's size.
};

// "error", "resize_map" or "resize_image".
absl::StatusOr<MapSizePolicy> ParseMapSizePolicy(absl::string_view name);

enum class MapFormat {
  kSame,  // As the map came: .npy of its float type, .png of its depth.
  kNpy,   // .npy of float32.
  kPng,   // .png, 16 bit grey.
};

// "same", "npy" or "png".
absl::StatusOr<MapFormat> ParseMapFormat(absl::string_view name);

struct RefineMapsOptions {
  // Folders, searched with their subfolders. The map a/b.npy or a/b.png belongs
  // to the image a/b, or a/b with the ending .jpg, .jpeg, .png, .webp or .bmp
  // (or .JPEG and so on).
  std::string maps_dir;
  std::string images_dir;
  // Created if it is not there. The refined map of a/b.npy is a/b.npy or
  // a/b.png there.
  std::string output_dir;
  // Two labels: what is not and what is the object. compatibility must have the
  // size for two labels; num_threads is not looked at.
  MeanFieldOptions mean_field;
  MapSizePolicy size_policy = MapSizePolicy::kError;
  MapFormat format = MapFormat::kSame;
  // Maps (the object's probability) are first stretched to [0, 1], one without
  // contrast to 0; else values outside of [0, 1] are an error.
  bool normalize = false;
  // False: maps that output_dir has already are skipped, so that the same call
  // goes on where it was stopped.
  bool overwrite = false;
  // Threads over maps, at least 1.
  int num_threads = 1;
  // Where progress goes; std::cerr if null.
  std::ostream* progress_stream = nullptr;

  absl::Status Validate() const;
};

struct RefineMapsReport {
  int64_t refined = 0;
  int64_t skipped = 0;
};

// Finds all maps and their images, then refines one after the other; each file
// is written as a whole or not at all.
//
// Errors name the file: kNotFound for a folder or an image that is missing, or
// no map at all; kInvalidArgument for a map with more than one image or result,
// with values that are no probabilities, of another size than the image under
// kError, or of unsuitable dtype or channels; errors of reading and writing.
// Maps are matched with images before anything is written; after another error
// no further map is begun.
absl::StatusOr<RefineMapsReport> RefineMaps(const RefineMapsOptions& options);

}  // namespace vision

#endif  // VISION_CLI_REFINE_MAPS_H_
