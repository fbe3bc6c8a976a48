#include "wsol/datasets/metadata.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/datasets/line_reader.h"

namespace wsol {
namespace {

constexpr char kImageIds[] = "image_ids.txt";
constexpr char kImageIdsProxy[] = "image_ids_proxy.txt";
constexpr char kClassLabels[] = "class_labels.txt";
constexpr char kImageSizes[] = "image_sizes.txt";
constexpr char kLocalization[] = "localization.txt";

constexpr int64_t kMaxImages = 1 << 30;
// A label from which no number of classes is inferred: a slip of the pen would
// otherwise become a huge allocation.
constexpr int kMaxInferredClasses = 1 << 20;
constexpr size_t kMaxFields = 6;

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
  Table(LineReader lines, FileProblems* problems)
      : lines_(std::move(lines)), problems_(*problems) {}

  // The next row that is not blank, valid until the next call; false at the
  // end. Blank rows before it are problems.
  bool Next(Row* row) {
    while (lines_.Next(&row->text)) {
      absl::string_view& text = row->text;
      row->line = lines_.line_number();
      if (row->line == 1) {
        if (absl::StartsWith(text, "\xFF\xFE") ||
            absl::StartsWith(text, "\xFE\xFF")) {
          problems_.Add(1, "the file is UTF-16, expected UTF-8");
          return false;
        }
        absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
      }
      if (text.empty()) continue;
      for (++last_row_; last_row_ < row->line; ++last_row_) {
        problems_.Add(last_row_, "the line is empty");
      }
      row->num_fields = 0;
      absl::string_view rest = text;
      while (row->num_fields < kMaxFields) {
        const size_t comma = rest.find(',');
        row->fields[row->num_fields++] = rest.substr(0, comma);
        if (comma == absl::string_view::npos) break;
        rest.remove_prefix(comma + 1);
      }
      return true;
    }
    return false;
  }

  // Why Next returned false: OK at the end of the file.
  const absl::Status& status() const { return lines_.status(); }

  // Whether Next has returned a row.
  bool has_rows() const { return last_row_ > 0; }

  void Add(const Row& row, absl::string_view text) {
    problems_.Add(row.line, text);
  }

  // Checks the number of fields; `form` shows what was expected.
  bool CheckFields(const Row& row, size_t count, absl::string_view form) {
    if (row.num_fields == count) return true;
    Add(row,
        absl::StrCat("got ", QuoteForMessage(row.text), ", expected ", form,
                     row.num_fields > count ? " and no comma in an id" : ""));
    return false;
  }

 private:
  LineReader lines_;
  FileProblems& problems_;
  // Line of the row returned last.
  int64_t last_row_ = 0;
};

// Where the files of a split come from.
class SplitSource {
 public:
  virtual ~SplitSource() = default;
  // kNotFound if the split has no such file.
  virtual absl::StatusOr<LineReader> Open(absl::string_view file) const = 0;
  // The file's name in messages.
  virtual std::string Path(absl::string_view file) const = 0;
};

class SplitFolder final : public SplitSource {
 public:
  explicit SplitFolder(const std::string& folder) : folder_(folder) {}

  absl::StatusOr<LineReader> Open(absl::string_view file) const override {
    return LineReader::Open(Path(file));
  }
  std::string Path(absl::string_view file) const override {
    return vision::JoinPath(folder_, file);
  }

 private:
  const std::string& folder_;
};

class SplitInMemory final : public SplitSource {
 public:
  explicit SplitInMemory(const SplitText& text) : text_(text) {}

  absl::StatusOr<LineReader> Open(absl::string_view file) const override {
    const std::optional<std::string>& contents =
        file == kImageIds       ? text_.image_ids
        : file == kClassLabels  ? text_.class_labels
        : file == kImageSizes   ? text_.image_sizes
        : file == kLocalization ? text_.localization
                                : text_.image_ids_proxy;
    if (!contents.has_value()) {
      return absl::NotFoundError(absl::StrCat("there is no ", file));
    }
    return LineReader::FromText(*contents);
  }
  std::string Path(absl::string_view file) const override {
    return std::string(file);
  }

