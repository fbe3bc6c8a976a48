// Is one method better than another, or is it chance which images were drawn?
// Paired bootstrap confidence intervals over the images of two results.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::Comparison comparison,
//                           wsol::CompareResults(a, b, {}));
//   std::cout << *wsol::ComparisonTable(comparison);

#ifndef WSOL_RESULTS_COMPARE_RESULTS_H_
#define WSOL_RESULTS_COMPARE_RESULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wsol/results/bootstrap.h"
#include "wsol/results/results_json.h"

namespace wsol {

// A metric of both results, in percent.
struct ComparedMetric {
  std::string name;
  double a = 0;
  double b = 0;
  // Intervals of the bootstrap over images: of each result and of b - a.
  Interval a_interval;
  Interval b_interval;
  double difference = 0;
  Interval difference_interval;
  // Twice the smaller share of resamples in which the difference is <= 0, or >=
  // 0, the result itself counted as one; at most 1. Small: the sign of the
  // difference is not by chance.
  double p_value = 1;
};

struct Comparison {
  std::string a_name;
  std::string b_name;
  std::string data_sha256;
  int64_t num_images = 0;
  BootstrapOptions bootstrap;
  // Those that both results have.
  std::vector<ComparedMetric> metrics;
};

// Compares results of the same images. Thresholds stay those of the results:
// what is resampled is the images, not the choice of tau. (For PxAP, which is
// no mean over images, pixels are pooled anew in each resample, on thresholds
// 0.01 apart; the intervals are moved by what that changes at the results
// themselves.) kInvalidArgument if the results are of different images, ground
// truth or modes, if they have no images, or share no metric.
absl::StatusOr<Comparison> CompareResults(const StoredResults& a,
                                          const StoredResults& b,
                                          const BootstrapOptions& options);

// For the terminal; a star marks differences whose interval excludes 0.
absl::StatusOr<std::string> ComparisonTable(const Comparison& comparison);

// The same numbers, schema_version 1.
std::string ComparisonJson(const Comparison& comparison);

}  // namespace wsol

#endif  // WSOL_RESULTS_COMPARE_RESULTS_H_
