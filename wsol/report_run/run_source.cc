#include "wsol/report_run/run_source.h"

#include <cmath>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

constexpr char kBestResults[] = "test_best.json";
constexpr char kLastResults[] = "test_last.json";
constexpr char kHistory[] = "history.json";
constexpr char kMaps[] = "test_maps";

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

// Whether there is a score map in the folder or below it.
bool HasScoreMaps(const std::string& folder) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::string extension = entry->path().extension().string();
    if (extension == ".npy" || extension == ".png") return true;
  }
  return false;
}

// NaN for null, which stands for numbers that are not finite; nullopt for what
// is no number.
std::optional<double> NumberOrNull(const ordered_json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_null()) return std::nan("");
  return std::nullopt;
}

absl::StatusOr<RunSource> OpenExperiment(const std::string& dir,
                                         RunSource source) {
  const auto path = [&dir](const char* name) {
    return vision::JoinPath(dir, name);
  };
  const bool best = vision::FileExists(path(kBestResults));
  VISION_ASSIGN_OR_RETURN(
      source.results, ReadResults(path(best ? kBestResults : kLastResults)));
  if (vision::FileExists(path(kHistory))) {
    VISION_ASSIGN_OR_RETURN(const std::string text,
                            vision::ReadFile(path(kHistory)));
    VISION_ASSIGN_OR_RETURN(source.history,
                            ParseRunHistory(text, path(kHistory)));
  } else {
    source.no_history = absl::StrCat("the folder has no ", kHistory);
  }
  if (!IsDirectory(path(kMaps))) {
    source.no_maps = absl::StrCat("the folder has no ", kMaps,
                                  " (train with --save_test_maps)");
  } else if (!best) {
    // The maps are those of the best model.
    source.no_maps = absl::StrCat("the folder has no ", kBestResults,
                                  ", to which ", kMaps, " would belong");
  } else {
    source.map_dir = path(kMaps);
  }
  return source;
}

absl::StatusOr<RunSource> Open(const ReportRun& run) {
  RunSource source;
  source.label = run.label;
  source.path = run.path;
  std::error_code error;
  if (!std::filesystem::exists(run.path, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no file or folder '", run.path, "'"));
  }
  if (!IsDirectory(run.path)) {
    VISION_ASSIGN_OR_RETURN(source.results, ReadResults(run.path));
    source.no_maps = "results in a file have no maps (give the folder)";
    source.no_history = "results in a file have no epochs (give the folder)";
    return source;
  }
  const auto has = [&run](const char* name) {
    return vision::FileExists(vision::JoinPath(run.path, name));
  };
  if (has(kBestResults) || has(kLastResults)) {
    return OpenExperiment(run.path, std::move(source));
  }
  if (has(kHistory) || has("config.yaml") || has("log.jsonl")) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", run.path, "' is an experiment without ", kBestResults, " or ",
        kLastResults,
        ": its training has not come to its end, or was run with --notest"));
  }
  if (HasScoreMaps(run.path)) {
    source.map_dir = run.path;
    source.no_history = "score maps tell nothing about epochs";
    return source;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", run.path, "' is no run: it has neither ", kBestResults,
      " (a folder of a training program) nor score maps (.npy or .png files)"));
}

}  // namespace

absl::StatusOr<RunHistory> ParseRunHistory(absl::string_view text,
                                           absl::string_view name) {
  const auto error = [name](absl::string_view problem) {
    return absl::InvalidArgumentError(
        absl::StrCat("the history '", name, "' ", problem));
  };
  const ordered_json root =
      ordered_json::parse(text.begin(), text.end(), nullptr,
                          /*allow_exceptions=*/false);
  if (!root.is_object()) return error("is no JSON of an experiment");
  const auto version = root.find("schema_version");
  if (version == root.end() || *version != 1) {
    return error("has another schema_version than 1");
  }
  RunHistory history;
  const auto selected = root.find("selected_by");
  if (selected != root.end() && selected->is_string()) {
    history.selected_by = selected->get<std::string>();
  }
  const auto best = root.find("best_epoch");
  if (best != root.end() && best->is_number()) {
    history.best_epoch = best->get<double>();
  }
  const auto epochs = root.find("epochs");
  if (epochs == root.end() || !epochs->is_array()) {
    return error("lacks the list \"epochs\"");
  }
  for (const ordered_json& entry : *epochs) {
    RunEpoch epoch;
    for (const auto& [key, value] :
         {std::pair<const char*, double*>{"epoch", &epoch.epoch},
          {"loss", &epoch.loss},
          {"seconds", &epoch.seconds}}) {
      const std::optional<double> number =
          entry.is_object() && entry.contains(key) ? NumberOrNull(entry[key])
                                                   : std::nullopt;
      // Epochs have a number each.
      if (!number.has_value() ||
          (value == &epoch.epoch && !std::isfinite(*number))) {
        return error(
            absl::StrCat("has an epoch without the number \"", key, "\""));
      }
      *value = *number;
    }
    if (!history.epochs.empty() &&
        !(epoch.epoch > history.epochs.back().epoch)) {
      return error("has epochs out of order");
    }
    if (entry.contains("validation")) {
      const ordered_json& validation = entry["validation"];
      if (!validation.is_object()) return error("has a bad \"validation\"");
      for (const auto& item : validation.items()) {
        const std::optional<double> number = NumberOrNull(item.value());
        if (!number.has_value()) {
          return error(absl::StrCat("has a bad value of \"", item.key(), "\""));
        }
        epoch.validation.emplace_back(item.key(), *number);
      }
    }
    history.epochs.push_back(std::move(epoch));
  }
  return history;
}

absl::StatusOr<RunSource> OpenRun(const ReportRun& run) {
  absl::StatusOr<RunSource> source = Open(run);
  if (source.ok()) return source;
  return absl::Status(
      source.status().code(),
      absl::StrCat("run '", run.label, "': ", source.status().message()));
}

}  // namespace wsol
