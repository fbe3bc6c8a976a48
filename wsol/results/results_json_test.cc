#include "wsol/results/results_json.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/base/version.h"
#include "wsol/results/sample_results.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr BoxMode kBothModes[] = {BoxMode::kLargestContour,
                                  BoxMode::kAllContours};

// The map of the sample gives the box [0, 0, 113, 224]: its IoU with [0, 0,
// 112, 224] is 112 / 113, with a corner on the right 0. So half of the images
// are right at every IoU and threshold, a quarter with the class too (a is
// ranked first, b fourth).
TEST(ResultsJsonTest, Boxes) {
  const auto text = ResultsToJson(SampleBoxResults());
  ASSERT_THAT(text, IsOk());
  const json root = json::parse(*text);
  EXPECT_EQ(root.at("schema_version"), 1);
  EXPECT_EQ(root.at("tool_version"), vision::kVersion);
  EXPECT_EQ(root.at("config").at("score_maps"), "y");
  EXPECT_EQ(root.at("data_sha256"), "00ff");
  EXPECT_EQ(root.at("mode"), "protocol");
  EXPECT_EQ(root.at("tau_rule"), "oracle");
  EXPECT_EQ(root.at("images"), 4);
  EXPECT_EQ(root.at("boxes"), 4);
  for (const char* const name :
       {"MaxBoxAcc", "MaxBoxAccV2", "BoxAcc@30", "BoxAcc@50", "BoxAcc@70"}) {
    EXPECT_EQ(root.at(name), 50) << name;
    EXPECT_EQ(root.at("oracle").at(name), 50) << name;
  }
  EXPECT_EQ(root.at("Top1Loc@50"), 25);
  EXPECT_EQ(root.at("Top5Loc@50"), 50);
  EXPECT_EQ(root.at("Top1Cls"), 50);
  EXPECT_EQ(root.at("Top5Cls"), 100);
  EXPECT_EQ(root.at("tau").at("MaxBoxAcc"), 0);
  EXPECT_EQ(root.at("tau").at("MaxBoxAccV2").at("70"), 0);
  EXPECT_EQ(root.at("v1").at("BoxAcc@50").at("correct"), 2);
  EXPECT_EQ(root.at("curves").at("tau").size(), 100u);
  EXPECT_EQ(root.at("curves").at("v2/BoxAcc@50")[99], 2);
  EXPECT_EQ(root.at("by_class")[0].at("name"), "cat");
  EXPECT_EQ(root.at("by_class")[0].at("BoxAcc@50"), 100);
  EXPECT_EQ(root.at("by_class")[0].at("Top1Cls"), 50);
  EXPECT_EQ(root.at("by_class")[1].at("BoxAcc@50"), 0);
  // 40 x 44 pixels are small; half an image is large.
  EXPECT_EQ(root.at("by_size")[0].at("size"), "small");
  EXPECT_EQ(root.at("by_size")[0].at("BoxAcc@50"), 0);
  EXPECT_EQ(root.at("by_size")[1].at("size"), "large");
  EXPECT_EQ(root.at("per_image").at("v2/BoxAcc@50"), "1100");
  EXPECT_EQ(root.at("per_image").at("Top1Cls"), "1010");
  EXPECT_EQ(root.at("per_image").at("v1/Top1Loc@50"), "1000");
  EXPECT_FALSE(root.contains("PxAP"));
}

TEST(ResultsJsonTest, OneModeOnly) {
  EvaluationResults results = SampleBoxResults();
  results.box_modes = {BoxMode::kLargestContour};
  results.top5_known = false;
  const json root = json::parse(ResultsToJson(results).value());
  EXPECT_TRUE(root.contains("MaxBoxAcc"));
  EXPECT_TRUE(root.contains("v1"));
  for (const char* const key : {"MaxBoxAccV2", "v2", "Top5Cls", "Top5Loc@50"}) {
    EXPECT_FALSE(root.contains(key)) << key;
  }
  EXPECT_TRUE(root.contains("Top1Cls"));
}

// At every threshold the left half is found: 112 * 224 = 25088 pixels an image.
// Of these all are foreground in a and b, a quarter (56 rows, 6272) in c and d;
// foreground is 4 * 25088 = 25088 * 2 + 12544 * 2 = 75264 pixels in all. IoU:
// tp = 62720, fp = 37632, so 62720 / (75264 + 37632) = 5/9.
TEST(ResultsJsonTest, Masks) {
  const auto text = ResultsToJson(SampleMaskResults());
  ASSERT_THAT(text, IsOk());
  const json root = json::parse(*text);
  EXPECT_EQ(root.at("foreground_pixels"), 75264);
  EXPECT_DOUBLE_EQ(root.at("pIoU").get<double>(), 500.0 / 9);
  EXPECT_DOUBLE_EQ(root.at("IoU").get<double>(), 500.0 / 9);
  EXPECT_DOUBLE_EQ(root.at("F1").get<double>(), 100 * 10.0 / 14);
  EXPECT_EQ(root.at("boxes"), 0);
  EXPECT_FALSE(root.contains("MaxBoxAcc"));
  EXPECT_EQ(root.at("per_image").at("true_positives")[3], 6272);
  EXPECT_EQ(root.at("per_image").at("false_positives")[3], 25088 - 6272);
  EXPECT_EQ(root.at("by_class")[0].at("pIoU"), 100);
}

