// Batches of a data set, decoded and transformed by threads ahead of their use.
//
//   VISION_ASSIGN_OR_RETURN(auto loader, wsol::Loader::Create(&train,
//   options)); loader->StartEpoch(epoch); while (true) {
//     VISION_ASSIGN_OR_RETURN(std::optional<wsol::Batch> batch,
//     loader->Next()); if (!batch.has_value()) break;
//     ...
//   }

#ifndef WSOL_DATASETS_LOADER_H_
#define WSOL_DATASETS_LOADER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "c10/core/ScalarType.h"
#include "vision/image/color_jitter.h"
#include "vision/image/transforms.h"
#include "wsol/datasets/dataset.h"

namespace wsol {

// What becomes of an image that cannot be read.
enum class BadImagePolicy {
  kFail,  // Next() returns its error.
  kSkip,  // It is left out of its batch, counted and logged.
};

// "fail", "skip"; kInvalidArgument names both.
absl::StatusOr<BadImagePolicy> ParseBadImagePolicy(absl::string_view name);

struct LoaderOptions {
  // Images in a batch, >= 1; the last batch of an epoch may have fewer.
  int batch_size = 32;
  // Draws a new order for each epoch; otherwise the data set's order.
  bool shuffle = false;
  // true: resize to resize x resize, crop at random, flip with probability 1/2.
  // false: resize to crop x crop.
  bool augment = false;
  // Sides in pixels, >= 1; aspect ratios are not kept. resize >= crop.
  int resize = 256;
  int crop = 224;
  // Threads that decode and transform, >= 1.
  int num_threads = 1;
  // Batches that are begun before they are asked for, >= 1.
  int prefetch_batches = 2;
  // Keeps each decoded and resized image in memory, 3 bytes a pixel.
  bool cache_in_memory = false;
  uint64_t seed = 0;
  vision::Normalization normalization;
  // Changes the colours of `images` at random when augmenting; not those of
  // raw_images.
  vision::ColorJitter color_jitter;

  // Form of `images`: float32 or bfloat16 (at::kFloat, at::kBFloat16), and
  // channels-last memory if asked for.
  at::ScalarType image_dtype = at::kFloat;
  bool channels_last = false;
  // Whether raw_images are made at all.
  bool raw_images = true;

  // Sharing an epoch among processes: of its order, process `rank` takes every
  // world_size-th image, from the rank-th on.
  int rank = 0;
  int world_size = 1;
  // Repeats the first images of the order at its end so that all processes have
  // equally many, as training in step needs. Otherwise each image comes once,
  // as evaluation needs, and the last ranks may have one fewer.
  bool even_shards = false;

  BadImagePolicy on_bad_image = BadImagePolicy::kFail;

  absl::Status Validate() const;
};

// The memory of a batch that nobody refers to any more is used again.
struct Batch {
  // [N, 3, crop, crop], float32 or bfloat16, contiguous or channels-last, on
  // the CPU: (x / 255 - mean) / std.
  at::Tensor images;
  // [N, 3, crop, crop] float32, contiguous, whole numbers 0..255, same crop and
  // flip. Undefined without LoaderOptions::raw_images.
  at::Tensor raw_images;
  // [N] int64.
  at::Tensor labels;
  // Positions in the data set.
  std::vector<int64_t> indices;
  // What was cut out of each resized image, to treat its map or mask alike
  // (resize to the same size, vision::ApplyCropFlip).
  std::vector<vision::CropFlip> geometry;
};

// The images of an epoch that BadImagePolicy::kSkip left out so far.
struct SkippedImages {
  int64_t count = 0;
  // Of the first 20, in the epoch's order; each names the id.
  std::vector<std::string> messages;
};

// An endless supply of epochs. The batches are a function of the data set, the
// options and the epoch: a sample's crop, flip and colours come from (seed,
// epoch, index) and the order from (seed, epoch), so neither the number of
// threads nor what was read before matters, and a place in the middle of an
// epoch is two numbers. Calls must come from one thread at a time.
class Loader {
 public:
  // `dataset` is not owned and must outlive the loader. kInvalidArgument for
  // options out of range.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(
      const Dataset* dataset, const LoaderOptions& options);

  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  // Stops the threads, whatever they are doing.
  ~Loader();

  // Begins an epoch, >= 0, at one of its batches, in [0, NumBatches()], and
  // drops what is left of the one before. To go on after a restart, begin at
  // the epoch and the next_batch() that were saved.
  void StartEpoch(int64_t epoch, int64_t first_batch = 0);

  // The next batch, or nullopt at the end of the epoch (and before the first
  // one). If samples of the batch cannot be read, by BadImagePolicy: the error
  // of the first of them, naming its id, and the call after that goes on with
  // the batch after it; or the batch without them, or the one after it if none
  // is left.
  absl::StatusOr<std::optional<Batch>> Next();

  // Number of the batch that Next() looks at next.
  int64_t next_batch() const;

  // Batches in an epoch of this process.
  int64_t NumBatches() const;

  // Of the current epoch. Each of the first 20 is logged as a warning, and
  // their number at the end of the epoch.
  const SkippedImages& skipped_images() const;

 private:
  class Impl;

  explicit Loader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wsol

#endif  // WSOL_DATASETS_LOADER_H_
