// Errors for names that are not known, with the nearest ones that are.
//
//   VISION_RETURN_IF_ERROR(CheckName("backbone", name, {"resnet18", "vgg16"}));
//   // -> unknown backbone "resnet8"; did you mean resnet18? known are: ...

#ifndef VISION_BASE_NEAREST_NAMES_H_
#define VISION_BASE_NEAREST_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vision {

// The names of `known` that are at most a third of `name`'s length (at least 2)
// single-character edits away, case ignored, or that contain it or are
// contained in it; nearest first, then in the order of `known`; at most 3.
std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& known);

// kInvalidArgument: `unknown <kind> "<name>"; did you mean ...? known are:
// ...`.
absl::Status UnknownNameError(absl::string_view kind, absl::string_view name,
                              const std::vector<std::string>& known);

// OK if `name` is one of `known`, UnknownNameError otherwise.
absl::Status CheckName(absl::string_view kind, absl::string_view name,
                       const std::vector<std::string>& known);

}  // namespace vision

#endif  // VISION_BASE_NEAREST_NAMES_H_
