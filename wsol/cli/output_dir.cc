#include "wsol/cli/output_dir.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

std::string Megabytes(uint64_t bytes) {
  const double megabytes = static_cast<double>(bytes) / 1e6;
  return megabytes < 1000 ? absl::StrFormat("%.1f MB", megabytes)
                          : absl::StrFormat("%.1f GB", megabytes / 1000);
}

// Permission bits do not tell all (read-only mounts, root, quotas): tries it.
absl::Status TryToWrite(const std::string& path) {
  const std::string probe =
      vision::JoinPath(path, absl::StrCat(".write_test", getpid()));
  const int fd = open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) {
    if (write(fd, "x", 1) != 1) error = errno;
    if (close(fd) != 0 && error == 0) error = errno;
    unlink(probe.c_str());
  }
  if (error == 0) return absl::OkStatus();
  const std::string message = absl::StrCat("cannot write to output folder '",
                                           path, "': ", std::strerror(error));
  return error == ENOSPC || error == EDQUOT
             ? absl::ResourceExhaustedError(message)
             : absl::PermissionDeniedError(message);
}

}  // namespace

absl::Status PrepareOutputDir(const std::string& path, int64_t required_bytes) {
  if (path.empty()) {
    return absl::InvalidArgumentError("the output folder has an empty name");
  }
  std::error_code error;
  if (std::filesystem::exists(path, error) &&
      !std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("output folder '", path, "' is a file, not a folder"));
  }
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(path));
  VISION_RETURN_IF_ERROR(TryToWrite(path));
  struct statvfs info;
  // A file system that does not tell its space is taken to have enough.
  if (required_bytes <= 0 || statvfs(path.c_str(), &info) != 0) {
    return absl::OkStatus();
  }
  const uint64_t free_bytes = static_cast<uint64_t>(info.f_bavail) *
                              static_cast<uint64_t>(info.f_frsize);
  if (free_bytes >= static_cast<uint64_t>(required_bytes)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      "output folder '", path, "' is on a disk with ", Megabytes(free_bytes),
      " free, ", Megabytes(static_cast<uint64_t>(required_bytes)),
      " are needed"));
}

}  // namespace wsol
