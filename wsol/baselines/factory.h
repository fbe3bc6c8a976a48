// Training methods by name.
//
//   TrainingMethodOptions options;
//   options.name = "HaS";
//   VISION_ASSIGN_OR_RETURN(auto method,
//                           wsol::MakeTrainingMethod(options, classifier));
//
// | name   | paper                        | needs                           |
// |--------|------------------------------|---------------------------------|
// | none   |                              | any head                        |
// | HaS    | Singh and Lee, ICCV 2017     | any head                        |
// | CutMix | Yun et al., ICCV 2019        | any head                        |
// | ACoL   | Zhang et al., CVPR 2018      | pooling head "ACoL"             |
// | ADL    | Choe and Shim, CVPR 2019     | any head                        |
// | SPG    | Zhang et al., ECCV 2018      | pooling head "GAP", 3 levels    |

#ifndef WSOL_BASELINES_FACTORY_H_
#define WSOL_BASELINES_FACTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/baselines/training_method.h"
#include "wsol/classifier/classifier.h"

namespace wsol {

// "none", "HaS", "CutMix", "ACoL", "ADL", "SPG".
std::vector<std::string> TrainingMethodNames();

// The listed name that equals `name` but for case ("cutmix" -> "CutMix", "" ->
// "none"). kInvalidArgument names the nearest.
absl::StatusOr<std::string> ParseTrainingMethod(absl::string_view name);

// The pooling head that the method needs: "ACoL" for ACoL, "GAP" for SPG, ""
// where any will do. For programs whose user gave a method but no head.
std::string RequiredPoolingHead(absl::string_view method);

// Whether the options and the head go together, without building a network.
// kInvalidArgument for unknown names (the nearest are named), bad options, and
// a method whose rule on heads (above) `pooling_head` breaks, or the head
// "ACoL" without its method.
absl::Status CheckTrainingMethod(const TrainingMethodOptions& options,
                                 absl::string_view pooling_head);

// `classifier` must outlive the method. While an ADL method lives it is the
// stage transform of the classifier's encoder. kInvalidArgument as above, and
// for levels that the encoder does not compute.
absl::StatusOr<std::unique_ptr<TrainingMethod>> MakeTrainingMethod(
    const TrainingMethodOptions& options, Classifier& classifier);

}  // namespace wsol

#endif  // WSOL_BASELINES_FACTORY_H_
