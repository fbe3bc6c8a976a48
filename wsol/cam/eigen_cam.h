// Eigen-CAM (Muhammad and Yeasin, IJCNN 2020): the features' first principal
// component, whatever the class.
//
//   map = projection of each pixel's features on the first right singular
//         vector of A, pixels x channels (not centred).
//
// The sign is chosen so that the values sum to at least 0. Not in the published
// F-CAM code; both variants are the same. The map is the same for all classes.
// Cost: some ten products of A with a vector for an image.

#ifndef WSOL_CAM_EIGEN_CAM_H_
#define WSOL_CAM_EIGEN_CAM_H_

#include "ATen/core/Tensor.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class EigenCam : public CamMethod {
 public:
  explicit EigenCam(const CamOptions& options) : CamMethod(options) {}

 protected:
  at::Tensor Maps(const Pass& pass) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_EIGEN_CAM_H_
