#include "wsol/datasets/synthetic.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/geometry/box.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/composer.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

namespace fs = std::filesystem;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// 20 classes x (2 + 1 + 1) images of 16x16 pixels.
constexpr int64_t kImages = 80;

void Overwrite(const std::string& path, absl::string_view contents) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  ASSERT_TRUE(out.good());
}

// Writes an opaque cut-out of one colour.
void WriteCutout(const std::string& path, int shade) {
  const absl::StatusOr<std::string> png = vision::EncodePng(
      cv::Mat(20, 24, CV_8UC4, cv::Scalar(shade, 90, 255 - shade, 255)));
  ASSERT_THAT(png, IsOk());
  Overwrite(path, *png);
}

// Material in the layout of the repository's, but small, so that unoptimised
// tests are fast; composer_test has the real one. Written once.
const std::string& SmallMaterial() {
  static const std::string& dir = *new std::string([] {
    const std::string root = vision::JoinPath(::testing::TempDir(), "material");
    const fs::path real = ::testing::TestDataPath("wsol/datasets/objects20");
    for (const char* folder : {"objects", "backgrounds"}) {
      EXPECT_THAT(vision::CreateDirectories(vision::JoinPath(root, folder)),
                  IsOk());
      int shade = 0;
      for (const auto& entry : fs::directory_iterator(real / folder)) {
        const std::string path =
            (fs::path(root) / folder / entry.path().filename()).string();
        // The order of the folder must not matter.
        shade = static_cast<int>(vision::Crc32(path) % 256);
        if (entry.path().extension() == ".png") {
          WriteCutout(path, shade);
        } else {
          const absl::StatusOr<std::string> jpeg = vision::EncodeJpeg(
              cv::Mat(40, 80, CV_8UC3, cv::Scalar(shade, 60, 99)), 95);
          EXPECT_THAT(jpeg, IsOk());
          Overwrite(path, *jpeg);
        }
      }
    }
    return root;
  }());
  return dir;
}

SyntheticOptions SmallOptions() {
  SyntheticOptions options;
  options.source_dir = SmallMaterial();
  options.size = 16;
  options.train_per_class = 2;
  options.val_per_class = 1;
  options.test_per_class = 1;
  options.num_threads = 4;
  return options;
}

// An empty folder for a test.
std::string TestDir() {
  const std::string dir = vision::JoinPath(
      ::testing::TempDir(),
      absl::StrCat(
          "synthetic_",
          ::testing::UnitTest::GetInstance()->current_test_info()->name()));
  fs::remove_all(dir);
  return dir;
}

// The contents of all files below a folder.
std::map<std::string, std::string> ReadTree(const std::string& dir) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file()) continue;
    const absl::StatusOr<std::string> contents =
        vision::ReadFile(entry.path().string());
    EXPECT_THAT(contents, IsOk());
    tree[fs::relative(entry.path(), dir).string()] = *contents;
  }
  return tree;
}

TEST(SyntheticTest, NamesAreParsed) {
  EXPECT_THAT(ParseSyntheticKind("objects20"),
              IsOkAndHolds(SyntheticKind::kObjects20));
  EXPECT_THAT(ParseSyntheticKind("birds16"),
              IsOkAndHolds(SyntheticKind::kBirds16));
  EXPECT_THAT(ParseSyntheticKind("birds"),
              StatusIs(kInvalid, HasSubstr("expected objects20 or birds16")));
  EXPECT_THAT(ParseSyntheticFormat("png"), IsOkAndHolds(SyntheticFormat::kPng));
  EXPECT_THAT(ParseSyntheticFormat("jpeg"),
              IsOkAndHolds(SyntheticFormat::kJpeg));
  EXPECT_THAT(ParseSyntheticFormat("gif"),
              StatusIs(kInvalid, HasSubstr("'gif', expected png or jpeg")));
}

