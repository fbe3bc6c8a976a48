// Results by image as CSV (RFC 4180), for spreadsheets and scripts.

#ifndef WSOL_RESULTS_IMAGES_CSV_H_
#define WSOL_RESULTS_IMAGES_CSV_H_

#include <string>

#include "absl/status/statusor.h"
#include "wsol/results/evaluation_results.h"

namespace wsol {

// A header and a row for each image, by id:
//   id, label, size of the object, rank of the true class (empty if unknown),
//   then 0 or 1 for each metric of boxes ("v2/BoxAcc@50") at its threshold,
//   or for masks tau, true_positives and false_positives in pixels and
//   precision, recall, f1 and iou in percent.
// kFailedPrecondition if the metrics did not keep their images.
absl::StatusOr<std::string> ImagesCsv(const EvaluationResults& results);

}  // namespace wsol

#endif  // WSOL_RESULTS_IMAGES_CSV_H_
