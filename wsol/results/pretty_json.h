// JSON that people and version control can read: objects over several lines,
// lists of numbers and texts on one.

#ifndef WSOL_RESULTS_PRETTY_JSON_H_
#define WSOL_RESULTS_PRETTY_JSON_H_

#include <string>

#include "nlohmann/json.hpp"

namespace wsol {

// The text, ended by a line end. Lists of objects have one on each line. Bytes
// that are no UTF-8 become U+FFFD.
std::string PrettyJson(const nlohmann::ordered_json& value);

}  // namespace wsol

#endif  // WSOL_RESULTS_PRETTY_JSON_H_
