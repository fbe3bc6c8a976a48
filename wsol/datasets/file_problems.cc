#include "wsol/datasets/file_problems.h"

#include "absl/strings/str_format.h"

namespace wsol {

std::string QuoteForMessage(absl::string_view text) {
  constexpr size_t kLength = 80;
  std::string quoted = "'";
  for (const char c : text.substr(0, kLength)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte);
    } else {
      quoted += c;
    }
  }
  return absl::StrCat(quoted, text.size() > kLength ? "...'" : "'");
}

}  // namespace wsol
