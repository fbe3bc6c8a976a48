#include "fcam/localizer/localizer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/localizer/test_model.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/resize.h"
#include "vision/image/resize_map.h"
#include "vision/image/tensor_image.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"

namespace fcam {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

std::unique_ptr<Localizer> MakeLocalizer(const LocalizerOptions& options = {}) {
  const FcamFolderInfo info = TestInfo();
  auto localizer =
      Localizer::Create(MakeTestModel(info), info.classifier, options);
  EXPECT_THAT(localizer, IsOk());
  return *std::move(localizer);
}

at::Tensor Input(const cv::Mat& image, int size) {
  return vision::NormalizedImageToTensor(
             vision::ResizeAntialiased(image, size, size).value())
      .unsqueeze(0);
}

// Largest difference of two maps.
double Distance(const cv::Mat& a, const cv::Mat& b) {
  EXPECT_EQ(a.size(), b.size());
  return cv::norm(a, b, cv::NORM_INF);
}

void ExpectSame(const Localization& a, const Localization& b) {
  ASSERT_EQ(a.classes.size(), b.classes.size());
  for (size_t i = 0; i < a.classes.size(); ++i) {
    EXPECT_EQ(a.classes[i].index, b.classes[i].index);
    EXPECT_EQ(a.classes[i].probability, b.classes[i].probability);
  }
  EXPECT_EQ(Distance(a.map, b.map), 0);
  EXPECT_EQ(Distance(a.mask, b.mask), 0);
  ASSERT_EQ(a.boxes.size(), b.boxes.size());
  for (size_t i = 0; i < a.boxes.size(); ++i) {
    EXPECT_EQ(a.boxes[i].box, b.boxes[i].box);
    EXPECT_EQ(a.boxes[i].score, b.boxes[i].score);
  }
  EXPECT_EQ(a.tau, b.tau);
}

// Item by item, from the parts that evaluation uses.
TEST(LocalizerTest, GivesWhatThePlainForwardPassGives) {
  const FcamFolderInfo info = TestInfo();
  const std::shared_ptr<FcamModel> plain = MakeTestModel(info);
  const at::NoGradGuard no_grad;
  for (const bool fast : {false, true}) {
    LocalizerOptions options;
    options.fold_norms = options.channels_last = options.pack_weights = fast;
    options.winograd = fast;
    options.top_k = 10;
    const auto localizer = MakeLocalizer(options);
    for (const auto& [width, height] :
         std::vector<std::pair<int, int>>{{64, 64}, {91, 57}, {30, 200}}) {
      const cv::Mat image = TestImage(width, height, 1);
      const auto found = localizer->Localize(image);
      ASSERT_THAT(found, IsOk());
      const FcamOutput output = plain->forward(Input(image, 64));
      const cv::Mat expected =
          vision::ResizeMapBilinear(
              vision::TensorToMap(ForegroundMap(output.fcams)[0]), width,
              height)
              .value();
      EXPECT_EQ(found->map.type(), CV_32FC1);
      EXPECT_LE(Distance(found->map, expected), fast ? 1e-4 : 0);
      const at::Tensor probabilities = output.logits.softmax(1)[0];
      ASSERT_EQ(found->classes.size(), 3u);
      double last = 1;
      for (const ClassScore& score : found->classes) {
        EXPECT_NEAR(score.probability,
                    probabilities[score.index].item<double>(), 1e-5);
        EXPECT_LE(score.probability, last);
        last = score.probability;
        EXPECT_EQ(
            score.name,
            info.classifier.class_names[static_cast<size_t>(score.index)]);
      }
      EXPECT_EQ(found->tau, 0.25);
      const auto foreground = ThresholdMap(found->map, 0.25);
      ASSERT_THAT(foreground, IsOk());
      EXPECT_EQ(Distance(found->mask, foreground->mask), 0);
      ASSERT_EQ(found->boxes.size(), 1u);
      // Tight: the mask's pixels in the box touch its sides.
      const vision::Box& box = found->boxes[0].box;
      EXPECT_GE(cv::countNonZero(found->mask.row(box.y0)), 1);
      EXPECT_GE(cv::countNonZero(found->mask.col(box.x1 - 1)), 1);
      EXPECT_GE(found->boxes[0].score, 0.2);
    }
  }
}

TEST(LocalizerTest, BatchesAndThreadsChangeNothing) {
  std::vector<cv::Mat> images;
  for (int i = 0; i < 7; ++i) images.push_back(TestImage(40 + 9 * i, 50, 2));
  LocalizerOptions options;
  options.max_batch = 3;  // 3, 3 and 1.
  options.num_threads = 3;
  const auto batched = MakeLocalizer(options)->LocalizeBatch(images);
  ASSERT_THAT(batched, IsOk());
  ASSERT_EQ(batched->size(), images.size());
  const auto single = MakeLocalizer();
  for (size_t i = 0; i < images.size(); ++i) {
    const auto found = single->Localize(images[i]);
    ASSERT_THAT(found, IsOk());
    // Another number of images in a batch may round differently.
    EXPECT_LE(Distance((*batched)[i].map, found->map), 1e-5);
    EXPECT_EQ((*batched)[i].classes[0].index, found->classes[0].index);
  }
  const auto none = single->LocalizeBatch({});
  ASSERT_THAT(none, IsOk());
  EXPECT_TRUE(none->empty());
}

TEST(LocalizerTest, MayBeCalledFromSeveralThreads) {
  for (const char* const method : {"F-CAM", "CAM", "GradCAM++"}) {
    LocalizerOptions options;
    options.method = method;
    const auto localizer = MakeLocalizer(options);
    std::vector<cv::Mat> images;
    std::vector<Localization> expected;
    for (int i = 0; i < 4; ++i) {
      images.push_back(TestImage(50 + 10 * i, 60, 3));
      auto found = localizer->Localize(images.back());
      ASSERT_THAT(found, IsOk());
      expected.push_back(*std::move(found));
    }
    std::vector<std::vector<absl::StatusOr<Localization>>> results(4);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < results.size(); ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < images.size(); ++i) {
          results[t].push_back(
              localizer->Localize(images[(i + t) % images.size()]));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t t = 0; t < results.size(); ++t) {
      for (size_t i = 0; i < images.size(); ++i) {
        ASSERT_THAT(results[t][i], IsOk());
        ExpectSame(*results[t][i], expected[(i + t) % images.size()]);
      }
    }
  }
}

