#include "wsol/score_maps/score_map_folder.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxListed = 20;
// Deeper is a link that leads back up.
constexpr int kMaxDepth = 16;

constexpr ScoreMapNaming kNamings[] = {
    ScoreMapNaming::kId,       ScoreMapNaming::kStem, ScoreMapNaming::kFlatId,
    ScoreMapNaming::kFlatStem, ScoreMapNaming::kName, ScoreMapNaming::kNameStem,
};
constexpr ScoreMapFormat kFormats[] = {ScoreMapFormat::kNpy,
                                       ScoreMapFormat::kPng};

using FileNames = absl::flat_hash_set<std::string>;

absl::Status ListError(const std::string& folder,
                       const std::error_code& error) {
  return absl::InternalError(
      absl::StrCat("cannot list the folder '", folder, "': ", error.message()));
}

// The maps' paths below the folder.
absl::StatusOr<FileNames> ListMaps(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no folder '", folder, "' of score maps"));
  }
  fs::recursive_directory_iterator it(
      folder, fs::directory_options::follow_directory_symlink, error);
  if (error) return ListError(folder, error);
  const size_t prefix =
      it == fs::end(it)
          ? 0
          : it->path().native().size() - it->path().filename().native().size();
  FileNames names;
  while (it != fs::end(it)) {
    if (it.depth() > kMaxDepth) {
      return absl::InvalidArgumentError(
          absl::StrCat("the folder '", folder, "' has more than ", kMaxDepth,
                       " levels: a link that leads back up?"));
    }
    const std::string& path = it->path().native();
    for (const ScoreMapFormat format : kFormats) {
      if (absl::EndsWith(path, ScoreMapExtension(format))) {
        names.insert(path.substr(prefix));
      }
    }
    it.increment(error);
    if (error) return ListError(folder, error);
  }
  return names;
}

struct Rule {
  ScoreMapNaming naming = ScoreMapNaming::kId;
  ScoreMapFormat format = ScoreMapFormat::kNpy;
  size_t num_found = 0;
};

std::string Example(const std::string& id, const Rule& rule) {
  return absl::StrCat(id, " -> ",
                      ScoreMapFileName(id, rule.naming, rule.format));
}

// How many ids have a file of their own by this rule; 0 if two ids would share
// one, for then the rule cannot be meant.
size_t CountFound(const std::vector<std::string>& ids, const FileNames& names,
                  const Rule& rule) {
  absl::flat_hash_set<std::string> found;
  for (const std::string& id : ids) {
    std::string name = ScoreMapFileName(id, rule.naming, rule.format);
    if (!names.contains(name)) continue;
    if (!found.insert(std::move(name)).second) return 0;
  }
  return found.size();
}

bool SameFiles(const std::vector<std::string>& ids, const Rule& a,
               const Rule& b) {
  return std::all_of(ids.begin(), ids.end(), [&](const std::string& id) {
    return ScoreMapFileName(id, a.naming, a.format) ==
           ScoreMapFileName(id, b.naming, b.format);
  });
}

absl::StatusOr<Rule> DetectRule(const std::string& folder,
                                const std::vector<std::string>& ids,
                                const FileNames& names) {
  Rule best;
  Rule rival;
  for (const ScoreMapFormat format : kFormats) {
    for (const ScoreMapNaming naming : kNamings) {
      Rule rule{naming, format, 0};
      rule.num_found = CountFound(ids, names, rule);
      if (rule.num_found == 0) continue;
      if (rule.num_found > best.num_found) {
        best = rule;
        rival = Rule();
      } else if (rule.num_found == best.num_found && rival.num_found == 0 &&
                 !SameFiles(ids, rule, best)) {
        rival = rule;
      }
    }
  }
  if (best.num_found == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "no image has a score map in '", folder, "': it holds ", names.size(),
        " .npy and .png files, and the first image's map would be ",
        ScoreMapFileName(ids[0], ScoreMapNaming::kId, ScoreMapFormat::kNpy),
        ", ",
        ScoreMapFileName(ids[0], ScoreMapNaming::kStem, ScoreMapFormat::kNpy),
        ", ",
        ScoreMapFileName(ids[0], ScoreMapNaming::kFlatId, ScoreMapFormat::kNpy),
        " or ",
        ScoreMapFileName(ids[0], ScoreMapNaming::kFlatStem,
                         ScoreMapFormat::kNpy),
        " (or .png)"));
  }
  if (rival.num_found > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "two sets of score maps are in '", folder, "', each for ",
        best.num_found, " of ", ids.size(), " images: ", Example(ids[0], best),
        " and ", Example(ids[0], rival), "; give each a folder of its own"));
  }
  return best;
}

