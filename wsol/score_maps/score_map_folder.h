// Which file of a folder is the score map of which image.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::ScoreMapFolder folder,
//                           wsol::ScoreMapFolder::Open("maps", ids));
//   folder.Describe();  // "val/x.jpg -> val/x.jpg.npy"
//   VISION_ASSIGN_OR_RETURN(const cv::Mat map, folder.Load(0));

#ifndef WSOL_SCORE_MAPS_SCORE_MAP_FOLDER_H_
#define WSOL_SCORE_MAPS_SCORE_MAP_FOLDER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "wsol/score_maps/score_map_file.h"

namespace wsol {

// How a file's name is made from an image's id, here "val/x.jpg".
enum class ScoreMapNaming {
  kId,        // val/x.jpg.npy (what the published evaluator reads)
  kStem,      // val/x.npy
  kFlatId,    // val_x.jpg.npy
  kFlatStem,  // val_x.npy
  kName,      // x.jpg.npy
  kNameStem,  // x.npy
};

// The file's path below the folder.
std::string ScoreMapFileName(absl::string_view id, ScoreMapNaming naming,
                             ScoreMapFormat format);

struct ScoreMapFolderOptions {
  // Takes a folder that has maps of other images too.
  bool allow_extra = false;
};

// Immutable; threads may share it.
class ScoreMapFolder {
 public:
  // Lists the folder and its subfolders and takes the naming rule and format
  // that most of `ids` have a file by; the ids must differ. Nothing is read
  // yet. Errors: kNotFound if there is no such folder; kInvalidArgument if two
  // rules fit equally well but mean different files, if images have no map
  // or, unless allowed, maps have no image: the first 20 of both are named and
  // the others counted. O(files), about 0.2 s for 50,000.
  static absl::StatusOr<ScoreMapFolder> Open(
      const std::string& folder, const std::vector<std::string>& ids,
      const ScoreMapFolderOptions& options = {});

  ScoreMapNaming naming() const { return naming_; }
  ScoreMapFormat format() const { return format_; }

  // An example of the naming rule: "val/x.jpg -> val_x.npy".
  std::string Describe() const;

  // Files of that format that belong to no image; 0 unless allowed.
  int64_t num_extra() const { return num_extra_; }

  // Path of the map of ids[i], and the map itself (ReadScoreMap). Messages
  // begin with the path.
  std::string Path(size_t i) const;
  absl::StatusOr<cv::Mat> Load(size_t i) const;

 private:
  ScoreMapFolder() = default;

  std::string folder_;
  std::vector<std::string> ids_;
  ScoreMapNaming naming_ = ScoreMapNaming::kId;
  ScoreMapFormat format_ = ScoreMapFormat::kNpy;
  int64_t num_extra_ = 0;
};

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_SCORE_MAP_FOLDER_H_
