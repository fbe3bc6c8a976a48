// Runs a test on each instruction set that its kernels were compiled for and
// this CPU has, not only on the best.

#ifndef VISION_CRF_FOR_EACH_TARGET_H_
#define VISION_CRF_FOR_EACH_TARGET_H_

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace vision {

// Calls body(name) with Highway's dispatch set to one instruction set after the
// other, then leaves it at the best. Not for use while kernels run.
void ForEachTarget(absl::FunctionRef<void(absl::string_view name)> body);

}  // namespace vision

#endif  // VISION_CRF_FOR_EACH_TARGET_H_
