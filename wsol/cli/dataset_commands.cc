#include "wsol/cli/dataset_commands.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "vision/base/file_io.h"
#include "vision/base/progress.h"
#include "vision/base/status_util.h"
#include "wsol/cli/dataset_flags.h"
#include "wsol/cli/init.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/list_problems.h"
#include "wsol/cli/output_dir.h"
#include "wsol/cli/resolve_path.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/class_names.h"
#include "wsol/datasets/coco_annotations.h"
#include "wsol/datasets/coco_export.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/folder_annotations.h"
#include "wsol/datasets/metadata.h"
#include "wsol/datasets/split_check.h"
#include "wsol/datasets/split_folder.h"
#include "wsol/datasets/split_stats.h"
#include "wsol/datasets/split_subset.h"
#include "wsol/datasets/synthetic.h"
#include "wsol/datasets/voc_annotations.h"
#include "wsol/report/table.h"
#include "wsol/report/text_table.h"

namespace wsol {

const char kDatasetUsage[] =
    "Data sets in the metadata format of the WSOL benchmark: checks, imports, "
    "makes and converts them.\n\n"
    "  dataset validate FOLDER... [--image_root=DIR] [--mask_root=DIR]\n"
    "  dataset stats FOLDER...\n"
    "  dataset import --format=voc|coco|folders --output=FOLDER ...\n"
    "  dataset synth --output=DIR\n"
    "  dataset subset FOLDER --per_class=N --output=FOLDER\n"
    "  dataset convert FOLDER --output=coco.json\n\n"
    "A FOLDER is a split's: the one with image_ids.txt, or one that holds such "
    "folders. docs/data.md has examples of each.";

namespace {

// A progress bar that is made when the number of images is known.
class Bar {
 public:
  explicit Bar(absl::string_view label) : label_(label) {}

  template <typename Options>
  void Watch(Options* options) {
    options->should_stop = InterruptRequested;
    options->on_begin = [this](int64_t total) {
      progress_ = std::make_unique<vision::Progress>(label_, total);
    };
    options->on_image = [this] { progress_->Advance(); };
  }

  void Finish() {
    if (progress_ != nullptr) progress_->Finish();
  }

