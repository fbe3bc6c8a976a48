#include "wsol/datasets/metadata.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

constexpr char kImageIds[] = "image_ids.txt";
constexpr char kImageIdsProxy[] = "image_ids_proxy.txt";
constexpr char kClassLabels[] = "class_labels.txt";
constexpr char kImageSizes[] = "image_sizes.txt";
constexpr char kLocalization[] = "localization.txt";

constexpr size_t kMaxListedProblems = 20;
// A label from which no number of classes is inferred: a slip of the pen would
// otherwise become a huge allocation.
constexpr int kMaxInferredClasses = 1 << 20;
constexpr size_t kMaxFields = 6;

// What is wrong in the files of a split.
class Problems {
 public:
  void Add(absl::string_view path, int64_t line, absl::string_view text) {
    ++count_;
    if (listed_.size() < kMaxListedProblems) {
      listed_.push_back(line > 0 ? absl::StrCat(path, ":", line, ": ", text)
                                 : absl::StrCat(path, ": ", text));
    }
  }

  bool empty() const { return count_ == 0; }

  absl::Status ToStatus() const {
    if (empty()) return absl::OkStatus();
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

// `text` in quotes, cut to a readable length.
std::string Quote(absl::string_view text) {
  constexpr size_t kLength = 80;
  if (text.size() <= kLength) return absl::StrCat("'", text, "'");
  return absl::StrCat("'", text.substr(0, kLength), "...'");
}

// Empty if `path` can stand in a metadata file, or what keeps it from that.
std::string CheckPath(absl::string_view path) {
  if (path.empty()) return "is empty";
  if (path.front() == ' ' || path.back() == ' ') {
    return "begins or ends with a blank";
  }
  for (const char c : path) {
    if (c == ',') return "has a comma in it";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return "has a control character in it";
    }
  }
  return "";
}

// Parses the whole of `text` as a decimal number.
bool ParseInt(absl::string_view text, int* value) {
  const char* const end = text.data() + text.size();
  const std::from_chars_result result =
      std::from_chars(text.data(), end, *value);
  return result.ec == std::errc() && result.ptr == end;
}

// Empty, or what is wrong with a box in a file; sizes of 0 are unknown.
std::string CheckCorners(const std::array<int, 4>& corners, int width,
                         int height) {
  const auto [x0, y0, x1, y1] = corners;
  if (x1 < x0 || y1 < y0) {
    return "is inverted, expected x0 <= x1 and y0 <= y1";
  }
  if (x0 < 0 || y0 < 0) return "has a negative coordinate";
  // One past the last pixel is legal in the published files. The upper limit
  // of unknown sizes keeps x1 + 1 representable.
  constexpr int kLimit = 1 << 30;
  if (width == 0 ? x1 > kLimit || y1 > kLimit
                 : x0 >= width || y0 >= height || x1 > width || y1 > height) {
    return width == 0 ? absl::StrCat("has a coordinate above ", kLimit)
                      : absl::StrCat("reaches out of the image of ", width, "x",
                                     height, " pixels");
  }
  return "";
}

struct Row {
  int64_t line = 0;
  // The whole row, and its fields; no more than kMaxFields of them are split.
  absl::string_view text;
  absl::string_view fields[kMaxFields];
  size_t num_fields = 0;
};

// The rows of one file, without line ends, blank last lines and byte order
// mark.
class Table {
 public:
  Table(std::string path, std::string contents, Problems* problems)
      : path_(std::move(path)),
        contents_(std::move(contents)),
        problems_(*problems),
        rest_(contents_) {
    if (absl::StartsWith(rest_, "\xFF\xFE") ||
        absl::StartsWith(rest_, "\xFE\xFF")) {
      Add(1, "the file is UTF-16, expected UTF-8");
      rest_ = {};
    }
    if (absl::StartsWith(rest_, "\xEF\xBB\xBF")) rest_.remove_prefix(3);
    while (!rest_.empty() && (rest_.back() == '\n' || rest_.back() == '\r')) {
      rest_.remove_suffix(1);
    }
  }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // An upper bound of the number of rows.
  size_t CountRows() const {
    return rest_.empty() ? 0
                         : static_cast<size_t>(
                               std::count(rest_.begin(), rest_.end(), '\n')) +
                               1;
  }

  bool empty() const { return rest_.empty(); }
  const std::string& path() const { return path_; }

