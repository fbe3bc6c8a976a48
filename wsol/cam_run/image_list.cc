#include "wsol/cam_run/image_list.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "wsol/cam_run/map_file.h"
#include "wsol/datasets/metadata.h"
#include "wsol/score_maps/problem_list.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;

bool IsImageName(const fs::path& path) {
  const std::string extension =
      absl::AsciiStrToLower(path.extension().string());
  for (const char* const known : {".jpg", ".jpeg", ".png", ".bmp", ".webp"}) {
    if (extension == known) return true;
  }
  return false;
}

bool IsHidden(const fs::path& path) {
  return path.filename().native()[0] == '.';
}

}  // namespace

absl::StatusOr<std::vector<ListedImage>> ListImages(const std::string& path) {
  std::error_code error;
  std::vector<ListedImage> images;
  if (fs::is_regular_file(path, error)) {
    images.push_back({fs::path(path).filename().string(), path, std::nullopt});
    return images;
  }
  if (!fs::is_directory(path, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no file or folder '", path, "' of images"));
  }
  // Links to folders are not followed: they may lead back up.
  fs::recursive_directory_iterator it(path, error);
  while (!error && it != fs::end(it)) {
    const bool hidden = IsHidden(it->path());
    if (hidden && it->is_directory(error)) it.disable_recursion_pending();
    if (!hidden && IsImageName(it->path()) && it->is_regular_file(error)) {
      images.push_back({it->path().lexically_relative(path).generic_string(),
                        it->path().string(), std::nullopt});
    }
    it.increment(error);
  }
  if (error) {
    return absl::InternalError(
        absl::StrCat("cannot list the folder '", path, "': ", error.message()));
  }
  if (images.empty()) {
    return absl::NotFoundError(
        absl::StrCat("the folder '", path,
                     "' has no image (.jpg, .jpeg, .png, .bmp, .webp) in it"));
  }
  std::sort(
      images.begin(), images.end(),
      [](const ListedImage& a, const ListedImage& b) { return a.id < b.id; });
  return images;
}

std::vector<ListedImage> ImagesOfSplit(const Dataset& split) {
  std::vector<ListedImage> images;
  images.reserve(static_cast<size_t>(split.size()));
  for (int64_t i = 0; i < split.size(); ++i) {
    images.push_back(
        {split.record(i).id, split.ImagePath(i), split.record(i).label});
  }
  return images;
}

absl::Status CheckImageNames(const std::vector<ListedImage>& images) {
  ProblemList problems;
  absl::flat_hash_map<std::string, const std::string*> ids;
  ids.reserve(images.size());
  for (const ListedImage& image : images) {
    if (const std::string fault = CheckImageId(image.id); !fault.empty()) {
      problems.Add(absl::StrCat("the image '", image.id, "' ", fault,
                                ", so no list can name it"));
    }
    const auto [it, is_new] = ids.emplace(MapFileStem(image.id), &image.id);
    if (!is_new) {
      problems.Add(absl::StrCat("the maps of '", *it->second, "' and '",
                                image.id, "' would both be named '", it->first,
                                "'"));
    }
  }
  return problems.ToStatus();
}

}  // namespace wsol
