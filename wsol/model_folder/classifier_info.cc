#include "wsol/model_folder/classifier_info.h"

#include <array>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/backbones/resnet.h"
#include "vision/backbones/stride_preset.h"
#include "vision/base/status_util.h"
#include "wsol/model_folder/json_fields.h"
#include "wsol/pooling/pooling.h"

namespace wsol {
namespace {

using ::nlohmann::ordered_json;

constexpr char kResNetSmall[] = "resnet_small";

absl::string_view WildcatVariantName(WildcatVariant variant) {
  switch (variant) {
    case WildcatVariant::kPublished:
      return "published";
    case WildcatVariant::kPaper:
      return "paper";
    case WildcatVariant::kHalved:
      return "halved";
  }
  return "";
}

std::optional<WildcatVariant> FindWildcatVariant(absl::string_view name) {
  for (const WildcatVariant variant :
       {WildcatVariant::kPublished, WildcatVariant::kPaper,
        WildcatVariant::kHalved}) {
    if (name == WildcatVariantName(variant)) return variant;
  }
  return std::nullopt;
}

ordered_json ResNetToJson(const vision::ResNetOptions& options) {
  return {
      {"block",
       options.block == vision::ResNetBlock::kBasic ? "basic" : "bottleneck"},
      {"blocks", options.blocks},
      {"widths", options.widths},
      {"strides", options.strides},
      {"base_width", options.base_width},
      {"groups", options.groups},
      {"stem_kernel", options.stem_kernel},
      {"stem_stride", options.stem_stride},
      {"stem_width", options.stem_width},
      {"stem_max_pool", options.stem_max_pool},
  };
}

absl::Status ResNetFromJson(const ordered_json& json, const std::string& where,
                            vision::ResNetOptions* options) {
  JsonFields fields(json, where);
  std::string block =
      options->block == vision::ResNetBlock::kBasic ? "basic" : "bottleneck";
  fields.Read("block", &block);
  fields.Read("blocks", &options->blocks);
  fields.Read("widths", &options->widths);
  fields.Read("strides", &options->strides);
  fields.Read("base_width", &options->base_width);
  fields.Read("groups", &options->groups);
  fields.Read("stem_kernel", &options->stem_kernel);
  fields.Read("stem_stride", &options->stem_stride);
  fields.Read("stem_width", &options->stem_width);
  fields.Read("stem_max_pool", &options->stem_max_pool);
  if (block == "basic") {
    options->block = vision::ResNetBlock::kBasic;
  } else if (block == "bottleneck") {
    options->block = vision::ResNetBlock::kBottleneck;
  } else {
    fields.AddError("block", absl::StrCat("got \"", block,
                                          "\", expected basic or bottleneck"));
  }
  return fields.Finish();
}

ordered_json BackboneToJson(const std::string& name,
                            const vision::BackboneOptions& options) {
  ordered_json json = {
      {"name", name},
      {"strides", std::string(vision::StridePresetName(options.strides))},
      {"in_channels", options.in_channels},
  };
  if (!options.stage_strides.empty()) {
    json["stage_strides"] = options.stage_strides;
  }
  if (options.dropout.has_value()) json["dropout"] = *options.dropout;
  if (options.stochastic_depth.has_value()) {
    json["stochastic_depth"] = *options.stochastic_depth;
  }
  if (options.freeze_norms) json["freeze_norms"] = true;
  if (name == kResNetSmall) json["resnet"] = ResNetToJson(options.resnet_small);
  return json;
}

absl::Status BackboneFromJson(const ordered_json& json,
                              const std::string& where, std::string* name,
                              vision::BackboneOptions* options) {
  JsonFields fields(json, where);
  std::string strides(vision::StridePresetName(options->strides));
  // In [0, 1) when given, so that -1 means what is missing.
  double dropout = -1;
  double stochastic_depth = -1;
  fields.Read("name", name);
  fields.Read("strides", &strides);
  fields.Read("in_channels", &options->in_channels);
  fields.Read("stage_strides", &options->stage_strides);
  fields.Read("dropout", &dropout);
  fields.Read("stochastic_depth", &stochastic_depth);
  fields.Read("freeze_norms", &options->freeze_norms);
  if (dropout >= 0) options->dropout = dropout;
  if (stochastic_depth >= 0) options->stochastic_depth = stochastic_depth;
  const absl::StatusOr<vision::StridePreset> preset =
      vision::ParseStridePreset(strides);
  if (preset.ok()) {
    options->strides = *preset;
  } else {
    fields.AddError("strides", preset.status().message());
  }
  if (const ordered_json* const resnet = fields.Object("resnet")) {
    VISION_RETURN_IF_ERROR(ResNetFromJson(
        *resnet, absl::StrCat(where, ": resnet"), &options->resnet_small));
  }
  return fields.Finish();
}

ordered_json PoolingToJson(const PoolingOptions& options) {
  return {
      {"name", options.name},
      {"support_background", options.support_background},
      {"lse_sharpness", options.lse_sharpness},
      {"wildcat_modalities", options.wildcat_modalities},
      {"wildcat_kmax", options.wildcat_kmax.value},
      {"wildcat_kmax_is_count", options.wildcat_kmax.is_count},
      {"wildcat_kmin", options.wildcat_kmin.value},
      {"wildcat_kmin_is_count", options.wildcat_kmin.is_count},
      {"wildcat_alpha", options.wildcat_alpha},
      {"wildcat_dropout", options.wildcat_dropout},
      {"wildcat_variant",
       std::string(WildcatVariantName(options.wildcat_variant))},
      {"acol_threshold", options.acol_threshold},
      {"acol_width", options.acol_width},
  };
}

absl::Status PoolingFromJson(const ordered_json& json, const std::string& where,
                             PoolingOptions* options) {
  JsonFields fields(json, where);
  std::string variant(WildcatVariantName(options->wildcat_variant));
  fields.Read("name", &options->name);
  fields.Read("support_background", &options->support_background);
  fields.Read("lse_sharpness", &options->lse_sharpness);
  fields.Read("wildcat_modalities", &options->wildcat_modalities);
  fields.Read("wildcat_kmax", &options->wildcat_kmax.value);
  fields.Read("wildcat_kmax_is_count", &options->wildcat_kmax.is_count);
  fields.Read("wildcat_kmin", &options->wildcat_kmin.value);
  fields.Read("wildcat_kmin_is_count", &options->wildcat_kmin.is_count);
  fields.Read("wildcat_alpha", &options->wildcat_alpha);
  fields.Read("wildcat_dropout", &options->wildcat_dropout);
  fields.Read("wildcat_variant", &variant);
  fields.Read("acol_threshold", &options->acol_threshold);
  fields.Read("acol_width", &options->acol_width);
  if (const auto found = FindWildcatVariant(variant)) {
    options->wildcat_variant = *found;
  } else {
    fields.AddError("wildcat_variant",
                    absl::StrCat("got \"", variant,
                                 "\", expected published, paper or halved"));
  }
  return fields.Finish();
}

ordered_json PreprocessingToJson(const ImagePreprocessing& preprocessing) {
  // As the decimals that were meant: 0.485 is not its float's double.
  const auto decimals = [](const std::array<float, 3>& values) {
    ordered_json list = ordered_json::array();
    for (const float value : values) {
      list.push_back(ordered_json::parse(absl::StrCat(value)));
    }
    return list;
  };
  return {
      {"resize", preprocessing.resize},
      {"crop", preprocessing.crop},
      {"mean", decimals(preprocessing.normalization.mean)},
      {"std", decimals(preprocessing.normalization.std)},
  };
}

absl::Status PreprocessingFromJson(const ordered_json& json,
                                   const std::string& where,
                                   ImagePreprocessing* preprocessing) {
  JsonFields fields(json, where);
  fields.Read("resize", &preprocessing->resize);
  fields.Read("crop", &preprocessing->crop);
  const auto read_channels = [&](const char* name,
                                 std::array<float, 3>* channels) {
    std::vector<double> values(channels->begin(), channels->end());
    fields.Read(name, &values);
    if (values.size() != channels->size()) {
      fields.AddError(
          name, absl::StrCat("got ", values.size(), " values, expected 3"));
      return;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      (*channels)[i] = static_cast<float>(values[i]);
    }
  };
  read_channels("mean", &preprocessing->normalization.mean);
  read_channels("std", &preprocessing->normalization.std);
  if (preprocessing->crop < 1 || preprocessing->resize < preprocessing->crop) {
    fields.AddError("crop", absl::StrCat("got crop ", preprocessing->crop,
                                         " and resize ", preprocessing->resize,
                                         ", expected 1 <= crop <= resize"));
  }
  return fields.Finish();
}

}  // namespace

ordered_json ClassifierInfoToJson(const ClassifierFolderInfo& info) {
  ordered_json json = {
      {"num_classes", info.classifier.num_classes},
      {"backbone", BackboneToJson(info.classifier.backbone,
                                  info.classifier.backbone_options)},
      {"pooling", PoolingToJson(info.classifier.pooling)},
      {"preprocessing", PreprocessingToJson(info.preprocessing)},
      {"cam_method", info.cam_method},
      {"taus", info.taus},
  };
  if (!info.class_names.empty()) json["class_names"] = info.class_names;
  return json;
}

absl::StatusOr<ClassifierFolderInfo> ClassifierInfoFromJson(
    const ordered_json& json, const std::string& where) {
  ClassifierFolderInfo info;
  JsonFields fields(json, where);
  fields.Read("num_classes", &info.classifier.num_classes);
  if (const ordered_json* const backbone = fields.Object("backbone")) {
    VISION_RETURN_IF_ERROR(BackboneFromJson(
        *backbone, absl::StrCat(where, ": backbone"), &info.classifier.backbone,
        &info.classifier.backbone_options));
  }
  if (const ordered_json* const pooling = fields.Object("pooling")) {
    VISION_RETURN_IF_ERROR(PoolingFromJson(
        *pooling, absl::StrCat(where, ": pooling"), &info.classifier.pooling));
  }
  if (const ordered_json* const given = fields.Object("preprocessing")) {
    VISION_RETURN_IF_ERROR(PreprocessingFromJson(
        *given, absl::StrCat(where, ": preprocessing"), &info.preprocessing));
  }
  fields.Read("cam_method", &info.cam_method);
  fields.Read("taus", &info.taus);
  fields.Read("class_names", &info.class_names);
  if (!info.class_names.empty() &&
      static_cast<int64_t>(info.class_names.size()) !=
          info.classifier.num_classes) {
    fields.AddError("class_names",
                    absl::StrCat("got ", info.class_names.size(), " for ",
                                 info.classifier.num_classes, " classes"));
  }
  VISION_RETURN_IF_ERROR(fields.Finish());
  VISION_RETURN_IF_ERROR(vision::Annotate(info.classifier.Validate(), where));
  return info;
}

}  // namespace wsol
