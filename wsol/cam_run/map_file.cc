#include "wsol/cam_run/map_file.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/npy.h"
#include "vision/image/opencv_status.h"
#include "vision/weights/checkpoint_writer.h"
#include "vision/weights/dtype.h"
#include "vision/weights/file_pieces.h"
#include "wsol/score_maps/score_map_file.h"
#include "wsol/score_maps/score_map_folder.h"

namespace wsol {
namespace {

absl::Status WritePng(const std::string& path, const cv::Mat& map, int depth,
                      double largest) {
  std::vector<uchar> bytes;
  VISION_RETURN_IF_ERROR(vision::StatusFromOpencv("writing a map", [&] {
    cv::Mat samples;
    map.convertTo(samples, depth, largest);
    cv::imencode(".png", samples, bytes);
  }));
  return vision::WriteFileAtomically(
      path, absl::string_view(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size()));
}

absl::Status WritePt(const std::string& path, const cv::Mat& map) {
  const cv::Mat dense = map.isContinuous() ? map : map.clone();
  vision::DenseTensor tensor;
  tensor.shape = {dense.rows, dense.cols};
  tensor.values = absl::string_view(reinterpret_cast<const char*>(dense.data),
                                    dense.total() * sizeof(float));
  VISION_ASSIGN_OR_RETURN(const vision::FilePieces file,
                          vision::MakeTorchZipOfTensor(tensor));
  return vision::WriteFileAtomically(path, file.pieces);
}

}  // namespace

absl::string_view MapFormatName(MapFormat format) {
  switch (format) {
    case MapFormat::kNpy:
      return "npy";
    case MapFormat::kPng8:
      return "png8";
    case MapFormat::kPng16:
      return "png16";
    case MapFormat::kPt:
      return "pt";
  }
  return "";
}

absl::StatusOr<MapFormat> ParseMapFormat(absl::string_view name) {
  for (const MapFormat format :
       {MapFormat::kNpy, MapFormat::kPng8, MapFormat::kPng16, MapFormat::kPt}) {
    if (name == MapFormatName(format)) return format;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown format '", name, "' of maps, expected npy, png8, png16 or pt"));
}

absl::string_view MapFormatExtension(MapFormat format) {
  switch (format) {
    case MapFormat::kNpy:
      return ".npy";
    case MapFormat::kPng8:
    case MapFormat::kPng16:
      return ".png";
    case MapFormat::kPt:
      return ".pt";
  }
  return "";
}

absl::string_view MapSizeName(MapSize size) {
  switch (size) {
    case MapSize::kMap:
      return "map";
    case MapSize::kInput:
      return "input";
    case MapSize::kImage:
      return "image";
  }
  return "";
}

absl::StatusOr<MapSize> ParseMapSize(absl::string_view name) {
  for (const MapSize size : {MapSize::kMap, MapSize::kInput, MapSize::kImage}) {
    if (name == MapSizeName(size)) return size;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown size '", name, "' of maps, expected map, input or image"));
}

absl::Status WriteMap(const std::string& path, const cv::Mat& map,
                      MapFormat format) {
  if (map.type() != CV_32FC1 || map.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the map for '", path, "' is ", map.rows, " x ", map.cols,
                     " of OpenCV type ", map.type(), ", expected CV_32FC1"));
  }
  switch (format) {
    case MapFormat::kNpy:
      return vision::WriteNpy(path, map, vision::NpyDtype::kFloat32);
    case MapFormat::kPng8:
      return WritePng(path, map, CV_8U, 255);
    case MapFormat::kPng16:
      return WritePng(path, map, CV_16U, 65535);
    case MapFormat::kPt:
      return WritePt(path, map);
  }
  return absl::InternalError("unknown format");
}

std::string MapFileStem(absl::string_view id) {
  const std::string name =
      ScoreMapFileName(id, ScoreMapNaming::kFlatStem, ScoreMapFormat::kNpy);
  return name.substr(
      0, name.size() - ScoreMapExtension(ScoreMapFormat::kNpy).size());
}

}  // namespace wsol
