#include "wsol/cli/resolve_path.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "vision/base/file_io.h"

namespace wsol {

std::string ResolvePath(absl::string_view path) {
  if (path.empty() || absl::StartsWith(path, "/")) return std::string(path);
  if (path == "~" || absl::StartsWith(path, "~/")) {
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home != '\0') {
      return path.size() <= 2 ? home : vision::JoinPath(home, path.substr(2));
    }
  }
  while (absl::StartsWith(path, "./")) path.remove_prefix(2);
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder == nullptr || *folder == '\0') {
    return path.empty() ? "." : std::string(path);
  }
  if (path.empty() || path == ".") return folder;
  return vision::JoinPath(folder, path);
}

}  // namespace wsol
