#include "wsol/datasets/voc_annotations.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "pugixml.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/class_names.h"
#include "wsol/datasets/file_problems.h"
#include "wsol/datasets/line_reader.h"

namespace wsol {
namespace {

// A problem at a place in the text, as an error.
class XmlErrors {
 public:
  XmlErrors(absl::string_view text, const std::string& path)
      : text_(text), path_(path) {}

  int64_t LineOf(ptrdiff_t offset) const {
    const size_t end = std::min(
        text_.size(), static_cast<size_t>(std::max<ptrdiff_t>(offset, 0)));
    return 1 + std::count(text_.begin(),
                          text_.begin() + static_cast<ptrdiff_t>(end), '\n');
  }
  int64_t LineOf(const pugi::xml_node& node) const {
    return LineOf(node.offset_debug());
  }

  absl::Status At(int64_t line, absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":", line, ": ", message));
  }
  absl::Status At(const pugi::xml_node& node, absl::string_view message) const {
    return At(LineOf(node), message);
  }

 private:
  const absl::string_view text_;
  const std::string& path_;
};

// The text of a child element, without blanks around it.
absl::StatusOr<std::string> ChildText(const pugi::xml_node& node,
                                      const char* name,
                                      const XmlErrors& errors) {
  const pugi::xml_node child = node.child(name);
  const std::string text(absl::StripAsciiWhitespace(child.text().get()));
  if (child && !text.empty()) return text;
  return errors.At(child ? child : node,
                   absl::StrCat("<", node.name(), "> has no <", name, ">",
                                child ? " with a text" : ""));
}

absl::StatusOr<double> ChildNumber(const pugi::xml_node& node, const char* name,
                                   const XmlErrors& errors) {
  VISION_ASSIGN_OR_RETURN(const std::string text,
                          ChildText(node, name, errors));
  double value = 0;
  if (absl::SimpleAtod(text, &value)) return value;
  return errors.At(node.child(name),
                   absl::StrCat("<", name, "> is ", QuoteForMessage(text),
                                ", expected a number"));
}

absl::Status ParseSize(const pugi::xml_node& size, const XmlErrors& errors,
                       VocFile* file) {
  VISION_ASSIGN_OR_RETURN(const double width,
                          ChildNumber(size, "width", errors));
  VISION_ASSIGN_OR_RETURN(const double height,
                          ChildNumber(size, "height", errors));
  // Some tools write zeros where they do not know.
  if (width == 0 && height == 0) return absl::OkStatus();
  constexpr double kLimit = 1 << 30;
  if (!(width >= 1 && height >= 1 && width <= kLimit && height <= kLimit)) {
    return errors.At(size, absl::StrCat("<size> is ", width, "x", height,
                                        ", expected positive numbers"));
  }
  file->width = static_cast<int>(width);
  file->height = static_cast<int>(height);
  return absl::OkStatus();
}

absl::StatusOr<VocFile::Object> ParseObject(const pugi::xml_node& node,
                                            int origin,
                                            const XmlErrors& errors) {
  VocFile::Object object;
  object.line = errors.LineOf(node);
  VISION_ASSIGN_OR_RETURN(object.name, ChildText(node, "name", errors));
  if (node.child("difficult")) {
    VISION_ASSIGN_OR_RETURN(const double difficult,
                            ChildNumber(node, "difficult", errors));
    object.difficult = difficult != 0;
  }
  const pugi::xml_node box = node.child("bndbox");
  if (!box) return errors.At(node, "<object> has no <bndbox>");
  VISION_ASSIGN_OR_RETURN(const double xmin, ChildNumber(box, "xmin", errors));
  VISION_ASSIGN_OR_RETURN(const double ymin, ChildNumber(box, "ymin", errors));
  VISION_ASSIGN_OR_RETURN(const double xmax, ChildNumber(box, "xmax", errors));
  VISION_ASSIGN_OR_RETURN(const double ymax, ChildNumber(box, "ymax", errors));
  if (!BoxOfPixels(xmin, ymin, xmax, ymax, origin, &object.box)) {
    return errors.At(box, "<bndbox> has a coordinate out of range");
  }
  return object;
}

// The .xml files below a folder, relative to it and without the extension.
absl::StatusOr<std::vector<std::string>> FindXmlFiles(
    const std::string& folder) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator files(folder, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat("cannot list the folder '", folder,
                                            "': ", error.message()));
  }
  std::vector<std::string> names;
  for (const auto end = std::filesystem::recursive_directory_iterator();
       files != end; files.increment(error)) {
    if (error) break;
    std::filesystem::path path = files->path();
    if (path.extension() != ".xml" || files->is_directory(error)) continue;
    names.push_back(path.replace_extension().lexically_relative(folder));
  }
  if (error) {
    return absl::InternalError(absl::StrCat("cannot list the folder '", folder,
                                            "': ", error.message()));
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there are no .xml files in '", folder, "'"));
  }
  return names;
}

