#include "wsol/report_run/run_source.h"

#include <cmath>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "wsol/report_run/report_options.h"
#include "wsol/results/results_json.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

constexpr char kHistory[] = R"({"schema_version": 1, "selected_by": "PxAP",
    "best_epoch": 1, "epochs": [
    {"epoch": 0, "learning_rate": 0.1, "loss": 0, "values": {},
     "validation": {"PxAP": 20.5}, "seconds": 1},
    {"epoch": 1, "learning_rate": 0.1, "loss": null, "values": {},
     "validation": {"PxAP": 40, "Top1Cls": null}, "seconds": 2}]})";

class RunSourceTest : public ::testing::Test {
 protected:
  RunSourceTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  void Write(absl::string_view name, absl::string_view text) const {
    const std::string path = vision::JoinPath(dir_, name);
    std::filesystem::create_directories(path.substr(0, path.rfind('/')));
    ASSERT_THAT(vision::WriteFileAtomically(path, text), IsOk());
  }
  absl::StatusOr<RunSource> Open(absl::string_view name = "") const {
    return OpenRun(
        {"mine", name.empty() ? dir_ : vision::JoinPath(dir_, name)});
  }

  const std::string dir_;
  const std::string results_ = ResultsToJson(SampleBoxResults()).value();
};

TEST_F(RunSourceTest, ReadsAnExperiment) {
  Write("test_best.json", results_);
  Write("history.json", kHistory);
  Write("test_maps/a.npy", "");
  const absl::StatusOr<RunSource> run = Open();
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->label, "mine");
  EXPECT_EQ(run->results->num_images, 4);
  EXPECT_EQ(run->history->selected_by, "PxAP");
  EXPECT_EQ(run->history->best_epoch, 1);
  ASSERT_EQ(run->history->epochs.size(), 2u);
  EXPECT_EQ(run->history->epochs[0].validation[0].second, 20.5);
  EXPECT_TRUE(std::isnan(run->history->epochs[1].loss));
  EXPECT_EQ(run->map_dir, vision::JoinPath(dir_, "test_maps"));
}

TEST_F(RunSourceTest, SaysWhatAnExperimentLacks) {
  Write("test_last.json", results_);
  absl::StatusOr<RunSource> run = Open();
  ASSERT_THAT(run, IsOk());
  EXPECT_THAT(run->no_maps, HasSubstr("--save_test_maps"));
  EXPECT_EQ(run->no_history, "the folder has no history.json");
  // The maps are those of another model than the results.
  Write("test_maps/a.npy", "");
  run = Open();
  ASSERT_THAT(run, IsOk());
  EXPECT_EQ(run->map_dir, "");
  EXPECT_THAT(run->no_maps, HasSubstr("no test_best.json"));
}

TEST_F(RunSourceTest, ReadsAResultsFileAndAFolderOfMaps) {
  Write("r.json", results_);
  absl::StatusOr<RunSource> run = Open("r.json");
  ASSERT_THAT(run, IsOk());
  EXPECT_TRUE(run->results.has_value());
  EXPECT_EQ(run->map_dir, "");
  Write("maps/a/x.png", "");
  run = Open("maps");
  ASSERT_THAT(run, IsOk());
  EXPECT_FALSE(run->results.has_value());
  EXPECT_EQ(run->map_dir, vision::JoinPath(dir_, "maps"));
}

TEST_F(RunSourceTest, SaysWhatIsNoRun) {
  EXPECT_THAT(Open("none"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("run 'mine': "), HasSubstr("/none'"))));
  EXPECT_THAT(Open(),
              StatusIs(kInvalid, AllOf(HasSubstr(dir_), HasSubstr("is no run"),
                                       HasSubstr("neither test_best.json"))));
  Write("config.yaml", "seed: 1");
  EXPECT_THAT(Open(), StatusIs(kInvalid, HasSubstr("not come to its end")));
  Write("test_best.json", "{");
  EXPECT_THAT(Open(), StatusIs(kInvalid, AllOf(HasSubstr("test_best.json"),
                                               HasSubstr("is no JSON"))));
  Write("test_best.json", results_);
  Write("history.json", "[]");
  EXPECT_THAT(Open(), StatusIs(kInvalid, HasSubstr("history.json")));
}

TEST(ParseRunHistoryTest, SaysWhatIsWrong) {
  const auto fails = [](absl::string_view from, absl::string_view to,
                        const char* message) {
    std::string text = kHistory;
    text.replace(text.find(std::string(from)), from.size(), std::string(to));
    EXPECT_THAT(
        ParseRunHistory(text, "h.json"),
        StatusIs(kInvalid, AllOf(HasSubstr("'h.json'"), HasSubstr(message))));
  };
  EXPECT_THAT(ParseRunHistory(kHistory, "h.json"), IsOk());
  fails("\"schema_version\": 1", "\"schema_version\": 2", "schema_version");
  fails("\"epochs\": [", "\"x\": [", "lacks the list \"epochs\"");
  fails("\"loss\": 0", "\"loss\": \"0\"", "without the number \"loss\"");
  fails("\"epoch\": 0", "\"epoch\": null", "without the number \"epoch\"");
  fails("\"epoch\": 1", "\"epoch\": 0", "out of order");
  fails("{\"PxAP\": 20.5}", "3", "bad \"validation\"");
  fails("20.5", "\"x\"", "bad value of \"PxAP\"");
}

}  // namespace
}  // namespace wsol
