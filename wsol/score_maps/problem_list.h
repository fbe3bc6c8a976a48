// Problems of many images or lines in one status: the first 20 in full, the
// others counted.

#ifndef WSOL_SCORE_MAPS_PROBLEM_LIST_H_
#define WSOL_SCORE_MAPS_PROBLEM_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wsol {

class ProblemList {
 public:
  static constexpr size_t kMaxListed = 20;

  void Add(std::string problem) {
    ++count_;
    if (listed_.size() < kMaxListed) listed_.push_back(std::move(problem));
  }

  // Whether further problems would only be counted.
  bool full() const { return listed_.size() >= kMaxListed; }

  // OK without any problem, else kInvalidArgument with a line for each.
  absl::Status ToStatus() const {
    if (count_ == 0) return absl::OkStatus();
    std::string message = absl::StrJoin(listed_, "\n");
    if (count_ > static_cast<int64_t>(listed_.size())) {
      absl::StrAppend(&message, "\n... and ",
                      count_ - static_cast<int64_t>(listed_.size()),
                      " more problems");
    }
    return absl::InvalidArgumentError(message);
  }

 private:
  std::vector<std::string> listed_;
  int64_t count_ = 0;
};

}  // namespace wsol

#endif  // WSOL_SCORE_MAPS_PROBLEM_LIST_H_