TEST(LocalizerTest, ComputesClassActivationMaps) {
  FcamFolderInfo info = TestInfo();
  const std::shared_ptr<wsol::Classifier> plain = MakeTestClassifier(info);
  const cv::Mat image = TestImage(80, 50, 4);
  const at::NoGradGuard no_grad;
  const wsol::ClassifierOutput output = plain->forward(Input(image, 64));
  const int64_t predicted = output.logits.argmax(1).item<int64_t>();
  for (const std::string& target : std::vector<std::string>{"", "bee", "2"}) {
    const int64_t index = target.empty() ? predicted : target == "2" ? 2 : 1;
    LocalizerOptions options;
    options.target_class = target;
    const auto localizer =
        Localizer::Create(MakeTestClassifier(info), info.classifier, options);
    ASSERT_THAT(localizer, IsOk());
    EXPECT_EQ((*localizer)->method(), "CAM");
    const auto found = (*localizer)->Localize(image);
    ASSERT_THAT(found, IsOk());
    const at::Tensor cam = wsol::HeadMaps(plain->head(), output.features.back(),
                                          at::full({1}, index, at::kLong))
                               .value();
    const cv::Mat expected = vision::ResizeMapBilinear(
                                 vision::TensorToMap(wsol::UpsampleMaps(
                                     wsol::NormalizeMaps(cam).maps, 64, 64)[0]),
                                 80, 50)
                                 .value();
    EXPECT_LE(Distance(found->map, expected), 1e-4) << target;
    EXPECT_EQ(found->classes[0].index, predicted);
  }
}

