#include "vision/weights/key_rules.h"

#include <cstdint>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

using Names = absl::Span<const std::string>;

const std::vector<KeyRule>& Rules() {
  static const auto* const rules = new std::vector<KeyRule>{
      {"drop_head",
       "drops the classifier of torchvision's and timm's networks"},
      {"vgg_imagenet",
       "torchvision's VGG to the WSOL form: renumbers the last block, drops "
       "the classifier"},
      {"inception_v3_imagenet",
       "torchvision's Inception v3 to the WSOL form: drops Mixed_7, AuxLogits "
       "and fc"},
      {"published_vgg16",
       "encoder.pt of the published F-CAM code: drops the second names"},
      {"published_inception_v3",
       "encoder.pt of the published F-CAM code: drops the second names"},
      {"to_published_vgg16", "adds the second names"},
      {"to_published_inception_v3", "adds the second names"},
  };
  return *rules;
}

// "features.12.weight" is layer 12 and its ".weight".
struct NumberedName {
  int64_t number;
  absl::string_view rest;
};

// False if `name` is not `prefix`, a number and a rest that starts with a dot.
bool ParseNumbered(absl::string_view name, absl::string_view prefix,
                   NumberedName* parsed) {
  if (!absl::ConsumePrefix(&name, prefix)) return false;
  const size_t dot = name.find('.');
  // Long numbers are no layers.
  if (dot == absl::string_view::npos || dot > 6) return false;
  parsed->rest = name.substr(dot);
  return absl::SimpleAtoi(name.substr(0, dot), &parsed->number) &&
         parsed->number >= 0;
}

bool IsOfHead(absl::string_view name) {
  for (const absl::string_view prefix :
       {"fc.", "classifier.", "head.", "head_dist.", "AuxLogits."}) {
    if (absl::StartsWith(name, prefix)) return true;
  }
  return false;
}

KeyMap DropHead(Names names) {
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    if (IsOfHead(names[i])) {
      map.dropped.push_back(names[i]);
    } else {
      map.entries.push_back({names[i], i});
    }
  }
  return map;
}

KeyMap InceptionImageNet(Names names) {
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    if (absl::StrContains(names[i], "Mixed_7") ||
        absl::StrContains(names[i], "AuxLogits") ||
        absl::StrContains(names[i], "fc.")) {
      map.dropped.push_back(names[i]);
    } else {
      map.entries.push_back({names[i], i});
    }
  }
  return map;
}

// Layers with weights are two apart within a block (the ReLU has none), or one
// and two with batch norm; a pool makes it three. The fifth block follows the
// fourth pool, which the WSOL form lacks.
absl::StatusOr<KeyMap> VggImageNet(Names names) {
  std::map<int64_t, int> layers;
  for (const std::string& name : names) {
    NumberedName parsed;
    if (ParseNumbered(name, "features.", &parsed)) ++layers[parsed.number];
  }
  constexpr int64_t kGapOfPool = 3;
  int num_pools = 0;
  int64_t last_block = 0;
  int64_t previous = -1;
  for (const auto& [number, count] : layers) {
    if (previous >= 0 && number - previous == kGapOfPool) {
      ++num_pools;
      last_block = number;
    }
    previous = number;
  }
  // The pool behind the fifth block leaves no gap.
  constexpr int kPoolsBetween = 4;
  if (num_pools != kPoolsBetween) {
    return absl::InvalidArgumentError(
        absl::StrCat("has features in ", num_pools + 1,
                     " blocks, expected the 5 of torchvision's VGG networks"));
  }
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    NumberedName parsed;
    if (IsOfHead(names[i])) {
      map.dropped.push_back(names[i]);
    } else if (ParseNumbered(names[i], "features.", &parsed) &&
               parsed.number >= last_block) {
      map.entries.push_back(
          {absl::StrCat("features.", parsed.number - 1, parsed.rest), i});
    } else {
      map.entries.push_back({names[i], i});
    }
  }
  return map;
}

// conv6 of the published VGG-16, as its full_features have it.
constexpr int64_t kConv6Number = 29;

// "features.3.bias" and "conv6.bias" in full_features; nothing for others.
std::string FullFeaturesName(absl::string_view name) {
  NumberedName parsed;
  if (ParseNumbered(name, "features.", &parsed)) {
    return absl::StrCat("full_", name);
  }
  if (absl::ConsumePrefix(&name, "conv6")) {
    return absl::StrCat("full_features.", kConv6Number, name);
  }
  return "";
}

absl::StatusOr<KeyMap> PublishedVgg16(Names names) {
  absl::flat_hash_map<std::string, size_t> by_full_name;
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    if (absl::StartsWith(names[i], "full_features.")) continue;
    const std::string full = FullFeaturesName(names[i]);
    if (!full.empty()) by_full_name.emplace(full, i);
    map.entries.push_back({names[i], i});
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (!absl::StartsWith(names[i], "full_features.")) continue;
    const auto found = by_full_name.find(names[i]);
    if (found == by_full_name.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          names[i], " has no other name, which published VGG-16 files have"));
    }
    map.duplicates.emplace_back(found->second, i);
  }
  if (map.duplicates.empty()) {
    return absl::InvalidArgumentError(
        "has no full_features, which published VGG-16 files have");
  }
  return map;
}

absl::StatusOr<KeyMap> ToPublishedVgg16(Names names) {
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    if (FullFeaturesName(names[i]).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(names[i], " is no weight of the WSOL form of VGG-16"));
    }
    map.entries.push_back({names[i], i});
  }
  for (size_t i = 0; i < names.size(); ++i) {
    map.entries.push_back({FullFeaturesName(names[i]), i});
  }
  return map;
}

