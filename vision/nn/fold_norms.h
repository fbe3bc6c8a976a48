// Folds batch norms of a frozen network into the convolutions before them.
//
//   network->eval();
//   VISION_ASSIGN_OR_RETURN(const int64_t folded, vision::FoldNorms(*network));
//
// The result is the same function up to rounding (about 1e-6 of a map's largest
// value in float32, 1e-14 in float64) with one pass over memory less for each
// layer. Read or save weights before: the norms' entries are gone from the
// state dict, and each convolution has a bias.

#ifndef VISION_NN_FOLD_NORMS_H_
#define VISION_NN_FOLD_NORMS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "torch/nn/module.h"

namespace vision {

// Folds all pairs (vision/nn/conv_norm_pair.h) of `module` and its children, in
// place and for good, and returns their number. Norms that follow anything else
// stay. kFailedPrecondition names a norm in training mode; nothing has been
// changed then. So a frozen part of a network that trains can be folded too, if
// it is passed alone.
absl::StatusOr<int64_t> FoldNorms(torch::nn::Module& module);

// Packs the weights of all folded pairs (ConvNormPair::Pack) and returns their
// number; 0 where this LibTorch cannot. Doubles the weights' memory; with
// `winograd` those of 3 x 3 convolutions take five times as much.
int64_t PackFoldedConvolutions(torch::nn::Module& module,
                               bool winograd = false);

}  // namespace vision

#endif  // VISION_NN_FOLD_NORMS_H_
