#include "vision/nn/pretrained_state_dict.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::StatusIs;

// The files themselves are 20 to 550 MB; their pieces are tested one by one.
TEST(ReadPretrainedStateDictTest, ErrorsAreThoseOfTheFile) {
  const std::string dir = ::testing::TempDir();
  EXPECT_THAT(ReadPretrainedStateDict("vgg16", dir, PretrainedForm::kWsol),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("no vgg16-397923af.pth")));
  EXPECT_THAT(ReadPretrainedStateDict("vgg61", dir, PretrainedForm::kImageNet),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unknown pretrained weights \"vgg61\"")));
}

}  // namespace
}  // namespace vision
