// The whole of //wsol:cam but its flags: maps of images or a split, by several
// methods, to files.
//
//   wsol::CamRunOptions options;
//   options.model = "run/best";
//   options.metadata_dir = "metadata/CUB/test";
//   options.image_root = "images/CUB";
//   options.methods = {"CAM", "LayerCAM"};
//   options.output_dir = "maps";
//   VISION_ASSIGN_OR_RETURN(const wsol::CamRunReport report,
//                           wsol::RunCam(options, {}));
//
// Files in output_dir:
//   <method>/<id, see MapFileStem>.npy   maps in [0, 1]; with several classes
//                                        for each image <method>/class_<k>/...
//   overlays/<method>/....jpg            if asked for
//   predictions.csv                      <id>,<first>,...: up to five classes
//   contact_sheet.png                    if asked for
//   cam_run.json                         what was done; the last to be written
//   cam_run.partial                      until then; the same run goes on there
// so that //wsol:evaluate --score_maps=<output_dir>/<method>
// --predictions=<output_dir>/predictions.csv reads them.

#ifndef WSOL_CAM_RUN_CAM_RUN_H_
#define WSOL_CAM_RUN_CAM_RUN_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wsol/cam/cam_network.h"
#include "wsol/cam/map_quality.h"
#include "wsol/cam_run/cam_run_options.h"
#include "wsol/model_folder/classifier_info.h"

namespace wsol {

struct CamRunCallbacks {
  // Asked before each batch and each forward pass; true stops with kCancelled.
  // May be empty.
  std::function<bool()> should_stop;
  // Called once: how many images there are, and how many of them a stopped run
  // had done. May be empty.
  std::function<void(int64_t images, int64_t done)> on_begin;
  std::function<void(int64_t count)> on_images;
};

struct CamMethodReport {
  // As in CamMethodNames(), and the folder of its maps below output_dir.
  std::string method;
  // Maps, and those of them that had one value only, or a NaN or an infinity:
  // they are written as zeros.
  int64_t maps = 0;
  int64_t constant_maps = 0;
  int64_t not_finite_maps = 0;
  // Of this process: what the method took beyond the forward pass, for each
  // image.
  double milliseconds = 0;
  // Without images unless asked for.
  MapQualitySummary quality;
};

struct CamRunReport {
  int64_t images = 0;
  // Images that a stopped run had done.
  int64_t resumed = 0;
  // Of this process: decoding, the forward pass, and writing, for each image.
  double forward_milliseconds = 0;
  std::vector<CamMethodReport> methods;
  // For the terminal.
  std::string text;
};

// Loads the model and makes the maps. All that can be wrong with options, the
// model, names of images, classes and methods that do not go with the network
// is found before a file is written: kInvalidArgument, kNotFound, kOutOfRange.
// kAlreadyExists if output_dir holds finished maps, or others', and overwrite
// is not set; with it those are removed (.npy, .png and .pt files in the
// methods' folders). A run that was stopped goes on where it was if the options
// are the same, else kFailedPrecondition. Memory does not depend on the number
// of images, but for about 200 bytes for each.
absl::StatusOr<CamRunReport> RunCam(const CamRunOptions& options,
                                    const CamRunCallbacks& callbacks);

// The same with a network that is there already, for which options.model is but
// a name and whose precision is its own. `class_names` may be empty.
struct CamRunNetwork {
  CamNetwork* network = nullptr;
  ImagePreprocessing preprocessing;
  std::vector<std::string> class_names;
};
absl::StatusOr<CamRunReport> RunCamOf(const CamRunNetwork& network,
                                      const CamRunOptions& options,
                                      const CamRunCallbacks& callbacks);

}  // namespace wsol

#endif  // WSOL_CAM_RUN_CAM_RUN_H_
