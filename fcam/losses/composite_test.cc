#include "fcam/losses/composite.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "fcam/losses/golden_inputs.h"
#include "fcam/losses/size_bounds_loss.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/golden.h"
#include "testing/status_matchers.h"
#include "vision/crf/bilateral_filter.h"

namespace fcam {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::vector<std::string> Names(const FcamLossTerms& terms) {
  std::vector<std::string> names;
  for (const NamedLoss& term : terms.terms) names.push_back(term.name);
  return names;
}

FcamLossInputs RandomInputs() {
  at::manual_seed(1);
  FcamLossInputs inputs;
  inputs.fcams = at::randn({2, 2, 8, 8}).set_requires_grad(true);
  inputs.seeds = at::randint(0, 2, {2, 8, 8}, at::kLong);
  inputs.images = at::rand({2, 3, 8, 8}) * 255;
  inputs.logits = at::randn({2, 5}).set_requires_grad(true);
  inputs.labels = at::tensor({1, 4}, at::kLong);
  inputs.reconstruction = at::rand({2, 3, 8, 8}).set_requires_grad(true);
  return inputs;
}

FcamLossOptions AllTerms() {
  FcamLossOptions options;
  options.classification.enabled = true;
  options.crf.enabled = true;
  options.entropy.enabled = true;
  options.size.enabled = true;
  options.self_learning.enabled = true;
  options.size_bounds.enabled = true;
  options.local_color.enabled = true;
  options.reconstruction.enabled = true;
  return options;
}

TEST(FcamLossTest, EqualsTheGoldenClassificationLoss) {
  const std::vector<json> cases = LossCases("ce-");
  EXPECT_EQ(cases.size(), 2u);
  FcamLossOptions options;
  options.classification.enabled = true;
  const FcamLoss loss = FcamLoss::Create(options).value();
  for (const json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    FcamLossInputs inputs;
    inputs.fcams = at::zeros({1, 2, 1, 1}, at::kDouble);
    inputs.logits =
        TensorFromGolden(c.at("inputs").at("logits")).set_requires_grad(true);
    inputs.labels = at::tensor(
        c.at("inputs").at("labels").get<std::vector<int64_t>>(), at::kLong);
    const FcamLossTerms terms = loss.Compute(inputs, 1);
    terms.total.backward();
    EXPECT_NEAR(terms.total.item<double>(),
                c.at("expect").at("value").get<double>(), 1e-12);
    EXPECT_EQ(::testing::CompareWithGolden(c.at("expect").at("grad_logits"),
                                           ToVector(inputs.logits.grad()),
                                           1e-12, 1e-14),
              "");
  }
}

TEST(FcamLossTest, EqualsTheGoldenTotals) {
  const std::vector<json> cases = LossCases("total-");
  EXPECT_EQ(cases.size(), 3u);
  for (const json& c : cases) {
    SCOPED_TRACE(c.at("id").get<std::string>());
    const json& in = c.at("inputs");
    FcamLossOptions options;
    options.classification.enabled = !in.at("freeze_cl").get<bool>();
    options.crf.enabled = true;
    options.crf.weight = in.at("crf").at("lambda");
    auto& dense = options.crf_options.dense;
    dense.filter.sigma_rgb = in.at("crf").at("sigma_rgb");
    dense.filter.sigma_xy_pixels = in.at("crf").at("sigma_xy");
    dense.filter.method = vision::BilateralFilterMethod::kLattice;
    dense.scale = in.at("crf").at("scale");
    if (!in.at("entropy_lambda").is_null()) {
      options.entropy.enabled = true;
      options.entropy.weight = in.at("entropy_lambda");
    }
    options.size.enabled = true;
    options.size.weight = in.at("max_size_lambda");
    options.self_learning.enabled = true;
    options.self_learning.weight = in.at("sl_lambda");
    options.elb.init_t = in.at("elb").at("init");
    options.elb.max_t = in.at("elb").at("max");
    options.elb.mulcoef = in.at("elb").at("mul");
    FcamLoss loss = FcamLoss::Create(options).value();
    for (int i = 0; i < in.at("elb").at("updates").get<int>(); ++i) {
      loss.UpdateEpochEnd();
    }

    FcamLossInputs inputs;
    inputs.fcams = TensorFromGolden(in.at("fcams")).set_requires_grad(true);
    inputs.seeds = SeedsFromGolden(in.at("seeds"), inputs.fcams);
    inputs.images = ImagesFromGolden(in.at("image"));
    inputs.logits =
        TensorFromGolden(in.at("cl_logits")).set_requires_grad(true);
    inputs.labels =
        at::tensor(in.at("labels").get<std::vector<int64_t>>(), at::kLong);
    const FcamLossTerms terms = loss.Compute(inputs, 1);
    terms.total.backward();

    const json& expect = c.at("expect");
    EXPECT_EQ(json(Names(terms)), expect.at("order"));
    // The published t and filter are float32: see elb_test and crf_loss_test.
    for (const std::string& name : Names(terms)) {
      const double expected = expect.at("terms").at(name);
      EXPECT_NEAR(terms.Value(name), expected, 2e-5 * std::abs(expected))
          << name;
    }
    const double total = expect.at("total");
    EXPECT_NEAR(terms.total.item<double>(), total, 1e-6 * std::abs(total));
    EXPECT_EQ(::testing::CompareWithGolden(expect.at("grad_fcams"),
                                           ToVector(inputs.fcams.grad()), 1e-6,
                                           1e-12),
              "");
    if (options.classification.enabled) {
      EXPECT_EQ(::testing::CompareWithGolden(expect.at("grad_cl_logits"),
                                             ToVector(inputs.logits.grad()),
                                             1e-6, 1e-12),
                "");
    }
  }
}

TEST(LossTermOptionsTest, EqualsTheGoldenSchedule) {
  const std::vector<json> cases = LossCases("schedule");
  ASSERT_EQ(cases.size(), 1u);
  for (const json& row : cases[0].at("expect").at("table")) {
    LossTermOptions term;
    term.enabled = true;
    // No bounds at all are the defaults here.
    if (!row.at("start").is_null()) term.start_epoch = row.at("start");
    if (!row.at("end").is_null()) term.end_epoch = row.at("end");
    for (int epoch = 0; epoch <= 12; ++epoch) {
      EXPECT_EQ(term.IsOn(epoch),
                row.at("on_epochs_0_to_12")[epoch].get<int>() == 1)
          << row << " epoch " << epoch;
    }
    term.enabled = false;
    EXPECT_FALSE(term.IsOn(6));
  }
}

TEST(FcamLossTest, SumsItsWeightedTerms) {
  const FcamLossInputs inputs = RandomInputs();
  FcamLossOptions options = AllTerms();
  options.entropy.weight = 3;
  options.crf.weight = 1e-3;
  const FcamLossTerms terms =
      FcamLoss::Create(options).value().Compute(inputs, 1);
  EXPECT_THAT(Names(terms),
              ElementsAre("cl_loss", "image_reconstruction",
                          "con_ran_field_fcams", "local_color_fcams",
                          "entropy_fcams", "max_size_positive_fcams_elb",
                          "size_bounds_fcams_elb", "self_learning_fcams"));
  double sum = 0;
  for (const NamedLoss& term : terms.terms) {
    EXPECT_FALSE(term.value.requires_grad()) << term.name;
    EXPECT_NE(term.value.item<double>(), 0) << term.name;
    sum += term.value.item<double>();
  }
  EXPECT_NEAR(terms.total.item<double>(), sum, 1e-5);
  EXPECT_EQ(terms.Value("no such term"), 0);

  options.entropy.weight = 6;
  const FcamLossTerms twice =
      FcamLoss::Create(options).value().Compute(inputs, 1);
  EXPECT_NEAR(twice.Value(kEntropyTerm), 2 * terms.Value(kEntropyTerm), 1e-6);
}

TEST(FcamLossTest, TermsCountInTheirEpochsOnly) {
  FcamLossOptions options;
  options.self_learning.enabled = true;
  options.self_learning.start_epoch = 3;
  options.crf.enabled = true;
  options.crf.end_epoch = 2;
  const FcamLoss loss = FcamLoss::Create(options).value();
  EXPECT_FALSE(loss.NeedsSeeds(2));
  EXPECT_TRUE(loss.NeedsSeeds(3));
  EXPECT_TRUE(loss.NeedsImages(2));
  EXPECT_FALSE(loss.NeedsImages(3));
  // What an epoch does not need may be missing.
  FcamLossInputs inputs = RandomInputs();
  inputs.seeds = at::Tensor();
  const FcamLossTerms early = loss.Compute(inputs, 2);
  EXPECT_THAT(Names(early), ElementsAre(kCrfTerm, kSelfLearningTerm));
  EXPECT_LT(early.Value(kCrfTerm), 0);
  EXPECT_EQ(early.Value(kSelfLearningTerm), 0);
  inputs = RandomInputs();
  inputs.images = at::Tensor();
  const FcamLossTerms late = loss.Compute(inputs, 3);
  EXPECT_EQ(late.Value(kCrfTerm), 0);
  EXPECT_GT(late.Value(kSelfLearningTerm), 0);
}

TEST(FcamLossTest, IsZeroWithGradientWhenNoTermCounts) {
  FcamLossOptions options;
  options.entropy.enabled = true;
  options.entropy.start_epoch = 5;
  const FcamLossInputs inputs = RandomInputs();
  const FcamLossTerms terms =
      FcamLoss::Create(options).value().Compute(inputs, 1);
  EXPECT_EQ(terms.total.item<double>(), 0);
  terms.total.backward();
  EXPECT_TRUE((inputs.fcams.grad() == 0).all().item<bool>());
}

TEST(FcamLossTest, SharpensTheBarrierInEveryEpoch) {
  FcamLossOptions options;
  options.size.enabled = true;
  options.size.start_epoch = 100;
  FcamLoss loss = FcamLoss::Create(options).value();
  for (int epoch = 1; epoch <= 50; ++epoch) loss.UpdateEpochEnd();
  EXPECT_NEAR(loss.elb_t(), std::pow(1.01, 50), 1e-12);
  FcamLoss resumed = FcamLoss::Create(options).value();
  resumed.set_elb_t(loss.elb_t());
  loss.UpdateEpochEnd();
  resumed.UpdateEpochEnd();
  EXPECT_EQ(resumed.elb_t(), loss.elb_t());
  const FcamLossInputs inputs = RandomInputs();
  EXPECT_EQ(resumed.Compute(inputs, 100).total.item<double>(),
            loss.Compute(inputs, 100).total.item<double>());
}

// States in which the published code gives NaN.
TEST(FcamLossTest, IsFiniteInDegenerateStates) {
  const FcamLoss loss = FcamLoss::Create(AllTerms()).value();
  for (const float scale : {0.f, 1e3f, 1e30f}) {
    FcamLossInputs inputs = RandomInputs();
    // One region fills the image; no pixel has a seed.
    inputs.fcams = at::zeros({2, 2, 8, 8});
    inputs.fcams.select(1, 1).fill_(scale);
    inputs.fcams.set_requires_grad(true);
    inputs.seeds.fill_(-255);
    inputs.images.fill_(scale > 1 ? 255 : 0);
    const FcamLossTerms terms = loss.Compute(inputs, 1);
    terms.total.backward();
    EXPECT_TRUE(std::isfinite(terms.total.item<double>())) << scale;
    for (const NamedLoss& term : terms.terms) {
      EXPECT_TRUE(std::isfinite(term.value.item<double>())) << term.name;
    }
    EXPECT_TRUE(inputs.fcams.grad().isfinite().all().item<bool>()) << scale;
  }
}

TEST(FcamLossTest, OtherTermsHaveWeightsAndEpochsToo) {
  FcamLossOptions options;
  options.size_bounds.enabled = true;
  options.size_bounds.weight = 2;
  options.local_color.enabled = true;
  options.local_color.start_epoch = 2;
  options.reconstruction.enabled = true;
  options.reconstruction.end_epoch = 1;
  const FcamLoss loss = FcamLoss::Create(options).value();
  EXPECT_TRUE(loss.NeedsImages(1));
  EXPECT_TRUE(loss.NeedsImages(2));
  EXPECT_FALSE(loss.NeedsSeeds(1));
  const FcamLossInputs inputs = RandomInputs();
  const FcamLossTerms first = loss.Compute(inputs, 1);
  EXPECT_EQ(first.Value(kLocalColorTerm), 0);
  EXPECT_GT(first.Value(kReconstructionTerm), 0);
  const FcamLossTerms second = loss.Compute(inputs, 2);
  EXPECT_GT(second.Value(kLocalColorTerm), 0);
  EXPECT_EQ(second.Value(kReconstructionTerm), 0);
  EXPECT_NEAR(first.Value(kSizeBoundsTerm),
              2 * SizeBoundsLoss(inputs.fcams.softmax(1), {}, 1).item<double>(),
              1e-6);
  first.total.backward();
  EXPECT_GT(inputs.reconstruction.grad().abs().sum().item<double>(), 0);
}

TEST(FcamLossTest, PublishedOptionsAreThoseOfTheReadme) {
  const FcamLossOptions options = PublishedFcamLossOptions();
  EXPECT_THAT(options.Validate(), IsOk());
  EXPECT_EQ(options.crf.weight, 2e-9);
  EXPECT_EQ(options.crf_options.dense.filter.sigma_rgb, 15);
  EXPECT_EQ(options.crf_options.dense.filter.sigma_xy_pixels, 100);
  EXPECT_EQ(options.size.weight, 0.1);
  EXPECT_EQ(options.self_learning.weight, 1);
  EXPECT_FALSE(options.entropy.enabled);
  EXPECT_FALSE(options.classification.enabled);
  EXPECT_EQ(options.ignore_index, -255);
}

TEST(FcamLossTest, NamesWhatIsMissing) {
  const FcamLoss loss = FcamLoss::Create(AllTerms()).value();
  const auto message = [&](const FcamLossInputs& inputs) -> std::string {
    try {
      loss.Compute(inputs, 1);
    } catch (const c10::Error& error) {
      return error.what_without_backtrace();
    }
    return "nothing thrown";
  };
  FcamLossInputs inputs = RandomInputs();
  inputs.seeds = at::Tensor();
  EXPECT_THAT(message(inputs),
              HasSubstr("the loss self_learning_fcams needs seeds, got none"));
  inputs = RandomInputs();
  inputs.images = at::Tensor();
  EXPECT_THAT(message(inputs),
              HasSubstr("the loss image_reconstruction needs images"));
  inputs = RandomInputs();
  inputs.reconstruction = at::Tensor();
  EXPECT_THAT(message(inputs),
              HasSubstr("the loss image_reconstruction needs a "
                        "reconstruction, got none"));
  inputs = RandomInputs();
  inputs.labels = at::Tensor();
  EXPECT_THAT(message(inputs), HasSubstr("the loss cl_loss needs labels"));
  inputs = RandomInputs();
  inputs.fcams = at::zeros({1, 3, 4, 4});
  EXPECT_THAT(message(inputs), HasSubstr("fcams have shape [1, 3, 4, 4], "
                                         "expected [N, 2, H, W]"));
}

TEST(FcamLossOptionsTest, RejectsBadValues) {
  struct Case {
    std::function<void(FcamLossOptions&)> change;
    const char* message;
  };
  const Case cases[] = {
      {[](FcamLossOptions& o) { o = FcamLossOptions(); },
       "no loss term is enabled"},
      {[](FcamLossOptions& o) { o.crf.weight = -1; },
       "weight is -1, expected finite and >= 0; loss term con_ran_field_fcams"},
      {[](FcamLossOptions& o) {
         o.size.weight = std::numeric_limits<double>::infinity();
       },
       "weight is inf"},
      {[](FcamLossOptions& o) { o.entropy.start_epoch = -1; },
       "start_epoch is -1, expected >= 0; loss term entropy_fcams"},
      {[](FcamLossOptions& o) {
         o.self_learning.start_epoch = 4;
         o.self_learning.end_epoch = 3;
       },
       "end_epoch is 3, expected at least start_epoch, 4, or -1"},
      {[](FcamLossOptions& o) { o.elb.mulcoef = 0.5; },
       "mulcoef is 0.5, expected >= 1; loss term max_size_positive_fcams_elb"},
      {[](FcamLossOptions& o) { o.crf_options.dense.scale = 0; }, "scale"},
      {[](FcamLossOptions& o) { o.ignore_index = 1; }, "ignore_index is 1"},
      {[](FcamLossOptions& o) { o.size_bounds_options.upper = 0; },
       "loss term size_bounds_fcams_elb"},
      {[](FcamLossOptions& o) { o.local_color_options.radius = 0; },
       "loss term local_color_fcams"},
      {[](FcamLossOptions& o) { o.reconstruction_options.low = 2; },
       "loss term image_reconstruction"},
  };
  for (const Case& c : cases) {
    FcamLossOptions options = AllTerms();
    c.change(options);
    EXPECT_THAT(
        FcamLoss::Create(options).status(),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
}

}  // namespace
}  // namespace fcam
