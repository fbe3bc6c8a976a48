#include "wsol/training/engine.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/linear.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/metadata.h"
#include "wsol/training/checkpoint.h"
#include "wsol/training/optimizer.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

constexpr int kSide = 8;
constexpr int kImages = 10;

// Ten images: odd ones bright (label 1), even ones dark (label 0).
class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    ASSERT_THAT(vision::CreateDirectories(folder_), IsOk());
    SplitMetadata metadata;
    metadata.num_classes = 2;
    for (int i = 0; i < kImages; ++i) {
      ImageRecord record;
      record.id = absl::StrCat(i, ".png");
      record.label = i % 2;
      record.width = kSide;
      record.height = kSide;
      const int value = (i % 2) * 100 + 10 * i;
      const cv::Mat image(kSide, kSide, CV_8UC3,
                          cv::Scalar(value, value, value));
      const absl::StatusOr<std::string> png = vision::EncodePng(image);
      ASSERT_THAT(png, IsOk());
      ASSERT_THAT(vision::WriteFileAtomically(
                      vision::JoinPath(folder_, record.id), *png),
                  IsOk());
      metadata.images.push_back(record);
    }
    ASSERT_THAT(WriteSplitMetadata(folder_, metadata), IsOk());
    absl::StatusOr<Dataset> dataset = Dataset::Open(folder_, folder_);
    ASSERT_THAT(dataset, IsOk());
    dataset_ = std::make_unique<Dataset>(*std::move(dataset));
    LoaderOptions options;
    options.batch_size = 4;
    options.shuffle = true;
    options.augment = true;
    options.resize = kSide;
    options.crop = kSide - 2;
    absl::StatusOr<std::unique_ptr<Loader>> loader =
        Loader::Create(dataset_.get(), options);
    ASSERT_THAT(loader, IsOk());
    loader_ = *std::move(loader);
  }

  std::string CheckpointPath() const {
    return vision::JoinPath(folder_, "state.ckpt");
  }

  std::string folder_;
  std::unique_ptr<Dataset> dataset_;
  std::unique_ptr<Loader> loader_;
};

// A linear classifier of the mean colour.
struct Net : torch::nn::Module {
  Net() {
    norm = register_module("norm", torch::nn::BatchNorm1d(3));
    linear = register_module("linear", torch::nn::Linear(3, 2));
    for (at::Tensor& p : linear->parameters()) p.data().fill_(0.1);
  }
  at::Tensor forward(const at::Tensor& images) {
    return linear(norm(images.mean({2, 3})));
  }
  torch::nn::BatchNorm1d norm{nullptr};
  torch::nn::Linear linear{nullptr};
};

struct Trainee {
  Trainee() : net(std::make_shared<Net>()) {
    absl::StatusOr<std::unique_ptr<Optimizer>> made =
        Optimizer::Create({{net->parameters(), 0.1}}, OptimizerOptions());
    EXPECT_THAT(made, IsOk());
    optimizer = *std::move(made);
    loop.epochs = 5;
    loop.step = [this](const Batch& batch,
                       int64_t) -> absl::StatusOr<StepResult> {
      const at::Tensor logits = net->forward(batch.images);
      const double accuracy = logits.argmax(1)
                                  .eq(batch.labels)
                                  .to(at::kDouble)
                                  .mean()
                                  .item<double>();
      return StepResult{at::cross_entropy_loss(logits, batch.labels),
                        {{"accuracy", accuracy}}};
    };
  }

  std::shared_ptr<Net> net;
  std::unique_ptr<Optimizer> optimizer;
  TrainingLoop loop;
};

