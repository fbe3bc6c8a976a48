#include "vision/base/nearest_names.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace vision {
namespace {

// Levenshtein's distance: insertions, deletions and replacements.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& known) {
  constexpr size_t kMost = 3;
  const std::string wanted = absl::AsciiStrToLower(name);
  const size_t limit = std::max<size_t>(2, wanted.size() / 3);
  std::vector<std::pair<size_t, std::string>> candidates;
  for (const std::string& candidate : known) {
    const std::string lower = absl::AsciiStrToLower(candidate);
    const size_t distance = EditDistance(wanted, lower);
    const bool contained =
        !wanted.empty() &&
        (absl::StrContains(lower, wanted) || absl::StrContains(wanted, lower));
    if (distance <= limit || contained) {
      candidates.emplace_back(distance, candidate);
    }
  }
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (const auto& [distance, candidate] : candidates) {
    if (nearest.size() < kMost) nearest.push_back(candidate);
  }
  return nearest;
}

absl::Status UnknownNameError(absl::string_view kind, absl::string_view name,
                              const std::vector<std::string>& known) {
  const std::vector<std::string> nearest = NearestNames(name, known);
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown ", kind, " \"", name, "\"; ",
      nearest.empty()
          ? ""
          : absl::StrCat("did you mean ", absl::StrJoin(nearest, " or "), "? "),
      "known are: ", absl::StrJoin(known, ", ")));
}

absl::Status CheckName(absl::string_view kind, absl::string_view name,
                       const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    return absl::OkStatus();
  }
  return UnknownNameError(kind, name, known);
}

}  // namespace vision