absl::StatusOr<std::vector<std::string>> ReadImageList(
    const std::string& path) {
  VISION_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(path));
  FileProblems problems(path);
  std::vector<std::string> names;
  absl::flat_hash_map<std::string, int64_t> lines;
  for (absl::string_view line; reader.Next(&line);) {
    if (reader.line_number() == 1) absl::ConsumePrefix(&line, "\xEF\xBB\xBF");
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    std::string name(line.substr(0, line.find_first_of(" \t")));
    const auto [first, is_new] = lines.emplace(name, reader.line_number());
    if (!is_new) {
      problems.Add(reader.line_number(),
                   absl::StrCat(QuoteForMessage(name), " is on line ",
                                first->second, " already"));
    }
    names.push_back(std::move(name));
  }
  VISION_RETURN_IF_ERROR(reader.status());
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  if (names.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no name in it"));
  }
  return names;
}

}  // namespace

absl::StatusOr<VocFile> ParseVocFile(absl::string_view text,
                                     const std::string& path, int origin) {
  const XmlErrors errors(text, path);
  pugi::xml_document document;
  const pugi::xml_parse_result result =
      document.load_buffer(text.data(), text.size());
  if (!result) {
    return errors.At(errors.LineOf(result.offset), result.description());
  }
  const pugi::xml_node root = document.child("annotation");
  if (!root) {
    return errors.At(1, "there is no <annotation>, expected a file of VOC");
  }
  VocFile file;
  VISION_ASSIGN_OR_RETURN(file.file_name, ChildText(root, "filename", errors));
  if (const pugi::xml_node size = root.child("size")) {
    VISION_RETURN_IF_ERROR(ParseSize(size, errors, &file));
  }
  for (const pugi::xml_node node : root.children("object")) {
    VISION_ASSIGN_OR_RETURN(VocFile::Object object,
                            ParseObject(node, origin, errors));
    file.objects.push_back(std::move(object));
  }
  return file;
}

absl::StatusOr<Annotations> ReadVocAnnotations(const VocOptions& options) {
  Annotations annotations;
  if (!options.class_names.empty()) {
    VISION_ASSIGN_OR_RETURN(annotations.class_names,
                            ReadClassNamesFile(options.class_names));
  }
  std::vector<std::string> names;
  if (options.image_list.empty()) {
    VISION_ASSIGN_OR_RETURN(names, FindXmlFiles(options.folder));
  } else {
    VISION_ASSIGN_OR_RETURN(names, ReadImageList(options.image_list));
  }
  FileProblems problems(options.folder);
  std::vector<std::vector<std::string>> object_names;
  std::set<std::string> met;
  for (const std::string& name : names) {
    const std::string path =
        vision::JoinPath(options.folder, absl::StrCat(name, ".xml"));
    const absl::StatusOr<std::string> text = vision::ReadFile(path);
    const absl::StatusOr<VocFile> file =
        text.ok() ? ParseVocFile(*text, path, options.origin) : text.status();
    if (!file.ok()) {
      problems.AddMessage(file.status().message());
      continue;
    }
    AnnotatedImage& image = annotations.images.emplace_back();
    image.file = path;
    image.line = 1;
    image.width = file->width;
    image.height = file->height;
    const size_t slash = name.rfind('/');
    image.id = absl::StrCat(
        options.id_prefix,
        slash == std::string::npos ? "" : name.substr(0, slash + 1),
        file->file_name);
    if (!std::filesystem::path(file->file_name).has_extension()) {
      if (options.image_extension.empty()) {
        problems.AddElsewhere(
            path, 1,
            absl::StrCat("<filename> is ", QuoteForMessage(file->file_name),
                         ", without an extension: name one by "
                         "image_extension"));
      }
      image.id += options.image_extension;
    }
    std::vector<std::string>& names_of_image = object_names.emplace_back();
    for (const VocFile::Object& object : file->objects) {
      met.insert(object.name);
      names_of_image.push_back(object.name);
      AnnotatedObject& out = image.objects.emplace_back();
      out.box = object.box;
      out.difficult = object.difficult;
      out.where = object.line;
    }
  }
  if (options.class_names.empty()) {
    annotations.class_names.assign(met.begin(), met.end());
  }
  VISION_RETURN_IF_ERROR(CheckClassNames(annotations.class_names));
  absl::flat_hash_map<std::string, int> labels;
  for (size_t i = 0; i < annotations.class_names.size(); ++i) {
    labels[annotations.class_names[i]] = static_cast<int>(i);
  }
  for (size_t i = 0; i < annotations.images.size(); ++i) {
    AnnotatedImage& image = annotations.images[i];
    for (size_t k = 0; k < image.objects.size(); ++k) {
      const auto label = labels.find(object_names[i][k]);
      if (label == labels.end()) {
        problems.AddElsewhere(
            image.file, image.objects[k].where,
            absl::StrCat("class ", QuoteForMessage(object_names[i][k]),
                         " is not in ", options.class_names));
        continue;
      }
      image.objects[k].label = label->second;
    }
  }
  VISION_RETURN_IF_ERROR(problems.ToStatus());
  return annotations;
}

}  // namespace wsol
