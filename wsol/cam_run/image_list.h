// Which images to work on: those of a file, a folder or a split.
//
//   VISION_ASSIGN_OR_RETURN(const auto images, wsol::ListImages("photos"));
//   images[0].id;    // "2019/cat.jpg"
//   images[0].path;  // "photos/2019/cat.jpg"

#ifndef WSOL_CAM_RUN_IMAGE_LIST_H_
#define WSOL_CAM_RUN_IMAGE_LIST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/datasets/dataset.h"

namespace wsol {

struct ListedImage {
  // Path below the folder, with '/'; the name of a single file.
  std::string id;
  std::string path;
  // Of a split.
  std::optional<int> label;
};

// The image file `path`, or all files with the extension of an image (.jpg,
// .jpeg, .png, .bmp, .webp, in any case) in folder `path` and below, sorted by
// id; what is hidden (".x") is left out. kNotFound if there is nothing of that
// name or no image in it.
absl::StatusOr<std::vector<ListedImage>> ListImages(const std::string& path);

// The images of a split that was opened with its images, in its order.
std::vector<ListedImage> ImagesOfSplit(const Dataset& split);

// kInvalidArgument if two images' maps would have the same name (MapFileStem),
// or an id cannot stand in a CSV file; the first 20 are named.
absl::Status CheckImageNames(const std::vector<ListedImage>& images);

}  // namespace wsol

#endif  // WSOL_CAM_RUN_IMAGE_LIST_H_