  // The next row that is not blank; false at the end. Blank rows are problems.
  bool Next(Row* row) {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find('\n'), rest_.size());
      absl::string_view text = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
      ++line_;
      if (text.empty()) {
        Add(line_, "the line is empty");
        continue;
      }
      row->line = line_;
      row->text = text;
      row->num_fields = 0;
      while (row->num_fields < kMaxFields) {
        const size_t comma = text.find(',');
        row->fields[row->num_fields++] = text.substr(0, comma);
        if (comma == absl::string_view::npos) break;
        text.remove_prefix(comma + 1);
      }
      return true;
    }
    return false;
  }

  void Add(int64_t line, absl::string_view text) {
    problems_.Add(path_, line, text);
  }

  // Checks the number of fields; `form` shows what was expected.
  bool CheckFields(const Row& row, size_t count, absl::string_view form) {
    if (row.num_fields == count) return true;
    Add(row.line,
        absl::StrCat("got ", Quote(row.text), ", expected ", form,
                     row.num_fields > count ? " and no comma in an id" : ""));
    return false;
  }

 private:
  const std::string path_;
  const std::string contents_;
  Problems& problems_;
  absl::string_view rest_;
  int64_t line_ = 0;
};

// Hash and equality of positions in a vector of records by the records' ids,
// also against a bare id: an index of 5 bytes an image.
struct IdHash {
  using is_transparent = void;
  const std::vector<ImageRecord>* images;

  size_t operator()(absl::string_view id) const {
    return std::hash<std::string_view>()(
        std::string_view(id.data(), id.size()));
  }
  size_t operator()(int32_t i) const {
    return (*this)(absl::string_view((*images)[static_cast<size_t>(i)].id));
  }
};
struct IdEqual {
  using is_transparent = void;
  const std::vector<ImageRecord>* images;

  bool operator()(int32_t a, int32_t b) const { return a == b; }
  bool operator()(int32_t i, absl::string_view id) const {
    return (*images)[static_cast<size_t>(i)].id == id;
  }
};

// Reads the files of one split into `images_`.
class SplitReader {
 public:
  SplitReader(const std::string& split_dir, const MetadataOptions& options)
      : split_dir_(split_dir), options_(options) {}

  absl::StatusOr<SplitMetadata> Read() {
    VISION_RETURN_IF_ERROR(ReadImageIds());
    VISION_RETURN_IF_ERROR(ReadClassLabels());
    VISION_RETURN_IF_ERROR(ReadImageSizes());
    VISION_RETURN_IF_ERROR(ReadLocalization());
    SplitMetadata metadata;
    metadata.num_classes = options_.num_classes;
    if (options_.num_classes == 0) {
      for (const ImageRecord& image : images_) {
        metadata.num_classes = std::max(metadata.num_classes, image.label + 1);
      }
    }
    if (options_.proxy) VISION_RETURN_IF_ERROR(SelectProxy());
    VISION_RETURN_IF_ERROR(problems_.ToStatus());
    metadata.images = std::move(images_);
    return metadata;
  }

 private:
  std::string Path(absl::string_view file) const {
    return vision::JoinPath(split_dir_, file);
  }

  // Position of an id, or -1. `guess` is where a file in the usual order has
  // it.
  int64_t Find(absl::string_view id, int64_t guess) const {
    if (guess < static_cast<int64_t>(images_.size()) &&
        images_[static_cast<size_t>(guess)].id == id) {
      return guess;
    }
    const auto found = index_.find(id);
    return found == index_.end() ? -1 : *found;
  }

  // As Find, but an unknown id is a problem of the row.
  int64_t FindOrAdd(Table* table, const Row& row, int64_t guess) {
    const int64_t index = Find(row.fields[0], guess);
    if (index < 0) {
      table->Add(row.line, absl::StrCat("id ", Quote(row.fields[0]),
                                        " is not in ", kImageIds));
    }
    return index;
  }

  // A problem for each image that `file` should have told about.
  template <typename Has>
  void AddMissing(absl::string_view file, const Has& has) {
    const std::string ids = Path(kImageIds);
    for (size_t i = 0; i < images_.size(); ++i) {
      if (!has(i)) {
        problems_.Add(
            ids, lines_[i],
            absl::StrCat("id ", Quote(images_[i].id), " has no row in ", file));
      }
    }
  }

