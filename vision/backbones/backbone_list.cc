#include "vision/backbones/backbone_list.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

using List = std::vector<int64_t>;

const List& FineSizes() {
  static const List& sizes = *new List{224, 112, 56, 28, 28, 28};
  return sizes;
}

const List& HalvedSizes() {
  static const List& sizes = *new List{224, 112, 56, 28, 14, 7};
  return sizes;
}

// A network whose presets differ in strides only.
BackboneInfo StridesOnly(std::string name, int64_t parameters, List channels,
                         List wsol28_sizes, List imagenet_sizes) {
  BackboneInfo info;
  info.name = std::move(name);
  info.num_parameters = parameters;
  info.wsol28 = {parameters, channels, std::move(wsol28_sizes)};
  info.imagenet = {parameters, std::move(channels), std::move(imagenet_sizes)};
  return info;
}

BackboneInfo Pyramid(std::string name, int64_t parameters, List channels) {
  return StridesOnly(std::move(name), parameters, std::move(channels),
                     FineSizes(), HalvedSizes());
}

BackboneInfo Transformer(std::string name) {
  return StridesOnly(std::move(name), 21665664, {3, 384}, {224, 28}, {224, 14});
}

BackboneInfo Vgg(std::string name, int64_t parameters) {
  constexpr int64_t kConv6 = 512 * 1024 * 9 + 1024;
  BackboneInfo info;
  info.name = std::move(name);
  info.wsol28 = {parameters + kConv6, {64, 128, 256, 1024}, {224, 112, 56, 28}};
  info.imagenet = {parameters, {64, 128, 256, 512, 512, 512}, HalvedSizes()};
  info.num_parameters = info.wsol28.num_parameters;
  return info;
}

BackboneInfo InceptionV3() {
  BackboneInfo info;
  info.name = "inception_v3";
  info.wsol28 = {
      25482976, {3, 64, 80, 288, 768, 1024}, {224, 112, 57, 29, 29, 29}};
  info.imagenet = {
      21785568, {3, 64, 80, 288, 768, 2048}, {224, 109, 54, 25, 12, 5}};
  info.num_parameters = info.wsol28.num_parameters;
  return info;
}

std::string LevelsText(const BackboneForm& form) {
  std::string text;
  for (size_t i = 0; i < form.channels.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : "  ", form.channels[i], "@",
                    form.sizes[i]);
  }
  return text;
}

}  // namespace

std::vector<BackboneInfo> ListBackbones() {
  std::vector<BackboneInfo> list = {
      StridesOnly("resnet_small", 493280, {3, 32, 32, 64, 96, 128},
                  {224, 112, 112, 56, 28, 28}, {224, 112, 112, 56, 28, 28}),
      Pyramid("mobilenet_v3_large", 2971952, {3, 16, 24, 40, 112, 960}),
      Pyramid("efficientnet_b0", 4007548, {3, 16, 24, 40, 112, 1280}),
      Pyramid("resnet18", 11176512, {3, 64, 64, 128, 256, 512}),
      Pyramid("resnet34", 21284672, {3, 64, 64, 128, 256, 512}),
      Transformer("deit_small_patch16_224"),
      Transformer("vit_small_patch16_224"),
      Pyramid("resnext50_32x4d", 22979904, {3, 64, 256, 512, 1024, 2048}),
      Pyramid("resnet50", 23508032, {3, 64, 256, 512, 1024, 2048}),
      InceptionV3(),
      Pyramid("resnet101", 42500160, {3, 64, 256, 512, 1024, 2048}),
      Pyramid("resnet152", 58143808, {3, 64, 256, 512, 1024, 2048}),
      Pyramid("wide_resnet50_2", 66834240, {3, 64, 256, 512, 1024, 2048}),
      Vgg("vgg11", 9220480),
      Vgg("vgg11_bn", 9225984),
      Vgg("vgg13", 9404992),
      Vgg("vgg13_bn", 9410880),
      Vgg("vgg16", 14714688),
      Vgg("vgg16_bn", 14723136),
      Vgg("vgg19", 20024384),
      Vgg("vgg19_bn", 20035392),
  };
  std::stable_sort(list.begin(), list.end(),
                   [](const BackboneInfo& a, const BackboneInfo& b) {
                     return a.num_parameters < b.num_parameters;
                   });
  return list;
}

absl::StatusOr<std::string> FindBackboneName(absl::string_view name) {
  if (name == "inceptionv3") return std::string("inception_v3");
  std::vector<std::string> names;
  for (const BackboneInfo& info : ListBackbones()) names.push_back(info.name);
  VISION_RETURN_IF_ERROR(CheckName("backbone", name, names));
  return std::string(name);
}

std::string FormatBackboneList() {
  std::string text = absl::StrFormat("%-23s %-9s %10s  %s\n", "name", "strides",
                                     "parameters", "levels for 224 x 224");
  const auto add = [&](const std::string& name, absl::string_view strides,
                       const BackboneForm& form) {
    absl::StrAppend(
        &text, absl::StrFormat("%-23s %-9s %8.2f M  %s\n", name, strides,
                               static_cast<double>(form.num_parameters) / 1e6,
                               LevelsText(form)));
  };
  for (const BackboneInfo& info : ListBackbones()) {
    add(info.name, "wsol28", info.wsol28);
    add("", "imagenet", info.imagenet);
  }
  return text;
}

}  // namespace vision
