// How the demo trains: every hyper-parameter in one place.

#ifndef FCAM_DEMO_RECIPE_H_
#define FCAM_DEMO_RECIPE_H_

#include <string>
#include <utility>
#include <vector>

#include "fcam/decoder/fcam_model.h"
#include "fcam/demo/demo_options.h"
#include "fcam/training/fcam_trainer.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/training/classifier_trainer.h"

namespace fcam {

struct DemoRecipe {
  wsol::SyntheticOptions data;
  // num_classes is that of the data.
  wsol::ClassifierOptions classifier;
  wsol::ClassifierTrainingOptions classifier_training;
  FcamModelOptions fcam;
  FcamTrainingOptions fcam_training;
  // Batches of the training split, augmented, and of the others.
  wsol::LoaderOptions classifier_loader;
  wsol::LoaderOptions fcam_loader;
  wsol::LoaderOptions evaluation_loader;
};

// The recipe for these options: seeds, threads and sizes filled in. It was
// chosen on the validation split (docs/benchmarks.md); the test split played no
// part.
DemoRecipe MakeDemoRecipe(const DemoOptions& options);

// What decides the outcome, as lines of name and value for the report.
std::vector<std::pair<std::string, std::string>> DescribeRecipe(
    const DemoRecipe& recipe);

// A short text that differs between recipes whose trainings must not be mixed
// up; part of the names of their state files. The second also covers the
// first's training, which it builds on.
std::string ClassifierFingerprint(const DemoRecipe& recipe);
std::string FcamFingerprint(const DemoRecipe& recipe);

}  // namespace fcam

#endif  // FCAM_DEMO_RECIPE_H_
