#include "wsol/training/engine.h"

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
  EXPECT_THAT(Train(trainee.loop, *trainee.net, *loader_, *trainee.optimizer),
              StatusIs(absl::StatusCode::kInternal,
                       ::testing::AllOf(HasSubstr("crf=nan"),
                                        HasSubstr("images number"))));
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
