// The images that a user means: files, folders with their subfolders, a list.
//
//   fcam::ImageSources sources;
//   sources.paths = {"photos", "bird.jpg"};
//   VISION_ASSIGN_OR_RETURN(const std::vector<fcam::ImageFile> images,
//                           fcam::FindImages(sources));

#ifndef FCAM_LOCALIZER_FIND_IMAGES_H_
#define FCAM_LOCALIZER_FIND_IMAGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace fcam {

struct ImageSources {
  // Files and folders. Of a folder all .jpg, .jpeg, .png, .webp and .bmp files
  // (in any case) are meant, in subfolders too, but for names that begin with a
  // dot; links to folders are not followed.
  std::vector<std::string> paths;
  // A text file with a path on each line; empty lines count for nothing. Empty:
  // none.
  std::string list;
  // What relative paths of the list start from; empty: the list's own folder.
  std::string image_root;
  // A folder whose files are never meant: that of the results, which may lie
  // among the images. Empty: none.
  std::string excluded_dir;
};

struct ImageFile {
  std::string path;
  // Names the image's results: the last parts of its path. That is the path
  // within a folder, the path on the list, or the file's name, and as many
  // parts more as it takes to differ from all others.
  std::string name;
};

// In the order of the sources, those of a folder sorted by path; each file once
// however often it is given. A file that is given by name need not exist: who
// reads it will tell. kNotFound for a folder or list that is not there or
// nothing found; errors of reading them.
absl::StatusOr<std::vector<ImageFile>> FindImages(const ImageSources& sources);

}  // namespace fcam

#endif  // FCAM_LOCALIZER_FIND_IMAGES_H_
