// Objects of images as other tools describe them, and what is decided on the
// way to a split of the WSOL format, which knows one class an image.
//
//   VISION_ASSIGN_OR_RETURN(wsol::Annotations annotations,
//                           wsol::ReadCocoAnnotations(options));
//   VISION_ASSIGN_OR_RETURN(
//       const wsol::ImportedSplit split,
//       wsol::SplitFromAnnotations(std::move(annotations), policy));

#ifndef WSOL_DATASETS_ANNOTATIONS_H_
#define WSOL_DATASETS_ANNOTATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/metadata.h"

namespace wsol {

struct AnnotatedObject {
  int label = 0;
  // Half-open, in pixels; not checked yet.
  vision::Box box;
  bool crowd = false;      // COCO: a box around a group.
  bool difficult = false;  // PASCAL VOC: hard to recognise.
  // Line in the image's file, or the annotation's own number (see
  // Annotations::numbered); 0: not known.
  int64_t where = 0;
};

struct AnnotatedImage {
  std::string id;
  // File that tells about it, and line or 0, for messages.
  std::string file;
  int64_t line = 0;
  // Pixels; both 0 if they are not known.
  int width = 0;
  int height = 0;
  // Given where images have a class of their own, whatever is on them.
  std::optional<int> label;
  std::vector<AnnotatedObject> objects;
};

struct Annotations {
  std::vector<std::string> class_names;
  std::vector<AnnotatedImage> images;
  // AnnotatedObject::where is not a line but a number of the annotation.
  bool numbered = false;
  // Files that were passed over since they are no images.
  int64_t other_files = 0;
};

// Boxes marked as crowd or difficult.
enum class MarkedObjects { kSkip, kKeep, kError };
// Images with objects of more than one class.
enum class SeveralClasses {
  kError,
  kLargest,  // Take the class of the largest box, and leave the others out.
  kSkip,     // Leave the image out.
};
// Images without objects, or of which no object is left.
enum class WithoutObjects { kError, kSkip };
// Boxes that reach out of the image.
enum class OutOfImage { kError, kClip };

// "skip", "keep", "error"; "error", "largest", "skip"; ...
absl::StatusOr<MarkedObjects> ParseMarkedObjects(absl::string_view name);
absl::StatusOr<SeveralClasses> ParseSeveralClasses(absl::string_view name);
absl::StatusOr<WithoutObjects> ParseWithoutObjects(absl::string_view name);
absl::StatusOr<OutOfImage> ParseOutOfImage(absl::string_view name);

// What an import does with what the WSOL format cannot say.
struct ImportPolicy {
  MarkedObjects crowd = MarkedObjects::kSkip;
  MarkedObjects difficult = MarkedObjects::kSkip;
  SeveralClasses several_classes = SeveralClasses::kError;
  WithoutObjects without_objects = WithoutObjects::kError;
  OutOfImage out_of_image = OutOfImage::kError;
};

// How often something was decided.
struct ImportCounts {
  int64_t crowd_skipped = 0;
  int64_t difficult_skipped = 0;
  int64_t boxes_clipped = 0;
  // Boxes of other classes than their image's.
  int64_t other_classes_skipped = 0;
  int64_t images_without_objects = 0;
  int64_t images_of_several_classes = 0;
  int64_t other_files = 0;
};

struct ImportedSplit {
  SplitMetadata metadata;
  std::vector<std::string> class_names;
  ImportCounts counts;
};

// Applies the policy. If no object of any image is described and all images
// have a label (folders without boxes), the split has none either.
// kInvalidArgument with the first 20 problems and the number of the others:
// what the policy calls an error, boxes without a pixel within their image, ids
// that the format cannot hold or that come twice, no image left.
absl::StatusOr<ImportedSplit> SplitFromAnnotations(Annotations annotations,
                                                   const ImportPolicy& policy);

// The smallest box of whole pixels around [x0, x1) x [y0, y1), up to a
// ten-thousandth of a pixel; false if a coordinate is not finite or too large
// for an int.
bool PixelBoxAround(double x0, double y0, double x1, double y1,
                    vision::Box* box);

// The half-open box of pixels xmin ... xmax, both included, that are counted
// from `origin` and rounded to whole ones; false as above.
bool BoxOfPixels(double xmin, double ymin, double xmax, double ymax, int origin,
                 vision::Box* box);

}  // namespace wsol

#endif  // WSOL_DATASETS_ANNOTATIONS_H_