TEST(ResultsJsonTest, ReadsBackWhatItWrote) {
  const std::string text = ResultsToJson(SampleBoxResults()).value();
  const auto stored = ParseResults(text, "a.json");
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->name, "a.json");
  EXPECT_EQ(stored->num_images, 4);
  EXPECT_EQ(stored->tau_interval, 0.01);
  EXPECT_EQ(stored->metrics.at("v2/BoxAcc@70").value, 50);
  EXPECT_EQ(stored->values.at("MaxBoxAccV2"), 50);
  EXPECT_THAT(stored->image_ids, ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(stored->correct.at("v1/BoxAcc@30"),
              ElementsAre(true, true, false, false));
  EXPECT_EQ(stored->correct.size(), 20u);
  // 0, 0.01, ... 0.99; the left half is found at each.
  EXPECT_EQ(stored->taus.size(), 100u);
  EXPECT_EQ(stored->correct_counts.at("v2/BoxAcc@50"),
            std::vector<int64_t>(100, 2));
  EXPECT_EQ(stored->precision_recall.size(), 0u);

  const auto masks =
      ParseResults(ResultsToJson(SampleMaskResults()).value(), "m.json");
  ASSERT_THAT(masks, IsOk());
  EXPECT_EQ(masks->masks[2].foreground, 56 * 224);
  EXPECT_EQ(masks->masks[2].foreground_histogram.size(), 101u);
  EXPECT_EQ(masks->masks[2].foreground_histogram[0], 6272);
  EXPECT_EQ(masks->masks[2].foreground_histogram[100], 6272);
  EXPECT_DOUBLE_EQ(masks->metrics.at("F1").oracle_value, 100 * 10.0 / 14);
  // tp / (tp + fp) = 62720 / 100352 and 62720 / 75264.
  ASSERT_EQ(masks->precision_recall.size(), 101u);
  EXPECT_DOUBLE_EQ(masks->precision_recall[50].threshold, 0.5);
  EXPECT_DOUBLE_EQ(masks->precision_recall[50].precision, 0.625);
  EXPECT_DOUBLE_EQ(masks->precision_recall[50].recall, 5.0 / 6);
  EXPECT_EQ(masks->taus.size(), 0u);

  const std::string path = vision::JoinPath(::testing::TempDir(), "r.json");
  ASSERT_THAT(vision::WriteFileAtomically(path, text), IsOk());
  EXPECT_THAT(ReadResults(path), IsOk());
  EXPECT_THAT(ReadResults(path + ".no"), StatusIs(absl::StatusCode::kNotFound));
}

// The threshold of the other split, though another one is best here.
TEST(ResultsJsonTest, TausOfAnotherSplit) {
  std::string text = ResultsToJson(SampleBoxResults()).value();
  json root = json::parse(text);
  root["v1"]["BoxAcc@50"]["oracle_tau"] = 0.25;
  const StoredResults val = ParseResults(root.dump(), "val").value();
  const EvaluationResults test = SampleBoxResults();
  const auto scores =
      ScoreBoxesAtTausOf(val, *test.localization.boxes, kBothModes);
  ASSERT_THAT(scores, IsOk());
  EXPECT_EQ(scores->size(), 18u);
  const BoxScore* const score = FindScore(*scores, BoxMode::kLargestContour, 50,
                                          LocalizationKind::kKnownClass);
  EXPECT_EQ(score->tau, 0.25);
  EXPECT_EQ(score->accuracy, 50);
  EXPECT_EQ(score->oracle_tau, 0);
}

TEST(ResultsJsonTest, TausThatDoNotFit) {
  const StoredResults val =
      ParseResults(ResultsToJson(SampleBoxResults()).value(), "val").value();
  const auto check = [&](EvaluationMode mode, double interval, bool masks) {
    return CheckTausOf(val, mode, interval, kBothModes, true, true, masks);
  };
  EXPECT_THAT(check(EvaluationMode::kProtocol, 0.01, false), IsOk());
  EXPECT_THAT(check(EvaluationMode::kNative, 0.01, false),
              StatusIs(kInvalid, HasSubstr("'val' was evaluated in protocol "
                                           "mode with tau_interval 0.01, "
                                           "expected native and 0.01")));
  EXPECT_THAT(check(EvaluationMode::kProtocol, 0.001, false),
              StatusIs(kInvalid));
  EXPECT_THAT(check(EvaluationMode::kProtocol, 0.01, true),
              StatusIs(kInvalid, HasSubstr("'val' has no F1")));
  StoredResults bad = val;
  bad.metrics["v2/Top1Loc@70"].oracle_tau = 0.005;
  EXPECT_THAT(CheckTausOf(bad, EvaluationMode::kProtocol, 0.01, kBothModes,
                          true, true, false),
              StatusIs(kInvalid, HasSubstr("v2/Top1Loc@70 from 'val'")));
}

