#include "wsol/datasets/synthetic.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "vision/base/file_io.h"
#include "vision/base/parallel_for.h"
#include "vision/base/status_util.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using Json = nlohmann::ordered_json;

// Part of the options' hash: raise it when the composer's pixels or the layout
// of the folder change, so that old folders are left alone.
constexpr int kFormatVersion = 1;
constexpr int kJpegQuality = 95;
constexpr int64_t kMaxImages = 100'000'000;
// A record of what is finished is written each time so many images are.
constexpr int64_t kCheckpointImages = 100'000;
constexpr size_t kMaxListedRepairs = 20;
constexpr int kSheetColumns = 10;
constexpr char kManifest[] = "manifest.json";
constexpr char kContactSheet[] = "contact_sheet.png";
constexpr char kIgnore[] = "ignore.png";
constexpr char kAttributionFile[] = "ATTRIBUTION.txt";
constexpr std::array<Split, 3> kSplits = {Split::kTrain, Split::kVal,
                                          Split::kTest};

constexpr const char* kObjects[] = {
    "armchair", "cactus",       "chicken", "horse",     "teddy",
    "forklift", "extinguisher", "mixer",   "biplane",   "fan",
    "lamp",     "orchid",       "mailbox", "deckchair", "sofa",
    "truck",    "umbrella",     "clock",   "motorbike", "coffee"};

constexpr const char* kBackgrounds[] = {
    "aitzgorri_by_Aitzol_Berasategi.jpg", "life_by_Aitzol_Berasategi.jpg",
    "picosdeeuropa_by_Aitzol_Berasategi.jpg",
    "seeding_by_Clements_Engelhardt.jpg", "sunset_by_Aitzol_Berasategi.jpg"};

struct BirdClass {
  const char* name;
  std::vector<const char*> stamps;
};

const std::vector<BirdClass>& Birds() {
  static const auto& birds = *new std::vector<BirdClass>{
      {"blackbird", {"blackbird"}},
      {"duck", {"duck", "drake"}},
      {"penguin", {"penguin", "little-penguin", "magellanic_penguin"}},
      {"owl", {"owl"}},
      {"flamingo", {"pink_flamingo"}},
      {"rooster", {"rooster"}},
      {"pigeon", {"pigeon"}},
      {"parrot", {"adelaide-rosella", "rainbow-lorikeet"}},
      {"heron", {"heron_greatblue"}},
      {"toucan", {"tucan"}},
      {"turkey", {"turkey"}},
      {"pelican", {"pelican"}},
      {"vulture", {"vulture"}},
      {"gull", {"silver-gull", "seagull"}},
      {"crow", {"crow", "magpie"}},
      {"ostrich", {"ostrich", "nandou"}},
  };
  return birds;
}

// What material is missing, where it was looked for, and what to do.
absl::Status MissingMaterial(absl::string_view who, const std::string& folder,
                             const std::vector<std::string>& missing,
                             absl::string_view remedy) {
  const size_t shown = std::min<size_t>(missing.size(), 3);
  std::string names =
      absl::StrJoin(absl::MakeConstSpan(missing).subspan(0, shown), ", ");
  if (missing.size() > shown) {
    absl::StrAppend(&names, " and ", missing.size() - shown, " more");
  }
  return absl::NotFoundError(
      absl::StrCat(who, ", and it was not found.\nLooked in:\n  ", folder,
                   ": no ", names, "\nTo fix it, ", remedy));
}

// The bytes of the files of source material, read before any is decoded.
class MaterialReader {
 public:
  // Reads the next file, or remembers that it is missing.
  void Read(const std::string& folder, const std::string& name) {
    absl::StatusOr<std::string> bytes =
        vision::ReadFile(vision::JoinPath(folder, name));
    if (!bytes.ok()) {
      if (absl::IsNotFound(bytes.status())) {
        missing_.push_back(name);
      } else if (status_.ok()) {
        status_ = bytes.status();
      }
      return;
    }
    crc32_.push_back(vision::Crc32(*bytes));
    files_.emplace_back(vision::JoinPath(folder, name), *std::move(bytes));
  }

