#include "wsol/datasets/folder_annotations.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/image/image_header.h"
#include "wsol/datasets/class_names.h"
#include "wsol/datasets/csv_row.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/datasets/image_size.h"
#include "wsol/datasets/line_reader.h"

namespace wsol {
namespace {

// Where the columns of the CSV file are.
struct Columns {
  size_t image = 0;
  std::array<size_t, 4> box = {1, 2, 3, 4};
  bool is_size = false;  // The last two are width and height.
  size_t count = 5;
};

// Whether a name is one of a column's, whose position is then noted.
bool Match(absl::string_view name, std::initializer_list<const char*> names,
           size_t column, int64_t* place) {
  for (const char* candidate : names) {
    if (name != candidate) continue;
    *place = static_cast<int64_t>(column);
    return true;
  }
  return false;
}

absl::StatusOr<Columns> ParseHeader(const std::vector<std::string>& fields) {
  int64_t image = -1;
  std::array<int64_t, 4> corners = {-1, -1, -1, -1};
  std::array<int64_t, 4> sides = {-1, -1, -1, -1};
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string name =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(fields[i]));
    Match(name, {"id", "image", "file", "filename", "path"}, i, &image);
    Match(name, {"x0", "xmin"}, i, &corners[0]);
    Match(name, {"y0", "ymin"}, i, &corners[1]);
    Match(name, {"x1", "xmax"}, i, &corners[2]);
    Match(name, {"y1", "ymax"}, i, &corners[3]);
    Match(name, {"x"}, i, &sides[0]);
    Match(name, {"y"}, i, &sides[1]);
    Match(name, {"width", "w"}, i, &sides[2]);
    Match(name, {"height", "h"}, i, &sides[3]);
  }
  const auto complete = [](const std::array<int64_t, 4>& places) {
    return std::all_of(places.begin(), places.end(),
                       [](int64_t place) { return place >= 0; });
  };
  Columns columns;
  // Files with corners often tell the image's width and height too.
  columns.is_size = !complete(corners);
  const std::array<int64_t, 4>& box = columns.is_size ? sides : corners;
  if (image < 0 || !complete(box)) {
    return absl::InvalidArgumentError(
        "the header must name id, and x0, y0, x1, y1 or x, y, width, height");
  }
  columns.image = static_cast<size_t>(image);
  for (size_t k = 0; k < 4; ++k) columns.box[k] = static_cast<size_t>(box[k]);
  columns.count = fields.size();
  return columns;
}

// False if a field is no number.
bool ParseBox(const std::vector<std::string>& fields, const Columns& columns,
              const FolderOptions& options, vision::Box* box) {
  std::array<double, 4> numbers;
  for (size_t k = 0; k < 4; ++k) {
    if (!absl::SimpleAtod(fields[columns.box[k]], &numbers[k])) return false;
  }
  if (columns.is_size || options.box_ends == BoxEnds::kExclusive) {
    const double x1 = columns.is_size ? numbers[0] + numbers[2] : numbers[2];
    const double y1 = columns.is_size ? numbers[1] + numbers[3] : numbers[3];
    return BoxOfPixels(numbers[0], numbers[1], x1 - 1, y1 - 1, options.origin,
                       box);
  }
  return BoxOfPixels(numbers[0], numbers[1], numbers[2], numbers[3],
                     options.origin, box);
}

absl::Status ListError(const std::string& folder,
                       const std::error_code& error) {
  return absl::NotFoundError(
      absl::StrCat("cannot list the folder '", folder, "': ", error.message()));
}

struct FoundFiles {
  // Paths below the root, sorted, with the class's name first.
  std::vector<std::pair<std::string, std::string>> images;
  std::vector<std::string> classes;  // Sorted.
  int64_t others = 0;
};

absl::StatusOr<FoundFiles> FindFiles(const std::string& root) {
  namespace fs = std::filesystem;
  std::error_code error;
  FoundFiles found;
  fs::directory_iterator entries(root, error);
  if (error) return ListError(root, error);
  for (const fs::directory_entry& entry : entries) {
    if (!entry.is_directory(error)) {
      if (HasImageExtension(entry.path().string())) {
        return absl::InvalidArgumentError(
            absl::StrCat("the image '", entry.path().string(),
                         "' is in no folder of a class"));
      }
      ++found.others;
      continue;
    }
    const std::string name = entry.path().filename().string();
    found.classes.push_back(name);
    fs::recursive_directory_iterator files(entry.path(), error);
    if (error) return ListError(entry.path().string(), error);
    for (; files != fs::recursive_directory_iterator();
         files.increment(error)) {
      if (files->is_directory(error)) continue;
      if (HasImageExtension(files->path().string())) {
        found.images.emplace_back(
            name, files->path().lexically_relative(root).string());
      } else {
        ++found.others;
      }
    }
    if (error) return ListError(entry.path().string(), error);
  }
  std::sort(found.images.begin(), found.images.end());
  std::sort(found.classes.begin(), found.classes.end());
  if (found.images.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "there are no images in folders of '", root,
        "', expected <class>/<image> with .jpg, .jpeg, .png, .webp or .bmp"));
  }
  return found;
}

}  // namespace

