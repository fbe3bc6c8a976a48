// The program //vision:weights as a function: looks into files of weights,
// compares and converts them.
//
//   VISION_ASSIGN_OR_RETURN(const bool same,
//                           RunWeightsCommand({"diff", "a", "b"}, std::cout));

#ifndef VISION_CLI_WEIGHTS_COMMAND_H_
#define VISION_CLI_WEIGHTS_COMMAND_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace vision {

// What the program prints for `help`.
extern const char kWeightsUsage[];

// Runs a command with its arguments (see kWeightsUsage) and prints to `out`.
// False if `diff` found a difference, else true. kInvalidArgument for what is
// no command or flag, and the errors of reading and writing files.
absl::StatusOr<bool> RunWeightsCommand(const std::vector<std::string>& args,
                                       std::ostream& out);

}  // namespace vision

#endif  // VISION_CLI_WEIGHTS_COMMAND_H_
