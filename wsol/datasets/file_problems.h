// What is wrong with one file: each problem with its line, the first 20 in
// full, the others counted, so that a file can be repaired in one go.
//
//   FileProblems problems("boxes.csv");
//   problems.Add(3, "got 'x', expected a number");
//   return problems.ToStatus();  // boxes.csv:3: got 'x', expected a number

#ifndef WSOL_DATASETS_FILE_PROBLEMS_H_
#define WSOL_DATASETS_FILE_PROBLEMS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wsol {

class FileProblems {
 public:
  static constexpr size_t kMaxListed = 20;

  explicit FileProblems(std::string path) : path_(std::move(path)) {}

  // `line` counts from 1; 0 is for the file as a whole.
  void Add(int64_t line, absl::string_view text) {
    AddElsewhere(path_, line, text);
  }

  // A problem of this file that shows in another one: a row that it lacks.
  void AddElsewhere(absl::string_view path, int64_t line,
                    absl::string_view text) {
    if (AddAndFull()) return;
    listed_.push_back(line > 0 ? absl::StrCat(path, ":", line, ": ", text)
                               : absl::StrCat(path, ": ", text));
  }

  // A problem whose text tells where it is.
  void AddMessage(absl::string_view text) {
    if (!AddAndFull()) listed_.emplace_back(text);
  }

  bool empty() const { return count_ == 0; }
  int64_t count() const { return count_; }
  const std::string& path() const { return path_; }

  // A line for each problem; empty without any.
  std::string ToString() const {
    std::string text = absl::StrJoin(listed_, "\n");
    if (count_ > static_cast<int64_t>(listed_.size())) {
      absl::StrAppend(&text, "\n", path_, ": ... and ",
                      count_ - static_cast<int64_t>(listed_.size()),
                      " more problems");
    }
    return text;
  }

  // OK without any problem, else kInvalidArgument with ToString().
  absl::Status ToStatus() const {
    return empty() ? absl::OkStatus() : absl::InvalidArgumentError(ToString());
  }

 private:
  // Counts a problem; whether there is no room to list it.
  bool AddAndFull() { return ++count_ > static_cast<int64_t>(kMaxListed); }

  std::string path_;
  std::vector<std::string> listed_;
  int64_t count_ = 0;
};

// `text` in single quotes for a message, cut to a readable length; bytes that
// would garble a terminal are shown as \x1b.
std::string QuoteForMessage(absl::string_view text);

}  // namespace wsol

#endif  // WSOL_DATASETS_FILE_PROBLEMS_H_
