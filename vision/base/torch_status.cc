#include "vision/base/torch_status.h"

#include <exception>
#include <new>
#include <string>

#include "absl/strings/str_cat.h"
#include "c10/util/Exception.h"
#include "glog/logging.h"

namespace vision {
namespace internal {
namespace {

absl::Status FromError(absl::StatusCode code, absl::string_view what,
                       const c10::Error& error) {
  VLOG(1) << what << ": " << error.what();
  return absl::Status(code,
                      absl::StrCat(what, ": ", error.what_without_backtrace()));
}

}  // namespace

absl::Status StatusFromCurrentException(absl::string_view what) {
  try {
    throw;
  } catch (const c10::IndexError& e) {
    return FromError(absl::StatusCode::kOutOfRange, what, e);
  } catch (const c10::ValueError& e) {
    return FromError(absl::StatusCode::kInvalidArgument, what, e);
  } catch (const c10::TypeError& e) {
    return FromError(absl::StatusCode::kInvalidArgument, what, e);
  } catch (const c10::NotImplementedError& e) {
    return FromError(absl::StatusCode::kUnimplemented, what, e);
  } catch (const c10::OutOfMemoryError& e) {
    return FromError(absl::StatusCode::kResourceExhausted, what, e);
  } catch (const c10::Error& e) {
    return FromError(absl::StatusCode::kInternal, what, e);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat(what, ": ", e.what()));
  }
}

}  // namespace internal
}  // namespace vision
