#include "fcam/localizer/export_model.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "fcam/decoder/fcam_model.h"
#include "fcam/localizer/test_model.h"
#include "fcam/localizer/trace_module.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "torch/csrc/jit/api/module.h"
#include "torch/csrc/jit/serialization/import.h"
#include "vision/base/file_io.h"
#include "vision/image/npy.h"
#include "vision/image/tensor_image.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/normalize_cam.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"

namespace fcam {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;
using ::testing::TensorNear;

at::Tensor Images(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return (at::arange(count, at::kFloat) * 0.37f).sin().view(shape);
}

// What the file gives for other shapes than any that it was made with is what
// the network gives.
void ExpectSame(FcamModel& model, const std::string& file,
                const std::vector<std::vector<int64_t>>& shapes) {
  const at::NoGradGuard no_grad;
  for (const std::vector<int64_t>& shape : shapes) {
    const auto got = RunTraced(file, Images(shape));
    ASSERT_THAT(got, IsOk());
    ASSERT_EQ(got->size(), 2u);
    const FcamOutput expected = model.forward(Images(shape));
    EXPECT_THAT((*got)[0], TensorNear(expected.logits, 1e-5, 1e-5));
    EXPECT_THAT((*got)[1], TensorNear(ForegroundMap(expected.fcams), 1e-5));
  }
}

TEST(ExportModelTest, RunsForAnyNumberAndSizeOfImages) {
  const FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  std::string file;
  const auto report = ExportModel(*model, info.classifier, {}, &file);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->method, "F-CAM");
  EXPECT_TRUE(report->any_size);
  EXPECT_EQ(report->side, 64);
  EXPECT_LE(report->max_difference, 1e-5);
  ExpectSame(*model, file,
             {{1, 3, 64, 64}, {5, 3, 64, 64}, {2, 3, 33, 200}, {7, 3, 99, 71}});
}

TEST(ExportModelTest, KeepsTheWeightsAsParametersUnderTheirNames) {
  const FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  std::string file;
  ASSERT_THAT(ExportModel(*model, info.classifier, {}, &file), IsOk());
  std::istringstream stream(file);
  std::unordered_map<std::string, std::string> extra = {{"model.json", ""}};
  torch::jit::Module module = torch::jit::load(stream, c10::nullopt, extra);
  EXPECT_THAT(extra["model.json"], HasSubstr("\"class_names\""));
  EXPECT_THAT(extra["model.json"], HasSubstr("\"any_size\": true"));
  std::map<std::string, at::Tensor> got;
  for (const auto& item : module.named_parameters())
    got[item.name] = item.value;
  for (const auto& item : module.named_buffers()) got[item.name] = item.value;
  size_t expected = 0;
  for (const auto& item : model->named_parameters()) {
    ASSERT_EQ(got.count(item.key()), 1u) << item.key();
    EXPECT_THAT(got[item.key()], TensorNear(item.value(), 0));
    ++expected;
  }
  for (const auto& item : model->named_buffers()) {
    ASSERT_EQ(got.count(item.key()), 1u) << item.key();
    ++expected;
  }
  EXPECT_EQ(got.size(), expected);
  // They are what the code reads.
  const at::NoGradGuard no_grad;
  for (const auto& item : module.named_parameters()) {
    at::Tensor value = item.value;
    value.zero_();
  }
  const auto output = module.forward({Images({1, 3, 64, 64})});
  EXPECT_EQ(
      output.toTupleRef().elements()[0].toTensor().abs().max().item<float>(),
      0);
}

TEST(ExportModelTest, ExportsClassActivationMaps) {
  for (const char* const pooling : {"WGAP", "GAP", "WildCatCLHead"}) {
    FcamFolderInfo info = TestInfo();
    info.classifier.classifier.pooling.name = pooling;
    const auto classifier = MakeTestClassifier(info);
    std::string file;
    const auto report = ExportModel(*classifier, info.classifier, {}, &file);
    ASSERT_THAT(report, IsOk()) << pooling;
    EXPECT_EQ(report->method, "CAM");
    const at::NoGradGuard no_grad;
    const at::Tensor images = Images({3, 3, 64, 64});
    const auto got = RunTraced(file, images);
    ASSERT_THAT(got, IsOk());
    const wsol::ClassifierOutput expected = classifier->forward(images);
    const at::Tensor cams = wsol::UpsampleMaps(
        wsol::NormalizeMaps(wsol::HeadMaps(classifier->head(),
                                           expected.features.back(),
                                           expected.logits.argmax(1))
                                .value())
            .maps,
        64, 64);
    EXPECT_THAT((*got)[0], TensorNear(expected.logits, 1e-5, 1e-5));
    EXPECT_THAT((*got)[1], TensorNear(cams, 1e-4)) << pooling;
  }
}

