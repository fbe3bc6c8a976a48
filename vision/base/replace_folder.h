// A folder on disk that is either the old one or the new one.
//
//   VISION_RETURN_IF_ERROR(vision::ReplaceFolder("run/best", [](const auto&
//   dir) {
//     return vision::WriteFileAtomically(vision::JoinPath(dir, "a"), "...");
//   }));

#ifndef VISION_BASE_REPLACE_FOLDER_H_
#define VISION_BASE_REPLACE_FOLDER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace vision {

// Has `write` fill a new folder beside `path` and then puts it in the place of
// `path`, which may be missing or a folder with any content; its parent must
// exist. Killed at any moment, `path` is the old folder or the new one, whole,
// where the file system exchanges names (Linux's all do; elsewhere there is a
// moment without it). What a killed call left over is removed by the next.
//
// Errors: those of `write`, after which `path` is as it was; kNotFound,
// kPermissionDenied, kInternal by the file system.
absl::Status ReplaceFolder(
    const std::string& path,
    const std::function<absl::Status(const std::string& new_path)>& write);

}  // namespace vision

#endif  // VISION_BASE_REPLACE_FOLDER_H_
