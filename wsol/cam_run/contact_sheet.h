// Maps of several methods side by side: one row an image, one column a method.
//
//   wsol::ContactSheet sheet({"CAM", "LayerCAM"});
//   sheet.AddRow(rgb, {cam, layer_cam}, {"val/x.jpg", "true: cat"});
//   VISION_RETURN_IF_ERROR(vision::WritePng("sheet.png", sheet.Draw()));

#ifndef WSOL_CAM_RUN_CONTACT_SHEET_H_
#define WSOL_CAM_RUN_CONTACT_SHEET_H_

#include <string>
#include <vector>

#include "opencv2/core/mat.hpp"

namespace wsol {

// Keeps tiles, not images: 110 KB for each picture in a row.
class ContactSheet {
 public:
  // Sides of a picture, in pixels.
  static constexpr int kTile = 192;

  explicit ContactSheet(std::vector<std::string> columns)
      : columns_(std::move(columns)) {}

  // Appends a row: the image (CV_8UC3 RGB) and it under each column's map
  // (CV_32FC1 in [0, 1], any size), scaled to fit. `lines` are written beside;
  // long ones are cut, and what is not ASCII becomes '?'. There must be a map
  // for each column (CHECK).
  void AddRow(const cv::Mat& rgb, const std::vector<cv::Mat>& maps,
              const std::vector<std::string>& lines);

  int num_rows() const { return static_cast<int>(rows_.size()); }

  // The sheet, CV_8UC3 RGB. At least one row (CHECK).
  cv::Mat Draw() const;

 private:
  struct Row {
    std::vector<cv::Mat> tiles;
    std::vector<std::string> lines;
  };

  std::vector<std::string> columns_;
  std::vector<Row> rows_;
};

}  // namespace wsol

#endif  // WSOL_CAM_RUN_CONTACT_SHEET_H_
