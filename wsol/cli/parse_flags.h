// gflags' command line with errors and help made for users: one line that names
// the flag, a guess at what was meant, and only our own flags under --help.

#ifndef WSOL_CLI_PARSE_FLAGS_H_
#define WSOL_CLI_PARSE_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wsol {

// Sets the flags named in argv[1...], removes them, and leaves the positional
// arguments behind argv[0]. Accepts what gflags accepts: -name or --name,
// =value or the next argument, --noname for a bool, "--" before arguments that
// start with a dash, --flagfile=FILE.
//
// Returns true if help was asked for (--help, --helpshort, -h): the caller
// prints FlagsHelp() and ends. kInvalidArgument for an unknown flag, a missing
// or bad value, or a positional argument unless `allow_arguments`; flags that
// stand before it may be set then.
absl::StatusOr<bool> ParseFlags(int* argc, char*** argv, bool allow_arguments);

// What a flag takes, for messages: "a whole number (int32)", and for a flag
// with a validator its description too. Requires that the flag exists.
std::string ExpectedValue(const std::string& flag_name);

// The text of --help: the usage and the flags that the binary defines in the
// cli packages of this repository, not those of the libraries it links.
std::string FlagsHelp(absl::string_view program, absl::string_view usage);

}  // namespace wsol

#endif  // WSOL_CLI_PARSE_FLAGS_H_
