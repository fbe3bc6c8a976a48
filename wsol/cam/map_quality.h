// How well a map tells what the classifier looked at, without any annotation:
// what the classifier says of the image when pixels are taken away by the map.
//
//   VISION_ASSIGN_OR_RETURN(
//       const std::vector<wsol::MapQuality> measured,
//       wsol::MeasureMapQuality(network, images, classes, maps, {}));
//   wsol::MapQualitySummary summary;
//   for (const wsol::MapQuality& one : measured) summary.Add(one);
//   summary.average_drop();   // Percent; lower is better.
//
// With P(x) the probability (softmax) of the class, m the map in [0, 1] and x
// the network's normalised input, in which 0 is the mean colour:
//   drop      max(0, P(x) - P(m x)) / P(x)     Chattopadhyay et al., WACV 2018,
//   increase  1 if P(x) < P(m x)               section 4.1
//   deletion  area under P over the share of pixels that are set to 0, those of
//             the largest map values first;    Petsiuk et al., BMVC 2018,
//   insertion area under P over the share of   section 3.2
//             pixels that are put into a blurred (or zero) image, in the same
//             order.
// Areas are of trapezoids. Pixels of equal value go in the order of rows.

#ifndef WSOL_CAM_MAP_QUALITY_H_
#define WSOL_CAM_MAP_QUALITY_H_

#include <cstdint>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wsol/cam/cam_network.h"

namespace wsol {

// What insertion starts from.
enum class InsertionStart { kBlurred, kZero };

// "blurred", "zero"; kInvalidArgument names both.
absl::string_view InsertionStartName(InsertionStart start);
absl::StatusOr<InsertionStart> ParseInsertionStart(absl::string_view name);

struct MapQualityOptions {
  // Equal shares in which pixels are deleted or inserted; 1 to the pixels of an
  // image. Each costs a forward pass, twice. 0 leaves both out.
  int steps = 28;
  InsertionStart insertion_start = InsertionStart::kBlurred;
  // Of the Gaussian blur, in pixels: standard deviation and half the window
  // (2 blur_radius + 1 pixels wide). Borders are repeated.
  double blur_sigma = 5;
  int blur_radius = 5;
  // Images in a forward pass.
  int batch_size = 32;

  // kInvalidArgument names the field.
  absl::Status Validate() const;
};

struct MapQuality {
  // P(x) and P(m x).
  double probability = 0;
  double masked_probability = 0;
  // In [0, 1]; 0 if P(x) is 0.
  double drop = 0;
  bool increase = false;
  // In [0, 1]; 0 without steps.
  double insertion = 0;
  double deletion = 0;
};

// Measures each map. `images` [N, C, H, W] float, `classes` [N] int64, `maps`
// [N, H, W] in [0, 1], resized to the images. The network must be in evaluation
// mode. kInvalidArgument for other shapes and bad options (more steps than
// pixels among them), kOutOfRange for a class. No gradient. Cost: N (2 + 2
// steps) forward passes; memory: that of a pass over batch_size images.
absl::StatusOr<std::vector<MapQuality>> MeasureMapQuality(
    CamNetwork& network, const at::Tensor& images, const at::Tensor& classes,
    const at::Tensor& maps, const MapQualityOptions& options);

// images [N, C, H, W], each channel convolved with the normalised Gaussian.
// Throws c10::Error for other shapes.
at::Tensor GaussianBlur(const at::Tensor& images, double sigma, int radius);

// Means over images.
class MapQualitySummary {
 public:
  void Add(const MapQuality& quality);

  int64_t count() const { return count_; }
  // Percent; 0 without images.
  double average_drop() const { return Percent(drop_); }
  double average_increase() const { return Percent(increase_); }
  double insertion() const { return Percent(insertion_); }
  double deletion() const { return Percent(deletion_); }

 private:
  double Percent(double sum) const;

  int64_t count_ = 0;
  double drop_ = 0;
  double increase_ = 0;
  double insertion_ = 0;
  double deletion_ = 0;
};

}  // namespace wsol

#endif  // WSOL_CAM_MAP_QUALITY_H_
