// CAM methods: maps of where a classifier sees a class, by one interface.
//
//   wsol::CamOptions options;
//   options.method = "LayerCAM";
//   VISION_ASSIGN_OR_RETURN(auto method, wsol::MakeCamMethod(options));
//   wsol::CamInput input;
//   input.images = images;       // [N, 3, H, W], normalised
//   input.classes = labels;      // [N], or [N, M] for several classes each
//   VISION_ASSIGN_OR_RETURN(const wsol::CamOutput output,
//                           method->Compute(network, input));
//   maps = wsol::UpsampleMaps(wsol::NormalizeMaps(output.maps).maps, H, W);
//
// Make methods by name with wsol/cam/factory.h, which lists them.

#ifndef WSOL_CAM_CAM_METHOD_H_
#define WSOL_CAM_CAM_METHOD_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/cam/cam_network.h"

namespace wsol {

// Where the published F-CAM code differs from the papers' formulas; each
// method's header tells how. NOTE(reference): published numbers come from
// kPublished.
enum class CamVariant { kPublished, kPaper };

// "published", "paper"; kInvalidArgument names both.
absl::StatusOr<CamVariant> ParseCamVariant(absl::string_view name);

// Options of all methods; each reads what concerns it.
struct CamOptions {
  // A name of CamMethodNames(), or one of the published spellings.
  std::string method = "CAM";
  CamVariant variant = CamVariant::kPublished;

  // Which feature maps, as positions in CamNetwork::Output::features; negative
  // ones count from the end. The maps of several layers are each min-max
  // normalised, resized to the largest, and averaged.
  std::vector<int> layers = {-1};

  // SmoothGradCAM++: noisy passes and the noise's standard deviation, in units
  // of the normalised images.
  int smooth_samples = 4;
  double smooth_std = 0.3;
  // SSCAM: the same for the masks.
  int sscam_samples = 35;
  double sscam_std = 2.0;
  // ISCAM: steps of the integral.
  int iscam_steps = 10;
  // FinerCAM: classes to tell apart from, and how much they count.
  int finer_classes = 3;
  double finer_alpha = 0.6;

  // ScoreCAM, SSCAM, ISCAM and AblationCAM run many passes for an image, as
  // many at a time as are estimated to fit in this many bytes.
  int64_t memory_budget_bytes = int64_t{1} << 30;

  // Of random noise, which is a function of (seed, key of the image, sample).
  uint64_t seed = 0;
  // Replaces the standard normal noise: (key, sample, shape) -> double tensor.
  std::function<at::Tensor(uint64_t key, int sample, at::IntArrayRef shape)>
      noise;

  // What is wrong whatever the network: kInvalidArgument names the field.
  absl::Status Validate() const;
};

struct CamInput {
  // [N, C, H, W] float, N > 0.
  at::Tensor images;
  // [N] or [N, M] int64, each in [0, K).
  at::Tensor classes;
  // Names the images to the noise, so that it does not depend on batches; empty
  // or N values. Empty: the position in the batch.
  std::vector<uint64_t> keys;
  // What network.Forward(images) gave, if it was run already; saves a pass.
  std::optional<CamNetwork::Output> output;
};

struct CamOutput {
  // [N, h, w] or [N, M, h, w] as the classes: raw maps, not normalised (but for
  // several layers), without gradient.
  at::Tensor maps;
  // [N, K], without gradient.
  at::Tensor logits;
};

// A method with its options. Stateless: nothing is kept between calls.
class CamMethod {
 public:
  virtual ~CamMethod() = default;

  // Computes the maps. The network must be in evaluation mode
  // (kFailedPrecondition); it is not changed, nor are gradients of its
  // parameters touched. kInvalidArgument for inputs of other shapes, a layer
  // that is not there, a method that does not go with the network's head or
  // layer, or a memory budget below one image; kOutOfRange for a class.
  absl::StatusOr<CamOutput> Compute(CamNetwork& network,
                                    const CamInput& input) const;

  // What Compute would refuse, before its work: costs a forward pass, or
  // nothing if input.output is there.
  absl::Status CheckGoesWith(CamNetwork& network, const CamInput& input) const;

 protected:
  // A call in the middle.
  struct Pass {
    CamNetwork& network;
    const at::Tensor& images;
    const at::Tensor& classes;  // [N, M].
    const std::vector<uint64_t>& keys;
    const CamNetwork::Output& output;  // Without gradient.
    size_t layer = 0;

    const at::Tensor& features() const { return output.features[layer]; }
    bool is_last_layer() const { return layer + 1 == output.features.size(); }
  };

  explicit CamMethod(const CamOptions& options) : options_(options) {}

  // Whether the method goes with the network and layer. Cheap.
  virtual absl::Status Check(const Pass& pass) const;

  // Raw maps [N, M, h, w] of pass.layer. Called without gradients.
  virtual at::Tensor Maps(const Pass& pass) const = 0;

  // Standard normal noise, of the images' dtype and device.
  at::Tensor Noise(const Pass& pass, int64_t image, int sample,
                   at::IntArrayRef shape) const;

  const CamOptions& options() const { return options_; }

 private:
  // `result` is null to check alone.
  absl::Status Run(CamNetwork& network, const CamInput& input,
                   CamOutput* result) const;

  const CamOptions options_;
};

}  // namespace wsol

#endif  // WSOL_CAM_CAM_METHOD_H_
