#include "fcam/cli/localize_flags.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/image/colormap.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"

DEFINE_string(model, "",
              "Folder of the model: one that //fcam:train or //wsol:train "
              "wrote, with model.json in it.");
DEFINE_string(list, "",
              "Text file of images, a path on each line, besides those that "
              "are named as arguments.");
DEFINE_string(image_root, "",
              "What relative paths of --list start from; empty: its folder.");
DEFINE_string(output_dir, "",
              "Folder for the results; empty: the table on the terminal is "
              "all.");
DEFINE_bool(overlays, true, "Write pictures with map, mask and boxes.");
DEFINE_bool(masks, true, "Write masks: PNG, 255 on the object.");
DEFINE_string(maps, "npy",
              "Write maps: npy (float32), png (grey, 8 bit) or none.");
DEFINE_bool(coco, false, "Write coco.json: boxes as COCO annotations.");
DEFINE_string(method, "",
              "F-CAM, or a CAM method (CAM, LayerCAM, GradCAM++, ...) of the "
              "classifier; empty: F-CAM where the model has a decoder, else "
              "the method it was trained with.");
DEFINE_string(variant, "published",
              "Of CAM methods: published or paper formulas.");
DEFINE_string(class, "",
              "Class whose map is wanted, a name or a number, with CAM "
              "methods; empty: the predicted one.");
DEFINE_string(tau, "auto",
              "Threshold, relative to a map's largest value: a number in [0, "
              "1), val (the model's, chosen on its validation split), otsu "
              "(of each map by itself), or auto: val if there is one, else "
              "otsu.");
DEFINE_string(boxes, "largest",
              "Box of the largest component of the mask, or all.");
DEFINE_double(min_box_area, 0,
              "Components of a smaller share of the image, in [0, 1], have no "
              "box.");
DEFINE_int32(top_k, 5, "Classes to tell for each image.");
DEFINE_string(precision, "float32",
              "float32, or bfloat16 on CPUs that have instructions for it.");
DEFINE_int32(batch_size, 8, "Images that go through the network together.");
DEFINE_string(on_bad_image, "fail",
              "For images that cannot be read: fail, or skip and count them.");
DEFINE_string(colormap, "turbo",
              "Colours of maps in overlays: viridis, inferno, turbo or jet.");
DEFINE_string(export, "",
              "Instead of localizing: write the model as TorchScript to this "
              "file, for torch.jit.load.");

namespace fcam {

absl::StatusOr<LocalizeImagesOptions> LocalizeOptionsFromFlags(
    absl::Span<const char* const> arguments) {
  LocalizeImagesOptions options;
  options.model_dir = wsol::ResolvePath(FLAGS_model);
  for (const char* const argument : arguments) {
    options.images.paths.push_back(wsol::ResolvePath(argument));
  }
  options.images.list = wsol::ResolvePath(FLAGS_list);
  options.images.image_root = wsol::ResolvePath(FLAGS_image_root);
  if (FLAGS_list.empty() && !FLAGS_image_root.empty()) {
    return absl::InvalidArgumentError(
        "--image_root goes with --list; name a folder as an argument to take "
        "all of its images");
  }
  options.output_dir = wsol::ResolvePath(FLAGS_output_dir);
  options.overlays = FLAGS_overlays;
  options.masks = FLAGS_masks;
  absl::StatusOr<MapFile> maps = ParseMapFile(FLAGS_maps);
  if (!maps.ok()) return vision::Annotate(maps.status(), "in --maps");
  options.maps = *maps;
  options.coco = FLAGS_coco;
  options.localizer.method = FLAGS_method;
  options.localizer.variant = FLAGS_variant;
  options.localizer.target_class = FLAGS_class;
  absl::StatusOr<Threshold> threshold = ParseThreshold(FLAGS_tau);
  if (!threshold.ok()) return vision::Annotate(threshold.status(), "in --tau");
  options.localizer.threshold = *threshold;
  VISION_ASSIGN_OR_RETURN(options.localizer.boxes,
                          ParseBoxSelection(FLAGS_boxes));
  options.localizer.min_box_fraction = FLAGS_min_box_area;
  options.localizer.top_k = FLAGS_top_k;
  options.localizer.precision = FLAGS_precision;
  if (FLAGS_batch_size < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--batch_size is ", FLAGS_batch_size, ", expected at least 1"));
  }
  options.localizer.max_batch = FLAGS_batch_size;
  options.localizer.num_threads = wsol::NumThreads();
  VISION_RETURN_IF_ERROR(vision::CheckName(
      "value of --on_bad_image", FLAGS_on_bad_image, {"fail", "skip"}));
  options.skip_bad_images = FLAGS_on_bad_image == "skip";
  VISION_ASSIGN_OR_RETURN(options.draw.colormap,
                          vision::ParseColormap(FLAGS_colormap));
  return options;
}

std::string ExportPathFromFlags() { return wsol::ResolvePath(FLAGS_export); }

}  // namespace fcam
