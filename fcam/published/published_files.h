// What the published program leaves in the folder of an experiment that is
// done, beyond what //wsol/experiment has written there.
//
//   performance_log_{best,last}.txt, .json  every metric of every split
//   {best,last}/test/curves.json, .png      accuracy by threshold, or precision
//                                           by recall
//   {best,last}/test/curves_top_1_5.json, curves_top1_5.png
//   <dataset>-{train,val}-boxv2-<bool>.png  metrics by epoch
//   <TAG>/config_model.yaml, config_obj_final.yaml, passed.txt
// and a line of <root>/LOG.txt. Numbers that were pickled there are JSON.

#ifndef FCAM_PUBLISHED_PUBLISHED_FILES_H_
#define FCAM_PUBLISHED_PUBLISHED_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "fcam/published/published_flags.h"

namespace fcam {

// `folder` must have history.json, test_best.json, test_last.json and the model
// folders of the flags' TAGs. Writes passed.txt last, so that a call that was
// killed is made again. kDataLoss for damaged files; errors of reading and
// writing.
absl::Status WritePublishedFiles(const PublishedFlags& flags,
                                 const std::string& root,
                                 const std::string& folder);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PUBLISHED_FILES_H_
