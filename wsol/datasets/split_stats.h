// What a split is made of: counts, and where objects are and how large.

#ifndef WSOL_DATASETS_SPLIT_STATS_H_
#define WSOL_DATASETS_SPLIT_STATS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct SplitStats {
  int64_t images = 0;
  int64_t classes = 0;
  int64_t boxes = 0;
  int64_t masks = 0;
  // Images of each class.
  std::vector<int64_t> images_of_class;
  int64_t images_of_several_boxes = 0;
  int64_t max_boxes = 0;
  // Over images whose size is known: the smallest, median and largest, each of
  // its own.
  int64_t images_with_size = 0;
  std::array<int, 3> width = {};
  std::array<int, 3> height = {};
  // Over boxes of images whose size is known. Bin k of areas holds those that
  // cover a share in [k / 10, (k + 1) / 10) of the image, the last one 1 too.
  std::array<int64_t, 10> areas = {};
  double mean_area = 0;
  // The same of the boxes' centres: row, column of a grid of 5 x 5 cells.
  std::array<std::array<int64_t, 5>, 5> centers = {};
};

SplitStats ComputeSplitStats(const SplitMetadata& metadata);

// A short text for the terminal, `name` first.
std::string SplitStatsText(absl::string_view name, const SplitStats& stats,
                           const std::vector<std::string>& class_names);

// The same for programs, as a JSON object on one line.
std::string SplitStatsJson(absl::string_view name, const SplitStats& stats,
                           const std::vector<std::string>& class_names);

}  // namespace wsol

#endif  // WSOL_DATASETS_SPLIT_STATS_H_
