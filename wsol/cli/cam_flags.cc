#include "wsol/cli/cam_flags.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "vision/base/status_util.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam_run/map_file.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"

DEFINE_string(
    model, "",
    "Folder of a trained classifier (or F-CAM model, whose classifier "
    "is taken): model.json, encoder.pt, classification_head.pt.");
DEFINE_string(images, "",
              "An image, or a folder of images and folders, whose maps are "
              "made; or --metadata_dir.");
DEFINE_string(metadata_dir, "",
              "Folder of the split whose maps are made: the one that holds "
              "image_ids.txt.");
DEFINE_string(image_root, "",
              "With --metadata_dir: folder that image ids start from.");
DEFINE_bool(proxy, false,
            "With --metadata_dir: the images of image_ids_proxy.txt only.");
DEFINE_string(
    method, "CAM",
    "Methods, separated by commas: CAM, GradCAM, GradCAM++, "
    "SmoothGradCAM++, XGradCAM, LayerCAM, HiResCAM, FinerCAM, "
    "EigenCAM, AblationCAM, ScoreCAM, SSCAM, ISCAM, AttentionRollout, "
    "GradientAttentionRollout.");
DEFINE_string(variant, "published",
              "Where the published F-CAM code differs from the papers: "
              "published or paper.");
DEFINE_string(
    layers, "-1",
    "Feature maps to look at, by number: 0 is the first, -1 the last; "
    "the maps of several (1,2,-1) are averaged.");
DEFINE_string(class, "auto",
              "Whose maps: label (of a split), predicted, or a list of classes "
              "(3,7); auto: label with a split, else predicted.");
DEFINE_string(output_dir, "",
              "Folder for the maps (a folder for each method), predictions.csv "
              "and cam_run.json. A run that was stopped goes on there.");
DEFINE_string(format, "npy",
              "npy (float32), png8, png16 (grey), or pt (torch.save of a "
              "tensor, as F-CAM's published stored CAMs).");
DEFINE_string(size, "map",
              "Size of the maps: map (as the network gives them), input (of "
              "the network) or image (the image's own).");
DEFINE_bool(overlays, false, "Also write each image with its map over it.");
DEFINE_int32(contact_sheet, 0,
             "Images in contact_sheet.png, a row each with all methods side by "
             "side; taken evenly from all. 0: none.");
DEFINE_bool(overwrite, false,
            "Replace the maps that are in --output_dir already.");
DEFINE_bool(quality, false,
            "Measure the maps by the classifier itself: average drop, average "
            "increase, insertion and deletion.");
DEFINE_int32(quality_steps, 28,
             "With --quality: forward passes for an insertion or deletion "
             "curve; 0: no curves.");
DEFINE_string(insertion_start, "blurred",
              "With --quality: what insertion starts from, blurred (the image) "
              "or zero.");
DEFINE_string(precision, "float32",
              "Of the backbone: float32 or bfloat16 (faster where the CPU has "
              "it; maps differ by about 1e-2).");
DEFINE_int32(batch_size, 16, "Images in a batch.");
DEFINE_int32(image_size, 0,
             "Images are resized to this many pixels squared; 0: what the "
             "model was trained with.");
DEFINE_int32(
    memory_budget_mb, 1024,
    "Memory for the passes of ScoreCAM, SSCAM, ISCAM and AblationCAM.");
DEFINE_uint64(seed, 0, "Seed of the noise of SmoothGradCAM++ and SSCAM.");

namespace wsol {
namespace {

absl::StatusOr<std::vector<int>> ParseLayers(absl::string_view text) {
  std::vector<int> layers;
  for (const absl::string_view field : absl::StrSplit(text, ',')) {
    int layer = 0;
    if (!absl::SimpleAtoi(field, &layer)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--layers is '", text, "', expected numbers, such as 1,2,-1"));
    }
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace

absl::StatusOr<CamRunOptions> CamRunOptionsFromFlags() {
  CamRunOptions options;
  options.model = ResolvePath(FLAGS_model);
  options.images = ResolvePath(FLAGS_images);
  options.metadata_dir = ResolvePath(FLAGS_metadata_dir);
  options.image_root = ResolvePath(FLAGS_image_root);
  options.proxy = FLAGS_proxy;
  options.methods.clear();
  for (const absl::string_view method : absl::StrSplit(FLAGS_method, ',')) {
    options.methods.emplace_back(absl::StripAsciiWhitespace(method));
  }
  VISION_ASSIGN_OR_RETURN(options.cam.variant, ParseCamVariant(FLAGS_variant));
  VISION_ASSIGN_OR_RETURN(options.cam.layers, ParseLayers(FLAGS_layers));
  options.cam.memory_budget_bytes = int64_t{FLAGS_memory_budget_mb} << 20;
  options.cam.seed = FLAGS_seed;
  VISION_ASSIGN_OR_RETURN(options.class_choice,
                          ParseClassChoice(FLAGS_class, &options.classes));
  options.output_dir = ResolvePath(FLAGS_output_dir);
  VISION_ASSIGN_OR_RETURN(options.format, ParseMapFormat(FLAGS_format));
  VISION_ASSIGN_OR_RETURN(options.size, ParseMapSize(FLAGS_size));
  options.overlays = FLAGS_overlays;
  options.contact_sheet = FLAGS_contact_sheet;
  options.overwrite = FLAGS_overwrite;
  options.quality = FLAGS_quality;
  options.quality_options.steps = FLAGS_quality_steps;
  VISION_ASSIGN_OR_RETURN(options.quality_options.insertion_start,
                          ParseInsertionStart(FLAGS_insertion_start));
  VISION_ASSIGN_OR_RETURN(options.precision,
                          vision::ParsePrecision(FLAGS_precision));
  options.batch_size = FLAGS_batch_size;
  options.image_size = FLAGS_image_size;
  options.num_threads = NumThreads();
  return options;
}

}  // namespace wsol
