#include "vision/base/status_util.h"

#include "absl/strings/str_cat.h"

namespace vision {

absl::Status Annotate(const absl::Status& status, absl::string_view detail) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), "; ", detail));
}

}  // namespace vision
