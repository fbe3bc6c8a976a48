#include "fcam/published/published_files.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/published_names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace fcam {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::StatusIs;

// Two epochs, of which the first is best.
constexpr char kHistory[] = R"({
  "selected_by": "MaxBoxAcc", "best_epoch": 1,
  "epochs": [
    {"epoch": 0, "loss": 0, "values": {},
     "validation": {"MaxBoxAcc": 40.0, "BoxAcc@50": 40.0, "Top1Cls": 5.0}},
    {"epoch": 1, "loss": 2.5, "values": {"accuracy": 0.25},
     "validation": {"MaxBoxAcc": 60.0, "BoxAcc@50": 60.0, "Top1Cls": 10.0}},
    {"epoch": 2, "loss": 1.5, "values": {"accuracy": 0.5},
     "validation": {"MaxBoxAcc": 50.0, "BoxAcc@50": 50.0, "Top1Cls": 20.0}}]})";

// Four images, two thresholds.
json BoxResults() {
  json results = {{"images", 4},       {"MaxBoxAcc", 75.0},
                  {"BoxAcc@70", 25.0}, {"Top1Loc@50", 50.0},
                  {"Top1Cls", 62.5},   {"seed", 3}};
  json& curves = results["curves"];
  curves["tau"] = {0.0, 0.5};
  for (const char* const name : {"BoxAcc", "Top1Loc", "Top5Loc"}) {
    for (const char* const iou : {"30", "50", "70"}) {
      curves[absl::StrCat("v1/", name, "@", iou)] = {1, 3};
    }
  }
  return results;
}

class PublishedFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = vision::JoinPath(::testing::TempDir(), "published_files_test");
    std::filesystem::remove_all(root_);
    folder_ = root_ + "/experiment";
    flags_.dataset = "CUB";
    flags_.method = "CAM";
    flags_.spatial_pooling = "WGAP";
    for (const char* const checkpoint : {"best", "last"}) {
      std::filesystem::create_directories(folder_ + "/" +
                                          ModelTag(flags_, checkpoint));
    }
    Write("history.json", kHistory);
    Write("test_best.json", BoxResults().dump());
    Write("test_last.json", BoxResults().dump());
  }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_THAT(vision::WriteFileAtomically(folder_ + "/" + name, text),
                IsOk());
  }
  std::string Read(const std::string& name) const {
    const auto text = vision::ReadFile(folder_ + "/" + name);
    EXPECT_THAT(text, IsOk());
    return text.value_or("");
  }
  bool Has(const std::string& name) const {
    return vision::FileExists(folder_ + "/" + name);
  }

  std::string root_;
  std::string folder_;
  PublishedFlags flags_;
};

TEST_F(PublishedFilesTest, WritesLogsOfAllMetrics) {
  ASSERT_THAT(WritePublishedFiles(flags_, root_, folder_), IsOk());
  // The published program reports the last epoch beside the best one.
  EXPECT_THAT(
      Read("performance_log_best.txt"),
      AllOf(HasSubstr("REPORT EPOCH/1: split: train/metric loss: 1.5\n"
                      "REPORT EPOCH/1: split: train/metric loss: 1.5_best\n"),
            HasSubstr("REPORT EPOCH/1: split: train/metric classification: "
                      "50.0\n"),
            HasSubstr("REPORT EPOCH/1: split: val/metric localization: 50.0\n"
                      "REPORT EPOCH/1: split: val/metric localization: "
                      "60.0_best\n"),
            HasSubstr("split: val/metric localization_IOU_50: 50.0\n"),
            HasSubstr("split: test/metric localization: 75.0\n"),
            HasSubstr("split: test/metric localization_IOU_70: 25.0\n"),
            HasSubstr("split: test/metric top1_loc_50: 50.0\n"),
            HasSubstr("split: test/metric classification: 62.5\n"),
            Not(HasSubstr("seed"))));
  EXPECT_THAT(Read("performance_log_last.txt"), HasSubstr("REPORT EPOCH/2: "));
  const json log = json::parse(Read("performance_log_best.json"));
  EXPECT_EQ(log["val"]["localization"]["best_epoch"], 1);
  EXPECT_EQ(log["val"]["localization"]["value_per_epoch"],
            json({40.0, 60.0, 50.0}));
  EXPECT_EQ(log["train"]["loss"]["best_function"], "min");
}

TEST_F(PublishedFilesTest, WritesCurves) {
  ASSERT_THAT(WritePublishedFiles(flags_, root_, folder_), IsOk());
  const json curves = json::parse(Read("best/test/curves.json"));
  EXPECT_EQ(curves["x"], json({0.0, 0.5}));
  EXPECT_EQ(curves["70"], json({25.0, 75.0}));
  const json top = json::parse(Read("last/test/curves_top_1_5.json"));
  EXPECT_EQ(top["top5"]["30"], json({25.0, 75.0}));
  for (const char* const name :
       {"best/test/curves_perf.png", "best/test/curves_top1_5.png",
        "CUB-train-boxv2-False.png", "CUB-val-boxv2-False.png"}) {
    EXPECT_TRUE(Has(name)) << name;
  }
}

TEST_F(PublishedFilesTest, WritesCurvesOfMasks) {
  Write("history.json", R"({"selected_by": "PxAP", "best_epoch": 0,
      "epochs": [{"epoch": 0, "loss": 0, "values": {},
                  "validation": {"PxAP": 40.0}}]})");
  const json results = {{"images", 4},
                        {"PxAP", 45.5},
                        {"curves",
                         {{"threshold", {0, 0.5, 1}},
                          {"precision", {0.5, 0.75, nullptr}},
                          {"recall", {1, 0.5, 0}}}}};
  Write("test_best.json", results.dump());
  Write("test_last.json", results.dump());
  ASSERT_THAT(WritePublishedFiles(flags_, root_, folder_), IsOk());
  const json curves = json::parse(Read("best/test/curves.json"));
  EXPECT_EQ(curves["x"], json({1, 0.5, 0}));
  EXPECT_TRUE(Has("best/test/curves_perf.png"));
  EXPECT_THAT(Read("performance_log_best.txt"),
              HasSubstr("split: test/metric localization: 45.5\n"));
}

TEST_F(PublishedFilesTest, SaysThatItPassed) {
  ASSERT_THAT(WritePublishedFiles(flags_, root_, folder_), IsOk());
  EXPECT_EQ(Read("passed.txt"), "Passed.");
  EXPECT_THAT(Read("CUB-resnet50-CAM-WGAP-cp_best-boxv2_False/"
                   "config_model.yaml"),
              HasSubstr("encoder_name: \"resnet50\"\n"));
  EXPECT_THAT(Read("config_obj_final.yaml"), HasSubstr("optimizer:\n"));
  EXPECT_THAT(
      vision::ReadFile(root_ + "/LOG.txt"),
      IsOkAndHolds(AllOf(HasSubstr(ExperimentName(flags_) + ": passed"),
                         HasSubstr("test MaxBoxAcc of the best model 75.0"))));
}

TEST_F(PublishedFilesTest, NamesWhatIsDamaged) {
  Write("history.json", "{");
  EXPECT_THAT(WritePublishedFiles(flags_, root_, folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("history.json")));
  Write("history.json", "{}");
  EXPECT_THAT(WritePublishedFiles(flags_, root_, folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(folder_)));
  EXPECT_FALSE(Has("passed.txt"));
}

}  // namespace
}  // namespace fcam
