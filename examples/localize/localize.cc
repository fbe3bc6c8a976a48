// Finds the object of one image with a trained model:
//   bazel run -c opt //examples/localize -- MODEL_FOLDER IMAGE

#include <iostream>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/localizer/localizer.h"
#include "fcam/localizer/map_threshold.h"
#include "opencv2/core/mat.hpp"
#include "vision/base/status_util.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"

absl::Status Run(const char* model, const char* image) {
  VISION_ASSIGN_OR_RETURN(const std::unique_ptr<fcam::Localizer> localizer,
                          fcam::Localizer::Open(model, {}));
  VISION_ASSIGN_OR_RETURN(const cv::Mat rgb, vision::ReadRgb(image));
  VISION_ASSIGN_OR_RETURN(const fcam::Localization found,
                          localizer->Localize(rgb));
  std::cout << found.classes[0].name << " " << found.classes[0].probability;
  for (const fcam::ScoredBox& box : found.boxes) std::cout << " " << box.box;
  std::cout << "\n";
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: localize MODEL_FOLDER IMAGE\n";
    return 1;
  }
  const absl::Status status = Run(argv[1], argv[2]);
  if (!status.ok()) std::cerr << "error: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}
