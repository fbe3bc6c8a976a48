// The published program main_wsol.py: trains by its flags, in its folders.
//
//   VISION_ASSIGN_OR_RETURN(const PublishedFlags flags,
//                           ParsePublishedFlags(arguments));
//   MainWsolEnvironment environment;
//   environment.out = &std::cout;
//   VISION_RETURN_IF_ERROR(RunMainWsol(flags, environment));

#ifndef FCAM_PUBLISHED_MAIN_WSOL_H_
#define FCAM_PUBLISHED_MAIN_WSOL_H_

#include "absl/status/status.h"
#include "fcam/published/published_flags.h"
#include "fcam/published/published_options.h"

namespace fcam {

// Trains a classifier (task STD_CL) or F-CAM from one (F_CL) in
// <root>/ExperimentFolder(flags), tests it, and writes what the published
// program leaves there (published_files.h). An experiment that was stopped or
// killed goes on where it was; one that passed is left alone, with a word.
//
// F_CL takes the classifier that FindPretrainedClassifier() names: a model
// folder of this project, or one of the published code, which holds weights
// alone, for the network of the flags. With --freeze_cl False the network
// starts from --encoder_weights, and that classifier gives the maps for seeds.
//
// Before anything is written: kInvalidArgument for flags that break a rule, a
// line each, and for a classifier of another network or number of classes;
// kNotFound for folders, naming what was looked for. Later: kCancelled when
// stopped, and the errors of RunClassifierTraining and RunFcamTraining.
absl::Status RunMainWsol(const PublishedFlags& flags,
                         const MainWsolEnvironment& environment);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_MAIN_WSOL_H_
