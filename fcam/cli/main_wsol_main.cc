// The published program main_wsol.py by its own flags: see
// fcam/published/main_wsol.h.

#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fcam/published/main_wsol.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/published_options.h"
#include "vision/base/status_util.h"
#include "vision/inference/keep_freed_memory.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/resolve_path.h"

namespace {

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Paths are seen from where the command was typed.
void ResolvePaths(fcam::PublishedFlags* flags) {
  for (std::string* const path :
       {&flags->root, &flags->data_root, &flags->metadata_root,
        &flags->mask_root, &flags->weights_dir, &flags->import_from,
        &flags->import_to}) {
    *path = wsol::ResolvePath(*path);
  }
  for (std::optional<std::string>* const path :
       {&flags->path_pre_trained, &flags->folder_pre_trained_cl}) {
    if (path->has_value()) *path = wsol::ResolvePath(**path);
  }
}

absl::Status Run(const fcam::PublishedFlags& flags) {
  fcam::MainWsolEnvironment environment;
  environment.root = flags.root;
  environment.data_root = wsol::ResolvePath(Environment("FCAM_DATA"));
  environment.weights_dir = wsol::ResolvePath(Environment("FCAM_WEIGHTS"));
  environment.num_threads = wsol::NumThreads();
  environment.should_stop = wsol::InterruptRequested;
  environment.out = &std::cout;
  vision::KeepFreedMemory();
  return wsol::ListProblems(fcam::RunMainWsol(flags, environment),
                            "nothing was written", std::cerr);
}

}  // namespace

int main(int argc, char** argv) {
  // gflags, behind RunMain, reads booleans in another way: it sees --threads
  // alone.
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  absl::StatusOr<fcam::PublishedFlags> flags =
      fcam::ParsePublishedFlags(arguments);
  if (flags.ok() && flags->help) {
    std::cout << fcam::PublishedFlagsHelp();
    return wsol::kExitOk;
  }
  std::string threads = "--threads=0";
  if (flags.ok()) {
    threads = absl::StrCat("--threads=", flags->threads);
    ResolvePaths(&*flags);
  }
  char* gflags_argv[] = {argv[0], threads.data(), nullptr};
  return wsol::RunMain(2, gflags_argv, "", [&flags]() -> absl::Status {
    VISION_RETURN_IF_ERROR(flags.status());
    return Run(*flags);
  });
}