 private:
  const std::string label_;
  std::unique_ptr<vision::Progress> progress_;
};

std::string Count(int64_t count, absl::string_view one,
                  absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

absl::StatusOr<std::vector<std::string>> SplitsOf(
    absl::Span<const char* const> folders) {
  if (folders.empty()) {
    return absl::InvalidArgumentError(
        "a folder is needed: that of a split, with image_ids.txt");
  }
  std::vector<std::string> splits;
  for (const char* folder : folders) {
    VISION_ASSIGN_OR_RETURN(const std::vector<std::string> found,
                            FindSplits(ResolvePath(folder)));
    splits.insert(splits.end(), found.begin(), found.end());
  }
  return splits;
}

absl::StatusOr<std::string> OneSplitOf(absl::Span<const char* const> folders,
                                       absl::string_view command) {
  if (folders.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(command, ": got ", folders.size(),
                     " folders, expected that of one split"));
  }
  VISION_ASSIGN_OR_RETURN(const std::vector<std::string> splits,
                          SplitsOf(folders));
  if (splits.size() == 1) return splits[0];
  return absl::InvalidArgumentError(
      absl::StrCat(command, ": '", folders[0], "' holds several splits (",
                   absl::StrJoin(splits, ", "), "), expected one"));
}

// Finds out before the work that a file can be written after it.
absl::Status PrepareFile(const std::string& path, bool overwrite) {
  std::error_code error;
  if (path.empty()) {
    return absl::InvalidArgumentError("--output is needed: the file to write");
  }
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: '", path, "' is a folder, expected a file"));
  }
  if (!overwrite && std::filesystem::exists(path, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat("'", path, "' is there already; --overwrite replaces it"));
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return PrepareOutputDir(folder.empty() ? "." : folder);
}

absl::Status PrepareSplit(const std::string& folder, bool overwrite) {
  if (folder.empty()) {
    return absl::InvalidArgumentError(
        "--output is needed: the folder of the new split");
  }
  return CheckSplitFolder(folder, overwrite);
}

// ---- validate
// ----------------------------------------------------------------

absl::Status Validate(absl::Span<const char* const> folders,
                      std::ostream& out) {
  VISION_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          SplitsOf(folders));
  std::vector<SplitCheck> checks;
  std::vector<std::string> notes;
  Table table;
  table.columns = {{"split"},
                   {"images", "", Best::kNone, 0},
                   {"classes", "", Best::kNone, 0},
                   {"boxes", "", Best::kNone, 0},
                   {"masks", "", Best::kNone, 0},
                   {"images read", "", Best::kNone, 0},
                   {"masks read", "", Best::kNone, 0}};
  std::string problems;
  for (const std::string& name : names) {
    Bar bar(name);
    SplitCheckOptions options = SplitCheckOptionsFromFlags();
    bar.Watch(&options);
    absl::StatusOr<SplitCheck> check = CheckSplit(name, options);
    bar.Finish();
    if (absl::IsInvalidArgument(check.status())) {
      // The other splits may have problems too.
      absl::StrAppend(&problems, problems.empty() ? "" : "\n",
                      check.status().message());
      continue;
    }
    VISION_RETURN_IF_ERROR(check.status());
    const auto note = [&](int64_t count, absl::string_view one,
                          absl::string_view many) {
      if (count == 0) return;
      notes.push_back(absl::StrCat(name, ": ", Count(count, one, many)));
    };
    note(check->classes_without_images, "class has no image",
         "classes have no image");
    note(check->boxes_past_the_image,
         "box ends one past the image's last pixel",
         "boxes end one past their image's last pixel");
    note(check->empty_masks, "image has masks without a foreground pixel",
         "images have masks without a foreground pixel");
    TableRow& row = table.rows.emplace_back();
    row.cells = {name};
    for (const int64_t count :
         {static_cast<int64_t>(check->metadata.images.size()),
          static_cast<int64_t>(check->metadata.num_classes), check->boxes,
          check->masks, check->images_checked, check->masks_checked}) {
      row.cells.emplace_back(static_cast<double>(count));
    }
    checks.push_back(*std::move(check));
  }
  if (!problems.empty()) return absl::InvalidArgumentError(problems);
  VISION_RETURN_IF_ERROR(CheckSplitsAreDisjoint(names, checks));
  VISION_ASSIGN_OR_RETURN(const std::string text, RenderTextTable(table));
  out << text << "\n";
  for (const std::string& note : notes) out << "note: " << note << "\n";
  if (checks.size() == 1) {
    out << "the split is valid\n";
  } else {
    out << "all " << checks.size()
        << " splits are valid, and no image is in two of a data set\n";
  }
  return absl::OkStatus();
}

// ---- stats
// -------------------------------------------------------------------

absl::Status Stats(absl::Span<const char* const> folders, std::ostream& out) {
  const DatasetFlags flags = DatasetFlagsFromFlags();
  VISION_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                          SplitsOf(folders));
  if (!flags.output.empty()) {
    VISION_RETURN_IF_ERROR(PrepareFile(flags.output, flags.overwrite));
  }
  std::vector<std::string> json;
  for (const std::string& name : names) {
    VISION_ASSIGN_OR_RETURN(const Dataset dataset, Dataset::Open(name, ""));
    const SplitStats stats = ComputeSplitStats(dataset.metadata());
    if (&name != &names[0]) out << "\n";
    out << SplitStatsText(name, stats, dataset.class_names());
    json.push_back(SplitStatsJson(name, stats, dataset.class_names()));
  }
  if (flags.output.empty()) return absl::OkStatus();
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(
      flags.output, absl::StrCat("[\n", absl::StrJoin(json, ",\n"), "\n]\n")));
  out << "\nwrote " << flags.output << "\n";
  return absl::OkStatus();
}

// ---- import
// ------------------------------------------------------------------

absl::StatusOr<Annotations> ReadAnnotations() {
  VISION_ASSIGN_OR_RETURN(const ImportFormat format, ImportFormatFromFlags());
  switch (format) {
    case ImportFormat::kVoc: {
      VISION_ASSIGN_OR_RETURN(const VocOptions options, VocOptionsFromFlags());
      return ReadVocAnnotations(options);
    }
    case ImportFormat::kCoco: {
      VISION_ASSIGN_OR_RETURN(const CocoOptions options,
                              CocoOptionsFromFlags());
      return ReadCocoAnnotations(options);
    }
    case ImportFormat::kFolders:
      break;
  }
  VISION_ASSIGN_OR_RETURN(const FolderOptions options,
                          FolderOptionsFromFlags());
  return ReadFolderAnnotations(options);
}

void PrintCounts(const ImportCounts& counts, std::ostream& out) {
  const auto line = [&](int64_t count, absl::string_view one,
                        absl::string_view many) {
    if (count > 0) out << "  " << Count(count, one, many) << "\n";
  };
  line(counts.crowd_skipped, "crowd box left out", "crowd boxes left out");
  line(counts.difficult_skipped, "difficult box left out",
       "difficult boxes left out");
  line(counts.other_classes_skipped,
       "box of another class than its image's left out",
       "boxes of other classes than their images' left out");
  line(counts.boxes_clipped, "box clipped to its image",
       "boxes clipped to their images");
  line(counts.images_without_objects, "image without objects left out",
       "images without objects left out");
  line(counts.images_of_several_classes, "image of several classes left out",
       "images of several classes left out");
  line(counts.other_files, "file that is no image passed over",
       "files that are no images passed over");
}