// "what: a, b, ... and 3 more", behind what is there already.
void AppendList(absl::string_view what, const std::vector<std::string>& names,
                size_t count, std::string* message) {
  if (count == 0) return;
  absl::StrAppend(message, message->empty() ? "" : "; ", what, ": ",
                  absl::StrJoin(names, ", "));
  if (count > names.size()) {
    absl::StrAppend(message, ", ... and ", count - names.size(), " more");
  }
}

}  // namespace

std::string ScoreMapFileName(absl::string_view id, ScoreMapNaming naming,
                             ScoreMapFormat format) {
  const size_t slash = id.rfind('/');
  const size_t name_begin = slash == absl::string_view::npos ? 0 : slash + 1;
  const bool by_name =
      naming == ScoreMapNaming::kName || naming == ScoreMapNaming::kNameStem;
  const bool stem = naming == ScoreMapNaming::kStem ||
                    naming == ScoreMapNaming::kFlatStem ||
                    naming == ScoreMapNaming::kNameStem;
  const bool flat =
      naming == ScoreMapNaming::kFlatId || naming == ScoreMapNaming::kFlatStem;
  size_t end = id.size();
  if (stem) {
    const size_t dot = id.rfind('.');
    if (dot != absl::string_view::npos && dot > name_begin) end = dot;
  }
  const size_t begin = by_name ? name_begin : 0;
  std::string name(id.substr(begin, end - begin));
  if (flat) name = absl::StrReplaceAll(name, {{"/", "_"}});
  return absl::StrCat(name, ScoreMapExtension(format));
}

absl::StatusOr<ScoreMapFolder> ScoreMapFolder::Open(
    const std::string& folder, const std::vector<std::string>& ids,
    const ScoreMapFolderOptions& options) {
  if (ids.empty()) {
    return absl::InvalidArgumentError("there are no images to find maps of");
  }
  VISION_ASSIGN_OR_RETURN(FileNames names, ListMaps(folder));
  VISION_ASSIGN_OR_RETURN(const Rule rule, DetectRule(folder, ids, names));

  std::vector<std::string> missing;
  size_t num_missing = 0;
  for (const std::string& id : ids) {
    const std::string name = ScoreMapFileName(id, rule.naming, rule.format);
    if (names.erase(name) > 0) continue;
    ++num_missing;
    if (missing.size() < kMaxListed) missing.push_back(id);
  }
  std::vector<std::string> extra;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ScoreMapExtension(rule.format))) {
      extra.push_back(name);
    }
  }
  const size_t num_extra = extra.size();
  // The set has no order.
  std::sort(extra.begin(), extra.end());
  extra.resize(std::min(extra.size(), kMaxListed));

  std::string message;
  AppendList(
      absl::StrCat(num_missing, " of ", ids.size(),
                   " images have no score map (", Example(ids[0], rule), ")"),
      missing, num_missing, &message);
  if (!options.allow_extra) {
    AppendList(
        absl::StrCat(num_extra, " score maps belong to no image of the split"),
        extra, num_extra, &message);
  }
  if (!message.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("score maps in '", folder, "': ", message));
  }
  ScoreMapFolder result;
  result.folder_ = folder;
  result.ids_ = ids;
  result.naming_ = rule.naming;
  result.format_ = rule.format;
  result.num_extra_ = static_cast<int64_t>(num_extra);
  return result;
}

std::string ScoreMapFolder::Describe() const {
  return Example(ids_[0], {naming_, format_, 0});
}

std::string ScoreMapFolder::Path(size_t i) const {
  return vision::JoinPath(folder_, ScoreMapFileName(ids_[i], naming_, format_));
}

absl::StatusOr<cv::Mat> ScoreMapFolder::Load(size_t i) const {
  return ReadScoreMap(Path(i));
}

}  // namespace wsol
