// Localizes the objects of many image files and writes what was found: the work
// of //fcam:localize.

#ifndef FCAM_LOCALIZER_LOCALIZE_IMAGES_H_
#define FCAM_LOCALIZER_LOCALIZE_IMAGES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fcam/localizer/draw_localization.h"
#include "fcam/localizer/find_images.h"
#include "fcam/localizer/localizer.h"

namespace fcam {

// How maps are written.
enum class MapFile {
  kNone,
  kNpy,  // NumPy, float32.
  kPng,  // Grey, 8 bit: 255 is 1.
};

// "none", "npy", "png"; kInvalidArgument for others.
absl::StatusOr<MapFile> ParseMapFile(absl::string_view text);

struct LocalizeImagesOptions {
  std::string model_dir;
  LocalizerOptions localizer;
  // excluded_dir is set to output_dir.
  ImageSources images;
  // Created with its parents. Empty: nothing is written.
  std::string output_dir;
  bool overlays = true;
  bool masks = true;
  MapFile maps = MapFile::kNpy;
  bool coco = false;
  DrawOptions draw;
  // An image that cannot be read is left out and counted, instead of ending the
  // run.
  bool skip_bad_images = false;

  absl::Status Validate() const;
};

struct LocalizeImagesCallbacks {
  // Asked between batches: true ends the run.
  std::function<bool()> should_stop;
  std::function<void(int64_t total)> on_begin;
  // So many more images are done or left out.
  std::function<void(int64_t count)> on_images;
};

// An image's results, without its maps.
struct ImageResult {
  ImageFile image;
  int width = 0;
  int height = 0;
  std::vector<ClassScore> classes;
  std::vector<ScoredBox> boxes;
  double tau = 0;
  // Relative to the output folder; empty if not written.
  std::string overlay_file;
  std::string mask_file;
  std::string map_file;
};

struct LocalizeImagesReport {
  std::string method;
  Threshold threshold;
  int64_t images = 0;  // Found.
  std::vector<ImageResult> results;
  struct Skipped {
    std::string path;
    std::string reason;
  };
  std::vector<Skipped> skipped;
  // Of results.json; empty without an output folder.
  std::string results_path;
};

// Writes into output_dir, for an image named a/b.jpg (see ImageFile):
//   overlays/a/b.jpg.png   DrawLocalization
//   masks/a/b.jpg.png      grey, 255 on the object
//   maps/a/b.jpg.npy       what //wsol:evaluate reads as score maps
//   results.json           all of it as numbers, see docs/flags.md
//   coco.json              boxes as annotations with "score", if asked for
// Folders, files, model and output folder are looked at before the first image
// is. Each file is replaced as a whole or not at all.
//
// kCancelled if it was stopped. After that, and after any error on the way,
// results.json and coco.json hold what is done, the former with "complete":
// false. Errors of reading an image (if not skipped), of the model and of
// writing.
absl::StatusOr<LocalizeImagesReport> LocalizeImages(
    const LocalizeImagesOptions& options,
    const LocalizeImagesCallbacks& callbacks);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_LOCALIZE_IMAGES_H_