TEST_F(EngineTest, LossFallsAndTheTaskIsLearnt) {
  Trainee trainee;
  trainee.loop.epochs = 30;
  const auto history =
      Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer);
  ASSERT_THAT(history, IsOk());
  ASSERT_EQ(history->size(), 30u);
  EXPECT_LT(history->back().loss, 0.7 * history->front().loss);
  // Chance is a half; a batch norm that sees four images cannot tell all apart.
  EXPECT_GT(history->back().ValueOr0("accuracy"), 0.75);
  EXPECT_EQ(history->back().ValueOr0("unknown"), 0.0);
  EXPECT_EQ(history->back().epoch, 30);
  EXPECT_FALSE(trainee.net->is_training());
}

TEST_F(EngineTest, CallbacksSeeEveryBatchAndEpoch) {
  Trainee trainee;
  trainee.loop.epochs = 2;
  std::vector<int64_t> batches;
  std::vector<int64_t> ended;
  std::vector<int64_t> recorded;
  trainee.loop.callbacks.on_batch = [&](int64_t epoch, double loss) {
    EXPECT_GT(loss, 0);
    batches.push_back(epoch);
  };
  trainee.loop.end_epoch = [&](int64_t epoch) { ended.push_back(epoch); };
  trainee.loop.callbacks.on_epoch = [&](const EpochRecord& record) {
    recorded.push_back(record.epoch);
  };
  ASSERT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              IsOk());
  EXPECT_THAT(batches, ElementsAre(1, 1, 1, 2, 2, 2));  // 10 images by 4.
  EXPECT_THAT(ended, ElementsAre(1, 2));
  EXPECT_THAT(recorded, ElementsAre(1, 2));
}

TEST_F(EngineTest, StoppedTrainingGoesOnToTheSameNumbers) {
  Trainee whole;
  const auto expected =
      Train(whole.loop, *whole.net, *loader_, *whole.optimizer);
  ASSERT_THAT(expected, IsOk());

  Trainee first;
  first.loop.checkpoint_path = CheckpointPath();
  int batches = 0;
  // Stops in the middle of the third epoch.
  first.loop.callbacks.should_stop = [&] { return ++batches > 8; };
  EXPECT_THAT(Train(first.loop, *first.net, *loader_, *first.optimizer),
              StatusIs(absl::StatusCode::kCancelled,
                       HasSubstr("stopped in epoch 3 of 5")));

  Trainee second;
  second.loop.checkpoint_path = CheckpointPath();
  std::vector<int64_t> ended;
  second.loop.end_epoch = [&](int64_t epoch) { ended.push_back(epoch); };
  const auto resumed =
      Train(second.loop, *second.net, *loader_, *second.optimizer);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_THAT(ended, ElementsAre(1, 2, 3, 4, 5));
  ASSERT_EQ(resumed->size(), expected->size());
  for (size_t e = 0; e < expected->size(); ++e) {
    EXPECT_EQ((*resumed)[e].loss, (*expected)[e].loss) << "epoch " << e + 1;
  }
  for (const auto& item : whole.net->named_parameters()) {
    EXPECT_THAT(second.net->named_parameters()[item.key()].detach(),
                TensorEq(item.value().detach()));
  }
}

// What a whole training leaves: losses, values and weights.
struct Outcome {
  std::vector<EpochRecord> history;
  std::vector<at::Tensor> weights;
};

void ExpectEqual(const Outcome& a, const Outcome& b) {
  ASSERT_EQ(a.history.size(), b.history.size());
  for (size_t e = 0; e < a.history.size(); ++e) {
    EXPECT_EQ(a.history[e].loss, b.history[e].loss) << e;
    EXPECT_EQ(a.history[e].values, b.history[e].values) << e;
    EXPECT_EQ(a.history[e].validation, b.history[e].validation) << e;
  }
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_THAT(a.weights[i], TensorEq(b.weights[i]));
  }
}

