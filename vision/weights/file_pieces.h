// A file to write, as a list of pieces, so that large ones are not copied.
//
//   FilePieces file;
//   file.AddText(header);
//   file.pieces.push_back(values);
//   VISION_RETURN_IF_ERROR(WriteFileAtomically(path, file.pieces));

#ifndef VISION_WEIGHTS_FILE_PIECES_H_
#define VISION_WEIGHTS_FILE_PIECES_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace vision {

// Can be moved, which keeps the texts where they are, but not copied.
struct FilePieces {
  FilePieces() = default;
  FilePieces(FilePieces&&) = default;
  FilePieces& operator=(FilePieces&&) = default;

  // Appends a piece of the file's own.
  void AddText(std::string text) {
    texts.push_back(std::move(text));
    pieces.push_back(texts.back());
  }

  uint64_t size_bytes() const {
    uint64_t size = 0;
    for (const absl::string_view piece : pieces) size += piece.size();
    return size;
  }

  // In order; they refer to `texts` and to what others keep.
  std::vector<absl::string_view> pieces;
  // A deque: its elements stay where they are.
  std::deque<std::string> texts;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_FILE_PIECES_H_
