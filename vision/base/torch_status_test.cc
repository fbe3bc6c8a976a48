#include "vision/base/torch_status.h"

#include <new>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(TorchStatusTest, PassesValuesAndStatusesThrough) {
  EXPECT_THAT(StatusFromTorch("doing nothing", [] {}), IsOk());
  EXPECT_THAT(
      StatusFromTorch("failing", [] { return absl::AbortedError("x"); }),
      StatusIs(absl::StatusCode::kAborted, "x"));
  EXPECT_THAT(CallTorch("adding", [] { return 1 + 2; }), IsOkAndHolds(3));
  EXPECT_THAT(CallTorch("failing",
                        []() -> absl::StatusOr<int> {
                          return absl::AbortedError("x");
                        }),
              StatusIs(absl::StatusCode::kAborted, "x"));
}

TEST(TorchStatusTest, MapsTorchErrors) {
  EXPECT_THAT(
      CallTorch("multiplying",
                [] {
                  return at::ones({2, 3}).mm(at::ones({2, 3}));
                }),
      StatusIs(absl::StatusCode::kInternal, HasSubstr("multiplying: ")));
  EXPECT_THAT(CallTorch("indexing", [] { return at::ones({2})[5]; }),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("indexing")));
}

TEST(TorchStatusTest, MapsStandardExceptionsThatTorchThrows) {
  EXPECT_THAT(CallTorch("reshaping", [] { return at::ones({2}).view({7}); }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("reshaping: ")));
  EXPECT_THAT(StatusFromTorch("allocating", [] { throw std::bad_alloc(); }),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("out of memory")));
}

TEST(TorchStatusTest, LetsUnknownThingsThrough) {
  EXPECT_THROW((void)StatusFromTorch("throwing", [] { throw 7; }), int);
}

}  // namespace
}  // namespace vision