TEST(SyntheticTest, WritesImagesMasksAndMetadataTwice) {
  const SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> data =
      ComposeDataset(options, TestDir());
  ASSERT_THAT(data, IsOk());
  EXPECT_TRUE(absl::StrContains(data->dir, "/objects20-16px-seed0-"));
  EXPECT_EQ(data->num_train, 40);
  EXPECT_EQ(data->num_val, 20);
  EXPECT_EQ(data->num_test, 20);
  EXPECT_EQ(data->num_composed, kImages);
  EXPECT_EQ(data->num_reused, 0);
  EXPECT_EQ(data->num_repaired, 0);
  EXPECT_EQ(data->class_names.size(), 20);
  EXPECT_EQ(data->class_names[9], "fan");

  const absl::StatusOr<ComposerMaterial> material =
      LoadSyntheticMaterial(options);
  ASSERT_THAT(material, IsOk());
  ComposerOptions composer_options;
  composer_options.size = 16;
  const absl::StatusOr<Composer> composer =
      Composer::Create(*material, composer_options);
  ASSERT_THAT(composer, IsOk());
  for (const Split split : {Split::kTrain, Split::kVal, Split::kTest}) {
    const absl::StatusOr<SplitMetadata> boxes =
        ReadSplitMetadata(data->MetadataDir("boxes", split));
    const absl::StatusOr<SplitMetadata> masks =
        ReadSplitMetadata(data->MetadataDir("masks", split));
    ASSERT_THAT(boxes, IsOk());
    ASSERT_THAT(masks, IsOk());
    ASSERT_EQ(boxes->images.size(), split == Split::kTrain ? 40 : 20);
    ASSERT_EQ(masks->images.size(), boxes->images.size());
    EXPECT_EQ(boxes->num_classes, 20);
    for (size_t i = 0; i < boxes->images.size(); ++i) {
      const ComposedImage expected =
          composer->Compose(split, static_cast<int64_t>(i));
      const ImageRecord& image = boxes->images[i];
      EXPECT_EQ(image.label, expected.label);
      EXPECT_EQ(image.width, 16);
      EXPECT_THAT(image.boxes, ElementsAre(expected.box));
      EXPECT_EQ(masks->images[i].id, image.id);
      const absl::StatusOr<cv::Mat> rgb =
          vision::ReadRgb(vision::JoinPath(data->image_root, image.id));
      ASSERT_THAT(rgb, IsOk());
      EXPECT_EQ(cv::norm(*rgb, expected.rgb, cv::NORM_INF), 0);
      ASSERT_EQ(masks->images[i].mask_paths.size(), 1);
      const absl::StatusOr<cv::Mat> mask = vision::ReadGray(
          vision::JoinPath(data->image_root, masks->images[i].mask_paths[0]));
      ASSERT_THAT(mask, IsOk());
      EXPECT_EQ(cv::norm(*mask, expected.mask, cv::NORM_INF), 0);
      const absl::StatusOr<cv::Mat> ignore = vision::ReadGray(
          vision::JoinPath(data->image_root, masks->images[i].ignore_path));
      ASSERT_THAT(ignore, IsOk());
      EXPECT_EQ(ignore->size(), mask->size());
      EXPECT_EQ(cv::countNonZero(*ignore), 0);
    }
  }
  EXPECT_THAT(vision::ReadRgb(data->contact_sheet), IsOk());
}

TEST(SyntheticTest, IdsNameSplitClassAndNumber) {
  const absl::StatusOr<SyntheticDataset> data =
      ComposeDataset(SmallOptions(), TestDir());
  ASSERT_THAT(data, IsOk());
  const absl::StatusOr<SplitMetadata> masks =
      ReadSplitMetadata(data->MetadataDir("masks", Split::kTrain));
  ASSERT_THAT(masks, IsOk());
  // Classes take turns: image 29 is the second fan.
  EXPECT_EQ(masks->images[29].id, "train/fan/000029.png");
  EXPECT_THAT(masks->images[29].mask_paths,
              ElementsAre("train/fan/000029_mask.png"));
  EXPECT_EQ(masks->images[29].ignore_path, "ignore.png");
}

TEST(SyntheticTest, BytesDoNotDependOnTheNumberOfThreads) {
  SyntheticOptions options = SmallOptions();
  const std::string dir = TestDir();
  options.num_threads = 1;
  const absl::StatusOr<SyntheticDataset> one =
      ComposeDataset(options, vision::JoinPath(dir, "one"));
  ASSERT_THAT(one, IsOk());
  options.num_threads = 4;
  const absl::StatusOr<SyntheticDataset> four =
      ComposeDataset(options, vision::JoinPath(dir, "four"));
  ASSERT_THAT(four, IsOk());
  const std::map<std::string, std::string> tree = ReadTree(one->dir);
  EXPECT_EQ(tree, ReadTree(four->dir));
  // Images, masks, ignore, sheet, attribution, manifest, 2 x (3 x 4 + 1)
  // metadata files.
  EXPECT_EQ(tree.size(), 2 * kImages + 4 + 26);
}