void PrintSplit(const std::string& folder, const SplitMetadata& metadata,
                std::ostream& out) {
  int64_t boxes = 0;
  int64_t masks = 0;
  for (const ImageRecord& image : metadata.images) {
    boxes += static_cast<int64_t>(image.boxes.size());
    masks += static_cast<int64_t>(image.mask_paths.size());
  }
  out << "wrote " << folder << ": "
      << Count(static_cast<int64_t>(metadata.images.size()), "image", "images")
      << " of " << Count(metadata.num_classes, "class", "classes");
  if (masks > 0) {
    out << ", " << Count(masks, "mask", "masks") << "\n";
  } else if (boxes > 0) {
    out << ", " << Count(boxes, "box", "boxes") << "\n";
  } else {
    out << ", without localization\n";
  }
}

absl::Status Import(std::ostream& out) {
  const DatasetFlags flags = DatasetFlagsFromFlags();
  VISION_ASSIGN_OR_RETURN(const ImportPolicy policy, ImportPolicyFromFlags());
  VISION_RETURN_IF_ERROR(PrepareSplit(flags.output, flags.overwrite));
  VISION_ASSIGN_OR_RETURN(Annotations annotations, ReadAnnotations());
  VISION_ASSIGN_OR_RETURN(const ImportedSplit split,
                          SplitFromAnnotations(std::move(annotations), policy));
  if (InterruptRequested()) {
    return absl::CancelledError("nothing was written");
  }
  VISION_RETURN_IF_ERROR(WriteSplitFolder(flags.output, split.metadata,
                                          split.class_names, flags.overwrite));
  PrintSplit(flags.output, split.metadata, out);
  PrintCounts(split.counts, out);
  return absl::OkStatus();
}

// ---- synth
// -------------------------------------------------------------------

absl::Status Synth(std::ostream& out) {
  const DatasetFlags flags = DatasetFlagsFromFlags();
  VISION_ASSIGN_OR_RETURN(SyntheticOptions options,
                          SyntheticOptionsFromFlags());
  if (flags.output.empty()) {
    return absl::InvalidArgumentError(
        "--output is needed: the folder to put the data set in");
  }
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_RETURN_IF_ERROR(PrepareOutputDir(flags.output));
  std::unique_ptr<vision::Progress> progress;
  int64_t shown = 0;
  options.should_stop = InterruptRequested;
  options.progress = [&](int64_t done, int64_t total) {
    if (progress == nullptr) {
      progress = std::make_unique<vision::Progress>("synth", total);
    }
    progress->Advance(done - shown);
    shown = done;
  };
  const absl::StatusOr<SyntheticDataset> data =
      ComposeDataset(options, flags.output);
  if (progress != nullptr) progress->Finish();
  VISION_RETURN_IF_ERROR(data.status());
  out << data->dir << "\n"
      << "  images      " << data->num_train << " train, " << data->num_val
      << " val, " << data->num_test << " test of "
      << Count(static_cast<int64_t>(data->class_names.size()), "class",
               "classes")
      << "; " << data->num_composed << " made now, " << data->num_reused
      << " there before\n";
  if (data->num_repaired > 0) {
    out << "  repaired    " << Count(data->num_repaired, "file", "files")
        << ", the first is " << data->repaired[0] << "\n";
  }
  out << "  metadata    " << vision::JoinPath(data->dir, "metadata")
      << "/{boxes,masks}/{train,val,test}\n"
      << "  image root  " << data->image_root << "\n"
      << "  overview    " << data->contact_sheet << "\n\n"
      << SyntheticAttribution(options.kind) << "\n";
  return absl::OkStatus();
}

// ---- subset
// ------------------------------------------------------------------

