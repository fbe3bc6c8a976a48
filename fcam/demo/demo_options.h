// What the demo can be asked to do.

#ifndef FCAM_DEMO_DEMO_OPTIONS_H_
#define FCAM_DEMO_DEMO_OPTIONS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/datasets/synthetic.h"

namespace fcam {

struct DemoOptions {
  // The built-in data set.
  wsol::SyntheticKind data = wsol::SyntheticKind::kObjects20;
  // Folder with the data set's source material (wsol/datasets/objects20).
  std::string source_dir;
  // Report, summary and the states of both trainings go here.
  std::string output_dir;
  // The composed data set is kept below this folder and used again.
  std::string data_dir;
  // Of weights, order, augmentation and seeds. The images are the same for all.
  uint64_t seed = 0;
  // Threads that compute and load, at least 1.
  int num_threads = 1;
  // A small data set and a short training: shows that everything works, in
  // about a minute; its numbers mean little.
  bool fast = false;
  // Progress on standard error.
  bool show_progress = true;

  absl::Status Validate() const;
};

// "objects" or "birds"; kInvalidArgument names both.
absl::StatusOr<wsol::SyntheticKind> ParseDemoData(absl::string_view name);

}  // namespace fcam

#endif  // FCAM_DEMO_DEMO_OPTIONS_H_
