#include "wsol/cam/factory.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/cam/cam_method.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(CamFactoryTest, MakesEachMethodByItsName) {
  for (const std::string& name : CamMethodNames()) {
    EXPECT_THAT(ParseCamMethod(name), IsOkAndHolds(name));
    CamOptions options;
    options.method = name;
    EXPECT_THAT(MakeCamMethod(options), IsOk()) << name;
  }
}

TEST(CamFactoryTest, TakesPublishedAndOtherSpellings) {
  const std::pair<const char*, const char*> spellings[] = {
      {"GradCam", "GradCAM"},
      {"Grad-CAM", "GradCAM"},
      {"GradCAMpp", "GradCAM++"},
      {"Grad-CAM++", "GradCAM++"},
      {"GradCAMPlusPlus", "GradCAM++"},
      {"SmoothGradCAMpp", "SmoothGradCAM++"},
      {"xgradcam", "XGradCAM"},
      {"LayerCAM", "LayerCAM"},
      {"Score_CAM", "ScoreCAM"},
      {"WILDCAT", "CAM"},
      {"GAP", "CAM"},
      {"MaxPOL", "CAM"},
      {"LogSumExp", "CAM"},
  };
  for (const auto& [spelling, name] : spellings) {
    EXPECT_THAT(ParseCamMethod(spelling), IsOkAndHolds(name)) << spelling;
  }
}

TEST(CamFactoryTest, NamesTheNearestOfUnknownNames) {
  CamOptions options;
  options.method = "LayrCAM";
  EXPECT_THAT(MakeCamMethod(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean LayerCAM")));
}

TEST(CamFactoryTest, RejectsBadOptions) {
  CamOptions options;
  options.smooth_samples = 0;
  EXPECT_THAT(MakeCamMethod(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("smooth_samples")));
}

}  // namespace
}  // namespace wsol
