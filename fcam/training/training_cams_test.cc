#include "fcam/training/training_cams.h"

#include <memory>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fast_encoder.h"
#include "fcam/decoder/fcam_model.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/nn/state_dict.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

wsol::ClassifierOptions ClassifierOptionsOf(const std::string& head) {
  wsol::ClassifierOptions options;
  options.num_classes = 4;
  options.pooling.name = head;
  auto& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 12};
  net.strides = {2, 2};
  return options;
}

std::shared_ptr<FcamModel> MakeModel(const std::string& head, bool freeze) {
  FcamModelOptions options;
  options.decoder.channels = {8, 6, 4};
  options.freeze_classifier = freeze;
  return MakeFcamModel(wsol::MakeClassifier(ClassifierOptionsOf(head)).value(),
                       options)
      .value();
}

wsol::Batch MakeBatch() {
  at::manual_seed(3);
  wsol::Batch batch;
  batch.images = at::randn({3, 3, 32, 24});
  batch.labels = at::tensor({1, 3, 0}, at::kLong);
  batch.indices = {10, 11, 12};
  return batch;
}

at::Tensor Maps(FcamModel& model, const std::string& method,
                int64_t epoch = 1) {
  wsol::CamOptions options;
  options.method = method;
  const auto cams = TrainingCams::Create(model, options);
  EXPECT_THAT(cams, IsOk());
  const wsol::Batch batch = MakeBatch();
  const auto maps = (*cams)->Maps(model.forward(batch.images), batch, epoch);
  EXPECT_THAT(maps, IsOk()) << method;
  return *maps;
}

// What wsol:cam gives for the classifier in evaluation mode.
at::Tensor Reference(wsol::Classifier& classifier, const std::string& method) {
  classifier.eval();
  wsol::CamOptions options;
  options.method = method;
  const wsol::Batch batch = MakeBatch();
  wsol::CamInput input;
  input.images = batch.images;
  input.classes = batch.labels;
  wsol::ClassifierNetwork network(classifier);
  const auto cams =
      wsol::MakeCamMethod(options).value()->Compute(network, input);
  EXPECT_THAT(cams, IsOk());
  return wsol::UpsampleMaps(wsol::NormalizeMaps(cams->maps).maps, 32, 24);
}

TEST(TrainingCamsTest, CamIsTheModelsOwn) {
  const auto model = MakeModel("WGAP", /*freeze=*/true);
  model->train();
  const wsol::Batch batch = MakeBatch();
  const auto expected =
      model->TrainingCams(model->forward(batch.images), batch.labels);
  ASSERT_THAT(expected, IsOk());
  EXPECT_THAT(Maps(*model, "CAM"), TensorEq(*expected));
}

TEST(TrainingCamsTest, EveryMethodGivesWhatItGivesElsewhere) {
  for (const char* head : {"WGAP", "WildCatCLHead"}) {
    const auto model = MakeModel(head, /*freeze=*/true);
    model->train();
    for (const char* method :
         {"CAM", "GradCAM", "GradCAM++", "XGradCAM", "LayerCAM", "HiResCAM",
          "EigenCAM", "ScoreCAM", "AblationCAM"}) {
      SCOPED_TRACE(std::string(head) + " " + method);
      const at::Tensor maps = Maps(*model, method);
      EXPECT_THAT(maps, HasShape({3, 32, 24}));
      EXPECT_FALSE(maps.requires_grad());
      EXPECT_GE(maps.min().item<double>(), 0);
      EXPECT_LE(maps.max().item<double>(), 1);
      model->train();
      const at::Tensor expected = Reference(model->classifier(), method);
      EXPECT_THAT(maps, TensorNear(expected, 1e-5));
    }
  }
}