TEST_F(EngineTest, StoppedAtAnyBatchItEndsBitIdentical) {
  // All at once: dropout, accumulation, clipping, averaging, validation.
  const auto run = [&](int stop_after, const std::string& path) {
    Trainee trainee;
    trainee.loop.epochs = 3;
    trainee.loop.seed = 4;
    trainee.loop.accumulate_batches = 2;
    trainee.loop.max_gradient_norm = 0.5;
    trainee.loop.average_decay = 0.8;
    trainee.loop.checkpoint_path = path;
    trainee.loop.checkpoint_batches = 2;
    trainee.loop.validate_at_start = true;
    const auto plain_step = trainee.loop.step;
    trainee.loop.step = [&](const Batch& batch, int64_t epoch) {
      Batch noisy = batch;
      noisy.images = at::dropout(batch.images, 0.5, /*train=*/true);
      return plain_step(noisy, epoch);
    };
    trainee.loop.validate = [&](int64_t) -> absl::StatusOr<NamedValues> {
      EXPECT_FALSE(trainee.net->is_training());
      return NamedValues{
          {"weights", trainee.net->linear->weight.sum().item<double>()}};
    };
    int batches = 0;
    trainee.loop.callbacks.should_stop = [&] {
      return stop_after > 0 && ++batches > stop_after;
    };
    const auto history =
        Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer);
    Outcome outcome;
    if (!history.ok()) {
      EXPECT_TRUE(absl::IsCancelled(history.status())) << history.status();
      return outcome;
    }
    outcome.history = *history;
    for (const at::Tensor& weight : trainee.net->parameters()) {
      outcome.weights.push_back(weight.detach());
    }
    for (const at::Tensor& buffer : trainee.net->buffers()) {
      outcome.weights.push_back(buffer.detach());
    }
    return outcome;
  };
  const Outcome whole = run(0, "");
  ASSERT_EQ(whole.history.size(), 4u);
  EXPECT_EQ(whole.history[0].epoch, 0);
  EXPECT_EQ(whole.history[0].loss, 0);
  for (int stop_after = 1; stop_after <= 9; ++stop_after) {
    SCOPED_TRACE(stop_after);
    const std::string path =
        vision::JoinPath(folder_, absl::StrCat("stop", stop_after));
    run(stop_after, path);
    ExpectEqual(run(0, path), whole);
    // Stopped after every batch or two.
    const std::string often = path + "often";
    for (int i = 0; i < 20; ++i) run(1, often);
    ExpectEqual(run(0, often), whole);
  }
}

TEST_F(EngineTest, AveragedWeightsAreValidatedAndLeft) {
  Trainee plain;
  ASSERT_THAT(Train(plain.loop, *plain.net, *loader_, *plain.optimizer),
              IsOk());
  Trainee averaged;
  averaged.loop.average_decay = 0.9;
  at::Tensor validated;
  averaged.loop.validate = [&](int64_t) -> absl::StatusOr<NamedValues> {
    validated = averaged.net->linear->weight.detach().clone();
    return NamedValues();
  };
  ASSERT_THAT(
      Train(averaged.loop, *averaged.net, *loader_, *averaged.optimizer),
      IsOk());
  EXPECT_THAT(averaged.net->linear->weight.detach(), TensorEq(validated));
  EXPECT_FALSE(averaged.net->linear->weight.equal(plain.net->linear->weight));
}

TEST_F(EngineTest, AccumulationIsTheGradientOfTheLargerBatch) {
  // Without a batch norm the mean of two batches' gradients is that of both.
  struct Linear : torch::nn::Module {
    Linear() {
      linear = register_module("linear", torch::nn::Linear(3, 2));
      for (at::Tensor& p : linear->parameters()) p.data().fill_(0.1);
    }
    torch::nn::Linear linear{nullptr};
  };
  const auto train = [&](int batch_size, int accumulate) {
    LoaderOptions options;
    options.batch_size = batch_size;
    options.crop = kSide;
    auto loader = Loader::Create(dataset_.get(), options);
    EXPECT_THAT(loader, IsOk());
    auto net = std::make_shared<Linear>();
    auto optimizer =
        Optimizer::Create({{net->parameters(), 0.1}}, OptimizerOptions());
    EXPECT_THAT(optimizer, IsOk());
    TrainingLoop loop;
    loop.accumulate_batches = accumulate;
    loop.step = [&](const Batch& batch, int64_t) -> absl::StatusOr<StepResult> {
      return StepResult{
          at::cross_entropy_loss(
              net->linear(batch.images.mean(at::IntArrayRef({2, 3}))),
              batch.labels),
          {}};
    };
    EXPECT_THAT(Train(loop, *net, **loader, **optimizer), IsOk());
    return net->linear->weight.detach();
  };
  EXPECT_THAT(train(5, 2), ::testing::TensorNear(train(10, 1), 1e-6));
}