  absl::Status ReadImageIds() {
    VISION_ASSIGN_OR_RETURN(std::string contents,
                            vision::ReadFile(Path(kImageIds)));
    Table table(Path(kImageIds), std::move(contents), &problems_);
    const size_t count = table.CountRows();
    images_.reserve(count);
    lines_.reserve(count);
    index_.reserve(count);
    Row row;
    while (table.Next(&row)) {
      const std::string fault = CheckPath(row.text);
      if (!fault.empty()) {
        table.Add(row.line, absl::StrCat("id ", Quote(row.text), " ", fault));
        continue;
      }
      if (const auto found = index_.find(row.text); found != index_.end()) {
        table.Add(row.line, absl::StrCat("id ", Quote(row.text), " is on line ",
                                         lines_[static_cast<size_t>(*found)],
                                         " already"));
        continue;
      }
      ImageRecord& image = images_.emplace_back();
      image.id.assign(row.text.data(), row.text.size());
      image.label = -1;
      lines_.push_back(row.line);
      index_.insert(static_cast<int32_t>(images_.size() - 1));
    }
    return absl::OkStatus();
  }

  absl::Status ReadClassLabels() {
    VISION_ASSIGN_OR_RETURN(std::string contents,
                            vision::ReadFile(Path(kClassLabels)));
    Table table(Path(kClassLabels), std::move(contents), &problems_);
    const int limit =
        options_.num_classes > 0 ? options_.num_classes : kMaxInferredClasses;
    std::vector<bool> seen(images_.size());
    Row row;
    for (int64_t guess = 0; table.Next(&row);) {
      if (!table.CheckFields(row, 2, "'id,label'")) continue;
      const int64_t index = FindOrAdd(&table, row, guess);
      if (index < 0) continue;
      guess = index + 1;
      const size_t i = static_cast<size_t>(index);
      if (seen[i]) {
        table.Add(row.line, absl::StrCat("id ", Quote(row.fields[0]),
                                         " has a label already"));
        continue;
      }
      seen[i] = true;
      int label = 0;
      if (!ParseInt(row.fields[1], &label) || label < 0 || label >= limit) {
        table.Add(row.line, absl::StrCat("label ", Quote(row.fields[1]),
                                         ", expected a whole number in [0, ",
                                         limit, ")"));
        continue;
      }
      images_[i].label = label;
    }
    AddMissing(kClassLabels, [&](size_t i) { return seen[i]; });
    return absl::OkStatus();
  }

  // An optional file: empty if it is not there.
  absl::StatusOr<std::string> ReadOptional(absl::string_view file) const {
    absl::StatusOr<std::string> contents = vision::ReadFile(Path(file));
    if (absl::IsNotFound(contents.status())) return std::string();
    return contents;
  }

  absl::Status ReadImageSizes() {
    VISION_ASSIGN_OR_RETURN(std::string contents, ReadOptional(kImageSizes));
    Table table(Path(kImageSizes), std::move(contents), &problems_);
    if (table.empty()) return absl::OkStatus();
    std::vector<bool> seen(images_.size());
    Row row;
    for (int64_t guess = 0; table.Next(&row);) {
      if (!table.CheckFields(row, 3, "'id,width,height'")) continue;
      const int64_t index = FindOrAdd(&table, row, guess);
      if (index < 0) continue;
      guess = index + 1;
      const size_t i = static_cast<size_t>(index);
      if (seen[i]) {
        table.Add(row.line, absl::StrCat("id ", Quote(row.fields[0]),
                                         " has a size already"));
        continue;
      }
      seen[i] = true;
      int width = 0;
      int height = 0;
      if (!ParseInt(row.fields[1], &width) ||
          !ParseInt(row.fields[2], &height) || width <= 0 || height <= 0) {
        table.Add(row.line, absl::StrCat("size ", Quote(row.text),
                                         ", expected width and height as "
                                         "positive whole numbers"));
        continue;
      }
      images_[i].width = width;
      images_[i].height = height;
    }
    AddMissing(kImageSizes, [&](size_t i) { return seen[i]; });
    return absl::OkStatus();
  }

