#include "wsol/cli/dataset_flags.h"

#include <initializer_list>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gflags/gflags.h"
#include "vision/base/status_util.h"
#include "wsol/cli/init.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/cli/source_dir.h"

DEFINE_string(output, "",
              "Of import and subset: folder for the split's files. Of synth: "
              "folder in which the data set gets a folder of its own. Of "
              "convert and stats: JSON file.");
DEFINE_bool(overwrite, false,
            "Replace what is there. A folder is replaced only if it holds a "
            "split's files and nothing else.");
DEFINE_string(image_root, "",
              "Folder that image ids are paths below. Of validate, convert and "
              "import --format=folders.");
DEFINE_string(mask_root, "",
              "Folder that paths of masks start from; empty: --image_root. Of "
              "validate and convert.");
DEFINE_bool(decode, false,
            "Of validate: decode each image, instead of reading its header.");
DEFINE_int32(num_classes, 0,
             "Of validate: number of classes, which labels must be below; 0: "
             "from class_names.txt or the largest label.");
DEFINE_string(format, "", "Of import: voc, coco or folders.");
DEFINE_string(annotations, "",
              "Of import: the folder of .xml files (voc) or the .json file "
              "(coco).");
DEFINE_string(image_list, "",
              "Of import --format=voc: file with the names of the .xml files "
              "to read, such as ImageSets/Main/train.txt; empty: all.");
DEFINE_string(boxes, "",
              "Of import --format=folders: CSV file of boxes, "
              "id,x0,y0,x1,y1 or with a header; empty: no boxes.");
DEFINE_string(box_ends, "inclusive",
              "Of import --format=folders: whether x1 and y1 are of the box's "
              "last pixel (inclusive) or of the first one behind it "
              "(exclusive).");
DEFINE_int32(origin, -1,
             "Of import: what a file's first pixel is called, 0 or 1; "
             "negative: 1 for voc, 0 for folders.");
DEFINE_string(class_names, "",
              "Of import: file with the names of the classes, a line each, in "
              "the order of their labels; empty: those that are met, in "
              "alphabetical order (voc, folders) or by category id (coco). "
              "Give the train split's to the other splits.");
DEFINE_string(id_prefix, "",
              "Of import: text before each file name to make an id, such as "
              "JPEGImages/.");
DEFINE_string(image_extension, "",
              "Of import --format=voc: added to file names without one, such "
              "as .JPEG.");
DEFINE_string(crowd, "skip",
              "Of import: boxes around a group (coco): skip, keep or error.");
DEFINE_string(difficult, "skip",
              "Of import: boxes marked difficult (voc): skip, keep or error.");
DEFINE_string(several_classes, "error",
              "Of import: images with objects of more than one class: error; "
              "largest: take the class of the largest box and its boxes; "
              "skip: leave the image out.");
DEFINE_string(without_objects, "error",
              "Of import: images without objects, or without one that is left: "
              "error, or skip: leave the image out.");
DEFINE_string(out_of_image, "error",
              "Of import: boxes that reach out of the image: error or clip.");
DEFINE_int32(per_class, 0, "Of subset: images of each class.");
DEFINE_bool(allow_fewer, false,
            "Of subset: take classes with fewer images whole.");
DEFINE_bool(proxy, false,
            "Of subset: write it as image_ids_proxy.txt into the split's own "
            "folder.");
DEFINE_uint64(seed, 0, "Of subset and synth.");
DEFINE_string(data, "objects",
              "Of synth: objects (20 kinds of objects) or birds (16 kinds of "
              "birds; needs Debian's tuxpaint-stamps-default).");
DEFINE_int32(image_size, 96,
             "Of synth: side of the square images in pixels, 16 to 4096.");
DEFINE_int32(train_per_class, 80, "Of synth: images of a class.");
DEFINE_int32(val_per_class, 10, "Of synth: images of a class.");
DEFINE_int32(test_per_class, 16, "Of synth: images of a class.");
DEFINE_double(scale, 1, "Of synth: factor for the numbers of images.");
DEFINE_string(image_format, "png",
              "Of synth: png, or jpeg (quality 95). Masks are PNG.");

