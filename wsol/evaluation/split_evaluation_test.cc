#include "wsol/evaluation/split_evaluation.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/image/tensor_image.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/miniature.h"
#include "wsol/metrics/baseline_maps.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class SplitEvaluationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { miniature_ = new Miniature(MakeMiniature()); }
  static void TearDownTestSuite() { delete miniature_; }

  SplitEvaluationTest()
      : boxes_(miniature_->Open("boxes", Split::kTest)),
        masks_(miniature_->Open("masks", Split::kTest)),
        loader_(MakeMiniatureLoader(*boxes_, /*training=*/false)) {}

  SplitTruth truth() const { return {boxes_.get(), masks_.get()}; }

  // The true masks as maps, and logits that are right but for image 0.
  BatchScores PerfectScores(const Batch& batch) const {
    BatchScores scores;
    std::vector<at::Tensor> maps;
    for (const int64_t index : batch.indices) {
      const absl::StatusOr<cv::Mat> mask = masks_->LoadMask(index);
      EXPECT_THAT(mask, IsOk());
      maps.push_back(vision::MapToTensor(*mask).eq(1).to(at::kFloat));
    }
    scores.maps = at::stack(maps);
    scores.logits =
        at::zeros({batch.labels.size(0), boxes_->num_classes()}, at::kFloat);
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      const auto n = static_cast<int64_t>(i);
      const int64_t label = batch.labels[n].item<int64_t>();
      const int64_t shift = batch.indices[i] == 0 ? 1 : 0;
      scores.logits[n][(label + shift) % boxes_->num_classes()] = 1;
    }
    return scores;
  }

  static Miniature* miniature_;
  std::unique_ptr<Dataset> boxes_;
  std::unique_ptr<Dataset> masks_;
  std::unique_ptr<Loader> loader_;
};

Miniature* SplitEvaluationTest::miniature_ = nullptr;

TEST_F(SplitEvaluationTest, PerfectMapsScoreNearlyAll) {
  SplitEvaluationOptions options;
  int64_t images = 0;
  options.on_images = [&](int64_t count) { images += count; };
  const absl::StatusOr<SplitEvaluation> result = EvaluateSplit(
      truth(), *loader_,
      [&](const Batch& batch) { return PerfectScores(batch); }, options);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(images, 20);
  ASSERT_TRUE(result->localization.boxes.has_value());
  ASSERT_TRUE(result->localization.masks.has_value());
  EXPECT_EQ(result->localization.boxes->num_images, 20);
  // An object that falls into pieces has no contour with its whole box.
  EXPECT_GE(result->localization.boxes->max_box_acc, 90);
  // The maps go from 32 to 224 pixels by interpolation, the masks by nearest
  // neighbour, so they differ along the edges.
  EXPECT_GT(result->localization.masks->pxap, 97);
  ASSERT_TRUE(result->classification.has_value());
  EXPECT_EQ(result->classification->num_top1, 19);
}

TEST_F(SplitEvaluationTest, ResultDoesNotDependOnThreads) {
  const auto evaluate = [&](int threads) {
    SplitEvaluationOptions options;
    options.num_threads = threads;
    const absl::StatusOr<SplitEvaluation> result = EvaluateSplit(
        truth(), *loader_,
        [&](const Batch& batch) -> absl::StatusOr<BatchScores> {
          return BatchScores{batch.images.mean(1).sigmoid(), at::Tensor()};
        },
        options);
    EXPECT_THAT(result, IsOk());
    EXPECT_FALSE(result->classification.has_value());
    return result->localization;
  };
  const LocalizationMetrics one = evaluate(1);
  const LocalizationMetrics three = evaluate(3);
  EXPECT_EQ(one.boxes->max_box_acc_v2, three.boxes->max_box_acc_v2);
  EXPECT_EQ(one.boxes->all_contours[1].correct,
            three.boxes->all_contours[1].correct);
  EXPECT_EQ(one.masks->pxap, three.masks->pxap);
}

