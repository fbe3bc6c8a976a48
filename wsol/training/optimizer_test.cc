#include "wsol/training/optimizer.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

at::Tensor GoldenAsTensor(const nlohmann::json& descriptor) {
  const ::testing::GoldenTensor golden =
      ::testing::MakeGoldenTensor(descriptor);
  return at::tensor(golden.data, at::kDouble).view(golden.shape);
}

std::unique_ptr<Optimizer> MakeOptimizer(const at::Tensor& p, double lr,
                                         const OptimizerOptions& options) {
  absl::StatusOr<std::unique_ptr<Optimizer>> optimizer =
      Optimizer::Create({{{p}, lr}}, options);
  EXPECT_THAT(optimizer, IsOk());
  return *std::move(optimizer);
}

TEST(OptimizerTest, NesterovStepByHand) {
  OptimizerOptions options;
  options.momentum = 0.5;
  options.weight_decay = 0.1;
  options.schedule.kind = LrScheduleKind::kConstant;
  at::Tensor p = at::tensor({2.0}, at::kDouble).requires_grad_(true);
  const auto optimizer = MakeOptimizer(p, 0.1, options);
  p.mutable_grad() = at::tensor({1.0}, at::kDouble);
  optimizer->Step();
  // d = 1 + .1*2 = 1.2; buffer = d; step d + .5*buffer = 1.8; p = 2 - .18.
  EXPECT_THAT(p, TensorNear(at::tensor({1.82}, at::kDouble), 1e-15));
}

TEST(OptimizerTest, LeavesParametersWithoutGradientAlone) {
  const auto p = at::ones({3}).requires_grad_(true);
  const auto optimizer = MakeOptimizer(p, 0.1, OptimizerOptions());
  optimizer->Step();
  EXPECT_THAT(p.detach(), TensorEq(at::ones({3})));
}

TEST(OptimizerTest, EqualsTheGoldenUpdates) {
  int cases = 0;
  const nlohmann::json file =
      ::testing::ReadTestJson("wsol/training/testdata/optim.json");
  for (const nlohmann::json& golden : file.at("cases")) {
    const std::string id = golden.at("id");
    if (id.find("/update-") == std::string::npos) continue;
    ++cases;
    const nlohmann::json& inputs = golden.at("inputs");
    OptimizerOptions options;
    options.kind =
        *ParseOptimizerKind(inputs.at("name_optimizer").get<std::string>());
    options.momentum = inputs.at("momentum");
    options.dampening = inputs.at("dampening");
    options.nesterov = inputs.at("nesterov");
    options.weight_decay = inputs.at("weight_decay");
    options.beta1 = inputs.at("beta1");
    options.beta2 = inputs.at("beta2");
    options.epsilon = inputs.at("eps_adam");
    options.amsgrad = inputs.at("amsgrad");
    options.schedule.step_size = inputs.at("step_size");
    options.schedule.gamma = inputs.at("gamma");
    options.schedule.min_lr = inputs.at("min_lr");
    at::Tensor p = GoldenAsTensor(inputs.at("p0")).requires_grad_(true);
    const auto optimizer = MakeOptimizer(p, inputs.at("lr"), options);
    const nlohmann::json& expected = golden.at("expect").at("p");
    for (size_t step = 0; step < expected.size(); ++step) {
      optimizer->SetEpoch(static_cast<int64_t>(step) + 1);
      p.mutable_grad() = GoldenAsTensor(inputs.at("grads")[step]);
      optimizer->Step();
      EXPECT_THAT(p.detach(),
                  TensorNear(GoldenAsTensor(expected[step]), 1e-15, 1e-12))
          << id << " step " << step;
    }
  }
  EXPECT_EQ(cases, 4);
}