TEST_F(EngineTest, GradientsAreClippedByTheirNorm) {
  Trainee trainee;
  trainee.loop.epochs = 1;
  trainee.loop.max_gradient_norm = 1e-3;
  trainee.loop.callbacks.on_batch = [&](int64_t, double) {
    double squares = 0;
    for (const at::Tensor& parameter : trainee.net->parameters()) {
      squares += parameter.grad().square().sum().item<double>();
    }
    EXPECT_LE(std::sqrt(squares), 1.001e-3);
    EXPECT_GT(squares, 0);
  };
  ASSERT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              IsOk());
}

TEST_F(EngineTest, TheBestModelIsChosenByTheValidation) {
  const std::vector<double> scores = {0.5, 0.2, 0.7, 0.7, 0.9, 0.1};
  std::vector<int64_t> best;
  const auto make = [&](Trainee* trainee) {
    trainee->loop.checkpoint_path = CheckpointPath();
    trainee->loop.validate_at_start = true;
    trainee->loop.select_by = "score";
    trainee->loop.validate = [&](int64_t epoch) -> absl::StatusOr<NamedValues> {
      return NamedValues{{"score", scores[static_cast<size_t>(epoch)]}};
    };
    trainee->loop.on_best = [&](const EpochRecord& record) {
      best.push_back(record.epoch);
      return absl::OkStatus();
    };
  };
  Trainee first;
  make(&first);
  int batches = 0;
  // Stops in the fourth epoch.
  first.loop.callbacks.should_stop = [&] { return ++batches > 10; };
  EXPECT_THAT(Train(first.loop, *first.net, *loader_, *first.optimizer),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(best, ElementsAre(0, 2));
  Trainee second;
  make(&second);
  ASSERT_THAT(Train(second.loop, *second.net, *loader_, *second.optimizer),
              IsOk());
  // Equal scores do not replace the earlier model.
  EXPECT_THAT(best, ElementsAre(0, 2, 4));
  Trainee third;
  third.loop.select_by = "iou";
  third.loop.validate = [](int64_t) -> absl::StatusOr<NamedValues> {
    return NamedValues();
  };
  third.loop.on_best = [](const EpochRecord&) { return absl::OkStatus(); };
  EXPECT_THAT(Train(third.loop, *third.net, *loader_, *third.optimizer),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'iou'")));
}

TEST_F(EngineTest, ADamagedStateFallsBackToTheOneBefore) {
  Trainee whole;
  const auto expected =
      Train(whole.loop, *whole.net, *loader_, *whole.optimizer);
  ASSERT_THAT(expected, IsOk());
  Trainee first;
  first.loop.checkpoint_path = CheckpointPath();
  int batches = 0;
  first.loop.callbacks.should_stop = [&] { return ++batches > 8; };
  EXPECT_THAT(Train(first.loop, *first.net, *loader_, *first.optimizer),
              StatusIs(absl::StatusCode::kCancelled));
  ASSERT_THAT(vision::WriteFileAtomically(CheckpointPath(), "torn"), IsOk());
  Trainee second;
  second.loop.checkpoint_path = CheckpointPath();
  int damaged = 0;
  second.loop.callbacks.on_damaged_checkpoint = [&](const absl::Status&) {
    ++damaged;
  };
  std::vector<int64_t> trained;
  second.loop.callbacks.on_epoch = [&](const EpochRecord& record) {
    trained.push_back(record.epoch);
  };
  const auto resumed =
      Train(second.loop, *second.net, *loader_, *second.optimizer);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_EQ(damaged, 1);
  EXPECT_THAT(trained, ElementsAre(3, 4, 5));
  EXPECT_EQ(resumed->back().loss, expected->back().loss);
  EXPECT_THAT(second.net->linear->weight.detach(),
              TensorEq(whole.net->linear->weight.detach()));
}

TEST_F(EngineTest, GoesOnWhereAStateCannotBeWritten) {
  Trainee trainee;
  trainee.loop.epochs = 2;
  trainee.loop.checkpoint_path = vision::JoinPath(folder_, "no/such/folder");
  EXPECT_FALSE(
      Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer).ok());
  Trainee going_on;
  going_on.loop.epochs = 2;
  going_on.loop.checkpoint_path = trainee.loop.checkpoint_path;
  int errors = 0;
  going_on.loop.callbacks.on_checkpoint_error = [&](const absl::Status&) {
    ++errors;
  };
  EXPECT_THAT(
      Train(going_on.loop, *going_on.net, *loader_, *going_on.optimizer),
      IsOk());
  EXPECT_EQ(errors, 2);
}

TEST_F(EngineTest, RejectsOptionsOutOfRange) {
  const auto expect = [](const TrainingLoop& loop, const char* message) {
    EXPECT_THAT(loop.Validate(), StatusIs(absl::StatusCode::kInvalidArgument,
                                          HasSubstr(message)));
  };
  TrainingLoop loop;
  loop.checkpoint_batches = -1;
  expect(loop, "checkpoint_batches");
  loop = {};
  loop.accumulate_batches = 0;
  expect(loop, "accumulate_batches");
  loop = {};
  loop.max_gradient_norm = -1;
  expect(loop, "max_gradient_norm");
  loop = {};
  loop.average_decay = 1;
  expect(loop, "average_decay");
}

TEST_F(EngineTest, DamagedCheckpointStartsAnew) {
  ASSERT_THAT(vision::WriteFileAtomically(CheckpointPath(), "torn"), IsOk());
  Trainee trainee;
  trainee.loop.checkpoint_path = CheckpointPath();
  absl::Status damage;
  trainee.loop.callbacks.on_damaged_checkpoint = [&](const absl::Status& s) {
    damage = s;
  };
  const auto history =
      Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer);
  ASSERT_THAT(history, IsOk());
  EXPECT_EQ(history->front().epoch, 1);
  EXPECT_THAT(damage,
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("state.ckpt")));
}

TEST_F(EngineTest, LossThatIsNotFiniteStopsAndNamesTermsAndImages) {
  Trainee trainee;
  trainee.loop.step = [](const Batch&, int64_t) -> absl::StatusOr<StepResult> {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return StepResult{at::full({}, nan), {{"crf", nan}}};
  };
  trainee.loop.checkpoint_path = CheckpointPath();
  EXPECT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              StatusIs(absl::StatusCode::kInternal,
                       ::testing::AllOf(HasSubstr("crf=nan"),
                                        HasSubstr("images number"))));
  EXPECT_THAT(LoadCheckpoint(FailedCheckpointPath(CheckpointPath()),
                             *trainee.net, *trainee.optimizer),
              IsOk());
}

TEST_F(EngineTest, ExceptionsOfTheBackwardPassBecomeErrors) {
  Trainee trainee;
  trainee.loop.step = [](const Batch&, int64_t) -> absl::StatusOr<StepResult> {
    return StepResult{at::ones({}), {}};  // Needs no gradient.
  };
  EXPECT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("training: ")));
}

TEST_F(EngineTest, RejectsZeroEpochs) {
  Trainee trainee;
  trainee.loop.epochs = 0;
  EXPECT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace wsol
