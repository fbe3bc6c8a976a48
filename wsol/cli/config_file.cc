#include "wsol/cli/config_file.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "vision/base/file_io.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "wsol/cli/parse_flags.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/report/utf8.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/parser.h"

namespace wsol {
namespace {

using ::gflags::CommandLineFlagInfo;

constexpr int kMaxDepth = 4;
constexpr size_t kMaxBytes = size_t{1} << 20;
// The flag that names the file.
constexpr absl::string_view kConfigFlag = "config";

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  int line = 0;
  std::string value = "";
  // Of a mapping: indented lines, not {a: b}.
  bool block = false;
  // Of a mapping key, value, key, value...
  std::vector<Node> children = {};
};

const char* KindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return "a value";
    case Node::Kind::kSequence:
      return "a sequence";
    case Node::Kind::kMapping:
      return "a mapping";
  }
  return "";
}

// Problems by line, in whatever order they are found.
using Problems = std::vector<std::pair<int, std::string>>;

// Makes a tree of the parser's events. yaml-cpp's own tree would hide aliases,
// by which a small file stands for a huge tree.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems* problems) : problems_(problems) {}

  const Node& root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Check(mark, "", anchor);
    Add({Node::Kind::kNull, mark.line + 1});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    OnNull(mark, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& value) override {
    Check(mark, tag, anchor);
    Add({Node::Kind::kScalar, mark.line + 1, value});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Check(mark, tag, anchor);
    open_.push_back({Node::Kind::kSequence, mark.line + 1});
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Check(mark, tag, anchor);
    open_.push_back({Node::Kind::kMapping, mark.line + 1, "",
                     style == YAML::EmitterStyle::Block});
  }
  void OnMapEnd() override { Close(); }

 private:
  void Check(const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    if (anchor != 0) {
      problems_->emplace_back(mark.line + 1,
                              "anchors and aliases (&x, *x) are not supported");
    }
    // "?" and "!" stand for plain and quoted scalars without a tag.
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_->emplace_back(
          mark.line + 1,
          absl::StrCat("tags are not supported, got ", QuoteForMessage(tag)));
    }
  }
  void Add(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
    } else {
      open_.back().children.push_back(std::move(node));
    }
  }
  void Close() {
    Node node = std::move(open_.back());
    open_.pop_back();
    Add(std::move(node));
  }

  Problems* problems_;
  Node root_;
  // Collections whose end has not come yet, the innermost last.
  std::vector<Node> open_;
};

int LineAt(absl::string_view text, size_t position) {
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + position, '\n'));
}

// yaml-cpp 0.7 takes a quote that is open at the end of the text for closed if
// blanks or line breaks come last; a mark of the document's end tells it.
std::string WithEnd(absl::string_view text) {
  if (text.empty()) return "";
  const bool blank = text.back() == ' ' || text.back() == '\t';
  const bool line_break = text.back() == '\n' || text.back() == '\r';
  return absl::StrCat(text, blank ? "\n" : "",
                      blank || line_break ? "...\n" : "");
}

// The text's tree, or a problem and a tree without children.
Node Parse(absl::string_view text, Problems* problems) {
  const size_t valid = std::min(Utf8PrefixLength(text), text.find('\0'));
  if (valid < text.size()) {
    problems->emplace_back(
        LineAt(text, valid),
        absl::StrFormat("expected text in UTF-8, got the byte 0x%02x",
                        static_cast<unsigned char>(text[valid])));
    return Node();
  }
  TreeBuilder builder(problems);
  // The library's exceptions end here.
  try {
    std::istringstream stream(WithEnd(text));
    YAML::Parser parser(stream);
    Problems ignored;
    TreeBuilder rest(&ignored);
    if (parser.HandleNextDocument(builder) && parser.HandleNextDocument(rest)) {
      problems->emplace_back(rest.root().line,
                             "expected one YAML document, got a second one");
    }
  } catch (const YAML::Exception& error) {
    const bool open_quote = error.msg == YAML::ErrorMsg::EOF_IN_SCALAR ||
                            error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    const absl::string_view lines = absl::StripTrailingAsciiWhitespace(text);
    problems->emplace_back(
        std::min(error.mark.line + 1, LineAt(lines, lines.size())),
        absl::StrCat("not YAML: ",
                     open_quote ? "a quote is not closed" : error.msg));
    return Node();
  } catch (const std::exception& error) {
    problems->emplace_back(0, absl::StrCat("not YAML: ", error.what()));
    return Node();
  }
  return builder.root();
}

struct Setting {
  int line;
  std::string flag;
  std::string value;
};

std::string TypeOf(const std::string& flag) {
  return gflags::GetCommandLineFlagInfoOrDie(flag.c_str()).type;
}

class SettingsReader {
 public:
  SettingsReader(absl::string_view text,
                 absl::Span<const std::string> flag_names, Problems* problems)
      : text_lines_(absl::StrSplit(text, '\n')), problems_(problems) {
    for (const std::string& name : flag_names) {
      if (name != kConfigFlag) names_.push_back(name);
    }
  }

