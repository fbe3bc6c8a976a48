#include "wsol/training/optimizer.h"

#include <cmath>
#include <sstream>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "torch/optim/adam.h"
#include "torch/optim/adamw.h"
#include "torch/optim/optimizer.h"
#include "torch/optim/sgd.h"
#include "torch/serialize/archive.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace wsol {
namespace {

using torch::optim::AdamOptions;
using torch::optim::AdamWOptions;
using torch::optim::OptimizerParamGroup;
using torch::optim::SGDOptions;

absl::Status CheckUnitInterval(absl::string_view name, double value,
                               bool closed) {
  if (value >= 0 && (value < 1 || (closed && value == 1))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name, " must be in [0, 1", closed ? "]" : ")", ", got ", value));
}

class TorchOptimizer : public Optimizer {
 public:
  TorchOptimizer(std::unique_ptr<torch::optim::Optimizer> optimizer,
                 std::vector<double> base_rates, OptimizerOptions options)
      : optimizer_(std::move(optimizer)),
        base_rates_(std::move(base_rates)),
        options_(options) {}

  void SetEpoch(int64_t epoch) override {
    for (size_t g = 0; g < base_rates_.size(); ++g) {
      optimizer_->param_groups()[g].options().set_lr(
          LearningRate(options_.schedule, base_rates_[g], epoch));
    }
  }

  std::vector<double> LearningRates() const override {
    std::vector<double> rates;
    for (const OptimizerParamGroup& group : optimizer_->param_groups()) {
      rates.push_back(group.options().get_lr());
    }
    return rates;
  }

  void ZeroGrad() override { optimizer_->zero_grad(); }

  void Step() override { optimizer_->step(); }

  absl::StatusOr<std::string> Serialize() const override {
    return vision::CallTorch("saving the optimizer", [&] {
      torch::serialize::OutputArchive archive;
      optimizer_->save(archive);
      std::ostringstream stream;
      archive.save_to(stream);
      return stream.str();
    });
  }

  absl::Status Deserialize(const std::string& bytes) override {
    const absl::Status status =
        vision::StatusFromTorch("loading the optimizer", [&] {
          std::istringstream stream(bytes);
          torch::serialize::InputArchive archive;
          archive.load_from(stream);
          optimizer_->load(archive);
        });
    if (!status.ok()) return absl::DataLossError(status.message());
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  const std::vector<double> base_rates_;
  const OptimizerOptions options_;
};

// LibTorch's groups, each with `options` and its own rate.
template <typename Options>
std::vector<OptimizerParamGroup> MakeGroups(
    const std::vector<ParameterGroup>& groups, const Options& options) {
  std::vector<OptimizerParamGroup> torch_groups;
  for (const ParameterGroup& group : groups) {
    auto group_options = std::make_unique<Options>(options);
    group_options->set_lr(group.learning_rate);
    torch_groups.emplace_back(group.parameters, std::move(group_options));
  }
  return torch_groups;
}

template <typename Options>
Options MakeAdam(const std::vector<ParameterGroup>& groups,
                 const OptimizerOptions& options) {
  Options adam(groups[0].learning_rate);
  adam.betas(std::make_tuple(options.beta1, options.beta2))
      .eps(options.epsilon)
      .amsgrad(options.amsgrad)
      .weight_decay(options.weight_decay);
  return adam;
}

std::unique_ptr<torch::optim::Optimizer> MakeTorchOptimizer(
    const std::vector<ParameterGroup>& groups,
    const OptimizerOptions& options) {
  SGDOptions sgd(groups[0].learning_rate);
  sgd.momentum(options.momentum)
      .dampening(options.dampening)
      .nesterov(options.nesterov)
      .weight_decay(options.weight_decay);
  switch (options.kind) {
    case OptimizerKind::kSgd:
      return std::make_unique<torch::optim::SGD>(MakeGroups(groups, sgd), sgd);
    case OptimizerKind::kAdam: {
      const AdamOptions adam = MakeAdam<AdamOptions>(groups, options);
      return std::make_unique<torch::optim::Adam>(MakeGroups(groups, adam),
                                                  adam);
    }
    case OptimizerKind::kAdamW: {
      const AdamWOptions adamw = MakeAdam<AdamWOptions>(groups, options);
      return std::make_unique<torch::optim::AdamW>(MakeGroups(groups, adamw),
                                                   adamw);
    }
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<OptimizerKind> ParseOptimizerKind(absl::string_view name) {
  if (name == "sgd") return OptimizerKind::kSgd;
  if (name == "adam") return OptimizerKind::kAdam;
  if (name == "adamw") return OptimizerKind::kAdamW;
  return absl::InvalidArgumentError(
      absl::StrCat("optimizer '", name, "': expected sgd, adam or adamw"));
}

absl::Status OptimizerOptions::Validate() const {
  VISION_RETURN_IF_ERROR(CheckUnitInterval("momentum", momentum, false));
  VISION_RETURN_IF_ERROR(CheckUnitInterval("dampening", dampening, true));
  VISION_RETURN_IF_ERROR(CheckUnitInterval("beta1", beta1, false));
  VISION_RETURN_IF_ERROR(CheckUnitInterval("beta2", beta2, false));
  if (kind == OptimizerKind::kSgd && nesterov &&
      (momentum == 0 || dampening != 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nesterov needs momentum > 0 and dampening 0, got momentum ", momentum,
        ", dampening ", dampening));
  }
  if (!(epsilon > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("epsilon must be positive, got ", epsilon));
  }
  if (!(weight_decay >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("weight_decay must not be negative, got ", weight_decay));
  }
  return schedule.Validate();
}

absl::StatusOr<std::unique_ptr<Optimizer>> Optimizer::Create(
    std::vector<ParameterGroup> groups, const OptimizerOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (groups.empty()) {
    return absl::InvalidArgumentError("the optimizer has no parameter group");
  }
  std::vector<double> base_rates;
  for (const ParameterGroup& group : groups) {
    if (group.parameters.empty()) {
      return absl::InvalidArgumentError("a parameter group is empty");
    }
    if (!(group.learning_rate > 0 && std::isfinite(group.learning_rate))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "learning_rate must be positive, got ", group.learning_rate));
    }
    base_rates.push_back(group.learning_rate);
  }
  return vision::CallTorch("making the optimizer",
                           [&]() -> std::unique_ptr<Optimizer> {
                             auto optimizer = std::make_unique<TorchOptimizer>(
                                 MakeTorchOptimizer(groups, options),
                                 std::move(base_rates), options);
                             optimizer->SetEpoch(1);
                             return optimizer;
                           });
}

}  // namespace wsol
