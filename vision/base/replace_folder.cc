#include "vision/base/replace_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

absl::Status RenameError(const std::string& path, int error) {
  return absl::InternalError(absl::StrCat("cannot replace folder '", path,
                                          "': ", std::strerror(error)));
}

void RemoveAll(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

// The names of files reach the disk with their folder.
void SyncFolder(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

std::string WithoutTrailingSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::Status ReplaceFolder(
    const std::string& path_as_given,
    const std::function<absl::Status(const std::string& new_path)>& write) {
  const std::string path = WithoutTrailingSlashes(path_as_given);
  const std::string fresh = absl::StrCat(path, ".new");
  const std::string old = absl::StrCat(path, ".old");
  RemoveAll(fresh);
  RemoveAll(old);
  VISION_RETURN_IF_ERROR(CreateDirectories(fresh));
  const absl::Status written = write(fresh);
  if (!written.ok()) {
    RemoveAll(fresh);
    return written;
  }
  SyncFolder(fresh);
  if (!FileExists(path)) {
    if (rename(fresh.c_str(), path.c_str()) != 0) {
      return RenameError(path, errno);
    }
  } else if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(),
                       RENAME_EXCHANGE) == 0) {
    RemoveAll(fresh);
  } else if (errno == EINVAL || errno == ENOSYS) {
    if (rename(path.c_str(), old.c_str()) != 0) return RenameError(path, errno);
    if (rename(fresh.c_str(), path.c_str()) != 0) {
      return RenameError(path, errno);
    }
    RemoveAll(old);
  } else {
    return RenameError(path, errno);
  }
  const std::string parent = std::filesystem::path(path).parent_path().string();
  SyncFolder(parent.empty() ? "." : parent);
  return absl::OkStatus();
}

}  // namespace vision
