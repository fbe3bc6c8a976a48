// WILDCAT pooling: the strongest pixels of a class map speak for the class, the
// weakest against it (Durand et al., CVPR 2017, eq. 1 and 3).
//
//   M[k] = mean over modalities; top = mean of the k+ largest values of M[k],
//   low = mean of its k- smallest ones (0 if k- = 0);
//   kPaper:     logit = top + alpha low
//   kHalved:    logit = (top + alpha low) / 2, its authors' code
//   kPublished: logit = top
//
// NOTE(reference): the published F-CAM code computes (top + alpha low) / 2 into
// a temporary that it drops; kPublished repeats that and is the default.

#ifndef WSOL_POOLING_WILDCAT_H_
#define WSOL_POOLING_WILDCAT_H_

#include "ATen/core/Tensor.h"
#include "wsol/pooling/map_head.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// Child "to_modalities": output k * modalities + j is modality j of map k.
class WildcatHead : public MapHead {
 public:
  // `options` are valid.
  explicit WildcatHead(const PoolingOptions& options);

 protected:
  // Throws c10::Error if kmax selects no pixel of the maps.
  at::Tensor Pool(const at::Tensor& maps) override;

 private:
  at::Tensor Dropout(const at::Tensor& values);

  const PixelSelection kmax_;
  const PixelSelection kmin_;
  const double alpha_;
  const double dropout_;
  const WildcatVariant variant_;
};

}  // namespace wsol

#endif  // WSOL_POOLING_WILDCAT_H_
