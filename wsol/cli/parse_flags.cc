#include "wsol/cli/parse_flags.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/cli/resolve_path.h"

namespace wsol {
namespace {

using ::gflags::CommandLineFlagInfo;

// Flag files that name each other end somewhere.
constexpr int kMaxFlagFileDepth = 8;
constexpr size_t kHelpWidth = 80;

// Flags are defined in cli packages only; libraries bring theirs along.
bool IsOurs(const CommandLineFlagInfo& flag) {
  for (const char* package : {"wsol/cli/", "fcam/cli/"}) {
    if (absl::StartsWith(flag.filename, package) ||
        absl::StrContains(flag.filename, absl::StrCat("/", package))) {
      return true;
    }
  }
  return false;
}

std::vector<CommandLineFlagInfo> OurFlags() {
  std::vector<CommandLineFlagInfo> all, ours;
  gflags::GetAllFlags(&all);
  std::copy_if(all.begin(), all.end(), std::back_inserter(ours), IsOurs);
  std::sort(ours.begin(), ours.end(),
            [](const CommandLineFlagInfo& a, const CommandLineFlagInfo& b) {
              return a.name < b.name;
            });
  return ours;
}

// gflags reads - and _ alike within names.
std::string Canonical(absl::string_view name) {
  std::string canonical(name);
  std::replace(canonical.begin(), canonical.end(), '-', '_');
  return canonical;
}

// Flags of gflags itself that do nothing here, or not what a user of ours
// expects.
bool IsOfNoUse(absl::string_view name) {
  for (const char* other :
       {"fromenv", "helpmatch", "helpon", "helppackage", "helpxml",
        "tab_completion_columns", "tab_completion_word", "tryfromenv",
        "undefok", "version"}) {
    if (name == other) return true;
  }
  return false;
}

std::optional<CommandLineFlagInfo> FindFlag(const std::string& name) {
  if (IsOfNoUse(name)) return std::nullopt;
  CommandLineFlagInfo info;
  if (!gflags::GetCommandLineFlagInfo(name.c_str(), &info)) return std::nullopt;
  return info;
}

// The least number of inserted, removed, replaced and swapped characters that
// makes a of b.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<int>> distance(a.size() + 1,
                                         std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      int& d = distance[i][j];
      if (i == 0 || j == 0) {
        d = static_cast<int>(i + j);
        continue;
      }
      d = std::min({distance[i - 1][j] + 1, distance[i][j - 1] + 1,
                    distance[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d = std::min(d, distance[i - 2][j - 2] + 1);
      }
    }
  }
  return distance[a.size()][b.size()];
}

absl::Status UnknownFlag(absl::string_view name) {
  const std::string typed = absl::AsciiStrToLower(Canonical(name));
  std::string nearest;
  // A third of the letters may be wrong.
  int best = static_cast<int>(typed.size()) / 3 + 1;
  for (const CommandLineFlagInfo& flag : OurFlags()) {
    const std::string prefix = flag.type == "bool" &&
                                       absl::StartsWith(typed, "no") &&
                                       !absl::StartsWith(flag.name, "no")
                                   ? "no"
                                   : "";
    const int distance = EditDistance(typed, prefix + flag.name);
    if (distance < best) {
      best = distance;
      nearest = prefix + flag.name;
    }
  }
  for (const CommandLineFlagInfo& flag : OurFlags()) {
    if (!nearest.empty()) break;
    // A word of the name: --output for --output_dir.
    if (typed.size() >= 3 && absl::StrContains(flag.name, typed)) {
      nearest = flag.name;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown flag '--", name, "'",
      nearest.empty() ? " (--help lists the flags)"
                      : absl::StrCat("; did you mean '--", nearest, "'?")));
}

std::string TypeInWords(absl::string_view type) {
  if (type == "bool") return "true or false";
  if (absl::StartsWith(type, "int")) {
    return absl::StrCat("a whole number (", type, ")");
  }
  if (absl::StartsWith(type, "uint")) {
    return absl::StrCat("a whole number, 0 or more (", type, ")");
  }
  if (type == "double") return "a number";
  return "text";
}

std::string Expected(const CommandLineFlagInfo& flag) {
  std::string expected = TypeInWords(flag.type);
  // The flag's own check may refuse a value: its description tells what is
  // right.
  if (flag.has_validator_fn) {
    absl::StrAppend(&expected, ": ", flag.description);
  }
  return expected;
}

absl::Status SetFlag(const CommandLineFlagInfo& flag,
                     const std::string& value) {
  // Returns a message; an empty one is a failure, without the reason.
  if (!gflags::SetCommandLineOption(flag.name.c_str(), value.c_str()).empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("bad value '", value, "' for flag '--", flag.name,
                   "'; expected ", Expected(flag)));
}

class Parser {
 public:
  explicit Parser(bool allow_arguments) : allow_arguments_(allow_arguments) {}

