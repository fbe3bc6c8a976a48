// What holds for all methods alike, and the golden maps of tiny nets.

#include "wsol/cam/cam_method.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "wsol/cam/cam.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/factory.h"
#include "wsol/cam/normalize_cam.h"

namespace wsol {
namespace {

using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

at::Tensor FromGolden(const nlohmann::json& descriptor) {
  ::testing::GoldenTensor golden = ::testing::MakeGoldenTensor(descriptor);
  return at::from_blob(golden.data.data(), golden.shape, at::kDouble).clone();
}

// conv-ReLU once or twice, global average, linear: the nets of the golden
// cases. Shows each ReLU's output.
class TinyNetwork : public CamNetwork {
 public:
  explicit TinyNetwork(const nlohmann::json& params)
      : c1_weight_(FromGolden(params["c1.weight"])),
        c1_bias_(FromGolden(params["c1.bias"])),
        fc_weight_(FromGolden(params["fc.weight"])),
        fc_bias_(FromGolden(params["fc.bias"])) {
    if (params.contains("c2.weight")) {
      c2_weight_ = FromGolden(params["c2.weight"]);
      c2_bias_ = FromGolden(params["c2.bias"]);
    }
    // As with a network in training, whose parameters want gradients.
    c1_weight_.requires_grad_();
  }

  Output Forward(const at::Tensor& images) override {
    ++num_passes;
    num_images += images.size(0);
    Output output;
    output.features.push_back(at::conv2d(images, c1_weight_, c1_bias_,
                                         c2_weight_.defined() ? 2 : 4, 1)
                                  .relu());
    if (c2_weight_.defined()) {
      output.features.push_back(
          at::conv2d(output.features[0], c2_weight_, c2_bias_, 2, 1).relu());
    }
    output.logits = LogitsOf(output.features.back());
    return output;
  }

  at::Tensor LogitsOf(const at::Tensor& last_features) override {
    const at::Tensor logits =
        at::linear(last_features.mean(kPixelAxes), fc_weight_, fc_bias_);
    return squared_head ? logits * logits : logits;
  }

  at::Tensor LinearWeights() const override {
    return show_linear_weights ? fc_weight_ : at::Tensor();
  }
  bool HasOwnMaps() const override { return false; }
  at::Tensor OwnMaps(const at::Tensor&) override { return {}; }
  bool IsInEvaluationMode() const override { return is_in_evaluation_mode; }

  bool HasGradients() const { return c1_weight_.grad().defined(); }

  bool show_linear_weights = true;
  bool squared_head = false;
  bool is_in_evaluation_mode = true;
  int num_passes = 0;
  int64_t num_images = 0;

 private:
  at::Tensor c1_weight_, c1_bias_, c2_weight_, c2_bias_, fc_weight_, fc_bias_;
};

class CamMethodTest : public ::testing::Test {
 protected:
  static nlohmann::json Golden(const std::string& id) {
    static const nlohmann::json& golden = *new nlohmann::json(
        ::testing::ReadTestJson("wsol/cam/testdata/cams_tiny.json"));
    for (const nlohmann::json& c : golden["cases"]) {
      if (c["id"] == id) return c;
    }
    ADD_FAILURE() << "no case " << id;
    return {};
  }

  static TinyNetwork Network(const char* id = "cams/g/tiny2-c1") {
    return TinyNetwork(Golden(id)["inputs"]["model"]["params"]);
  }

  // `count` random images with the classes 0, 1, ...
  static CamInput Input(int64_t count) {
    at::manual_seed(7);
    CamInput input;
    input.images = at::randn({count, 3, 20, 24}, at::kDouble);
    input.classes = at::arange(count, at::kLong) % 4;
    return input;
  }

  static CamOptions Options(const std::string& method,
                            CamVariant variant = CamVariant::kPublished) {
    CamOptions options;
    options.method = method;
    options.variant = variant;
    options.sscam_samples = 3;
    options.iscam_steps = 3;
    return options;
  }

