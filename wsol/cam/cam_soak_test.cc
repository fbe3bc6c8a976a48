// Memory stays flat over many images, for each method: the slope of the
// resident size is below 1 MB for 1000 images. SOAK_IMAGES in the environment
// is the number of images, 10,000 in the long target.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "ATen/Parallel.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "unistd.h"
#include "vision/backbones/vision_transformer.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/classifier_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/pooling/factory.h"
#include "wsol/pooling/pooling.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WSOL_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WSOL_SANITIZED 1
#endif

namespace wsol {
namespace {

using ::testing::IsOk;

constexpr int64_t kBatch = 20;
constexpr double kLimitBytesPerImage = 1000;
// What a short run may grow by in one step, as a cache does, without a slope.
constexpr double kStepBytes = 2e6;

int64_t NumImages() {
  const char* const text = std::getenv("SOAK_IMAGES");
  return text == nullptr ? 400 : std::atoll(text);
}

double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// A classifier whose head is not linear, so that methods take their long ways.
std::shared_ptr<Classifier> MakeTinyClassifier(bool transformer) {
  PoolingOptions pooling;
  pooling.name = transformer ? "AttentionPool" : "LogSumExpPool";
  pooling.num_classes = 3;
  if (!transformer) {
    ClassifierOptions options;
    options.backbone_options.resnet_small.widths = {4, 4, 8, 8};
    options.pooling = pooling;
    options.num_classes = 3;
    return MakeClassifier(options).value();
  }
  vision::VisionTransformerOptions options;
  options.width = 8;
  options.depth = 2;
  options.heads = 2;
  options.patch = 4;
  options.stride = 4;
  options.image_size = 16;
  pooling.in_channels = options.width;
  return std::make_shared<Classifier>(
      vision::MakeVisionTransformer(options).value(),
      MakePoolingHead(pooling).value());
}

// The slope of the line of least squares through (x, y).
double Slope(const std::vector<double>& x, const std::vector<double>& y) {
  const double n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sx += x[i];
    sy += y[i];
    sxx += x[i] * x[i];
    sxy += x[i] * y[i];
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

class CamSoakTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CamSoakTest, MemoryStaysFlat) {
  at::set_num_threads(1);
  const std::string name = GetParam();
  const bool needs_attention = name.find("Rollout") != std::string::npos;
  const std::shared_ptr<Classifier> classifier =
      MakeTinyClassifier(needs_attention);
  classifier->eval();
  ClassifierNetwork network(*classifier);
  CamOptions options;
  options.method = name;
  options.sscam_samples = 2;
  options.iscam_steps = 2;
  options.finer_classes = 1;
  const auto method = MakeCamMethod(options);
  ASSERT_THAT(method, IsOk());
  MapQualityOptions quality;
  quality.steps = 2;

  const int64_t num_images = NumImages();
  std::vector<double> images;
  std::vector<double> bytes;
  for (int64_t done = 0; done < num_images; done += kBatch) {
    CamInput input;
    input.images = at::randn({kBatch, 3, 16, 16});
    input.classes = at::randint(3, {kBatch, 2}, at::kLong);
    const absl::StatusOr<CamOutput> output = (*method)->Compute(network, input);
    ASSERT_THAT(output, IsOk());
    const at::Tensor maps = NormalizeMaps(output->maps).maps.select(1, 0);
    ASSERT_TRUE(maps.isfinite().all().item<bool>());
    if (done % (5 * kBatch) == 0) {
      ASSERT_THAT(
          MeasureMapQuality(network, input.images,
                            input.classes.select(1, 0).contiguous(),
                            at::upsample_bilinear2d(maps.unsqueeze(1), {16, 16},
                                                    /*align_corners=*/false)
                                .squeeze(1),
                            quality),
          IsOk());
    }
    // The first passes fill caches.
    if (done * 4 >= num_images) {
      images.push_back(static_cast<double>(done));
      bytes.push_back(ResidentBytes());
    }
  }
  const double slope = Slope(images, bytes);
  std::cout << absl::StreamFormat(
      "%-24s %6d images: %7.1f KB more for each 1000 images; %.1f MB in all\n",
      name, num_images, slope, bytes.back() / 1e6);
#ifndef WSOL_SANITIZED
  const double span = images.back() - images.front();
  EXPECT_LT(slope * span, std::max(kLimitBytesPerImage * span, kStepBytes));
#endif
}

INSTANTIATE_TEST_SUITE_P(Methods, CamSoakTest,
                         ::testing::ValuesIn(CamMethodNames()),
                         [](const ::testing::TestParamInfo<std::string>& p) {
                           return absl::StrReplaceAll(p.param, {{"+", "p"}});
                         });

}  // namespace
}  // namespace wsol
