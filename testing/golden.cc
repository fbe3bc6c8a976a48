#include "testing/golden.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <sstream>
#include <string>

#include "glog/logging.h"

namespace testing {
namespace {

int64_t ElementCount(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1},
                         [](int64_t a, int64_t b) { return a * b; });
}

double SineFill(int64_t k) {
  const double a = 12.9898 * static_cast<double>(k) + 78.233;
  const double s = 43758.5453 * std::sin(a);
  return s - std::floor(s);
}

double NumberOrNan(const nlohmann::json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN()
                         : value.get<double>();
}

struct Summary {
  double sum = 0, abs_sum = 0, sq_sum = 0, wsum = 0;
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  double nan_count = 0;
};

Summary Summarize(const std::vector<double>& data) {
  Summary s;
  for (size_t k = 0; k < data.size(); ++k) {
    const bool is_nan = std::isnan(data[k]);
    const double value = is_nan ? 0.0 : data[k];
    s.nan_count += is_nan ? 1 : 0;
    s.sum += value;
    s.abs_sum += std::abs(value);
    s.sq_sum += value * value;
    s.wsum += value * static_cast<double>(k % 97 + 1);
    s.min = std::min(s.min, value);
    s.max = std::max(s.max, value);
  }
  return s;
}

// Collects the differences found into one message.
class Differences {
 public:
  void Compare(const std::string& name, double expected, double actual,
               double tolerance) {
    const bool equal = std::isnan(expected)
                           ? std::isnan(actual)
                           : std::abs(expected - actual) <= tolerance;
    if (equal) return;
    if (++count_ > 5) return;
    message_ << name << ": expected " << expected << ", got " << actual
             << ", tolerance " << tolerance << "\n";
  }
  std::string message() const {
    if (count_ == 0) return "";
    return message_.str() + std::to_string(count_) + " differences";
  }

 private:
  int count_ = 0;
  std::ostringstream message_;
};

}  // namespace

std::vector<double> GoldenStream(const nlohmann::json& gen, int64_t count) {
  std::vector<double> values(static_cast<size_t>(count));
  const std::string kind = gen.at("kind");
  if (kind == "sine") {
    const int64_t k0 = gen.at("k0");
    for (int64_t k = 0; k < count; ++k) values[k] = SineFill(k0 + k);
  } else {
    CHECK_EQ(kind, "lcg");
    uint32_t x = gen.at("seed").get<uint32_t>();
    for (double& value : values) {
      x = 1664525u * x + 1013904223u;
      value = static_cast<double>(x >> 8) * 0x1p-24;
    }
  }
  return values;
}

GoldenTensor MakeGoldenTensor(const nlohmann::json& descriptor) {
  GoldenTensor tensor;
  tensor.shape = descriptor.at("shape").get<std::vector<int64_t>>();
  const int64_t count = ElementCount(tensor.shape);
  if (descriptor.contains("data")) {
    for (const nlohmann::json& value : descriptor.at("data")) {
      tensor.data.push_back(NumberOrNan(value));
    }
    CHECK_EQ(static_cast<int64_t>(tensor.data.size()), count);
    return tensor;
  }
  tensor.data = GoldenStream(descriptor.at("gen"), count);
  const double mul = descriptor.at("mul");
  const double add = descriptor.at("add");
  const bool floor = descriptor.value("floor", false);
  for (double& value : tensor.data) {
    value = mul * value + add;
    if (floor) value = std::floor(value);
  }
  return tensor;
}

std::string CompareWithGolden(const nlohmann::json& expected,
                              const std::vector<double>& data, double rtol,
                              double atol) {
  const auto shape = expected.at("shape").get<std::vector<int64_t>>();
  if (ElementCount(shape) != static_cast<int64_t>(data.size())) {
    return "expected " + std::to_string(ElementCount(shape)) +
           " elements, got " + std::to_string(data.size());
  }
  const Summary actual = Summarize(data);
  Differences differences;
  if (expected.contains("data")) {
    double magnitude = 0;
    for (const nlohmann::json& value : expected.at("data")) {
      if (!value.is_null()) {
        magnitude = std::max(magnitude, std::abs(value.get<double>()));
      }
    }
    for (size_t k = 0; k < data.size(); ++k) {
      differences.Compare("[" + std::to_string(k) + "]",
                          NumberOrNan(expected.at("data")[k]), data[k],
                          atol + rtol * magnitude);
    }
    return differences.message();
  }
  const double count = std::max<double>(1, static_cast<double>(data.size()));
  const double magnitude = std::max(std::abs(expected.at("min").get<double>()),
                                    std::abs(expected.at("max").get<double>()));
  const double abs_sum = expected.at("abs_sum");
  const double near = atol + rtol * magnitude;
  const double mean = actual.sum / count;
  const double variance = std::max(0.0, actual.sq_sum / count - mean * mean);
  differences.Compare("min", expected.at("min"), actual.min, near);
  differences.Compare("max", expected.at("max"), actual.max, near);
  differences.Compare("mean", expected.at("mean"), mean, near);
  // The difference of squares loses half the digits where the mean dominates.
  differences.Compare("std", expected.at("std"), std::sqrt(variance),
                      near + 1e-7 * magnitude);
  differences.Compare("sum", expected.at("sum"), actual.sum,
                      atol * count + rtol * abs_sum);
  differences.Compare("abs_sum", abs_sum, actual.abs_sum,
                      atol * count + rtol * abs_sum);
  differences.Compare("sq_sum", expected.at("sq_sum"), actual.sq_sum,
                      2 * near * magnitude * count);
  differences.Compare("wsum", expected.at("wsum"), actual.wsum,
                      97 * (atol * count + rtol * abs_sum));
  differences.Compare("nan_count", expected.value("nan_count", 0.0),
                      actual.nan_count, 0);
  for (const nlohmann::json& at : expected.at("at")) {
    const size_t k = at[0].get<size_t>();
    differences.Compare("[" + std::to_string(k) + "]", NumberOrNan(at[1]),
                        data.at(k), near);
  }
  return differences.message();
}

}  // namespace testing
