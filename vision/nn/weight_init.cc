#include "vision/nn/weight_init.h"

#include <cmath>
#include <cstdint>

#include "ATen/ATen.h"
#include "ATen/CPUGeneratorImpl.h"
#include "c10/util/Exception.h"

namespace vision {
namespace {

struct Fans {
  double in;
  double out;
};

Fans FansOf(const at::Tensor& weight) {
  TORCH_CHECK(weight.dim() >= 2,
              "weight has no fan: expected [out, in, ...], got ",
              weight.sizes());
  const double field =
      weight.size(0) * weight.size(1) == 0
          ? 0
          : static_cast<double>(weight.numel()) /
                static_cast<double>(weight.size(0) * weight.size(1));
  return {static_cast<double>(weight.size(1)) * field,
          static_cast<double>(weight.size(0)) * field};
}

// Parameters are leaves that require gradients, which autograd does not let one
// write to in place.
void FillUniform(const at::Tensor& weight, double bound,
                 at::Generator& generator) {
  const at::NoGradGuard no_grad;
  weight.uniform_(-bound, bound, generator);
}

}  // namespace

at::Generator MakeGenerator(uint64_t seed) {
  return at::detail::createCPUGenerator(seed);
}

void KaimingNormal(const at::Tensor& weight, at::Generator& generator) {
  const double deviation = std::sqrt(2.0 / FansOf(weight).out);
  const at::NoGradGuard no_grad;
  weight.normal_(0, deviation, generator);
}

void KaimingUniform(const at::Tensor& weight, at::Generator& generator) {
  FillUniform(weight, std::sqrt(6.0 / FansOf(weight).in), generator);
}

void XavierUniform(const at::Tensor& weight, at::Generator& generator) {
  const Fans fans = FansOf(weight);
  FillUniform(weight, std::sqrt(6.0 / (fans.in + fans.out)), generator);
}

void NormalInit(const at::Tensor& tensor, double deviation,
                at::Generator& generator) {
  const at::NoGradGuard no_grad;
  tensor.normal_(0, deviation, generator);
}

void DefaultUniform(const at::Tensor& tensor, int64_t fan_in,
                    at::Generator& generator) {
  FillUniform(tensor, 1 / std::sqrt(static_cast<double>(fan_in)), generator);
}

void FillConstant(const at::Tensor& weight, double value) {
  const at::NoGradGuard no_grad;
  weight.fill_(value);
}

}  // namespace vision
