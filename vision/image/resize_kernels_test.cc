#include "vision/image/resize_kernels.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "hwy/targets.h"
#include "vision/base/rng.h"

namespace vision {
namespace internal {
namespace {

// Random windows and weights of both signs, whose sums may leave [0, 255].
AxisWeights RandomWeights(int source, int target, Rng& rng) {
  AxisWeights axis;
  axis.max_taps = std::min(source, 9);
  axis.weights.resize(static_cast<size_t>(target) * axis.max_taps);
  for (int i = 0; i < target; ++i) {
    const int taps = 1 + static_cast<int>(rng.UniformInt(axis.max_taps));
    axis.taps.push_back(taps);
    axis.first.push_back(static_cast<int>(rng.UniformInt(source - taps + 1)));
    int32_t left = 1 << kWeightBits;
    for (int t = 0; t < taps; ++t) {
      const int32_t weight =
          t + 1 < taps
              ? static_cast<int32_t>(rng.UniformInt(1 << 21)) - (1 << 19)
              : left;
      axis.weights[static_cast<size_t>(i) * axis.max_taps + t] = weight;
      left -= weight;
    }
  }
  return axis;
}

std::vector<uint8_t> RandomBytes(size_t count, Rng& rng) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.UniformInt(256));
  return bytes;
}

// The formula of AxisWeights for one target pixel; its source pixels are
// `step` bytes apart.
uint8_t Reference(const uint8_t* source, size_t step, const AxisWeights& axis,
                  size_t i) {
  int64_t sum = 1 << (kWeightBits - 1);
  for (int t = 0; t < axis.taps[i]; ++t) {
    sum += int64_t{axis.weights[i * axis.max_taps + t]} *
           source[(axis.first[i] + t) * step];
  }
  return static_cast<uint8_t>(std::clamp<int64_t>(sum >> kWeightBits, 0, 255));
}

// Bytes that the kernels must not touch stand between the rows.
constexpr size_t kGap = 5;
constexpr uint8_t kUntouched = 0xA5;

class ResizeKernelsTest : public ::testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

TEST_P(ResizeKernelsTest, HorizontalMatchesReference) {
  Rng rng(1);
  for (int i = 0; i < 150; ++i) {
    // Widths and heights around the tiles of 16.
    const int width = 1 + static_cast<int>(rng.UniformInt(40));
    const int height = 1 + static_cast<int>(rng.UniformInt(40));
    const int target_width = 1 + static_cast<int>(rng.UniformInt(40));
    const int channels = 1 + static_cast<int>(rng.UniformInt(4));
    const size_t stride = static_cast<size_t>(width) * channels + kGap;
    const size_t target_bytes = static_cast<size_t>(target_width) * channels;
    const size_t target_stride = target_bytes + kGap;
    const std::vector<uint8_t> source = RandomBytes(height * stride, rng);
    const AxisWeights axis = RandomWeights(width, target_width, rng);
    std::vector<uint8_t> target(height * target_stride, kUntouched);
    FilterHorizontally({source.data(), stride}, height, width, channels, axis,
                       {target.data(), target_stride});
    for (int y = 0; y < height; ++y) {
      for (size_t x = 0; x < target_stride; ++x) {
        const uint8_t expected =
            x < target_bytes
                ? Reference(source.data() + y * stride + x % channels, channels,
                            axis, x / channels)
                : kUntouched;
        ASSERT_EQ(target[y * target_stride + x], expected)
            << width << "x" << height << "x" << channels << " to "
            << target_width << " at row " << y << ", byte " << x;
      }
    }
  }
}

TEST_P(ResizeKernelsTest, VerticalMatchesReference) {
  Rng rng(2);
  for (int i = 0; i < 150; ++i) {
    // Up to the bytes of four vectors of any instruction set, and more.
    const size_t row_bytes = 1 + rng.UniformInt(150);
    const int height = 1 + static_cast<int>(rng.UniformInt(30));
    const int target_height = 1 + static_cast<int>(rng.UniformInt(30));
    const size_t stride = row_bytes + kGap;
    const std::vector<uint8_t> source = RandomBytes(height * stride, rng);
    const AxisWeights axis = RandomWeights(height, target_height, rng);
    std::vector<uint8_t> target(target_height * stride, kUntouched);
    FilterVertically({source.data(), stride}, row_bytes, axis,
                     {target.data(), stride});
    for (int y = 0; y < target_height; ++y) {
      for (size_t x = 0; x < stride; ++x) {
        const uint8_t expected =
            x < row_bytes ? Reference(source.data() + x, stride, axis, y)
                          : kUntouched;
        ASSERT_EQ(target[y * stride + x], expected)
            << row_bytes << "x" << height << " to " << target_height
            << " at row " << y << ", byte " << x;
      }
    }
  }
}

// Every instruction set that was compiled in and that this machine has.
INSTANTIATE_TEST_SUITE_P(
    InstructionSets, ResizeKernelsTest,

    ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
    [](const ::testing::TestParamInfo<int64_t>& target) {
      return std::string(hwy::TargetName(target.param));
    });

}  // namespace
}  // namespace internal
}  // namespace vision
