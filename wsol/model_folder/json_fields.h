// Reads an object of JSON field by field into structs, strictly.
//
//   JsonFields fields(json, "model.json");
//   fields.Read("crop", &preprocessing.crop);
//   VISION_RETURN_IF_ERROR(fields.Finish());

#ifndef WSOL_MODEL_FOLDER_JSON_FIELDS_H_
#define WSOL_MODEL_FOLDER_JSON_FIELDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace wsol {

// A missing field leaves its target as it is; one of another type is an error,
// and so is a field that nobody reads, since it would change what the rest
// means. Errors are kept until Finish().
class JsonFields {
 public:
  // `json` must outlive the object; `where` names it in errors.
  JsonFields(const nlohmann::ordered_json& json, std::string where);

  void Read(absl::string_view name, bool* value);
  void Read(absl::string_view name, int* value);
  void Read(absl::string_view name, int64_t* value);
  void Read(absl::string_view name, double* value);
  void Read(absl::string_view name, std::string* value);
  void Read(absl::string_view name, std::vector<int64_t>* value);
  void Read(absl::string_view name, std::vector<double>* value);
  void Read(absl::string_view name, std::vector<std::string>* value);
  void Read(absl::string_view name, std::map<std::string, double>* value);

  // The field for a reader of its own, an object; null if it is missing.
  const nlohmann::ordered_json* Object(absl::string_view name);

  // Records an error about field `name`: "<where>: <name>: <message>".
  void AddError(absl::string_view name, absl::string_view message);

  // The first error, kInvalidArgument, or OK.
  absl::Status Finish();

 private:
  template <typename T>
  void ReadAs(absl::string_view name, const char* expected, T* value);

  const nlohmann::ordered_json* Find(absl::string_view name);

  const nlohmann::ordered_json& json_;
  const std::string where_;
  std::vector<std::string> read_;
  absl::Status status_;
};

}  // namespace wsol

#endif  // WSOL_MODEL_FOLDER_JSON_FIELDS_H_