  const absl::Status& status() const { return status_; }
  const std::vector<std::string>& missing() const { return missing_; }
  const std::vector<uint32_t>& crc32() const { return crc32_; }

  absl::StatusOr<cv::Mat> DecodeRgb(size_t i) const {
    return vision::DecodeRgb(files_[i].second, files_[i].first);
  }
  absl::StatusOr<cv::Mat> DecodeRgba(size_t i) const {
    return vision::DecodeRgba(files_[i].second, files_[i].first);
  }

 private:
  std::vector<std::pair<std::string, std::string>> files_;
  std::vector<uint32_t> crc32_;
  std::vector<std::string> missing_;
  absl::Status status_;
};

// The material, and the CRC of each of its files.
struct Material {
  ComposerMaterial images;
  std::vector<uint32_t> crc32;
};

absl::StatusOr<Material> LoadMaterial(const SyntheticOptions& options) {
  const bool birds = options.kind == SyntheticKind::kBirds16;
  MaterialReader reader;
  for (const char* name : kBackgrounds) {
    reader.Read(options.source_dir, absl::StrCat("backgrounds/", name));
  }
  if (!birds) {
    for (const char* name : kObjects) {
      reader.Read(options.source_dir, absl::StrCat("objects/", name, ".png"));
    }
  }
  VISION_RETURN_IF_ERROR(reader.status());
  if (!reader.missing().empty()) {
    return MissingMaterial(
        "The built-in data sets need the source material of the repository",
        options.source_dir, reader.missing(),
        "name the folder wsol/datasets/objects20 of a whole checkout as "
        "source_dir.");
  }
  if (birds) {
    for (const BirdClass& bird : Birds()) {
      for (const char* stamp : bird.stamps) {
        reader.Read(options.birds_dir, absl::StrCat(stamp, ".png"));
      }
    }
    VISION_RETURN_IF_ERROR(reader.status());
    if (!reader.missing().empty()) {
      return MissingMaterial(
          "The data set birds16 needs the stamps of Debian's package "
          "tuxpaint-stamps-default",
          options.birds_dir, reader.missing(),
          "install it (sudo apt-get install tuxpaint-stamps-default) or name "
          "another folder of its stamps as birds_dir.");
    }
  }

  Material material;
  material.crc32 = reader.crc32();
  size_t next = 0;
  for (size_t i = 0; i < std::size(kBackgrounds); ++i) {
    VISION_ASSIGN_OR_RETURN(cv::Mat rgb, reader.DecodeRgb(next++));
    material.images.photographs.push_back(std::move(rgb));
  }
  const auto add_class = [&](const char* name, size_t count) -> absl::Status {
    ObjectClass& out = material.images.classes.emplace_back();
    out.name = name;
    for (size_t i = 0; i < count; ++i) {
      VISION_ASSIGN_OR_RETURN(cv::Mat rgba, reader.DecodeRgba(next++));
      out.cutouts.push_back(std::move(rgba));
    }
    return absl::OkStatus();
  };
  if (birds) {
    for (const BirdClass& bird : Birds()) {
      VISION_RETURN_IF_ERROR(add_class(bird.name, bird.stamps.size()));
    }
  } else {
    for (const char* name : kObjects) {
      VISION_RETURN_IF_ERROR(add_class(name, 1));
    }
  }
  return material;
}

int64_t PerClass(const SyntheticOptions& options, Split split) {
  const int base = split == Split::kTrain ? options.train_per_class
                   : split == Split::kVal ? options.val_per_class
                                          : options.test_per_class;
  return std::llround(base * options.scale);
}

