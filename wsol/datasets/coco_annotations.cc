#include "wsol/datasets/coco_annotations.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/class_names.h"
#include "wsol/datasets/file_problems.h"

namespace wsol {
namespace {

using Json = nlohmann::json;

// Hands on the entries of the top level's lists one by one, each with its
// members that are text, numbers, truth values or "bbox". The file as a whole,
// most of which is outlines, is never in memory.
class EntryReader final : public nlohmann::json_sax<Json> {
 public:
  using UseEntry = std::function<void(const std::string& list, size_t index,
                                      const Json& entry)>;

  explicit EntryReader(UseEntry use_entry) : use_entry_(std::move(use_entry)) {}

  const absl::flat_hash_set<std::string>& lists() const { return lists_; }
  const std::string& error() const { return error_; }

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return Value(value);
  }
  bool number_float(number_float_t value, const string_t&) override {
    return Value(value);
  }
  bool string(string_t& value) override { return Value(value); }
  bool binary(binary_t&) override { return true; }

  bool start_object(size_t) override {
    if (depth_ == kInList) entry_ = Json::object();
    return Open(false);
  }
  bool key(string_t& name) override {
    if (depth_ == kInRoot) list_ = name;
    if (depth_ == kInEntry) member_ = name;
    return true;
  }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override {
    if (depth_ == kInRoot && in_object_) {
      lists_.insert(list_);
      index_ = 0;
    }
    if (depth_ == kInEntry && member_ == "bbox") entry_["bbox"] = Json::array();
    if (depth_ == kInList) entry_ = nullptr;
    return Open(true);
  }
  bool end_array() override { return Close(); }

  bool parse_error(size_t, const std::string&,
                   const Json::exception& exception) override {
    error_ = exception.what();
    return false;
  }

 private:
  // Values of depth_, the number of objects and arrays that are open: the root
  // is {"images": [{"id": 1, "bbox": [...]}]}.
  static constexpr int kInRoot = 1;
  static constexpr int kInList = 2;
  static constexpr int kInEntry = 3;
  static constexpr int kInBox = 4;

  bool Open(bool is_array) {
    if (depth_ == 0) in_object_ = !is_array;
    if (depth_ == kInRoot) in_list_ = is_array && in_object_;
    ++depth_;
    return true;
  }

  bool Close() {
    --depth_;
    if (depth_ == kInList && in_list_) use_entry_(list_, index_++, entry_);
    return true;
  }

  template <typename T>
  bool Value(const T& value) {
    if (depth_ == kInList && in_list_) {
      use_entry_(list_, index_++, nullptr);
    } else if (depth_ == kInEntry) {
      if (entry_.is_object()) entry_[member_] = value;
    } else if (depth_ == kInBox && member_ == "bbox" && entry_.is_object() &&
               entry_["bbox"].is_array() && entry_["bbox"].size() <= 4) {
      entry_["bbox"].push_back(value);
    }
    return true;
  }

  const UseEntry use_entry_;
  absl::flat_hash_set<std::string> lists_;
  std::string error_;
  int depth_ = 0;
  bool in_object_ = false;  // The root is one.
  bool in_list_ = false;    // What is open below it is a list.
  std::string list_;
  std::string member_;
  size_t index_ = 0;
  Json entry_;
};

class CocoReader {
 public:
  explicit CocoReader(const CocoOptions& options)
      : options_(options), problems_(options.path) {}

  absl::StatusOr<Annotations> Read(absl::string_view text) {
    annotations_.numbered = true;
    if (!options_.class_names.empty()) {
      VISION_ASSIGN_OR_RETURN(annotations_.class_names,
                              ReadClassNamesFile(options_.class_names));
    }
    EntryReader reader(
        [this](const std::string& list, size_t index, const Json& entry) {
          if (list == "images") ReadImage(index, entry);
          if (list == "categories") ReadCategory(index, entry);
          if (list == "annotations") ReadAnnotation(index, entry);
        });
    if (!Json::sax_parse(text.begin(), text.end(), &reader)) {
      return absl::InvalidArgumentError(
          absl::StrCat(options_.path, ": ", reader.error()));
    }
    for (const char* list : {"images", "categories", "annotations"}) {
      if (reader.lists().contains(list)) continue;
      problems_.Add(0, absl::StrCat("there is no list \"", list, "\""));
    }
    VISION_RETURN_IF_ERROR(AssignLabels());
    // Only now: lists come in any order.
    for (const RawAnnotation& annotation : raw_annotations_) {
      AddAnnotation(annotation);
    }
    VISION_RETURN_IF_ERROR(problems_.ToStatus());
    return std::move(annotations_);
  }

 private:
  struct RawAnnotation {
    AnnotatedObject object;
    int64_t image_id = 0;
    int64_t category = 0;
  };

  // A member of `entry`, the i-th of a list; a problem and false if it is not
  // there or of another type.
  bool Get(const Json& entry, const char* list, size_t i, const char* name,
           int64_t* value) {
    if (entry.is_object()) {
      const auto member = entry.find(name);
      if (member != entry.end() && member->is_number_integer()) {
        *value = member->get<int64_t>();
        return true;
      }
    }
    AddMember(list, i, name, "a whole number");
    return false;
  }

  bool Get(const Json& entry, const char* list, size_t i, const char* name,
           std::string* value) {
    if (entry.is_object()) {
      const auto member = entry.find(name);
      if (member != entry.end() && member->is_string()) {
        *value = member->get<std::string>();
        return true;
      }
    }
    AddMember(list, i, name, "a text");
    return false;
  }

  void AddMember(const char* list, size_t i, const char* name,
                 absl::string_view expected) {
    problems_.Add(0, absl::StrCat(list, "[", i, "]: expected ", expected,
                                  " as \"", name, "\""));
  }

