// The size of an image file, without decoding it.

#ifndef WSOL_DATASETS_IMAGE_SIZE_H_
#define WSOL_DATASETS_IMAGE_SIZE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/image/image_header.h"

namespace wsol {

// Reads the first kilobytes of the file, and the rest only if they do not tell
// the size. Errors: of reading (kNotFound, ...), and kDataLoss naming the path.
absl::StatusOr<vision::ImageHeader> ReadImageHeader(const std::string& path);

// Whether a file of this name is taken for an image: .jpg, .jpeg, .png, .webp
// or .bmp, in any case.
bool HasImageExtension(absl::string_view path);

}  // namespace wsol

#endif  // WSOL_DATASETS_IMAGE_SIZE_H_
