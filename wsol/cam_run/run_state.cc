#include "wsol/cam_run/run_state.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWritten[] = {".npy", ".png", ".pt", ".jpg"};

absl::Status FileError(const std::string& path, const std::error_code& error) {
  return absl::InternalError(absl::StrCat("'", path, "': ", error.message()));
}

bool IsMap(const fs::path& path) {
  const std::string extension = path.extension().string();
  return std::any_of(std::begin(kWritten), std::end(kWritten),
                     [&](const char* written) { return extension == written; });
}

// The maps and overlays in the methods' folders.
absl::StatusOr<std::vector<fs::path>> FindMaps(
    const std::string& output_dir, const std::vector<std::string>& methods) {
  std::vector<fs::path> found;
  for (const std::string& method : methods) {
    for (const fs::path& folder :
         {fs::path(output_dir) / method,
          fs::path(output_dir) / kOverlaysFolder / method}) {
      std::error_code error;
      if (!fs::is_directory(folder, error)) continue;
      fs::recursive_directory_iterator it(folder, error);
      while (!error && it != fs::end(it)) {
        if (IsMap(it->path())) found.push_back(it->path());
        it.increment(error);
      }
      if (error) return FileError(folder.string(), error);
    }
  }
  return found;
}

absl::Status Remove(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  return error ? FileError(path.string(), error) : absl::OkStatus();
}

// Which keys of the configurations differ.
std::string Differences(const nlohmann::json& a, const nlohmann::json& b) {
  std::vector<std::string> differences;
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key) || a[key] != value) differences.push_back(key);
  }
  return absl::StrJoin(differences, ", ");
}

// The methods of the run that a file describes, as far as it can be read.
std::vector<std::string> MethodsOf(const nlohmann::json& config) {
  std::vector<std::string> methods;
  if (!config.is_object() || !config.contains("methods")) return methods;
  for (const nlohmann::json& method : config["methods"]) {
    // A name with folders in it is none of ours.
    if (method.is_string() &&
        method.get<std::string>().find_first_of("/.") == std::string::npos) {
      methods.push_back(method.get<std::string>());
    }
  }
  return methods;
}

