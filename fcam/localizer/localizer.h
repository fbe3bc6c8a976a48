// Finds the object of an image: its class, a map of its own size that tells
// where it is, a mask and boxes.
//
//   VISION_ASSIGN_OR_RETURN(auto localizer,
//                           fcam::Localizer::Open("run/best", {}));
//   VISION_ASSIGN_OR_RETURN(const cv::Mat rgb, vision::ReadRgb("bird.jpg"));
//   VISION_ASSIGN_OR_RETURN(const fcam::Localization found,
//                           localizer->Localize(rgb));
//   found.classes[0].name, found.map, found.mask, found.boxes[0].box
//
// For the F-CAM folders of //fcam:train and the classifier folders of
// //wsol:train, whose maps are class activation maps. The header needs OpenCV
// and Abseil only.

#ifndef FCAM_LOCALIZER_LOCALIZER_H_
#define FCAM_LOCALIZER_LOCALIZER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fcam/localizer/map_threshold.h"
#include "opencv2/core/mat.hpp"

// Declared here, not included: their headers take LibTorch with them.
namespace wsol {
class Classifier;
struct ClassifierFolderInfo;
}  // namespace wsol

namespace fcam {

class FcamModel;

// The name of the decoder's map among the methods.
inline constexpr char kFcamMethod[] = "F-CAM";

struct LocalizerOptions {
  // Which map: "F-CAM" or a method of wsol/cam/factory.h ("CAM", "LayerCAM",
  // ...). Empty: F-CAM where the model has a decoder, else the model's method.
  std::string method;
  // Of CAM methods, see wsol::CamVariant: "published" or "paper".
  std::string variant = "published";
  // The class whose CAM is computed, a name or a number; empty: the predicted
  // one. F-CAM's map belongs to no class.
  std::string target_class;

  // Classes to report, at least 1; at most all are.
  int top_k = 5;
  Threshold threshold;
  BoxSelection boxes = BoxSelection::kLargest;
  // Components of a smaller share of the image's pixels give no box.
  double min_box_fraction = 0;

  // "float32" or "bfloat16", which is refused on CPUs without instructions for
  // it unless allow_slow_precision. See vision/inference/inference_backbone.h
  // for all of these; in float32 maps differ by about 1e-5 from the plain
  // forward pass with winograd, by 1e-6 without.
  std::string precision = "float32";
  bool allow_slow_precision = false;
  bool fold_norms = true;
  bool channels_last = true;
  bool pack_weights = true;
  bool winograd = true;

  // Threads that work on images before and after the network, at least 1. The
  // network's own are LibTorch's (at::set_num_threads).
  int num_threads = 1;
  // Images that go through the network at a time, at least 1. Memory grows with
  // it, speed hardly.
  int max_batch = 8;

  // What is wrong whatever the model: kInvalidArgument names the field.
  absl::Status Validate() const;
};

struct ClassScore {
  int64_t index = 0;
  std::string name;        // "class 7" where the model has no names.
  double probability = 0;  // Softmax over all classes.
};

struct Localization {
  // The top_k classes, most probable first; of equals the first.
  std::vector<ClassScore> classes;
  // [height, width] CV_32F of the image's size, in [0, 1]. F-CAM: the
  // probability that a pixel is of the object. Others: the min-max normalised
  // class activation map; 0 everywhere if it has no contrast.
  cv::Mat map;
  // Of the same size, CV_8UC1: 255 on the object, 0 elsewhere.
  cv::Mat mask;
  // Of the mask's components, in the image's pixels, half-open.
  std::vector<ScoredBox> boxes;
  // The threshold of this map, relative to its largest value.
  double tau = 0;
};

// Thread-safe: any threads may call the const functions of one object.
class Localizer {
 public:
  // Reads a model folder. Errors of wsol::LoadClassifierFolder and
  // fcam::LoadFcamFolder, and those below.
  static absl::StatusOr<std::unique_ptr<Localizer>> Open(
      const std::string& model_dir, const LocalizerOptions& options);

  // Takes the model over: puts it in evaluation mode and changes its layers and
  // weights in place, so it is of no other use afterwards. `info` tells
  // preprocessing, names and thresholds. kInvalidArgument for bad options, an
  // unknown class or method, class names of another number than classes, F-CAM
  // without decoder, a target class with F-CAM; kFailedPrecondition for a
  // threshold from a validation split that the model does not have, and for
  // bfloat16 where it is slow.
  static absl::StatusOr<std::unique_ptr<Localizer>> Create(
      std::shared_ptr<FcamModel> model, const wsol::ClassifierFolderInfo& info,
      const LocalizerOptions& options);
  static absl::StatusOr<std::unique_ptr<Localizer>> Create(
      std::shared_ptr<wsol::Classifier> model,
      const wsol::ClassifierFolderInfo& info, const LocalizerOptions& options);

  ~Localizer();
  Localizer(const Localizer&) = delete;
  Localizer& operator=(const Localizer&) = delete;

  // Localizes the object of one RGB image, CV_8UC3, of any size. The image goes
  // in as in evaluation: resized, bit for bit as Pillow does it, to the model's
  // input size, and normalised; the map comes back by bilinear interpolation.
  // kInvalidArgument for another type or an empty image; kInternal if the
  // network gives values that are not finite.
  absl::StatusOr<Localization> Localize(const cv::Mat& rgb) const;

  // The same of several, in their order; the message of an error tells which
  // image it was.
  absl::StatusOr<std::vector<Localization>> LocalizeBatch(
      absl::Span<const cv::Mat> images) const;

  // What the maps are: "F-CAM", "CAM", ...
  const std::string& method() const;
  // Of the model, one a class.
  const std::vector<std::string>& class_names() const;
  // Side of the square images that the network sees.
  int input_size() const;
  // The rule in force (never kAuto) and, unless it is Otsu's, the threshold.
  const Threshold& threshold() const;

 private:
  class Impl;
  explicit Localizer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace fcam

#endif  // FCAM_LOCALIZER_LOCALIZER_H_
