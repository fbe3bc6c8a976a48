// What was found, for the terminal.

#ifndef FCAM_LOCALIZER_RESULTS_TABLE_H_
#define FCAM_LOCALIZER_RESULTS_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "fcam/localizer/localize_images.h"

namespace fcam {

// A table of the first 20 images, then how many were done and left out and
// where the results are.
absl::StatusOr<std::string> ResultsTable(const LocalizeImagesReport& report);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_RESULTS_TABLE_H_
