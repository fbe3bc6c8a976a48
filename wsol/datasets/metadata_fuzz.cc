// An input is the options in one byte, then the files of a split with a '|'
// between them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/fuzz_target.h"
#include "wsol/datasets/metadata.h"

namespace {

void CheckImage(const wsol::ImageRecord& image, int num_classes) {
  CHECK(!image.id.empty());
  CHECK_EQ(image.id.find_first_of(",\n\r"), std::string::npos);
  CHECK(image.label >= 0 && image.label < num_classes) << image.label;
  CHECK_EQ(image.width > 0, image.height > 0);
  CHECK(image.boxes.empty() || image.mask_paths.empty());
  CHECK(image.ignore_path.empty() || !image.mask_paths.empty());
  for (const vision::Box& box : image.boxes) {
    CHECK(box.x0 >= 0 && box.y0 >= 0 && !box.IsEmpty()) << box;
    if (image.width > 0) {
      CHECK(box.x1 <= image.width + 1 && box.y1 <= image.height + 1) << box;
    }
    CHECK(wsol::BoxFromFileCorners(wsol::BoxToFileCorners(box)) == box) << box;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) return 0;
  wsol::MetadataOptions options;
  options.proxy = (bytes[0] & 1) != 0;
  options.allow_empty = (bytes[0] & 2) != 0;
  options.num_classes = (bytes[0] & 4) != 0 ? 3 : 0;
  wsol::SplitText text;
  std::optional<std::string>* const files[] = {
      &text.image_ids, &text.class_labels, &text.image_sizes,
      &text.localization, &text.image_ids_proxy};
  size_t next = 0;
  for (const absl::string_view file :
       absl::StrSplit(bytes.substr(1), absl::MaxSplits('|', 4))) {
    files[next++]->emplace(file);
  }
  const absl::StatusOr<wsol::SplitMetadata> split =
      wsol::ParseSplitMetadata(text, options);
  if (!split.ok()) {
    CHECK(absl::IsInvalidArgument(split.status()) ||
          absl::IsNotFound(split.status()))
        << split.status();
    CHECK(!split.status().message().empty());
    return 0;
  }
  CHECK(options.allow_empty || !split->images.empty());
  for (const wsol::ImageRecord& image : split->images) {
    CheckImage(image, split->num_classes);
  }
  return 0;
}

namespace wsol {

std::vector<std::string> FuzzSeeds() {
  return {
      " a.png\nb/c.png\nd.png|a.png,0\nb/c.png,1\nd.png,2|"
      "a.png,10,8\nb/c.png,12,9\nd.png,1,1|"
      "a.png,0,0,9,7\na.png,3,3,3,3\nb/c.png,1,2,12,9\nd.png,0,0,0,0|d.png",
      "!\xEF\xBB\xBFx.jpg\r\ny.jpg\r\n|x.jpg,1\r\ny.jpg,0\r\n||"
      "x.jpg,m1.png,i.png\r\nx.jpg,m2.png,\r\ny.jpg,m3.png,\r\n|y.jpg\r\n",
      "$a|a,2",
  };
}

}  // namespace wsol
