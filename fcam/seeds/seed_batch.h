// Seeds of a batch of class activation maps: the tensor form of seed_sampler.h.
//
//   VISION_ASSIGN_OR_RETURN(const at::Tensor seeds,
//       SampleSeedBatch(cams, batch.indices, options, {seed, epoch},
//                       num_threads));

#ifndef FCAM_SEEDS_SEED_BATCH_H_
#define FCAM_SEEDS_SEED_BATCH_H_

#include <cstdint>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fcam/seeds/seed_sampler.h"

namespace fcam {

// What the draws of a batch depend on besides the samples' indices.
struct SeedStream {
  uint64_t seed = 0;
  uint64_t epoch = 0;
};

// Draws the seeds of each map.
//   cams: [N, H, W] or [N, 1, H, W] float32 or float64, [0, 1], any device; not
//     modified, taken as constant by autograd.
//   indices: the N samples' indices in the data set. The draws of a sample are
//   a
//     function of (stream, its index, its map): the same in any batch, order
//     and number of threads.
// Returns labels [N, H, W] int64 on the device of `cams`: kForegroundSeed,
// kBackgroundSeed or options.ignore_index. kInvalidArgument for invalid
// options, other shapes or dtypes, or a number of indices other than N.
absl::StatusOr<at::Tensor> SampleSeedBatch(const at::Tensor& cams,
                                           absl::Span<const int64_t> indices,
                                           const SeedOptions& options,
                                           const SeedStream& stream,
                                           int num_threads);

}  // namespace fcam

#endif  // FCAM_SEEDS_SEED_BATCH_H_
