#include "wsol/cam_run/cam_run.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam_network.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/miniature.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/evaluation_run/evaluate.h"
#include "wsol/evaluation_run/evaluate_checkpoint.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;
using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Images of the test split's folder, which has masks too.
constexpr size_t kFolderImages = 40;

class CamRunTest : public ::testing::Test {
 protected:
  CamRunTest() : miniature_(MakeMiniature()) {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    ClassifierOptions classifier_options;
    classifier_options.num_classes = 20;
    classifier_options.seed = 3;
    classifier_ = MakeClassifier(classifier_options).value();
    classifier_->eval();
    ClassifierFolderInfo info;
    info.classifier = classifier_options;
    info.preprocessing.resize = kMiniatureSize;
    info.preprocessing.crop = kMiniatureSize;
    info.class_names = miniature_.data.class_names;
    EXPECT_THAT(SaveClassifierFolder(Path("model"), *classifier_, info),
                IsOk());
  }

  std::string Path(const std::string& name) const {
    return vision::JoinPath(folder_, name);
  }

  // Of the test split.
  CamRunOptions SplitOptions() const {
    CamRunOptions options = FolderOptions();
    options.images.clear();
    options.metadata_dir = miniature_.data.MetadataDir("boxes", Split::kTest);
    options.image_root = miniature_.data.image_root;
    return options;
  }
  CamRunOptions FolderOptions() const {
    CamRunOptions options;
    options.model = Path("model");
    options.images = miniature_.data.image_root + "/test";
    options.output_dir = Path("out");
    options.batch_size = 8;
    options.num_threads = 2;
    return options;
  }
  json ReadJson() const {
    return json::parse(vision::ReadFile(Path("out/cam_run.json")).value());
  }
  static std::set<std::string> Files(const std::string& folder) {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_directory()) {
        files.insert(entry.path().lexically_relative(folder).string());
      }
    }
    return files;
  }

  Miniature miniature_;
  std::string folder_;
  std::shared_ptr<Classifier> classifier_;
};

// The files give the metrics of the network in memory, without further flags.
TEST_F(CamRunTest, EvaluateReadsTheFiles) {
  CamRunOptions options = SplitOptions();
  options.methods = {"CAM", "GradCAM++"};
  const auto report = RunCam(options, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->images, 20);
  EXPECT_EQ(report->methods[1].method, "GradCAM++");
  EXPECT_EQ(report->methods[1].maps, 20);

  ASSERT_THAT(vision::SaveStateDict(Path("weights.pt"),
                                    vision::GetStateDict(*classifier_)),
              IsOk());
  for (const char* const method : {"CAM", "GradCAM++"}) {
    SCOPED_TRACE(method);
    EvaluateOptions maps;
    maps.metadata_dir = options.metadata_dir;
    maps.score_maps = Path(absl::StrCat("out/", method));
    maps.predictions = Path("out/predictions.csv");
    const auto of_files = Evaluate(maps, {});
    ASSERT_THAT(of_files, IsOk());

    EvaluateOptions checkpoint = maps;
    checkpoint.score_maps.clear();
    checkpoint.predictions.clear();
    checkpoint.checkpoint = Path("weights.pt");
    checkpoint.checkpoint_options.image_root = options.image_root;
    checkpoint.checkpoint_options.backbone = "resnet_small";
    checkpoint.checkpoint_options.cam_method = method;
    checkpoint.checkpoint_options.image_size = kMiniatureSize;
    checkpoint.checkpoint_options.batch_size = 8;
    EvaluateCallbacks callbacks;
    callbacks.evaluate_checkpoint = [&](const Dataset& split,
                                        const MapEvaluationOptions& map) {
      return EvaluateCheckpoint(checkpoint, split, map);
    };
    const auto of_network = Evaluate(checkpoint, callbacks);
    ASSERT_THAT(of_network, IsOk());
    const LocalizationMetrics& a = of_files->results.localization;
    const LocalizationMetrics& b = of_network->results.localization;
    EXPECT_EQ(a.boxes->max_box_acc, b.boxes->max_box_acc);
    EXPECT_EQ(a.boxes->max_box_acc_v2, b.boxes->max_box_acc_v2);
    EXPECT_EQ(of_files->results.classification->num_top1,
              of_network->results.classification->num_top1);
    EXPECT_EQ(of_files->results.classification->num_top5,
              of_network->results.classification->num_top5);
  }
  const json root = ReadJson();
  EXPECT_EQ(root.at("images"), 20);
  EXPECT_EQ(root.at("methods").at(0).at("method"), "CAM");
  EXPECT_EQ(root.at("config").at("class"), "label");
  EXPECT_FALSE(vision::FileExists(Path("out/cam_run.partial")));
}