TEST(SyntheticTest, SecondCallReusesAll) {
  const std::string dir = TestDir();
  SyntheticOptions options = SmallOptions();
  ASSERT_THAT(ComposeDataset(options, dir), IsOk());
  int64_t last_done = 0;
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(done, last_done + 1);
    EXPECT_EQ(total, kImages);
    last_done = done;
  };
  options.num_threads = 3;
  const absl::StatusOr<SyntheticDataset> again = ComposeDataset(options, dir);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(last_done, kImages);
  EXPECT_EQ(again->num_composed, 0);
  EXPECT_EQ(again->num_reused, kImages);
  EXPECT_EQ(again->num_repaired, 0);
}

TEST(SyntheticTest, DamagedAndMissingFilesAreMadeAnewAndNamed) {
  const std::string dir = TestDir();
  const SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> first = ComposeDataset(options, dir);
  ASSERT_THAT(first, IsOk());
  const std::map<std::string, std::string> tree = ReadTree(first->dir);
  const auto path = [&](const char* name) {
    return vision::JoinPath(first->dir, name);
  };
  // One byte changed, size kept; cut short; gone; metadata edited.
  std::string image = tree.at("images/test/lamp/000010.png");
  image[image.size() / 2] ^= 1;
  Overwrite(path("images/test/lamp/000010.png"), image);
  Overwrite(path("images/train/fan/000009_mask.png"), "short");
  fs::remove(path("images/val/horse/000003.png"));
  Overwrite(path("metadata/boxes/test/localization.txt"), "");
  fs::remove(path("contact_sheet.png"));

  const absl::StatusOr<SyntheticDataset> second = ComposeDataset(options, dir);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(
      second->repaired,
      ElementsAre("images/train/fan/000009_mask.png",
                  "images/val/horse/000003.png", "images/test/lamp/000010.png",
                  "contact_sheet.png", "metadata/boxes/test/localization.txt"));
  EXPECT_EQ(second->num_repaired, 5);
  EXPECT_EQ(second->num_composed, 3);
  EXPECT_EQ(second->num_reused, kImages - 3);
  EXPECT_EQ(ReadTree(first->dir), tree);
}

TEST(SyntheticTest, DamagedManifestMeansComposingAnew) {
  const std::string dir = TestDir();
  const SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> first = ComposeDataset(options, dir);
  ASSERT_THAT(first, IsOk());
  const std::map<std::string, std::string> tree = ReadTree(first->dir);
  const std::string manifest = vision::JoinPath(first->dir, "manifest.json");
  // Well-formed JSON with one digit changed, and a file cut short.
  std::string edited = tree.at("manifest.json");
  const size_t digit = edited.find("\"image_crc32\":[") + 15;
  edited[digit] = edited[digit] == '1' ? '2' : '1';
  for (const std::string& bad :
       {edited, tree.at("manifest.json").substr(0, 500)}) {
    Overwrite(manifest, bad);
    const absl::StatusOr<SyntheticDataset> again = ComposeDataset(options, dir);
    ASSERT_THAT(again, IsOk());
    EXPECT_THAT(again->repaired, ElementsAre("manifest.json"));
    EXPECT_EQ(again->num_composed, kImages);
    EXPECT_EQ(ReadTree(first->dir), tree);
  }
}

TEST(SyntheticTest, InterruptedCompositionGoesOn) {
  const std::string dir = TestDir();
  SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> whole =
      ComposeDataset(options, vision::JoinPath(dir, "whole"));
  ASSERT_THAT(whole, IsOk());

  options.num_threads = 2;
  int asked = 0;
  options.should_stop = [&] { return ++asked > 30; };
  const std::string partial = vision::JoinPath(dir, "partial");
  EXPECT_THAT(ComposeDataset(options, partial),
              StatusIs(absl::StatusCode::kCancelled,
                       AllOf(HasSubstr(" of 80 images"),
                             HasSubstr("the same call goes on from there"))));
  // Stopped a second time, while it still checks what is there.
  asked = 20;
  EXPECT_THAT(ComposeDataset(options, partial),
              StatusIs(absl::StatusCode::kCancelled));
  options.should_stop = [] { return false; };
  const absl::StatusOr<SyntheticDataset> resumed =
      ComposeDataset(options, partial);
  ASSERT_THAT(resumed, IsOk());
  EXPECT_GE(resumed->num_reused, 28);
  EXPECT_LE(resumed->num_reused, 32);
  EXPECT_EQ(resumed->num_reused + resumed->num_composed, kImages);
  EXPECT_EQ(resumed->num_repaired, 0);
  EXPECT_EQ(ReadTree(resumed->dir), ReadTree(whole->dir));
}

