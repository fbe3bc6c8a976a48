// Checks, imports, makes and converts data sets: see dataset_commands.h.

#include <iostream>

#include "absl/types/span.h"
#include "wsol/cli/dataset_commands.h"
#include "wsol/cli/init.h"

int main(int argc, char** argv) {
  return wsol::RunMainWithArguments(
      argc, argv, wsol::kDatasetUsage,
      [](absl::Span<const char* const> arguments) {
        return wsol::RunDatasetCommand(arguments, std::cout, std::cerr);
      });
}
