// Score-CAM and two of its kind: what the classifier says of the image seen
// through each channel.
//
//   map = relu(sum_c w[c] B[c]),  U[c] = A[c] min-max normalised, resized to
//   the image x (bilinear),  P = softmax of the logits, of the class:
//   ScoreCAM (Wang et al., CVPRW 2020):  w[c] = P(U[c] x);
//   SSCAM (Wang et al., 2020):           w[c] = mean over samples of
//                                        P((U[c] + noise) x);
//   ISCAM (Naidu et al., 2020):          w[c] = sum over i = 1..steps of
//                                        P((1 + ... + i) / steps U[c] x).
//   kPaper:     B = A;
//   kPublished: B = A min-max normalised.
//
// Constant channels are dropped, without a pass. Noise is standard normal times
// sscam_std and the same for all channels of a sample. NOTE(reference): the
// published F-CAM code overwrites A by its normalised form, and its ISCAM adds
// up masks, hence the sums 1 + ... + i. Neither subtracts the score of an empty
// image nor takes a softmax over channels, as the Score-CAM paper has it.
//
// Cost: channels (x samples or steps) forward passes for an image, for any
// number of classes; masks are made a batch at a time in channels-last memory.

#ifndef WSOL_CAM_SCORE_CAM_H_
#define WSOL_CAM_SCORE_CAM_H_

#include <cstdint>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

class ScoreCam : public CamMethod {
 public:
  explicit ScoreCam(const CamOptions& options) : CamMethod(options) {}

 protected:
  // kInvalidArgument if the memory budget is below a single pass.
  absl::Status Check(const Pass& pass) const override;
  at::Tensor Maps(const Pass& pass) const override;

  // What is done with an image's masks: sum of weight * P((scale * U + offset)
  // x) over these.
  struct Term {
    double scale = 1;
    at::Tensor offset;  // [C, H, W] or undefined for 0.
    double weight = 1;
  };
  virtual std::vector<Term> Terms(const Pass& pass, int64_t image) const;

 private:
  // w [M, C'] of the given channels, normalised [C', h, w], of an image.
  at::Tensor ChannelScores(const Pass& pass, int64_t image,
                           const at::Tensor& normalized) const;
};

class SmoothedScoreCam : public ScoreCam {
 public:
  explicit SmoothedScoreCam(const CamOptions& options) : ScoreCam(options) {}

 protected:
  std::vector<Term> Terms(const Pass& pass, int64_t image) const override;
};

class IntegratedScoreCam : public ScoreCam {
 public:
  explicit IntegratedScoreCam(const CamOptions& options) : ScoreCam(options) {}

 protected:
  std::vector<Term> Terms(const Pass& pass, int64_t image) const override;
};

}  // namespace wsol

#endif  // WSOL_CAM_SCORE_CAM_H_
