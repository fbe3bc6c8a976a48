// What a run has done so far, in a file that the run goes on from after it was
// stopped, and what lies in its output folder.

#ifndef WSOL_CAM_RUN_RUN_STATE_H_
#define WSOL_CAM_RUN_RUN_STATE_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"
#include "wsol/cam/map_quality.h"

namespace wsol {

inline constexpr char kRunFile[] = "cam_run.json";
inline constexpr char kPartialFile[] = "cam_run.partial";
inline constexpr char kPredictionsFile[] = "predictions.csv";
inline constexpr char kContactSheetFile[] = "contact_sheet.png";
inline constexpr char kOverlaysFolder[] = "overlays";

// What became of one image.
struct ImageResult {
  // Position in the list of images.
  int64_t index = 0;
  // Classes by falling logit, five at most.
  std::vector<int64_t> top;
  struct OfMethod {
    int64_t maps = 0;
    int64_t constant = 0;
    int64_t not_finite = 0;
    // One for each map, if measured.
    std::vector<MapQuality> quality;
  };
  // In the order of the run's methods.
  std::vector<OfMethod> methods;
};

nlohmann::json ImageResultToJson(const ImageResult& result);
// Throws nlohmann::json::exception for anything else.
ImageResult ImageResultFromJson(const nlohmann::json& json);

// Finds out whether a run with `config` may write to `output_dir` into the
// folders `methods`, and prepares that: see RunCam. Returns what was done
// already, empty for a new run; the last line of a file that was cut short is
// dropped.
absl::StatusOr<std::vector<ImageResult>> BeginRun(
    const std::string& output_dir, const nlohmann::json& config,
    const std::vector<std::string>& methods, bool overwrite);

// Appends to the file of an unfinished run.
class RunLog {
 public:
  // Writes a file anew that holds `config` and what was done.
  static absl::StatusOr<RunLog> Open(const std::string& output_dir,
                                     const nlohmann::json& config,
                                     const std::vector<ImageResult>& done);

  // Written through at once, so that it is there whatever happens next.
  absl::Status Append(const ImageResult& result);

 private:
  RunLog() = default;

  std::string path_;
  std::ofstream file_;
};

// Ends a run: its file goes.
absl::Status RemovePartialFile(const std::string& output_dir);

}  // namespace wsol

#endif  // WSOL_CAM_RUN_RUN_STATE_H_
