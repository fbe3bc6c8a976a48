// Whole files in and out; a file on disk is either the old one or the new one.

#ifndef VISION_BASE_FILE_IO_H_
#define VISION_BASE_FILE_IO_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace vision {

// Returns the bytes of the file. kNotFound if there is none, kInternal with the
// system's reason for other failures; messages name the path.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Replaces the file by `contents`: writes a temporary file in the same folder,
// flushes it to disk and renames it, so that a crash or a full disk at any
// moment leaves the old file whole and no half-written one in its place. The
// temporary is removed on failure. kResourceExhausted if the disk is full,
// kPermissionDenied, kNotFound if the folder is missing.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view contents);

// The same of contents in several pieces, one after the other, so that they
// need not be copied together.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::Span<const absl::string_view> pieces);

// Creates the folder and its parents; fine if it is there already.
absl::Status CreateDirectories(const std::string& path);

bool FileExists(const std::string& path);

// CRC-32 of zlib and PNG: finds accidental damage, proves no authenticity.
uint32_t Crc32(absl::string_view bytes);

// a/b from "a" and "b"; `b` alone if it is absolute.
std::string JoinPath(absl::string_view a, absl::string_view b);

}  // namespace vision

#endif  // VISION_BASE_FILE_IO_H_