  std::vector<Setting> Read(const Node& root) {
    if (root.kind == Node::Kind::kMapping) {
      ReadMapping(root, 0);
    } else if (root.kind != Node::Kind::kNull) {
      Problem(root.line, absl::StrCat("expected a mapping of flags to values, "
                                      "as in \"seed: 3\", got ",
                                      KindName(root.kind)));
    }
    return std::move(settings_);
  }

 private:
  void Problem(int line, const std::string& text) {
    problems_->emplace_back(line, text);
  }

  void ReadMapping(const Node& mapping, int depth) {
    std::map<std::string, int> groups;
    for (size_t i = 0; i + 1 < mapping.children.size(); i += 2) {
      const Node& key = mapping.children[i];
      const Node& value = mapping.children[i + 1];
      if (key.kind != Node::Kind::kScalar) {
        Problem(key.line,
                absl::StrCat("expected the name of a flag as key, got ",
                             KindName(key.kind)));
        continue;
      }
      // yaml-cpp takes a last line without a colon for a key.
      const absl::string_view line =
          text_lines_[static_cast<size_t>(key.line - 1)];
      if (mapping.block && value.kind == Node::Kind::kNull &&
          !absl::StrContains(line, ':') && !absl::StrContains(line, '?')) {
        Problem(key.line, absl::StrCat("expected a flag and its value, as in "
                                       "\"seed: 3\", got ",
                                       QuoteForMessage(key.value)));
        continue;
      }
      std::string name = key.value;
      std::replace(name.begin(), name.end(), '-', '_');
      const bool is_flag =
          std::find(names_.begin(), names_.end(), name) != names_.end();
      if (is_flag) {
        ReadFlag(name, key, value);
      } else if (value.kind != Node::Kind::kMapping) {
        UnknownFlag(key);
      } else if (const auto [group, is_new] =
                     groups.emplace(key.value, key.line);
                 !is_new) {
        Problem(key.line,
                absl::StrCat("the group ", QuoteForMessage(key.value),
                             " is here twice, first in line ", group->second));
      } else if (depth == kMaxDepth) {
        Problem(key.line, absl::StrCat("groups are nested more than ",
                                       kMaxDepth, " deep"));
      } else {
        ReadMapping(value, depth + 1);
      }
    }
  }

  void UnknownFlag(const Node& key) {
    if (key.value == kConfigFlag) {
      Problem(key.line, "a file cannot name another one by --config");
      return;
    }
    const std::vector<std::string> nearest =
        vision::NearestNames(key.value, names_);
    Problem(
        key.line,
        absl::StrCat("unknown flag ", QuoteForMessage(key.value),
                     nearest.empty()
                         ? " (--help lists the flags)"
                         : absl::StrCat("; did you mean ",
                                        absl::StrJoin(nearest, ", "), "?")));
  }

  void ReadFlag(const std::string& name, const Node& key, const Node& value) {
    const auto [before, is_new] = lines_.emplace(name, key.line);
    if (!is_new) {
      Problem(key.line,
              absl::StrCat("flag '--", name, "' is given twice, first in line ",
                           before->second));
      return;
    }
    if (value.kind == Node::Kind::kMapping) {
      Problem(key.line,
              absl::StrCat("'", name,
                           "' is a flag, expected a value, got a mapping"));
      return;
    }
    std::string text = value.value;
    if (value.kind == Node::Kind::kSequence) {
      if (TypeOf(name) != "string") {
        Problem(key.line,
                absl::StrCat("flag '--", name, "' takes ", ExpectedValue(name),
                             ", got a sequence"));
        return;
      }
      for (size_t i = 0; i < value.children.size(); ++i) {
        const Node& item = value.children[i];
        if (item.kind != Node::Kind::kScalar || item.value.empty() ||
            absl::StrContains(item.value, ',')) {
          Problem(item.line, absl::StrCat("flag '--", name,
                                          "' takes a sequence of texts "
                                          "without commas, got ",
                                          item.kind == Node::Kind::kScalar
                                              ? QuoteForMessage(item.value)
                                              : KindName(item.kind)));
          return;
        }
        absl::StrAppend(&text, i == 0 ? "" : ",", item.value);
      }
    }
    // gflags takes text that ends at the first NUL.
    if (absl::StrContains(text, absl::string_view("\0", 1))) {
      Problem(value.line, absl::StrCat("the value of flag '--", name,
                                       "' contains a NUL character"));
      return;
    }
    settings_.push_back({value.line, name, text});
  }

  const std::vector<absl::string_view> text_lines_;
  Problems* problems_;
  std::vector<std::string> names_;
  std::map<std::string, int> lines_;
  std::vector<Setting> settings_;
};

