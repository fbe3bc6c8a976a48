#include "wsol/results/compare_results.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "vision/base/status_util.h"
#include "vision/base/version.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"
#include "wsol/results/pretty_json.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

constexpr int kComparisonSchemaVersion = 1;
constexpr size_t kMaxListed = 20;

// Ids of `ids` that `others` lacks; both sorted.
std::vector<std::string> Lacking(const std::vector<std::string>& ids,
                                 const std::vector<std::string>& others) {
  std::vector<std::string> lacking;
  std::set_difference(ids.begin(), ids.end(), others.begin(), others.end(),
                      std::back_inserter(lacking));
  return lacking;
}

absl::Status CheckComparable(const StoredResults& a, const StoredResults& b) {
  for (const StoredResults* const results : {&a, &b}) {
    if (results->image_ids.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", results->name,
          "' has no results by image; evaluate it with --per_image"));
    }
  }
  std::string message;
  for (const bool first : {true, false}) {
    const StoredResults& with = first ? a : b;
    const StoredResults& without = first ? b : a;
    std::vector<std::string> lacking =
        Lacking(with.image_ids, without.image_ids);
    if (lacking.empty()) continue;
    const size_t count = lacking.size();
    lacking.resize(std::min(count, kMaxListed));
    absl::StrAppend(&message, message.empty() ? "" : "; ", count,
                    " images of '", with.name, "' are not in '", without.name,
                    "': ", absl::StrJoin(lacking, ", "));
    if (count > kMaxListed) {
      absl::StrAppend(&message, ", ... and ", count - kMaxListed, " more");
    }
  }
  if (!message.empty()) return absl::InvalidArgumentError(message);
  if (a.data_sha256 != b.data_sha256) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", a.name, "' and '", b.name,
        "' were evaluated against different ground truth (data_sha256 ",
        a.data_sha256.substr(0, 12), "... and ", b.data_sha256.substr(0, 12),
        "...)"));
  }
  if (a.mode != b.mode) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", a.name, "' is of mode ", EvaluationModeName(a.mode),
                     ", '", b.name, "' of mode ", EvaluationModeName(b.mode)));
  }
  return absl::OkStatus();
}

ComparedMetric Summarize(std::string name, double a, double b,
                         std::vector<double> a_samples,
                         std::vector<double> b_samples, double confidence) {
  ComparedMetric metric;
  metric.name = std::move(name);
  metric.a = a;
  metric.b = b;
  metric.difference = b - a;
  std::vector<double> differences(a_samples.size());
  size_t not_above = 0, not_below = 0;
  for (size_t r = 0; r < differences.size(); ++r) {
    differences[r] = b_samples[r] - a_samples[r];
    // Sums of thirds in another order differ in the last digit.
    constexpr double kRounding = 1e-9;
    not_above += differences[r] <= kRounding;
    not_below += differences[r] >= -kRounding;
  }
  // The result itself counts as a resample, or p could be 0.
  metric.p_value = std::min(
      1.0, 2.0 * static_cast<double>(std::min(not_above, not_below) + 1) /
               static_cast<double>(differences.size() + 1));
  metric.a_interval = PercentileInterval(absl::MakeSpan(a_samples), confidence);
  metric.b_interval = PercentileInterval(absl::MakeSpan(b_samples), confidence);
  metric.difference_interval =
      PercentileInterval(absl::MakeSpan(differences), confidence);
  return metric;
}

// A metric that is a mean over images of zeros and ones, or of several such
// columns together.
struct MeanMetric {
  std::string name;
  std::vector<std::string> keys;
};

std::vector<MeanMetric> MeanMetrics(const StoredResults& a,
                                    const StoredResults& b) {
  std::vector<MeanMetric> wanted = {
      {"MaxBoxAcc", {"v1/BoxAcc@50"}},
      {"MaxBoxAccV2", {"v2/BoxAcc@30", "v2/BoxAcc@50", "v2/BoxAcc@70"}}};
  for (const char* const key : {"Top1Cls", "Top5Cls"}) {
    wanted.push_back({key, {key}});
  }
  for (const char* const mode : {"v1", "v2"}) {
    for (const char* const kind : {"BoxAcc", "Top1Loc", "Top5Loc"}) {
      for (const int iou : {30, 50, 70}) {
        const std::string key = absl::StrCat(mode, "/", kind, "@", iou);
        wanted.push_back({key, {key}});
      }
    }
  }
  std::vector<MeanMetric> found;
  for (MeanMetric& metric : wanted) {
    const bool both = std::all_of(
        metric.keys.begin(), metric.keys.end(), [&](const std::string& key) {
          return a.correct.count(key) > 0 && b.correct.count(key) > 0;
        });
    if (both) found.push_back(std::move(metric));
  }
  return found;
}

