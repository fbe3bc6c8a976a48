// The published flags as options of the trainings of //wsol and //fcam.
//
//   VISION_ASSIGN_OR_RETURN(
//       wsol::ClassifierRunOptions options,
//       PublishedClassifierRun(flags, environment));
//   wsol::RunClassifierTraining(options);

#ifndef FCAM_PUBLISHED_PUBLISHED_OPTIONS_H_
#define FCAM_PUBLISHED_PUBLISHED_OPTIONS_H_

#include <functional>
#include <iosfwd>
#include <string>

#include "absl/status/statusor.h"
#include "fcam/published/published_flags.h"
#include "fcam/training_run/fcam_run.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_info.h"
#include "wsol/training_run/classifier_run.h"
#include "wsol/training_run/initial_weights.h"

namespace fcam {

// Where and how main_wsol works.
struct MainWsolEnvironment {
  // Folder below which experiments are written and everything is looked for
  // whose place no flag says.
  std::string root = ".";
  // Folder with the data sets' folders, and with published weights, where no
  // flag says so; empty: "datasets" and "pretrained-imgnet" below the root.
  std::string data_root;
  std::string weights_dir;
  int num_threads = 1;
  // --verbose False hides it too.
  bool show_progress = true;
  // Asked often; true stops with kCancelled. May be empty.
  std::function<bool()> should_stop;
  // What the program says on the terminal, for the user; null: nothing.
  std::ostream* out = nullptr;
};

// Parts of the options below, for a classifier that is made apart.
wsol::ClassifierOptions PublishedClassifier(const PublishedFlags& flags);
wsol::InitialWeightsOptions PublishedInitialWeights(
    const PublishedFlags& flags, const MainWsolEnvironment& environment);
wsol::ImagePreprocessing PublishedPreprocessing(const PublishedFlags& flags);

// Options of task STD_CL, of flags that keep the rules. kNotFound, naming the
// flag and where it was looked for, if a folder of the data is missing.
absl::StatusOr<wsol::ClassifierRunOptions> PublishedClassifierRun(
    const PublishedFlags& flags, const MainWsolEnvironment& environment);

// Options of task F_CL, likewise; its classifier is for the caller to set.
absl::StatusOr<FcamRunOptions> PublishedFcamRun(
    const PublishedFlags& flags, const MainWsolEnvironment& environment);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PUBLISHED_OPTIONS_H_
