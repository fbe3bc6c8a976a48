#include "fcam/training/fcam_trainer.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fcam/decoder/fast_encoder.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/decoder/reconstruction_head.h"
#include "fcam/losses/composite.h"
#include "fcam/seeds/seed_sampler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/module.h"
#include "vision/backbones/resnet.h"
#include "vision/base/file_io.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/miniature.h"
#include "wsol/training/engine.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

wsol::ClassifierOptions TinyClassifier() {
  wsol::ClassifierOptions options;
  options.num_classes = 20;
  vision::ResNetOptions& net = options.backbone_options.resnet_small;
  net.stem_width = 8;
  net.blocks = {1, 1};
  net.widths = {8, 16};
  net.strides = {2, 2};
  return options;
}

std::shared_ptr<FcamModel> TinyModel() {
  const auto classifier = wsol::MakeClassifier(TinyClassifier());
  EXPECT_THAT(classifier, IsOk());
  FcamModelOptions fcam_options;
  fcam_options.decoder.channels = {16, 8, 8};
  const auto model = MakeFcamModel(*classifier, fcam_options);
  EXPECT_THAT(model, IsOk());
  return *model;
}

std::vector<std::pair<std::string, at::Tensor>> CopyState(
    const torch::nn::Module& module, const std::string& prefix) {
  std::vector<std::pair<std::string, at::Tensor>> state;
  const auto copy = [&](const auto& items) {
    for (const auto& item : items) {
      if (item.key().rfind(prefix, 0) == 0) {
        state.emplace_back(item.key(), item.value().detach().clone());
      }
    }
  };
  copy(module.named_parameters());
  copy(module.named_buffers());
  return state;
}

class FcamTrainerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    miniature_ = new wsol::Miniature(wsol::MakeMiniature());
  }
  static void TearDownTestSuite() { delete miniature_; }

  FcamTrainerTest()
      : train_(miniature_->Open("boxes", wsol::Split::kTrain)),
        loader_(wsol::MakeMiniatureLoader(*train_, /*training=*/true)) {
    options_.loop.epochs = 4;
    options_.loss = PublishedFcamLossOptions();
    options_.loss.crf.weight = 1e-6;
    options_.seeds.erosion_kernel = 3;
    options_.learning_rate = 0.05;
  }

  static wsol::Miniature* miniature_;
  std::unique_ptr<wsol::Dataset> train_;
  std::unique_ptr<wsol::Loader> loader_;
  FcamTrainingOptions options_;
};

wsol::Miniature* FcamTrainerTest::miniature_ = nullptr;

