// Text that may not be UTF-8, for formats that want UTF-8.

#ifndef WSOL_REPORT_UTF8_H_
#define WSOL_REPORT_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace wsol {

// The length of the UTF-8 sequence that `text` starts with; 0 if it starts with
// none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
size_t Utf8SequenceLength(absl::string_view text);

// The length of the longest beginning of `text` that is UTF-8.
size_t Utf8PrefixLength(absl::string_view text);

// `text` with U+FFFD in place of each byte that is not part of a sequence.
std::string ToUtf8(absl::string_view text);

// `text` with one "?" in place of each character, or byte that is part of none,
// that is not printable ASCII: for fonts that have nothing else.
std::string PrintableAscii(absl::string_view text);

}  // namespace wsol

#endif  // WSOL_REPORT_UTF8_H_
