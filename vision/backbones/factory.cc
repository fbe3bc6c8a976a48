#include "vision/backbones/factory.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/backbone.h"
#include "vision/backbones/resnet.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

constexpr absl::string_view kResNetSmall = "resnet_small";

}  // namespace

absl::StatusOr<std::shared_ptr<Backbone>> MakeBackbone(
    absl::string_view name, const BackboneOptions& options) {
  std::vector<std::string> names;
  for (const BackboneInfo& info : ListBackbones()) names.push_back(info.name);
  VISION_RETURN_IF_ERROR(CheckName("backbone", name, names));

  ResNetOptions resnet = options.resnet_small;
  if (name != kResNetSmall) {
    VISION_ASSIGN_OR_RETURN(resnet, ResNetPreset(name, options.strides));
  }
  resnet.in_channels = options.in_channels;
  resnet.zero_init_last_norm = options.zero_init_last_norm;
  resnet.seed = options.seed;
  return MakeResNet(resnet);
}

std::vector<BackboneInfo> ListBackbones() {
  return {
      {std::string(kResNetSmall), 493280},
      {"resnet18", 11176512},
      {"resnet34", 21284672},
      {"resnext50_32x4d", 22979904},
      {"resnet50", 23508032},
      {"resnet101", 42500160},
      {"resnet152", 58143808},
      {"wide_resnet50_2", 66834240},
  };
}

}  // namespace vision