TEST_F(CamRunTest, TakesFoldersOfImages) {
  CamRunOptions options = FolderOptions();
  options.methods = {"LayerCAM"};
  options.overlays = true;
  options.contact_sheet = 3;
  options.size = MapSize::kImage;
  options.format = MapFormat::kPng16;
  options.image_size = 64;
  const auto report = RunCam(options, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(ReadJson().at("config").at("class"), "predicted");
  const std::set<std::string> files = Files(Path("out"));
  EXPECT_EQ(files.size(), 2 * kFolderImages + 3);
  const std::set<std::string> maps = Files(Path("out/LayerCAM"));
  ASSERT_EQ(maps.size(), kFolderImages);
  const cv::Mat map =
      vision::ReadGray(Path("out/LayerCAM/" + *maps.begin())).value();
  EXPECT_EQ(map.rows, kMiniatureSize);
  const cv::Mat overlay =
      vision::ReadRgb(
          Path("out/overlays/LayerCAM/" +
               fs::path(*maps.begin()).replace_extension(".jpg").string()))
          .value();
  EXPECT_EQ(overlay.cols, kMiniatureSize);
  EXPECT_THAT(vision::ReadRgb(Path("out/contact_sheet.png")), IsOk());
}

TEST_F(CamRunTest, WritesMapsAtTheSizeAskedFor) {
  const struct {
    MapSize size;
    int image_size;
    int side;
  } cases[] = {{MapSize::kMap, 0, 4},
               {MapSize::kInput, 48, 48},
               {MapSize::kImage, 0, kMiniatureSize}};
  for (const auto& [size, image_size, side] : cases) {
    CamRunOptions options = FolderOptions();
    options.size = size;
    options.image_size = image_size;
    options.overwrite = true;
    ASSERT_THAT(RunCam(options, {}), IsOk());
    const std::set<std::string> maps = Files(Path("out/CAM"));
    ASSERT_EQ(maps.size(), kFolderImages);
    const cv::Mat map =
        vision::ReadNpy(Path("out/CAM/" + *maps.begin())).value();
    EXPECT_EQ(map.type(), CV_32FC1);
    EXPECT_EQ(map.rows, side) << MapSizeName(size);
    EXPECT_EQ(map.cols, side) << MapSizeName(size);
  }
}

TEST_F(CamRunTest, SeveralClassesHaveAFolderEach) {
  CamRunOptions options = FolderOptions();
  options.class_choice = ClassChoice::kList;
  options.classes = {3, 17};
  options.contact_sheet = 2;
  ASSERT_THAT(RunCam(options, {}), IsOk());
  const std::set<std::string> files = Files(Path("out/CAM"));
  EXPECT_EQ(files.size(), 2 * kFolderImages);
  const std::string name = Files(Path("out/CAM/class_17")).begin()->c_str();
  const cv::Mat both =
      vision::ReadNpy(Path("out/CAM/class_17/" + name)).value();

  options.classes = {17};
  options.overwrite = true;
  ASSERT_THAT(RunCam(options, {}), IsOk());
  EXPECT_EQ(Files(Path("out/CAM")).size(), kFolderImages);
  const cv::Mat alone = vision::ReadNpy(Path("out/CAM/" + name)).value();
  EXPECT_EQ(cv::norm(both, alone, cv::NORM_INF), 0);
}

TEST_F(CamRunTest, DoesNotOverwriteUnasked) {
  CamRunOptions options = FolderOptions();
  ASSERT_THAT(RunCam(options, {}), IsOk());
  EXPECT_THAT(RunCam(options, {}), StatusIs(absl::StatusCode::kAlreadyExists,
                                            HasSubstr("--overwrite")));
  // Maps that something else made.
  fs::remove(Path("out/cam_run.json"));
  EXPECT_THAT(RunCam(options, {}), StatusIs(absl::StatusCode::kAlreadyExists,
                                            HasSubstr("holds files such as")));
  // A map of an image that is no more would be in the evaluation's way.
  ASSERT_THAT(vision::WriteFileAtomically(Path("out/CAM/old.npy"), "x"),
              IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(Path("out/CAM/notes.txt"), "x"),
              IsOk());
  options.overwrite = true;
  ASSERT_THAT(RunCam(options, {}), IsOk());
  EXPECT_FALSE(vision::FileExists(Path("out/CAM/old.npy")));
  EXPECT_TRUE(vision::FileExists(Path("out/CAM/notes.txt")));
}

// Other methods' maps of the run before go too.
TEST_F(CamRunTest, OverwritingLeavesNoMethodBehind) {
  CamRunOptions options = FolderOptions();
  options.methods = {"CAM", "EigenCAM"};
  ASSERT_THAT(RunCam(options, {}), IsOk());
  options.methods = {"CAM"};
  options.overwrite = true;
  ASSERT_THAT(RunCam(options, {}), IsOk());
  EXPECT_TRUE(Files(Path("out/EigenCAM")).empty());
  EXPECT_EQ(Files(Path("out/CAM")).size(), kFolderImages);
}

TEST_F(CamRunTest, GoesOnAfterItWasStopped) {
  CamRunOptions options = SplitOptions();
  options.methods = {"CAM", "SmoothGradCAM++"};
  options.contact_sheet = 2;
  options.quality = true;
  options.quality_options.steps = 2;
  options.output_dir = Path("whole");
  ASSERT_THAT(RunCam(options, {}), IsOk());

  options.output_dir = Path("out");
  int64_t done = 0;
  CamRunCallbacks callbacks;
  callbacks.should_stop = [&] { return done >= 8; };
  callbacks.on_images = [&](int64_t count) { done += count; };
  EXPECT_THAT(RunCam(options, callbacks),
              StatusIs(absl::StatusCode::kCancelled,
                       HasSubstr("stopped after 8 of 20 images")));
  EXPECT_FALSE(vision::FileExists(Path("out/cam_run.json")));
  // As a crash leaves it.
  std::string partial = vision::ReadFile(Path("out/cam_run.partial")).value();
  ASSERT_THAT(vision::WriteFileAtomically(Path("out/cam_run.partial"),
                                          partial + "{\"index\":"),
              IsOk());

  CamRunOptions other = options;
  other.cam.seed = 7;
  EXPECT_THAT(RunCam(other, {}), StatusIs(absl::StatusCode::kFailedPrecondition,
                                          HasSubstr("other options (seed)")));
  int64_t resumed = -1;
  callbacks = {};
  callbacks.on_begin = [&](int64_t images, int64_t count) {
    EXPECT_EQ(images, 20);
    resumed = count;
  };
  const auto report = RunCam(options, callbacks);
  ASSERT_THAT(report, IsOk());
  // But for one whose picture is needed (of images 0 and 10).
  EXPECT_EQ(resumed, 7);
  EXPECT_EQ(report->methods[0].maps, 20);
  const std::set<std::string> files = Files(Path("whole"));
  EXPECT_EQ(files, Files(Path("out")));
  for (const std::string& file : files) {
    EXPECT_EQ(vision::ReadFile(Path("whole/" + file)).value(),
              vision::ReadFile(Path("out/" + file)).value())
        << file;
  }
}

TEST_F(CamRunTest, AskedToStopItStopsWithinABatch) {
  CamRunOptions options = FolderOptions();
  options.methods = {"ScoreCAM"};
  options.cam.layers = {1};
  CamRunCallbacks callbacks;
  int asked = 0;
  callbacks.should_stop = [&] { return ++asked > 6; };
  EXPECT_THAT(RunCam(options, callbacks),
              StatusIs(absl::StatusCode::kCancelled,
                       HasSubstr("stopped after 0 of 40 images")));
}

TEST_F(CamRunTest, MeasuresQuality) {
  CamRunOptions options = FolderOptions();
  options.methods = {"CAM", "GradCAM"};
  options.quality = true;
  options.quality_options.steps = 4;
  const auto report = RunCam(options, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->methods[0].quality.count(),
            static_cast<int64_t>(kFolderImages));
  EXPECT_THAT(report->text,
              AllOf(HasSubstr("Insertion AUC"), HasSubstr("GradCAM")));
  const json root = ReadJson();
  for (const json& method : root.at("methods")) {
    for (const char* const key : {"average_drop", "average_increase",
                                  "insertion_auc", "deletion_auc"}) {
      EXPECT_GE(method.at(key).get<double>(), 0) << key;
      EXPECT_LE(method.at(key).get<double>(), 100) << key;
    }
  }
}

// Logits are sums of the image's channels. White images make infinities.
class SumNetwork : public CamNetwork {
 public:
  Output Forward(const at::Tensor& images) override {
    Output output;
    const at::Tensor features = at::avg_pool2d(images, 4);
    const at::Tensor is_white = images.amin({1, 2, 3}, true) > 2;
    output.features = {
        features.masked_fill(is_white, std::numeric_limits<float>::infinity())};
    output.logits = LogitsOf(features);
    return output;
  }
  at::Tensor LogitsOf(const at::Tensor& last_features) override {
    return at::matmul(last_features.mean(at::IntArrayRef({2, 3})),
                      LinearWeights().t());
  }
  at::Tensor LinearWeights() const override { return at::ones({2, 3}); }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return true; }
};

