#include "wsol/cam/factory.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "wsol/cam/ablation_cam.h"
#include "wsol/cam/attention_rollout.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/class_activation.h"
#include "wsol/cam/eigen_cam.h"
#include "wsol/cam/finer_cam.h"
#include "wsol/cam/grad_cam.h"
#include "wsol/cam/grad_cam_plus_plus.h"
#include "wsol/cam/hires_cam.h"
#include "wsol/cam/layer_cam.h"
#include "wsol/cam/score_cam.h"
#include "wsol/cam/smooth_grad_cam_plus_plus.h"
#include "wsol/cam/xgrad_cam.h"

namespace wsol {
namespace {

using Maker = std::unique_ptr<CamMethod> (*)(const CamOptions& options);

template <typename Method>
std::unique_ptr<CamMethod> Make(const CamOptions& options) {
  return std::make_unique<Method>(options);
}

struct Entry {
  const char* name;
  Maker make;
};

constexpr Entry kEntries[] = {
    {"CAM", Make<ClassActivation>},
    {"GradCAM", Make<GradCam>},
    {"GradCAM++", Make<GradCamPlusPlus>},
    {"SmoothGradCAM++", Make<SmoothGradCamPlusPlus>},
    {"XGradCAM", Make<XGradCam>},
    {"LayerCAM", Make<LayerCam>},
    {"HiResCAM", Make<HiResCam>},
    {"FinerCAM", Make<FinerCam>},
    {"EigenCAM", Make<EigenCam>},
    {"AblationCAM", Make<AblationCam>},
    {"ScoreCAM", Make<ScoreCam>},
    {"SSCAM", Make<SmoothedScoreCam>},
    {"ISCAM", Make<IntegratedScoreCam>},
    {"AttentionRollout", Make<AttentionRollout>},
    {"GradientAttentionRollout", Make<GradientAttentionRollout>},
};

// Published names of the maps that heads make by themselves.
constexpr const char* kOwnMaps[] = {"wildcat", "gap",       "maxpol",
                                    "maxpool", "logsumexp", "attentionpool"};

std::string Normalize(absl::string_view name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"plusplus", "++"},
                                                           {"cam-pp", "cam++"},
                                                           {"campp", "cam++"},
                                                           {"-", ""},
                                                           {"_", ""}});
}

}  // namespace

std::vector<std::string> CamMethodNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

absl::StatusOr<std::string> ParseCamMethod(absl::string_view name) {
  const std::string wanted = Normalize(name);
  for (const Entry& entry : kEntries) {
    if (wanted == Normalize(entry.name)) return std::string(entry.name);
  }
  for (const char* own : kOwnMaps) {
    if (wanted == own) return std::string("CAM");
  }
  return vision::UnknownNameError("CAM method", name, CamMethodNames());
}

absl::StatusOr<std::unique_ptr<CamMethod>> MakeCamMethod(
    const CamOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  CamOptions resolved = options;
  VISION_ASSIGN_OR_RETURN(resolved.method, ParseCamMethod(options.method));
  for (const Entry& entry : kEntries) {
    if (resolved.method == entry.name) return entry.make(resolved);
  }
  return vision::UnknownNameError("CAM method", options.method,
                                  CamMethodNames());
}

}  // namespace wsol
