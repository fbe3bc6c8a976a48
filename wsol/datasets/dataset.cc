#include "wsol/datasets/dataset.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/image_io.h"

namespace wsol {
namespace {

constexpr char kClassNames[] = "class_names.txt";

std::string ParentFolder(const std::string& path) {
  std::filesystem::path folder(path);
  if (!folder.has_filename()) folder = folder.parent_path();
  folder = folder.parent_path();
  return folder.empty() ? "." : folder.string();
}

// Reads the names of classes; empty if there is no file of them.
absl::StatusOr<std::vector<std::string>> ReadClassNames(
    const std::string& metadata_dir) {
  for (const std::string& folder : {metadata_dir, ParentFolder(metadata_dir)}) {
    const std::string path = vision::JoinPath(folder, kClassNames);
    const absl::StatusOr<std::string> contents = vision::ReadFile(path);
    if (absl::IsNotFound(contents.status())) continue;
    VISION_RETURN_IF_ERROR(contents.status());
    const std::string text(absl::StripTrailingAsciiWhitespace(*contents));
    std::vector<std::string> names;
    absl::flat_hash_set<std::string> seen;
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      const std::string name(absl::StripAsciiWhitespace(line));
      if (name.empty() || !seen.insert(name).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ":", names.size() + 1, ": class name '", name,
                         "' is ", name.empty() ? "empty" : "there already",
                         ", expected a name of its own on each line"));
      }
      names.push_back(name);
    }
    return names;
  }
  return std::vector<std::string>();
}

// The folder of each class's images, if all are in one folder and it holds no
// other class; otherwise its number.
std::vector<std::string> NamesFromFolders(const SplitMetadata& metadata) {
  const auto folder_of = [](const std::string& id) -> absl::string_view {
    const size_t end = id.rfind('/');
    if (end == std::string::npos || end == 0) return {};
    const size_t begin = id.rfind('/', end - 1);
    const size_t start = begin == std::string::npos ? 0 : begin + 1;
    return absl::string_view(id).substr(start, end - start);
  };
  std::vector<absl::string_view> folders(
      static_cast<size_t>(metadata.num_classes));
  bool unique = true;
  for (const ImageRecord& image : metadata.images) {
    absl::string_view& folder = folders[static_cast<size_t>(image.label)];
    const absl::string_view own = folder_of(image.id);
    if (folder.empty()) folder = own;
    if (own.empty() || own != folder) unique = false;
  }
  absl::flat_hash_set<absl::string_view> seen;
  for (const absl::string_view folder : folders) {
    if (!folder.empty() && !seen.insert(folder).second) unique = false;
  }
  std::vector<std::string> names;
  for (size_t label = 0; label < folders.size(); ++label) {
    names.push_back(unique && !folders[label].empty()
                        ? std::string(folders[label])
                        : absl::StrCat("class ", label));
  }
  return names;
}

}  // namespace

absl::StatusOr<Dataset> Dataset::Open(const std::string& metadata_dir,
                                      const std::string& image_root,
                                      const DatasetOptions& options) {
  std::error_code error;
  if (!std::filesystem::is_directory(image_root, error)) {
    return absl::NotFoundError(
        absl::StrCat("the images' folder '", image_root, "' does not exist"));
  }
  Dataset dataset;
  dataset.image_root_ = image_root;
  dataset.mask_root_ =
      options.mask_root.empty() ? image_root : options.mask_root;
  VISION_ASSIGN_OR_RETURN(dataset.class_names_, ReadClassNames(metadata_dir));
  MetadataOptions metadata_options;
  metadata_options.proxy = options.proxy;
  metadata_options.num_classes = options.num_classes;
  if (!dataset.class_names_.empty()) {
    const int named = static_cast<int>(dataset.class_names_.size());
    if (options.num_classes != 0 && options.num_classes != named) {
      return absl::InvalidArgumentError(absl::StrCat(
          "num_classes is ", options.num_classes, ", but ", kClassNames,
          " of '", metadata_dir, "' names ", named, " classes"));
    }
    metadata_options.num_classes = named;
  }
  VISION_ASSIGN_OR_RETURN(dataset.metadata_,
                          ReadSplitMetadata(metadata_dir, metadata_options));
  if (dataset.metadata_.images.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the split '", metadata_dir, "' has no images"));
  }
  if (dataset.class_names_.empty()) {
    dataset.class_names_ = NamesFromFolders(dataset.metadata_);
  }
  return dataset;
}

std::string Dataset::ImagePath(int64_t i) const {
  return vision::JoinPath(image_root_, record(i).id);
}

absl::StatusOr<cv::Mat> Dataset::LoadImage(int64_t i) const {
  absl::StatusOr<cv::Mat> image = vision::ReadRgb(ImagePath(i));
  if (!image.ok()) {
    return vision::Annotate(image.status(),
                            absl::StrCat("image id '", record(i).id, "'"));
  }
  return image;
}

absl::StatusOr<cv::Mat> Dataset::LoadMask(int64_t i) const {
  const ImageRecord& image = record(i);
  if (image.mask_paths.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("image id '", image.id, "' has no masks"));
  }
  cv::Mat mask;
  // Reads one file and checks that it is as large as those before it.
  const auto read = [&](const std::string& path) -> absl::StatusOr<cv::Mat> {
    absl::StatusOr<cv::Mat> gray =
        vision::ReadGray(vision::JoinPath(mask_root_, path));
    if (!gray.ok()) {
      return vision::Annotate(
          gray.status(), absl::StrCat("a mask of image id '", image.id, "'"));
    }
    if (!mask.empty() && gray->size() != mask.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("mask '", path, "' of image id '", image.id, "' is ",
                       gray->cols, "x", gray->rows, " pixels, expected ",
                       mask.cols, "x", mask.rows, " as its other masks"));
    }
    return gray;
  };
  for (const std::string& path : image.mask_paths) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat instance, read(path));
    if (mask.empty()) mask = cv::Mat::zeros(instance.size(), CV_8UC1);
    mask.setTo(1, instance != 0);
  }
  if (!image.ignore_path.empty()) {
    VISION_ASSIGN_OR_RETURN(const cv::Mat ignore, read(image.ignore_path));
    mask.setTo(255, (ignore != 0) & (mask == 0));
  }
  return mask;
}

}  // namespace wsol
