#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/coco_annotations.h"
#include "wsol/datasets/fuzz_target.h"
#include "wsol/datasets/metadata.h"

// Whatever is read and imported is a split that can be written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  wsol::CocoOptions options;
  options.path = "fuzz.json";
  absl::StatusOr<wsol::Annotations> annotations = wsol::ParseCocoAnnotations(
      absl::string_view(reinterpret_cast<const char*>(data), size), options);
  if (!annotations.ok()) {
    CHECK(absl::IsInvalidArgument(annotations.status()));
    return 0;
  }
  wsol::ImportPolicy policy;
  policy.several_classes = wsol::SeveralClasses::kLargest;
  policy.without_objects = wsol::WithoutObjects::kSkip;
  policy.out_of_image = wsol::OutOfImage::kClip;
  const absl::StatusOr<wsol::ImportedSplit> split =
      wsol::SplitFromAnnotations(*std::move(annotations), policy);
  if (!split.ok()) {
    CHECK(absl::IsInvalidArgument(split.status()));
    return 0;
  }
  const absl::Status status = wsol::CheckSplitMetadata("", split->metadata);
  CHECK(status.ok()) << status;
  return 0;
}

namespace wsol {

std::vector<std::string> FuzzSeeds() {
  return {
      R"({"images": [{"id": 7, "file_name": "a.jpg", "width": 20, "height": 10},
{"id": 9, "file_name": "b.jpg", "width": 5, "height": 5}],
"categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "cat"}],
"annotations": [{"id": 1, "image_id": 7, "category_id": 18,
"bbox": [1.5, 2, 3.25, 4], "iscrowd": 0, "segmentation": [[1, 2, 3]]},
{"id": 2, "image_id": 9, "category_id": 3, "bbox": [0, 0, 5, 5]},
{"id": 3, "image_id": 9, "category_id": 3, "bbox": [0, 0, 2, 2],
"iscrowd": 1}]})",
      R"({"images":[],"categories":[],"annotations":[]})"};
}

}  // namespace wsol
