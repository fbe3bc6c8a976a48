// Text made safe for HTML and SVG, and bytes made fit for a URL in them.

#ifndef WSOL_REPORT_ESCAPE_H_
#define WSOL_REPORT_ESCAPE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// The text with &, <, >, " and ' as character references: safe as content and
// within quoted attributes. Bytes that are no UTF-8 and control characters that
// XML forbids become U+FFFD, so that a file name of any bytes can be shown.
std::string EscapeMarkup(absl::string_view text);

// A file of image type PNG or JPEG, told by its first bytes, as a data: URL.
// kInvalidArgument if it is neither.
absl::StatusOr<std::string> ImageDataUrl(absl::string_view bytes);

}  // namespace wsol

#endif  // WSOL_REPORT_ESCAPE_H_