// Replaces a file, but does not wait until it is on the disk: the manifest
// tells later whether it arrived. Waiting would take most of the time of small
// images.
absl::Status WriteImageFile(const std::string& path, const std::string& bytes) {
  const std::string temporary = absl::StrCat(path, ".part", getpid());
  bool ok = false;
  std::FILE* const file = std::fopen(temporary.c_str(), "wb");
  if (file != nullptr) {
    ok = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    int error = errno;
    if (std::fclose(file) != 0 && ok) {
      ok = false;
      error = errno;
    }
    errno = error;
  }
  ok = ok && std::rename(temporary.c_str(), path.c_str()) == 0;
  if (ok) return absl::OkStatus();
  const int error = errno;
  std::remove(temporary.c_str());
  return absl::ErrnoToStatus(error, absl::StrCat("cannot write '", path, "'"));
}

// Size and CRC-32 of a file.
struct Checksum {
  int64_t bytes = -1;  // -1: there is no such file yet.
  uint32_t crc32 = 0;

  bool operator==(const Checksum& other) const {
    return bytes == other.bytes && crc32 == other.crc32;
  }
  bool operator!=(const Checksum& other) const { return !(*this == other); }
};

Checksum ChecksumOf(absl::string_view contents) {
  Checksum checksum;
  checksum.bytes = static_cast<int64_t>(contents.size());
  checksum.crc32 = vision::Crc32(contents);
  return checksum;
}

// The checksum of a file on disk; one that no file has if it cannot be read.
Checksum ChecksumOfFile(const std::string& path) {
  const absl::StatusOr<std::string> contents = vision::ReadFile(path);
  return contents.ok() ? ChecksumOf(*contents) : Checksum();
}

// What is kept in memory of an image: no pixels.
struct ImageEntry {
  Checksum image;
  Checksum mask;
  vision::Box box;

  bool operator==(const ImageEntry& other) const {
    return image == other.image && mask == other.mask && box == other.box;
  }
  bool known() const { return image.bytes >= 0 && mask.bytes >= 0; }
};

struct NamedFile {
  std::string name;  // Relative to the data set's folder.
  Checksum checksum;
};

struct Manifest {
  bool complete = false;
  std::array<std::vector<ImageEntry>, 3> entries;  // by split
  std::vector<NamedFile> files;
};

// One line of numbers per property: small, and fast to parse.
Json EntriesToJson(const std::vector<ImageEntry>& entries) {
  Json json = Json::object();
  std::vector<int64_t> image_bytes, image_crc, mask_bytes, mask_crc, boxes;
  for (const ImageEntry& entry : entries) {
    image_bytes.push_back(entry.image.bytes);
    image_crc.push_back(entry.image.crc32);
    mask_bytes.push_back(entry.mask.bytes);
    mask_crc.push_back(entry.mask.crc32);
    for (const int end :
         {entry.box.x0, entry.box.y0, entry.box.x1, entry.box.y1}) {
      boxes.push_back(end);
    }
  }
  json["image_bytes"] = image_bytes;
  json["image_crc32"] = image_crc;
  json["mask_bytes"] = mask_bytes;
  json["mask_crc32"] = mask_crc;
  json["half_open_boxes"] = boxes;
  return json;
}

// Empty if the numbers are not as EntriesToJson writes them.
std::vector<ImageEntry> EntriesFromJson(const Json& json) {
  const auto column = [&](const char* name) {
    return json.at(name).get<std::vector<int64_t>>();
  };
  const std::vector<int64_t> image_bytes = column("image_bytes");
  const std::vector<int64_t> image_crc = column("image_crc32");
  const std::vector<int64_t> mask_bytes = column("mask_bytes");
  const std::vector<int64_t> mask_crc = column("mask_crc32");
  const std::vector<int64_t> boxes = column("half_open_boxes");
  const size_t count = image_bytes.size();
  if (image_crc.size() != count || mask_bytes.size() != count ||
      mask_crc.size() != count || boxes.size() != 4 * count) {
    return {};
  }
  std::vector<ImageEntry> entries(count);
  for (size_t i = 0; i < count; ++i) {
    entries[i].image.bytes = image_bytes[i];
    entries[i].image.crc32 = static_cast<uint32_t>(image_crc[i]);
    entries[i].mask.bytes = mask_bytes[i];
    entries[i].mask.crc32 = static_cast<uint32_t>(mask_crc[i]);
    entries[i].box.x0 = static_cast<int>(boxes[4 * i]);
    entries[i].box.y0 = static_cast<int>(boxes[4 * i + 1]);
    entries[i].box.x1 = static_cast<int>(boxes[4 * i + 2]);
    entries[i].box.y1 = static_cast<int>(boxes[4 * i + 3]);
  }
  return entries;
}

