#include "wsol/score_maps/class_ranks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/score_maps/problem_list.h"

namespace wsol {
namespace {

constexpr size_t kTop5 = 5;

// `text` in quotes, cut to a readable length.
std::string Quote(absl::string_view text) {
  constexpr size_t kLength = 80;
  if (text.size() <= kLength) return absl::StrCat("'", text, "'");
  return absl::StrCat("'", text.substr(0, kLength), "...'");
}

class RanksReader {
 public:
  RanksReader(absl::string_view name, const SplitMetadata& metadata,
              int num_classes)
      : name_(name), metadata_(metadata), num_classes_(num_classes) {
    index_of_.reserve(metadata.images.size());
    for (size_t i = 0; i < metadata.images.size(); ++i) {
      index_of_.emplace(metadata.images[i].id, i);
    }
  }

  absl::StatusOr<ClassRanks> Read(absl::string_view text) {
    constexpr int kUnseen = -1;
    ranks_.of_image.assign(metadata_.images.size(), kUnseen);
    if (absl::StartsWith(text, "\xEF\xBB\xBF")) text.remove_prefix(3);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
      text.remove_suffix(1);
    }
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      ++line_;
      if (absl::EndsWith(line, "\r")) line.remove_suffix(1);
      ReadLine(line);
    }
    for (size_t i = 0; i < metadata_.images.size(); ++i) {
      if (ranks_.of_image[i] == kUnseen && bad_rows_ == 0) {
        problems_.Add(absl::StrCat(name_, ": no row for image '",
                                   metadata_.images[i].id, "'"));
      }
    }
    VISION_RETURN_IF_ERROR(problems_.ToStatus());
    return ranks_;
  }

 private:
  void Add(absl::string_view problem) {
    ++bad_rows_;
    problems_.Add(absl::StrCat(name_, ":", line_, ": ", problem));
  }

  void ReadLine(absl::string_view line) {
    if (line.empty()) return Add("the line is empty");
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
    if (line_ == 1 && fields[0] == "id" && index_of_.count("id") == 0) {
      return ReadHeader(fields);
    }
    const auto found = index_of_.find(fields[0]);
    if (found == index_of_.end()) {
      return Add(
          absl::StrCat("the split has no image ", Quote(fields[0]),
                       line_ == 1 ? " (a header begins with \"id\")" : ""));
    }
    const size_t index = found->second;
    if (ranks_.of_image[index] >= 0) {
      return Add(absl::StrCat("image ", Quote(fields[0]), " comes again"));
    }
    const int label = metadata_.images[index].label;
    const std::vector<absl::string_view> values(fields.begin() + 1,
                                                fields.end());
    const int rank = scores_ ? RankFromScores(values, label)
                             : RankFromClasses(values, label);
    // Also after a problem: the row is there.
    ranks_.of_image[index] = std::max(rank, 0);
  }

  void ReadHeader(const std::vector<absl::string_view>& fields) {
    if (fields.size() > 1 && absl::StartsWith(fields[1], "score")) {
      scores_ = true;
    } else if (fields.size() < 2 || !absl::StartsWith(fields[1], "top")) {
      Add("a header must be id,top1,... or id,score0,...");
    }
  }

  // The position of the label in the row, or a number of at least 5.
  int RankFromClasses(const std::vector<absl::string_view>& values, int label) {
    if (values.empty()) {
      Add("no classes, expected <id>,<class ranked first>,<second>,...");
      return 0;
    }
    classes_.clear();
    int rank = -1;
    for (size_t i = 0; i < values.size(); ++i) {
      int value = -1;
      if (!absl::SimpleAtoi(values[i], &value) || value < 0 ||
          (num_classes_ > 0 && value >= num_classes_)) {
        Add(absl::StrCat("got ", Quote(values[i]),
                         " as the class ranked number ", i + 1, ", expected ",
                         num_classes_ > 0
                             ? absl::StrCat("0 to ", num_classes_ - 1)
                             : "a number from 0 on"));
        return 0;
      }
      if (!classes_.insert(value).second) {
        Add(absl::StrCat("class ", value, " is ranked twice"));
        return 0;
      }
      if (value == label) rank = static_cast<int>(i);
    }
    if (rank >= 0) return rank;
    if (values.size() < kTop5) ranks_.top5_known = false;
    return static_cast<int>(std::max(values.size(), kTop5));
  }

  int RankFromScores(const std::vector<absl::string_view>& values, int label) {
    // The first row tells where nothing else does.
    if (num_scores_ == 0) {
      num_scores_ = num_classes_ > 0
                        ? static_cast<size_t>(num_classes_)
                        : std::max(values.size(),
                                   static_cast<size_t>(metadata_.num_classes));
    }
    if (values.size() != num_scores_) {
      Add(absl::StrCat("got ", values.size(),
                       " scores, expected one for each of ", num_scores_,
                       " classes"));
      return 0;
    }
    scores_of_row_.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!absl::SimpleAtod(values[i], &scores_of_row_[i]) ||
          std::isnan(scores_of_row_[i])) {
        Add(absl::StrCat("got ", Quote(values[i]), " as the score of class ", i,
                         ", expected a number"));
        return 0;
      }
    }
    const size_t truth = static_cast<size_t>(label);
    int rank = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      if (scores_of_row_[i] > scores_of_row_[truth] ||
          (scores_of_row_[i] == scores_of_row_[truth] && i < truth)) {
        ++rank;
      }
    }
    return rank;
  }

  const absl::string_view name_;
  const SplitMetadata& metadata_;
  const int num_classes_;
  absl::flat_hash_map<absl::string_view, size_t> index_of_;
  ClassRanks ranks_;
  ProblemList problems_;
  bool scores_ = false;
  size_t num_scores_ = 0;  // In a row; 0 before the first one.
  int64_t line_ = 0;
  int64_t bad_rows_ = 0;
  // Of the row at hand.
  absl::flat_hash_set<int> classes_;
  std::vector<double> scores_of_row_;
};

}  // namespace

absl::StatusOr<ClassRanks> ParseClassRanks(absl::string_view text,
                                           absl::string_view name,
                                           const SplitMetadata& metadata,
                                           int num_classes) {
  return RanksReader(name, metadata, num_classes).Read(text);
}

absl::StatusOr<ClassRanks> ReadClassRanks(const std::string& path,
                                          const SplitMetadata& metadata,
                                          int num_classes) {
  VISION_ASSIGN_OR_RETURN(const std::string text, vision::ReadFile(path));
  return ParseClassRanks(text, path, metadata, num_classes);
}

}  // namespace wsol