TEST_F(FcamTrainerTest, LearnsItsSeedsAndRecordsEveryTerm) {
  const std::shared_ptr<FcamModel> model = TinyModel();
  const auto history = TrainFcam(*model, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  ASSERT_EQ(history->size(), 4u);
  const double first = history->front().ValueOr0(kSelfLearningTerm);
  const double last = history->back().ValueOr0(kSelfLearningTerm);
  EXPECT_LT(last, 0.9 * first);
  for (const wsol::EpochRecord& record : *history) {
    EXPECT_TRUE(std::isfinite(record.loss));
    EXPECT_LT(record.ValueOr0(kCrfTerm), 0);
    EXPECT_NE(record.ValueOr0(kSizeTerm), 0);
    EXPECT_EQ(record.ValueOr0(kEntropyTerm), 0);
  }
}

TEST_F(FcamTrainerTest, LeavesTheFrozenClassifierAsItIs) {
  const std::shared_ptr<FcamModel> model = TinyModel();
  const auto encoder = CopyState(*model, "encoder.");
  const auto head = CopyState(*model, "classification_head.");
  const auto decoder = CopyState(*model, "decoder.");
  ASSERT_GT(encoder.size(), 10u);
  ASSERT_EQ(head.size(), 2u);
  options_.loop.epochs = 1;
  ASSERT_THAT(TrainFcam(*model, *loader_, options_), IsOk());
  const auto encoder_after = CopyState(*model, "encoder.");
  for (size_t i = 0; i < encoder.size(); ++i) {
    EXPECT_THAT(encoder_after[i].second, TensorEq(encoder[i].second))
        << encoder[i].first;
  }
  const auto head_after = CopyState(*model, "classification_head.");
  for (size_t i = 0; i < head.size(); ++i) {
    EXPECT_THAT(head_after[i].second, TensorEq(head[i].second));
  }
  bool decoder_changed = false;
  const auto decoder_after = CopyState(*model, "decoder.");
  for (size_t i = 0; i < decoder.size(); ++i) {
    decoder_changed |= !decoder_after[i].second.equal(decoder[i].second);
  }
  EXPECT_TRUE(decoder_changed);
}

TEST_F(FcamTrainerTest, FrozenBuffersStayAndTheFastEncoderTrainsAlike) {
  options_.loop.epochs = 1;
  const std::shared_ptr<FcamModel> plain = TinyModel();
  const auto expected = TrainFcam(*plain, *loader_, options_);
  ASSERT_THAT(expected, IsOk());

  const std::shared_ptr<FcamModel> model = TinyModel();
  const auto fast = MakeFastEncoder(TinyClassifier(), model->classifier(), {});
  ASSERT_THAT(fast, IsOk());
  ASSERT_THAT(model->UseFastEncoder(*fast), IsOk());
  const auto encoder = CopyState(*model, "encoder.");
  const auto history = TrainFcam(*model, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  // The same maps up to rounding, so nearly the same training.
  EXPECT_NEAR(history->back().loss, expected->back().loss,
              0.02 * std::abs(expected->back().loss));
  const auto encoder_after = CopyState(*model, "encoder.");
  ASSERT_EQ(encoder_after.size(), encoder.size());
  for (size_t i = 0; i < encoder.size(); ++i) {
    EXPECT_EQ(encoder_after[i].first, encoder[i].first);
    EXPECT_THAT(encoder_after[i].second, TensorEq(encoder[i].second));
  }
}

TEST_F(FcamTrainerTest, TakesMapsOfAnyMethod) {
  options_.loop.epochs = 1;
  for (const char* method : {"GradCAM++", "LayerCAM", "EigenCAM"}) {
    options_.cam.method = method;
    const auto history = TrainFcam(*TinyModel(), *loader_, options_);
    ASSERT_THAT(history, IsOk()) << method;
    EXPECT_GT(history->back().ValueOr0(kSelfLearningTerm), 0) << method;
  }
  options_.cam.method = "CamGrad";
  EXPECT_THAT(
      TrainFcam(*TinyModel(), *loader_, options_),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("CamGrad")));
}

TEST_F(FcamTrainerTest, TakesStoredMaps) {
  options_.loop.epochs = 1;
  int64_t images = 0;
  at::Tensor map;
  options_.stored_cams =
      [&](const wsol::Batch& batch) -> absl::StatusOr<at::Tensor> {
    images += batch.images.size(0);
    return map.expand({batch.images.size(0), -1, -1});
  };
  loader_->StartEpoch(1);
  const auto batch = loader_->Next();
  ASSERT_THAT(batch, IsOk());
  const int64_t crop = (*batch)->images.size(2);
  map = at::linspace(0, 1, crop).expand({crop, crop});
  const auto history = TrainFcam(*TinyModel(), *loader_, options_);
  ASSERT_THAT(history, IsOk());
  EXPECT_EQ(images, train_->size());
  EXPECT_GT(history->back().ValueOr0(kSelfLearningTerm), 0);
  // Without contrast there are no seeds, and the term is 0.
  map = at::full({crop, crop}, 0.5f);
  const auto flat = TrainFcam(*TinyModel(), *loader_, options_);
  ASSERT_THAT(flat, IsOk());
  EXPECT_EQ(flat->back().ValueOr0(kSelfLearningTerm), 0);
  EXPECT_TRUE(std::isfinite(flat->back().loss));
  map = at::zeros({crop, crop + 1});
  EXPECT_THAT(TrainFcam(*TinyModel(), *loader_, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("maps for seeds have shape")));
}

TEST_F(FcamTrainerTest, LearnsToDrawTheImageWithTheOtherTerms) {
  FcamModelOptions model_options;
  model_options.decoder.channels = {16, 8, 8};
  model_options.decoder.light = true;
  model_options.reconstruction = ReconstructionRange::kSigmoid;
  const auto model = MakeFcamModel(
      wsol::MakeClassifier(TinyClassifier()).value(), model_options);
  ASSERT_THAT(model, IsOk());
  options_.loss.reconstruction.enabled = true;
  options_.loss.local_color.enabled = true;
  options_.loss.size_bounds.enabled = true;
  options_.loss.entropy.enabled = true;
  options_.seeds.region = SeedRegion::kAdaptive;
  options_.seeds.sampling = SeedSampling::kWeighted;
  const auto history = TrainFcam(**model, *loader_, options_);
  ASSERT_THAT(history, IsOk());
  EXPECT_LT(history->back().ValueOr0(kReconstructionTerm),
            0.9 * history->front().ValueOr0(kReconstructionTerm));
  EXPECT_GT(history->front().ValueOr0(kLocalColorTerm), 0);
  EXPECT_NE(history->front().ValueOr0(kSizeBoundsTerm), 0);
  EXPECT_THAT(TrainFcam(*TinyModel(), *loader_, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("reconstruction head")));
}

TEST_F(FcamTrainerTest, DoesNotDependOnSeedThreadsAndResumesToTheSameNumbers) {
  const std::shared_ptr<FcamModel> whole = TinyModel();
  const auto expected = TrainFcam(*whole, *loader_, options_);
  ASSERT_THAT(expected, IsOk());

  options_.num_threads = 3;
  options_.loop.checkpoint_path =
      vision::JoinPath(::testing::TempDir(), "fcam.ckpt");
  int batches = 0;
  options_.loop.callbacks.should_stop = [&] {
    return ++batches > 13;
  };  // In epoch 3.
  EXPECT_THAT(TrainFcam(*TinyModel(), *loader_, options_),
              StatusIs(absl::StatusCode::kCancelled));
  options_.loop.callbacks = {};
  const auto resumed = TrainFcam(*TinyModel(), *loader_, options_);
  ASSERT_THAT(resumed, IsOk());
  ASSERT_EQ(resumed->size(), expected->size());
  for (size_t e = 0; e < expected->size(); ++e) {
    EXPECT_EQ((*resumed)[e].loss, (*expected)[e].loss) << "epoch " << e + 1;
  }
}

TEST_F(FcamTrainerTest, ValidateNamesTheBadField) {
  const auto with = [this](auto set) {
    FcamTrainingOptions options = options_;
    set(&options);
    return options.Validate();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(options_.Validate(), IsOk());
  EXPECT_THAT(with([](auto* o) { o->loop.epochs = 0; }), invalid("epochs"));
  EXPECT_THAT(with([](auto* o) { o->learning_rate = -1; }),
              invalid("learning_rate"));
  EXPECT_THAT(with([](auto* o) { o->cam.layers = {}; }), invalid("layers"));
  EXPECT_THAT(with([](auto* o) { o->num_threads = 0; }),
              invalid("num_threads"));
  EXPECT_THAT(with([](auto* o) { o->loss.ignore_index = -1; }),
              invalid("ignore_index"));
  EXPECT_THAT(with([](auto* o) { o->loss = FcamLossOptions(); }),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fcam
