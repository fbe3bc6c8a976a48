// Zip archives whose members are stored without compression and aligned, as
// PyTorch wants them.
//
//   ZipWriter zip;
//   zip.AddOwned("archive/version", "3\n");
//   zip.Add("archive/data/0", values);
//   WriteFileAtomically(path, std::move(zip).Finish().pieces);

#ifndef VISION_WEIGHTS_ZIP_WRITER_H_
#define VISION_WEIGHTS_ZIP_WRITER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "vision/weights/file_pieces.h"

namespace vision {

// Contents start at multiples of 64 bytes. Archives, members and their number
// may be larger than the first version of the format allows: its 64-bit
// extension is used where needed, and only there.
class ZipWriter {
 public:
  // `contents` must outlive the pieces. Reads them, for the checksum. Names are
  // shorter than 64 KiB.
  void Add(const std::string& name, absl::string_view contents);

  // For contents that the archive is to keep.
  void AddOwned(const std::string& name, std::string contents);

  FilePieces Finish() &&;

 private:
  void AddToDirectory(absl::string_view name, uint32_t crc, uint64_t size,
                      uint64_t header_offset);

  FilePieces file_;
  uint64_t offset_ = 0;
  uint64_t count_ = 0;
  std::string directory_;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_ZIP_WRITER_H_
