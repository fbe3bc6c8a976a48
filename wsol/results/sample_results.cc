#include "wsol/results/sample_results.h"

#include <string>
#include <utility>
#include <vector>

#include "opencv2/core.hpp"
#include "vision/geometry/box.h"
#include "wsol/metrics/localization_evaluator.h"
#include "wsol/metrics/tau_selection.h"

namespace wsol {
namespace {

EvaluationResults Sample(double score, bool has_boxes) {
  LocalizationEvaluatorOptions options;
  options.SetKeepImages(true);
  options.boxes.tau_interval = 0.01;
  options.masks.tau_interval = 0.01;
  auto evaluator = LocalizationEvaluator::Create(options).value();
  ClassificationEvaluator classification;
  for (int i = 0; i < 4; ++i) {
    LocalizationSample sample;
    sample.id = std::string(1, static_cast<char>('a' + i));
    sample.label = i / 2;
    sample.width = 224;
    sample.height = 224;
    sample.score_map = cv::Mat::zeros(224, 224, CV_64FC1);
    sample.score_map.colRange(0, 112).setTo(score);
    const std::vector<vision::Box> boxes = {
        i < 2 ? vision::Box{0, 0, 112, 224} : vision::Box{180, 0, 224, 40}};
    if (has_boxes) {
      sample.boxes = boxes;
    } else {
      sample.mask = cv::Mat::zeros(224, 224, CV_8UC1);
      (i < 2 ? sample.mask.colRange(0, 112) : sample.mask.rowRange(0, 56))
          .setTo(1);
    }
    sample.true_class_rank = i % 2 == 0 ? 0 : 3;
    evaluator.Accumulate(sample).IgnoreError();
    classification.Accumulate(*sample.true_class_rank, sample.label)
        .IgnoreError();
  }
  EvaluationResults results;
  results.config = {{"metadata_dir", "x"}, {"score_maps", "y"}};
  results.data_sha256 = has_boxes ? "00ff" : "11ff";
  results.class_names = {"cat", "dog"};
  results.localization = evaluator.Compute().value();
  results.classification = classification.Compute().value();
  if (has_boxes) {
    results.box_scores =
        ScoreBoxes(*results.localization.boxes, TauChoice()).value();
  } else {
    results.mask_score =
        ScoreMasks(*results.localization.masks, TauChoice()).value();
  }
  return results;
}

}  // namespace

EvaluationResults SampleBoxResults(double score) { return Sample(score, true); }

EvaluationResults SampleMaskResults(double score) {
  return Sample(score, false);
}

}  // namespace wsol
