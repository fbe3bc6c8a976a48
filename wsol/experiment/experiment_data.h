// The splits that an experiment trains, chooses and tests on.

#ifndef WSOL_EXPERIMENT_EXPERIMENT_DATA_H_
#define WSOL_EXPERIMENT_EXPERIMENT_DATA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/evaluation/split_evaluation.h"

namespace wsol {

struct ExperimentDataOptions {
  // Folder with the split folders train, val and test (docs/data.md).
  std::string metadata_root;
  // Split folders instead of those, if not empty. A val folder of its own
  // allows choosing models by pseudo-boxes: the same images, other boxes.
  std::string train_metadata_dir;
  std::string val_metadata_dir;
  std::string test_metadata_dir;
  // Where the same images are described once with boxes and once with masks:
  // the folder with the splits val and test with masks. May be empty.
  std::string mask_metadata_root;
  // Folder that image ids start from.
  std::string image_root;
  // Folder that paths of masks start from; empty: image_root.
  std::string mask_root;
  // 0: as many as class_names.txt has lines, or else the largest label of the
  // training split + 1.
  int num_classes = 0;
  // Trains on the subset of image_ids_proxy.txt.
  bool proxy_training_set = false;
  // Validates on so many images of each class; 0: all.
  int num_val_per_class = 0;
  uint64_t seed = 0;
  // Whether there is a val or test split. Without validation no epoch is
  // chosen.
  bool validate = true;
  bool test = true;

  // kInvalidArgument names the flag.
  absl::Status Validate() const;
};

// A split with its truth, and a loader of its images.
class EvaluationSplit {
 public:
  // `mask_dir` may be empty. `options` are those of the loader; it neither
  // shuffles nor augments. Errors: those of Dataset and Loader;
  // kInvalidArgument for a split without boxes or masks, or if the two
  // descriptions are not of the same images.
  static absl::StatusOr<std::unique_ptr<EvaluationSplit>> Open(
      const std::string& metadata_dir, const std::string& mask_dir,
      const std::string& image_root, const DatasetOptions& dataset_options,
      LoaderOptions options);

  SplitTruth truth() const { return {boxes_.get(), masks_.get()}; }
  // That with boxes, if there is one.
  const Dataset& dataset() const {
    return boxes_ != nullptr ? *boxes_ : *masks_;
  }
  bool has_boxes() const { return boxes_ != nullptr; }
  bool has_masks() const { return masks_ != nullptr; }
  Loader& loader() const { return *loader_; }

 private:
  EvaluationSplit() = default;

  std::unique_ptr<Dataset> boxes_;
  std::unique_ptr<Dataset> masks_;
  std::unique_ptr<Loader> loader_;
};

struct ExperimentData {
  std::unique_ptr<Dataset> train;
  // Null without ExperimentDataOptions::validate or test.
  std::unique_ptr<EvaluationSplit> val;
  std::unique_ptr<EvaluationSplit> test;

  int num_classes() const { return train->num_classes(); }
};

// Opens all splits, whose labels must be below the number of classes.
// `loader` is that of val and test. Errors: those above, naming the folder.
absl::StatusOr<ExperimentData> OpenExperimentData(
    const ExperimentDataOptions& options, const LoaderOptions& loader);

}  // namespace wsol

#endif  // WSOL_EXPERIMENT_EXPERIMENT_DATA_H_
