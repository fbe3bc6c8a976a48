#include "vision/weights/pretrained.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "vision/base/file_io.h"
#include "vision/base/mapped_file.h"
#include "vision/base/nearest_names.h"
#include "vision/base/sha256.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

// The hash is part of the name.
PretrainedUpload Upload(const std::string& file_name,
                        std::optional<double> size_mib = std::nullopt) {
  const size_t dash = file_name.rfind('-');
  const size_t dot = file_name.rfind('.');
  return {file_name, file_name.substr(dash + 1, dot - dash - 1), size_mib};
}

std::vector<PretrainedWeights> MakeList() {
  std::vector<PretrainedWeights> list;
  const auto add = [&](const std::string& name, const std::string& enum_name,
                       std::vector<PretrainedUpload> uploads,
                       const std::string& wsol_rule = "drop_head") {
    const bool second = absl::EndsWith(name, "_v2");
    list.push_back({name, second ? name.substr(0, name.size() - 3) : name,
                    std::move(uploads),
                    absl::StrCat("torchvision.models.", enum_name,
                                 "_Weights.IMAGENET1K_V", second ? 2 : 1),
                    wsol_rule, "drop_head"});
  };
  list.push_back({"deit_small_patch16_224",
                  "deit_small_patch16_224",
                  {Upload("deit_small_patch16_224-cd65a155.pth")},
                  "DeiT-small of the facebookresearch/deit repository",
                  "drop_head",
                  "drop_head"});
  add("efficientnet_b0", "EfficientNet_B0",
      {Upload("efficientnet_b0_rwightman-7f5810bc.pth", 20.451),
       Upload("efficientnet_b0_rwightman-3dd342df.pth", 20.451)});
  add("inception_v3", "Inception_V3",
      {Upload("inception_v3_google-1a9a5a14.pth"),
       Upload("inception_v3_google-0cc3c7bd.pth", 103.903)},
      "inception_v3_imagenet");
  add("mobilenet_v3_large", "MobileNet_V3_Large",
      {Upload("mobilenet_v3_large-8738ca79.pth", 21.114)});
  add("mobilenet_v3_large_v2", "MobileNet_V3_Large",
      {Upload("mobilenet_v3_large-5c1a4163.pth")});
  add("resnet101", "ResNet101",
      {Upload("resnet101-5d3b4d8f.pth"),
       Upload("resnet101-63fe2227.pth", 170.511)});
  add("resnet101_v2", "ResNet101", {Upload("resnet101-cd907fc2.pth", 170.53)});
  add("resnet152", "ResNet152",
      {Upload("resnet152-b121ed2d.pth"),
       Upload("resnet152-394f9c45.pth", 230.434)});
  add("resnet152_v2", "ResNet152", {Upload("resnet152-f82ba261.pth", 230.474)});
  add("resnet18", "ResNet18",
      {Upload("resnet18-5c106cde.pth"), Upload("resnet18-f37072fd.pth")});
  add("resnet34", "ResNet34",
      {Upload("resnet34-333f7ec4.pth"),
       Upload("resnet34-b627a593.pth", 83.275)});
  add("resnet50", "ResNet50",
      {Upload("resnet50-19c8e357.pth"),
       Upload("resnet50-0676ba61.pth", 97.781)});
  add("resnet50_v2", "ResNet50", {Upload("resnet50-11ad3fa6.pth", 97.79)});
  add("resnext50_32x4d", "ResNeXt50_32X4D",
      {Upload("resnext50_32x4d-7cdf4587.pth", 95.789)});
  add("resnext50_32x4d_v2", "ResNeXt50_32X4D",
      {Upload("resnext50_32x4d-1a0047aa.pth", 95.833)});
  add("vgg11", "VGG11",
      {Upload("vgg11-bbd30ac9.pth"), Upload("vgg11-8a719046.pth", 506.84)},
      "vgg_imagenet");
  add("vgg11_bn", "VGG11_BN", {Upload("vgg11_bn-6002323d.pth", 506.881)},
      "vgg_imagenet");
  add("vgg13", "VGG13",
      {Upload("vgg13-c768596a.pth"), Upload("vgg13-19584684.pth", 507.545)},
      "vgg_imagenet");
  add("vgg13_bn", "VGG13_BN", {Upload("vgg13_bn-abd245e5.pth", 507.59)},
      "vgg_imagenet");
  add("vgg16", "VGG16", {Upload("vgg16-397923af.pth", 527.796)},
      "vgg_imagenet");
  add("vgg16_bn", "VGG16_BN", {Upload("vgg16_bn-6c64b313.pth", 527.866)},
      "vgg_imagenet");
  add("vgg19", "VGG19", {Upload("vgg19-dcbb9e9d.pth", 548.051)},
      "vgg_imagenet");
  add("vgg19_bn", "VGG19_BN", {Upload("vgg19_bn-c79401a0.pth", 548.143)},
      "vgg_imagenet");
  add("wide_resnet50_2", "Wide_ResNet50_2",
      {Upload("wide_resnet50_2-95faca4d.pth", 131.82)});
  add("wide_resnet50_2_v2", "Wide_ResNet50_2",
      {Upload("wide_resnet50_2-9ba9bcbe.pth", 263.124)});
  return list;
}

