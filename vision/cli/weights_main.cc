// Looks into files of weights, compares and converts them:
// bazel run //vision:weights -- help.

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "vision/cli/weights_command.h"

int main(int argc, char** argv) {
  // `bazel run` starts programs elsewhere; file names are relative to where the
  // command was typed.
  const char* folder = std::getenv("BUILD_WORKING_DIRECTORY");
  if (folder != nullptr && chdir(folder) != 0) {
    std::cerr << "error: cannot enter '" << folder << "'" << std::endl;
    return 1;
  }
  const std::vector<std::string> args(argv + 1, argv + argc);
  const absl::StatusOr<bool> same = vision::RunWeightsCommand(args, std::cout);
  std::cout.flush();
  if (!same.ok()) {
    std::cerr << "error: " << same.status().message() << std::endl;
    return 1;
  }
  return *same ? 0 : 2;
}
