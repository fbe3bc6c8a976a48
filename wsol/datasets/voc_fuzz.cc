#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "wsol/datasets/fuzz_target.h"
#include "wsol/datasets/voc_annotations.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<wsol::VocFile> file =
      wsol::ParseVocFile(text, "fuzz.xml", 1);
  if (!file.ok()) {
    CHECK(absl::IsInvalidArgument(file.status())) << file.status();
    CHECK(absl::StartsWith(file.status().message(), "fuzz.xml:"))
        << file.status();
    return 0;
  }
  CHECK(!file->file_name.empty());
  CHECK_EQ(file->width > 0, file->height > 0);
  for (const wsol::VocFile::Object& object : file->objects) {
    CHECK(!object.name.empty());
    CHECK_GE(object.line, 1);
  }
  return 0;
}

namespace wsol {

std::vector<std::string> FuzzSeeds() {
  return {R"(<?xml version="1.0"?>
<annotation><folder>VOC2007</folder><filename>000005.jpg</filename>
<size><width>500</width><height>375</height><depth>3</depth></size>
<object><name>chair</name><pose>Rear</pose><difficult>0</difficult>
<bndbox><xmin>263</xmin><ymin>211</ymin><xmax>324</xmax><ymax>339</ymax></bndbox>
</object><object><name>&lt;dog&gt;</name><difficult>1</difficult><part>
<name>head</name><bndbox><xmin>1</xmin></bndbox></part>
<bndbox><xmin>5.5</xmin><ymin>1</ymin><xmax>9</xmax><ymax>1e2</ymax></bndbox>
</object></annotation>)",
          "<annotation><filename>a</filename></annotation>"};
}

}  // namespace wsol