// The state of one call of ComposeDataset.
class Builder {
 public:
  Builder(const SyntheticOptions& options, const std::string& output_dir,
          Composer composer, Json description)
      : options_(options),
        composer_(std::move(composer)),
        description_(std::move(description)) {
    const uint32_t hash = vision::Crc32(description_.dump());
    result_.dir = vision::JoinPath(
        output_dir,
        absl::StrFormat("%s-%dpx-seed%d-%08x", SyntheticKindName(options.kind),
                        options.size, options.seed, hash));
    result_.image_root = vision::JoinPath(result_.dir, "images");
    result_.contact_sheet = vision::JoinPath(result_.dir, kContactSheet);
    for (int label = 0; label < composer_.num_classes(); ++label) {
      result_.class_names.push_back(composer_.class_name(label));
    }
    result_.num_train = Count(Split::kTrain);
    result_.num_val = Count(Split::kVal);
    result_.num_test = Count(Split::kTest);
  }

  absl::StatusOr<SyntheticDataset> Build() {
    VISION_RETURN_IF_ERROR(CreateFolders());
    VISION_RETURN_IF_ERROR(LoadManifest());
    VISION_RETURN_IF_ERROR(MakeImages());
    VISION_RETURN_IF_ERROR(MakeOtherFiles());
    if (changed_ || !manifest_.complete) {
      manifest_.complete = true;
      VISION_RETURN_IF_ERROR(WriteManifest());
    }
    return std::move(result_);
  }

 private:
  int64_t Count(Split split) const {
    return PerClass(options_, split) * composer_.num_classes();
  }
  std::vector<ImageEntry>& Entries(Split split) {
    return manifest_.entries[static_cast<size_t>(split)];
  }
  std::string Path(absl::string_view name) const {
    return vision::JoinPath(result_.dir, name);
  }
  std::string Stem(Split split, int64_t n) const {
    return absl::StrFormat("%s/%s/%06d", SplitName(split),
                           composer_.class_name(composer_.Label(n)), n);
  }
  std::string ImageName(Split split, int64_t n) const {
    return absl::StrCat(Stem(split, n), options_.format == SyntheticFormat::kPng
                                            ? ".png"
                                            : ".jpg");
  }
  std::string MaskName(Split split, int64_t n) const {
    return absl::StrCat(Stem(split, n), "_mask.png");
  }

  absl::Status CreateFolders() const {
    for (const Split split : kSplits) {
      for (const std::string& name : result_.class_names) {
        VISION_RETURN_IF_ERROR(vision::CreateDirectories(vision::JoinPath(
            result_.image_root, absl::StrCat(SplitName(split), "/", name))));
      }
    }
    return absl::OkStatus();
  }

  // Takes over what an earlier call recorded. A manifest that cannot be used is
  // no error: everything is made anew.
  absl::Status LoadManifest() {
    const absl::StatusOr<std::string> text = vision::ReadFile(Path(kManifest));
    if (absl::IsNotFound(text.status())) {
      ResetManifest();
      return absl::OkStatus();
    }
    VISION_RETURN_IF_ERROR(text.status());
    if (!ParseManifest(*text)) {
      AddRepaired(kManifest);
      ResetManifest();
    }
    return absl::OkStatus();
  }

  void ResetManifest() {
    manifest_ = Manifest();
    for (const Split split : kSplits) {
      Entries(split).resize(static_cast<size_t>(Count(split)));
    }
  }

