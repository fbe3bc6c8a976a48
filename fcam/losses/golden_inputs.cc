#include "fcam/losses/golden_inputs.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "ATen/ATen.h"
#include "testing/golden.h"
#include "testing/test_data.h"

namespace fcam {

std::vector<nlohmann::json> LossCases(const std::string& prefix) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("fcam/losses/testdata/losses.json");
  std::vector<nlohmann::json> cases;
  for (const nlohmann::json& c : golden.at("cases")) {
    const std::string id = c.at("id");
    if (id.rfind("losses/g/" + prefix, 0) == 0) cases.push_back(c);
  }
  return cases;
}

at::Tensor TensorFromGolden(const nlohmann::json& descriptor) {
  const ::testing::GoldenTensor golden =
      ::testing::MakeGoldenTensor(descriptor);
  at::Tensor tensor = at::empty(golden.shape, at::kDouble);
  std::copy(golden.data.begin(), golden.data.end(), tensor.data_ptr<double>());
  return tensor;
}

std::vector<double> ToVector(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().to(at::kDouble).contiguous();
  return std::vector<double>(values.data_ptr<double>(),
                             values.data_ptr<double>() + values.numel());
}

at::Tensor ImagesFromGolden(const nlohmann::json& image) {
  const std::string kind = image.at("kind");
  const int64_t batch = image.at("N");
  const int64_t height = image.at("H");
  const int64_t width = image.at("W");
  at::Tensor images = at::empty({batch, 3, height, width}, at::kDouble);
  const std::vector<double> stream =
      ::testing::GoldenStream(image.at("gen"), images.numel());
  double* out = images.data_ptr<double>();
  int64_t i = 0;
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x, ++i) {
          const int64_t wave = (3 * x + 5 * y + 40 * c + 17 * n) % 128;
          const double base = static_cast<double>(
              std::min<int64_t>(std::abs(wave - 64) * 4, 255));
          if (kind == "tri") {
            out[i] = base;
          } else if (kind == "tri_noise") {
            out[i] = std::min(base + std::floor(stream[i] * 32), 255.0);
          } else {
            TORCH_CHECK(kind == "bytes", "unknown kind of image: ", kind);
            out[i] = std::floor(stream[i] * 256);
          }
        }
      }
    }
  }
  return images;
}

at::Tensor SeedsFromGolden(const nlohmann::json& seeds,
                           const at::Tensor& fcams) {
  TORCH_CHECK(seeds.at("kind") == "mod");
  const int64_t p = seeds.at("p");
  const int64_t a = seeds.at("a");
  const int64_t height = fcams.size(2);
  const int64_t width = fcams.size(3);
  at::Tensor labels = at::full({fcams.size(0), height, width}, -255, at::kLong);
  int64_t* out = labels.data_ptr<int64_t>();
  int64_t i = 0;
  for (int64_t n = 0; n < fcams.size(0); ++n) {
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x, ++i) {
        const int64_t rest = (3 * x + 5 * y + 7 * n + a) % p;
        if (rest == 0) out[i] = 1;
        if (rest == p / 2) out[i] = 0;
      }
    }
  }
  return labels;
}

}  // namespace fcam