TEST(LocalizerTest, TakesTheThresholdThatIsAskedFor) {
  const cv::Mat image = TestImage(60, 60, 5);
  LocalizerOptions options;
  const auto tau_of = [&](const char* text, BoxSelection boxes) {
    options.threshold = ParseThreshold(text).value();
    options.boxes = boxes;
    const auto localizer = MakeLocalizer(options);
    const auto found = localizer->Localize(image);
    EXPECT_THAT(found, IsOk());
    return std::make_pair(found->tau, localizer->threshold().rule);
  };
  using Pair = std::pair<double, ThresholdRule>;
  EXPECT_EQ(tau_of("auto", BoxSelection::kLargest),
            Pair(0.25, ThresholdRule::kValidation));
  EXPECT_EQ(tau_of("val", BoxSelection::kAll),
            Pair(0.5, ThresholdRule::kValidation));
  EXPECT_EQ(tau_of("0.7", BoxSelection::kAll),
            Pair(0.7, ThresholdRule::kFixed));
  EXPECT_EQ(tau_of("otsu", BoxSelection::kAll).second, ThresholdRule::kOtsu);
}

// A threshold chosen for F-CAM's maps is not one for others.
TEST(LocalizerTest, TheValidationThresholdIsForTheModelsOwnMaps) {
  FcamFolderInfo info = TestInfo();
  LocalizerOptions options;
  options.method = "CAM";
  EXPECT_EQ(MakeLocalizer(options)->threshold().rule, ThresholdRule::kOtsu);
  options.threshold.rule = ThresholdRule::kValidation;
  EXPECT_THAT(
      Localizer::Create(MakeTestModel(info), info.classifier, options).status(),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr("no threshold chosen on a validation split")));
  options.method = "cam";
  EXPECT_THAT(
      Localizer::Create(MakeTestClassifier(info), info.classifier, options),
      IsOk());
}

TEST(LocalizerTest, BFloat16IsNear) {
  LocalizerOptions options;
  options.precision = "bfloat16";
  options.allow_slow_precision = true;
  const cv::Mat image = TestImage(70, 60, 6);
  const auto rounded = MakeLocalizer(options)->Localize(image);
  const auto exact = MakeLocalizer()->Localize(image);
  ASSERT_THAT(rounded, IsOk());
  ASSERT_THAT(exact, IsOk());
  EXPECT_LE(Distance(rounded->map, exact->map), 0.05);
  EXPECT_GT(Distance(rounded->map, exact->map), 0);
}

TEST(LocalizerTest, OpensBothKindsOfFolders) {
  const std::string dir =
      vision::JoinPath(::testing::TempDir(), "localizer_test_model");
  const cv::Mat image = TestImage(45, 67, 7);
  FcamFolderInfo info = TestInfo();
  std::filesystem::remove_all(dir);
  ASSERT_THAT(SaveFcamFolder(dir, *MakeTestModel(info), info), IsOk());
  auto opened = Localizer::Open(dir, {});
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ((*opened)->method(), kFcamMethod);
  EXPECT_EQ((*opened)->input_size(), 64);
  EXPECT_EQ((*opened)->class_names(), info.classifier.class_names);
  auto found = (*opened)->Localize(image);
  auto expected = MakeLocalizer()->Localize(image);
  ASSERT_THAT(found, IsOk());
  ASSERT_THAT(expected, IsOk());
  ExpectSame(*found, *expected);

  std::filesystem::remove_all(dir);
  info.classifier.class_names.clear();
  ASSERT_THAT(wsol::SaveClassifierFolder(dir, *MakeTestClassifier(info),
                                         info.classifier),
              IsOk());
  opened = Localizer::Open(dir, {});
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ((*opened)->method(), "CAM");
  EXPECT_EQ((*opened)->class_names()[1], "class 1");
  EXPECT_THAT((*opened)->Localize(image), IsOk());

  LocalizerOptions options;
  options.method = kFcamMethod;
  EXPECT_THAT(Localizer::Open(dir, options).status(),
              StatusIs(kInvalid, HasSubstr("without F-CAM's decoder")));
  EXPECT_THAT(Localizer::Open(dir + "_none", {}).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("_none")));
  ASSERT_THAT(vision::WriteFileAtomically(dir + "/model.json", "{}"), IsOk());
  EXPECT_FALSE(Localizer::Open(dir, {}).ok());
}