  absl::Status ReadLocalization() {
    VISION_ASSIGN_OR_RETURN(std::string contents, ReadOptional(kLocalization));
    Table table(Path(kLocalization), std::move(contents), &problems_);
    if (table.empty()) return absl::OkStatus();
    std::vector<bool> seen(images_.size());
    size_t fields_of_file = 0;  // 5 in a file of boxes, 3 in one of masks.
    Row row;
    for (int64_t guess = 0; table.Next(&row);) {
      if (row.num_fields != 5 && row.num_fields != 3) {
        table.Add(row.line, absl::StrCat("got ", Quote(row.text),
                                         ", expected 'id,x0,y0,x1,y1' or "
                                         "'id,mask,ignore'"));
        continue;
      }
      if (fields_of_file == 0) fields_of_file = row.num_fields;
      if (row.num_fields != fields_of_file) {
        table.Add(row.line,
                  absl::StrCat("got ", Quote(row.text), ", expected a ",
                               fields_of_file == 5 ? "box" : "mask",
                               " as on the first line"));
        continue;
      }
      int64_t index = Find(row.fields[0], guess);
      if (index < 0) index = FindOrAdd(&table, row, guess + 1);
      if (index < 0) continue;
      guess = index;
      const size_t i = static_cast<size_t>(index);
      const bool first = !seen[i];
      seen[i] = true;
      if (fields_of_file == 5) {
        AddBox(&table, row, &images_[i]);
      } else {
        AddMask(&table, row, first, &images_[i]);
      }
    }
    AddMissing(kLocalization, [&](size_t i) { return seen[i]; });
    return absl::OkStatus();
  }

  static void AddBox(Table* table, const Row& row, ImageRecord* image) {
    std::array<int, 4> corners;
    for (size_t k = 0; k < 4; ++k) {
      if (!ParseInt(row.fields[k + 1], &corners[k])) {
        table->Add(row.line,
                   absl::StrCat("coordinate ", Quote(row.fields[k + 1]),
                                ", expected a whole number"));
        return;
      }
    }
    const std::string fault =
        CheckCorners(corners, image->width, image->height);
    if (!fault.empty()) {
      table->Add(row.line, absl::StrCat("box ", Quote(row.text), " ", fault));
      return;
    }
    image->boxes.push_back(BoxFromFileCorners(corners));
  }

  static void AddMask(Table* table, const Row& row, bool first,
                      ImageRecord* image) {
    const std::string fault = CheckPath(row.fields[1]);
    if (!fault.empty()) {
      table->Add(row.line,
                 absl::StrCat("mask path ", Quote(row.fields[1]), " ", fault));
      return;
    }
    const absl::string_view ignore = row.fields[2];
    if (!ignore.empty()) {
      const std::string ignore_fault =
          first ? CheckPath(ignore)
                : "stands on another row than the first of its id";
      if (!ignore_fault.empty()) {
        table->Add(row.line, absl::StrCat("ignore path ", Quote(ignore), " ",
                                          ignore_fault));
        return;
      }
      image->ignore_path.assign(ignore.data(), ignore.size());
    }
    image->mask_paths.emplace_back(row.fields[1].data(), row.fields[1].size());
  }

  absl::Status SelectProxy() {
    VISION_ASSIGN_OR_RETURN(std::string contents,
                            vision::ReadFile(Path(kImageIdsProxy)));
    Table table(Path(kImageIdsProxy), std::move(contents), &problems_);
    std::vector<size_t> selected;
    std::vector<bool> seen(images_.size());
    Row row;
    for (int64_t guess = 0; table.Next(&row);) {
      if (!table.CheckFields(row, 1, "'id'")) continue;
      const int64_t index = FindOrAdd(&table, row, guess);
      if (index < 0) continue;
      guess = index + 1;
      if (seen[static_cast<size_t>(index)]) {
        table.Add(row.line, absl::StrCat("id ", Quote(row.fields[0]),
                                         " is there already"));
        continue;
      }
      seen[static_cast<size_t>(index)] = true;
      selected.push_back(static_cast<size_t>(index));
    }
    std::vector<ImageRecord> subset;
    subset.reserve(selected.size());
    for (const size_t i : selected) subset.push_back(std::move(images_[i]));
    index_.clear();  // Its positions are out of date.
    images_ = std::move(subset);
    return absl::OkStatus();
  }

  const std::string split_dir_;
  const MetadataOptions options_;
  Problems problems_;
  std::vector<ImageRecord> images_;
  // Line of each image in image_ids.txt.
  std::vector<int64_t> lines_;
  // Positions in images_, found by id.
  absl::flat_hash_set<int32_t, IdHash, IdEqual> index_{0, IdHash{&images_},
                                                       IdEqual{&images_}};
};

