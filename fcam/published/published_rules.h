// Which combinations of the published flags are legal, and what is used instead
// of those that had no effect or could not work in the published program.
//
//   VISION_RETURN_IF_ERROR(CheckPublishedRules(flags));
//   for (const std::string& line : PublishedNotes(flags)) std::cout << line;

#ifndef FCAM_PUBLISHED_PUBLISHED_RULES_H_
#define FCAM_PUBLISHED_PUBLISHED_RULES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fcam/published/published_flags.h"

namespace fcam {

inline constexpr char kClassifierTask[] = "STD_CL";
inline constexpr char kFcamTask[] = "F_CL";

// The legal values of --method, each with the --spatial_pooling it needs.
const std::vector<std::pair<std::string, std::string>>& PublishedMethods();

// The architecture that a task needs.
std::string ArchOfTask(absl::string_view task);

// Whether a loss on the maps is on: sl_fc, crf_fc, entropy_fc, max_sizepos_fc.
bool HasMapLoss(const PublishedFlags& flags);

// OK if the flags go together and are in range; reads no file. kInvalidArgument
// has a line for each broken rule, with the rule.
absl::Status CheckPublishedRules(const PublishedFlags& flags);

// One line for each flag that was given and does not do what its name says, and
// for sizes that the published program refuses. Of legal flags.
std::vector<std::string> PublishedNotes(const PublishedFlags& flags);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PUBLISHED_RULES_H_
