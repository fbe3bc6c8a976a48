// Macros and a helper for code that returns absl::Status.
//
//   absl::StatusOr<int> Sum(absl::string_view path) {
//     VISION_ASSIGN_OR_RETURN(const Table table, ReadTable(path));
//     VISION_RETURN_IF_ERROR(table.Validate());
//     return table.Sum();
//   }

#ifndef VISION_BASE_STATUS_UTIL_H_
#define VISION_BASE_STATUS_UTIL_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Returns from the enclosing function when `expr`, an absl::Status, is an
// error.
#define VISION_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::absl::Status vision_status_ = (expr);          \
    if (!vision_status_.ok()) return vision_status_; \
  } while (false)

// Evaluates `rexpr`, an absl::StatusOr<T>; returns its error from the enclosing
// function or moves its value into `lhs`, which may declare a variable.
#define VISION_ASSIGN_OR_RETURN(lhs, rexpr)                                  \
  VISION_ASSIGN_OR_RETURN_IMPL_(VISION_CONCAT_(vision_status_or_, __LINE__), \
                                lhs, rexpr)

#define VISION_ASSIGN_OR_RETURN_IMPL_(status_or, lhs, rexpr) \
  auto status_or = (rexpr);                                  \
  if (!status_or.ok()) return std::move(status_or).status(); \
  lhs = *std::move(status_or)

#define VISION_CONCAT_(a, b) VISION_CONCAT_IMPL_(a, b)
#define VISION_CONCAT_IMPL_(a, b) a##b

namespace vision {

// Returns `status` with "; <detail>" appended to its message, for the layer
// that knows more about what was being done. An OK status is returned as it is.
absl::Status Annotate(const absl::Status& status, absl::string_view detail);

}  // namespace vision

#endif  // VISION_BASE_STATUS_UTIL_H_
