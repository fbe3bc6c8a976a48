// GoogleTest matchers for absl::Status and absl::StatusOr.
//
//   EXPECT_THAT(DoThing(), IsOk());
//   EXPECT_THAT(Count(), IsOkAndHolds(3));
//   EXPECT_THAT(Read("x"), StatusIs(absl::StatusCode::kNotFound,
//                                   HasSubstr("x")));

#ifndef TESTING_STATUS_MATCHERS_H_
#define TESTING_STATUS_MATCHERS_H_

#include <ostream>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace testing {
namespace internal_status {

inline const absl::Status& GetStatus(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

class IsOkMatcher {
 public:
  using is_gtest_matcher = void;

  template <typename T>
  bool MatchAndExplain(const T& value, MatchResultListener* listener) const {
    const absl::Status& status = GetStatus(value);
    if (!status.ok()) *listener << "which is " << status;
    return status.ok();
  }
  void DescribeTo(std::ostream* os) const { *os << "is OK"; }
  void DescribeNegationTo(std::ostream* os) const { *os << "is not OK"; }
};

template <typename M>
class IsOkAndHoldsMatcher {
 public:
  using is_gtest_matcher = void;

  explicit IsOkAndHoldsMatcher(M matcher) : matcher_(std::move(matcher)) {}

  template <typename T>
  bool MatchAndExplain(const absl::StatusOr<T>& value,
                       MatchResultListener* listener) const {
    if (!value.ok()) {
      *listener << "which is " << value.status();
      return false;
    }
    return SafeMatcherCast<const T&>(matcher_).MatchAndExplain(*value,
                                                               listener);
  }
  void DescribeTo(std::ostream* os) const {
    *os << "is OK and holds a value that matches";
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "is not OK or holds a value that does not match";
  }

 private:
  M matcher_;
};

class StatusIsMatcher {
 public:
  using is_gtest_matcher = void;

  StatusIsMatcher(absl::StatusCode code, Matcher<std::string> message)
      : code_(code), message_(std::move(message)) {}

  template <typename T>
  bool MatchAndExplain(const T& value, MatchResultListener* listener) const {
    const absl::Status& status = GetStatus(value);
    *listener << "which is " << status;
    return status.code() == code_ &&
           message_.MatchAndExplain(std::string(status.message()), listener);
  }
  void DescribeTo(std::ostream* os) const {
    *os << "has code " << absl::StatusCodeToString(code_)
        << " and a message that ";
    message_.DescribeTo(os);
  }
  void DescribeNegationTo(std::ostream* os) const {
    *os << "has a code other than " << absl::StatusCodeToString(code_)
        << " or a message that ";
    message_.DescribeNegationTo(os);
  }

 private:
  absl::StatusCode code_;
  Matcher<std::string> message_;
};

}  // namespace internal_status

// Matches a Status or StatusOr that is OK.
inline internal_status::IsOkMatcher IsOk() { return {}; }

// Matches a StatusOr that is OK and whose value matches `matcher`.
template <typename M>
internal_status::IsOkAndHoldsMatcher<std::decay_t<M>> IsOkAndHolds(
    M&& matcher) {
  return internal_status::IsOkAndHoldsMatcher<std::decay_t<M>>(
      std::forward<M>(matcher));
}

// Matches a Status or StatusOr of this code whose message matches `message`.
template <typename M>
internal_status::StatusIsMatcher StatusIs(absl::StatusCode code, M&& message) {
  return internal_status::StatusIsMatcher(
      code, MatcherCast<std::string>(std::forward<M>(message)));
}
inline internal_status::StatusIsMatcher StatusIs(absl::StatusCode code) {
  return internal_status::StatusIsMatcher(code, A<std::string>());
}

}  // namespace testing

#endif  // TESTING_STATUS_MATCHERS_H_
