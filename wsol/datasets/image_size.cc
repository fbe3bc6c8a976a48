#include "wsol/datasets/image_size.h"

#include <fstream>
#include <ios>

#include "absl/strings/match.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

constexpr size_t kHeaderBytes = 1 << 15;

}  // namespace

absl::StatusOr<vision::ImageHeader> ReadImageHeader(const std::string& path) {
  std::string bytes(kHeaderBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  if (file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) ||
      file.gcount() > 0) {
    bytes.resize(static_cast<size_t>(file.gcount()));
    absl::StatusOr<vision::ImageHeader> header =
        vision::ParseImageHeader(bytes, path);
    if (header.ok()) return header;
  }
  // With the reason why it cannot be read, or a JPEG with a large thumbnail.
  VISION_ASSIGN_OR_RETURN(bytes, vision::ReadFile(path));
  return vision::ParseImageHeader(bytes, path);
}

bool HasImageExtension(absl::string_view path) {
  for (const char* extension : {".jpg", ".jpeg", ".png", ".webp", ".bmp"}) {
    if (absl::EndsWithIgnoreCase(path, extension)) return true;
  }
  return false;
}

}  // namespace wsol
