// A small F-CAM network and images for the tests of this package. Its weights
// are drawn, not trained, and its batch norms have statistics that matter.

#ifndef FCAM_LOCALIZER_TEST_MODEL_H_
#define FCAM_LOCALIZER_TEST_MODEL_H_

#include <cstdint>
#include <memory>

#include "fcam/decoder/fcam_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "opencv2/core/mat.hpp"
#include "torch/nn/module.h"
#include "wsol/classifier/classifier.h"

namespace fcam {

// resnet_small with three classes, "ant", "bee" and "cat", 64 x 64 pixels,
// MaxBoxAcc's threshold 0.25 and MaxBoxAccV2's 0.5.
FcamFolderInfo TestInfo();

// Draws the affine parameters and running statistics of all batch norms, so
// that folding one wrongly shows, and puts the module in evaluation mode.
void DrawNorms(torch::nn::Module& module, uint64_t seed);

// The networks of `info`, the same ones each time.
std::shared_ptr<wsol::Classifier> MakeTestClassifier(
    const FcamFolderInfo& info);
std::shared_ptr<FcamModel> MakeTestModel(const FcamFolderInfo& info);

// RGB: a bright disc on a dim ground, with noise of `seed`.
cv::Mat TestImage(int width, int height, uint64_t seed);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_TEST_MODEL_H_