void CompareMeans(const StoredResults& a, const StoredResults& b,
                  const BootstrapOptions& options, Comparison* comparison) {
  const std::vector<MeanMetric> metrics = MeanMetrics(a, b);
  if (metrics.empty()) return;
  std::vector<std::vector<bool>> columns;
  std::map<std::string, size_t> column_of;
  for (const MeanMetric& metric : metrics) {
    for (const std::string& key : metric.keys) {
      if (!column_of.emplace(key, columns.size()).second) continue;
      columns.push_back(a.correct.at(key));
      columns.push_back(b.correct.at(key));
    }
  }
  const std::vector<std::vector<int64_t>> sums =
      BootstrapSums(columns, options);
  std::vector<int64_t> totals;
  for (const std::vector<bool>& column : columns) {
    totals.push_back(std::count(column.begin(), column.end(), true));
  }
  for (const MeanMetric& metric : metrics) {
    const double scale =
        100.0 / static_cast<double>(metric.keys.size() * a.image_ids.size());
    // Percent from the sums of all columns; `side` is 0 for a, 1 for b.
    const auto value = [&](const std::vector<int64_t>& sum, size_t side) {
      int64_t total = 0;
      for (const std::string& key : metric.keys) {
        total += sum[column_of.at(key) + side];
      }
      return scale * static_cast<double>(total);
    };
    std::vector<double> a_samples, b_samples;
    for (const std::vector<int64_t>& sum : sums) {
      a_samples.push_back(value(sum, 0));
      b_samples.push_back(value(sum, 1));
    }
    comparison->metrics.push_back(Summarize(
        metric.name, value(totals, 0), value(totals, 1), std::move(a_samples),
        std::move(b_samples), options.confidence));
  }
}

// The masks' histograms and counts, one column for each number.
struct MaskColumns {
  // [true positives, false positives, foreground] of a, then of b, then the
  // foreground and background histograms of a, then of b.
  std::vector<std::vector<int64_t>> columns;
  size_t num_bins[2] = {0, 0};
  size_t first_bin[2] = {0, 0};
};

MaskColumns MakeMaskColumns(const StoredResults& a, const StoredResults& b) {
  MaskColumns result;
  const StoredResults* const sides[] = {&a, &b};
  const auto add = [&](const StoredResults& results, const auto& value_of) {
    std::vector<int64_t> column;
    for (const StoredMaskImage& mask : results.masks) {
      column.push_back(value_of(mask));
    }
    result.columns.push_back(std::move(column));
  };
  for (const StoredResults* const side : sides) {
    using Mask = const StoredMaskImage&;
    add(*side, [](Mask mask) { return mask.true_positives; });
    add(*side, [](Mask mask) { return mask.false_positives; });
    add(*side, [](Mask mask) { return mask.foreground; });
  }
  for (size_t s = 0; s < 2; ++s) {
    result.first_bin[s] = result.columns.size();
    result.num_bins[s] = sides[s]->masks[0].foreground_histogram.size();
    for (size_t bin = 0; bin < result.num_bins[s]; ++bin) {
      add(*sides[s], [bin](const StoredMaskImage& mask) {
        return mask.foreground_histogram[bin];
      });
    }
    for (size_t bin = 0; bin < result.num_bins[s]; ++bin) {
      add(*sides[s], [bin](const StoredMaskImage& mask) {
        return mask.background_histogram[bin];
      });
    }
  }
  return result;
}

// Percent; 0 where it is not defined.
double Percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

// The area under the precision-recall curve of summed histograms.
double PxAp(const int64_t* foreground, const int64_t* background,
            size_t num_bins) {
  int64_t all = 0;
  for (size_t i = 0; i < num_bins; ++i) all += foreground[i];
  if (all == 0) return 0;
  int64_t tp = 0, fp = 0;
  double area = 0;
  for (size_t i = num_bins; i-- > 0;) {
    tp += foreground[i];
    fp += background[i];
    if (tp + fp == 0) continue;
    area += static_cast<double>(tp) / static_cast<double>(tp + fp) *
            static_cast<double>(foreground[i]) / static_cast<double>(all);
  }
  return 100 * area;
}

