// The flags of //fcam:localize as options.

#ifndef FCAM_CLI_LOCALIZE_FLAGS_H_
#define FCAM_CLI_LOCALIZE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fcam/localizer/localize_images.h"

namespace fcam {

// `arguments`: the images and folders. Relative paths start where the user
// typed the command. kInvalidArgument names the flag.
// LocalizeImagesOptions::Validate is not called.
absl::StatusOr<LocalizeImagesOptions> LocalizeOptionsFromFlags(
    absl::Span<const char* const> arguments);

// --export, seen from where the user typed the command; may be empty.
std::string ExportPathFromFlags();

}  // namespace fcam

#endif  // FCAM_CLI_LOCALIZE_FLAGS_H_