// What ReadSplitMetadata would refuse.
absl::Status CheckMetadata(const std::string& split_dir,
                           const SplitMetadata& metadata) {
  Problems problems;
  absl::flat_hash_set<absl::string_view> ids;
  bool any_size = false;
  bool any_box = false;
  bool any_mask = false;
  for (const ImageRecord& image : metadata.images) {
    any_size |= image.width != 0 || image.height != 0;
    any_box |= !image.boxes.empty();
    any_mask |= !image.mask_paths.empty();
  }
  if (any_box && any_mask) {
    problems.Add(split_dir, 0, "got boxes and masks, expected one of them");
  }
  for (size_t i = 0; i < metadata.images.size(); ++i) {
    const ImageRecord& image = metadata.images[i];
    const auto add = [&](absl::string_view text) {
      problems.Add(
          split_dir, 0,
          absl::StrCat("image ", i, ", ", Quote(image.id), ": ", text));
    };
    if (const std::string fault = CheckPath(image.id); !fault.empty()) {
      add(absl::StrCat("the id ", fault));
    }
    if (!ids.insert(image.id).second) add("the id is there already");
    if (image.label < 0 || image.label >= metadata.num_classes) {
      add(absl::StrCat("label ", image.label, ", expected one in [0, ",
                       metadata.num_classes, ")"));
    }
    if (any_size && (image.width <= 0 || image.height <= 0)) {
      add(absl::StrCat("size ", image.width, "x", image.height,
                       ", expected positive ones, or 0x0 for all images"));
      continue;
    }
    if (any_box && image.boxes.empty()) add("no box, unlike other images");
    if (any_mask && image.mask_paths.empty()) {
      add("no mask, unlike other images");
    }
    for (const vision::Box& box : image.boxes) {
      const std::string fault =
          CheckCorners(BoxToFileCorners(box), image.width, image.height);
      if (!fault.empty()) {
        add(absl::StrCat("box ", absl::StrJoin(BoxToFileCorners(box), ","), " ",
                         fault));
      }
    }
    for (const std::string& path : image.mask_paths) {
      if (const std::string fault = CheckPath(path); !fault.empty()) {
        add(absl::StrCat("mask path ", Quote(path), " ", fault));
      }
    }
    if (!image.ignore_path.empty()) {
      if (const std::string fault = CheckPath(image.ignore_path);
          !fault.empty()) {
        add(absl::StrCat("ignore path ", Quote(image.ignore_path), " ", fault));
      }
      if (image.mask_paths.empty()) add("an ignore path without a mask");
    }
  }
  return problems.ToStatus();
}

}  // namespace

std::array<int, 4> BoxToFileCorners(const vision::Box& box) {
  return {box.x0, box.y0, box.x1 - 1, box.y1 - 1};
}

vision::Box BoxFromFileCorners(const std::array<int, 4>& corners) {
  vision::Box box;
  box.x0 = corners[0];
  box.y0 = corners[1];
  box.x1 = corners[2] + 1;
  box.y1 = corners[3] + 1;
  return box;
}

absl::StatusOr<SplitMetadata> ReadSplitMetadata(
    const std::string& split_dir, const MetadataOptions& options) {
  if (options.num_classes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_classes is ", options.num_classes,
                     ", expected 0 (infer) or more"));
  }
  return SplitReader(split_dir, options).Read();
}

absl::Status WriteSplitMetadata(const std::string& split_dir,
                                const SplitMetadata& metadata) {
  VISION_RETURN_IF_ERROR(CheckMetadata(split_dir, metadata));
  std::string ids;
  std::string labels;
  std::string sizes;
  std::string localization;
  for (const ImageRecord& image : metadata.images) {
    absl::StrAppend(&ids, image.id, "\n");
    absl::StrAppend(&labels, image.id, ",", image.label, "\n");
    if (image.width > 0) {
      absl::StrAppend(&sizes, image.id, ",", image.width, ",", image.height,
                      "\n");
    }
    for (const vision::Box& box : image.boxes) {
      const auto [x0, y0, x1, y1] = BoxToFileCorners(box);
      absl::StrAppend(&localization, image.id, ",", x0, ",", y0, ",");
      absl::StrAppend(&localization, x1, ",", y1, "\n");
    }
    for (size_t k = 0; k < image.mask_paths.size(); ++k) {
      absl::StrAppend(&localization, image.id, ",", image.mask_paths[k], ",",
                      k == 0 ? image.ignore_path : "", "\n");
    }
  }
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(split_dir));
  const std::pair<const char*, std::string*> files[] = {
      {kImageIds, &ids},
      {kClassLabels, &labels},
      {kImageSizes, &sizes},
      {kLocalization, &localization},
  };
  for (const auto& [name, contents] : files) {
    // The format's last line has no line end.
    if (!contents->empty()) contents->pop_back();
    VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
        vision::JoinPath(split_dir, name), *contents));
  }
  return absl::OkStatus();
}

}  // namespace wsol
