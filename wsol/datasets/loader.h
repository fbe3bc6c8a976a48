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
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vision/image/transforms.h"
#include "wsol/datasets/dataset.h"

namespace wsol {

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

  absl::Status Validate() const;
};

struct Batch {
  // [N, 3, crop, crop] float32, contiguous, on the CPU: (x / 255 - mean) / std.
  at::Tensor images;
  // [N, 3, crop, crop] float32, whole numbers 0..255, same crop and flip.
  at::Tensor raw_images;
  // [N] int64.
  at::Tensor labels;
  // Positions in the data set.
  std::vector<int64_t> indices;
};

// An endless supply of epochs. The batches are a function of the data set, the
// options and the epoch: a sample's crop and flip come from (seed, epoch,
// index) and the order from (seed, epoch), so neither the number of threads nor
// what was read before matters. Calls must come from one thread at a time.
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

  // Begins an epoch, >= 0, and drops what is left of the one before.
  void StartEpoch(int64_t epoch);

  // The next batch, or nullopt at the end of the epoch (and before the first
  // one). If samples of the batch cannot be read: the error of the first of
  // them, naming its id; the call after that goes on with the batch after it.
  absl::StatusOr<std::optional<Batch>> Next();

  // Batches in an epoch.
  int64_t NumBatches() const;

 private:
  class Impl;

  explicit Loader(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace wsol

#endif  // WSOL_DATASETS_LOADER_H_