absl::StatusOr<BoxEnds> ParseBoxEnds(absl::string_view name) {
  if (name == "inclusive") return BoxEnds::kInclusive;
  if (name == "exclusive") return BoxEnds::kExclusive;
  return absl::InvalidArgumentError(absl::StrCat(
      "ends of boxes '", name, "', expected inclusive, exclusive"));
}

absl::Status AddCsvBoxes(absl::string_view text, const FolderOptions& options,
                         Annotations* annotations) {
  absl::flat_hash_map<absl::string_view, AnnotatedImage*> images;
  for (AnnotatedImage& image : annotations->images) {
    absl::string_view id = image.id;
    absl::ConsumePrefix(&id, options.id_prefix);
    images.emplace(id, &image);
  }
  FileProblems problems(options.boxes);
  Columns columns;
  bool first = true;
  LineReader reader = LineReader::FromText(text);
  for (absl::string_view line; reader.Next(&line);) {
    const int64_t number = reader.line_number();
    if (number == 1) absl::ConsumePrefix(&line, "\xEF\xBB\xBF");
    if (line.empty()) continue;
    const absl::StatusOr<std::vector<std::string>> fields = SplitCsvRow(line);
    if (!fields.ok()) {
      problems.Add(number, fields.status().message());
      continue;
    }
    vision::Box box;
    if (std::exchange(first, false) &&
        (fields->size() != columns.count ||
         !ParseBox(*fields, columns, options, &box))) {
      absl::StatusOr<Columns> header = ParseHeader(*fields);
      if (!header.ok()) {
        problems.Add(number,
                     absl::StrCat("got ", QuoteForMessage(line),
                                  ", expected id,x0,y0,x1,y1 or a header; ",
                                  header.status().message()));
        if (fields->size() != columns.count) break;
        continue;
      }
      columns = *header;
      continue;
    }
    if (fields->size() != columns.count) {
      problems.Add(number, absl::StrCat("got ", fields->size(), " fields, ",
                                        "expected ", columns.count));
      continue;
    }
    const auto image = images.find((*fields)[columns.image]);
    if (image == images.end()) {
      problems.Add(number,
                   absl::StrCat("there is no image ",
                                QuoteForMessage((*fields)[columns.image])));
      continue;
    }
    if (!ParseBox(*fields, columns, options, &box)) {
      problems.Add(number, absl::StrCat("got ", QuoteForMessage(line),
                                        ", expected numbers as a box"));
      continue;
    }
    AnnotatedObject& object = image->second->objects.emplace_back();
    object.box = box;
    object.label = image->second->label.value_or(0);
    object.where = number;
    // Where further problems of its boxes are.
    image->second->file = options.boxes;
  }
  return problems.ToStatus();
}

absl::StatusOr<Annotations> ReadFolderAnnotations(
    const FolderOptions& options) {
  VISION_ASSIGN_OR_RETURN(const FoundFiles found,
                          FindFiles(options.image_root));
  Annotations annotations;
  annotations.other_files = found.others;
  annotations.class_names = found.classes;
  if (!options.class_names.empty()) {
    VISION_ASSIGN_OR_RETURN(annotations.class_names,
                            ReadClassNamesFile(options.class_names));
  }
  VISION_RETURN_IF_ERROR(CheckClassNames(annotations.class_names));
  absl::flat_hash_map<std::string, int> labels;
  for (size_t i = 0; i < annotations.class_names.size(); ++i) {
    labels[annotations.class_names[i]] = static_cast<int>(i);
  }
  FileProblems problems(options.image_root);
  for (const std::string& name : found.classes) {
    if (labels.contains(name)) continue;
    problems.Add(0, absl::StrCat("the folder ", QuoteForMessage(name),
                                 " is not in ", options.class_names));
  }
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  std::vector<absl::StatusOr<vision::ImageHeader>> headers(
      found.images.size(), absl::UnknownError(""));
  vision::ParallelFor(static_cast<int64_t>(headers.size()), options.num_threads,
                      [&](int64_t n) {
                        const size_t i = static_cast<size_t>(n);
                        headers[i] = ReadImageHeader(vision::JoinPath(
                            options.image_root, found.images[i].second));
                      });
  for (size_t i = 0; i < found.images.size(); ++i) {
    const auto& [name, path] = found.images[i];
    if (!headers[i].ok()) {
      problems.AddMessage(headers[i].status().message());
      continue;
    }
    AnnotatedImage& image = annotations.images.emplace_back();
    image.id = absl::StrCat(options.id_prefix, path);
    image.file = vision::JoinPath(options.image_root, path);
    image.width = headers[i]->width;
    image.height = headers[i]->height;
    image.label = labels[name];
  }
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  if (!options.boxes.empty()) {
    VISION_ASSIGN_OR_RETURN(const std::string text,
                            vision::ReadFile(options.boxes));
    VISION_RETURN_IF_ERROR(AddCsvBoxes(text, options, &annotations));
  }
  return annotations;
}

}  // namespace wsol
