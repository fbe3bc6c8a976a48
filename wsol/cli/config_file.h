// One YAML file for a program's flags; what the command line gives wins.
//
//   DEFINE_string(config, "", "YAML file with flags.");
//   const std::vector<std::string> names =
//       FlagsDefinedIn("wsol/cli/train_flags");
//   VISION_RETURN_IF_ERROR(ApplyConfigFile(ResolvePath(FLAGS_config), names));
//   VISION_RETURN_IF_ERROR(WriteFileAtomically(path, ConfigText(names)));
//
// A file of flags looks so:
//
//   # Keys are flag names; comments are fine.
//   seed: 3
//   backbone: resnet50
//   data:               # a group: only the keys inside are flags
//     metadata_root: CUB
//   epochs_of_decay: [10, 20]   # --epochs_of_decay=10,20

#ifndef WSOL_CLI_CONFIG_FILE_H_
#define WSOL_CLI_CONFIG_FILE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace wsol {

// Sets each flag of `flag_names` that the file gives and the command line (or
// the program, by gflags::SetCommandLineOption) did not.
//
// The file is one YAML document, a mapping in UTF-8. A key is the name of a
// flag (- and _ are alike); its value is a scalar, or a sequence of scalars,
// which are joined by commas. A key whose value is a mapping is a group: its
// name means nothing and the keys inside are flags again, at most 4 groups
// deep. So a flag has one name wherever it stands, and occurs once. An empty
// value or null is the empty string, which only string flags take. An empty
// file sets nothing. Values are taken as they are written, as on the command
// line: 007 stays "007" for a string flag. --config itself is no key. What is
// set counts as given from then on.
//
// kInvalidArgument with one line for each problem, the first 20 of them, as
// "path:line: problem": an unknown key (with the nearest flags' names), a value
// that the flag does not take (also where the command line gives another), a
// key given twice, a flag whose value is a mapping or a sequence of sequences,
// groups too deep, anchors, aliases and tags, a second document, text that is
// no YAML or no UTF-8, more than 1 MiB. Then no flag is set. kNotFound if there
// is no file. Requires that the flags exist.
absl::Status ApplyConfigFile(const std::string& path,
                             absl::Span<const std::string> flag_names);

// The same of a file's text; `name` stands for the path in messages.
absl::Status ApplyConfigText(absl::string_view text, const std::string& name,
                             absl::Span<const std::string> flag_names);

// The present values of the flags but --config as such a file, in the order
// given: a program that gets it by ApplyConfigFile, and no flag, has the same
// values. Requires that the flags exist. Bytes that are no UTF-8, which YAML
// cannot hold, become U+FFFD.
std::string ConfigText(absl::Span<const std::string> flag_names);

// Names of the flags of this program that files whose paths contain
// `file_substring` define, in alphabetical order. A program's own file has not
// all: --threads is in "wsol/cli/init".
std::vector<std::string> FlagsDefinedIn(absl::string_view file_substring);

}  // namespace wsol

#endif  // WSOL_CLI_CONFIG_FILE_H_