  bool ParseManifest(const std::string& text) {
    try {
      Json json = Json::parse(text);
      const uint32_t crc = json.at("crc32").get<uint32_t>();
      json.erase("crc32");
      if (vision::Crc32(json.dump()) != crc) return false;
      if (json.at("options") != description_) return false;
      manifest_.complete = json.at("complete").get<bool>();
      for (const Split split : kSplits) {
        Entries(split) = EntriesFromJson(
            json.at("images").at(std::string(SplitName(split))));
        if (static_cast<int64_t>(Entries(split).size()) != Count(split)) {
          return false;
        }
      }
      for (const Json& file : json.at("files")) {
        NamedFile& named = manifest_.files.emplace_back();
        named.name = file.at("name").get<std::string>();
        named.checksum.bytes = file.at("bytes").get<int64_t>();
        named.checksum.crc32 = file.at("crc32").get<uint32_t>();
      }
      return true;
    } catch (const Json::exception&) {
      return false;
    }
  }

  absl::Status WriteManifest() const {
    Json json = Json::object();
    json["options"] = description_;
    json["complete"] = manifest_.complete;
    json["classes"] = result_.class_names;
    json["files"] = Json::array();
    for (const NamedFile& file : manifest_.files) {
      json["files"].push_back({{"name", file.name},
                               {"bytes", file.checksum.bytes},
                               {"crc32", file.checksum.crc32}});
    }
    for (const Split split : kSplits) {
      json["images"][std::string(SplitName(split))] =
          EntriesToJson(manifest_.entries[static_cast<size_t>(split)]);
    }
    json["crc32"] = vision::Crc32(json.dump());
    return vision::WriteFileAtomically(Path(kManifest), json.dump());
  }

  void AddRepaired(const std::string& name) {
    ++result_.num_repaired;
    if (result_.repaired.size() < kMaxListedRepairs) {
      result_.repaired.push_back(name);
    }
  }

  absl::Status MakeImages() {
    const int64_t total =
        result_.num_train + result_.num_val + result_.num_test;
    absl::Status status;
    for (int64_t begin = 0; begin < total && status.ok();
         begin += kCheckpointImages) {
      const int64_t count = std::min(kCheckpointImages, total - begin);
      vision::ParallelFor(count, options_.num_threads, [&](int64_t i) {
        if (stopped_.load(std::memory_order_relaxed)) return;
        MakeImage(begin + i, total);
      });
      status = status_;
      if (changed_ && (!status.ok() || begin + count < total)) {
        manifest_.complete = false;
        // The first error is the one to tell.
        const absl::Status written = WriteManifest();
        if (status.ok()) status = written;
      }
    }
    // In the order of the images, whichever thread found them.
    std::sort(damaged_.begin(), damaged_.end());
    for (const auto& [position, name] : damaged_) AddRepaired(name);
    return status;
  }

