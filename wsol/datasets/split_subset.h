// Some images of each class.

#ifndef WSOL_DATASETS_SPLIT_SUBSET_H_
#define WSOL_DATASETS_SPLIT_SUBSET_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct SubsetOptions {
  // Images of each class, positive.
  int per_class = 0;
  // Classes with fewer images are taken whole; otherwise they are an error.
  bool allow_fewer = false;
  uint64_t seed = 0;
};

// The images of a random subset, in their order in `metadata`. Which ones is a
// function of the ids of the class and of the seed, not of the order or of
// other classes; a larger subset of the same seed holds the smaller one.
// kInvalidArgument for options and for classes with fewer images.
absl::StatusOr<SplitMetadata> SelectSubset(const SplitMetadata& metadata,
                                           const SubsetOptions& options);

}  // namespace wsol

#endif  // WSOL_DATASETS_SPLIT_SUBSET_H_
