// Exports F-CAM on networks of each family, since each has operations of its
// own.

#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/localizer/export_model.h"
#include "fcam/localizer/test_model.h"
#include "fcam/localizer/trace_module.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/backbones/stride_preset.h"

namespace fcam {
namespace {

using ::testing::IsOk;
using ::testing::TensorNear;

struct Case {
  const char* backbone;
  vision::StridePreset strides;
  std::vector<int64_t> channels;
  bool center;
  bool any_size;
};

class ExportBackbonesTest : public ::testing::TestWithParam<Case> {};

TEST_P(ExportBackbonesTest, RunsLikeTheModel) {
  const Case& c = GetParam();
  FcamFolderInfo info = TestInfo();
  info.classifier.classifier.backbone = c.backbone;
  info.classifier.classifier.backbone_options.strides = c.strides;
  info.classifier.preprocessing.crop = 112;
  info.fcam.decoder.channels = c.channels;
  info.fcam.decoder.center = c.center;
  const auto model = MakeTestModel(info);
  std::string file;
  const auto report = ExportModel(*model, info.classifier, {}, &file);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->any_size, c.any_size);
  EXPECT_LE(report->max_difference, 1e-5);
  const at::NoGradGuard no_grad;
  std::vector<std::vector<int64_t>> shapes = {{2, 3, 112, 112}};
  if (c.any_size) shapes.push_back({1, 3, 90, 134});
  for (const auto& shape : shapes) {
    const at::Tensor images =
        (at::arange(shape[0] * 3 * shape[2] * shape[3], at::kFloat) * 0.21f)
            .cos()
            .view(shape);
    const auto got = RunTraced(file, images);
    ASSERT_THAT(got, IsOk());
    const FcamOutput expected = model->forward(images);
    EXPECT_THAT((*got)[0], TensorNear(expected.logits, 1e-5, 1e-5));
    EXPECT_THAT((*got)[1], TensorNear(ForegroundMap(expected.fcams), 1e-5));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Families, ExportBackbonesTest,
    ::testing::Values(
        Case{"resnet18",
             vision::StridePreset::kImageNet,
             {16, 16, 8, 8, 4},
             false,
             true},
        Case{"resnet50",
             vision::StridePreset::kWsol28,
             {16, 16, 8, 8, 4},
             false,
             true},
        Case{"vgg16", vision::StridePreset::kWsol28, {16, 8, 4}, true, true},
        Case{"inceptionv3",
             vision::StridePreset::kWsol28,
             {16, 16, 8, 8, 4},
             false,
             true}),
    [](const auto& test) { return std::string(test.param.backbone); });

}  // namespace
}  // namespace fcam