  // Checks, or composes, image `position` of all splits one after another.
  void MakeImage(int64_t position, int64_t total) {
    if (options_.should_stop) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!status_.ok()) return;
      if (options_.should_stop()) {
        stopped_ = true;
        status_ = absl::CancelledError(absl::StrCat(
            "composing the data set was stopped after ", done_, " of ", total,
            " images; what is finished is kept in '", result_.dir,
            "', and the same call goes on from there"));
        return;
      }
    }
    Split split = Split::kTrain;
    int64_t n = position;
    for (const Split candidate : kSplits) {
      split = candidate;
      if (n < Count(split)) break;
      n -= Count(split);
    }
    ImageEntry& entry = Entries(split)[static_cast<size_t>(n)];
    const std::string image_name = absl::StrCat("images/", ImageName(split, n));
    const std::string mask_name = absl::StrCat("images/", MaskName(split, n));
    const bool known = entry.known();
    const bool image_good =
        known && ChecksumOfFile(Path(image_name)) == entry.image;
    const bool mask_good =
        known && ChecksumOfFile(Path(mask_name)) == entry.mask;
    absl::Status status;
    ImageEntry made = entry;
    if (!image_good || !mask_good) {
      status = ComposeImage(split, n, image_name, mask_name, &made);
    }

    const std::lock_guard<std::mutex> lock(mutex_);
    if (!status.ok()) {
      if (status_.ok()) status_ = status;
      stopped_ = true;
      return;
    }
    if (known && !image_good) damaged_.emplace_back(position, image_name);
    if (known && !mask_good) damaged_.emplace_back(position, mask_name);
    if (image_good && mask_good) {
      ++result_.num_reused;
    } else {
      ++result_.num_composed;
      changed_ = changed_ || !(made == entry);
      entry = made;
    }
    ++done_;
    if (options_.progress) options_.progress(done_, total);
  }

  absl::Status ComposeImage(Split split, int64_t n,
                            const std::string& image_name,
                            const std::string& mask_name, ImageEntry* entry) {
    const ComposedImage image = composer_.Compose(split, n);
    VISION_ASSIGN_OR_RETURN(const std::string image_bytes,
                            options_.format == SyntheticFormat::kPng
                                ? vision::EncodePng(image.rgb)
                                : vision::EncodeJpeg(image.rgb, kJpegQuality));
    VISION_ASSIGN_OR_RETURN(const std::string mask_bytes,
                            vision::EncodePng(image.mask));
    VISION_RETURN_IF_ERROR(WriteImageFile(Path(image_name), image_bytes));
    VISION_RETURN_IF_ERROR(WriteImageFile(Path(mask_name), mask_bytes));
    entry->image = ChecksumOf(image_bytes);
    entry->mask = ChecksumOf(mask_bytes);
    entry->box = image.box;
    return absl::OkStatus();
  }

  // The names of all files but the images, masks and the manifest.
  std::vector<std::string> OtherFiles() const {
    std::vector<std::string> names = {kContactSheet, kAttributionFile,
                                      absl::StrCat("images/", kIgnore)};
    for (const char* kind : {"boxes", "masks"}) {
      names.push_back(absl::StrCat("metadata/", kind, "/class_names.txt"));
      for (const Split split : kSplits) {
        for (const char* file :
             {"image_ids", "class_labels", "image_sizes", "localization"}) {
          names.push_back(absl::StrCat("metadata/", kind, "/", SplitName(split),
                                       "/", file, ".txt"));
        }
      }
    }
    return names;
  }

  // Metadata, contact sheet and the like: all anew if one of them is not as the
  // manifest says, or images have changed.
  absl::Status MakeOtherFiles() {
    bool good = manifest_.complete && !changed_ &&
                manifest_.files.size() == OtherFiles().size();
    if (manifest_.complete) {
      for (const NamedFile& file : manifest_.files) {
        if (ChecksumOfFile(Path(file.name)) == file.checksum) continue;
        AddRepaired(file.name);
        good = false;
      }
    }
    if (good) return absl::OkStatus();
    VISION_RETURN_IF_ERROR(WriteOtherFiles());
    manifest_.files.clear();
    for (std::string& name : OtherFiles()) {
      NamedFile& file = manifest_.files.emplace_back();
      file.checksum = ChecksumOfFile(Path(name));
      file.name = std::move(name);
    }
    changed_ = true;
    return absl::OkStatus();
  }

  // On several threads: most of the time goes by waiting for the disk.
  absl::Status WriteOtherFiles() const {
    std::vector<std::function<absl::Status()>> tasks;
    for (const char* kind : {"boxes", "masks"}) {
      for (const Split split : kSplits) {
        tasks.push_back(
            [this, kind, split] { return WriteMetadata(kind, split); });
      }
      tasks.push_back([this, kind] {
        return vision::WriteFileAtomically(
            Path(absl::StrCat("metadata/", kind, "/class_names.txt")),
            absl::StrCat(absl::StrJoin(result_.class_names, "\n"), "\n"));
      });
    }
    tasks.push_back([this] {
      return vision::WritePng(
          Path(absl::StrCat("images/", kIgnore)),
          cv::Mat::zeros(options_.size, options_.size, CV_8UC1));
    });
    tasks.push_back([this] {
      return vision::WritePng(result_.contact_sheet, MakeContactSheet());
    });
    tasks.push_back([this] {
      return vision::WriteFileAtomically(
          Path(kAttributionFile),
          absl::StrCat(SyntheticAttribution(options_.kind), "\n"));
    });
    // Folders first: each file of class names goes beside its splits.
    for (const char* kind : {"boxes", "masks"}) {
      VISION_RETURN_IF_ERROR(
          vision::CreateDirectories(Path(absl::StrCat("metadata/", kind))));
    }
    std::vector<absl::Status> statuses(tasks.size());
    vision::ParallelFor(static_cast<int64_t>(tasks.size()),
                        options_.num_threads, [&](int64_t i) {
                          const size_t task = static_cast<size_t>(i);
                          statuses[task] = tasks[task]();
                        });
    for (const absl::Status& status : statuses) {
      VISION_RETURN_IF_ERROR(status);
    }
    return absl::OkStatus();
  }

  absl::Status WriteMetadata(absl::string_view kind, Split split) const {
    SplitMetadata metadata;
    metadata.num_classes = composer_.num_classes();
    const std::vector<ImageEntry>& entries =
        manifest_.entries[static_cast<size_t>(split)];
    metadata.images.reserve(entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      const int64_t n = static_cast<int64_t>(i);
      ImageRecord& image = metadata.images.emplace_back();
      image.id = ImageName(split, n);
      image.label = composer_.Label(n);
      image.width = options_.size;
      image.height = options_.size;
      if (kind == "boxes") {
        image.boxes.push_back(entries[i].box);
      } else {
        image.mask_paths.push_back(MaskName(split, n));
        image.ignore_path = kIgnore;
      }
    }
    return WriteSplitMetadata(result_.MetadataDir(kind, split), metadata);
  }

  // A row for each class: its name and its first images of the train split (of
  // another one if that is empty).
  cv::Mat MakeContactSheet() const {
    constexpr int kNameWidth = 110;
    Split split = Split::kTrain;
    for (const Split candidate : kSplits) {
      split = candidate;
      if (Count(split) > 0) break;
    }
    const int columns = static_cast<int>(
        std::min<int64_t>(kSheetColumns, PerClass(options_, split)));
    const int size = options_.size;
    cv::Mat sheet(composer_.num_classes() * size, kNameWidth + columns * size,
                  CV_8UC3, cv::Scalar::all(255));
    vision::ParallelFor(
        composer_.num_classes(), options_.num_threads, [&](int64_t label) {
          const int top = static_cast<int>(label) * size;
          cv::putText(sheet, composer_.class_name(static_cast<int>(label)),
                      cv::Point(6, top + size / 2 + 4),
                      cv::FONT_HERSHEY_SIMPLEX, 0.45, cv::Scalar::all(0), 1,
                      cv::LINE_AA);
          for (int i = 0; i < columns; ++i) {
            composer_.Compose(split, i * composer_.num_classes() + label)
                .rgb.copyTo(
                    sheet(cv::Rect(kNameWidth + i * size, top, size, size)));
          }
        });
    return sheet;
  }

  const SyntheticOptions& options_;
  const Composer composer_;
  const Json description_;
  SyntheticDataset result_;
  Manifest manifest_;
  // The manifest on disk is not what manifest_ says.
  bool changed_ = false;

  // The rest is shared by the threads of MakeImages; mutex_ guards all but
  // stopped_, and result_ and changed_ besides.
  std::mutex mutex_;
  std::atomic<bool> stopped_{false};
  absl::Status status_;
  int64_t done_ = 0;
  std::vector<std::pair<int64_t, std::string>> damaged_;
};

}  // namespace

