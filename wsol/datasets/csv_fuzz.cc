#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/folder_annotations.h"
#include "wsol/datasets/fuzz_target.h"

// A byte of options, then a CSV file of boxes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  wsol::FolderOptions options;
  options.boxes = "fuzz.csv";
  options.origin = data[0] & 1;
  options.box_ends = (data[0] & 2) != 0 ? wsol::BoxEnds::kExclusive
                                        : wsol::BoxEnds::kInclusive;
  wsol::Annotations annotations;
  annotations.class_names = {"x"};
  for (const char* id : {"x/a.jpg", "x/b,c.jpg"}) {
    wsol::AnnotatedImage& image = annotations.images.emplace_back();
    image.id = id;
    image.label = 0;
  }
  const absl::Status status = wsol::AddCsvBoxes(
      absl::string_view(reinterpret_cast<const char*>(data) + 1, size - 1),
      options, &annotations);
  CHECK(status.ok() || absl::IsInvalidArgument(status)) << status;
  return 0;
}

namespace wsol {

std::vector<std::string> FuzzSeeds() {
  return {" x/a.jpg,1,2,3,4\nx/a.jpg,5,5,5,5\n\"x/b,c.jpg\",0,0,9,9\n",
          "!xmin,ymin,xmax,ymax,filename,class\r\n1,2.5,3,4,x/a.jpg,cat\r\n",
          "\"id,x,y,width,height\nx/a.jpg,0,1,20,30\n"};
}

}  // namespace wsol
