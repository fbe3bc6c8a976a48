#include "vision/crf/for_each_target.h"

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

namespace vision {

void ForEachTarget(absl::FunctionRef<void(absl::string_view name)> body) {
  const int64_t supported = hwy::SupportedTargets();
  for (const int64_t target :
       {HWY_AVX3, HWY_AVX2, HWY_SSE4, HWY_NEON, HWY_STATIC_TARGET}) {
    if ((supported & target) == 0) continue;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace vision