 private:
  const SplitText& text_;
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
  SplitReader(const SplitSource& source, const MetadataOptions& options)
      : source_(source), options_(options) {}

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
    if (!problems_.empty()) {
      return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
    }
    metadata.images = std::move(images_);
    return metadata;
  }

 private:
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
      table->Add(row, absl::StrCat("id ", QuoteForMessage(row.fields[0]),
                                   " is not in ", kImageIds));
    }
    return index;
  }

  // Keeps what is wrong with a file, for the end.
  void Finish(const FileProblems& problems) {
    if (!problems.empty()) problems_.push_back(problems.ToString());
  }

  // A problem of a file for each image without a row in it.
  void AddMissing(absl::string_view file, const std::vector<bool>& seen,
                  FileProblems* problems) const {
    const std::string ids = source_.Path(kImageIds);
    for (size_t i = 0; i < images_.size(); ++i) {
      if (seen[i]) continue;
      problems->AddElsewhere(ids, lines_[i],
                             absl::StrCat("id ", QuoteForMessage(images_[i].id),
                                          " has no row in ", file));
    }
  }

  absl::Status ReadImageIds() {
    // Grown bit by bit, the records would need half as much memory again.
    int64_t count = 0;
    {
      VISION_ASSIGN_OR_RETURN(LineReader lines, source_.Open(kImageIds));
      VISION_ASSIGN_OR_RETURN(count, lines.CountLines());
    }
    if (count > kMaxImages) {
      return absl::InvalidArgumentError(
          absl::StrCat(source_.Path(kImageIds), ": ", count,
                       " lines, expected at most ", kMaxImages));
    }
    images_.reserve(static_cast<size_t>(count));
    lines_.reserve(static_cast<size_t>(count));
    index_.reserve(static_cast<size_t>(count));
    FileProblems problems(source_.Path(kImageIds));
    VISION_ASSIGN_OR_RETURN(LineReader lines, source_.Open(kImageIds));
    Table table(std::move(lines), &problems);
    for (Row row; table.Next(&row);) {
      const std::string fault = CheckImageId(row.text);
      if (!fault.empty()) {
        table.Add(row,
                  absl::StrCat("id ", QuoteForMessage(row.text), " ", fault));
        continue;
      }
      if (const auto found = index_.find(row.text); found != index_.end()) {
        table.Add(
            row, absl::StrCat("id ", QuoteForMessage(row.text), " is on line ",
                              lines_[static_cast<size_t>(*found)], " already"));
        continue;
      }
      ImageRecord& image = images_.emplace_back();
      image.id.assign(row.text.data(), row.text.size());
      image.label = -1;
      lines_.push_back(static_cast<int32_t>(row.line));
      index_.insert(static_cast<int32_t>(images_.size() - 1));
    }
    VISION_RETURN_IF_ERROR(table.status());
    if (images_.empty() && problems.empty() && !options_.allow_empty) {
      problems.Add(0, "the split has no images");
    }
    Finish(problems);
    return absl::OkStatus();
  }

  // Reads a file with at most one row for each image, "id" and then what `form`
  // shows: calls use_row(row, i) for the first row of image i, which returns
  // what is wrong with it. Whether each image must have a row is up to `need`.
  enum class Need { kAll, kAllOrNone, kSome };
  template <typename UseRow>
  absl::Status ReadRows(absl::string_view file, Need need, size_t num_fields,
                        absl::string_view form, absl::string_view content,
                        const UseRow& use_row) {
    absl::StatusOr<LineReader> lines = source_.Open(file);
    if (need == Need::kAllOrNone && absl::IsNotFound(lines.status())) {
      return absl::OkStatus();
    }
    VISION_RETURN_IF_ERROR(lines.status());
    FileProblems problems(source_.Path(file));
    Table table(*std::move(lines), &problems);
    std::vector<bool> seen(images_.size());
    int64_t guess = 0;
    Row row;
    while (table.Next(&row)) {
      if (!table.CheckFields(row, num_fields, form)) continue;
      const int64_t index = FindOrAdd(&table, row, guess);
      if (index < 0) continue;
      guess = index + 1;
      const size_t i = static_cast<size_t>(index);
      if (seen[i]) {
        table.Add(row, absl::StrCat("id ", QuoteForMessage(row.fields[0]),
                                    " has ", content, " already"));
        continue;
      }
      seen[i] = true;
      if (const std::string fault = use_row(row, i); !fault.empty()) {
        table.Add(row, fault);
      }
    }
    VISION_RETURN_IF_ERROR(table.status());
    if (need == Need::kAll || (need == Need::kAllOrNone && table.has_rows())) {
      AddMissing(file, seen, &problems);
    }
    Finish(problems);
    return absl::OkStatus();
  }

  absl::Status ReadClassLabels() {
    const int limit =
        options_.num_classes > 0 ? options_.num_classes : kMaxInferredClasses;
    return ReadRows(
        kClassLabels, Need::kAll, 2, "'id,label'", "a label",
        [&](const Row& row, size_t i) -> std::string {
          int label = 0;
          if (!ParseInt(row.fields[1], &label) || label < 0 || label >= limit) {
            return absl::StrCat("label ", QuoteForMessage(row.fields[1]),
                                ", expected a whole number in [0, ", limit,
                                ")");
          }
          images_[i].label = label;
          return "";
        });
  }

  absl::Status ReadImageSizes() {
    return ReadRows(
        kImageSizes, Need::kAllOrNone, 3, "'id,width,height'", "a size",
        [&](const Row& row, size_t i) -> std::string {
          int width = 0;
          int height = 0;
          if (!ParseInt(row.fields[1], &width) ||
              !ParseInt(row.fields[2], &height) || width <= 0 || height <= 0) {
            return absl::StrCat("size ", QuoteForMessage(row.text),
                                ", expected width and height as positive whole "
                                "numbers");
          }
          images_[i].width = width;
          images_[i].height = height;
          return "";
        });
  }

  absl::Status ReadLocalization() {
    absl::StatusOr<LineReader> lines = source_.Open(kLocalization);
    if (absl::IsNotFound(lines.status())) return absl::OkStatus();
    VISION_RETURN_IF_ERROR(lines.status());
    FileProblems problems(source_.Path(kLocalization));
    Table table(*std::move(lines), &problems);
    std::vector<bool> seen(images_.size());
    size_t fields_of_file = 0;  // 5 in a file of boxes, 3 in one of masks.
    Row row;
    for (int64_t guess = 0; table.Next(&row);) {
      if (row.num_fields != 5 && row.num_fields != 3) {
        table.Add(row, absl::StrCat("got ", QuoteForMessage(row.text),
                                    ", expected 'id,x0,y0,x1,y1' or "
                                    "'id,mask,ignore'"));
        continue;
      }
      if (fields_of_file == 0) fields_of_file = row.num_fields;
      if (row.num_fields != fields_of_file) {
        table.Add(row, absl::StrCat("got ", QuoteForMessage(row.text),
                                    ", expected a ",
                                    fields_of_file == 5 ? "box" : "mask",
                                    " as on the first line"));
        continue;
      }
      // A further row of the image before, or the first one of the next.
      int64_t index = Find(row.fields[0], guess);
      if (index < 0) index = FindOrAdd(&table, row, guess + 1);
      if (index < 0) continue;
      guess = index;
      const size_t i = static_cast<size_t>(index);
      const bool first = !seen[i];
      seen[i] = true;
      const std::string fault = fields_of_file == 5
                                    ? AddBox(row, &images_[i])
                                    : AddMask(row, first, &images_[i]);
      if (!fault.empty()) table.Add(row, fault);
    }
    VISION_RETURN_IF_ERROR(table.status());
    if (table.has_rows()) AddMissing(kLocalization, seen, &problems);
    Finish(problems);
    return absl::OkStatus();
  }

  // Empty, or what is wrong with the row.
  static std::string AddBox(const Row& row, ImageRecord* image) {
    std::array<int, 4> corners;
    for (size_t k = 0; k < 4; ++k) {
      if (!ParseInt(row.fields[k + 1], &corners[k])) {
        return absl::StrCat("coordinate ", QuoteForMessage(row.fields[k + 1]),
                            ", expected a whole number");
      }
    }
    const std::string fault =
        CheckCorners(corners, image->width, image->height);
    if (!fault.empty()) {
      return absl::StrCat("box ", QuoteForMessage(row.text), " ", fault);
    }
    image->boxes.push_back(BoxFromFileCorners(corners));
    return "";
  }

  // Empty, or what is wrong with the row.
  static std::string AddMask(const Row& row, bool first, ImageRecord* image) {
    if (const std::string fault = CheckImageId(row.fields[1]); !fault.empty()) {
      return absl::StrCat("mask path ", QuoteForMessage(row.fields[1]), " ",
                          fault);
    }
    const absl::string_view ignore = row.fields[2];
    if (!ignore.empty()) {
      const std::string fault =
          first ? CheckImageId(ignore)
                : "stands on another row than the first of its id";
      if (!fault.empty()) {
        return absl::StrCat("ignore path ", QuoteForMessage(ignore), " ",
                            fault);
      }
      image->ignore_path.assign(ignore.data(), ignore.size());
    }
    image->mask_paths.emplace_back(row.fields[1].data(), row.fields[1].size());
    return "";
  }

  absl::Status SelectProxy() {
    std::vector<size_t> selected;
    VISION_RETURN_IF_ERROR(ReadRows(kImageIdsProxy, Need::kSome, 1, "'id'",
                                    "a row", [&](const Row&, size_t i) {
                                      selected.push_back(i);
                                      return std::string();
                                    }));
    if (selected.empty() && !options_.allow_empty && problems_.empty()) {
      problems_.push_back(absl::StrCat(source_.Path(kImageIdsProxy),
                                       ": the subset has no images"));
    }
    std::vector<ImageRecord> subset;
    subset.reserve(selected.size());
    for (const size_t i : selected) subset.push_back(std::move(images_[i]));
    index_.clear();  // Its positions are out of date.
    images_ = std::move(subset);
    return absl::OkStatus();
  }

  const SplitSource& source_;
  const MetadataOptions options_;
  // What is wrong, file by file.
  std::vector<std::string> problems_;
  std::vector<ImageRecord> images_;
  // Line of each image in image_ids.txt.
  std::vector<int32_t> lines_;
  // Positions in images_, found by id.
  absl::flat_hash_set<int32_t, IdHash, IdEqual> index_{0, IdHash{&images_},
                                                       IdEqual{&images_}};
};

