#include "wsol/datasets/split_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/class_names.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;

bool IsSplitFile(const std::string& name) {
  for (const char* file :
       {"image_ids.txt", "class_labels.txt", "image_sizes.txt",
        "localization.txt", "image_ids_proxy.txt", kClassNamesFile}) {
    if (name == file) return true;
  }
  return false;
}

// The folder without slashes at its end, so that others can be named after it.
std::string Normalized(const std::string& folder) {
  fs::path path = fs::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path.string();
}

absl::Status Rename(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(
      errno, absl::StrCat("cannot rename '", from, "' to '", to, "'"));
}

// Puts `made` in the place of `folder`, which may be there.
absl::Status Replace(const std::string& made, const std::string& folder) {
  std::error_code error;
  if (!fs::exists(folder, error)) return Rename(made, folder);
  // Where the file system can do so in one step, they change places.
  if (renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(),
                RENAME_EXCHANGE) == 0) {
    fs::remove_all(made, error);
    return absl::OkStatus();
  }
  const std::string old = absl::StrCat(folder, ".old", getpid());
  VISION_RETURN_IF_ERROR(Rename(folder, old));
  if (const absl::Status status = Rename(made, folder); !status.ok()) {
    (void)Rename(old, folder);
    return status;
  }
  fs::remove_all(old, error);
  return absl::OkStatus();
}

absl::Status WriteFiles(const std::string& folder,
                        const SplitMetadata& metadata,
                        const std::vector<std::string>& class_names) {
  VISION_RETURN_IF_ERROR(WriteSplitMetadata(folder, metadata));
  if (class_names.empty()) return absl::OkStatus();
  return vision::WriteFileAtomically(
      vision::JoinPath(folder, kClassNamesFile),
      absl::StrCat(absl::StrJoin(class_names, "\n"), "\n"));
}

}  // namespace

absl::Status CheckSplitFolder(const std::string& split_dir, bool overwrite) {
  const std::string folder = Normalized(split_dir);
  if (folder.empty()) {
    return absl::InvalidArgumentError("the output folder has an empty name");
  }
  std::error_code error;
  if (!fs::exists(folder, error)) return absl::OkStatus();
  fs::directory_iterator entries(folder, error);
  if (error) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", folder, "' is not a folder"));
  }
  bool has_files = false;
  for (const fs::directory_entry& entry : entries) {
    has_files = true;
    const std::string name = entry.path().filename().string();
    if (!IsSplitFile(name)) {
      return absl::AlreadyExistsError(
          absl::StrCat("the folder '", folder, "' holds '", name,
                       "', which is no file of a split, and is not replaced"));
    }
  }
  if (!has_files || overwrite) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat(
      "there is a split in '", folder, "' already; --overwrite replaces it"));
}

absl::Status WriteSplitFolder(const std::string& split_dir,
                              const SplitMetadata& metadata,
                              const std::vector<std::string>& class_names,
                              bool overwrite) {
  VISION_RETURN_IF_ERROR(CheckSplitFolder(split_dir, overwrite));
  VISION_RETURN_IF_ERROR(CheckSplitMetadata(split_dir, metadata));
  VISION_RETURN_IF_ERROR(CheckClassNames(class_names));
  const std::string folder = Normalized(split_dir);
  const std::string made = absl::StrCat(folder, ".part", getpid());
  absl::Status status = WriteFiles(made, metadata, class_names);
  if (status.ok()) status = Replace(made, folder);
  std::error_code error;
  if (!status.ok()) fs::remove_all(made, error);
  return status;
}

}  // namespace wsol
