// A split's folder, written as a whole: it is there with all its files, or not
// at all.

#ifndef WSOL_DATASETS_SPLIT_FOLDER_H_
#define WSOL_DATASETS_SPLIT_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

// kAlreadyExists if WriteSplitFolder would refuse `split_dir`: it has files in
// it, and `overwrite` is false or one of them is not a split's. To be asked
// before long work.
absl::Status CheckSplitFolder(const std::string& split_dir, bool overwrite);

// Writes the files of WriteSplitMetadata and class_names.txt (unless
// `class_names` is empty) into a folder beside `split_dir`, which then takes
// its place in one step; parents are created. A folder that is replaced loses
// all its files. Errors: those of CheckSplitFolder, CheckSplitMetadata,
// CheckClassNames and of writing; nothing has changed then.
absl::Status WriteSplitFolder(const std::string& split_dir,
                              const SplitMetadata& metadata,
                              const std::vector<std::string>& class_names,
                              bool overwrite);

}  // namespace wsol

#endif  // WSOL_DATASETS_SPLIT_FOLDER_H_