TEST(LocalizerTest, RefusesBadOptions) {
  const FcamFolderInfo info = TestInfo();
  const auto create = [&](const LocalizerOptions& options) {
    return Localizer::Create(MakeTestModel(info), info.classifier, options)
        .status();
  };
  LocalizerOptions options;
  options.method = "LayerCAN";
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("LayerCAM")));
  options = {};
  options.variant = "mine";
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("mine")));
  options = {};
  options.precision = "float16";
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("float16")));
  options = {};
  options.top_k = 0;
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("top_k is 0")));
  options = {};
  options.num_threads = 0;
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("num_threads")));
  options = {};
  options.max_batch = -1;
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("max_batch")));
  options = {};
  options.threshold.rule = ThresholdRule::kFixed;
  options.threshold.tau = 1;
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("threshold is 1")));
  options = {};
  options.min_box_fraction = 2;
  EXPECT_THAT(create(options),
              StatusIs(kInvalid, HasSubstr("min_box_fraction")));
  options = {};
  options.target_class = "bee";
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("one map")));
  options.method = "CAM";
  options.target_class = "beee";
  EXPECT_THAT(create(options),
              StatusIs(kInvalid, HasSubstr("did you mean bee?")));
  options.target_class = "3";
  EXPECT_THAT(create(options), StatusIs(kInvalid, HasSubstr("0 to 2")));

  FcamFolderInfo wrong = TestInfo();
  wrong.classifier.class_names.pop_back();
  EXPECT_THAT(
      Localizer::Create(MakeTestModel(wrong), wrong.classifier, {}).status(),
      StatusIs(kInvalid, HasSubstr("2 class names, expected 3")));
  wrong = TestInfo();
  wrong.classifier.taus = {{"MaxBoxAcc", 1.5}};
  EXPECT_THAT(
      Localizer::Create(MakeTestModel(wrong), wrong.classifier, {}).status(),
      StatusIs(kInvalid, HasSubstr("1.5")));
}

TEST(LocalizerTest, RefusesBadImages) {
  const auto localizer = MakeLocalizer();
  EXPECT_THAT(localizer->Localize(cv::Mat()).status(),
              StatusIs(kInvalid, HasSubstr("0x0 pixels")));
  EXPECT_THAT(localizer->Localize(cv::Mat::zeros(3, 3, CV_8UC1)).status(),
              StatusIs(kInvalid, HasSubstr("CV_8UC1")));
  const std::vector<cv::Mat> images = {TestImage(9, 9, 1),
                                       cv::Mat::zeros(3, 3, CV_32FC3)};
  EXPECT_THAT(
      localizer->LocalizeBatch(images).status(),
      StatusIs(kInvalid, AllOf(HasSubstr("image 1: "), HasSubstr("CV_32FC3"))));
  EXPECT_THAT(localizer->Localize(TestImage(1, 1, 1)), IsOk());
}

TEST(LocalizerTest, ReportsANetworkThatIsNotFinite) {
  const FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  {
    const at::NoGradGuard no_grad;
    model->segmentation_head().parameters()[1].fill_(
        std::numeric_limits<float>::quiet_NaN());
  }
  const auto localizer = Localizer::Create(model, info.classifier, {});
  ASSERT_THAT(localizer, IsOk());
  EXPECT_THAT((*localizer)->Localize(TestImage(20, 20, 1)).status(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("not finite")));
}

}  // namespace
}  // namespace fcam