TEST_F(CamRunTest, MapsWithoutContrastAreCountedAndWrittenAsZeros) {
  fs::create_directories(Path("images"));
  cv::Mat ramp(16, 16, CV_8UC3);
  for (int x = 0; x < 16; ++x) ramp.col(x).setTo(cv::Scalar::all(16 * x));
  const struct {
    const char* name;
    cv::Mat image;
  } cases[] = {{"black", cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(0))},
               {"ramp", ramp},
               {"white", cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(255))}};
  for (const auto& [name, image] : cases) {
    ASSERT_THAT(
        vision::WritePng(Path(absl::StrCat("images/", name, ".png")), image),
        IsOk());
  }
  CamRunOptions options = FolderOptions();
  options.images = Path("images");
  SumNetwork network;
  CamRunNetwork run;
  run.network = &network;
  run.preprocessing.crop = 16;
  const auto report = RunCamOf(run, options, {});
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->methods[0].maps, 3);
  EXPECT_EQ(report->methods[0].constant_maps, 1);
  EXPECT_EQ(report->methods[0].not_finite_maps, 1);
  const auto largest = [&](const char* name) {
    const cv::Mat map =
        vision::ReadNpy(Path(absl::StrCat("out/CAM/", name, ".npy"))).value();
    return cv::norm(map, cv::NORM_INF);
  };
  EXPECT_EQ(largest("black"), 0);
  EXPECT_EQ(largest("ramp"), 1);
  EXPECT_EQ(largest("white"), 0);
  const json method = ReadJson().at("methods").at(0);
  EXPECT_EQ(method.at("constant_maps"), 1);
  EXPECT_EQ(method.at("not_finite_maps"), 1);
}

