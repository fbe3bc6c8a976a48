// Results as tables for the terminal.

#ifndef WSOL_RESULTS_RESULTS_TABLE_H_
#define WSOL_RESULTS_RESULTS_TABLE_H_

#include <string>

#include "absl/status/statusor.h"
#include "wsol/results/evaluation_results.h"

namespace wsol {

// The headline, a table of all metrics with their thresholds and, unless those
// are the best ones of these images, what the best ones would give and the gap;
// then, if images were kept, the metrics by object size. Errors: those of
// wsol/metrics/breakdown.h.
absl::StatusOr<std::string> ResultsTable(const EvaluationResults& results);

}  // namespace wsol

#endif  // WSOL_RESULTS_RESULTS_TABLE_H_
