// Names of weights, from those of one code to those of another.
//
//   VISION_ASSIGN_OR_RETURN(const KeyMap map,
//                           ApplyKeyRule("vgg_imagenet", names));
//   for (const KeyMap::Entry& entry : map.entries) {
//     renamed.insert(entry.name, dict[entry.source].value());
//   }
//
// On names alone; vision/nn/remap_state_dict.h does it to tensors.

#ifndef VISION_WEIGHTS_KEY_RULES_H_
#define VISION_WEIGHTS_KEY_RULES_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace vision {

struct KeyMap {
  struct Entry {
    std::string name;
    // Index of the name it had.
    size_t source;
  };
  // The result, in its order. A source may occur more than once.
  std::vector<Entry> entries;
  // Names that have no place in the result. Duplicates are not among them.
  std::vector<std::string> dropped;
  // Indices of names whose tensors are the same, by the rule: one is in the
  // result, the other is not. Whoever has the values should compare them.
  std::vector<std::pair<size_t, size_t>> duplicates;
};

struct KeyRule {
  std::string name;
  // One line for people.
  std::string description;
};

// The rules there are:
//   drop_head             classifiers of torchvision and timm: fc.,
//   classifier.,
//                         head., head_dist., AuxLogits.
//   vgg_imagenet          torchvision's VGGs to the WSOL form, in which the
//                         last two pools are missing, so that the last block's
//                         layers have numbers smaller by one (VGG-16:
//                         features.24, 26, 28 become 23, 25, 27). The
//                         classifier is dropped.
//   inception_v3_imagenet drops what the WSOL form lacks: Mixed_7, AuxLogits,
//                         fc.
//   published_vgg16, published_inception_v3
//                         encoder.pt of the published F-CAM code, which lists
//                         each tensor twice, to one name each
//   to_published_vgg16, to_published_inception_v3
//                         the other way round, for its strict loading
// Its ResNet files, heads and decoders have the names of this project as they
// are.
absl::Span<const KeyRule> ListKeyRules();

// `names` must differ. Reading the published Inception, and writing it, relies
// on the order of the named layers. Writing numbers its duplicates by position
// in the sequence of layers and max pools (Conv2d_1a is features.0, SPG_A3_2b
// features.16); if `like`, the names of a published file, is not empty, its
// numbers are used instead.
//
// kInvalidArgument for an unknown rule (the nearest are named), for names that
// do not look like what the rule is for, and for names that would meet.
absl::StatusOr<KeyMap> ApplyKeyRule(absl::string_view rule,
                                    absl::Span<const std::string> names,
                                    absl::Span<const std::string> like = {});

}  // namespace vision

#endif  // VISION_WEIGHTS_KEY_RULES_H_