namespace wsol {
namespace {

struct FlagUse {
  const char* flag;
  std::vector<const char*> users;  // Commands, or formats of import.
};

// Which commands look at which flags; --threads and what libraries bring along
// is for all.
const std::vector<FlagUse>& FlagUses() {
  static const auto& uses = *new std::vector<FlagUse>{
      {"output", {"stats", "import", "synth", "subset", "convert"}},
      {"overwrite", {"stats", "import", "subset", "convert"}},
      {"image_root", {"validate", "import", "convert"}},
      {"mask_root", {"validate", "convert"}},
      {"decode", {"validate"}},
      {"num_classes", {"validate"}},
      {"format", {"import"}},
      {"annotations", {"import"}},
      {"image_list", {"import"}},
      {"boxes", {"import"}},
      {"box_ends", {"import"}},
      {"origin", {"import"}},
      {"class_names", {"import"}},
      {"id_prefix", {"import"}},
      {"image_extension", {"import"}},
      {"crowd", {"import"}},
      {"difficult", {"import"}},
      {"several_classes", {"import"}},
      {"without_objects", {"import"}},
      {"out_of_image", {"import"}},
      {"per_class", {"subset"}},
      {"allow_fewer", {"subset"}},
      {"proxy", {"subset"}},
      {"seed", {"subset", "synth"}},
      {"data", {"synth"}},
      {"image_size", {"synth"}},
      {"train_per_class", {"synth"}},
      {"val_per_class", {"synth"}},
      {"test_per_class", {"synth"}},
      {"scale", {"synth"}},
      {"image_format", {"synth"}},
  };
  return uses;
}

bool IsGiven(const char* flag) {
  gflags::CommandLineFlagInfo info;
  return gflags::GetCommandLineFlagInfo(flag, &info) && !info.is_default;
}

// Puts the flag before an error's message.
template <typename T>
absl::StatusOr<T> OfFlag(const char* flag, absl::StatusOr<T> value) {
  if (value.ok()) return value;
  return absl::Status(value.status().code(),
                      absl::StrCat("--", flag, ": ", value.status().message()));
}

absl::Status RefuseFlags(std::initializer_list<const char*> flags,
                         absl::string_view format) {
  for (const char* flag : flags) {
    if (!IsGiven(flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " is not a flag of --format=", format));
  }
  return absl::OkStatus();
}

absl::Status Need(const char* flag, const std::string& value,
                  absl::string_view what) {
  if (!value.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " is needed: ", what));
}

absl::StatusOr<int> Origin(int of_format) {
  if (FLAGS_origin < 0) return of_format;
  if (FLAGS_origin <= 1) return FLAGS_origin;
  return absl::InvalidArgumentError(
      absl::StrCat("--origin is ", FLAGS_origin, ", expected 0 or 1"));
}

}  // namespace

absl::Status CheckFlagsOfCommand(absl::string_view command) {
  for (const FlagUse& use : FlagUses()) {
    bool is_used = false;
    for (const char* user : use.users) is_used |= command == user;
    if (is_used || !IsGiven(use.flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", use.flag, " is not a flag of ", command, ", but of ",
                     absl::StrJoin(use.users, ", ")));
  }
  return absl::OkStatus();
}

DatasetFlags DatasetFlagsFromFlags() {
  DatasetFlags flags;
  flags.output = ResolvePath(FLAGS_output);
  flags.overwrite = FLAGS_overwrite;
  flags.image_root = ResolvePath(FLAGS_image_root);
  flags.mask_root = ResolvePath(FLAGS_mask_root);
  flags.num_classes = FLAGS_num_classes;
  flags.proxy = FLAGS_proxy;
  return flags;
}

SplitCheckOptions SplitCheckOptionsFromFlags() {
  SplitCheckOptions options;
  options.image_root = ResolvePath(FLAGS_image_root);
  options.mask_root = ResolvePath(FLAGS_mask_root);
  options.decode = FLAGS_decode;
  options.num_classes = FLAGS_num_classes;
  options.num_threads = NumThreads();
  return options;
}

absl::StatusOr<SubsetOptions> SubsetOptionsFromFlags() {
  SubsetOptions options;
  options.per_class = FLAGS_per_class;
  options.allow_fewer = FLAGS_allow_fewer;
  options.seed = FLAGS_seed;
  if (options.per_class < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--per_class is ", options.per_class,
                     ", expected the images of a class, 1 or more"));
  }
  return options;
}