// And nothing is written.
TEST_F(CamRunTest, FindsOutWhatIsWrongBeforeItBegins) {
  const auto fails = [&](const CamRunOptions& options) {
    const absl::Status status = RunCam(options, {}).status();
    EXPECT_FALSE(fs::exists(Path("out")));
    return status;
  };
  CamRunOptions options = FolderOptions();
  options.model = Path("none");
  EXPECT_THAT(fails(options), StatusIs(absl::StatusCode::kNotFound));
  options = FolderOptions();
  options.class_choice = ClassChoice::kList;
  options.classes = {20};
  EXPECT_THAT(fails(options), StatusIs(absl::StatusCode::kOutOfRange,
                                       HasSubstr("class 20 is none of")));
  options = FolderOptions();
  options.cam.layers = {0};
  EXPECT_THAT(fails(options), StatusIs(kInvalid, HasSubstr("--method=CAM")));
  options.cam.layers = {9};
  EXPECT_THAT(fails(options), StatusIs(kInvalid, HasSubstr("layer 9")));
  options = FolderOptions();
  options.methods = {"CAM", "ScoreCAM"};
  options.cam.memory_budget_bytes = 1000;
  EXPECT_THAT(fails(options),
              StatusIs(kInvalid, AllOf(HasSubstr("--method=ScoreCAM"),
                                       HasSubstr("memory_budget_bytes"))));
  options = FolderOptions();
  options.methods = {"AttentionRollout"};
  EXPECT_THAT(fails(options), StatusIs(kInvalid, HasSubstr("attention")));
  options = FolderOptions();
  options.quality = true;
  options.quality_options.steps = 2000;
  EXPECT_THAT(fails(options), StatusIs(kInvalid, HasSubstr("1024 pixels")));
  options = FolderOptions();
  options.images = Path("none");
  EXPECT_THAT(fails(options), StatusIs(absl::StatusCode::kNotFound));
  options = SplitOptions();
  options.image_root = Path("none");
  EXPECT_THAT(fails(options), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CamRunTest, LabelsMustBeClassesOfTheModel) {
  ClassifierOptions few;
  few.num_classes = 5;
  ClassifierFolderInfo info;
  info.classifier = few;
  info.preprocessing.resize = kMiniatureSize;
  info.preprocessing.crop = kMiniatureSize;
  ASSERT_THAT(
      SaveClassifierFolder(Path("few"), *MakeClassifier(few).value(), info),
      IsOk());
  CamRunOptions options = SplitOptions();
  options.model = Path("few");
  EXPECT_THAT(RunCam(options, {}),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("knows the classes 0 to 4")));
  options.class_choice = ClassChoice::kPredicted;
  EXPECT_THAT(RunCam(options, {}), IsOk());
}

TEST_F(CamRunTest, AnImageThatCannotBeReadIsNamed) {
  fs::create_directories(Path("images"));
  ASSERT_THAT(vision::WritePng(Path("images/a.png"),
                               cv::Mat(16, 16, CV_8UC3, cv::Scalar(1, 2, 3))),
              IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(Path("images/b.png"), "no image"),
              IsOk());
  CamRunOptions options = FolderOptions();
  options.images = Path("images");
  EXPECT_THAT(RunCam(options, {}),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("b.png")));
}

}  // namespace
}  // namespace wsol
