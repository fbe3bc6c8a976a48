#include "wsol/training/checkpoint.h"

#include <memory>
#include <string>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "torch/nn/modules/batchnorm.h"
#include "torch/nn/modules/linear.h"
#include "vision/base/file_io.h"
#include "wsol/training/optimizer.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;
using ::testing::TensorEq;

// A layer with parameters and one with buffers.
struct Net : torch::nn::Module {
  explicit Net(int64_t width) {
    linear = register_module("linear", torch::nn::Linear(width, 3));
    norm = register_module("norm", torch::nn::BatchNorm1d(3));
  }
  at::Tensor forward(const at::Tensor& x) { return norm(linear(x)); }

  torch::nn::Linear linear{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
};

struct Trainee {
  explicit Trainee(int64_t width = 2) : net(std::make_shared<Net>(width)) {
    absl::StatusOr<std::unique_ptr<Optimizer>> made =
        Optimizer::Create({{net->parameters(), 0.1}}, OptimizerOptions());
    EXPECT_THAT(made, IsOk());
    optimizer = *std::move(made);
  }
  void Step() {
    optimizer->ZeroGrad();
    net->forward(at::linspace(-1, 1, 8).view({4, 2})).pow(3).sum().backward();
    optimizer->Step();
  }

  std::shared_ptr<Net> net;
  std::unique_ptr<Optimizer> optimizer;
};

std::string TempPath(const char* name) {
  return vision::JoinPath(::testing::TempDir(), name);
}

TEST(CheckpointTest, TrainingContinuesBitForBit) {
  const std::string path = TempPath("state");
  Trainee a;
  for (int i = 0; i < 3; ++i) a.Step();
  ASSERT_THAT(SaveCheckpoint(path, *a.net, *a.optimizer, "{\"epoch\": 3}"),
              IsOk());
  Trainee b;
  EXPECT_THAT(LoadCheckpoint(path, *b.net, *b.optimizer),
              IsOkAndHolds(std::string("{\"epoch\": 3}")));
  a.Step();
  b.Step();
  for (const auto& item : a.net->named_parameters()) {
    EXPECT_THAT(b.net->named_parameters()[item.key()].detach(),
                TensorEq(item.value().detach()));
  }
  for (const auto& item : a.net->named_buffers()) {
    EXPECT_THAT(b.net->named_buffers()[item.key()], TensorEq(item.value()));
  }
}

TEST(CheckpointTest, FindsEveryKindOfDamage) {
  const std::string path = TempPath("damaged");
  Trainee a;
  a.Step();
  ASSERT_THAT(SaveCheckpoint(path, *a.net, *a.optimizer, "x"), IsOk());
  const std::string whole = *vision::ReadFile(path);
  std::string flipped = whole;
  flipped[flipped.size() / 2] ^= 1;
  for (const std::string& bad :
       {flipped, whole.substr(0, whole.size() - 1), std::string(),
        std::string("fcam checkpoint 1"), whole + "x"}) {
    ASSERT_THAT(vision::WriteFileAtomically(path, bad), IsOk());
    EXPECT_THAT(LoadCheckpoint(path, *a.net, *a.optimizer),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
  }
}

TEST(CheckpointTest, RejectsAnotherModel) {
  const std::string path = TempPath("other");
  Trainee a;
  ASSERT_THAT(SaveCheckpoint(path, *a.net, *a.optimizer, ""), IsOk());
  struct Other : torch::nn::Module {
    Other() { register_module("conv", torch::nn::Linear(5, 5)); }
  };
  Other other;
  EXPECT_THAT(
      LoadCheckpoint(path, other, *a.optimizer),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("other")));
}

TEST(CheckpointTest, FailsOnAMissingFile) {
  Trainee a;
  EXPECT_THAT(LoadCheckpoint(TempPath("none"), *a.net, *a.optimizer),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

}  // namespace
}  // namespace wsol
