#include "wsol/run_log/append_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

constexpr int64_t kLongestLine = int64_t{1} << 20;

absl::Status ErrnoStatus(int error, absl::string_view action,
                         const std::string& path) {
  const std::string message =
      absl::StrCat("cannot ", action, " '", path, "': ", std::strerror(error));
  switch (error) {
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOTDIR:
      return absl::NotFoundError(message);
    default:
      return absl::ErrnoToStatus(
          error, absl::StrCat("cannot ", action, " '", path, "'"));
  }
}

}  // namespace

AppendFile::AppendFile(std::string path, int fd, int64_t size)
    : path_(std::move(path)), fd_(fd), size_(size) {}

AppendFile::~AppendFile() { close(fd_); }

absl::StatusOr<std::unique_ptr<AppendFile>> AppendFile::Open(
    const std::string& path, Mode mode) {
  // Readable, for UnfinishedLine().
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC |
                    (mode == Mode::kCreate ? O_EXCL : 0);
  const int fd = open(path.c_str(), flags, 0666);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  std::unique_ptr<AppendFile> file(new AppendFile(path, fd, 0));
  struct stat info;
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, "inspect", path);
  file->size_ = info.st_size;
  return file;
}

absl::Status AppendFile::Lock() {
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("'", path_, "' is being written by another process"));
}

absl::StatusOr<std::string> AppendFile::UnfinishedLine() const {
  const int64_t begin = std::max<int64_t>(0, size_ - kLongestLine);
  std::string tail(static_cast<size_t>(size_ - begin), '\0');
  size_t done = 0;
  while (done < tail.size()) {
    const ssize_t count = pread(fd_, &tail[done], tail.size() - done,
                                begin + static_cast<int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "read", path_);
    if (count == 0) break;
    done += static_cast<size_t>(count);
  }
  tail.resize(done);
  const size_t line_break = tail.rfind('\n');
  return line_break == std::string::npos ? tail : tail.substr(line_break + 1);
}

absl::Status AppendFile::Truncate(int64_t size) {
  while (ftruncate(fd_, size) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "shorten", path_);
  }
  size_ = size;
  torn_ = false;
  return absl::OkStatus();
}

absl::Status AppendFile::Append(absl::string_view record) {
  if (torn_) VISION_RETURN_IF_ERROR(Truncate(size_));
  const auto length = static_cast<int64_t>(record.size());
  while (!record.empty()) {
    const ssize_t count = write(fd_, record.data(), record.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      const absl::Status status = ErrnoStatus(errno, "write", path_);
      if (static_cast<int64_t>(record.size()) < length) {
        torn_ = true;
        Truncate(size_).IgnoreError();  // Tried again ahead of the next one.
      }
      return status;
    }
    record.remove_prefix(static_cast<size_t>(count));
  }
  size_ += length;
  return absl::OkStatus();
}

absl::Status AppendFile::Sync() {
  if (fsync(fd_) != 0) return ErrnoStatus(errno, "flush", path_);
  return absl::OkStatus();
}

}  // namespace wsol
