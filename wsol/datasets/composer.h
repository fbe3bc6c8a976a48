// Composes labelled images with exact masks: a cut-out of an object, warped and
// relit, on a piece of a photograph (docs/data.md).
//
//   VISION_ASSIGN_OR_RETURN(const wsol::Composer composer,
//                           wsol::Composer::Create(material, options));
//   const wsol::ComposedImage image = composer.Compose(wsol::Split::kTrain, 7);
//
// Image n of a split is a pure function of the material, the options and
// (seed, split, n). It uses counter-based randomness and basic arithmetic only,
// each operation correctly rounded, with its own warp, sine, exponential and
// logarithm: the pixels do not depend on the C or C++ library, OpenCV, the
// compiler's contraction of multiply and add, the number of threads or the
// order.

#ifndef WSOL_DATASETS_COMPOSER_H_
#define WSOL_DATASETS_COMPOSER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "vision/geometry/box.h"

namespace wsol {

enum class Split { kTrain = 0, kVal = 1, kTest = 2 };

// "train", "val" or "test".
absl::string_view SplitName(Split split);

// A kind of object and its cut-outs.
struct ObjectClass {
  std::string name;
  // CV_8UC4 with straight alpha, RGBA order.
  std::vector<cv::Mat> cutouts;
};

struct ComposerMaterial {
  std::vector<ObjectClass> classes;
  // CV_8UC3, RGB order. Train and val see the left half, test the right one.
  std::vector<cv::Mat> photographs;
};

struct ComposerOptions {
  // Side of the square images, pixels, in [16, 4096].
  int size = 96;
  uint64_t seed = 0;
  // Rotation is uniform in [-max, max], degrees, in [0, 45].
  double max_rotation_degrees = 15;
  // Long side of the warped object, as a fraction of the image's side.
  double min_long_side = 0.65;
  double max_long_side = 1.05;

  absl::Status Validate() const;
};

struct ComposedImage {
  cv::Mat rgb;   // CV_8UC3, RGB order, [size, size]
  cv::Mat mask;  // CV_8UC1, 255 on the object and 0 elsewhere
  // The smallest box around the mask; never empty.
  vision::Box box;
  int label = 0;
};

// Thread-safe: all methods are const.
class Composer {
 public:
  // kInvalidArgument for options out of range, no classes, images of another
  // type, cut-outs without an opaque pixel, photographs narrower than 32 or
  // lower than 16 pixels.
  static absl::StatusOr<Composer> Create(const ComposerMaterial& material,
                                         const ComposerOptions& options);

  Composer(Composer&&) noexcept;
  Composer& operator=(Composer&&) noexcept;
  ~Composer();

  int num_classes() const;
  const std::string& class_name(int label) const;
  // Classes take turns, so that a larger set begins with the smaller one.
  int Label(int64_t n) const { return static_cast<int>(n % num_classes()); }

  // Image n >= 0 of a split. About 1 ms at 96 pixels.
  ComposedImage Compose(Split split, int64_t n) const;

 private:
  struct Cutout;
  struct Class;

  Composer();

  ComposerOptions options_;
  std::vector<Class> classes_;
  std::vector<cv::Mat> photographs_;
};

namespace internal {

// Elementary functions from +, -, *, / alone, within a few units in the last
// place: sine and cosine for |x| <= 8, exponential for |x| <= 700, logarithm
// for positive normal numbers.
double PortableSin(double x);
double PortableCos(double x);
double PortableExp(double x);
double PortableLog(double x);

}  // namespace internal
}  // namespace wsol

#endif  // WSOL_DATASETS_COMPOSER_H_
