#include "wsol/evaluation_run/evaluate.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/results/results_json.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

class EvaluateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    Write("test/image_ids.txt", "a/1.jpg\nb/2.jpg\nb/3.jpg\n");
    Write("test/class_labels.txt", "a/1.jpg,0\nb/2.jpg,1\nb/3.jpg,1\n");
    Write("test/image_sizes.txt",
          "a/1.jpg,448,448\nb/2.jpg,224,224\nb/3.jpg,112,224\n");
    // Of image 1 the middle 224 x 224 pixels; of image 2 a corner; of image 3
    // all.
    Write("test/localization.txt",
          "a/1.jpg,112,112,335,335\nb/2.jpg,0,0,39,39\nb/3.jpg,0,0,111,223\n");
  }

  std::string Path(const std::string& name) const {
    return vision::JoinPath(folder_, name);
  }
  void Write(const std::string& name, absl::string_view text) const {
    const std::filesystem::path path = Path(name);
    ASSERT_THAT(vision::CreateDirectories(path.parent_path().string()), IsOk());
    ASSERT_THAT(vision::WriteFileAtomically(path.string(), text), IsOk());
  }
  void WriteMap(const std::string& name, const cv::Mat& map) const {
    Write(name, vision::EncodeNpy(map, vision::NpyDtype::kFloat32).value());
  }
  // A map for each image: 1 in its upper half, 0.5 below.
  void WriteMaps() const {
    cv::Mat map(224, 224, CV_32FC1, cv::Scalar(0.5));
    map.rowRange(0, 112).setTo(1);
    for (const char* const name : {"a_1.npy", "b_2.npy", "b_3.npy"}) {
      WriteMap(absl::StrCat("maps/", name), map);
    }
  }
  EvaluateOptions Options() const {
    EvaluateOptions options;
    options.metadata_dir = Path("test");
    options.score_maps = Path("maps");
    options.tau_interval = 0.01;
    return options;
  }
  EvaluateOptions BaselineOptions(Baseline baseline) const {
    EvaluateOptions options = Options();
    options.score_maps.clear();
    options.baseline = baseline;
    return options;
  }
  static absl::Status Fails(const EvaluateOptions& options) {
    return Evaluate(options, {}).status();
  }

  std::string folder_;
};

// In the frame the true boxes are a square of half side 56 around the centre, a
// corner that no box around the centre meets with an IoU of 0.3, and the whole
// frame (half side 112). A disc's box of half side r has the IoUs min(r, 56)^2
// / max(r, 56)^2 and (r / 112)^2: both are 0.3 or more for r from 62 to 102,
// and never both 0.7.
TEST_F(EvaluateTest, CenterBaselineNeedsNoImages) {
  const auto report = Evaluate(BaselineOptions(Baseline::kCenter), {});
  ASSERT_THAT(report, IsOk());
  const json root = json::parse(ResultsToJson(report->results).value());
  EXPECT_EQ(root.at("v2").at("BoxAcc@30").at("correct"), 2);
  EXPECT_EQ(root.at("v2").at("BoxAcc@70").at("correct"), 1);
  EXPECT_EQ(root.at("images"), 3);
  EXPECT_EQ(root.at("boxes"), 3);
  EXPECT_EQ(root.at("config").at("baseline"), "center");
  EXPECT_THAT(report->text,
              AllOf(HasSubstr("3 images of 2 classes, 3 boxes"),
                    HasSubstr("baseline center\n"), HasSubstr("(oracle)")));
}

// Everything is predicted at every tau: only image 3 is right.
TEST_F(EvaluateTest, ConstantBaseline) {
  const auto report = Evaluate(BaselineOptions(Baseline::kConstant), {});
  ASSERT_THAT(report, IsOk());
  const json root = json::parse(ResultsToJson(report->results).value());
  EXPECT_DOUBLE_EQ(root.at("MaxBoxAcc").get<double>(), 100.0 / 3);
  EXPECT_EQ(root.at("tau").at("MaxBoxAcc"), 0);
}

TEST_F(EvaluateTest, RandomBaselineDependsOnSeedAndIdsAlone) {
  EvaluateOptions options = BaselineOptions(Baseline::kRandom);
  const auto of = [&] {
    return ResultsToJson(Evaluate(options, {})->results).value();
  };
  options.seed = 5;
  const std::string expected = of();
  options.num_threads = 3;
  EXPECT_EQ(of(), expected);
  // Another order of the images.
  Write("test/image_ids.txt", "b/3.jpg\nb/2.jpg\na/1.jpg\n");
  EXPECT_EQ(of(), expected);
  options.seed = 6;
  EXPECT_NE(of(), expected);
}

