#include "wsol/datasets/class_names.h"

#include <cstddef>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/file_problems.h"

namespace wsol {
namespace {

std::string ParentFolder(const std::string& path) {
  std::filesystem::path folder(path);
  if (!folder.has_filename()) folder = folder.parent_path();
  folder = folder.parent_path();
  return folder.empty() ? "." : folder.string();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadClassNamesFile(
    const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string contents, vision::ReadFile(path));
  absl::string_view text = absl::StripTrailingAsciiWhitespace(contents);
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  FileProblems problems(path);
  std::vector<std::string> names;
  absl::flat_hash_map<std::string, int64_t> lines;
  int64_t line_number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    std::string name(absl::StripAsciiWhitespace(line));
    const auto [first, is_new] = lines.emplace(name, line_number);
    if (name.empty()) {
      problems.Add(line_number, "the class name is empty");
    } else if (!is_new) {
      problems.Add(line_number,
                   absl::StrCat("class name ", QuoteForMessage(name),
                                " is there already, on line ", first->second));
    }
    names.push_back(std::move(name));
  }
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  return names;
}

absl::StatusOr<std::vector<std::string>> ReadClassNames(
    const std::string& split_dir) {
  for (const std::string& folder : {split_dir, ParentFolder(split_dir)}) {
    absl::StatusOr<std::vector<std::string>> names =
        ReadClassNamesFile(vision::JoinPath(folder, kClassNamesFile));
    if (!absl::IsNotFound(names.status())) return names;
  }
  return std::vector<std::string>();
}

absl::Status CheckClassNames(absl::Span<const std::string> names) {
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& name : names) {
    std::string fault;
    if (name.empty()) fault = "is empty";
    if (absl::StripAsciiWhitespace(name) != name) {
      fault = "begins or ends with a blank";
    }
    for (const char c : name) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
        fault = "has a control character in it";
      }
    }
    if (!seen.insert(name).second) fault = "is there twice";
    if (!fault.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("class name ", QuoteForMessage(name), " ", fault));
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> ClassNamesFromFolders(const SplitMetadata& metadata) {
  const auto folder_of = [](const std::string& id) -> absl::string_view {
    const size_t end = id.rfind('/');
    if (end == std::string::npos || end == 0) return {};
    const size_t begin = id.rfind('/', end - 1);
    const size_t start = begin == std::string::npos ? 0 : begin + 1;
    return absl::string_view(id).substr(start, end - start);
  };
  std::vector<absl::string_view> folders(
      static_cast<size_t>(metadata.num_classes));
  bool unique = true;
  for (const ImageRecord& image : metadata.images) {
    absl::string_view& folder = folders[static_cast<size_t>(image.label)];
    const absl::string_view own = folder_of(image.id);
    if (folder.empty()) folder = own;
    if (own.empty() || own != folder) unique = false;
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const absl::string_view folder : folders) {
    if (!folder.empty() && !seen.insert(folder).second) unique = false;
  }
  std::vector<std::string> names;
  for (size_t label = 0; label < folders.size(); ++label) {
    names.push_back(unique && !folders[label].empty()
                        ? std::string(folders[label])
                        : absl::StrCat("class ", label));
  }
  return names;
}

}  // namespace wsol
