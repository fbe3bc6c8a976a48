// Where the published program puts its experiments and looks for classifiers.
//
//   ExperimentFolder(flags);  // "exps/CUB/resnet50/STD_CL/CAM/id_..."
//   ModelTag(flags, "best");  // "CUB-resnet50-CAM-WGAP-cp_best-boxv2_False"

#ifndef FCAM_PUBLISHED_PUBLISHED_NAMES_H_
#define FCAM_PUBLISHED_PUBLISHED_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "fcam/published/published_flags.h"

namespace fcam {

inline constexpr char kExperimentsFolder[] = "exps";
inline constexpr char kPretrainedFolder[] = "pretrained";
inline constexpr char kStoredCamsFolder[] = "data_cams";
inline constexpr char kFoldsFolder[] = "folds/wsol-done-right-splits";
// Below the experiment's folder.
inline constexpr char kPassedFile[] = "passed.txt";
inline constexpr char kConfigFile[] = "config.yml";
inline constexpr char kModelConfigFile[] = "config_model.yaml";
inline constexpr char kFinalConfigFile[] = "config_obj_final.yaml";
// Below the root.
inline constexpr char kExperimentsLog[] = "LOG.txt";

// Name of the experiment's folder, without its place.
std::string ExperimentName(const PublishedFlags& flags);

// <dataset>/<encoder>/<task>/<method>, in which the experiments of a kind are.
std::string ExperimentKind(const PublishedFlags& flags, absl::string_view task);

// Relative to the root.
std::string ExperimentFolder(const PublishedFlags& flags);

// Name of the model folder of `checkpoint`, "best" or "last".
std::string ModelTag(const PublishedFlags& flags, absl::string_view checkpoint);

// Of the maps that F_CL reads instead of computing them, relative to the root;
// `split` is train, val or test.
std::string StoredCamsFolder(const PublishedFlags& flags,
                             absl::string_view split);

// "performance_log_best.txt".
std::string PerformanceLogFile(absl::string_view checkpoint);

// "CUB-val-boxv2-False.png", the curves of a split's metrics over the epochs.
std::string EpochCurvesFile(const PublishedFlags& flags,
                            absl::string_view split);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PUBLISHED_NAMES_H_
