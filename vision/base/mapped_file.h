// A file's bytes without reading them all: pages come when they are touched.
//
//   VISION_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
//                           MappedFile::Open("weights.pt"));
//   Parse(file->bytes());
//
// Share the pointer with whatever refers to the bytes.

#ifndef VISION_BASE_MAPPED_FILE_H_
#define VISION_BASE_MAPPED_FILE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

// A private mapping: writing to data() changes a copy of the page, never the
// file. A file that is replaced (WriteFileAtomically) stays as it was for those
// who have it open; one that is overwritten or cut in place does not, and
// touching pages that are gone ends the process with SIGBUS.
class MappedFile {
 public:
  // kNotFound if there is no file, kInvalidArgument if it is a folder, a pipe
  // or a device, kInternal with the system's reason for other failures;
  // messages name the path.
  static absl::StatusOr<std::shared_ptr<MappedFile>> Open(
      const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // Starts at a page, so data() + n is aligned as n is. Null for an empty file.
  char* data() { return data_; }
  absl::string_view bytes() const { return absl::string_view(data_, size_); }

 private:
  MappedFile(char* data, size_t size) : data_(data), size_(size) {}

  char* data_;
  size_t size_;
};

}  // namespace vision

#endif  // VISION_BASE_MAPPED_FILE_H_