TEST_F(EvaluateTest, ScoreMapsFromDisk) {
  WriteMaps();
  EvaluateOptions options = Options();
  Write("p.csv", "a/1.jpg,0,1\nb/2.jpg,0,1\nb/3.jpg,1,0\n");
  options.predictions = Path("p.csv");
  options.num_threads = 2;
  std::atomic<int64_t> announced = 0, seen = 0;
  EvaluateCallbacks callbacks;
  callbacks.on_begin = [&](int64_t images) { announced = images; };
  callbacks.on_image = [&] { ++seen; };
  const auto report = Evaluate(options, callbacks);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(announced, 3);
  EXPECT_EQ(seen, 3);
  EXPECT_THAT(report->text, HasSubstr("score maps a/1.jpg -> a_1.npy\n"));

  ASSERT_THAT(WriteReport(*report, Path("out.json")), IsOk());
  const json root = json::parse(vision::ReadFile(Path("out.json")).value());
  EXPECT_EQ(root.at("per_image").at("id").size(), 3u);
  EXPECT_DOUBLE_EQ(root.at("Top1Cls").get<double>(), 200.0 / 3);
  EXPECT_EQ(root.at("Top5Cls"), 100);
  EXPECT_THAT(vision::ReadFile(Path("out.csv")).value(),
              HasSubstr("id,label,size,rank,v1/BoxAcc@30"));

  // Its thresholds for another evaluation.
  EvaluateOptions other = BaselineOptions(Baseline::kCenter);
  other.tau_from = Path("out.json");
  const auto at_val = Evaluate(other, {});
  ASSERT_THAT(at_val, IsOk());
  EXPECT_EQ(at_val->results.tau_rule, TauRule::kVal);
  EXPECT_THAT(at_val->text, AllOf(HasSubstr("(NOTE: it is of the same images)"),
                                  HasSubstr("gap")));
  other.tau_from.clear();
  other.tau = 0.5;
  EXPECT_THAT(Evaluate(other, {})->text, HasSubstr("0.5 given"));
}

TEST_F(EvaluateTest, InterpolatesOtherSizesAndSaysSo) {
  WriteMaps();
  WriteMap("maps/b_2.npy", cv::Mat(7, 7, CV_32FC1, cv::Scalar(1)));
  EXPECT_THAT(Evaluate(Options(), {})->text,
              HasSubstr("; 1 of 3 interpolated to 224x224"));
  EvaluateOptions options = Options();
  options.size_policy = SizePolicy::kFrame;
  EXPECT_THAT(Fails(options),
              StatusIs(kInvalid, HasSubstr("image id 'b/2.jpg': the score map "
                                           "is 7x7 pixels, expected 224x224")));
  options.size_policy = SizePolicy::kAny;
  options.mode = EvaluationMode::kNative;
  EXPECT_THAT(Evaluate(options, {})->text,
              HasSubstr("; 3 of 3 interpolated to the image's size"));
}

TEST_F(EvaluateTest, BadScores) {
  WriteMaps();
  cv::Mat map(224, 224, CV_32FC1, cv::Scalar(0.5));
  map.at<float>(5, 6) = std::numeric_limits<float>::quiet_NaN();
  WriteMap("maps/a_1.npy", map);
  map.at<float>(5, 6) = std::numeric_limits<float>::infinity();
  WriteMap("maps/b_2.npy", map);
  map.at<float>(5, 6) = 1.5;
  WriteMap("maps/b_3.npy", map);
  EXPECT_THAT(
      Fails(Options()),
      StatusIs(kInvalid, AllOf(HasSubstr("a/1.jpg"), HasSubstr("nan"),
                               HasSubstr("b/2.jpg"), HasSubstr("inf"),
                               HasSubstr("b/3.jpg"), HasSubstr("1.5"))));
  EvaluateOptions options = Options();
  options.bad_scores = BadScores::kReplace;
  EXPECT_THAT(Evaluate(options, {})->text,
              HasSubstr("NOTE: replaced scores of 3 maps: 1 NaN, 1 infinite, 1 "
                        "outside [0, 1]\n"));
}

