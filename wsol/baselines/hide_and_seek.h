// Hide-and-Seek: training images with random cells hidden, so that the network
// cannot rely on the most discriminative part alone.
//
// Singh and Lee, Hide-and-Seek: Forcing a Network to be Meticulous for
// Weakly-supervised Object and Action Localization, ICCV 2017, sec. 3.1. An
// image is divided into a grid, each cell is hidden with a probability, anew in
// each epoch; hidden pixels get the mean of the data set, which is 0 in images
// that are normalised. Test images are whole.
//
//   const at::Tensor hidden = wsol::HideCells(
//       batch.images, batch.indices, {4, 0.5, seed}, epoch);

#ifndef WSOL_BASELINES_HIDE_AND_SEEK_H_
#define WSOL_BASELINES_HIDE_AND_SEEK_H_

#include <cstdint>
#include <memory>

#include "ATen/core/Tensor.h"
#include "absl/types/span.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

struct HideCellsOptions {
  // Cells along each side, at least 1. Cell i of n covers the rows from
  // floor(i H / n) to floor((i + 1) H / n).
  int64_t grid = 4;
  // Probability that a cell is hidden, in [0, 1].
  double drop_rate = 0.5;
  uint64_t seed = 0;
};

// A copy of `images`, [N, C, H, W] normalised, any float type, device and
// memory format, with 0 in the hidden cells. They are a function of the seed,
// the epoch and `indices`, the N images' numbers in the data set. Gradients
// flow to the pixels that are seen. Throws c10::Error for other shapes.
at::Tensor HideCells(const at::Tensor& images,
                     absl::Span<const int64_t> indices,
                     const HideCellsOptions& options, int64_t epoch);

// The method "HaS": the cross entropy of images with hidden cells. `options`
// are valid.
std::unique_ptr<TrainingMethod> MakeHideAndSeek(
    const TrainingMethodOptions& options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_HIDE_AND_SEEK_H_
