// A very small built-in data set for tests: 20 classes, 32 x 32 pixels,
// composed into the test's temporary folder. The test needs
// //wsol/datasets:objects20 among its data.
//
//   const Miniature miniature = MakeMiniature();
//   const Dataset train = miniature.Open("boxes", Split::kTrain);

#ifndef WSOL_DATASETS_MINIATURE_H_
#define WSOL_DATASETS_MINIATURE_H_

#include <memory>

#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/synthetic.h"

namespace wsol {

inline constexpr int kMiniatureSize = 32;

struct Miniature {
  SyntheticDataset data;

  // The split with "boxes" or "masks". Dies on errors.
  std::unique_ptr<Dataset> Open(const char* kind, Split split) const;
};

// Two images of each class for training, one to validate, one to test. Dies on
// errors.
Miniature MakeMiniature();

// Batches of 8 images of full size: shuffled and augmented for training, in
// order otherwise. Dies on errors.
std::unique_ptr<Loader> MakeMiniatureLoader(const Dataset& dataset,
                                            bool training);

}  // namespace wsol

#endif  // WSOL_DATASETS_MINIATURE_H_
