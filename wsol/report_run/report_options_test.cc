#include "wsol/report_run/report_options.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ParseReportRunsTest, KeepsTheOrder) {
  const absl::StatusOr<std::vector<ReportRun>> runs =
      ParseReportRuns("F-CAM=runs/fcam, CAM (ours) = a=b/c");
  ASSERT_THAT(runs, IsOk());
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[0].label, "F-CAM");
  EXPECT_EQ((*runs)[0].path, "runs/fcam");
  EXPECT_EQ((*runs)[1].label, "CAM (ours)");
  EXPECT_EQ((*runs)[1].path, "a=b/c");
}

TEST(ParseReportRunsTest, NamesTheItemThatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"", "'' is empty"},
      {"runs/cam", "'runs/cam' has no '='"},
      {"CAM=a,", "'' is empty"},
      {"=runs/cam", "'=runs/cam' has no label"},
      {"CAM= ", "'CAM=' has no path"},
      {"CAM=a,CAM=b", "'CAM=b' has the label of another run"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(ParseReportRuns(text), StatusIs(kInvalid, HasSubstr(message)));
    EXPECT_THAT(ParseReportRuns(text),
                StatusIs(kInvalid, HasSubstr("expected label=path")));
  }
}

TEST(ReportOptionsTest, NamesTheFlagThatIsWrong) {
  ReportOptions good;
  good.runs = {{"a", "b"}};
  good.output_dir = "out";
  EXPECT_THAT(good.Validate(), IsOk());
  const auto fails = [&good](const auto& change, const std::string& message) {
    ReportOptions options = good;
    change(&options);
    EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr(message)));
  };
  using O = ReportOptions;
  fails([](O* o) { o->runs.clear(); }, "--runs is needed");
  fails([](O* o) { o->output_dir.clear(); }, "--output_dir is needed");
  fails([](O* o) { o->num_panel_images = 101; },
        "--panel_images: got 101, expected 0 to 100");
  fails([](O* o) { o->num_simulated_images = -1; }, "--simulated_images");
  fails([](O* o) { o->image_root = "x"; },
        "--image_root is of no use without --metadata_dir");
  fails([](O* o) { o->tau_interval = 1; }, "--tau_interval");
  fails([](O* o) { o->num_threads = 0; }, "--threads");
  fails([](O* o) { o->bootstrap.num_resamples = 0; }, "resamples");
}

}  // namespace
}  // namespace wsol
