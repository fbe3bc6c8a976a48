// The demo's results as a report.

#ifndef FCAM_DEMO_DEMO_REPORT_H_
#define FCAM_DEMO_DEMO_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "fcam/demo/recipe.h"
#include "fcam/demo/summary.h"
#include "opencv2/core/mat.hpp"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation/split_evaluation.h"
#include "wsol/report/report.h"
#include "wsol/report/table.h"
#include "wsol/training/engine.h"

namespace fcam {

// A method's metrics and its map of each test image, [h, w] CV_32F in [0, 1].
struct DemoMaps {
  wsol::SplitEvaluation evaluation;
  std::vector<cv::Mat> maps;
};

struct DemoResults {
  DemoSummary summary;
  DemoRecipe recipe;
  std::vector<wsol::EpochRecord> classifier_history;
  std::vector<wsol::EpochRecord> fcam_history;
  DemoMaps cam;
  DemoMaps fcam;
  // Bytes of the data set's contact sheet, a PNG.
  std::string contact_sheet;
};

// Methods and baselines by metric, on the test split; for report and terminal.
wsol::Table ResultTable(const DemoSummary& summary);

// `boxes` and `masks` are the test split's. Panels show test images drawn at
// random and those where F-CAM lost most against the CAM; none are
// hand-picked.
absl::StatusOr<wsol::Report> MakeDemoReport(const DemoResults& results,
                                            const wsol::Dataset& boxes,
                                            const wsol::Dataset& masks);

}  // namespace fcam

#endif  // FCAM_DEMO_DEMO_REPORT_H_
