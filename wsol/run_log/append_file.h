// A file that grows record by record, each of them whole or not there.
//
//   VISION_ASSIGN_OR_RETURN(std::unique_ptr<AppendFile> file,
//                           AppendFile::Open(path, AppendFile::Mode::kAppend));
//   VISION_RETURN_IF_ERROR(file->Append("one line\n"));

#ifndef WSOL_RUN_LOG_APPEND_FILE_H_
#define WSOL_RUN_LOG_APPEND_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// Not thread-safe. Errors name the path: kResourceExhausted (the disk, or a
// limit on the file, is full), kPermissionDenied, kNotFound (no such folder).
class AppendFile {
 public:
  enum class Mode {
    // Goes on at the end of the file, or creates it.
    kAppend,
    // Creates the file; kAlreadyExists if it is there.
    kCreate,
  };
  static absl::StatusOr<std::unique_ptr<AppendFile>> Open(
      const std::string& path, Mode mode);

  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  // Keeps every other AppendFile from locking the file while this one lives.
  // kFailedPrecondition if another one has. File systems without locks are
  // taken to be free.
  absl::Status Lock();

  // The bytes after the last line break: what a process wrote that was killed
  // in the middle of a line. Only lines of up to 1 MiB are looked at.
  absl::StatusOr<std::string> UnfinishedLine() const;

  // Cuts the file off after `size` bytes.
  absl::Status Truncate(int64_t size);

  // Hands the record to the operating system, from where it reaches the disk
  // although the process be killed. On failure what was written of it is cut
  // off again, now or ahead of the next record.
  absl::Status Append(absl::string_view record);

  // Waits until all is on the disk.
  absl::Status Sync();

  // Bytes of whole records.
  int64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  AppendFile(std::string path, int fd, int64_t size);

  const std::string path_;
  const int fd_;
  int64_t size_;
  // A part of a record may lie beyond size_.
  bool torn_ = false;
};

}  // namespace wsol

#endif  // WSOL_RUN_LOG_APPEND_FILE_H_