absl::Status Subset(absl::Span<const char* const> folders, std::ostream& out) {
  const DatasetFlags flags = DatasetFlagsFromFlags();
  VISION_ASSIGN_OR_RETURN(const SubsetOptions options,
                          SubsetOptionsFromFlags());
  VISION_ASSIGN_OR_RETURN(const std::string split,
                          OneSplitOf(folders, "subset"));
  const std::string proxy_file = vision::JoinPath(split, "image_ids_proxy.txt");
  if (!flags.proxy) {
    VISION_RETURN_IF_ERROR(PrepareSplit(flags.output, flags.overwrite));
  } else if (!flags.output.empty()) {
    return absl::InvalidArgumentError(
        "--proxy writes into the split's own folder, so --output has no "
        "meaning");
  } else {
    VISION_RETURN_IF_ERROR(PrepareFile(proxy_file, flags.overwrite));
  }
  VISION_ASSIGN_OR_RETURN(const Dataset dataset, Dataset::Open(split, ""));
  VISION_ASSIGN_OR_RETURN(const SplitMetadata subset,
                          SelectSubset(dataset.metadata(), options));
  if (!flags.proxy) {
    VISION_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            ReadClassNames(split));
    VISION_RETURN_IF_ERROR(
        WriteSplitFolder(flags.output, subset, names, flags.overwrite));
    PrintSplit(flags.output, subset, out);
    return absl::OkStatus();
  }
  const std::string ids = absl::StrJoin(
      subset.images, "\n", [](std::string* text, const ImageRecord& image) {
        absl::StrAppend(text, image.id);
      });
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(proxy_file, ids));
  out << "wrote " << proxy_file << ": " << subset.images.size() << " of "
      << dataset.size() << " images\n";
  return absl::OkStatus();
}

// ---- convert
// -----------------------------------------------------------------

absl::Status Convert(absl::Span<const char* const> folders, std::ostream& out) {
  const DatasetFlags flags = DatasetFlagsFromFlags();
  VISION_ASSIGN_OR_RETURN(const std::string split,
                          OneSplitOf(folders, "convert"));
  VISION_RETURN_IF_ERROR(PrepareFile(flags.output, flags.overwrite));
  DatasetOptions dataset_options;
  dataset_options.mask_root = flags.mask_root;
  VISION_ASSIGN_OR_RETURN(
      const Dataset dataset,
      Dataset::Open(split, flags.image_root, dataset_options));
  const auto any_image = [&](const auto& condition) {
    const std::vector<ImageRecord>& images = dataset.metadata().images;
    return std::any_of(images.begin(), images.end(), condition);
  };
  if (flags.image_root.empty() && flags.mask_root.empty() &&
      any_image(
          [](const ImageRecord& image) { return !image.mask_paths.empty(); })) {
    return absl::InvalidArgumentError(
        "the split has masks: --mask_root or --image_root is needed");
  }
  if (flags.image_root.empty() &&
      any_image([](const ImageRecord& image) { return image.width == 0; })) {
    return absl::InvalidArgumentError(
        "image_sizes.txt does not tell the sizes of images: --image_root is "
        "needed");
  }
  Bar bar("convert");
  CocoExportOptions options;
  options.masks = !flags.mask_root.empty() || !flags.image_root.empty();
  options.num_threads = NumThreads();
  bar.Watch(&options);
  const absl::StatusOr<CocoFile> file = ExportCoco(dataset, options);
  bar.Finish();
  VISION_RETURN_IF_ERROR(file.status());
  VISION_RETURN_IF_ERROR(vision::WriteFileAtomically(flags.output, file->json));
  out << "wrote " << flags.output << ": "
      << Count(file->images, "image", "images") << ", "
      << Count(file->annotations, "annotation", "annotations") << "\n";
  if (file->boxes_clipped > 0) {
    out << "  "
        << Count(file->boxes_clipped, "box that ended", "boxes that ended")
        << " one past the last pixel clipped\n";
  }
  if (file->empty_masks > 0) {
    out << "  " << Count(file->empty_masks, "mask", "masks")
        << " without a foreground pixel left out\n";
  }
  return absl::OkStatus();
}

absl::Status RunCommand(absl::string_view command,
                        absl::Span<const char* const> folders,
                        std::ostream& out) {
  if (command == "validate") return Validate(folders, out);
  if (command == "stats") return Stats(folders, out);
  if (command == "subset") return Subset(folders, out);
  if (command == "convert") return Convert(folders, out);
  if (!folders.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command, ": unexpected argument '", folders[0], "'"));
  }
  return command == "import" ? Import(out) : Synth(out);
}

}  // namespace

absl::Status RunDatasetCommand(absl::Span<const char* const> arguments,
                               std::ostream& out, std::ostream& err) {
  constexpr absl::string_view kCommands =
      "validate, stats, import, synth, subset, convert";
  if (arguments.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a command is needed: ", kCommands, " (--help tells more)"));
  }
  const absl::string_view command = arguments[0];
  if (!absl::StrContains(absl::StrCat(", ", kCommands, ","),
                         absl::StrCat(", ", command, ","))) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown command '", command, "', expected ", kCommands));
  }
  VISION_RETURN_IF_ERROR(CheckFlagsOfCommand(command));
  const absl::Status status = RunCommand(command, arguments.subspan(1), out);
  out.flush();
  return ListProblems(status,
                      command == "validate" ? "" : "nothing was written", err);
}

}  // namespace wsol
