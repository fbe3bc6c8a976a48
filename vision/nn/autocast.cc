#include "vision/nn/autocast.h"

#include "ATen/autocast_mode.h"
#include "c10/core/DeviceType.h"
#include "c10/core/ScalarType.h"
#include "torch/version.h"

namespace vision {
namespace {

// LibTorch 2.4 gave the functions a device.
#if TORCH_VERSION_MAJOR > 2 || \
    (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
bool IsEnabled() { return at::autocast::is_autocast_enabled(at::kCPU); }
void SetEnabled(bool enabled) {
  at::autocast::set_autocast_enabled(at::kCPU, enabled);
}
void SetBFloat16() {
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
}
#else
bool IsEnabled() { return at::autocast::is_cpu_enabled(); }
void SetEnabled(bool enabled) { at::autocast::set_cpu_enabled(enabled); }
void SetBFloat16() { at::autocast::set_autocast_cpu_dtype(at::kBFloat16); }
#endif

}  // namespace

Autocast::Autocast(bool enabled) : enabled_(enabled) {
  if (!enabled_) return;
  was_enabled_ = IsEnabled();
  SetBFloat16();
  SetEnabled(true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!enabled_) return;
  // The weights are about to change: their copies go with the outermost scope.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  SetEnabled(was_enabled_);
}

}  // namespace vision
