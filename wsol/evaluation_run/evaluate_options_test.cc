#include "wsol/evaluation_run/evaluate_options.h"

#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Pair;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

EvaluateOptions Options() {
  EvaluateOptions options;
  options.metadata_dir = "data/test";
  options.score_maps = "maps";
  return options;
}

TEST(EvaluateOptionsTest, Names) {
  for (const Baseline baseline :
       {Baseline::kCenter, Baseline::kConstant, Baseline::kRandom}) {
    EXPECT_THAT(ParseBaseline(BaselineName(baseline)), IsOkAndHolds(baseline));
  }
  EXPECT_THAT(ParseBaseline("centre"),
              StatusIs(kInvalid, HasSubstr("did you mean center?")));
  EXPECT_THAT(ParseBoxModes("v1"),
              IsOkAndHolds(ElementsAre(BoxMode::kLargestContour)));
  EXPECT_THAT(ParseBoxModes("v2"),
              IsOkAndHolds(ElementsAre(BoxMode::kAllContours)));
  EXPECT_THAT(ParseBoxModes("both"),
              IsOkAndHolds(ElementsAre(BoxMode::kLargestContour,
                                       BoxMode::kAllContours)));
  EXPECT_THAT(ParseBoxModes("v3"), StatusIs(kInvalid, HasSubstr("box mode")));
  for (const BadScores policy : {BadScores::kReject, BadScores::kReplace}) {
    EXPECT_THAT(ParseBadScores(BadScoresName(policy)), IsOkAndHolds(policy));
  }
  EXPECT_THAT(ParseBadScores(""), StatusIs(kInvalid));
}

TEST(EvaluateOptionsTest, NamesTheBadFlag) {
  EXPECT_THAT(Options().Validate(), IsOk());
  const std::pair<std::function<void(EvaluateOptions*)>, const char*> cases[] =
      {
          {[](EvaluateOptions* o) { o->metadata_dir.clear(); },
           "--metadata_dir is needed"},
          {[](EvaluateOptions* o) { o->score_maps.clear(); },
           "got none of --score_maps"},
          {[](EvaluateOptions* o) { o->baseline = Baseline::kCenter; },
           "got several of --score_maps"},
          {[](EvaluateOptions* o) { o->checkpoint = "x.pt"; },
           "got several of --score_maps"},
          {[](EvaluateOptions* o) { o->num_classes = -1; }, "--num_classes"},
          {[](EvaluateOptions* o) { o->tau_interval = 0; }, "--tau_interval"},
          {[](EvaluateOptions* o) { o->tau_interval = 1; }, "--tau_interval"},
          {[](EvaluateOptions* o) {
             o->tau_interval = std::numeric_limits<double>::quiet_NaN();
           },
           "--tau_interval"},
          {[](EvaluateOptions* o) { o->tau = 0.0005; }, "--tau"},
          {[](EvaluateOptions* o) { o->tau = 1; }, "--tau"},
          {[](EvaluateOptions* o) {
             o->tau = std::numeric_limits<double>::quiet_NaN();
           },
           "--tau"},
          {[](EvaluateOptions* o) {
             o->tau = 0.5;
             o->tau_from = "x";
           },
           "both --tau and --tau_from"},
          {[](EvaluateOptions* o) { o->box_modes.clear(); }, "box_modes"},
          {[](EvaluateOptions* o) { o->num_threads = 0; }, "num_threads"},
          {[](EvaluateOptions* o) {
             o->score_maps.clear();
             o->checkpoint = "x.pt";
             o->predictions = "p.csv";
           },
           "--predictions beside --checkpoint"},
          {[](EvaluateOptions* o) {
             o->score_maps.clear();
             o->checkpoint = "x.pt";
           },
           "--image_root is needed"},
          {[](EvaluateOptions* o) { o->checkpoint_options.batch_size = 0; },
           "--batch_size is 0"},
      };
  for (const auto& [change, message] : cases) {
    EvaluateOptions options = Options();
    change(&options);
    EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr(message)));
  }
}

// The number of threads and the output are not among them.
TEST(EvaluateOptionsTest, ConfigIsWhatResultsDependOn) {
  EvaluateOptions options = Options();
  options.tau = 0.25;
  options.output = "x.json";
  options.num_threads = 7;
  EXPECT_THAT(
      options.Config(),
      ElementsAre(Pair("metadata_dir", "data/test"), Pair("score_maps", "maps"),
                  Pair("size_policy", "any"), Pair("bad_scores", "reject"),
                  Pair("mode", "protocol"), Pair("box_mode", "both"),
                  Pair("tau_interval", "0.001"), Pair("tau", "0.25")));
  options = Options();
  options.score_maps.clear();
  options.baseline = Baseline::kRandom;
  options.box_modes = {BoxMode::kAllContours};
  EXPECT_THAT(
      options.Config(),
      ElementsAre(Pair("metadata_dir", "data/test"), Pair("baseline", "random"),
                  Pair("mode", "protocol"), Pair("box_mode", "v2"),
                  Pair("tau_interval", "0.001")));
}

}  // namespace
}  // namespace wsol
