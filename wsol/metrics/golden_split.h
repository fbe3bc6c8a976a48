// The synthetic images of testdata/metrics.json, from the closed forms in its
// "conventions". For tests.
//
//   for (const wsol::GoldenImage& image : wsol::MakeGoldenSplit(12345, 24, 12))

#ifndef WSOL_METRICS_GOLDEN_SPLIT_H_
#define WSOL_METRICS_GOLDEN_SPLIT_H_

#include <string>
#include <vector>

#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

struct GoldenImage {
  std::string id;
  int width = 0;
  int height = 0;
  int label = 0;
  cv::Mat score_map;               // CV_64FC1, 224 x 224.
  std::vector<vision::Box> boxes;  // Half-open, original pixels.
  std::vector<cv::Mat> masks;      // CV_8UC1, 0 or 255, original size.
  cv::Mat ignore;                  // The same.
  std::vector<float> class_scores;
};

// The first `count` images of the stream `seed` with `num_classes` classes.
std::vector<GoldenImage> MakeGoldenSplit(unsigned seed, int count,
                                         int num_classes);

}  // namespace wsol

#endif  // WSOL_METRICS_GOLDEN_SPLIT_H_