absl::StatusOr<SplitMetadata> ReadSplit(const SplitSource& source,
                                        const MetadataOptions& options) {
  if (options.num_classes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_classes is ", options.num_classes,
                     ", expected 0 (infer) or more"));
  }
  return SplitReader(source, options).Read();
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
  return ReadSplit(SplitFolder(split_dir), options);
}

absl::StatusOr<SplitMetadata> ParseSplitMetadata(
    const SplitText& text, const MetadataOptions& options) {
  return ReadSplit(SplitInMemory(text), options);
}

std::string CheckImageId(absl::string_view id) {
  if (id.empty()) return "is empty";
  if (id.front() == ' ' || id.back() == ' ') {
    return "begins or ends with a blank";
  }
  for (const char c : id) {
    if (c == ',') return "has a comma in it";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return "has a control character in it";
    }
  }
  return "";
}

absl::Status CheckSplitMetadata(const std::string& name,
                                const SplitMetadata& metadata) {
  FileProblems problems(name);
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
    problems.Add(0, "got boxes and masks, expected one of them");
  }
  for (size_t i = 0; i < metadata.images.size(); ++i) {
    const ImageRecord& image = metadata.images[i];
    const auto add = [&](absl::string_view text) {
      problems.Add(0, absl::StrCat("image ", i, ", ", QuoteForMessage(image.id),
                                   ": ", text));
    };
    if (const std::string fault = CheckImageId(image.id); !fault.empty()) {
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
      if (const std::string fault = CheckImageId(path); !fault.empty()) {
        add(absl::StrCat("mask path ", QuoteForMessage(path), " ", fault));
      }
    }
    if (!image.ignore_path.empty()) {
      if (const std::string fault = CheckImageId(image.ignore_path);
          !fault.empty()) {
        add(absl::StrCat("ignore path ", QuoteForMessage(image.ignore_path),
                         " ", fault));
      }
      if (image.mask_paths.empty()) add("an ignore path without a mask");
    }
  }
  return problems.ToStatus();
}

absl::Status WriteSplitMetadata(const std::string& split_dir,
                                const SplitMetadata& metadata) {
  VISION_RETURN_IF_ERROR(CheckSplitMetadata(split_dir, metadata));
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
