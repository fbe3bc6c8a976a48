#include "wsol/pooling/pooling.h"

#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

PoolingOptions GoodOptions() {
  PoolingOptions options;
  options.in_channels = 4;
  options.num_classes = 3;
  return options;
}

void ExpectError(const PoolingOptions& options, const std::string& message) {
  EXPECT_THAT(options.Validate(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(PixelSelectionTest, FractionsAreRoundedHalfToEven) {
  EXPECT_EQ(PixelSelection{0.5}.Of(784), 392);
  EXPECT_EQ(PixelSelection{0.25}.Of(30), 8);  // 7.5 -> 8
  EXPECT_EQ(PixelSelection{0.15}.Of(30), 4);  // 4.5 -> 4
  EXPECT_EQ(PixelSelection{0.5}.Of(1), 0);    // 0.5 -> 0
  EXPECT_EQ(PixelSelection{0.999}.Of(10), 10);
}

TEST(PixelSelectionTest, OneIsAllUnlessItCounts) {
  EXPECT_EQ(PixelSelection{1.0}.Of(30), 30);
  EXPECT_EQ((PixelSelection{1, /*is_count=*/true}.Of(30)), 1);
}

TEST(PixelSelectionTest, CountsAreRoundedDownAndBounded) {
  EXPECT_EQ(PixelSelection{4.9}.Of(30), 4);
  EXPECT_EQ(PixelSelection{31}.Of(30), 30);
  EXPECT_EQ(PixelSelection{0}.Of(30), 0);
  EXPECT_EQ(PixelSelection{-2}.Of(30), 0);
}

TEST(PoolingOptionsTest, RejectsBadFieldsByName) {
  EXPECT_THAT(GoodOptions().Validate(), IsOk());
  PoolingOptions options = GoodOptions();
  options.in_channels = 0;
  ExpectError(options, "in_channels is 0, expected at least 1 channel");
  options = GoodOptions();
  options.num_classes = -1;
  ExpectError(options, "num_classes is -1, expected at least 1 class");
  options = GoodOptions();
  options.lse_sharpness = 0;
  ExpectError(options, "lse_sharpness is 0, expected a positive number");
  options.lse_sharpness = NAN;
  ExpectError(options, "lse_sharpness is nan");
  options = GoodOptions();
  options.wildcat_modalities = 0;
  ExpectError(options, "wildcat_modalities is 0");
  options = GoodOptions();
  options.wildcat_kmax = {0};
  ExpectError(options, "wildcat_kmax is 0, expected a fraction above 0");
  options = GoodOptions();
  options.wildcat_kmin = {-0.5};
  ExpectError(options, "wildcat_kmin is -0.5");
  options = GoodOptions();
  options.wildcat_alpha = INFINITY;
  ExpectError(options, "wildcat_alpha is inf");
  options = GoodOptions();
  options.wildcat_dropout = 1;
  ExpectError(options, "wildcat_dropout is 1, expected a probability below 1");
}

}  // namespace
}  // namespace wsol
