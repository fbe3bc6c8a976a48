#include "wsol/experiment/experiment_data.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

std::string SplitDir(const std::string& given, const std::string& root,
                     absl::string_view name) {
  if (!given.empty() || root.empty()) return given;
  return vision::JoinPath(root, name);
}

absl::Status CheckSameImages(const Dataset& boxes, const Dataset& masks,
                             const std::string& box_dir,
                             const std::string& mask_dir) {
  const auto differ = [&](const std::string& what) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", box_dir, "' and '", mask_dir,
                     "' must list the same images in the same order: ", what));
  };
  if (boxes.size() != masks.size()) {
    return differ(absl::StrCat(boxes.size(), " and ", masks.size()));
  }
  for (int64_t i = 0; i < boxes.size(); ++i) {
    if (boxes.record(i).id != masks.record(i).id) {
      return differ(absl::StrCat("number ", i, " is '", boxes.record(i).id,
                                 "' and '", masks.record(i).id, "'"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Dataset>> OpenDataset(
    const std::string& metadata_dir, const std::string& image_root,
    const DatasetOptions& options) {
  VISION_ASSIGN_OR_RETURN(Dataset dataset,
                          Dataset::Open(metadata_dir, image_root, options));
  return std::make_unique<Dataset>(std::move(dataset));
}

}  // namespace

absl::Status ExperimentDataOptions::Validate() const {
  const auto need = [&](const std::string& dir, absl::string_view flag) {
    if (!dir.empty() || !metadata_root.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("--metadata_root is needed (the folder with train, val "
                     "and test), or --",
                     flag));
  };
  VISION_RETURN_IF_ERROR(need(train_metadata_dir, "train_metadata_dir"));
  if (validate) {
    VISION_RETURN_IF_ERROR(need(val_metadata_dir, "val_metadata_dir"));
  }
  if (test) {
    VISION_RETURN_IF_ERROR(need(test_metadata_dir, "test_metadata_dir"));
  }
  if (image_root.empty()) {
    return absl::InvalidArgumentError(
        "--image_root is needed, the folder that image ids start from");
  }
  if (num_classes < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--num_classes must not be negative, got ", num_classes));
  }
  if (num_val_per_class < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--num_val_per_class must not be negative, got ", num_val_per_class));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<EvaluationSplit>> EvaluationSplit::Open(
    const std::string& metadata_dir, const std::string& mask_dir,
    const std::string& image_root, const DatasetOptions& dataset_options,
    LoaderOptions options) {
  // Not std::make_unique: the constructor is private.
  std::unique_ptr<EvaluationSplit> split(new EvaluationSplit());
  VISION_ASSIGN_OR_RETURN(
      std::unique_ptr<Dataset> dataset,
      OpenDataset(metadata_dir, image_root, dataset_options));
  if (dataset->size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", metadata_dir, "' has no images"));
  }
  if (!dataset->record(0).boxes.empty()) {
    split->boxes_ = std::move(dataset);
  } else if (!dataset->record(0).mask_paths.empty()) {
    split->masks_ = std::move(dataset);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("'", metadata_dir,
                     "' has neither boxes nor masks for its first image '",
                     dataset->record(0).id, "', so it cannot be evaluated"));
  }
  if (!mask_dir.empty()) {
    if (split->masks_ != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", metadata_dir, "' has masks itself; with '",
                       mask_dir, "' it must have boxes"));
    }
    VISION_ASSIGN_OR_RETURN(split->masks_,
                            OpenDataset(mask_dir, image_root, dataset_options));
    VISION_RETURN_IF_ERROR(CheckSameImages(*split->boxes_, *split->masks_,
                                           metadata_dir, mask_dir));
  }
  options.shuffle = false;
  options.augment = false;
  options.raw_images = false;
  options.cache_in_memory = false;
  VISION_ASSIGN_OR_RETURN(split->loader_,
                          Loader::Create(&split->dataset(), options));
  return split;
}

absl::StatusOr<ExperimentData> OpenExperimentData(
    const ExperimentDataOptions& options, const LoaderOptions& loader) {
  VISION_RETURN_IF_ERROR(options.Validate());
  ExperimentData data;
  DatasetOptions dataset_options;
  dataset_options.mask_root = options.mask_root;
  dataset_options.num_classes = options.num_classes;
  DatasetOptions train_options = dataset_options;
  train_options.proxy = options.proxy_training_set;
  VISION_ASSIGN_OR_RETURN(data.train,
                          OpenDataset(SplitDir(options.train_metadata_dir,
                                               options.metadata_root, "train"),
                                      options.image_root, train_options));
  if (data.train->size() == 0) {
    return absl::InvalidArgumentError("the training split has no images");
  }
  // A split that lacks the last classes, or has more, is noticed here.
  dataset_options.num_classes = data.train->num_classes();
  const auto open = [&](const std::string& given, absl::string_view name,
                        const DatasetOptions& its_options) {
    const std::string masks =
        options.mask_metadata_root.empty()
            ? std::string()
            : vision::JoinPath(options.mask_metadata_root, name);
    return EvaluationSplit::Open(SplitDir(given, options.metadata_root, name),
                                 masks, options.image_root, its_options,
                                 loader);
  };
  if (options.validate) {
    DatasetOptions val_options = dataset_options;
    val_options.images_per_class = options.num_val_per_class;
    val_options.subset_seed = options.seed;
    VISION_ASSIGN_OR_RETURN(data.val,
                            open(options.val_metadata_dir, "val", val_options));
  }
  if (options.test) {
    VISION_ASSIGN_OR_RETURN(
        data.test, open(options.test_metadata_dir, "test", dataset_options));
  }
  return data;
}

}  // namespace wsol