  static absl::StatusOr<CamOutput> Compute(const CamOptions& options,
                                           CamNetwork& network,
                                           const CamInput& input) {
    const absl::StatusOr<std::unique_ptr<CamMethod>> method =
        MakeCamMethod(options);
    if (!method.ok()) return method.status();
    return (*method)->Compute(network, input);
  }

  static at::Tensor Maps(const CamOptions& options, CamNetwork& network,
                         const CamInput& input) {
    const absl::StatusOr<CamOutput> output = Compute(options, network, input);
    EXPECT_THAT(output, IsOk()) << options.method;
    return output.ok() ? output->maps : at::Tensor();
  }
};

// All methods at once and each variant, but for those that need attention
// (attention_rollout_test.cc).
std::vector<CamOptions> AllOptions() {
  std::vector<CamOptions> all;
  for (const std::string& method : CamMethodNames()) {
    if (method == "AttentionRollout" || method == "GradientAttentionRollout") {
      continue;
    }
    for (const CamVariant variant :
         {CamVariant::kPublished, CamVariant::kPaper}) {
      CamOptions& options = all.emplace_back();
      options.method = method;
      options.variant = variant;
      options.sscam_samples = 3;
      options.iscam_steps = 3;
    }
  }
  return all;
}

TEST_F(CamMethodTest, MatchesThePublishedMapsOfTinyNets) {
  const nlohmann::json golden =
      ::testing::ReadTestJson("wsol/cam/testdata/cams_tiny.json");
  // Name in the file, method, variant.
  const struct {
    const char* key;
    const char* method;
    CamVariant variant;
  } methods[] = {
      {"CAM", "CAM", CamVariant::kPublished},
      {"GradCam", "GradCAM", CamVariant::kPublished},
      {"GradCAMpp", "GradCAM++", CamVariant::kPublished},
      {"GradCAMpp_textbook", "GradCAM++", CamVariant::kPaper},
      {"XGradCAM", "XGradCAM", CamVariant::kPublished},
      {"LayerCAM", "LayerCAM", CamVariant::kPublished},
      {"SmoothGradCAMpp", "SmoothGradCAM++", CamVariant::kPublished},
      {"ScoreCAM", "ScoreCAM", CamVariant::kPublished},
      {"ScoreCAM_rawA", "ScoreCAM", CamVariant::kPaper},
      {"SSCAM", "SSCAM", CamVariant::kPublished},
      {"SSCAM_rawA", "SSCAM", CamVariant::kPaper},
      {"ISCAM", "ISCAM", CamVariant::kPublished},
      {"ISCAM_rawA", "ISCAM", CamVariant::kPaper},
  };
  int compared = 0;
  for (const nlohmann::json& c : golden["cases"]) {
    const nlohmann::json& inputs = c["inputs"];
    for (const auto& [key, name, variant] : methods) {
      SCOPED_TRACE(c["id"].get<std::string>() + " " + key);
      if (!c["expect"].contains(key)) continue;
      CamOptions options = Options(name, variant);
      options.layers = {0};
      options.iscam_steps = inputs["iscam_steps"];
      options.sscam_samples = static_cast<int>(inputs["sscam_noise"].size());
      const bool is_smooth = options.method == "SmoothGradCAM++";
      options.noise = [&](uint64_t, int sample, at::IntArrayRef shape) {
        // The listed noise has its standard deviation in it.
        const at::Tensor noise =
            FromGolden(inputs[is_smooth ? "noise" : "sscam_noise"][sample]);
        return noise.view(shape) /
               (is_smooth ? options.smooth_std : options.sscam_std);
      };
      // The closed forms, where there are any, and autograd.
      for (const bool show_linear_weights : {true, false}) {
        if (!show_linear_weights && options.method == "CAM") continue;
        TinyNetwork network(inputs["model"]["params"]);
        network.show_linear_weights = show_linear_weights;
        CamInput input;
        input.images = FromGolden(inputs["x"]);
        input.classes =
            at::full({1}, inputs["class_idx"].get<int64_t>(), at::kLong);
        const at::Tensor map =
            NormalizeMaps(Maps(options, network, input)).maps.contiguous();
        const double* const values = map.data_ptr<double>();
        EXPECT_EQ(
            ::testing::CompareWithGolden(
                c["expect"][key]["map"],
                std::vector<double>(values, values + map.numel()),
                c["tol"]["rtol"].get<double>(), c["tol"]["atol"].get<double>()),
            "");
        EXPECT_FALSE(network.HasGradients());
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 60);
}

TEST_F(CamMethodTest, ClosedFormsEqualAutograd) {
  for (const char* id : {"cams/g/tiny1-c1", "cams/g/tiny2-c1"}) {
    for (CamOptions options : AllOptions()) {
      if (options.method == "CAM") continue;
      SCOPED_TRACE(options.method);
      const CamInput input = Input(4);
      TinyNetwork closed = Network(id);
      TinyNetwork autograd = Network(id);
      autograd.show_linear_weights = false;
      EXPECT_THAT(Maps(options, closed, input),
                  TensorNear(Maps(options, autograd, input), 1e-12));
    }
  }
}

TEST_F(CamMethodTest, ClosedFormsRunOnePass) {
  for (const char* method :
       {"CAM", "GradCAM", "GradCAM++", "XGradCAM", "LayerCAM", "HiResCAM",
        "FinerCAM", "EigenCAM", "AblationCAM"}) {
    TinyNetwork network = Network();
    CamInput input = Input(2);
    Maps(Options(method), network, input);
    EXPECT_EQ(network.num_passes, 1) << method;
    // And none if it was run already.
    input.output = network.Forward(input.images);
    Maps(Options(method), network, input);
    EXPECT_EQ(network.num_passes, 2) << method;
  }
}

TEST_F(CamMethodTest, ABatchIsItsImages) {
  for (const bool is_linear : {true, false}) {
    for (const CamOptions& options : AllOptions()) {
      SCOPED_TRACE(options.method);
      if (!is_linear && options.method == "CAM") continue;
      TinyNetwork network = Network("cams/g/tiny1-c1");
      network.show_linear_weights = is_linear;
      network.squared_head = !is_linear;
      CamInput input = Input(3);
      input.keys = {5, 9, 2};
      const at::Tensor maps = Maps(options, network, input);
      for (int64_t n = 0; n < 3; ++n) {
        CamInput single;
        single.images = input.images.narrow(0, n, 1);
        single.classes = input.classes.narrow(0, n, 1);
        single.keys = {input.keys[static_cast<size_t>(n)]};
        EXPECT_THAT(Maps(options, network, single)[0],
                    TensorNear(maps[n], 1e-12));
      }
    }
  }
}

TEST_F(CamMethodTest, SeveralClassesInOnePass) {
  for (const bool is_linear : {true, false}) {
    for (const CamOptions& options : AllOptions()) {
      SCOPED_TRACE(options.method);
      if (!is_linear && options.method == "CAM") continue;
      TinyNetwork network = Network("cams/g/tiny1-c1");
      network.show_linear_weights = is_linear;
      network.squared_head = !is_linear;
      CamInput input = Input(2);
      input.classes = at::tensor({0, 3, 1, 1, 2, 0}, at::kLong).view({2, 3});
      const absl::StatusOr<CamOutput> all = Compute(options, network, input);
      ASSERT_THAT(all, IsOk());
      EXPECT_EQ(all->maps.dim(), 4);
      EXPECT_EQ(all->maps.size(1), 3);
      for (int64_t m = 0; m < 3; ++m) {
        CamInput single = Input(2);
        single.classes = input.classes.select(1, m).contiguous();
        EXPECT_THAT(Maps(options, network, single),
                    TensorNear(all->maps.select(1, m), 1e-12));
      }
    }
  }
}

TEST_F(CamMethodTest, IntermediateLayers) {
  for (const CamOptions& base : AllOptions()) {
    SCOPED_TRACE(base.method);
    CamOptions options = base;
    TinyNetwork network = Network("cams/g/tiny1-c1");
    const CamInput input = Input(2);
    options.layers = {0};
    if (options.method == "CAM" || options.method == "AblationCAM") {
      EXPECT_THAT(Compute(options, network, input),
                  StatusIs(kInvalid, HasSubstr("the last layer (-1) only")));
      continue;
    }
    const at::Tensor first = Maps(options, network, input);
    EXPECT_THAT(first, HasShape({2, 10, 12}));
    options.layers = {-1};
    const at::Tensor last = Maps(options, network, input);
    EXPECT_THAT(last, HasShape({2, 5, 6}));
    options.layers = {1, -2};
    EXPECT_THAT(Maps(options, network, input),
                TensorNear((NormalizeMaps(first).maps +
                            UpsampleMaps(NormalizeMaps(last).maps, 10, 12)) /
                               2,
                           1e-12));
  }
}

TEST_F(CamMethodTest, TheBudgetChangesOnlyTheBatches) {
  for (const char* method : {"ScoreCAM", "SSCAM", "ISCAM", "AblationCAM"}) {
    SCOPED_TRACE(method);
    CamOptions options = Options(method);
    TinyNetwork network = Network();
    network.show_linear_weights = false;
    const CamInput input = Input(2);
    const at::Tensor maps = Maps(options, network, input);
    // An image is 3 * 20 * 24 doubles, its features 6 * 5 * 6.
    options.memory_budget_bytes = 8 * (3 * 20 * 24 + 6 * 6 * 5 * 6);
    network.num_images = 0;
    network.num_passes = 0;
    EXPECT_THAT(Maps(options, network, input), TensorNear(maps, 1e-12));
    options.memory_budget_bytes = 100;
    EXPECT_THAT(
        Compute(options, network, input),
        StatusIs(kInvalid, HasSubstr("memory_budget_bytes is 100, but")));
  }
}

TEST_F(CamMethodTest, ScoreCamRunsOnlyChannelsThatVary) {
  TinyNetwork network = Network();
  CamInput input = Input(1);
  input.images.zero_();
  // All features are constant but for the border's padding; images of 0 with
  // one bright pixel leave some channels alone.
  input.images[0][0][8][12] = 3;
  const CamNetwork::Output output = network.Forward(input.images);
  int64_t varying = 0;
  for (int64_t c = 0; c < 6; ++c) {
    const at::Tensor channel = output.features[0][0][c];
    varying += (channel.max() > channel.min()).item<bool>();
  }
  ASSERT_GT(varying, 0);
  ASSERT_LT(varying, 6);
  input.output = output;
  network.num_images = 0;
  Maps(Options("ScoreCAM"), network, input);
  EXPECT_EQ(network.num_images, varying);
  // Nothing varies: no pass, and a map of zeros.
  input.images.zero_();
  input.output.reset();
  network.num_passes = 0;
  const at::Tensor map = Maps(Options("ScoreCAM"), network, input);
  EXPECT_EQ(network.num_passes, 1);
  EXPECT_EQ(map.abs().max().item<double>(), 0);
}

TEST_F(CamMethodTest, NoiseIsAFunctionOfSeedAndKey) {
  for (const char* method : {"SmoothGradCAM++", "SSCAM"}) {
    SCOPED_TRACE(method);
    CamOptions options = Options(method);
    TinyNetwork network = Network();
    CamInput input = Input(1);
    input.keys = {3};
    const at::Tensor maps = Maps(options, network, input);
    EXPECT_THAT(Maps(options, network, input), TensorEq(maps));
    options.seed = 1;
    EXPECT_FALSE(Maps(options, network, input).equal(maps));
    options.seed = 0;
    input.keys = {4};
    EXPECT_FALSE(Maps(options, network, input).equal(maps));
  }
}

TEST_F(CamMethodTest, FinerCamIsTheDifferenceOfGradCams) {
  TinyNetwork network = Network();
  CamInput input = Input(3);
  CamOptions options = Options("FinerCAM");
  options.finer_alpha = 0;
  EXPECT_THAT(Maps(options, network, input),
              TensorNear(Maps(Options("GradCAM"), network, input), 1e-12));
  // All three other classes count alike: the weights are W_c - mean of others.
  options.finer_alpha = 1;
  const at::Tensor weights = network.LinearWeights();
  const CamNetwork::Output output = network.Forward(input.images);
  const at::Tensor features = output.features[0].detach();
  for (int64_t n = 0; n < 3; ++n) {
    const int64_t label = input.classes[n].item<int64_t>();
    const at::Tensor difference =
        weights[label] - (weights.sum(0) - weights[label]) / 3;
    const at::Tensor expected =
        (difference.view({6, 1, 1}) * features[n]).sum(0).relu() /
        (features.size(2) * features.size(3));
    EXPECT_THAT(Maps(options, network, input)[n], TensorNear(expected, 1e-12));
  }
  options.finer_classes = 4;
  EXPECT_THAT(Compute(options, network, input),
              StatusIs(kInvalid, HasSubstr("fewer than the 4 classes")));
}

TEST_F(CamMethodTest, EigenCamExplainsMost) {
  TinyNetwork network = Network();
  const CamInput input = Input(2);
  const at::Tensor maps = Maps(Options("EigenCAM"), network, input);
  const at::Tensor features =
      network.Forward(input.images).features[0].detach();
  for (int64_t n = 0; n < 2; ++n) {
    // Its norm is the first singular value, and no direction has a larger one.
    const at::Tensor a = features[n].flatten(1).t();
    const double norm = maps[n].norm().item<double>();
    for (int trial = 0; trial < 50; ++trial) {
      at::Tensor direction = at::randn({a.size(1)}, at::kDouble);
      direction /= direction.norm();
      EXPECT_LE(at::mv(a, direction).norm().item<double>(), norm);
    }
    // A^T A u = s^2 u, u = A^T p / s.
    const at::Tensor u = at::mv(a.t(), maps[n].flatten()) / norm;
    EXPECT_NEAR(u.norm().item<double>(), norm, 1e-9 * norm);
    EXPECT_GE(maps[n].sum().item<double>(), 0);
  }
}

TEST_F(CamMethodTest, AblationCamIsTheShareOfTheLogitLost) {
  // Channel 0 alone makes the logit of class 0: features 2, weights 3.
  TinyNetwork network = Network();
  network.squared_head = true;
  network.show_linear_weights = false;
  const CamInput input = Input(1);
  const at::Tensor map = Maps(Options("AblationCAM"), network, input)[0];
  const CamNetwork::Output output = network.Forward(input.images);
  const at::Tensor features = output.features[0].detach();
  const double score = output.logits[0][0].item<double>();
  at::Tensor expected = at::zeros_like(features[0][0]);
  for (int64_t c = 0; c < 6; ++c) {
    at::Tensor ablated = features.clone();
    ablated[0][c].zero_();
    const double rest = network.LogitsOf(ablated)[0][0].item<double>();
    expected += (score - rest) / score * features[0][c];
  }
  EXPECT_THAT(map, TensorNear(expected.relu(), 1e-10));
}

TEST_F(CamMethodTest, RejectsWhatDoesNotFit) {
  TinyNetwork network = Network();
  const CamOptions options = Options("GradCAM");
  const auto expect = [&](const CamInput& input, const char* message) {
    EXPECT_THAT(Compute(options, network, input),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  CamInput input = Input(2);
  input.images = at::Tensor();
  expect(input, "images are undefined");
  input.images = at::zeros({0, 3, 8, 8});
  expect(input, "images are Float [0, 3, 8, 8]");
  input = Input(2);
  input.classes = at::zeros({3}, at::kLong);
  expect(input, "classes are Long [3], expected Long [2] or [2, M]");
  input.classes = at::zeros({2}, at::kInt);
  expect(input, "classes are Int [2]");
  input = Input(2);
  input.keys = {1};
  expect(input, "1 keys for 2 images");
  input = Input(2);
  input.classes[1] = 4;
  EXPECT_THAT(Compute(options, network, input),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("class 4 is none of the classes 0 to 3")));
  input = Input(2);
  input.output = CamNetwork::Output();
  input.output->logits = at::zeros({2, 4});
  expect(input, "0 feature maps");
  input = Input(2);
  CamOptions other = options;
  other.layers = {1};
  EXPECT_THAT(Compute(other, network, input),
              StatusIs(kInvalid, HasSubstr("expected -1 to 0")));
  network.is_in_evaluation_mode = false;
  EXPECT_THAT(Compute(options, network, input),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("call eval() first")));
  network.is_in_evaluation_mode = true;
  network.show_linear_weights = false;
  EXPECT_THAT(Compute(Options("CAM"), network, input),
              StatusIs(kInvalid, HasSubstr("CAM needs a head")));
}

TEST_F(CamMethodTest, NotFiniteImagesGiveMapsThatAreCounted) {
  for (const CamOptions& options : AllOptions()) {
    SCOPED_TRACE(options.method);
    TinyNetwork network = Network();
    CamInput input = Input(2);
    input.images[1][0][3][3] = NAN;
    const at::Tensor maps = Maps(options, network, input);
    const NormalizedMaps normalized = NormalizeMaps(maps);
    EXPECT_TRUE(normalized.maps.isfinite().all().item<bool>());
    CamInput first;
    first.images = input.images.narrow(0, 0, 1);
    first.classes = input.classes.narrow(0, 0, 1);
    EXPECT_THAT(Maps(options, network, first)[0], TensorNear(maps[0], 1e-12));
  }
}

TEST(CamOptionsTest, Validates) {
  EXPECT_THAT(CamOptions().Validate(), IsOk());
  const auto expect = [](const std::function<void(CamOptions&)>& change,
                         const char* message) {
    CamOptions options;
    change(options);
    EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr(message)));
  };
  expect([](CamOptions& o) { o.smooth_samples = 0; }, "smooth_samples is 0");
  expect([](CamOptions& o) { o.smooth_std = -1; }, "smooth_std is -1");
  expect([](CamOptions& o) { o.sscam_samples = 0; }, "sscam_samples is 0");
  expect([](CamOptions& o) { o.sscam_std = NAN; }, "sscam_std is nan");
  expect([](CamOptions& o) { o.iscam_steps = 0; }, "iscam_steps is 0");
  expect([](CamOptions& o) { o.finer_classes = 0; }, "finer_classes is 0");
  expect([](CamOptions& o) { o.finer_alpha = -1; }, "finer_alpha is -1");
  expect([](CamOptions& o) { o.memory_budget_bytes = 0; },
         "memory_budget_bytes is 0");
  expect([](CamOptions& o) { o.layers.clear(); }, "no layers");
}

TEST(CamVariantTest, Parses) {
  EXPECT_THAT(ParseCamVariant("paper"),
              ::testing::IsOkAndHolds(CamVariant::kPaper));
  EXPECT_THAT(ParseCamVariant("published"),
              ::testing::IsOkAndHolds(CamVariant::kPublished));
  EXPECT_THAT(ParseCamVariant("book"), StatusIs(kInvalid));
}

}  // namespace
}  // namespace wsol