absl::StatusOr<SyntheticOptions> SyntheticOptionsFromFlags() {
  SyntheticOptions options;
  if (FLAGS_data == "objects") {
    options.kind = SyntheticKind::kObjects20;
  } else if (FLAGS_data == "birds") {
    options.kind = SyntheticKind::kBirds16;
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--data: '", FLAGS_data, "', expected objects, birds"));
  }
  VISION_ASSIGN_OR_RETURN(
      options.format,
      OfFlag("image_format", ParseSyntheticFormat(FLAGS_image_format)));
  VISION_ASSIGN_OR_RETURN(options.source_dir, SyntheticSourceDir());
  options.size = FLAGS_image_size;
  options.train_per_class = FLAGS_train_per_class;
  options.val_per_class = FLAGS_val_per_class;
  options.test_per_class = FLAGS_test_per_class;
  options.scale = FLAGS_scale;
  options.seed = FLAGS_seed;
  options.num_threads = NumThreads();
  return options;
}

absl::StatusOr<ImportFormat> ImportFormatFromFlags() {
  if (FLAGS_format == "voc") return ImportFormat::kVoc;
  if (FLAGS_format == "coco") return ImportFormat::kCoco;
  if (FLAGS_format == "folders") return ImportFormat::kFolders;
  return absl::InvalidArgumentError(absl::StrCat(
      "--format: '", FLAGS_format, "', expected voc, coco, folders"));
}

absl::StatusOr<ImportPolicy> ImportPolicyFromFlags() {
  ImportPolicy policy;
  VISION_ASSIGN_OR_RETURN(policy.crowd,
                          OfFlag("crowd", ParseMarkedObjects(FLAGS_crowd)));
  VISION_ASSIGN_OR_RETURN(
      policy.difficult,
      OfFlag("difficult", ParseMarkedObjects(FLAGS_difficult)));
  VISION_ASSIGN_OR_RETURN(
      policy.several_classes,
      OfFlag("several_classes", ParseSeveralClasses(FLAGS_several_classes)));
  VISION_ASSIGN_OR_RETURN(
      policy.without_objects,
      OfFlag("without_objects", ParseWithoutObjects(FLAGS_without_objects)));
  VISION_ASSIGN_OR_RETURN(
      policy.out_of_image,
      OfFlag("out_of_image", ParseOutOfImage(FLAGS_out_of_image)));
  return policy;
}

absl::StatusOr<VocOptions> VocOptionsFromFlags() {
  VISION_RETURN_IF_ERROR(
      RefuseFlags({"image_root", "boxes", "box_ends", "crowd"}, "voc"));
  VISION_RETURN_IF_ERROR(
      Need("annotations", FLAGS_annotations, "the folder of .xml files"));
  VocOptions options;
  options.folder = ResolvePath(FLAGS_annotations);
  options.image_list = ResolvePath(FLAGS_image_list);
  options.class_names = ResolvePath(FLAGS_class_names);
  options.id_prefix = FLAGS_id_prefix;
  options.image_extension = FLAGS_image_extension;
  VISION_ASSIGN_OR_RETURN(options.origin, Origin(options.origin));
  return options;
}

absl::StatusOr<CocoOptions> CocoOptionsFromFlags() {
  VISION_RETURN_IF_ERROR(
      RefuseFlags({"image_root", "image_list", "boxes", "box_ends", "origin",
                   "image_extension", "difficult"},
                  "coco"));
  VISION_RETURN_IF_ERROR(
      Need("annotations", FLAGS_annotations, "the .json file"));
  CocoOptions options;
  options.path = ResolvePath(FLAGS_annotations);
  options.class_names = ResolvePath(FLAGS_class_names);
  options.id_prefix = FLAGS_id_prefix;
  return options;
}

absl::StatusOr<FolderOptions> FolderOptionsFromFlags() {
  VISION_RETURN_IF_ERROR(RefuseFlags(
      {"annotations", "image_list", "image_extension", "crowd", "difficult"},
      "folders"));
  VISION_RETURN_IF_ERROR(Need("image_root", FLAGS_image_root,
                              "the folder that holds a folder for each class"));
  FolderOptions options;
  options.image_root = ResolvePath(FLAGS_image_root);
  options.boxes = ResolvePath(FLAGS_boxes);
  options.class_names = ResolvePath(FLAGS_class_names);
  options.id_prefix = FLAGS_id_prefix;
  VISION_ASSIGN_OR_RETURN(options.box_ends,
                          OfFlag("box_ends", ParseBoxEnds(FLAGS_box_ends)));
  VISION_ASSIGN_OR_RETURN(options.origin, Origin(options.origin));
  options.num_threads = NumThreads();
  return options;
}

}  // namespace wsol
