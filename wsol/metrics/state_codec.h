// Bytes that carry an evaluator's counts from one process to another: numbers
// of variable length between a header that names the content and a checksum.
//
//   wsol::StateWriter writer("BOX1");
//   writer.PutUnsigned(num_images);
//   const std::string bytes = std::move(writer).Finish();
//
//   VISION_ASSIGN_OR_RETURN(wsol::StateReader reader,
//                           wsol::StateReader::Open(bytes, "BOX1"));
//   num_images = reader.GetUnsigned();
//   VISION_RETURN_IF_ERROR(reader.Finish());

#ifndef WSOL_METRICS_STATE_CODEC_H_
#define WSOL_METRICS_STATE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace wsol {

// Appends `value` in base 128, lowest digits first, the top bit of a byte set
// if more follow.
void AppendVarint(uint64_t value, std::string* bytes);

// Reads such a number at `*position` and moves behind it; false, moving
// nothing, if there is none of at most 64 bits.
bool ReadVarint(absl::string_view bytes, size_t* position, uint64_t* value);

class StateWriter {
 public:
  // `tag`: four characters that name content and version.
  explicit StateWriter(absl::string_view tag);

  void PutUnsigned(uint64_t value);
  void PutSigned(int64_t value);
  void PutDouble(double value);  // All bits.
  void PutString(absl::string_view value);
  void PutCounts(absl::Span<const int64_t> values);

  // The bytes: tag, content, CRC-32 of both.
  std::string Finish() &&;

 private:
  std::string bytes_;
};

// After the first thing that is not there all Get... return zero or nothing,
// and Finish says so.
class StateReader {
 public:
  // Does not copy: `bytes` must outlive the reader. kDataLoss if the tag is
  // another one, or the checksum is wrong.
  static absl::StatusOr<StateReader> Open(absl::string_view bytes,
                                          absl::string_view tag);

  uint64_t GetUnsigned();
  int64_t GetSigned();
  double GetDouble();
  std::string GetString();
  std::vector<int64_t> GetCounts();

  bool is_short() const { return is_short_; }

  // kDataLoss if something was missing, or something is left.
  absl::Status Finish() const;

 private:
  explicit StateReader(absl::string_view content) : content_(content) {}

  absl::string_view content_;
  size_t position_ = 0;
  bool is_short_ = false;
};

}  // namespace wsol

#endif  // WSOL_METRICS_STATE_CODEC_H_