TEST(ExportModelTest, WritesTheModelOfAFolder) {
  const std::string dir =
      vision::JoinPath(::testing::TempDir(), "export_model_test");
  std::filesystem::remove_all(dir);
  const std::string model_dir = vision::JoinPath(dir, "model");
  ASSERT_THAT(vision::CreateDirectories(dir), IsOk());
  const FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  ASSERT_THAT(SaveFcamFolder(model_dir, *model, info), IsOk());
  const std::string path = vision::JoinPath(dir, "model.ts");
  ASSERT_THAT(ExportModel(model_dir, {}, path), IsOk());
  const auto file = vision::ReadFile(path);
  ASSERT_THAT(file, IsOk());
  ExpectSame(*model, *file, {{2, 3, 80, 64}});
  EXPECT_THAT(ExportModel(model_dir, {}, dir + "/none/model.ts"), Not(IsOk()));
  EXPECT_THAT(ExportModel(dir + "/none", {}, path),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  ExportOptions options;
  options.method = "LayerCAM";
  EXPECT_THAT(
      ExportModel(model_dir, options, path),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("LayerCAM")));
  options.method = "nonsense";
  EXPECT_THAT(
      ExportModel(model_dir, options, path),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nonsense")));

  ASSERT_THAT(wsol::SaveClassifierFolder(model_dir, model->classifier(),
                                         info.classifier),
              IsOk());
  const auto report = ExportModel(model_dir, {}, path);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->method, "CAM");
  options.method = "F-CAM";
  EXPECT_THAT(ExportModel(model_dir, options, path),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("without F-CAM's decoder")));
}

TEST(ExportModelTest, ANumberOfPixelsInTheCodeMeansOneSize) {
  FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  const at::NoGradGuard no_grad;
  // The mean over half of the pixels, say.
  const auto forward = [&](const at::Tensor& images) {
    return std::vector<at::Tensor>{images.sum() /
                                   static_cast<double>(images.numel())};
  };
  EXPECT_THAT(
      TraceModule(*model, "Mean", {}, forward, {{2, 3, 8, 9}, {3, 3, 9, 8}}),
      StatusIs(absl::StatusCode::kUnimplemented,
               HasSubstr("more than sizes of tensors")));
  EXPECT_THAT(TraceModule(*model, "Mean", {}, forward, {{2, 3, 8, 9}}), IsOk());
  EXPECT_THAT(TraceModule(*model, "Mean", {}, forward, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

// What the command prints, errors included; its exit code in `code`.
std::string Execute(const std::string& command, int* code) {
  std::string output;
  std::FILE* pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  EXPECT_NE(pipe, nullptr);
  char buffer[4096];
  size_t count = 0;
  while ((count = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output.append(buffer, count);
  }
  *code = pclose(pipe);
  return output;
}

// Where python3 has PyTorch (Debian's python3-torch, or another that
// $FCAM_PYTHON names).
TEST(ExportModelTest, RunsInPython) {
  const char* const variable = std::getenv("FCAM_PYTHON");
  const std::string python =
      variable == nullptr ? "/usr/bin/python3" : variable;
  int code = 0;
  Execute(absl::StrCat("'", python, "' -c 'import numpy, torch'"), &code);
  if (code != 0) {
    GTEST_SKIP() << python << " has no torch; install python3-torch";
  }
  const std::string dir =
      vision::JoinPath(::testing::TempDir(), "export_model_interop");
  ASSERT_THAT(vision::CreateDirectories(dir), IsOk());
  const FcamFolderInfo info = TestInfo();
  const auto model = MakeTestModel(info);
  std::string file;
  ASSERT_THAT(ExportModel(*model, info.classifier, {}, &file), IsOk());
  ASSERT_THAT(vision::WriteFileAtomically(dir + "/model.ts", file), IsOk());
  const at::NoGradGuard no_grad;
  const FcamOutput output = model->forward(Images({3, 3, 70, 90}));
  const at::Tensor map = ForegroundMap(output.fcams);
  ASSERT_THAT(
      vision::WriteNpy(dir + "/logits.npy", vision::TensorToMap(output.logits),
                       vision::NpyDtype::kFloat32),
      IsOk());
  ASSERT_THAT(vision::WriteNpy(dir + "/map.npy",
                               vision::TensorToMap(map.reshape({3 * 70, 90})),
                               vision::NpyDtype::kFloat32),
              IsOk());
  const std::string printed = Execute(
      absl::StrCat("'", python, "' '",
                   ::testing::TestDataPath("fcam/localizer/export_interop.py"),
                   "' '", dir, "'"),
      &code);
  EXPECT_EQ(code, 0) << printed;
}

}  // namespace
}  // namespace fcam