// How to get it: the end of each error about a file that is not there.
std::string WhereFrom(const PretrainedWeights& weights) {
  const bool torchvision = absl::StartsWith(weights.origin, "torchvision.");
  return absl::StrCat(
      torchvision ? absl::StrCat("the documentation of torchvision's models (",
                                 weights.origin, ") says where it is")
                  : absl::StrCat("it is ", weights.origin),
      ". Put it there without changing its name");
}

std::string FileNames(const PretrainedWeights& weights) {
  return absl::StrJoin(weights.uploads, " or ",
                       [](std::string* out, const PretrainedUpload& upload) {
                         absl::StrAppend(out, upload.file_name);
                         if (upload.size_mib.has_value()) {
                           absl::StrAppendFormat(out, " (%.1f MiB)",
                                                 *upload.size_mib);
                         }
                       });
}

absl::Status CheckFile(const std::string& path,
                       const PretrainedUpload& upload) {
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                          MappedFile::Open(path));
  const double size_mib = static_cast<double>(file->bytes().size()) / (1 << 20);
  // Published sizes are rounded, some to two digits.
  constexpr double kTolerance = 0.01;
  if (upload.size_mib.has_value() &&
      std::abs(size_mib - *upload.size_mib) > kTolerance) {
    return absl::DataLossError(absl::StrFormat(
        "'%s' has %.3f MiB, expected %.3f; is the download cut short?", path,
        size_mib, *upload.size_mib));
  }
  Sha256 hash;
  hash.Update(file->bytes());
  const std::string digest = hash.HexDigest();
  if (!absl::StartsWith(digest, upload.sha256_prefix)) {
    return absl::DataLossError(absl::StrCat(
        "'", path, "' has SHA-256 ", digest, ", expected one that starts with ",
        upload.sha256_prefix, "; it is not the file that was published"));
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<PretrainedWeights>& ListPretrained() {
  static const auto* const list =
      new std::vector<PretrainedWeights>(MakeList());
  return *list;
}

absl::StatusOr<PretrainedWeights> GetPretrained(absl::string_view name) {
  std::vector<std::string> names;
  for (const PretrainedWeights& weights : ListPretrained()) {
    if (weights.name == name) return weights;
    names.push_back(weights.name);
  }
  return UnknownNameError("pretrained weights", name, names);
}

std::string PretrainedDir(absl::string_view flag) {
  if (!flag.empty()) return std::string(flag);
  const char* variable = std::getenv("FCAM_WEIGHTS");
  return variable == nullptr ? "" : variable;
}

absl::StatusOr<PretrainedFile> FindPretrained(absl::string_view name,
                                              absl::string_view dir) {
  VISION_ASSIGN_OR_RETURN(const PretrainedWeights weights, GetPretrained(name));
  if (dir.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "weights ", name, " need the file ", FileNames(weights),
        " in a folder that --weights_dir or the environment's FCAM_WEIGHTS "
        "names, and neither is set; ",
        WhereFrom(weights)));
  }
  for (const PretrainedUpload& upload : weights.uploads) {
    const std::string path = JoinPath(dir, upload.file_name);
    if (!FileExists(path)) continue;
    VISION_RETURN_IF_ERROR(CheckFile(path, upload));
    return PretrainedFile{weights, upload, path};
  }
  return absl::NotFoundError(absl::StrCat("weights ", name, ": there is no ",
                                          FileNames(weights), " in '", dir,
                                          "'; ", WhereFrom(weights)));
}

}  // namespace vision