absl::string_view SyntheticKindName(SyntheticKind kind) {
  return kind == SyntheticKind::kObjects20 ? "objects20" : "birds16";
}

absl::StatusOr<SyntheticKind> ParseSyntheticKind(absl::string_view name) {
  for (const SyntheticKind kind :
       {SyntheticKind::kObjects20, SyntheticKind::kBirds16}) {
    if (name == SyntheticKindName(kind)) return kind;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "built-in data set '", name, "', expected objects20 or birds16"));
}

absl::string_view SyntheticFormatName(SyntheticFormat format) {
  return format == SyntheticFormat::kPng ? "png" : "jpeg";
}

absl::StatusOr<SyntheticFormat> ParseSyntheticFormat(absl::string_view name) {
  for (const SyntheticFormat format :
       {SyntheticFormat::kPng, SyntheticFormat::kJpeg}) {
    if (name == SyntheticFormatName(format)) return format;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("image format '", name, "', expected png or jpeg"));
}

absl::Status SyntheticOptions::Validate() const {
  if (source_dir.empty()) {
    return absl::InvalidArgumentError(
        "source_dir is empty, expected the folder of the source material");
  }
  ComposerOptions composer;
  composer.size = size;
  VISION_RETURN_IF_ERROR(composer.Validate());
  const std::pair<const char*, int> counts[] = {
      {"train_per_class", train_per_class},
      {"val_per_class", val_per_class},
      {"test_per_class", test_per_class}};
  for (const auto& [name, count] : counts) {
    if (count < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", count, ", expected 0 or more"));
    }
  }
  if (!(scale > 0 && scale <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("scale is ", scale, ", expected one in (0, 1e6]"));
  }
  int64_t total = 0;
  for (const Split split : kSplits) total += PerClass(*this, split);
  if (total < 1 || total > kMaxImages / 20) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a class has ", total, " images in all splits, expected one in [1, ",
        kMaxImages / 20, "]"));
  }
  if (num_threads < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("num_threads is ", num_threads, ", expected 1 or more"));
  }
  return absl::OkStatus();
}

