#include "wsol/cam_run/cam_run_options.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "vision/base/status_util.h"
#include "wsol/cam/factory.h"

namespace wsol {
namespace {

absl::Status CheckSource(const CamRunOptions& options) {
  if (options.images.empty() == options.metadata_dir.empty()) {
    return absl::InvalidArgumentError(
        options.images.empty()
            ? "--images (an image or a folder of images) or --metadata_dir (a "
              "split) must be given"
            : "--images and --metadata_dir exclude each other");
  }
  if (!options.metadata_dir.empty() && options.image_root.empty()) {
    return absl::InvalidArgumentError(
        "--metadata_dir needs --image_root, the folder that image ids start "
        "from");
  }
  if (options.metadata_dir.empty() && !options.image_root.empty()) {
    return absl::InvalidArgumentError(
        "--image_root goes with --metadata_dir, not with --images");
  }
  if (options.metadata_dir.empty() && options.proxy) {
    return absl::InvalidArgumentError(
        "--proxy goes with --metadata_dir, not with --images");
  }
  if (options.metadata_dir.empty() &&
      options.class_choice == ClassChoice::kLabel) {
    return absl::InvalidArgumentError(
        "--class=label needs a split (--metadata_dir): images alone have no "
        "label");
  }
  return absl::OkStatus();
}

absl::Status CheckMethods(const CamRunOptions& options) {
  if (options.methods.empty()) {
    return absl::InvalidArgumentError("--method names no method");
  }
  std::set<std::string> names;
  for (const std::string& method : options.methods) {
    CamOptions cam = options.cam;
    cam.method = method;
    VISION_RETURN_IF_ERROR(MakeCamMethod(cam).status());
    VISION_ASSIGN_OR_RETURN(const std::string name, ParseCamMethod(method));
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--method names ", name, " twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const CamRunOptions& options) {
  if (options.class_choice != ClassChoice::kList) return absl::OkStatus();
  if (options.classes.empty()) {
    return absl::InvalidArgumentError("--class names no class");
  }
  std::vector<int64_t> sorted = options.classes;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--class: ", sorted.front(), " is no class"));
  }
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--class names ", *twice, " twice"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClassChoice> ParseClassChoice(absl::string_view text,
                                             std::vector<int64_t>* classes) {
  classes->clear();
  if (text == "auto") return ClassChoice::kAuto;
  if (text == "label") return ClassChoice::kLabel;
  if (text == "predicted") return ClassChoice::kPredicted;
  for (const absl::string_view field : absl::StrSplit(text, ',')) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(field, &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--class is '", text,
                       "', expected auto, label, predicted or numbers of "
                       "classes, such as 3,7"));
    }
    classes->push_back(value);
  }
  return ClassChoice::kList;
}

absl::Status CamRunOptions::Validate() const {
  const std::pair<const char*, const std::string*> needed[] = {
      {"--model", &model}, {"--output_dir", &output_dir}};
  for (const auto& [name, value] : needed) {
    if (value->empty()) {
      return absl::InvalidArgumentError(absl::StrCat(name, " must be given"));
    }
  }
  VISION_RETURN_IF_ERROR(CheckSource(*this));
  VISION_RETURN_IF_ERROR(CheckMethods(*this));
  VISION_RETURN_IF_ERROR(CheckClasses(*this));
  const std::pair<const char*, std::pair<int, int>> at_least[] = {
      {"--contact_sheet", {contact_sheet, 0}},
      {"--batch_size", {batch_size, 1}},
      {"--image_size", {image_size, 0}},
      {"--threads", {num_threads, 1}}};
  for (const auto& [name, range] : at_least) {
    if (range.first < range.second) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " is ", range.first, ", expected ", range.second, " or more"));
    }
  }
  constexpr int kMostRows = 200;
  if (contact_sheet > kMostRows) {
    return absl::InvalidArgumentError(
        absl::StrCat("--contact_sheet is ", contact_sheet, ", expected ",
                     kMostRows, " images at most"));
  }
  return quality ? quality_options.Validate() : absl::OkStatus();
}

}  // namespace wsol
