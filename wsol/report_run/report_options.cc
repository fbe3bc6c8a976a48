#include "wsol/report_run/report_options.h"

#include <cstddef>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "vision/base/status_util.h"
#include "wsol/metrics/protocol_frame.h"

namespace wsol {
namespace {

// Pages of more images are slow to load.
constexpr int kMaxPanelImages = 100;

}  // namespace

absl::StatusOr<std::vector<ReportRun>> ParseReportRuns(absl::string_view text) {
  const auto error = [](absl::string_view item, absl::string_view problem) {
    return absl::InvalidArgumentError(
        absl::StrCat("--runs: '", item, "' ", problem,
                     ", expected label=path, several separated by commas: "
                     "CAM=runs/cam,F-CAM=runs/fcam"));
  };
  std::vector<ReportRun> runs;
  std::set<std::string> labels;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const absl::string_view item = absl::StripAsciiWhitespace(part);
    const size_t equals = item.find('=');
    if (equals == absl::string_view::npos) {
      return error(item, item.empty() ? "is empty" : "has no '='");
    }
    ReportRun run;
    run.label = std::string(absl::StripAsciiWhitespace(item.substr(0, equals)));
    run.path = std::string(absl::StripAsciiWhitespace(item.substr(equals + 1)));
    if (run.label.empty()) return error(item, "has no label");
    if (run.path.empty()) return error(item, "has no path");
    if (!labels.insert(run.label).second) {
      return error(item, "has the label of another run");
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

absl::Status ReportOptions::Validate() const {
  const auto error = [](const auto&... parts) {
    return absl::InvalidArgumentError(absl::StrCat(parts...));
  };
  if (runs.empty()) return error("--runs is needed: label=path,label=path,...");
  if (output_dir.empty()) return error("--output_dir is needed");
  if (num_panel_images < 0 || num_panel_images > kMaxPanelImages) {
    return error("--panel_images: got ", num_panel_images, ", expected 0 to ",
                 kMaxPanelImages);
  }
  if (num_simulated_images < 0) {
    return error("--simulated_images: got ", num_simulated_images,
                 ", expected 0 or more");
  }
  if (metadata_dir.empty()) {
    for (const auto& [flag, value] :
         {std::pair<const char*, const std::string*>{"--mask_metadata_dir",
                                                     &mask_metadata_dir},
          {"--image_root", &image_root},
          {"--mask_root", &mask_root}}) {
      if (!value->empty()) {
        return error(flag, " is of no use without --metadata_dir");
      }
    }
  }
  VISION_RETURN_IF_ERROR(
      vision::Annotate(ValidateTauInterval(tau_interval), "--tau_interval"));
  if (num_threads < 1) return error("--threads: got ", num_threads);
  return bootstrap.Validate();
}

}  // namespace wsol