std::string SyntheticDataset::MetadataDir(absl::string_view kind,
                                          Split split) const {
  return vision::JoinPath(
      dir, absl::StrCat("metadata/", kind, "/", SplitName(split)));
}

std::string SyntheticAttribution(SyntheticKind kind) {
  const std::string backgrounds =
      "Backgrounds adapted from the photographs \"Aitzgorri\", \"Life\", "
      "\"Picos de Europa\" and \"Sunset\" by Aitzol Berasategi (2018, "
      "CC-BY-4.0, https://creativecommons.org/licenses/by/4.0/) and from "
      "\"Seeding\" by Clements Engelhardt (CC0 1.0).";
  switch (kind) {
    case SyntheticKind::kObjects20:
      return absl::StrCat(
          "Objects: renders of models from the BlendSwap-CC-0 catalogue of "
          "Sweet Home 3D (CC0 1.0). ",
          backgrounds);
    case SyntheticKind::kBirds16:
      return absl::StrCat(
          "Birds: stamps of Tux Paint (package tuxpaint-stamps-default, GPL-2 "
          "or later). ",
          backgrounds);
  }
  return backgrounds;
}

absl::StatusOr<ComposerMaterial> LoadSyntheticMaterial(
    const SyntheticOptions& options) {
  VISION_ASSIGN_OR_RETURN(Material material, LoadMaterial(options));
  return std::move(material.images);
}

absl::StatusOr<SyntheticDataset> ComposeDataset(const SyntheticOptions& options,
                                                const std::string& output_dir) {
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const Material material, LoadMaterial(options));
  ComposerOptions composer_options;
  composer_options.size = options.size;
  composer_options.seed = options.seed;
  if (options.kind == SyntheticKind::kBirds16) {
    composer_options.max_rotation_degrees = 25;
    composer_options.min_long_side = 0.5;
    composer_options.max_long_side = 0.95;
  }
  VISION_ASSIGN_OR_RETURN(Composer composer,
                          Composer::Create(material.images, composer_options));
  Json description = {
      {"format_version", kFormatVersion},
      {"kind", std::string(SyntheticKindName(options.kind))},
      {"size", options.size},
      {"train_per_class", PerClass(options, Split::kTrain)},
      {"val_per_class", PerClass(options, Split::kVal)},
      {"test_per_class", PerClass(options, Split::kTest)},
      {"seed", options.seed},
      {"image_format", std::string(SyntheticFormatName(options.format))},
      {"material_crc32", material.crc32}};
  return Builder(options, output_dir, std::move(composer),
                 std::move(description))
      .Build();
}

}  // namespace wsol