TEST(ResultsJsonTest, SaysWhatIsWrong) {
  const std::string text = ResultsToJson(SampleBoxResults()).value();
  EXPECT_THAT(ParseResults(text.substr(0, text.size() / 2), "x"),
              StatusIs(kInvalid, HasSubstr("'x' is no JSON, or was not "
                                           "written to its end")));
  EXPECT_THAT(ParseResults("[]", "x"),
              StatusIs(kInvalid, HasSubstr("no result of an evaluation")));
  const auto with = [&](const char* pointer, const json& value) {
    json root = json::parse(text);
    root[json::json_pointer(pointer)] = value;
    return ParseResults(root.dump(), "x");
  };
  EXPECT_THAT(with("/schema_version", 2),
              StatusIs(kInvalid, HasSubstr("schema_version 2, expected 1")));
  EXPECT_THAT(with("/mode", 3),
              StatusIs(kInvalid, HasSubstr("lacks the text \"mode\"")));
  EXPECT_THAT(with("/images", 5),
              StatusIs(kInvalid, HasSubstr("ids of all 5 images")));
  EXPECT_THAT(with("/images", -1), StatusIs(kInvalid));
  EXPECT_THAT(with("/v1", 3), StatusIs(kInvalid, HasSubstr("\"v1\"")));
  EXPECT_THAT(with("/v1/BoxAcc@50", 3), StatusIs(kInvalid));
  EXPECT_THAT(with("/v1/BoxAcc@50/tau", "x"),
              StatusIs(kInvalid, HasSubstr("lacks the number \"tau\"")));
  EXPECT_THAT(with("/per_image/id/0", "z"),
              StatusIs(kInvalid, HasSubstr("not sorted")));
  EXPECT_THAT(with("/per_image/v1~1BoxAcc@50", "110"),
              StatusIs(kInvalid, HasSubstr("bad \"v1/BoxAcc@50\"")));
  EXPECT_THAT(with("/per_image/v1~1BoxAcc@50", "1120"), StatusIs(kInvalid));
  EXPECT_THAT(with("/curves", 1), StatusIs(kInvalid, HasSubstr("\"curves\"")));
  EXPECT_THAT(with("/curves/tau", {0.5, 2}),
              StatusIs(kInvalid, HasSubstr("bad curve \"tau\"")));
  EXPECT_THAT(with("/curves/tau", {0.5}),
              StatusIs(kInvalid, HasSubstr("of 100 points, expected one for "
                                           "each of 1 thresholds")));
  EXPECT_THAT(with("/curves/v2~1BoxAcc@50/3", 5),
              StatusIs(kInvalid, HasSubstr("bad curve \"v2/BoxAcc@50\"")));
  EXPECT_THAT(with("/curves/threshold", json::array()),
              StatusIs(kInvalid, HasSubstr("lacks the curve \"precision\"")));
}

// Any member of the file may be of any type.
TEST(ResultsJsonTest, SurvivesDamagedMembers) {
  for (const bool boxes : {true, false}) {
    const json root = json::parse(
        ResultsToJson(boxes ? SampleBoxResults() : SampleMaskResults())
            .value());
    const json values[] = {nullptr,
                           -1,
                           1e300,
                           "x",
                           json::array({1, "2"}),
                           json::object({{"a", 1}}),
                           true};
    const json flat = root.flatten();
    uint64_t number = 0;
    for (const auto& [pointer, leaf] : flat.items()) {
      vision::Rng rng(9, {number++});
      // Those are long.
      if ((pointer.find("/curves/") != std::string::npos ||
           pointer.find("histogram") != std::string::npos) &&
          rng.Uniform() < 0.97) {
        continue;
      }
      json damaged = root;
      // The member itself or what it is in.
      json::json_pointer at(pointer);
      if (rng.Bernoulli(0.3)) at = at.parent_pointer();
      damaged[at] = values[rng.UniformInt(7)];
      const auto stored = ParseResults(damaged.dump(), "fuzz");
      if (!stored.ok()) {
        EXPECT_FALSE(stored.status().message().empty());
      }
    }
  }
}

}  // namespace
}  // namespace wsol
