#include "wsol/model_folder/json_fields.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vision/base/nearest_names.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

bool Convert(const ordered_json& json, bool* value) {
  if (!json.is_boolean()) return false;
  *value = json.get<bool>();
  return true;
}

bool Convert(const ordered_json& json, int64_t* value) {
  // A number that is too large for int64_t is unsigned.
  if (!json.is_number_integer()) return false;
  if (json.is_number_unsigned() &&
      json.get<uint64_t>() >
          static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return false;
  }
  *value = json.get<int64_t>();
  return true;
}

bool Convert(const ordered_json& json, int* value) {
  int64_t wide = 0;
  if (!Convert(json, &wide) || wide < std::numeric_limits<int>::min() ||
      wide > std::numeric_limits<int>::max()) {
    return false;
  }
  *value = static_cast<int>(wide);
  return true;
}

bool Convert(const ordered_json& json, double* value) {
  if (!json.is_number()) return false;
  *value = json.get<double>();
  return true;
}

bool Convert(const ordered_json& json, std::string* value) {
  if (!json.is_string()) return false;
  *value = json.get<std::string>();
  return true;
}

template <typename T>
bool Convert(const ordered_json& json, std::vector<T>* value) {
  if (!json.is_array()) return false;
  std::vector<T> list(json.size());
  for (size_t i = 0; i < list.size(); ++i) {
    if (!Convert(json[i], &list[i])) return false;
  }
  *value = std::move(list);
  return true;
}

bool Convert(const ordered_json& json, std::map<std::string, double>* value) {
  if (!json.is_object()) return false;
  std::map<std::string, double> numbers;
  for (const auto& [name, number] : json.items()) {
    if (!Convert(number, &numbers[name])) return false;
  }
  *value = std::move(numbers);
  return true;
}

}  // namespace

JsonFields::JsonFields(const ordered_json& json, std::string where)
    : json_(json), where_(std::move(where)) {
  if (!json_.is_object()) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        where_, ": got ", json_.type_name(), ", expected an object"));
  }
}

const ordered_json* JsonFields::Find(absl::string_view name) {
  read_.emplace_back(name);
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(read_.back());
  return found == json_.end() ? nullptr : &*found;
}

template <typename T>
void JsonFields::ReadAs(absl::string_view name, const char* expected,
                        T* value) {
  const ordered_json* const field = Find(name);
  if (field != nullptr && !Convert(*field, value)) {
    AddError(name,
             absl::StrCat("got ", field->dump(), ", expected ", expected));
  }
}

void JsonFields::Read(absl::string_view name, bool* value) {
  ReadAs(name, "true or false", value);
}
void JsonFields::Read(absl::string_view name, int* value) {
  ReadAs(name, "a whole number", value);
}
void JsonFields::Read(absl::string_view name, int64_t* value) {
  ReadAs(name, "a whole number", value);
}
void JsonFields::Read(absl::string_view name, double* value) {
  ReadAs(name, "a number", value);
}
void JsonFields::Read(absl::string_view name, std::string* value) {
  ReadAs(name, "a text", value);
}
void JsonFields::Read(absl::string_view name, std::vector<int64_t>* value) {
  ReadAs(name, "a list of whole numbers", value);
}
void JsonFields::Read(absl::string_view name, std::vector<double>* value) {
  ReadAs(name, "a list of numbers", value);
}
void JsonFields::Read(absl::string_view name, std::vector<std::string>* value) {
  ReadAs(name, "a list of texts", value);
}
void JsonFields::Read(absl::string_view name,
                      std::map<std::string, double>* value) {
  ReadAs(name, "an object of numbers", value);
}

const ordered_json* JsonFields::Object(absl::string_view name) {
  const ordered_json* const field = Find(name);
  if (field != nullptr && !field->is_object()) {
    AddError(name, absl::StrCat("got ", field->dump(), ", expected an object"));
    return nullptr;
  }
  return field;
}

void JsonFields::AddError(absl::string_view name, absl::string_view message) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat(where_, ": ", name, ": ", message));
}

absl::Status JsonFields::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& [name, value] : json_.items()) {
    if (std::find(read_.begin(), read_.end(), name) == read_.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          where_, ": ",
          vision::UnknownNameError("field", name, read_).message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace wsol