  // Takes arguments, of which those of a flag file cannot be positional.
  absl::Status Parse(const std::vector<std::string>& arguments, int depth) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      const std::string& argument = arguments[i];
      if (argument == "--" && depth == 0) {
        for (++i; i < arguments.size(); ++i) {
          VISION_RETURN_IF_ERROR(Positional(arguments[i], i));
        }
        return absl::OkStatus();
      }
      // A lone dash stands for standard input by custom.
      if (argument.size() < 2 || argument[0] != '-') {
        if (depth > 0) {
          return absl::InvalidArgumentError(absl::StrCat(
              "'", argument, "' is no flag; expected --name=value"));
        }
        VISION_RETURN_IF_ERROR(Positional(argument, i));
        continue;
      }
      VISION_RETURN_IF_ERROR(OneFlag(arguments, depth, &i));
      if (help_) return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  bool help() const { return help_; }
  // Indices into the outer arguments.
  const std::vector<size_t>& positional() const { return positional_; }

 private:
  absl::Status Positional(const std::string& argument, size_t index) {
    positional_.push_back(index);
    if (allow_arguments_) return absl::OkStatus();
    const std::string lower = absl::AsciiStrToLower(argument);
    const bool is_bool = lower == "true" || lower == "false" ||
                         lower == "yes" || lower == "no" || lower == "1" ||
                         lower == "0";
    const bool after_bool = index > 0 && index == last_bool_index_ + 1;
    return absl::InvalidArgumentError(absl::StrCat(
        "unexpected argument '", argument, "'",
        is_bool && after_bool && !last_bool_.empty()
            ? absl::StrCat("; did you mean '--", last_bool_, "=", lower, "'?")
            : "; values follow their flags as --name=value"));
  }

  // The flag at arguments[*i], and its value if that is the next argument.
  absl::Status OneFlag(const std::vector<std::string>& arguments, int depth,
                       size_t* i) {
    absl::string_view text = arguments[*i];
    absl::ConsumePrefix(&text, "-");
    absl::ConsumePrefix(&text, "-");
    std::optional<std::string> value;
    const size_t equals = text.find('=');
    if (equals != absl::string_view::npos) {
      value = std::string(text.substr(equals + 1));
      text = text.substr(0, equals);
    }
    std::string name(text);
    if (name == "h" || name == "help" || name == "helpshort" ||
        name == "helpfull") {
      help_ = !(value == "false" || value == "0");
      return absl::OkStatus();
    }
    std::optional<CommandLineFlagInfo> flag = FindFlag(name);
    if (!flag.has_value()) flag = FindFlag(Canonical(name));
    if (!flag.has_value() && !value.has_value() &&
        absl::StartsWith(name, "no")) {
      flag = FindFlag(Canonical(name.substr(2)));
      if (flag.has_value() && flag->type == "bool") {
        return SetFlag(*flag, "false");
      }
      flag.reset();
    }
    if (!flag.has_value()) return UnknownFlag(name);
    if (!value.has_value() && flag->type == "bool") {
      last_bool_ = flag->name;
      last_bool_index_ = *i;
      return SetFlag(*flag, "true");
    }
    if (!value.has_value()) {
      if (*i + 1 == arguments.size() || depth > 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("flag '--", name, "' needs a value; expected ",
                         TypeInWords(flag->type)));
      }
      value = arguments[++*i];
    }
    if (flag->name == "flagfile") return FlagFile(*value, depth);
    return SetFlag(*flag, *value);
  }

