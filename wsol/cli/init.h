// The start and the end of every program: flags, log, threads, exit code.
//
//   int main(int argc, char** argv) {
//     return wsol::RunMain(argc, argv, "Trains a classifier.", [] {
//       return wsol::Train(wsol::TrainOptionsFromFlags());
//     });
//   }

#ifndef WSOL_CLI_INIT_H_
#define WSOL_CLI_INIT_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace wsol {

// Exit codes of RunMain.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitInterrupted = 130;

// Parses the flags (see parse_flags.h; --help prints our flags and ends the
// process with exit code 0), sends the log to standard error, installs glog's
// report of crashes, and sets LibTorch's and OpenBLAS' threads to --threads.
// Removes flags and leaves positional arguments in argv.
//
// kInvalidArgument, in one line that names the thing, for an unknown flag, a
// bad value, or a positional argument unless `allow_arguments`.
absl::Status InitMain(int* argc, char*** argv, absl::string_view usage,
                      bool allow_arguments = false);

// The threads to compute with: --threads after InitMain, and where that is 0
// OMP_NUM_THREADS or all processors this process may run on.
int NumThreads();

// InitMain, then `run` with SIGINT and SIGTERM caught (see interrupt.h).
// Prints "error: <message>", one line, if either fails. Returns the exit code:
// kExitOk, kExitInterrupted if `run` returned a kCancelled status (printed as
// "interrupted: <message>"), kExitError for any other.
int RunMain(int argc, char** argv, absl::string_view usage,
            const std::function<absl::Status()>& run);

// As above, for a program that takes positional arguments.
int RunMainWithArguments(
    int argc, char** argv, absl::string_view usage,
    const std::function<absl::Status(absl::Span<const char* const>)>& run);

}  // namespace wsol

#endif  // WSOL_CLI_INIT_H_
