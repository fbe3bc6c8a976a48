// CutMix: a box of another image of the batch replaces a part of each image,
// and the labels are mixed by the areas.
//
// Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers with
// Localizable Features, ICCV 2019, eq. 1 and 2:
//   x~ = M x_A + (1 - M) x_B,  y~ = lambda y_A + (1 - lambda) y_B,
// with lambda ~ Beta(beta, beta), 1 - M a box of W sqrt(1 - lambda) x
// H sqrt(1 - lambda) pixels around a uniform pixel, cut at the border, and the
// final lambda the share of the pixels that are A's. Box and lambda are the
// same for a whole batch, B is a random permutation of it.
//
//   const CutMixDraw draw = wsol::DrawCutMix({1, 1, seed}, epoch, batch_number,
//                                            num_images, height, width);
//   const at::Tensor mixed = wsol::MixImages(images, draw);

#ifndef WSOL_BASELINES_CUT_MIX_H_
#define WSOL_BASELINES_CUT_MIX_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "ATen/core/Tensor.h"
#include "vision/base/rng.h"
#include "vision/geometry/box.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

struct CutMixOptions {
  // Of Beta(beta, beta), positive.
  double beta = 1;
  // That a batch is mixed, in [0, 1].
  double probability = 1;
  uint64_t seed = 0;
};

struct CutMixDraw {
  // What is replaced; empty if nothing is.
  vision::Box box;
  // Share of the pixels that stay, in [0, 1].
  double lambda = 1;
  // Image n's box comes from image partners[n]. A permutation.
  std::vector<int64_t> partners;
};

// A draw of Beta(beta, beta), in [0, 1].
double SampleSymmetricBeta(double beta, vision::Rng& rng);

// The box for lambda, in [0, 1], around column `x` and row `y`, in pixels of an
// image of height x width: floor(W sqrt(1 - lambda)) by the same of H, from
// x - width / 2 (rounded down) on, cut to the image.
vision::Box CutMixBox(double lambda, int64_t x, int64_t y, int64_t height,
                      int64_t width);

// The choices for a batch of n images, a function of the seed, the epoch and
// the batch's number (and of n and the size).
CutMixDraw DrawCutMix(const CutMixOptions& options, int64_t epoch,
                      int64_t batch, int64_t n, int64_t height, int64_t width);

// [N, C, H, W] -> a copy, in the same memory format, with the boxes replaced.
// Throws c10::Error unless there are N partners.
at::Tensor MixImages(const at::Tensor& images, const CutMixDraw& draw);

// The method "CutMix": lambda CE(y_A) + (1 - lambda) CE(y_B) of mixed images;
// the accuracy is mixed likewise. `options` are valid.
std::unique_ptr<TrainingMethod> MakeCutMix(const TrainingMethodOptions& options,
                                           Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_CUT_MIX_H_