  absl::Status FlagFile(const std::string& path, int depth) {
    if (depth == kMaxFlagFileDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("flag files are nested more than ", kMaxFlagFileDepth,
                       " deep at '", path, "'"));
    }
    VISION_ASSIGN_OR_RETURN(const std::string text,
                            vision::ReadFile(ResolvePath(path)));
    std::vector<std::string> arguments;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      line = absl::StripAsciiWhitespace(line);
      if (!line.empty() && line[0] != '#') arguments.emplace_back(line);
    }
    return vision::Annotate(Parse(arguments, depth + 1),
                            absl::StrCat("in flag file '", path, "'"));
  }

  const bool allow_arguments_;
  bool help_ = false;
  std::vector<size_t> positional_;
  std::string last_bool_;
  size_t last_bool_index_ = 0;
};

// Text broken into lines at blanks, each indented; line breaks of the text
// stay.
std::string Wrap(absl::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  std::string wrapped;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::string current;
    for (const absl::string_view word :
         absl::StrSplit(line, ' ', absl::SkipEmpty())) {
      if (!current.empty() &&
          indent + current.size() + 1 + word.size() > kHelpWidth) {
        absl::StrAppend(&wrapped, margin, current, "\n");
        current.clear();
      }
      absl::StrAppend(&current, current.empty() ? "" : " ", word);
    }
    absl::StrAppend(&wrapped, current.empty() ? "" : margin, current, "\n");
  }
  return wrapped;
}

std::string DefaultValue(const CommandLineFlagInfo& flag) {
  if (flag.type == "string")
    return absl::StrCat("\"", flag.default_value, "\"");
  double number = 0;
  if (flag.type == "double" && absl::SimpleAtod(flag.default_value, &number)) {
    // gflags writes 0.1 as 0.10000000000000001.
    return absl::StrFormat("%.15g", number);
  }
  return flag.default_value;
}

}  // namespace

absl::StatusOr<bool> ParseFlags(int* argc, char*** argv, bool allow_arguments) {
  std::vector<std::string> arguments;
  for (int i = 1; i < *argc; ++i) arguments.emplace_back((*argv)[i]);
  Parser parser(allow_arguments);
  VISION_RETURN_IF_ERROR(parser.Parse(arguments, /*depth=*/0));
  int kept = 1;
  for (const size_t index : parser.positional()) {
    (*argv)[kept++] = (*argv)[index + 1];
  }
  *argc = std::min(*argc, kept);
  (*argv)[*argc] = nullptr;
  return parser.help();
}

std::string ExpectedValue(const std::string& flag_name) {
  return Expected(gflags::GetCommandLineFlagInfoOrDie(flag_name.c_str()));
}

std::string FlagsHelp(absl::string_view program, absl::string_view usage) {
  const size_t slash = program.rfind('/');
  if (slash != absl::string_view::npos) program.remove_prefix(slash + 1);
  std::string help =
      absl::StrCat("Usage: ", program, " [flags]\n\n",
                   absl::StripAsciiWhitespace(usage), "\n\nFlags:\n");
  for (const CommandLineFlagInfo& flag : OurFlags()) {
    const bool is_bool = flag.type == "bool";
    absl::StrAppend(&help, "  --", is_bool ? "[no]" : "", flag.name,
                    is_bool ? "" : absl::StrCat("=", flag.type), "\n");
    help += Wrap(
        absl::StrCat(flag.description, " Default: ", DefaultValue(flag)), 6);
  }
  absl::StrAppend(&help, "  --flagfile=string\n",
                  Wrap("Read flags from a file, one --name=value a line.", 6));
  return help;
}

}  // namespace wsol
