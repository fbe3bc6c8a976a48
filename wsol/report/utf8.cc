#include "wsol/report/utf8.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace wsol {

size_t Utf8SequenceLength(absl::string_view text) {
  const auto byte = [text](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto continues = [&byte](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  if (text.empty()) return 0;
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return continues(1) ? 2 : 0;
  if (first < 0xf0) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : 0xbf;
    return byte(1) >= low && byte(1) <= high && continues(2) ? 3 : 0;
  }
  if (first < 0xf5) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return byte(1) >= low && byte(1) <= high && continues(2) && continues(3)
               ? 4
               : 0;
  }
  return 0;
}

size_t Utf8PrefixLength(absl::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    const size_t next = Utf8SequenceLength(text.substr(length));
    if (next == 0) break;
    length += next;
  }
  return length;
}

std::string ToUtf8(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = Utf8PrefixLength(text);
    absl::StrAppend(&result, text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) break;
    result += "\xef\xbf\xbd";  // U+FFFD
    text.remove_prefix(1);
  }
  return result;
}

std::string PrintableAscii(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(1, Utf8SequenceLength(text));
    const char c = text[0];
    printable += length == 1 && c >= ' ' && c <= '~' ? c : '?';
    text.remove_prefix(length);
  }
  return printable;
}

}  // namespace wsol
