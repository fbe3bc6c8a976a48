// Evaluates score maps of any method: see wsol/evaluation_run/evaluate.h.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vision/base/file_io.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "wsol/cli/evaluate_flags.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/output_dir.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/datasets/dataset.h"
#include "wsol/evaluation_run/evaluate.h"
#include "wsol/evaluation_run/evaluate_checkpoint.h"
#include "wsol/evaluation_run/evaluate_options.h"
#include "wsol/results/bootstrap.h"
#include "wsol/results/compare_results.h"
#include "wsol/results/results_json.h"
#include "wsol/score_maps/evaluate_maps.h"

namespace {

constexpr char kUsage[] =
    "Evaluates score maps of a split: MaxBoxAcc, MaxBoxAccV2, Top-1 and Top-5 "
    "localization, PxAP.\n\n"
    "  evaluate --metadata_dir=metadata/CUB/test --score_maps=maps "
    "--output=cam.json\n"
    "  evaluate --metadata_dir=metadata/CUB/test --baseline=center\n"
    "  evaluate compare cam.json fcam.json";

// Finds out before the work that the file can be written after it.
absl::Status PrepareOutput(const std::string& output) {
  if (output.empty()) return absl::OkStatus();
  const std::filesystem::path path(output);
  if (std::filesystem::is_directory(path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: '", output, "' is a folder, expected a file"));
  }
  const std::string folder = path.parent_path().string();
  return wsol::PrepareOutputDir(folder.empty() ? "." : folder);
}

absl::Status Evaluate() {
  VISION_ASSIGN_OR_RETURN(const wsol::EvaluateOptions options,
                          wsol::EvaluateOptionsFromFlags());
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_RETURN_IF_ERROR(PrepareOutput(options.output));
  std::unique_ptr<vision::Progress> progress;
  wsol::EvaluateCallbacks callbacks;
  callbacks.should_stop = wsol::InterruptRequested;
  callbacks.on_begin = [&](int64_t images) {
    progress = std::make_unique<vision::Progress>("evaluate", images);
  };
  callbacks.on_image = [&] { progress->Advance(); };
  callbacks.evaluate_checkpoint = [&](const wsol::Dataset& split,
                                      const wsol::MapEvaluationOptions& maps) {
    return wsol::EvaluateCheckpoint(options, split, maps);
  };
  absl::StatusOr<wsol::EvaluateReport> report =
      wsol::Evaluate(options, callbacks);
  if (progress != nullptr) progress->Finish();
  if (absl::IsCancelled(report.status())) {
    return absl::CancelledError("nothing was written");
  }
  VISION_RETURN_IF_ERROR(report.status());
  std::cout << report->text << std::flush;
  if (options.output.empty()) return absl::OkStatus();
  VISION_RETURN_IF_ERROR(wsol::WriteReport(*report, options.output));
  std::cout << "\nwrote " << options.output;
  if (options.per_image) {
    std::cout << " and " << wsol::ImagesCsvPath(options.output);
  }
  std::cout << "\n";
  return absl::OkStatus();
}

absl::Status Compare(absl::string_view a_path, absl::string_view b_path) {
  VISION_ASSIGN_OR_RETURN(const wsol::BootstrapOptions options,
                          wsol::BootstrapOptionsFromFlags());
  const std::string output = wsol::OutputFromFlags();
  VISION_RETURN_IF_ERROR(PrepareOutput(output));
  VISION_ASSIGN_OR_RETURN(const wsol::StoredResults a,
                          wsol::ReadResults(wsol::ResolvePath(a_path)));
  VISION_ASSIGN_OR_RETURN(const wsol::StoredResults b,
                          wsol::ReadResults(wsol::ResolvePath(b_path)));
  VISION_ASSIGN_OR_RETURN(const wsol::Comparison comparison,
                          wsol::CompareResults(a, b, options));
  VISION_ASSIGN_OR_RETURN(const std::string table,
                          wsol::ComparisonTable(comparison));
  std::cout << table;
  if (output.empty()) return absl::OkStatus();
  VISION_RETURN_IF_ERROR(
      vision::WriteFileAtomically(output, wsol::ComparisonJson(comparison)));
  std::cout << "\nwrote " << output << "\n";
  return absl::OkStatus();
}

absl::Status Run(absl::Span<const char* const> arguments) {
  if (arguments.empty())
    return wsol::ListProblems(Evaluate(), /*consequence=*/"", std::cerr);
  if (absl::string_view(arguments[0]) != "compare") {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument '", arguments[0],
                     "'; expected flags, or compare a.json b.json"));
  }
  if (arguments.size() != 3) {
    return absl::InvalidArgumentError(
        absl::StrCat("compare: got ", arguments.size() - 1,
                     " files, expected two: compare a.json b.json"));
  }
  return Compare(arguments[1], arguments[2]);
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMainWithArguments(argc, argv, kUsage, Run);
}
