// CAM itself: the classifier's last features weighed by the class's weights, or
// the maps that a head makes by itself.
//
// Zhou et al., CVPR 2016, eq. 2, without bias and positive part. Of heads with
// maps (GAP, MaxPool, LogSumExpPool, WildCatCLHead) the class's map, which
// their papers call CAM too. Both variants are the same. Last layer only.

#ifndef WSOL_CAM_CLASS_ACTIVATION_H_
#define WSOL_CAM_CLASS_ACTIVATION_H_

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class ClassActivation : public CamMethod {
 public:
  explicit ClassActivation(const CamOptions& options) : CamMethod(options) {}

 protected:
  // kInvalidArgument for another layer than the last, or a head that is neither
  // linear nor has maps.
  absl::Status Check(const Pass& pass) const override;
  at::Tensor Maps(const Pass& pass) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_CLASS_ACTIVATION_H_