TEST_F(EvaluateTest, HalfWrittenAndForeignMaps) {
  WriteMaps();
  const std::string sound = vision::ReadFile(Path("maps/a_1.npy")).value();
  Write("maps/a_1.npy", sound.substr(0, sound.size() / 2));
  Write("maps/b_2.npy", "");
  Write("maps/b_3.npy", "a text");
  EXPECT_THAT(Fails(Options()),
              StatusIs(kInvalid, AllOf(HasSubstr("was it written to its end?"),
                                       HasSubstr("b_2.npy: empty file"),
                                       HasSubstr("b_3.npy: no .npy file"))));
}

TEST_F(EvaluateTest, MissingAndExtraMaps) {
  WriteMaps();
  std::filesystem::remove(Path("maps/a_1.npy"));
  Write("maps/c_4.npy", "");
  int64_t begun = 0;
  EvaluateCallbacks callbacks;
  callbacks.on_begin = [&](int64_t) { ++begun; };
  EXPECT_THAT(
      Evaluate(Options(), callbacks),
      StatusIs(kInvalid, AllOf(HasSubstr("1 of 3 images have no score map"),
                               HasSubstr("a/1.jpg; 1 score maps belong to no "
                                         "image of the split: c_4.npy"))));
  EXPECT_EQ(begun, 0);
  WriteMaps();
  EvaluateOptions options = Options();
  options.allow_extra_maps = true;
  EXPECT_THAT(Evaluate(options, {})->text,
              HasSubstr("; 1 maps of other images left out"));
}

TEST_F(EvaluateTest, BadMetadata) {
  WriteMaps();
  EvaluateOptions options = Options();
  options.metadata_dir = Path("none");
  EXPECT_THAT(Fails(options),
              StatusIs(kNotFound, HasSubstr("--metadata_dir: there is no")));
  options.metadata_dir = folder_;
  EXPECT_THAT(Fails(options),
              StatusIs(kNotFound, AllOf(HasSubstr("has no image_ids.txt; did "
                                                  "you mean '"),
                                        HasSubstr("/test'?"))));
  // A box outside of the image, an inverted one, and an unknown id.
  Write("test/localization.txt",
        "a/1.jpg,112,112,535,335\nb/2.jpg,9,0,3,39\nb/3.jpg,0,0,1,1\nx,0,0,1,"
        "1\n");
  EXPECT_THAT(Fails(Options()),
              StatusIs(kInvalid, AllOf(HasSubstr("localization.txt:1: "),
                                       HasSubstr("localization.txt:2: "),
                                       HasSubstr("localization.txt:4: "))));
  Write("test/localization.txt", "");
  EXPECT_THAT(Fails(Options()), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("neither boxes nor masks")));
  Write("test/image_ids.txt", "");
  EXPECT_THAT(Fails(Options()), StatusIs(kInvalid));
}

TEST_F(EvaluateTest, WindowsLineEndsAndByteOrderMark) {
  WriteMaps();
  const auto text = [&] {
    return ResultsToJson(Evaluate(Options(), {})->results).value();
  };
  const std::string expected = text();
  Write("test/image_ids.txt",
        "\xEF\xBB\xBF"
        "a/1.jpg\r\nb/2.jpg\r\nb/3.jpg");
  Write("test/class_labels.txt",
        "\xEF\xBB\xBF"
        "a/1.jpg,0\r\nb/2.jpg,1\r\nb/3.jpg,1\r\n");
  EXPECT_EQ(text(), expected);
}