TEST(SyntheticTest, OtherOptionsGoToAnotherFolder) {
  const std::string dir = TestDir();
  SyntheticOptions options = SmallOptions();
  options.train_per_class = 1;
  options.val_per_class = 0;
  options.test_per_class = 0;
  std::vector<std::string> dirs;
  const auto compose = [&] {
    const absl::StatusOr<SyntheticDataset> data = ComposeDataset(options, dir);
    ASSERT_THAT(data, IsOk());
    EXPECT_THAT(dirs, ::testing::Not(::testing::Contains(data->dir)));
    EXPECT_EQ(data->num_reused, 0);
    dirs.push_back(data->dir);
  };
  compose();
  options.seed = 1;
  compose();
  options.size = 17;
  compose();
  options.format = SyntheticFormat::kJpeg;
  compose();
  const absl::StatusOr<std::string> jpeg = vision::ReadFile(
      vision::JoinPath(dirs.back(), "images/train/fan/000009.jpg"));
  ASSERT_THAT(jpeg, IsOk());
  EXPECT_TRUE(absl::StartsWith(*jpeg, "\xFF\xD8"));
  options.scale = 2;
  compose();
}

TEST(SyntheticTest, LargerSetsBeginWithTheSmallerOne) {
  const std::string dir = TestDir();
  SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> small = ComposeDataset(options, dir);
  options.scale = 1.5;
  const absl::StatusOr<SyntheticDataset> large = ComposeDataset(options, dir);
  ASSERT_THAT(small, IsOk());
  ASSERT_THAT(large, IsOk());
  EXPECT_EQ(large->num_train, 60);
  // 1.5 images per class are rounded to 2.
  EXPECT_EQ(large->num_val, 40);
  const std::map<std::string, std::string> tree = ReadTree(large->image_root);
  for (const auto& [name, contents] : ReadTree(small->image_root)) {
    EXPECT_EQ(tree.at(name), contents) << name;
  }
}

TEST(SyntheticTest, ManifestTellsOptionsAndFiles) {
  const absl::StatusOr<SyntheticDataset> data =
      ComposeDataset(SmallOptions(), TestDir());
  ASSERT_THAT(data, IsOk());
  const absl::StatusOr<std::string> text =
      vision::ReadFile(vision::JoinPath(data->dir, "manifest.json"));
  ASSERT_THAT(text, IsOk());
  const nlohmann::json manifest = nlohmann::json::parse(*text);
  EXPECT_EQ(manifest["complete"], true);
  EXPECT_EQ(manifest["options"]["size"], 16);
  EXPECT_EQ(manifest["options"]["seed"], 0);
  EXPECT_EQ(manifest["options"]["train_per_class"], 2);
  EXPECT_EQ(manifest["options"]["image_format"], "png");
  EXPECT_EQ(manifest["files"].size(), 29);
  EXPECT_EQ(manifest["images"]["train"]["mask_crc32"].size(), 40);
}

TEST(SyntheticTest, RejectsOptionsOutOfRange) {
  const auto expect = [](const SyntheticOptions& options, const char* message) {
    EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr(message)));
    EXPECT_THAT(ComposeDataset(options, TestDir()), StatusIs(kInvalid));
  };
  EXPECT_THAT(SmallOptions().Validate(), IsOk());
  SyntheticOptions options;
  expect(options, "source_dir is empty");
  options = SmallOptions();
  options.size = 8;
  expect(options, "size is 8 pixels");
  options = SmallOptions();
  options.val_per_class = -1;
  expect(options, "val_per_class is -1, expected 0 or more");
  options = SmallOptions();
  options.scale = 0;
  expect(options, "scale is 0, expected one in (0, 1e6]");
  options = SmallOptions();
  options.scale = 0.1;
  expect(options, "a class has 0 images in all splits");
  options = SmallOptions();
  options.num_threads = 0;
  expect(options, "num_threads is 0, expected 1 or more");
}

