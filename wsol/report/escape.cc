#include "wsol/report/escape.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "wsol/report/utf8.h"

namespace wsol {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool IsForbiddenControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

}  // namespace

std::string EscapeMarkup(absl::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0 || (length == 1 && IsForbiddenControl(text[0]))) {
      absl::StrAppend(&escaped, kReplacement);
      text.remove_prefix(1);
      continue;
    }
    switch (text[0]) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        absl::StrAppend(&escaped, text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return escaped;
}

absl::StatusOr<std::string> ImageDataUrl(absl::string_view bytes) {
  const char* type = nullptr;
  if (absl::StartsWith(bytes, "\x89PNG\r\n\x1a\n")) {
    type = "image/png";
  } else if (absl::StartsWith(bytes, "\xff\xd8\xff")) {
    type = "image/jpeg";
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("got ", bytes.size(),
                     " bytes that are no image, expected a PNG or JPEG file"));
  }
  return absl::StrCat("data:", type, ";base64,", absl::Base64Escape(bytes));
}

}  // namespace wsol
