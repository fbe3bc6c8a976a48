// A small split on disk for tests: four images of 64 x 64 pixels, of two
// classes, whose object is a square of 32 pixels in one corner each.

#ifndef WSOL_REPORT_RUN_SPLIT_FILES_H_
#define WSOL_REPORT_RUN_SPLIT_FILES_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"

namespace wsol {

inline constexpr int kSplitFilesSize = 64;
inline constexpr int kSplitFilesImages = 4;

// Folders below one of the running test.
class SplitFiles {
 public:
  SplitFiles()
      : dir_(vision::JoinPath(::testing::TempDir(),
                              absl::StrCat(::testing::UnitTest::GetInstance()
                                               ->current_test_info()
                                               ->test_suite_name(),
                                           "_",
                                           ::testing::UnitTest::GetInstance()
                                               ->current_test_info()
                                               ->name()))) {
    std::string ids, labels, sizes, boxes, masks;
    for (int i = 0; i < kSplitFilesImages; ++i) {
      const std::string id = absl::StrCat(i < 2 ? "a/" : "b/", i, ".png");
      absl::StrAppend(&ids, id, "\n");
      absl::StrAppend(&labels, id, ",", i / 2, "\n");
      absl::StrAppend(&sizes, id, ",64,64\n");
      const cv::Rect object = Object(i);
      absl::StrAppend(&boxes, id, ",", object.x, ",", object.y, ",",
                      object.br().x - 1, ",", object.br().y - 1, "\n");
      absl::StrAppend(&masks, id, ",m", i, ".png,ignore.png\n");
      cv::Mat image(kSplitFilesSize, kSplitFilesSize, CV_8UC3,
                    cv::Scalar(90, 120, 150));
      image(object).setTo(cv::Scalar(200, 180, 40));
      cv::Mat mask(kSplitFilesSize, kSplitFilesSize, CV_8UC1, cv::Scalar(0));
      mask(object).setTo(255);
      WriteImage(absl::StrCat("images/", id), image);
      WriteImage(absl::StrCat("images/m", i, ".png"), mask);
    }
    WriteImage("images/ignore.png",
               cv::Mat::zeros(kSplitFilesSize, kSplitFilesSize, CV_8UC1));
    for (const char* const kind : {"boxes", "masks"}) {
      Write(absl::StrCat(kind, "/image_ids.txt"), ids);
      Write(absl::StrCat(kind, "/class_labels.txt"), labels);
      Write(absl::StrCat(kind, "/image_sizes.txt"), sizes);
    }
    Write("boxes/localization.txt", boxes);
    Write("masks/localization.txt", masks);
  }

  // Of image i: the corner i, clockwise from the upper left.
  static cv::Rect Object(int i) {
    const int half = kSplitFilesSize / 2;
    return {i == 1 || i == 2 ? half : 0, i >= 2 ? half : 0, half, half};
  }

  std::string Path(absl::string_view name) const {
    return vision::JoinPath(dir_, name);
  }
  void Write(absl::string_view name, absl::string_view bytes) const {
    const std::string path = Path(name);
    CHECK(vision::CreateDirectories(path.substr(0, path.rfind('/'))).ok());
    CHECK(vision::WriteFileAtomically(path, bytes).ok());
  }

  // A map for each image below `folder`: `inside` the object, 0.1 outside.
  void WriteMaps(absl::string_view folder, double inside) const {
    for (int i = 0; i < kSplitFilesImages; ++i) {
      cv::Mat map(kSplitFilesSize, kSplitFilesSize, CV_32FC1, cv::Scalar(0.1));
      map(Object(i)).setTo(inside);
      Write(absl::StrCat(folder, "/", i < 2 ? "a_" : "b_", i, ".npy"),
            vision::EncodeNpy(map, vision::NpyDtype::kFloat32).value());
    }
  }

 private:
  void WriteImage(absl::string_view name, const cv::Mat& image) const {
    Write(name, vision::EncodePng(image).value());
  }

  const std::string dir_;
};

}  // namespace wsol

#endif  // WSOL_REPORT_RUN_SPLIT_FILES_H_