void CompareMasks(const StoredResults& a, const StoredResults& b,
                  const BootstrapOptions& options, Comparison* comparison) {
  if (a.masks.empty() || b.masks.empty()) return;
  const MaskColumns masks = MakeMaskColumns(a, b);
  std::vector<std::vector<int64_t>> sums =
      BootstrapSums(masks.columns, options);
  std::vector<int64_t> totals;
  for (const std::vector<int64_t>& column : masks.columns) {
    int64_t total = 0;
    for (const int64_t value : column) total += value;
    totals.push_back(total);
  }
  const auto pxap = [&](const std::vector<int64_t>& sum, size_t side) {
    const int64_t* const bins = &sum[masks.first_bin[side]];
    return PxAp(bins, bins + masks.num_bins[side], masks.num_bins[side]);
  };
  const auto iou = [](const std::vector<int64_t>& sum, size_t side) {
    const int64_t* const s = &sum[3 * side];
    return Percent(static_cast<double>(s[0]), static_cast<double>(s[1] + s[2]));
  };
  const auto f1 = [](const std::vector<int64_t>& sum, size_t side) {
    const int64_t* const s = &sum[3 * side];
    return Percent(2.0 * static_cast<double>(s[0]),
                   static_cast<double>(s[0] + s[1] + s[2]));
  };
  const auto compare = [&](const char* name, const auto& value_of) {
    const double stored[] = {a.values.at(name), b.values.at(name)};
    std::vector<double> samples[2];
    for (size_t side = 0; side < 2; ++side) {
      const double shift = stored[side] - value_of(totals, side);
      for (const std::vector<int64_t>& sum : sums) {
        samples[side].push_back(value_of(sum, side) + shift);
      }
    }
    comparison->metrics.push_back(
        Summarize(name, stored[0], stored[1], std::move(samples[0]),
                  std::move(samples[1]), options.confidence));
  };
  for (const char* const name : {"PxAP", "IoU", "F1"}) {
    if (a.values.count(name) == 0 || b.values.count(name) == 0) continue;
    if (name[0] == 'P') {
      compare(name, pxap);
    } else if (name[0] == 'I') {
      compare(name, iou);
    } else {
      compare(name, f1);
    }
  }
}

std::string IntervalText(const Interval& interval) {
  return absl::StrFormat("[%.2f, %.2f]", interval.low, interval.high);
}

}  // namespace

absl::StatusOr<Comparison> CompareResults(const StoredResults& a,
                                          const StoredResults& b,
                                          const BootstrapOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_RETURN_IF_ERROR(CheckComparable(a, b));
  Comparison comparison;
  comparison.a_name = a.name;
  comparison.b_name = b.name;
  comparison.data_sha256 = a.data_sha256;
  comparison.num_images = a.num_images;
  comparison.bootstrap = options;
  CompareMasks(a, b, options, &comparison);
  CompareMeans(a, b, options, &comparison);
  if (comparison.metrics.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", a.name, "' and '", b.name, "' have no metric in common"));
  }
  return comparison;
}

absl::StatusOr<std::string> ComparisonTable(const Comparison& comparison) {
  const double percent = 100 * comparison.bootstrap.confidence;
  Table table;
  table.columns = {{"Metric"}, {"a"},        {"interval"}, {"b"}, {"interval"},
                   {"b - a"},  {"interval"}, {"p"},        {""}};
  for (const size_t number : {1, 3, 5}) table.columns[number].decimals = 2;
  table.columns[7].decimals = 4;
  bool any = false;
  for (const ComparedMetric& metric : comparison.metrics) {
    const Interval& interval = metric.difference_interval;
    const bool differs = interval.low > 0 || interval.high < 0;
    any = any || differs;
    table.rows.push_back(
        {{metric.name, metric.a, IntervalText(metric.a_interval), metric.b,
          IntervalText(metric.b_interval), metric.difference,
          IntervalText(interval), metric.p_value, differs ? "*" : ""}});
  }
  VISION_ASSIGN_OR_RETURN(const std::string rendered, RenderTextTable(table));
  std::string text = absl::StrFormat(
      "a: %s\nb: %s\n%d images, %d resamples, seed %d, %g %% intervals\n\n%s",
      comparison.a_name, comparison.b_name, comparison.num_images,
      comparison.bootstrap.num_resamples, comparison.bootstrap.seed, percent,
      rendered);
  if (any) {
    absl::StrAppend(&text, "\n* the interval of the difference excludes 0\n");
  }
  return text;
}

std::string ComparisonJson(const Comparison& comparison) {
  ordered_json root;
  root["program"] = "wsol evaluate compare";
  root["schema_version"] = kComparisonSchemaVersion;
  root["tool_version"] = vision::kVersion;
  root["a"] = comparison.a_name;
  root["b"] = comparison.b_name;
  root["data_sha256"] = comparison.data_sha256;
  root["images"] = comparison.num_images;
  root["resamples"] = comparison.bootstrap.num_resamples;
  root["seed"] = comparison.bootstrap.seed;
  root["confidence"] = comparison.bootstrap.confidence;
  const auto list = [](const Interval& interval) {
    return ordered_json::array({interval.low, interval.high});
  };
  for (const ComparedMetric& metric : comparison.metrics) {
    root["metrics"][metric.name] = {
        {"a", metric.a},
        {"a_interval", list(metric.a_interval)},
        {"b", metric.b},
        {"b_interval", list(metric.b_interval)},
        {"difference", metric.difference},
        {"difference_interval", list(metric.difference_interval)},
        {"p_value", metric.p_value},
    };
  }
  return PrettyJson(root);
}

}  // namespace wsol
