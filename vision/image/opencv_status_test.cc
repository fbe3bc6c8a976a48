#include "vision/image/opencv_status.h"

#include <new>
#include <stdexcept>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::StatusIs;

TEST(OpencvStatusTest, ReturnsWhatTheFunctionReturns) {
  EXPECT_THAT(StatusFromOpencv("test", [] {}), IsOk());
  EXPECT_THAT(StatusFromOpencv("test", [] { return absl::AbortedError("x"); }),
              StatusIs(absl::StatusCode::kAborted, "x"));
  EXPECT_THAT(CallOpencv("test", [] { return 3; }), IsOkAndHolds(3));
  EXPECT_THAT(CallOpencv("test", []() -> absl::StatusOr<int> { return 4; }),
              IsOkAndHolds(4));
  EXPECT_THAT(CallOpencv("test",
                         []() -> absl::StatusOr<int> {
                           return absl::AbortedError("y");
                         }),
              StatusIs(absl::StatusCode::kAborted, "y"));
}

TEST(OpencvStatusTest, RealErrorOfOpencv) {
  const auto add = [] {
    cv::Mat sum;
    cv::add(cv::Mat(2, 2, CV_8UC1), cv::Mat(3, 3, CV_8UC1), sum);
    return sum;
  };
  const absl::Status status = CallOpencv("adding", add).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("adding: ")));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr(".cpp")));
}

absl::StatusCode CodeFor(int opencv_code) {
  return StatusFromOpencv("test",
                          [opencv_code] {
                            throw cv::Exception(opencv_code, "reason", "f",
                                                "file", 1);
                          })
      .code();
}

TEST(OpencvStatusTest, MapsCodes) {
  EXPECT_EQ(CodeFor(cv::Error::StsNoMem), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeFor(cv::Error::StsBadArg), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeFor(cv::Error::StsOutOfRange),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(CodeFor(cv::Error::StsNotImplemented),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(CodeFor(cv::Error::StsAssert), absl::StatusCode::kInternal);
}

TEST(OpencvStatusTest, MapsStandardExceptions) {
  EXPECT_THAT(
      StatusFromOpencv("test", [] { throw std::runtime_error("reason"); }),
      StatusIs(absl::StatusCode::kInternal, "test: reason"));
  EXPECT_THAT(
      CallOpencv("test", []() -> int { throw std::bad_alloc(); }),
      StatusIs(absl::StatusCode::kResourceExhausted, "test: out of memory"));
}

TEST(OpencvStatusTest, LetsUnknownThingsPass) {
  EXPECT_THROW(StatusFromOpencv("test", [] { throw 1; }).IgnoreError(),
               int);  // NOLINT
}

}  // namespace
}  // namespace vision
