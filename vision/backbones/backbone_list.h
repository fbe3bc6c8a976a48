// What there is to choose from: backbones by name, with their sizes.
//
//   for (const vision::BackboneInfo& info : vision::ListBackbones()) {
//     std::cout << info.name << " " << info.num_parameters << std::endl;
//   }
//   std::cout << vision::FormatBackboneList();
//
// A table that is known in advance: no network is built.

#ifndef VISION_BACKBONES_BACKBONE_LIST_H_
#define VISION_BACKBONES_BACKBONE_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vision {

// A network with the strides of one preset, without a classification head.
struct BackboneForm {
  int64_t num_parameters;
  // C_i of f0, f1, ... and H_i = W_i for 224 x 224 RGB images.
  std::vector<int64_t> channels;
  std::vector<int64_t> sizes;
};

struct BackboneInfo {
  std::string name;
  // Of the default form, wsol28.
  int64_t num_parameters;
  BackboneForm wsol28;
  // resnet_small has one form only: the same.
  BackboneForm imagenet;
};

// All names that MakeBackbone takes (vision/backbones/factory.h), small ones
// first. "inceptionv3", the published code's name, stands for inception_v3.
std::vector<BackboneInfo> ListBackbones();

// `name`, or the listed name that it stands for. kInvalidArgument for a name
// that is not known; the nearest ones are named.
absl::StatusOr<std::string> FindBackboneName(absl::string_view name);

// The list as text, a line for each name and form: name, strides, parameters in
// millions, and the levels as channels @ size.
std::string FormatBackboneList();

}  // namespace vision

#endif  // VISION_BACKBONES_BACKBONE_LIST_H_
