#include "fcam/published/pretrained_search.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "fcam/published/published_names.h"
#include "fcam/published/published_rules.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace fcam {
namespace {

namespace fs = std::filesystem;

// Levels of debug subfolders below exps that are looked into.
constexpr int kMaxDebugLevels = 3;

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The experiments below a folder; the one that passed last is kept.
struct Newest {
  // Relative to the folder, and the model folder in an experiment.
  std::string kind;
  std::string tag;
  std::string found;
  fs::file_time_type time = {};

  void Look(const fs::path& folder, int levels) {
    std::error_code error;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(folder / kind, error)) {
      Consider(entry.path());
    }
    if (levels == 0) return;
    for (const fs::directory_entry& entry :
         fs::directory_iterator(folder, error)) {
      std::error_code ignored;
      if (entry.is_directory(ignored)) Look(entry.path(), levels - 1);
    }
  }

  void Consider(const fs::path& experiment) {
    std::error_code error;
    const fs::file_time_type passed =
        fs::last_write_time(experiment / kPassedFile, error);
    if (error || !IsFolder((experiment / tag).string())) return;
    const std::string path = (experiment / tag).string();
    // Of equally old ones, the one that does not depend on the file system.
    if (found.empty() || passed > time || (passed == time && path > found)) {
      found = path;
      time = passed;
    }
  }
};

absl::StatusOr<std::optional<std::string>> Recorded(
    const std::string& root, const PublishedFlags& flags) {
  const std::string path = vision::JoinPath(
      vision::JoinPath(root, ExperimentFolder(flags)), kPretrainedFile);
  if (!vision::FileExists(path)) return std::nullopt;
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  const std::string dir(absl::StripSuffix(text, "\n"));
  if (!IsFolder(dir)) return std::nullopt;
  return dir;
}

}  // namespace

absl::StatusOr<PretrainedClassifier> FindPretrainedClassifier(
    const std::string& root, const PublishedFlags& flags) {
  const std::string tag = ModelTag(flags, flags.eval_checkpoint_type);
  if (flags.folder_pre_trained_cl.has_value()) {
    std::string dir = *flags.folder_pre_trained_cl;
    while (dir.size() > 1 && dir.back() == '/') dir.pop_back();
    if (fs::path(dir).filename() != tag) {
      return absl::InvalidArgumentError(
          absl::StrCat("--folder_pre_trained_cl must be a folder of the name '",
                       tag, "', the TAG of these flags, got '", dir, "'"));
    }
    if (!IsFolder(dir)) {
      return absl::NotFoundError(
          absl::StrCat("--folder_pre_trained_cl: no folder '", dir, "'"));
    }
    return PretrainedClassifier{dir, "of --folder_pre_trained_cl"};
  }
  VISION_ASSIGN_OR_RETURN(const std::optional<std::string> recorded,
                          Recorded(root, flags));
  if (recorded.has_value()) {
    return PretrainedClassifier{*recorded, "that this experiment began with"};
  }
  const std::string copied =
      vision::JoinPath(root, absl::StrCat(kPretrainedFolder, "/", tag));
  if (IsFolder(copied)) {
    return PretrainedClassifier{copied, absl::StrCat("in ", kPretrainedFolder)};
  }
  Newest newest;
  newest.kind = ExperimentKind(flags, kClassifierTask);
  newest.tag = tag;
  const std::string experiments = vision::JoinPath(root, kExperimentsFolder);
  newest.Look(experiments, kMaxDebugLevels);
  if (!newest.found.empty()) {
    return PretrainedClassifier{newest.found,
                                "of the STD_CL experiment that passed last"};
  }
  return absl::NotFoundError(absl::StrCat(
      "no pretrained classifier with the TAG '", tag, "': neither a folder '",
      copied, "' nor one of that name in a passed experiment below '",
      experiments, "/[<debug_subfolder>/]", newest.kind,
      "'; --task STD_CL with the same --dataset, --encoder_name, --method, "
      "--spatial_pooling and --box_v2_metric makes one"));
}

}  // namespace fcam
