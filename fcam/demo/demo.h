// The main job from beginning to end on a built-in data set: composes images,
// trains a classifier from class labels, reads its class activation maps,
// trains F-CAM on the frozen classifier, evaluates both and reports.

#ifndef FCAM_DEMO_DEMO_H_
#define FCAM_DEMO_DEMO_H_

#include "absl/status/status.h"
#include "fcam/demo/demo_options.h"

namespace fcam {

// Writes into options.output_dir:
//   report.html   what was done and what came out, in one file
//   summary.json  the numbers (summary.h)
//   fcam.pt       the weights, for torch.load or vision::ReadStateDict
//   state/        the states of both trainings, to go on from
// and prints the table of results on standard output.
//
// kCancelled when SIGINT or SIGTERM came (wsol/cli/interrupt.h): finished parts
// of the data and finished epochs are kept, and the same call goes on from
// there. Errors name what is wrong: an output folder that cannot be written, a
// full disk, missing source material.
absl::Status RunDemo(const DemoOptions& options);

}  // namespace fcam

#endif  // FCAM_DEMO_DEMO_H_
