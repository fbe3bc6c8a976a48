#include "wsol/report_run/report_run.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/evaluation_run/evaluate.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/report_run/report_options.h"
#include "wsol/report_run/split_files.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

constexpr char kHistory[] = R"({"schema_version": 1, "selected_by": "MaxBoxAcc",
    "best_epoch": 2, "epochs": [
    {"epoch": 0, "loss": 0, "validation": {"MaxBoxAcc": 20}, "seconds": 1},
    {"epoch": 1, "loss": 2, "validation": {"MaxBoxAcc": 60}, "seconds": 1},
    {"epoch": 2, "loss": 1, "validation": {"MaxBoxAcc": 80}, "seconds": 1}]})";

class ReportRunTest : public ::testing::Test {
 protected:
  ReportRunTest() {
    files_.WriteMaps("cam", 0.5);
    files_.WriteMaps("fcam", 0.9);
  }
  std::string Path(absl::string_view name) const { return files_.Path(name); }

  // Results of //wsol:evaluate of a folder of maps as a file.
  void WriteResults(const std::string& maps, const std::string& kind,
                    const std::string& file,
                    EvaluationMode mode = EvaluationMode::kProtocol) const {
    EvaluateOptions options;
    options.metadata_dir = Path(kind);
    options.mask_root = Path("images");
    options.score_maps = Path(maps);
    options.mode = mode;
    options.tau_interval = 0.01;
    const absl::StatusOr<EvaluateReport> report = Evaluate(options, {});
    ASSERT_THAT(report, IsOk());
    std::filesystem::create_directories(
        std::filesystem::path(Path(file)).parent_path());
    ASSERT_THAT(WriteReport(*report, Path(file)), IsOk());
  }

  ReportOptions Options(const std::vector<std::string>& paths) const {
    ReportOptions options;
    for (const std::string& path : paths) {
      options.runs.push_back({absl::StrCat("run ", path), Path(path)});
    }
    options.output_dir = Path("report");
    options.tau_interval = 0.01;
    options.num_panel_images = 2;
    options.bootstrap.num_resamples = 50;
    options.show_progress = false;
    return options;
  }
  ReportOptions WithSplit(ReportOptions options) const {
    options.metadata_dir = Path("boxes");
    options.mask_metadata_dir = Path("masks");
    options.image_root = Path("images");
    return options;
  }
  std::string Read(absl::string_view name) const {
    return vision::ReadFile(vision::JoinPath(Path("report"), name)).value();
  }

  SplitFiles files_;
};

// Every file that is promised is there and can be read.
TEST_F(ReportRunTest, ReportsOnScoreMaps) {
  const absl::StatusOr<ReportOutcome> outcome =
      RunReport(WithSplit(Options({"cam", "fcam"})));
  ASSERT_THAT(outcome, IsOk());
  for (const char* const name :
       {"result_table.png", "tau_max_box_acc.png", "tau_max_box_acc_v2.png",
        "tau_mask_iou.png", "precision_recall.png", "activations.png",
        "activations_object.png", "activations_background.png",
        "panels_random.png", "panels_best.png", "panels_worst.png",
        "resolution_masks.png", "resolution_boxes.png"}) {
    EXPECT_THAT(outcome->files, Contains(name));
    EXPECT_THAT(vision::ReadRgb(vision::JoinPath(Path("report"), name)),
                IsOk());
  }
  EXPECT_EQ(outcome->files.back(), "report.html");
  for (const std::string& name : outcome->files)
    EXPECT_GT(Read(name).size(), 9u);
  const std::string table = Read("result_table.md");
  // Maps of the truth; the constant finds no box of a quarter of the image.
  EXPECT_THAT(table, HasSubstr("| Constant | 0.0 |"));
  EXPECT_THAT(table, HasSubstr("| run fcam | **100.0** |"));
  EXPECT_THAT(Read("result_table.csv"), HasSubstr("run cam,100.0,"));
  EXPECT_THAT(Read("difference_2.json"), HasSubstr("\"MaxBoxAcc\""));
  const std::string html = Read("report.html");
  for (const char* const text :
       {"Results", "Differences", "Thresholds", "Activations", "Images",
        "What resolution is worth",
        "Worst ones: smallest IoU of the box of "
        "run fcam",
        "score maps tell nothing about epochs"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(outcome->text, HasSubstr("run fcam"));
}

TEST_F(ReportRunTest, GivesTheSameBytesAgain) {
  ReportOptions options = WithSplit(Options({"cam", "fcam"}));
  ASSERT_THAT(RunReport(options), IsOk());
  const std::string first = Read("report.html");
  options.num_threads = 3;
  ASSERT_THAT(RunReport(options), IsOk());
  EXPECT_EQ(Read("report.html") == first, true);
}

// An experiment's folder, of boxes alone, beside results in a file.
TEST_F(ReportRunTest, ReportsOnExperimentsAndFiles) {
  WriteResults("cam", "boxes", "cam.json");
  WriteResults("fcam", "boxes", "exp/test_best.json");
  files_.Write("exp/history.json", kHistory);
  files_.WriteMaps("exp/test_maps", 0.9);
  // No split: what there is.
  absl::StatusOr<ReportOutcome> outcome =
      RunReport(Options({"cam.json", "exp"}));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(
      outcome->files,
      AllOf(Contains("training_2.png"), Contains("activations.png"),
            Contains("tau_max_box_acc.png"), Not(Contains("panels_random.png")),
            Not(Contains("activations_object.png")),
            Not(Contains("resolution_boxes.png"))));
  const std::string reasons = absl::StrCat(outcome->text);
  for (const char* const reason :
       {"left out: baselines: they need the split",
        "left out: histogram and panels of run cam.json: results in a file "
        "have no maps",
        "left out: panels: they need the split, --metadata_dir and "
        "--image_root",
        "left out: simulation of lost resolution: it needs the split",
        "left out: training of run cam.json"}) {
    EXPECT_THAT(reasons, HasSubstr(reason));
  }
  // With the split, but no images.
  ReportOptions options = Options({"cam.json", "exp"});
  options.metadata_dir = Path("boxes");
  outcome = RunReport(options);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->text,
              HasSubstr("panels: they need the images, --image_root"));
  EXPECT_THAT(outcome->files, Contains("resolution_boxes.png"));
  EXPECT_THAT(Read("result_table.md"), HasSubstr("| Centre |"));
}

TEST_F(ReportRunTest, HistogramsOfMasksNeedNoMaps) {
  WriteResults("cam", "masks", "cam.json");
  ReportOptions options = Options({"cam.json"});
  options.log_histogram = true;
  const absl::StatusOr<ReportOutcome> outcome = RunReport(options);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->files, AllOf(Contains("activations_object.png"),
                                    Contains("precision_recall.png"),
                                    Not(Contains("tau_max_box_acc.png"))));
  EXPECT_THAT(outcome->text, HasSubstr("left out: panels of run cam.json"));
}

