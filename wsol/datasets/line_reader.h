// The lines of a text file, one at a time in a buffer of fixed size.
//
//   VISION_ASSIGN_OR_RETURN(wsol::LineReader reader,
//                           wsol::LineReader::Open("image_ids.txt"));
//   for (absl::string_view line; reader.Next(&line);) Use(line);
//   VISION_RETURN_IF_ERROR(reader.status());
//
// For files of which only parts are kept: the rows of a localization.txt of
// ILSVRC take 75 MB as text.

#ifndef WSOL_DATASETS_LINE_READER_H_
#define WSOL_DATASETS_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// Move-only. Not thread-safe.
class LineReader {
 public:
  // kNotFound if there is no such file; others of the system, with the path.
  static absl::StatusOr<LineReader> Open(const std::string& path);
  // The lines of `text`, which must outlive the reader.
  static LineReader FromText(absl::string_view text);

  LineReader(LineReader&& other) noexcept;
  LineReader& operator=(LineReader&& other) noexcept;
  ~LineReader();

  // The next line, without its "\n" or "\r\n", valid until the next call. False
  // at the end (a last line without line end counts, nothing after a line end
  // does not) and after an error.
  bool Next(absl::string_view* line);

  // The line that Next returned last, counted from 1.
  int64_t line_number() const { return line_number_; }

  // Why Next returned false: OK at the end of the file.
  const absl::Status& status() const { return status_; }

  // The number of lines of the whole file or text; leaves the position at its
  // start. Costs one pass over the bytes.
  absl::StatusOr<int64_t> CountLines();

 private:
  LineReader() = default;

  // Appends bytes of the file to `rest_`; false at the end or after an error.
  bool Fill();
  void Close();

  int fd_ = -1;  // -1: text in memory.
  std::string path_;
  absl::string_view text_;  // All of it, if in memory.
  std::string buffer_;
  // What was read and not yet returned: the part of `text_` or of `buffer_`
  // from here on.
  size_t position_ = 0;
  size_t end_ = 0;
  int64_t line_number_ = 0;
  absl::Status status_;
};

}  // namespace wsol

#endif  // WSOL_DATASETS_LINE_READER_H_
