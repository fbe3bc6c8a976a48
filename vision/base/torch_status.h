// The one place where exceptions of LibTorch become absl::Status.
//
// LibTorch throws c10::Error, but also plain std::runtime_error (a view() of
// the wrong size), so both are caught. Each public entry point wraps its body
// once; helpers below it do not catch.
//
//   absl::StatusOr<at::Tensor> Load(const std::string& path) {
//     return vision::CallTorch("loading weights", [&] { return DoLoad(path);
//     });
//   }

#ifndef VISION_BASE_TORCH_STATUS_H_
#define VISION_BASE_TORCH_STATUS_H_

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {
namespace internal {

// Maps the exception being handled to a status whose message starts with
// "<what>: ". Rethrows what is no std::exception. Call only from a handler.
//   c10::IndexError                     -> kOutOfRange
//   c10::ValueError, c10::TypeError     -> kInvalidArgument
//   c10::NotImplementedError            -> kUnimplemented
//   out of memory, std::bad_alloc       -> kResourceExhausted
//   any other c10::Error/std::exception -> kInternal
absl::Status StatusFromCurrentException(absl::string_view what);

}  // namespace internal

// Calls `f`, which returns void or absl::Status, and turns exceptions into a
// status. `what` names the action in the message.
template <typename F>
absl::Status StatusFromTorch(absl::string_view what, F&& f) {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      std::forward<F>(f)();
      return absl::OkStatus();
    } else {
      return std::forward<F>(f)();
    }
  } catch (...) {
    return internal::StatusFromCurrentException(what);
  }
}

namespace internal {
template <typename T>
struct StatusOrOf {
  using Type = absl::StatusOr<T>;
};
template <typename T>
struct StatusOrOf<absl::StatusOr<T>> {
  using Type = absl::StatusOr<T>;
};
}  // namespace internal

// Calls `f`, which returns T or absl::StatusOr<T>, and returns its value, its
// error, or the status of the exception it threw.
template <typename F>
auto CallTorch(absl::string_view what, F&& f) ->
    typename internal::StatusOrOf<std::decay_t<decltype(f())>>::Type {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    return internal::StatusFromCurrentException(what);
  }
}

}  // namespace vision

#endif  // VISION_BASE_TORCH_STATUS_H_