TEST(TrainingCamsTest, NoiseIsOfTheEpochAndTheImage) {
  const auto model = MakeModel("WGAP", /*freeze=*/true);
  model->train();
  const at::Tensor maps = Maps(*model, "SmoothGradCAM++", 1);
  EXPECT_THAT(Maps(*model, "SmoothGradCAM++", 1), TensorEq(maps));
  EXPECT_THAT(Maps(*model, "SmoothGradCAM++", 2), Not(TensorEq(maps)));
}

TEST(TrainingCamsTest, LeavesATrainingClassifierInTrainingAndItsStatistics) {
  const auto model = MakeModel("WGAP", /*freeze=*/false);
  model->train();
  const wsol::Batch batch = MakeBatch();
  const FcamOutput output = model->forward(batch.images);
  vision::StateDict before;
  for (const auto& item : vision::GetStateDict(*model)) {
    before.insert(item.key(), item.value().clone());
  }
  for (const char* method : {"CAM", "GradCAM", "ScoreCAM"}) {
    wsol::CamOptions options;
    options.method = method;
    const auto cams = TrainingCams::Create(*model, options);
    ASSERT_THAT(cams, IsOk());
    ASSERT_THAT((*cams)->Maps(output, batch, 1), IsOk());
    for (const auto& module : model->modules()) {
      EXPECT_TRUE(module->is_training());
    }
    for (const auto& item : vision::GetStateDict(*model)) {
      EXPECT_THAT(item.value(), TensorEq(before[item.key()])) << item.key();
    }
    for (const at::Tensor& parameter : model->parameters()) {
      EXPECT_FALSE(parameter.grad().defined());
    }
  }
  // The graph of the output is still whole.
  output.fcams.sum().backward();
}

TEST(TrainingCamsTest, TakesAnotherClassifier) {
  const auto model = MakeModel("WGAP", /*freeze=*/false);
  model->train();
  wsol::ClassifierOptions other_options = ClassifierOptionsOf("WGAP");
  other_options.seed = 9;
  const auto other = wsol::MakeClassifier(other_options).value();
  wsol::CamOptions options;
  options.method = "LayerCAM";
  const auto cams = TrainingCams::Create(*model, options, other);
  ASSERT_THAT(cams, IsOk());
  const wsol::Batch batch = MakeBatch();
  const auto maps = (*cams)->Maps(model->forward(batch.images), batch, 1);
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(*maps, TensorNear(Reference(*other, "LayerCAM"), 1e-6));
}

TEST(TrainingCamsTest, RunsTheFastEncoder) {
  const wsol::ClassifierOptions options = ClassifierOptionsOf("WGAP");
  const auto model = MakeModel("WGAP", /*freeze=*/true);
  model->eval();
  const at::Tensor layer = Maps(*model, "LayerCAM");
  const at::Tensor smooth = Maps(*model, "SmoothGradCAM++");
  const auto fast = MakeFastEncoder(options, model->classifier(), {});
  ASSERT_THAT(fast, IsOk());
  ASSERT_THAT(model->UseFastEncoder(*fast), IsOk());
  EXPECT_THAT(Maps(*model, "LayerCAM"), TensorNear(layer, 1e-4));
  EXPECT_THAT(Maps(*model, "SmoothGradCAM++"), TensorNear(smooth, 1e-3));
}

TEST(TrainingCamsTest, NamesWhatDoesNotFit) {
  const auto model = MakeModel("WGAP", /*freeze=*/true);
  wsol::CamOptions options;
  options.method = "CAMCAM";
  EXPECT_THAT(TrainingCams::Create(*model, options),
              StatusIs(absl::StatusCode::kInvalidArgument));
  options.method = "GradCAM";
  const auto cams = TrainingCams::Create(*model, options);
  ASSERT_THAT(cams, IsOk());
  wsol::Batch batch = MakeBatch();
  const FcamOutput output = model->forward(batch.images);
  batch.labels = at::tensor({1, 9, 0}, at::kLong);
  EXPECT_THAT((*cams)->Maps(output, batch, 1),
              StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace fcam
