#include "vision/image/opencv_status.h"

#include <exception>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"

namespace vision {
namespace internal {
namespace {

absl::StatusCode CodeOf(int opencv_code) {
  switch (opencv_code) {
    case cv::Error::StsNoMem:
      return absl::StatusCode::kResourceExhausted;
    case cv::Error::StsBadArg:
    case cv::Error::StsBadSize:
    case cv::Error::StsOutOfRange:
    case cv::Error::StsUnmatchedFormats:
    case cv::Error::StsUnmatchedSizes:
    case cv::Error::StsUnsupportedFormat:
    case cv::Error::BadDepth:
    case cv::Error::BadNumChannels:
      return absl::StatusCode::kInvalidArgument;
    case cv::Error::StsNotImplemented:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status StatusFromCurrentOpencvException(absl::string_view what) {
  try {
    throw;
  } catch (const cv::Exception& e) {
    // what() adds OpenCV's version and a path of its build machine.
    return absl::Status(CodeOf(e.code), absl::StrCat(what, ": ", e.err));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
  } catch (const std::exception& e) {
    return absl::InternalError(absl::StrCat(what, ": ", e.what()));
  }
}

}  // namespace internal
}  // namespace vision
