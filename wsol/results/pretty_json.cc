#include "wsol/results/pretty_json.h"

#include <cstddef>
#include <string>

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

std::string Compact(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void Append(const ordered_json& value, size_t indent, std::string* text) {
  const std::string inner(indent + 2, ' ');
  const std::string outer(indent, ' ');
  if (value.is_object() && !value.empty()) {
    text->append("{\n");
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      if (!first) text->append(",\n");
      first = false;
      text->append(inner).append(Compact(key)).append(": ");
      Append(member, indent + 2, text);
    }
    text->append("\n").append(outer).append("}");
  } else if (value.is_array() && !value.empty() &&
             value.front().is_structured()) {
    text->append("[\n");
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) text->append(",\n");
      text->append(inner).append(Compact(value[i]));
    }
    text->append("\n").append(outer).append("]");
  } else {
    text->append(Compact(value));
  }
}

}  // namespace

std::string PrettyJson(const ordered_json& value) {
  std::string text;
  Append(value, 0, &text);
  text.push_back('\n');
  return text;
}

}  // namespace wsol
