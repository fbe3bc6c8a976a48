#include "wsol/datasets/coco_json.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

// `text` as a JSON string.
absl::StatusOr<std::string> Quoted(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    return absl::InvalidArgumentError("its text is not UTF-8");
  }
}

// Begins the next element of an array.
void BeginElement(int64_t count, std::string* elements) {
  absl::StrAppend(elements, count == 0 ? "\n" : ",\n", "    {");
}

}  // namespace

std::string CocoBox(const vision::Box& box, int64_t area, bool crowd) {
  return absl::StrCat("\"bbox\": [", box.x0, ", ", box.y0, ", ", box.Width(),
                      ", ", box.Height(), "], \"area\": ", area,
                      ", \"iscrowd\": ", crowd ? 1 : 0);
}

std::string CocoSegmentation(const cv::Mat& mask) {
  std::vector<int64_t> runs;
  bool value = false;
  int64_t run = 0;
  for (int x = 0; x < mask.cols; ++x) {
    for (int y = 0; y < mask.rows; ++y) {
      if ((mask.at<uint8_t>(y, x) != 0) == value) {
        ++run;
        continue;
      }
      runs.push_back(run);
      value = !value;
      run = 1;
    }
  }
  runs.push_back(run);
  return absl::StrCat("\"segmentation\": {\"size\": [", mask.rows, ", ",
                      mask.cols, "], \"counts\": [", absl::StrJoin(runs, ","),
                      "]}");
}

absl::Status CocoJson::AddCategory(const std::string& name) {
  VISION_ASSIGN_OR_RETURN(const std::string quoted, Quoted(name));
  BeginElement(categories_count_, &categories_);
  ++categories_count_;
  absl::StrAppend(&categories_, "\"id\": ", categories_count_,
                  ", \"name\": ", quoted, "}");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> CocoJson::AddImage(const std::string& file_name,
                                           int width, int height) {
  VISION_ASSIGN_OR_RETURN(const std::string quoted, Quoted(file_name));
  BeginElement(images_count_, &images_);
  ++images_count_;
  absl::StrAppend(&images_, "\"id\": ", images_count_,
                  ", \"file_name\": ", quoted, ", \"width\": ", width,
                  ", \"height\": ", height);
  absl::StrAppend(&images_, "}");
  return images_count_;
}

void CocoJson::AddAnnotation(int64_t image, int64_t category,
                             absl::string_view members) {
  BeginElement(annotations_count_, &annotations_);
  ++annotations_count_;
  absl::StrAppend(&annotations_, "\"id\": ", annotations_count_,
                  ", \"image_id\": ", image, ", \"category_id\": ", category);
  absl::StrAppend(&annotations_, ", ", members, "}");
}

std::string CocoJson::ToString() const {
  return absl::StrCat("{\n  \"images\": [", images_, "\n  ],\n",
                      "  \"categories\": [", categories_, "\n  ],\n",
                      "  \"annotations\": [", annotations_, "\n  ]\n}\n");
}

}  // namespace wsol