  void ReadCategory(size_t i, const Json& entry) {
    int64_t id = 0;
    std::string name;
    if (!Get(entry, "categories", i, "id", &id) ||
        !Get(entry, "categories", i, "name", &name)) {
      return;
    }
    if (!category_names_.emplace(id, std::move(name)).second) {
      problems_.Add(0, absl::StrCat("categories[", i, "]: the id ", id,
                                    " is there already"));
    }
  }

  absl::Status AssignLabels() {
    std::vector<std::string>& names = annotations_.class_names;
    if (options_.class_names.empty()) {
      for (const auto& [id, name] : category_names_) names.push_back(name);
    }
    if (const absl::Status status = CheckClassNames(names); !status.ok()) {
      problems_.Add(0, status.message());
      return problems_.ToStatus();
    }
    absl::flat_hash_map<absl::string_view, int> labels;
    for (size_t label = 0; label < names.size(); ++label) {
      labels[names[label]] = static_cast<int>(label);
    }
    for (const auto& [id, name] : category_names_) {
      const auto label = labels.find(name);
      labels_[id] = label == labels.end() ? -1 : label->second;
    }
    return absl::OkStatus();
  }

  void ReadImage(size_t i, const Json& entry) {
    int64_t id = 0;
    int64_t width = 0;
    int64_t height = 0;
    std::string file_name;
    if (!Get(entry, "images", i, "id", &id) ||
        !Get(entry, "images", i, "file_name", &file_name) ||
        !Get(entry, "images", i, "width", &width) ||
        !Get(entry, "images", i, "height", &height)) {
      return;
    }
    constexpr int64_t kLimit = 1 << 30;
    if (width <= 0 || height <= 0 || width > kLimit || height > kLimit) {
      problems_.Add(0,
                    absl::StrCat("images[", i, "]: size ", width, "x", height,
                                 ", expected positive numbers up to ", kLimit));
      return;
    }
    if (!images_.emplace(id, annotations_.images.size()).second) {
      problems_.Add(
          0, absl::StrCat("images[", i, "]: the id ", id, " is there already"));
      return;
    }
    AnnotatedImage& image = annotations_.images.emplace_back();
    image.id = absl::StrCat(options_.id_prefix, file_name);
    image.file = options_.path;
    image.width = static_cast<int>(width);
    image.height = static_cast<int>(height);
  }

  void ReadAnnotation(size_t i, const Json& entry) {
    RawAnnotation annotation;
    AnnotatedObject& object = annotation.object;
    if (!Get(entry, "annotations", i, "id", &object.where) ||
        !Get(entry, "annotations", i, "image_id", &annotation.image_id) ||
        !Get(entry, "annotations", i, "category_id", &annotation.category)) {
      return;
    }
    if (const auto crowd = entry.find("iscrowd"); crowd != entry.end()) {
      if (!crowd->is_number() && !crowd->is_boolean()) {
        AddMember("annotations", i, "iscrowd", "0 or 1");
        return;
      }
      object.crowd =
          crowd->is_boolean() ? crowd->get<bool>() : crowd->get<double>() != 0;
    }
    if (!ReadBox(entry, &object.box)) {
      problems_.Add(0, absl::StrCat("annotation ", object.where,
                                    ": expected [x, y, width, height], four "
                                    "numbers, as \"bbox\""));
      return;
    }
    raw_annotations_.push_back(annotation);
  }

  void AddAnnotation(const RawAnnotation& annotation) {
    AnnotatedObject object = annotation.object;
    const auto add = [&](absl::string_view text) {
      problems_.Add(0, absl::StrCat("annotation ", object.where, ": ", text));
    };
    const auto image = images_.find(annotation.image_id);
    if (image == images_.end()) {
      add(absl::StrCat("there is no image ", annotation.image_id));
      return;
    }
    const auto label = labels_.find(annotation.category);
    if (label == labels_.end()) {
      add(absl::StrCat("there is no category ", annotation.category));
      return;
    }
    if (label->second < 0) {
      add(absl::StrCat("category ",
                       QuoteForMessage(category_names_[annotation.category]),
                       " is not in ", options_.class_names));
      return;
    }
    object.label = label->second;
    annotations_.images[image->second].objects.push_back(object);
  }

  static bool ReadBox(const Json& entry, vision::Box* box) {
    const auto member = entry.find("bbox");
    if (member == entry.end() || !member->is_array() || member->size() != 4) {
      return false;
    }
    double numbers[4];
    for (size_t k = 0; k < 4; ++k) {
      if (!(*member)[k].is_number()) return false;
      numbers[k] = (*member)[k].get<double>();
    }
    const auto [x, y, width, height] = numbers;
    return PixelBoxAround(x, y, x + width, y + height, box);
  }

  const CocoOptions& options_;
  FileProblems problems_;
  Annotations annotations_;
  std::vector<RawAnnotation> raw_annotations_;
  // By category id; labels of -1 are not among the classes asked for.
  std::map<int64_t, std::string> category_names_;
  absl::flat_hash_map<int64_t, int> labels_;
  // Positions in annotations_.images by image id.
  absl::flat_hash_map<int64_t, size_t> images_;
};

}  // namespace

absl::StatusOr<Annotations> ParseCocoAnnotations(absl::string_view text,
                                                 const CocoOptions& options) {
  return CocoReader(options).Read(text);
}

absl::StatusOr<Annotations> ReadCocoAnnotations(const CocoOptions& options) {
  VISION_ASSIGN_OR_RETURN(const std::string text,
                          vision::ReadFile(options.path));
  return ParseCocoAnnotations(text, options);
}

}  // namespace wsol