bool SetFlag(const Setting& setting) {
  // Returns a message; an empty one is a failure.
  return !gflags::SetCommandLineOption(setting.flag.c_str(),
                                       setting.value.c_str())
              .empty();
}

// Tries all values, also those that the command line overrides, and takes them
// back.
void CheckValues(const std::vector<Setting>& settings, Problems* problems) {
  const gflags::FlagSaver saver;
  for (const Setting& setting : settings) {
    if (SetFlag(setting)) continue;
    problems->emplace_back(
        setting.line,
        absl::StrCat("bad value ", QuoteForMessage(setting.value),
                     " for flag '--", setting.flag, "'; expected ",
                     ExpectedValue(setting.flag)));
  }
}

// Whether YAML readers take the text, without quotes, as a string.
bool IsPlain(absl::string_view text) {
  if (text.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(text[0])))
    return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        !absl::StrContains("_-./+", c)) {
      return false;
    }
  }
  const std::string lower = absl::AsciiStrToLower(text);
  for (const char* word : {"null", "true", "false", "yes", "no", "on", "off",
                           "y", "n", "nan", "inf", "infinity"}) {
    if (lower == word) return false;
  }
  return true;
}

// In double quotes, on one line. Escapes what is not printable, and what YAML
// takes for a line break or may not hold: U+0085, U+2028, U+2029, U+FEFF,
// U+FFFE, U+FFFF.
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t length = std::max<size_t>(1, Utf8SequenceLength(text));
    const absl::string_view one = text.substr(0, length);
    const auto byte = [&one](size_t i) -> unsigned {
      return static_cast<unsigned char>(one[i]);
    };
    if (one == "\"" || one == "\\") {
      absl::StrAppend(&quoted, "\\", one);
    } else if (one == "\n") {
      quoted += "\\n";
    } else if (one == "\t") {
      quoted += "\\t";
    } else if (length == 1 && (byte(0) < 0x20 || byte(0) == 0x7f)) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte(0));
    } else if (length == 2 && byte(0) == 0xc2 && byte(1) < 0xa0) {
      absl::StrAppendFormat(&quoted, "\\x%02x", byte(1));
    } else if (one == "\xe2\x80\xa8" || one == "\xe2\x80\xa9" ||
               one == "\xef\xbb\xbf" || one == "\xef\xbf\xbe" ||
               one == "\xef\xbf\xbf") {
      absl::StrAppendFormat(
          &quoted, "\\u%04x",
          (byte(0) & 0xf) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f));
    } else {
      absl::StrAppend(&quoted, one);
    }
    text.remove_prefix(length);
  }
  return quoted + "\"";
}

std::string ValueText(const CommandLineFlagInfo& flag) {
  const std::string& value = flag.current_value;
  if (flag.type == "string") {
    const std::string text = ToUtf8(value);
    return IsPlain(text) ? text : Quoted(text);
  }
  if (flag.type == "double") {
    // gflags writes 0.1 as 0.10000000000000001.
    double number = 0, again = 0;
    if (absl::SimpleAtod(value, &number)) {
      const std::string brief = absl::StrFormat("%.15g", number);
      if (absl::SimpleAtod(brief, &again) && again == number) return brief;
    }
  }
  return value;
}

}  // namespace

absl::Status ApplyConfigFile(const std::string& path,
                             absl::Span<const std::string> flag_names) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": got ", size, " bytes, at most ", kMaxBytes, " are read"));
  }
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  return ApplyConfigText(text, path, flag_names);
}

absl::Status ApplyConfigText(absl::string_view text, const std::string& name,
                             absl::Span<const std::string> flag_names) {
  Problems problems;
  const Node root = Parse(text, &problems);
  const std::vector<Setting> settings =
      SettingsReader(text, flag_names, &problems).Read(root);
  CheckValues(settings, &problems);
  std::stable_sort(
      problems.begin(), problems.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  FileProblems listed(name);
  for (const auto& [line, problem] : problems) listed.Add(line, problem);
  VISION_RETURN_IF_ERROR(listed.ToStatus());
  for (const Setting& setting : settings) {
    if (gflags::GetCommandLineFlagInfoOrDie(setting.flag.c_str()).is_default) {
      SetFlag(setting);  // CheckValues() has seen that it can be.
    }
  }
  return absl::OkStatus();
}

std::string ConfigText(absl::Span<const std::string> flag_names) {
  std::string text;
  for (const std::string& name : flag_names) {
    if (name == kConfigFlag) continue;
    absl::StrAppend(
        &text, name, ": ",
        ValueText(gflags::GetCommandLineFlagInfoOrDie(name.c_str())), "\n");
  }
  return text;
}

std::vector<std::string> FlagsDefinedIn(absl::string_view file_substring) {
  std::vector<CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  std::vector<std::string> names;
  for (const CommandLineFlagInfo& flag : flags) {
    if (absl::StrContains(flag.filename, file_substring)) {
      names.push_back(flag.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace wsol