TEST(SyntheticTest, TheRepositorysMaterialIsWhole) {
  SyntheticOptions options = SmallOptions();
  options.source_dir = ::testing::TestDataPath("wsol/datasets/objects20");
  const absl::StatusOr<ComposerMaterial> material =
      LoadSyntheticMaterial(options);
  ASSERT_THAT(material, IsOk());
  EXPECT_EQ(material->photographs.size(), 5);
  ASSERT_EQ(material->classes.size(), 20);
  for (const ObjectClass& object_class : material->classes) {
    ASSERT_EQ(object_class.cutouts.size(), 1);
    EXPECT_EQ(object_class.cutouts[0].size(), cv::Size(128, 128));
  }
}

TEST(SyntheticTest, MissingMaterialIsExplained) {
  SyntheticOptions options = SmallOptions();
  options.source_dir = "/nowhere";
  EXPECT_THAT(
      ComposeDataset(options, TestDir()),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr("need the source material of the repository, "
                               "and it was not found"),
                     HasSubstr("Looked in:\n  /nowhere: no "
                               "backgrounds/aitzgorri_by_Aitzol_Berasategi.jpg"
                               ", "),
                     HasSubstr("and 22 more"), HasSubstr("To fix it, "))));
}

TEST(SyntheticTest, MissingBirdsAreExplained) {
  SyntheticOptions options = SmallOptions();
  options.kind = SyntheticKind::kBirds16;
  options.birds_dir = "/nowhere";
  EXPECT_THAT(
      ComposeDataset(options, TestDir()),
      StatusIs(
          absl::StatusCode::kNotFound,
          AllOf(HasSubstr("birds16 needs the stamps of Debian's package "
                          "tuxpaint-stamps-default, and it was"),
                HasSubstr("Looked in:\n  /nowhere: no blackbird.png, "
                          "duck.png, drake.png and 20 more"),
                HasSubstr("sudo apt-get install tuxpaint-stamps-default"))));
}

// Stand-ins for the stamps: the tests need no package.
TEST(SyntheticTest, ComposesBirds) {
  const std::string dir = TestDir();
  SyntheticOptions options = SmallOptions();
  options.kind = SyntheticKind::kBirds16;
  options.birds_dir = vision::JoinPath(dir, "stamps");
  ASSERT_THAT(vision::CreateDirectories(options.birds_dir), IsOk());
  for (const char* name : {"blackbird",
                           "duck",
                           "drake",
                           "penguin",
                           "little-penguin",
                           "magellanic_penguin",
                           "owl",
                           "pink_flamingo",
                           "rooster",
                           "pigeon",
                           "adelaide-rosella",
                           "rainbow-lorikeet",
                           "heron_greatblue",
                           "tucan",
                           "turkey",
                           "pelican",
                           "vulture",
                           "silver-gull",
                           "seagull",
                           "crow",
                           "magpie",
                           "ostrich",
                           "nandou"}) {
    WriteCutout(vision::JoinPath(options.birds_dir, absl::StrCat(name, ".png")),
                9);
  }
  const absl::StatusOr<SyntheticDataset> data = ComposeDataset(options, dir);
  ASSERT_THAT(data, IsOk());
  EXPECT_TRUE(absl::StrContains(data->dir, "/birds16-16px-seed0-"));
  EXPECT_EQ(data->class_names.size(), 16);
  EXPECT_EQ(data->class_names[15], "ostrich");
  EXPECT_EQ(data->num_test, 16);
}

TEST(SyntheticTest, UnwritableOutputIsNamed) {
  const std::string dir = TestDir();
  ASSERT_THAT(vision::CreateDirectories(dir), IsOk());
  const std::string file = vision::JoinPath(dir, "file");
  Overwrite(file, "in the way");
  const absl::Status status = ComposeDataset(SmallOptions(), file).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));

  // A folder where an image should be: the error names the image.
  const SyntheticOptions options = SmallOptions();
  const absl::StatusOr<SyntheticDataset> data = ComposeDataset(options, dir);
  ASSERT_THAT(data, IsOk());
  const std::string image =
      vision::JoinPath(data->image_root, "train/fan/000009.png");
  fs::remove(image);
  ASSERT_THAT(vision::CreateDirectories(vision::JoinPath(image, "x")), IsOk());
  const absl::Status blocked = ComposeDataset(options, dir).status();
  EXPECT_FALSE(blocked.ok());
  EXPECT_THAT(std::string(blocked.message()), HasSubstr("000009.png"));
  fs::remove_all(image);
  EXPECT_THAT(ComposeDataset(options, dir), IsOk());
  for (const auto& [name, contents] : ReadTree(data->dir)) {
    EXPECT_FALSE(absl::StrContains(name, ".part")) << name;
  }
}

}  // namespace
}  // namespace wsol
