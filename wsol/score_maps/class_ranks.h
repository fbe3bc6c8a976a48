// Where a classifier ranks the true class of each image, from a CSV file of its
// rankings or scores.
//
//   VISION_ASSIGN_OR_RETURN(const wsol::ClassRanks ranks,
//       wsol::ReadClassRanks("predictions.csv", metadata, 200));
//   ranks.of_image[0];  // 0: the first image is classified right.
//
// A row for each image, in any order, in one of two forms:
//   <id>,<class ranked first>,<second>,...   all classes, or the first few
//   <id>,<score of class 0>,<of class 1>,... all classes; larger is better
// A first line "id,top1,..." or "id,score0,..." says which it is; rankings
// without one are accepted.

#ifndef WSOL_SCORE_MAPS_CLASS_RANKS_H_
#define WSOL_SCORE_MAPS_CLASS_RANKS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct ClassRanks {
  // For each image of the split the position of its true class, 0 for the
  // first. Where the row does not list the class: 5 or more.
  std::vector<int> of_image;
  // False if a row lists fewer than five classes and not the true one: then
  // only whether a rank is 0 means something.
  bool top5_known = true;
};

// `name` stands for the file in messages. Windows line ends and a byte order
// mark are accepted. kInvalidArgument, with "file:line: " before each problem
// and after 20 of them their count, for: unknown, repeated and missing ids,
// classes outside [0, num_classes), a class twice in a row, scores that are no
// numbers, NaN, or not one for each of num_classes. Where num_classes is 0, not
// known, there may be more classes than the split has, but all rows must have
// the same number of scores. Equal scores rank as in RankOfClass: by rising
// class.
absl::StatusOr<ClassRanks> ParseClassRanks(absl::string_view text,
                                           absl::string_view name,
                                           const SplitMetadata& metadata,
                                           int num_classes);

// The same from a file; errors of reading it besides (kNotFound, ...).
absl::StatusOr<ClassRanks> ReadClassRanks(const std::string& path,
                                          const SplitMetadata& metadata,
                                          int num_classes);

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_CLASS_RANKS_H_