TEST_F(SplitEvaluationTest, WorksWithBoxesOrMasksAlone) {
  const cv::Mat map = CenterBaselineMap();
  const auto boxes = EvaluateConstantMap({boxes_.get(), nullptr}, map, {});
  const auto masks = EvaluateConstantMap({nullptr, masks_.get()}, map, {});
  const auto both = EvaluateConstantMap(truth(), map, {});
  ASSERT_THAT(boxes, IsOk());
  ASSERT_THAT(masks, IsOk());
  ASSERT_THAT(both, IsOk());
  EXPECT_FALSE(boxes->localization.masks.has_value());
  EXPECT_FALSE(masks->localization.boxes.has_value());
  EXPECT_EQ(boxes->localization.boxes->max_box_acc_v2,
            both->localization.boxes->max_box_acc_v2);
  EXPECT_EQ(masks->localization.masks->pxap, both->localization.masks->pxap);
}

TEST_F(SplitEvaluationTest, ConstantMapEqualsTheSameMapFromAModel) {
  const absl::StatusOr<SplitEvaluation> constant =
      EvaluateConstantMap(truth(), ConstantBaselineMap(), {});
  const absl::StatusOr<SplitEvaluation> model = EvaluateSplit(
      truth(), *loader_,
      [](const Batch& batch) -> absl::StatusOr<BatchScores> {
        return BatchScores{at::full({batch.images.size(0), 7, 7}, 0.5),
                           at::Tensor()};
      },
      {});
  ASSERT_THAT(constant, IsOk());
  ASSERT_THAT(model, IsOk());
  EXPECT_EQ(constant->localization.boxes->max_box_acc,
            model->localization.boxes->max_box_acc);
  EXPECT_EQ(constant->localization.masks->pxap,
            model->localization.masks->pxap);
}

TEST_F(SplitEvaluationTest, StopsWhenAsked) {
  SplitEvaluationOptions options;
  options.should_stop = [] { return true; };
  EXPECT_THAT(
      EvaluateSplit(
          truth(), *loader_,
          [&](const Batch& batch) { return PerfectScores(batch); }, options),
      StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SplitEvaluationTest, RejectsWhatDoesNotFit) {
  const auto evaluate = [&](const SplitTruth& what, const BatchScores& scores) {
    return EvaluateSplit(what, *loader_,
                         [&](const Batch&) -> absl::StatusOr<BatchScores> {
                           return scores;
                         },
                         {})
        .status();
  };
  const at::Tensor maps = at::zeros({8, 4, 4});
  EXPECT_THAT(evaluate({nullptr, nullptr}, {maps, {}}),
              StatusIs(kInvalid, HasSubstr("boxes or masks")));
  const std::unique_ptr<Dataset> train =
      miniature_->Open("masks", Split::kTrain);
  EXPECT_THAT(evaluate({boxes_.get(), train.get()}, {maps, {}}),
              StatusIs(kInvalid, HasSubstr("20 and 40")));
  const std::unique_ptr<Dataset> val = miniature_->Open("masks", Split::kVal);
  EXPECT_THAT(evaluate({boxes_.get(), val.get()}, {maps, {}}),
              StatusIs(kInvalid, HasSubstr("image 0")));
  EXPECT_THAT(evaluate(truth(), {}), StatusIs(kInvalid, HasSubstr("none")));
  EXPECT_THAT(evaluate(truth(), {maps.unsqueeze(1), {}}),
              StatusIs(kInvalid, HasSubstr("[8, h, w]")));
  EXPECT_THAT(evaluate(truth(), {maps, at::zeros({7, 20})}),
              StatusIs(kInvalid, HasSubstr("[8, K]")));
  // Labels go beyond three classes.
  EXPECT_THAT(evaluate(truth(), {maps, at::zeros({8, 3})}),
              StatusIs(kInvalid, HasSubstr("3")));
}

}  // namespace
}  // namespace wsol
