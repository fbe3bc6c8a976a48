// Configuration files as a target of libFuzzer: compile it with
// -fsanitize=fuzzer,address and link it with //wsol/cli:config_file.
// config_file_test.cc runs some hundred mutated files through it in every test
// run.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "wsol/cli/config_file.h"

DEFINE_string(fuzz_name, "a", "Any text.");
DEFINE_int32(fuzz_count, 1, "A number.");
DEFINE_double(fuzz_rate, 0.5, "A number.");
DEFINE_bool(fuzz_fast, false, "Yes or no.");

// Stops the process if a file is taken or refused other than promised. Always
// 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gflags::FlagSaver saver;
  const std::vector<std::string> names =
      wsol::FlagsDefinedIn("wsol/cli/config_file_fuzz");
  const std::string before = wsol::ConfigText(names);
  const absl::Status status = wsol::ApplyConfigText(
      absl::string_view(reinterpret_cast<const char*>(data), size), "fuzz.yml",
      names);
  const std::string after = wsol::ConfigText(names);
  if (!status.ok()) {
    // Each line names the file, and no flag has changed.
    if (!absl::IsInvalidArgument(status) || before != after) std::abort();
    for (const absl::string_view line :
         absl::StrSplit(status.message(), '\n')) {
      if (!absl::StartsWith(line, "fuzz.yml:")) std::abort();
    }
    return 0;
  }
  // What is written is read again as the same.
  const gflags::FlagSaver inner;
  for (const std::string& name : names) {
    const auto info = gflags::GetCommandLineFlagInfoOrDie(name.c_str());
    gflags::SetCommandLineOptionWithMode(
        name.c_str(), info.default_value.c_str(), gflags::SET_FLAGS_DEFAULT);
  }
  if (!wsol::ApplyConfigText(after, "fuzz.yml", names).ok()) std::abort();
  if (wsol::ConfigText(names) != after) std::abort();
  return 0;
}
