// The names of a split's classes: line k of class_names.txt names label k.

#ifndef WSOL_DATASETS_CLASS_NAMES_H_
#define WSOL_DATASETS_CLASS_NAMES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

inline constexpr char kClassNamesFile[] = "class_names.txt";

// The names in class_names.txt in the folder of the split or the one above it;
// none if there is no such file. kInvalidArgument with file and line for a name
// that is empty or comes twice.
absl::StatusOr<std::vector<std::string>> ReadClassNames(
    const std::string& split_dir);

// The names of a file, a line each; at least one. Errors as above; kNotFound.
absl::StatusOr<std::vector<std::string>> ReadClassNamesFile(
    const std::string& path);

// kInvalidArgument if a file could not hold a name: empty, blanks at its ends,
// a control character, the same as another.
absl::Status CheckClassNames(absl::Span<const std::string> names);

// The folder of each class's images, if all of them are in one folder and it
// holds no other class, else "class 7".
std::vector<std::string> ClassNamesFromFolders(const SplitMetadata& metadata);

}  // namespace wsol

#endif  // WSOL_DATASETS_CLASS_NAMES_H_