TEST_F(ReportRunTest, OneRunOfNativeMode) {
  WriteResults("cam", "boxes", "cam.json", EvaluationMode::kNative);
  ReportOptions options = Options({"cam.json"});
  options.metadata_dir = Path("boxes");
  const absl::StatusOr<ReportOutcome> outcome = RunReport(options);
  ASSERT_THAT(outcome, IsOk());
  EXPECT_THAT(outcome->text, HasSubstr("evaluated in native mode"));
  EXPECT_FALSE(outcome->left_out.empty());
  EXPECT_THAT(Read("result_table.md"), Not(HasSubstr("Centre")));
  // The maps can be shown, but no box.
  WriteResults("cam", "boxes", "exp/test_best.json", EvaluationMode::kNative);
  files_.WriteMaps("exp/test_maps", 0.9);
  const absl::StatusOr<ReportOutcome> maps =
      RunReport(WithSplit(Options({"exp"})));
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(maps->files, AllOf(Contains("panels_random.png"),
                                 Not(Contains("panels_best.png"))));
  EXPECT_THAT(maps->text, HasSubstr("thresholds of native mode"));
  options = WithSplit(Options({"cam.json", "fcam"}));
  EXPECT_THAT(RunReport(options),
              StatusIs(kInvalid, HasSubstr("evaluated in protocol mode")));
  WriteResults("fcam", "boxes", "fcam.json");
  EXPECT_THAT(RunReport(Options({"cam.json", "fcam.json"})),
              StatusIs(kInvalid, HasSubstr("different modes")));
}

TEST_F(ReportRunTest, SaysWhatIsWrongAndWritesNothing) {
  EXPECT_THAT(RunReport(Options({"cam"})),
              StatusIs(kInvalid, HasSubstr("need --metadata_dir")));
  EXPECT_THAT(RunReport(Options({"nowhere"})),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere'")));
  EXPECT_THAT(RunReport(Options({"images"})).status().message(),
              Not(HasSubstr("report.html")));

  // Runs of different splits.
  WriteResults("cam", "boxes", "boxes.json");
  WriteResults("cam", "masks", "masks.json");
  EXPECT_THAT(RunReport(Options({"boxes.json", "masks.json"})),
              StatusIs(kInvalid, AllOf(HasSubstr("'run boxes.json'"),
                                       HasSubstr("'run masks.json'"),
                                       HasSubstr("of different splits"),
                                       HasSubstr("data_sha256"))));
  ReportOptions options = Options({"masks.json"});
  options.metadata_dir = Path("boxes");
  EXPECT_THAT(RunReport(options),
              StatusIs(kInvalid, HasSubstr("against other images")));

  // Maps that are missing, damaged or no maps.
  std::filesystem::remove(Path("fcam/a_1.npy"));
  EXPECT_THAT(
      RunReport(WithSplit(Options({"cam", "fcam"}))),
      StatusIs(kInvalid, AllOf(HasSubstr(Path("fcam")), HasSubstr("a/1.png"))));
  files_.Write("fcam/a_1.npy", "damaged");
  EXPECT_THAT(RunReport(WithSplit(Options({"cam", "fcam"}))),
              StatusIs(kInvalid, AllOf(HasSubstr("run 'run fcam'"),
                                       HasSubstr(Path("fcam/a_1.npy")))));
  EXPECT_FALSE(vision::FileExists(Path("report/report.html")));
}

TEST_F(ReportRunTest, StopsWhenAsked) {
  ReportOptions options = WithSplit(Options({"cam"}));
  options.should_stop = [] { return true; };
  EXPECT_THAT(RunReport(options), StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace wsol
