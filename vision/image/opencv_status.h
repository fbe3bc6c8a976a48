// The one place where exceptions of OpenCV become absl::Status.
//
//   absl::StatusOr<cv::Mat> Blur(const cv::Mat& image) {
//     return vision::CallOpencv("blurring", [&] { return DoBlur(image); });
//   }
//
// Each public entry point that hands outside data to OpenCV wraps its body
// once; helpers below it do not catch.

#ifndef VISION_IMAGE_OPENCV_STATUS_H_
#define VISION_IMAGE_OPENCV_STATUS_H_

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {
namespace internal {

// Maps the exception being handled to a status whose message starts with
// "<what>: ". Rethrows what is no std::exception. Call only from a handler.
//   cv::Exception, no memory (-4), std::bad_alloc  -> kResourceExhausted
//   cv::Exception, bad argument, size, type, range -> kInvalidArgument
//   cv::Exception, not implemented                 -> kUnimplemented
//   any other cv::Exception or std::exception      -> kInternal
absl::Status StatusFromCurrentOpencvException(absl::string_view what);

template <typename T>
struct OpencvStatusOr {
  using Type = absl::StatusOr<T>;
};
template <typename T>
struct OpencvStatusOr<absl::StatusOr<T>> {
  using Type = absl::StatusOr<T>;
};

}  // namespace internal

// Calls `f`, which returns void or absl::Status, and turns exceptions into a
// status. `what` names the action in the message.
template <typename F>
absl::Status StatusFromOpencv(absl::string_view what, F&& f) {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      std::forward<F>(f)();
      return absl::OkStatus();
    } else {
      return std::forward<F>(f)();
    }
  } catch (...) {
    return internal::StatusFromCurrentOpencvException(what);
  }
}

// Calls `f`, which returns T or absl::StatusOr<T>, and returns its value, its
// error, or the status of the exception it threw.
template <typename F>
auto CallOpencv(absl::string_view what, F&& f) ->
    typename internal::OpencvStatusOr<std::decay_t<decltype(f())>>::Type {
  try {
    return std::forward<F>(f)();
  } catch (...) {
    return internal::StatusFromCurrentOpencvException(what);
  }
}

}  // namespace vision

#endif  // VISION_IMAGE_OPENCV_STATUS_H_
