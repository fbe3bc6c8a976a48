#include "fcam/localizer/find_images.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

// A file before it is named.
struct Found {
  std::string path;
  fs::path absolute;
  // How many parts at the end of the path make the name.
  size_t parts = 1;
};

bool HasImageEnding(const fs::path& path) {
  const std::string ending = absl::AsciiStrToLower(path.extension().string());
  for (const char* const known : {".jpg", ".jpeg", ".png", ".webp", ".bmp"}) {
    if (ending == known) return true;
  }
  return false;
}

fs::path Absolute(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? path : absolute).lexically_normal();
}

bool IsInside(const fs::path& path, const fs::path& folder) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

size_t CountParts(const fs::path& path) {
  return static_cast<size_t>(std::distance(path.begin(), path.end()));
}

absl::Status AddFolder(const fs::path& folder, const fs::path& excluded,
                       std::vector<Found>* found) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator iterator(folder, error);
  for (; !error && iterator != fs::recursive_directory_iterator();
       iterator.increment(error)) {
    const fs::path& path = iterator->path();
    if (absl::StartsWith(path.filename().string(), ".")) {
      iterator.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (!iterator->is_regular_file(ignored) || !HasImageEnding(path)) continue;
    if (!excluded.empty() && IsInside(Absolute(path), excluded)) continue;
    files.push_back(path);
  }
  if (error) {
    return absl::InternalError(
        absl::StrCat("cannot list ", folder.string(), ": ", error.message()));
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    found->push_back({file.string(), Absolute(file),
                      CountParts(file.lexically_relative(folder))});
  }
  return absl::OkStatus();
}

absl::Status AddList(const ImageSources& sources, std::vector<Found>* found) {
  VISION_ASSIGN_OR_RETURN(const std::string text,
                          vision::ReadFile(sources.list));
  const fs::path root = sources.image_root.empty()
                            ? fs::path(sources.list).parent_path()
                            : fs::path(sources.image_root);
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const fs::path path{std::string(line)};
    const fs::path normal = path.lexically_normal();
    const bool is_below = path.is_relative() && *normal.begin() != "..";
    const fs::path full = path.is_absolute() ? path : root / path;
    found->push_back(
        {full.string(), Absolute(full), is_below ? CountParts(normal) : 1});
  }
  return absl::OkStatus();
}

// The last `parts` parts of an absolute path.
std::string Name(const Found& file) {
  const fs::path relative = file.absolute.relative_path();
  const size_t count = CountParts(relative);
  fs::path name;
  size_t index = 0;
  for (const fs::path& part : relative) {
    if (index++ + file.parts >= count) name /= part;
  }
  return name.string();
}

}  // namespace

absl::StatusOr<std::vector<ImageFile>> FindImages(const ImageSources& sources) {
  const fs::path excluded = sources.excluded_dir.empty()
                                ? fs::path()
                                : Absolute(sources.excluded_dir);
  std::vector<Found> found;
  for (const std::string& path : sources.paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      VISION_RETURN_IF_ERROR(AddFolder(path, excluded, &found));
    } else if (absl::EndsWith(path, "/")) {
      return absl::NotFoundError(absl::StrCat("there is no folder ", path));
    } else {
      found.push_back({path, Absolute(path), 1});
    }
  }
  if (!sources.list.empty()) {
    VISION_RETURN_IF_ERROR(AddList(sources, &found));
  }

  std::set<fs::path> seen;
  std::vector<Found> files;
  for (Found& file : found) {
    if (seen.insert(file.absolute).second) files.push_back(std::move(file));
  }
  if (files.empty()) {
    return absl::NotFoundError(
        "no image was found: expected files, folders with .jpg, .jpeg, .png, "
        ".webp or .bmp files, or a list of paths");
  }

  // Whole paths differ, so this ends.
  std::vector<std::string> names(files.size());
  for (bool clash = true; clash;) {
    std::map<std::string, int> count;
    for (size_t i = 0; i < files.size(); ++i) {
      names[i] = Name(files[i]);
      ++count[names[i]];
    }
    clash = false;
    for (size_t i = 0; i < files.size(); ++i) {
      if (count[names[i]] > 1) {
        clash = true;
        ++files[i].parts;
      }
    }
  }
  std::vector<ImageFile> images;
  for (size_t i = 0; i < files.size(); ++i) {
    images.push_back({std::move(files[i].path), std::move(names[i])});
  }
  return images;
}

}  // namespace fcam
