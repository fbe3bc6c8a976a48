// Zip archives, as torch.save writes them: where each member's bytes are.
//
//   VISION_ASSIGN_OR_RETURN(const auto zip, ZipArchive::Open(bytes));
//   VISION_ASSIGN_OR_RETURN(const ZipMember* pickle, zip.Find("a/data.pkl"));
//   absl::string_view data = bytes.substr(pickle->offset, pickle->size);
//
// Reads the central directory, with zip64's extensions, and no member.

#ifndef VISION_WEIGHTS_ZIP_ARCHIVE_H_
#define VISION_WEIGHTS_ZIP_ARCHIVE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

// Names and ranges refer to the archive's bytes, which must outlive them.
struct ZipMember {
  absl::string_view name;
  // First byte in the archive, and number of bytes; inside of the archive.
  uint64_t offset = 0;
  uint64_t size = 0;
  // Of the member's contents.
  uint32_t crc32 = 0;
  // Whether the bytes are the contents: neither compressed nor encrypted.
  bool is_stored = true;
};

class ZipArchive {
 public:
  // Whether `bytes` starts as a zip file does. An archive needs more than that.
  static bool LooksLikeOne(absl::string_view bytes);

  // kDataLoss if the directory is missing (a file cut short) or a member lies
  // outside of the archive. Memory: 40 bytes for each member, whose entry takes
  // at least 46 in the file.
  static absl::StatusOr<ZipArchive> Open(absl::string_view bytes);

  // In the directory's order.
  const std::vector<ZipMember>& members() const { return members_; }

  // The first member of that name; null if there is none. O(log members).
  const ZipMember* Find(absl::string_view name) const;

  // kDataLoss if the bytes of a stored member do not have the checksum that the
  // directory states. Reads them.
  absl::Status CheckCrc(const ZipMember& member) const;

 private:
  explicit ZipArchive(absl::string_view bytes) : bytes_(bytes) {}

  absl::Status ReadDirectory();

  absl::string_view bytes_;
  std::vector<ZipMember> members_;
  // Indices of members_, by name.
  std::vector<uint32_t> by_name_;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_ZIP_ARCHIVE_H_
