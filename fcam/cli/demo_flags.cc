#include "fcam/cli/demo_flags.h"

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gflags/gflags.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/cli/source_dir.h"

DEFINE_string(data, "objects",
              "Built-in data set: objects (20 kinds of objects) or birds (16 "
              "kinds of birds; needs Debian's tuxpaint-stamps-default).");
DEFINE_string(output_dir, "fcam_demo",
              "Folder for report.html, summary.json and the trained networks. "
              "A run that was stopped goes on from what it finds there.");
DEFINE_string(
    data_dir, "",
    "Folder where composed data sets are kept; if empty, fcam/data in "
    "$XDG_CACHE_HOME or ~/.cache.");
DEFINE_uint64(seed, 0,
              "Seed of weights, order, augmentation and seeds. The images are "
              "the same for all of them.");
DEFINE_bool(fast, false,
            "A small data set and a short training, in about a minute: shows "
            "that everything works; its numbers mean little.");

namespace fcam {
namespace {

absl::StatusOr<std::string> DefaultDataDir() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') {
    return vision::JoinPath(cache, "fcam/data");
  }
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home == '/') {
    return vision::JoinPath(home, ".cache/fcam/data");
  }
  return absl::InvalidArgumentError(
      "--data_dir is needed: neither XDG_CACHE_HOME nor HOME is set");
}

}  // namespace

absl::StatusOr<DemoOptions> DemoOptionsFromFlags() {
  DemoOptions options;
  VISION_ASSIGN_OR_RETURN(options.data, ParseDemoData(FLAGS_data));
  if (FLAGS_output_dir.empty()) {
    return absl::InvalidArgumentError("--output_dir must not be empty");
  }
  options.output_dir = wsol::ResolvePath(FLAGS_output_dir);
  if (FLAGS_data_dir.empty()) {
    VISION_ASSIGN_OR_RETURN(options.data_dir, DefaultDataDir());
  } else {
    options.data_dir = wsol::ResolvePath(FLAGS_data_dir);
  }
  VISION_ASSIGN_OR_RETURN(options.source_dir, wsol::SyntheticSourceDir());
  options.seed = FLAGS_seed;
  options.num_threads = wsol::NumThreads();
  options.fast = FLAGS_fast;
  return options;
}

}  // namespace fcam
