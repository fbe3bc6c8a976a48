// The text of a COCO JSON file, one image or annotation a line.
//
//   CocoJson coco;
//   VISION_RETURN_IF_ERROR(coco.AddCategory("bird"));              // id 1
//   VISION_ASSIGN_OR_RETURN(const int64_t image,
//                           coco.AddImage("a.jpg", 500, 335));     // id 1
//   coco.AddAnnotation(image, 1, CocoBox(box, box.Area(), false));
//   coco.ToString();

#ifndef WSOL_DATASETS_COCO_JSON_H_
#define WSOL_DATASETS_COCO_JSON_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

// The members "bbox", "area" and "iscrowd" of an annotation.
std::string CocoBox(const vision::Box& box, int64_t area, bool crowd);

// The member "segmentation": the pixels of `mask` (CV_8UC1) that are not 0, as
// uncompressed run lengths, column by column, zeros first.
std::string CocoSegmentation(const cv::Mat& mask);

// Ids count from 1 in the order of the calls.
class CocoJson {
 public:
  // kInvalidArgument for a text that is not UTF-8; nothing is added then.
  absl::Status AddCategory(const std::string& name);
  absl::StatusOr<int64_t> AddImage(const std::string& file_name, int width,
                                   int height);

  // `members`: those behind "id", "image_id" and "category_id".
  void AddAnnotation(int64_t image, int64_t category,
                     absl::string_view members);

  int64_t num_images() const { return images_count_; }
  int64_t num_annotations() const { return annotations_count_; }

  std::string ToString() const;

 private:
  std::string categories_;
  std::string images_;
  std::string annotations_;
  int64_t categories_count_ = 0;
  int64_t images_count_ = 0;
  int64_t annotations_count_ = 0;
};

}  // namespace wsol

#endif  // WSOL_DATASETS_COCO_JSON_H_
