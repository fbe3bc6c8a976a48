// CAM methods by name.
//
//   wsol::CamOptions options;
//   options.method = "LayerCAM";
//   VISION_ASSIGN_OR_RETURN(auto method, wsol::MakeCamMethod(options));

#ifndef WSOL_CAM_FACTORY_H_
#define WSOL_CAM_FACTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/cam/cam_method.h"

namespace wsol {

// All names, as the literature writes them: CAM, GradCAM, GradCAM++, ...
std::vector<std::string> CamMethodNames();

// The name of CamMethodNames() that is meant: case does not matter, "pp" and
// "PlusPlus" stand for "++", and hyphens may be there ("Grad-CAM++",
// "GradCampp"). The published names of heads' own maps (WILDCAT, GAP, MaxPOL,
// LogSumExp) mean "CAM". kInvalidArgument names the nearest otherwise.
absl::StatusOr<std::string> ParseCamMethod(absl::string_view name);

// Errors of ParseCamMethod and CamOptions::Validate.
absl::StatusOr<std::unique_ptr<CamMethod>> MakeCamMethod(
    const CamOptions& options);

}  // namespace wsol

#endif  // WSOL_CAM_FACTORY_H_