nlohmann::json ParseOrNull(absl::string_view text) {
  nlohmann::json parsed = nlohmann::json::parse(
      text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

}  // namespace

nlohmann::json ImageResultToJson(const ImageResult& result) {
  nlohmann::json methods = nlohmann::json::array();
  for (const ImageResult::OfMethod& one : result.methods) {
    nlohmann::json quality = nlohmann::json::array();
    for (const MapQuality& q : one.quality) {
      quality.push_back({q.probability, q.masked_probability, q.drop,
                         q.increase ? 1 : 0, q.insertion, q.deletion});
    }
    methods.push_back({{"maps", one.maps},
                       {"constant", one.constant},
                       {"not_finite", one.not_finite},
                       {"quality", quality}});
  }
  return {{"index", result.index}, {"top", result.top}, {"methods", methods}};
}

ImageResult ImageResultFromJson(const nlohmann::json& json) {
  ImageResult result;
  result.index = json.at("index").get<int64_t>();
  result.top = json.at("top").get<std::vector<int64_t>>();
  for (const nlohmann::json& one : json.at("methods")) {
    ImageResult::OfMethod& method = result.methods.emplace_back();
    method.maps = one.at("maps").get<int64_t>();
    method.constant = one.at("constant").get<int64_t>();
    method.not_finite = one.at("not_finite").get<int64_t>();
    for (const nlohmann::json& q : one.at("quality")) {
      MapQuality& quality = method.quality.emplace_back();
      quality.probability = q.at(0).get<double>();
      quality.masked_probability = q.at(1).get<double>();
      quality.drop = q.at(2).get<double>();
      quality.increase = q.at(3).get<int>() != 0;
      quality.insertion = q.at(4).get<double>();
      quality.deletion = q.at(5).get<double>();
    }
  }
  return result;
}

absl::StatusOr<std::vector<ImageResult>> BeginRun(
    const std::string& output_dir, const nlohmann::json& config,
    const std::vector<std::string>& methods, bool overwrite) {
  const std::string finished = vision::JoinPath(output_dir, kRunFile);
  const std::string partial = vision::JoinPath(output_dir, kPartialFile);
  std::vector<ImageResult> done;
  if (overwrite) {
    std::vector<std::string> old = methods;
    for (const std::string& path : {finished, partial}) {
      if (!vision::FileExists(path)) continue;
      VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
      const nlohmann::json whole = ParseOrNull(text);
      const nlohmann::json first = ParseOrNull(text.substr(0, text.find('\n')));
      for (const nlohmann::json& described :
           {whole.is_object() ? whole.value("config", nlohmann::json())
                              : nlohmann::json(),
            first}) {
        for (const std::string& method : MethodsOf(described)) {
          old.push_back(method);
        }
      }
    }
    VISION_ASSIGN_OR_RETURN(const std::vector<fs::path> maps,
                            FindMaps(output_dir, old));
    // What says that the maps are whole goes first.
    for (const char* const file :
         {kRunFile, kPartialFile, kPredictionsFile, kContactSheetFile}) {
      VISION_RETURN_IF_ERROR(Remove(fs::path(output_dir) / file));
    }
    for (const fs::path& map : maps) VISION_RETURN_IF_ERROR(Remove(map));
    return done;
  }
  if (vision::FileExists(finished)) {
    return absl::AlreadyExistsError(
        absl::StrCat("--output_dir: '", output_dir,
                     "' holds the maps of a finished run; --overwrite replaces "
                     "them"));
  }
  if (vision::FileExists(partial)) {
    VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(partial));
    std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
    const nlohmann::json before = ParseOrNull(lines[0]);
    if (before != config) {
      return absl::FailedPreconditionError(absl::StrCat(
          "--output_dir: '", output_dir,
          "' holds an unfinished run with other options (",
          before.is_object() ? Differences(before, config) : "not readable",
          "); --overwrite replaces it"));
    }
    // What follows the last line end was cut short.
    for (size_t i = 1; i + 1 < lines.size(); ++i) {
      try {
        done.push_back(ImageResultFromJson(
            nlohmann::json::parse(lines[i].begin(), lines[i].end())));
      } catch (const nlohmann::json::exception& error) {
        return absl::DataLossError(absl::StrCat("'", partial, "':", i + 1,
                                                ": damaged: ", error.what(),
                                                "; --overwrite starts anew"));
      }
    }
    return done;
  }
  VISION_ASSIGN_OR_RETURN(const std::vector<fs::path> maps,
                          FindMaps(output_dir, methods));
  if (!maps.empty()) {
    return absl::AlreadyExistsError(
        absl::StrCat("--output_dir: '", output_dir, "' holds files such as '",
                     maps[0].string(), "'; --overwrite replaces them"));
  }
  return done;
}

absl::StatusOr<RunLog> RunLog::Open(const std::string& output_dir,
                                    const nlohmann::json& config,
                                    const std::vector<ImageResult>& done) {
  RunLog log;
  log.path_ = vision::JoinPath(output_dir, kPartialFile);
  std::string text = absl::StrCat(config.dump(), "\n");
  for (const ImageResult& result : done) {
    absl::StrAppend(&text, ImageResultToJson(result).dump(), "\n");
  }
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(log.path_, text));
  log.file_.open(log.path_, std::ios::binary | std::ios::app);
  if (!log.file_) {
    return absl::InternalError(
        absl::StrCat("cannot open '", log.path_, "' for writing"));
  }
  return log;
}

absl::Status RunLog::Append(const ImageResult& result) {
  file_ << ImageResultToJson(result).dump() << std::endl;
  if (!file_) {
    return absl::InternalError(
        absl::StrCat("cannot write to '", path_, "': is the disk full?"));
  }
  return absl::OkStatus();
}

absl::Status RemovePartialFile(const std::string& output_dir) {
  return Remove(fs::path(output_dir) / kPartialFile);
}

}  // namespace wsol