TEST(OptimizerTest, ContinuesFromItsStateBitForBit) {
  for (const OptimizerKind kind :
       {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    OptimizerOptions options;
    options.kind = kind;
    at::Tensor p = at::linspace(-1, 1, 6).requires_grad_(true);
    const auto optimizer = MakeOptimizer(p, 0.1, options);
    const auto step = [](at::Tensor* parameter, Optimizer* o) {
      parameter->mutable_grad() = parameter->detach().sin();
      o->Step();
    };
    for (int i = 0; i < 3; ++i) step(&p, optimizer.get());
    const absl::StatusOr<std::string> state = optimizer->Serialize();
    ASSERT_THAT(state, IsOk());

    at::Tensor q = p.detach().clone().requires_grad_(true);
    const auto resumed = MakeOptimizer(q, 0.1, options);
    ASSERT_THAT(resumed->Deserialize(*state), IsOk());
    for (int i = 0; i < 3; ++i) {
      step(&p, optimizer.get());
      step(&q, resumed.get());
    }
    EXPECT_THAT(q.detach(), TensorEq(p.detach()));
  }
}

TEST(OptimizerTest, SetEpochAppliesTheScheduleToEachGroup) {
  OptimizerOptions options;
  options.schedule.step_size = 1;
  const absl::StatusOr<std::unique_ptr<Optimizer>> optimizer =
      Optimizer::Create({{{at::ones({1})}, 0.1}, {{at::ones({1})}, 1.0}},
                        options);
  ASSERT_THAT(optimizer, IsOk());
  (*optimizer)->SetEpoch(2);
  EXPECT_THAT((*optimizer)->LearningRates(),
              ::testing::ElementsAre(::testing::DoubleEq(0.01),
                                     ::testing::DoubleEq(0.1)));
}

TEST(OptimizerTest, RejectsBadArguments) {
  const auto create = [](auto set, double lr = 0.1) {
    OptimizerOptions options;
    set(&options);
    return Optimizer::Create({{{at::ones({1})}, lr}}, options).status();
  };
  const auto invalid = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(create([](auto* o) { o->momentum = 1; }), invalid("momentum"));
  EXPECT_THAT(create([](auto* o) { o->dampening = 2; }), invalid("dampening"));
  EXPECT_THAT(create([](auto* o) { o->dampening = .5; }), invalid("nesterov"));
  EXPECT_THAT(create([](auto* o) { o->beta2 = -1; }), invalid("beta2"));
  EXPECT_THAT(create([](auto* o) { o->epsilon = 0; }), invalid("epsilon"));
  EXPECT_THAT(create([](auto* o) { o->weight_decay = -1; }),
              invalid("weight_decay"));
  EXPECT_THAT(create([](auto*) {}, 0.0), invalid("learning_rate"));
  EXPECT_THAT(Optimizer::Create({}, OptimizerOptions()),
              invalid("no parameter"));
  EXPECT_THAT(Optimizer::Create({{{}, 0.1}}, OptimizerOptions()),
              invalid("empty"));
  EXPECT_THAT(ParseOptimizerKind("lamb"), invalid("'lamb'"));
}

TEST(OptimizerTest, RejectsForeignState) {
  const auto optimizer = MakeOptimizer(at::ones({1}).requires_grad_(true), 0.1,
                                       OptimizerOptions());
  EXPECT_THAT(optimizer->Deserialize("not an archive"),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(OptimizerTest, AdamWShrinksParametersApartFromTheGradient) {
  at::Tensor parameter = at::full({1}, 2.0).requires_grad_();
  OptimizerOptions options;
  options.kind = OptimizerKind::kAdamW;
  options.weight_decay = 0.5;
  options.schedule.kind = LrScheduleKind::kConstant;
  const auto optimizer = Optimizer::Create({{{parameter}, 0.1}}, options);
  ASSERT_THAT(optimizer, IsOk());
  (parameter * 3).sum().backward();
  (*optimizer)->Step();
  // 2 (1 - 0.1 0.5) - 0.1: the first step of Adam has the length of the rate.
  EXPECT_NEAR(parameter.item<float>(), 1.8, 1e-6);
}

}  // namespace
}  // namespace wsol
