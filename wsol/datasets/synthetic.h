// The built-in data sets on disk: composed once, checked at each use.
//
//   wsol::SyntheticOptions options;
//   options.source_dir = "wsol/datasets/objects20";
//   VISION_ASSIGN_OR_RETURN(const wsol::SyntheticDataset data,
//                           wsol::ComposeDataset(options, "data"));
//   auto train = wsol::Dataset::Open(
//       data.MetadataDir("boxes", wsol::Split::kTrain), data.image_root);
//
// What is written, below a folder named after the options and their hash:
//   images/<split>/<class>/<n>.png       and <n>_mask.png beside each
//   images/ignore.png                    nothing to ignore, for all images
//   metadata/boxes/<split>/*.txt         CUB and ILSVRC style
//   metadata/masks/<split>/*.txt         OpenImages style
//   metadata/{boxes,masks}/class_names.txt
//   ATTRIBUTION.txt                      what must be passed on with the images
//   contact_sheet.png                    classes x samples of the train split
//   manifest.json                        options, size and CRC-32 of each file;
//                                        written after what it lists

#ifndef WSOL_DATASETS_SYNTHETIC_H_
#define WSOL_DATASETS_SYNTHETIC_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/composer.h"

namespace wsol {

enum class SyntheticKind {
  kObjects20,  // Renders of 20 kinds of objects; the repository carries them.
  kBirds16,    // Photographs of 16 kinds of birds; from a Debian package.
};
// "objects20", "birds16".
absl::string_view SyntheticKindName(SyntheticKind kind);
absl::StatusOr<SyntheticKind> ParseSyntheticKind(absl::string_view name);

enum class SyntheticFormat {
  kPng,   // Lossless.
  kJpeg,  // Quality 95. Masks stay PNG.
};
// "png", "jpeg".
absl::string_view SyntheticFormatName(SyntheticFormat format);
absl::StatusOr<SyntheticFormat> ParseSyntheticFormat(absl::string_view name);

struct SyntheticOptions {
  SyntheticKind kind = SyntheticKind::kObjects20;
  // Folder with backgrounds/ (both kinds) and objects/ (kObjects20):
  // wsol/datasets/objects20 of this repository.
  std::string source_dir;
  // Folder of the stamps (kBirds16).
  std::string birds_dir = "/usr/share/tuxpaint/stamps/animals/birds";
  // Side of the square images, pixels, in [16, 4096].
  int size = 96;
  // Images per class, each >= 0, and a factor for all three, rounded to whole
  // images. A larger set begins with the images of the smaller one.
  int train_per_class = 80;
  int val_per_class = 10;
  int test_per_class = 16;
  double scale = 1;
  uint64_t seed = 0;
  SyntheticFormat format = SyntheticFormat::kPng;
  // The bytes do not depend on it.
  int num_threads = 1;
  // Asked before each image, from any of the threads; true stops the work.
  std::function<bool()> should_stop;
  // Called after each image that was checked or composed, by one thread at a
  // time.
  std::function<void(int64_t done, int64_t total)> progress;

  absl::Status Validate() const;
};

// Where the data set is, and what was done to have it.
struct SyntheticDataset {
  std::string dir;
  // The root of image ids and of mask paths: <dir>/images.
  std::string image_root;
  std::string contact_sheet;
  std::vector<std::string> class_names;
  int64_t num_train = 0;
  int64_t num_val = 0;
  int64_t num_test = 0;
  // Images that were there and whole; images composed now.
  int64_t num_reused = 0;
  int64_t num_composed = 0;
  // Files that the manifest lists and that were missing or had other bytes,
  // relative to `dir` (the first 20), and their number. They were made anew.
  std::vector<std::string> repaired;
  int64_t num_repaired = 0;

  // <dir>/metadata/<boxes|masks>/<split>
  std::string MetadataDir(absl::string_view kind, Split split) const;
};

// Makes sure that the data set is below `output_dir` and whole. The first call
// composes it; a later one with equal options reads every file, compares size
// and CRC, and makes anew only what is missing or damaged. Other options go to
// another folder: nothing is overwritten.
//
// When should_stop says so it returns kCancelled; what was finished is kept and
// recorded, and the next call goes on from there. Other errors:
// kInvalidArgument for options; kNotFound for source material, saying what is
// missing, where it was looked for and how to get it; kPermissionDenied,
// kResourceExhausted and the like for the output.
absl::StatusOr<SyntheticDataset> ComposeDataset(const SyntheticOptions& options,
                                                const std::string& output_dir);

// Whom the source material of a kind is from and under which licence, in a few
// sentences: to be passed on with composed images.
std::string SyntheticAttribution(SyntheticKind kind);

// The source material of a kind, decoded. Errors as above.
absl::StatusOr<ComposerMaterial> LoadSyntheticMaterial(
    const SyntheticOptions& options);

}  // namespace wsol

#endif  // WSOL_DATASETS_SYNTHETIC_H_
