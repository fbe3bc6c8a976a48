// Maps on disk, as //wsol:evaluate and F-CAM's training read them.
//
//   VISION_RETURN_IF_ERROR(
//       wsol::WriteMap("maps/val_x.npy", map, wsol::MapFormat::kNpy));

#ifndef WSOL_CAM_RUN_MAP_FILE_H_
#define WSOL_CAM_RUN_MAP_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"

namespace wsol {

enum class MapFormat {
  kNpy,    // float32.
  kPng8,   // Grey, 8 bit: map * 255, rounded.
  kPng16,  // Grey, 16 bit: map * 65535, rounded.
  kPt,     // torch.save of a float32 tensor [h, w]: the stored CAMs of the
           // published F-CAM code. //wsol:evaluate does not read it.
};

// "npy", "png8", "png16", "pt".
absl::string_view MapFormatName(MapFormat format);
absl::StatusOr<MapFormat> ParseMapFormat(absl::string_view name);

// ".npy", ".png" or ".pt".
absl::string_view MapFormatExtension(MapFormat format);

// At which size maps are written.
enum class MapSize {
  kMap,    // The feature map's, as the method gives it.
  kInput,  // The network's input.
  kImage,  // The image's own.
};

// "map", "input", "image".
absl::string_view MapSizeName(MapSize size);
absl::StatusOr<MapSize> ParseMapSize(absl::string_view name);

// Writes a map [h, w] CV_32FC1 of values in [0, 1]; the file is replaced as a
// whole. kInvalidArgument for other types and empty maps; errors of
// vision::WriteFileAtomically.
absl::Status WriteMap(const std::string& path, const cv::Mat& map,
                      MapFormat format);

// The name of an image's map without folder and extension: the id without its
// extension, '/' replaced by '_' ("val/x.jpg" -> "val_x").
std::string MapFileStem(absl::string_view id);

}  // namespace wsol

#endif  // WSOL_CAM_RUN_MAP_FILE_H_