// The WSOL form of Inception v3 in order; the numbers left out are max pools.
struct InceptionLayer {
  absl::string_view name;
  int64_t number;
};
constexpr InceptionLayer kInceptionLayers[] = {
    {"Conv2d_1a_3x3", 0}, {"Conv2d_2a_3x3", 1}, {"Conv2d_2b_3x3", 2},
    {"Conv2d_3b_1x1", 4}, {"Conv2d_4a_3x3", 5}, {"Mixed_5b", 7},
    {"Mixed_5c", 8},      {"Mixed_5d", 9},      {"Mixed_6a", 10},
    {"Mixed_6b", 11},     {"Mixed_6c", 12},     {"Mixed_6d", 13},
    {"Mixed_6e", 14},     {"SPG_A3_1b", 15},    {"SPG_A3_2b", 16},
};
constexpr size_t kNumInceptionLayers =
    sizeof(kInceptionLayers) / sizeof(kInceptionLayers[0]);

// Index of the layer that `name` belongs to, and the rest of the name.
bool ParseInceptionLayer(absl::string_view name, size_t* layer,
                         absl::string_view* rest) {
  const size_t dot = name.find('.');
  if (dot == absl::string_view::npos) return false;
  for (size_t i = 0; i < kNumInceptionLayers; ++i) {
    if (name.substr(0, dot) == kInceptionLayers[i].name) {
      *layer = i;
      *rest = name.substr(dot);
      return true;
    }
  }
  return false;
}

// Which layer each number of `features` stands for. Numbers ascend with the
// layers, so the i-th is the i-th layer's.
absl::StatusOr<std::map<int64_t, size_t>> InceptionNumbers(Names names) {
  std::map<int64_t, size_t> layers;
  for (const std::string& name : names) {
    NumberedName parsed;
    if (ParseNumbered(name, "features.", &parsed)) {
      layers.emplace(parsed.number, 0);
    }
  }
  if (layers.size() != kNumInceptionLayers) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", layers.size(), " numbered layers in features, expected the ",
        kNumInceptionLayers, " of published Inception v3 files"));
  }
  size_t next = 0;
  for (auto& [number, layer] : layers) layer = next++;
  return layers;
}

absl::StatusOr<KeyMap> PublishedInception(Names names) {
  VISION_ASSIGN_OR_RETURN(const auto numbers, InceptionNumbers(names));
  absl::flat_hash_map<absl::string_view, size_t> named;
  KeyMap map;
  for (size_t i = 0; i < names.size(); ++i) {
    if (absl::StartsWith(names[i], "features.")) continue;
    named.emplace(names[i], i);
    map.entries.push_back({names[i], i});
  }
  for (size_t i = 0; i < names.size(); ++i) {
    NumberedName parsed;
    if (!absl::StartsWith(names[i], "features.")) continue;
    std::string other = names[i];
    if (ParseNumbered(names[i], "features.", &parsed)) {
      other = absl::StrCat(kInceptionLayers[numbers.at(parsed.number)].name,
                           parsed.rest);
    }
    const auto found = named.find(other);
    if (found == named.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(names[i], " should also be called ", other,
                       " in published Inception v3 files, and is not"));
    }
    map.duplicates.emplace_back(found->second, i);
  }
  return map;
}

absl::StatusOr<KeyMap> ToPublishedInception(Names names, Names like) {
  std::vector<int64_t> numbers(kNumInceptionLayers);
  for (size_t i = 0; i < kNumInceptionLayers; ++i) {
    numbers[i] = kInceptionLayers[i].number;
  }
  if (!like.empty()) {
    VISION_ASSIGN_OR_RETURN(const auto known, InceptionNumbers(like));
    for (const auto& [number, layer] : known) numbers[layer] = number;
  }
  KeyMap map;
  std::vector<KeyMap::Entry> second;
  for (size_t i = 0; i < names.size(); ++i) {
    size_t layer = 0;
    absl::string_view rest;
    if (!ParseInceptionLayer(names[i], &layer, &rest)) {
      return absl::InvalidArgumentError(absl::StrCat(
          names[i], " is no weight of the WSOL form of Inception v3"));
    }
    map.entries.push_back({names[i], i});
    second.push_back({absl::StrCat("features.", numbers[layer], rest), i});
  }
  map.entries.insert(map.entries.end(), second.begin(), second.end());
  return map;
}

absl::StatusOr<KeyMap> Apply(absl::string_view rule, Names names, Names like) {
  if (rule == "drop_head") return DropHead(names);
  if (rule == "vgg_imagenet") return VggImageNet(names);
  if (rule == "inception_v3_imagenet") return InceptionImageNet(names);
  if (rule == "published_vgg16") return PublishedVgg16(names);
  if (rule == "published_inception_v3") return PublishedInception(names);
  if (rule == "to_published_vgg16") return ToPublishedVgg16(names);
  return ToPublishedInception(names, like);
}

}  // namespace

absl::Span<const KeyRule> ListKeyRules() { return Rules(); }

absl::StatusOr<KeyMap> ApplyKeyRule(absl::string_view rule, Names names,
                                    Names like) {
  std::vector<std::string> rules;
  for (const KeyRule& known : Rules()) rules.push_back(known.name);
  VISION_RETURN_IF_ERROR(CheckName("rule", rule, rules));
  VISION_ASSIGN_OR_RETURN(KeyMap map, Apply(rule, names, like));
  absl::flat_hash_set<absl::string_view> seen;
  for (const KeyMap::Entry& entry : map.entries) {
    if (!seen.insert(entry.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("two entries would be called ", entry.name));
    }
  }
  return map;
}

}  // namespace vision
