// The golden split of wsol/metrics/testdata/evaluation, from files to results.

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/image/npy.h"
#include "wsol/evaluation_run/evaluate.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/evaluation_run/golden_maps.h"
#include "wsol/results/results_json.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsOk;

std::string Golden(const std::string& name) {
  return ::testing::TestDataPath(
      absl::StrCat("wsol/metrics/testdata/evaluation/", name));
}

json Expected() {
  return ::testing::ReadTestJson(
      "wsol/metrics/testdata/evaluation/expected.json");
}

// Writes the maps of a split below the test's folder, by the published naming.
std::string WriteMaps(const std::string& split_dir) {
  const std::string folder = vision::JoinPath(::testing::TempDir(), "maps");
  const std::string ids =
      vision::ReadFile(vision::JoinPath(split_dir, "image_ids.txt")).value();
  size_t index = 0;
  for (const absl::string_view id :
       absl::StrSplit(ids, '\n', absl::SkipEmpty())) {
    const std::string path = vision::JoinPath(folder, absl::StrCat(id, ".npy"));
    EXPECT_THAT(vision::CreateDirectories(path.substr(0, path.rfind('/'))),
                IsOk());
    EXPECT_THAT(vision::WriteNpy(path, GoldenScoreMap(index++),
                                 vision::NpyDtype::kFloat64),
                IsOk());
  }
  return folder;
}

TEST(EvaluateGoldenTest, Boxes) {
  const json expected = Expected();
  EvaluateOptions options;
  options.metadata_dir = Golden("metadata/SynthBox/test");
  options.score_maps = WriteMaps(options.metadata_dir);
  options.predictions = options.metadata_dir + "/predictions.txt";
  options.num_threads = 2;
  for (const char* const interval : {"0.001", "0.01"}) {
    SCOPED_TRACE(interval);
    ASSERT_TRUE(absl::SimpleAtod(interval, &options.tau_interval));
    const auto report = Evaluate(options, {});
    ASSERT_THAT(report, IsOk());
    const json root = json::parse(ResultsToJson(report->results).value());
    EXPECT_EQ(root.at("images"), expected.at("images_box"));
    for (const bool all : {false, true}) {
      const json& expect = expected.at("box").at(
          absl::StrCat(all ? "all" : "largest", "/interval=", interval));
      const json& mode = root.at(all ? "v2" : "v1");
      for (const char* const iou : {"30", "50", "70"}) {
        SCOPED_TRACE(absl::StrCat(all, " ", iou));
        const json& accuracy = mode.at(absl::StrCat("BoxAcc@", iou));
        EXPECT_EQ(accuracy.at("value"), expect.at("max_box_acc").at(iou));
        EXPECT_EQ(accuracy.at("tau"), expect.at("best_tau_first").at(iou));
        EXPECT_EQ(mode.at(absl::StrCat("Top1Loc@", iou)).at("value"),
                  expect.at("top1_loc").at(iou));
        EXPECT_EQ(mode.at(absl::StrCat("Top5Loc@", iou)).at("value"),
                  expect.at("top5_loc").at(iou));
        // Counts of images along the curve.
        const json& curve = root.at("curves").at(
            absl::StrCat(all ? "v2" : "v1", "/BoxAcc@", iou));
        const json& counts = expect.at("curve_every_100th_or_10th").at(iou);
        for (size_t i = 0; i < counts.size(); ++i) {
          EXPECT_EQ(curve[i * curve.size() / counts.size()], counts[i]);
        }
      }
      EXPECT_EQ(root.at("Top1Cls"), expect.at("top1_cls"));
      EXPECT_EQ(root.at("Top5Cls"), expect.at("top5_cls"));
      if (all) {
        EXPECT_DOUBLE_EQ(root.at("MaxBoxAccV2").get<double>(),
                         expect.at("v2_mean").get<double>());
      } else {
        EXPECT_EQ(root.at("MaxBoxAcc"), expect.at("max_box_acc").at("50"));
      }
    }
  }
}

TEST(EvaluateGoldenTest, Masks) {
  const json expected = Expected();
  EvaluateOptions options;
  options.metadata_dir = Golden("metadata/SynthMask/test");
  options.mask_root = Golden("masks");
  options.score_maps = WriteMaps(options.metadata_dir);
  // Those of the other test may be there.
  options.allow_extra_maps = true;
  for (const char* const interval : {"0.001", "0.01"}) {
    ASSERT_TRUE(absl::SimpleAtod(interval, &options.tau_interval));
    const auto report = Evaluate(options, {});
    ASSERT_THAT(report, IsOk());
    const json root = json::parse(ResultsToJson(report->results).value());
    const std::string key = absl::StrCat("interval=", interval);
    EXPECT_DOUBLE_EQ(root.at("PxAP").get<double>(),
                     expected.at("pxap").at(key).get<double>());
    EXPECT_EQ(root.at("foreground_pixels"),
              expected.at("pxap").at(key + " positives"));
    EXPECT_EQ(root.at("images"), expected.at("images_mask"));
    EXPECT_THAT(report->text, HasSubstr("PxAP 14.9"));
  }
}

}  // namespace
}  // namespace wsol