TEST_F(EvaluateTest, Masks) {
  WriteMaps();
  Write("test/image_sizes.txt", "");
  Write("test/localization.txt",
        "a/1.jpg,1.png,i.png\nb/2.jpg,2.png,\nb/3.jpg,3.png,\n");
  // Grey, RGB and RGBA; 1 ignores what is not in the upper quarter.
  cv::Mat gray = cv::Mat::zeros(40, 30, CV_8UC1);
  gray.rowRange(0, 10).setTo(255);
  cv::Mat rgb = cv::Mat::zeros(8, 8, CV_8UC3);
  rgb.rowRange(0, 4).setTo(cv::Scalar(0, 255, 0));
  cv::Mat rgba(8, 8, CV_8UC4, cv::Scalar(0, 0, 0, 255));
  rgba.rowRange(0, 4).setTo(cv::Scalar(255, 255, 255, 255));
  cv::Mat ignore(40, 30, CV_8UC1, cv::Scalar(255));
  Write("masks/1.png", vision::EncodePng(gray).value());
  Write("masks/2.png", vision::EncodePng(rgb).value());
  Write("masks/3.png", vision::EncodePng(rgba).value());
  Write("masks/i.png", vision::EncodePng(ignore).value());
  EXPECT_THAT(Fails(Options()),
              StatusIs(kInvalid, HasSubstr("--mask_root is needed")));
  EvaluateOptions options = Options();
  options.mask_root = Path("masks");
  const auto report = Evaluate(options, {});
  ASSERT_THAT(report, IsOk());
  const json root = json::parse(ResultsToJson(report->results).value());
  // Score 1 is where the foreground is, but for image 1, whose lower half of it
  // is ignored: all of the upper half counts as found, and nothing else.
  EXPECT_EQ(root.at("PxAP"), 100);
  EXPECT_EQ(root.at("foreground_pixels"), 224 * (56 + 112 + 112));

  options.mask_root = Path("none");
  EXPECT_THAT(Fails(options), StatusIs(kNotFound, HasSubstr("--mask_root")));
  options.mask_root = Path("masks");
  Write("masks/2.png", vision::EncodePng(rgb).value().substr(0, 60));
  EXPECT_THAT(Fails(options), StatusIs(kInvalid, HasSubstr("b/2.jpg")));
  // No foreground at all.
  for (const char* const name : {"1", "2", "3"}) {
    Write(absl::StrCat("masks/", name, ".png"),
          vision::EncodePng(cv::Mat::zeros(40, 30, CV_8UC1)).value());
  }
  EXPECT_THAT(Fails(options), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(EvaluateTest, InterruptionLeavesTheOldOutput) {
  WriteMaps();
  Write("out.json", "old");
  EvaluateCallbacks callbacks;
  callbacks.should_stop = [] { return true; };
  EXPECT_THAT(Evaluate(Options(), callbacks),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(vision::ReadFile(Path("out.json")).value(), "old");
}

TEST_F(EvaluateTest, FailedWritesLeaveTheOldOutput) {
  WriteMaps();
  const auto report = Evaluate(Options(), {});
  ASSERT_THAT(report, IsOk());
  EXPECT_THAT(WriteReport(*report, Path("none/out.json")), StatusIs(kNotFound));
  // A folder stands where the CSV should be: the JSON file is not replaced
  // either.
  Write("out.json", "old");
  ASSERT_THAT(vision::CreateDirectories(Path("out.csv/x")), IsOk());
  EXPECT_FALSE(WriteReport(*report, Path("out.json")).ok());
  EXPECT_EQ(vision::ReadFile(Path("out.json")).value(), "old");
}

TEST_F(EvaluateTest, WithoutImages) {
  WriteMaps();
  EvaluateOptions options = Options();
  options.per_image = false;
  const auto report = Evaluate(options, {});
  ASSERT_THAT(report, IsOk());
  ASSERT_THAT(WriteReport(*report, Path("small.json")), IsOk());
  EXPECT_FALSE(vision::FileExists(Path("small.csv")));
  const json root = json::parse(vision::ReadFile(Path("small.json")).value());
  EXPECT_FALSE(root.contains("per_image"));
  EXPECT_FALSE(root.contains("by_class"));
}

TEST_F(EvaluateTest, BadTauFrom) {
  WriteMaps();
  EvaluateOptions options = Options();
  options.tau_from = Path("none.json");
  EXPECT_THAT(Fails(options), StatusIs(kNotFound));
  Write("bad.json", "{");
  options.tau_from = Path("bad.json");
  EXPECT_THAT(Fails(options), StatusIs(kInvalid, HasSubstr("no JSON")));
  options.tau_from.clear();
  ASSERT_THAT(WriteReport(*Evaluate(options, {}), Path("val.json")), IsOk());
  options.tau_from = Path("val.json");
  options.tau_interval = 0.001;
  EXPECT_THAT(Fails(options), StatusIs(kInvalid, HasSubstr("--tau_from")));
}

TEST_F(EvaluateTest, CheckpointsNeedLibTorch) {
  EvaluateOptions options = Options();
  options.score_maps.clear();
  options.checkpoint = "x.pt";
  options.checkpoint_options.image_root = folder_;
  EXPECT_THAT(Fails(options), StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(ImagesCsvPathTest, ReplacesTheExtension) {
  EXPECT_EQ(ImagesCsvPath("a/b.json"), "a/b.csv");
  EXPECT_EQ(ImagesCsvPath("a.json/b"), "a.json/b.csv");
}

}  // namespace
}  // namespace wsol
