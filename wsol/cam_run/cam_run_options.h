// What maps to make of which images, and what to write: the options of
// //wsol:cam.

#ifndef WSOL_CAM_RUN_CAM_RUN_OPTIONS_H_
#define WSOL_CAM_RUN_CAM_RUN_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/inference/inference_backbone.h"
#include "wsol/cam/cam_method.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam_run/map_file.h"

namespace wsol {

// Of which classes maps are made.
enum class ClassChoice {
  kAuto,       // The label with a split, the predicted class with a folder.
  kLabel,      // The image's label.
  kPredicted,  // The class of the largest logit.
  kList,       // Given classes, the same for all images.
};

// The choice of "auto", "label", "predicted" or a list such as "3,7"; the
// classes of a list go to `classes`. kInvalidArgument for anything else.
absl::StatusOr<ClassChoice> ParseClassChoice(absl::string_view text,
                                             std::vector<int64_t>* classes);

struct CamRunOptions {
  // A folder of wsol/model_folder/classifier_folder.h.
  std::string model;

  // What to work on; exactly one of the two. An image or a folder of images:
  std::string images;
  // a split, and the folder that its ids start from.
  std::string metadata_dir;
  std::string image_root;
  // Takes the split's images of image_ids_proxy.txt only.
  bool proxy = false;

  // Names of ParseCamMethod, no two the same.
  std::vector<std::string> methods = {"CAM"};
  // Variant, layers and all else of the methods; its method is not looked at.
  CamOptions cam;
  ClassChoice class_choice = ClassChoice::kAuto;
  // With kList: not negative, no two the same.
  std::vector<int64_t> classes;

  std::string output_dir;
  MapFormat format = MapFormat::kNpy;
  MapSize size = MapSize::kMap;
  // Writes the images with each map over them, JPEG.
  bool overlays = false;
  // Images in the contact sheet, spread evenly over all; 0: none is drawn.
  int contact_sheet = 0;
  // Replaces what a run before left.
  bool overwrite = false;

  // Measures the maps with `quality_options`.
  bool quality = false;
  MapQualityOptions quality_options;

  // Of the backbone; with bfloat16 maps and probabilities differ by about 1e-2.
  vision::Precision precision = vision::Precision::kFloat32;
  int batch_size = 16;
  // Side in pixels of the square that images are resized to; 0: what the model
  // was trained with.
  int image_size = 0;
  // Of decoding and writing; no result depends on it.
  int num_threads = 1;

  // kInvalidArgument names the flag.
  absl::Status Validate() const;
};

}  // namespace wsol

#endif  // WSOL_CAM_RUN_CAM_RUN_OPTIONS_H_
