// TensorBoard event files: scalars over steps, without TensorFlow.
//
//   VISION_ASSIGN_OR_RETURN(std::unique_ptr<TensorboardWriter> writer,
//                           TensorboardWriter::Open(dir));
//   VISION_RETURN_IF_ERROR(writer->Scalars(step, {{"loss", 0.7}}));
//
// The messages (Event, Summary, SessionLog) are encoded field by field with
// protobuf's CodedOutputStream: three messages with a dozen fields need no
// generated code, and no protoc in the build.

#ifndef WSOL_RUN_LOG_TENSORBOARD_WRITER_H_
#define WSOL_RUN_LOG_TENSORBOARD_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "wsol/run_log/append_file.h"

namespace wsol {

// CRC-32C (Castagnoli) of the bytes.
uint32_t Crc32c(absl::string_view bytes);

// The checksum of a TensorFlow record: ((c >> 15) | (c << 17)) + 0xa282ead8 for
// the CRC-32C c, so that the CRC of data with CRCs inside stays meaningful.
uint32_t MaskedCrc32c(absl::string_view bytes);

// `data` as a TensorFlow record: its length as uint64, the length's masked CRC,
// the data, the data's masked CRC, all little-endian.
std::string TfRecord(absl::string_view data);

// Writes one file, events.out.tfevents.<seconds>.<host>.<pid>, into a folder,
// which is one "run" in TensorBoard. The seconds are those of now or one more
// than any file's in the folder, so that the names ascend, which is the order
// in which TensorBoard reads them. Not thread-safe.
class TensorboardWriter {
 public:
  // Creates the folder if needed, and in it a new file that begins with the
  // record of the file version. `now` (null: the system's clock) gives the wall
  // times.
  static absl::StatusOr<std::unique_ptr<TensorboardWriter>> Open(
      const std::string& dir, std::function<absl::Time()> now = nullptr);

  // One event with a value for each tag. Values are stored as float32; NaN and
  // infinities are kept, and TensorBoard marks them. If the folder had files
  // before, the first call writes SessionLog START with its step ahead, upon
  // which TensorBoard drops the values of that step and later ones.
  //
  // The record is with the operating system on return. On failure nothing of
  // it is left in the file (kResourceExhausted: disk full).
  absl::Status Scalars(
      int64_t step, const std::vector<std::pair<std::string, double>>& values);

  // Has the file's contents written to the disk.
  absl::Status Flush();

  const std::string& path() const { return file_->path(); }

 private:
  TensorboardWriter(std::unique_ptr<AppendFile> file,
                    std::function<absl::Time()> now, bool restarted);

  const std::unique_ptr<AppendFile> file_;
  const std::function<absl::Time()> now_;
  // A START event is due.
  bool restarted_;
};

}  // namespace wsol

#endif  // WSOL_RUN_LOG_TENSORBOARD_WRITER_H_
