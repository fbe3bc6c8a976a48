// Boxes of PASCAL VOC: an XML file for each image.
//
//   wsol::VocOptions options;
//   options.folder = "VOC2012/Annotations";
//   options.image_list = "VOC2012/ImageSets/Main/train.txt";
//   VISION_ASSIGN_OR_RETURN(wsol::Annotations annotations,
//                           wsol::ReadVocAnnotations(options));
//
// Of each file these elements are used, and no others:
//   <annotation>
//     <filename>000005.jpg</filename>
//     <size><width>500</width><height>375</height></size>      may be missing
//     <object>                                                 any number
//       <name>chair</name>
//       <difficult>0</difficult>                               may be missing
//       <bndbox><xmin>263</xmin><ymin>211</ymin>
//               <xmax>324</xmax><ymax>339</ymax></bndbox>
//     </object>
//   </annotation>
// VOC counts pixels from 1 and includes both ends: xmin = 263, xmax = 324 are
// the half-open [262, 324). Fractions are rounded to the nearest pixel. Boxes
// of an object's <part>s are not read.

#ifndef WSOL_DATASETS_VOC_ANNOTATIONS_H_
#define WSOL_DATASETS_VOC_ANNOTATIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/annotations.h"

namespace wsol {

struct VocOptions {
  // Folder of .xml files; those in folders below it count too, and their images
  // are taken to be in folders of the same names.
  std::string folder;
  // Names of the files to read, without .xml, a line each; what follows a blank
  // (VOC's -1, 0 or 1) is not looked at. Empty: all, in alphabetical order.
  std::string image_list;
  // File of class names, in the order of labels; a class that is not in it is
  // an error. Empty: the classes that are met, in alphabetical order.
  std::string class_names;
  // Put before each file name to make an id: "JPEGImages/".
  std::string id_prefix;
  // Added to a <filename> without one: ".JPEG" for ILSVRC.
  std::string image_extension;
  // What the first pixel is called: 1, or 0 for files of some other tools.
  int origin = 1;
};

// Reads the files. All problems are listed as SplitFromAnnotations does;
// kNotFound for a folder or a list that is missing.
absl::StatusOr<Annotations> ReadVocAnnotations(const VocOptions& options);

// One file of VOC.
struct VocFile {
  struct Object {
    std::string name;
    vision::Box box;
    bool difficult = false;
    int64_t line = 0;
  };
  std::string file_name;
  int width = 0;  // 0: not told.
  int height = 0;
  std::vector<Object> objects;
};

// Parses the text of a file; `path` stands for it in messages.
// kInvalidArgument with path and line.
absl::StatusOr<VocFile> ParseVocFile(absl::string_view text,
                                     const std::string& path, int origin);

}  // namespace wsol

#endif  // WSOL_DATASETS_VOC_ANNOTATIONS_H_
