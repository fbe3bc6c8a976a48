// The flags of //wsol:dataset as options of its commands.
//
// Relative paths start where the user typed the command. Errors name the flag.

#ifndef WSOL_CLI_DATASET_FLAGS_H_
#define WSOL_CLI_DATASET_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/coco_annotations.h"
#include "wsol/datasets/folder_annotations.h"
#include "wsol/datasets/split_check.h"
#include "wsol/datasets/split_subset.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/datasets/voc_annotations.h"

namespace wsol {

// Which formats `import` reads.
enum class ImportFormat { kVoc, kCoco, kFolders };

// kInvalidArgument if a flag was given that `command` does not look at.
absl::Status CheckFlagsOfCommand(absl::string_view command);

// Shared by several commands.
struct DatasetFlags {
  std::string output;
  bool overwrite = false;
  std::string image_root;
  std::string mask_root;
  int num_classes = 0;
  // Of subset: write image_ids_proxy.txt in place of a split.
  bool proxy = false;
};
DatasetFlags DatasetFlagsFromFlags();

SplitCheckOptions SplitCheckOptionsFromFlags();
absl::StatusOr<SubsetOptions> SubsetOptionsFromFlags();
absl::StatusOr<SyntheticOptions> SyntheticOptionsFromFlags();

// Of import. A flag of another format is an error of the format's function.
absl::StatusOr<ImportFormat> ImportFormatFromFlags();
absl::StatusOr<ImportPolicy> ImportPolicyFromFlags();
absl::StatusOr<VocOptions> VocOptionsFromFlags();
absl::StatusOr<CocoOptions> CocoOptionsFromFlags();
absl::StatusOr<FolderOptions> FolderOptionsFromFlags();

}  // namespace wsol

#endif  // WSOL_CLI_DATASET_FLAGS_H_
