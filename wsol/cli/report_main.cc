// Figures and tables of a paper from runs: see wsol/report_run/report_run.h.

#include <iostream>

#include "absl/status/status.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/output_dir.h"
#include "wsol/cli/report_flags.h"
#include "wsol/report_run/report_options.h"
#include "wsol/report_run/report_run.h"

namespace {

constexpr char kUsage[] =
    "Makes a report on runs: table, curves, histograms, panels, "
    "differences.\n\n"
    "  make_report --runs=CAM=runs/cam,F-CAM=runs/fcam "
    "--metadata_root=metadata/CUB --image_root=CUB --output_dir=report\n"
    "  make_report --runs=a=a.json,b=b.json --output_dir=report";

absl::Status MakeReport() {
  VISION_ASSIGN_OR_RETURN(const wsol::ReportOptions options,
                          wsol::ReportOptionsFromFlags());
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_RETURN_IF_ERROR(wsol::PrepareOutputDir(options.output_dir));
  VISION_ASSIGN_OR_RETURN(const wsol::ReportOutcome outcome,
                          wsol::RunReport(options));
  std::cout << outcome.text << "\nwrote " << outcome.files.size()
            << " files to " << options.output_dir
            << ": see report.html there\n";
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  return wsol::RunMain(argc, argv, kUsage, [] {
    return wsol::ListProblems(MakeReport(), /*consequence=*/"", std::cerr);
  });
}
