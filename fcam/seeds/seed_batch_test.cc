#include "fcam/seeds/seed_batch.h"

#include <cstdint>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "fcam/seeds/seed_sampler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/rng.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorEq;

at::Tensor RandomCams(std::vector<int64_t> shape, uint64_t seed,
                      at::ScalarType dtype = at::kFloat) {
  at::Tensor cams = at::empty(shape, at::kDouble);
  vision::Rng rng(seed);
  for (int64_t i = 0; i < cams.numel(); ++i) {
    cams.data_ptr<double>()[i] = rng.Uniform();
  }
  return cams.to(dtype);
}

at::Tensor Sample(const at::Tensor& cams, const std::vector<int64_t>& indices,
                  uint64_t epoch = 0, int num_threads = 1) {
  SeedOptions options;
  options.erosion_kernel = 2;
  return SampleSeedBatch(cams, indices, options, {7, epoch}, num_threads)
      .value();
}

TEST(SeedBatchTest, LabelsEachMap) {
  const at::Tensor cams = RandomCams({3, 20, 24}, 1);
  const at::Tensor labels = Sample(cams, {5, 6, 7});
  EXPECT_EQ(labels.scalar_type(), at::kLong);
  EXPECT_THAT(labels, HasShape({3, 20, 24}));
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ((labels[n] == kForegroundSeed).sum().item<int64_t>(), 10);
    EXPECT_EQ((labels[n] == kBackgroundSeed).sum().item<int64_t>(), 10);
  }
}

TEST(SeedBatchTest, DoesNotDependOnThreads) {
  const at::Tensor cams = RandomCams({7, 16, 16}, 2);
  const std::vector<int64_t> indices = {0, 1, 2, 3, 4, 5, 6};
  const at::Tensor one = Sample(cams, indices, 0, 1);
  EXPECT_THAT(Sample(cams, indices, 0, 3), TensorEq(one));
  EXPECT_THAT(Sample(cams, indices, 0, 16), TensorEq(one));
}

TEST(SeedBatchTest, ASamplesDrawsDoNotDependOnItsBatch) {
  const at::Tensor cams = RandomCams({3, 16, 16}, 3);
  const at::Tensor together = Sample(cams, {10, 11, 12});
  const at::Tensor reversed = Sample(cams.flip(0), {12, 11, 10});
  EXPECT_THAT(reversed.flip(0), TensorEq(together));
  EXPECT_THAT(Sample(cams.slice(0, 1, 2), {11})[0], TensorEq(together[1]));
}

TEST(SeedBatchTest, DrawsAnewInEachEpochAndForEachSample) {
  const at::Tensor cams = RandomCams({1, 16, 16}, 4);
  const at::Tensor labels = Sample(cams, {0}, 0);
  EXPECT_THAT(Sample(cams, {0}, 1), Not(TensorEq(labels)));
  EXPECT_THAT(Sample(cams, {1}, 0), Not(TensorEq(labels)));
  EXPECT_THAT(Sample(cams, {0}, 0), TensorEq(labels));
}

TEST(SeedBatchTest, TakesViewsAChannelAxisAndDoubles) {
  const at::Tensor cams = RandomCams({2, 12, 10}, 5, at::kDouble);
  const at::Tensor labels = Sample(cams, {0, 1});
  EXPECT_THAT(Sample(cams.unsqueeze(1), {0, 1}), TensorEq(labels));
  const at::Tensor strided = cams.transpose(1, 2).contiguous().transpose(1, 2);
  ASSERT_FALSE(strided.is_contiguous());
  EXPECT_THAT(Sample(strided, {0, 1}), TensorEq(labels));
}

TEST(SeedBatchTest, IgnoresConstantMapsOnly) {
  at::Tensor cams = RandomCams({2, 12, 10}, 6);
  cams[0].fill_(0.5);
  const at::Tensor labels = Sample(cams, {0, 1});
  EXPECT_TRUE((labels[0] == -255).all().item<bool>());
  EXPECT_EQ((labels[1] == kForegroundSeed).sum().item<int64_t>(), 10);
}

TEST(SeedBatchTest, TakesAnEmptyBatch) {
  EXPECT_THAT(Sample(at::empty({0, 4, 4}), {}), HasShape({0, 4, 4}));
}

TEST(SeedBatchTest, RejectsWhatDoesNotFit) {
  const std::vector<int64_t> one = {0};
  const auto status = [&](const at::Tensor& cams) {
    return SampleSeedBatch(cams, one, {}, {}, 1).status();
  };
  EXPECT_THAT(status(at::rand({1, 4, 4})), IsOk());
  EXPECT_THAT(
      status(at::rand({4, 4})),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("cams have shape [4, 4], expected [N, H, W]")));
  EXPECT_THAT(
      status(at::rand({1, 2, 4, 4})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[1, 2, 4, 4]")));
  EXPECT_THAT(status(at::Tensor()), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr("undefined")));
  EXPECT_THAT(status(at::zeros({1, 4, 4}, at::kLong)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("dtype Long, expected float32 or float64")));
  EXPECT_THAT(status(at::rand({2, 4, 4})),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("1 indices for 2 cams")));
  SeedOptions options;
  options.dilation = 0;
  EXPECT_THAT(
      SampleSeedBatch(at::rand({1, 4, 4}), one, options, {}, 1),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("dilation is 0")));
}

}  // namespace
}  // namespace fcam
