#include "wsol/cli/dataset_commands.h"

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/cli/dataset_flags.h"
#include "wsol/datasets/annotations.h"
#include "wsol/datasets/metadata.h"
#include "wsol/datasets/split_check.h"
#include "wsol/datasets/synthetic.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kExists = absl::StatusCode::kAlreadyExists;

using Flags = std::initializer_list<std::pair<const char*, std::string>>;

// Six images of two classes in pets/<class>/, with boxes in pets.csv.
class DatasetCommandsTest : public ::testing::Test {
 protected:
  DatasetCommandsTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
    std::string csv;
    for (const char* name : {"cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png",
                             "dog/2.png", "dog/3.png"}) {
      const std::string path = Path(absl::StrCat("pets/", name));
      EXPECT_THAT(vision::CreateDirectories(
                      std::filesystem::path(path).parent_path().string()),
                  IsOk());
      const absl::StatusOr<std::string> png =
          vision::EncodePng(cv::Mat::zeros(10, 20, CV_8UC3));
      EXPECT_THAT(png, IsOk());
      Write(absl::StrCat("pets/", name), *png);
      absl::StrAppend(&csv, name, ",2,3,9,8\n");
    }
    Write("pets.csv", csv);
  }

  std::string Path(absl::string_view name) const {
    return vision::JoinPath(dir_, name);
  }
  void Write(absl::string_view name, absl::string_view text) {
    std::ofstream out(Path(name), std::ios::binary);
    out << text;
    EXPECT_TRUE(out.good());
  }

  // Runs a command; what it prints is in out_ and err_.
  absl::Status Run(const std::vector<const char*>& arguments,
                   Flags flags = {}) {
    const gflags::FlagSaver saver;
    for (const auto& [name, value] : flags) {
      EXPECT_NE(gflags::SetCommandLineOption(name, value.c_str()), "") << name;
    }
    std::ostringstream out;
    std::ostringstream err;
    const absl::Status status = RunDatasetCommand(arguments, out, err);
    out_ = out.str();
    err_ = err.str();
    return status;
  }

  // Imports the images to `folder` below dir_.
  void Import(absl::string_view folder) {
    EXPECT_THAT(Run({"import"}, {{"format", "folders"},
                                 {"image_root", Path("pets")},
                                 {"boxes", Path("pets.csv")},
                                 {"output", Path(folder)}}),
                IsOk());
  }

  const std::string dir_;
  std::string out_;
  std::string err_;
};

TEST_F(DatasetCommandsTest, ImportsFolders) {
  Write("pets/Thumbs.db", "");
  Import("set/train");
  EXPECT_EQ(out_, absl::StrCat("wrote ", Path("set/train"),
                               ": 6 images of 2 classes, 6 boxes\n"
                               "  1 file that is no image passed over\n"));
  EXPECT_THAT(vision::ReadFile(Path("set/train/localization.txt")),
              IsOkAndHolds(HasSubstr("cat/1.png,2,3,9,8\n")));
  EXPECT_THAT(vision::ReadFile(Path("set/train/class_names.txt")),
              IsOkAndHolds(std::string("cat\ndog\n")));
}

TEST_F(DatasetCommandsTest, ValidatesWithAndWithoutImages) {
  Import("set/train");
  const std::string set = Path("set");
  ASSERT_THAT(Run({"validate", set.c_str()}), IsOk());
  EXPECT_THAT(out_, HasSubstr("\nthe split is valid\n"));
  ASSERT_THAT(Run({"validate", set.c_str()}, {{"image_root", Path("pets")}}),
              IsOk());
  EXPECT_THAT(out_, HasSubstr("images read"));
  std::filesystem::remove(Path("pets/dog/2.png"));
  std::filesystem::remove(Path("pets/dog/3.png"));
  EXPECT_THAT(Run({"validate", set.c_str()}, {{"image_root", Path("pets")}}),
              StatusIs(kInvalid, "the input has problems, see above"));
  EXPECT_THAT(err_, AllOf(HasSubstr("'dog/2.png'"), HasSubstr("'dog/3.png'")));
}

TEST_F(DatasetCommandsTest, ValidateFindsImagesInTwoSplits) {
  Import("set/train");
  Import("set/test");
  const std::string set = Path("set");
  EXPECT_THAT(Run({"validate", set.c_str()}),
              StatusIs(kInvalid, "the input has problems, see above"));
  EXPECT_THAT(err_, HasSubstr("image id 'cat/1.png' is in "));
}

TEST_F(DatasetCommandsTest, StatsForPeopleAndPrograms) {
  Import("set/train");
  const std::string split = Path("set/train");
  ASSERT_THAT(Run({"stats", split.c_str()}, {{"output", Path("stats.json")}}),
              IsOk());
  EXPECT_THAT(out_, AllOf(HasSubstr("  images a class  3 each\n"),
                          HasSubstr("  width           20 each\n")));
  EXPECT_THAT(vision::ReadFile(Path("stats.json")),
              IsOkAndHolds(HasSubstr("\"images_of_class\":[3,3]")));
  EXPECT_THAT(Run({"stats", split.c_str()}, {{"output", Path("stats.json")}}),
              StatusIs(kExists, HasSubstr("--overwrite replaces it")));
}

TEST_F(DatasetCommandsTest, SubsetsAsSplitAndAsProxy) {
  Import("set/train");
  const std::string split = Path("set/train");
  ASSERT_THAT(Run({"subset", split.c_str()},
                  {{"per_class", "2"}, {"output", Path("small/train")}}),
              IsOk());
  absl::StatusOr<SplitMetadata> small = ReadSplitMetadata(Path("small/train"));
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->images.size(), 4);
  EXPECT_EQ(small->images[0].boxes.size(), 1);
  EXPECT_TRUE(vision::FileExists(Path("small/train/class_names.txt")));

  ASSERT_THAT(
      Run({"subset", split.c_str()}, {{"per_class", "1"}, {"proxy", "true"}}),
      IsOk());
  MetadataOptions proxy;
  proxy.proxy = true;
  small = ReadSplitMetadata(split, proxy);
  ASSERT_THAT(small, IsOk());
  EXPECT_EQ(small->images.size(), 2);
  EXPECT_THAT(
      Run({"subset", split.c_str()}, {{"per_class", "1"}, {"proxy", "true"}}),
      StatusIs(kExists));
  EXPECT_THAT(Run({"subset", split.c_str()},
                  {{"per_class", "4"}, {"output", Path("x")}}),
              StatusIs(kInvalid, HasSubstr("2 of 2 classes have fewer")));
  EXPECT_THAT(Run({"subset", split.c_str()}, {{"output", Path("x")}}),
              StatusIs(kInvalid, HasSubstr("--per_class is 0")));
}

// Folders -> split -> COCO -> split: the same files.
TEST_F(DatasetCommandsTest, ConvertsToCocoAndBack) {
  Import("set/train");
  const std::string split = Path("set/train");
  ASSERT_THAT(Run({"convert", split.c_str()}, {{"output", Path("train.json")}}),
              IsOk());
  EXPECT_EQ(out_, absl::StrCat("wrote ", Path("train.json"),
                               ": 6 images, 6 annotations\n"));
  ASSERT_THAT(Run({"import"}, {{"format", "coco"},
                               {"annotations", Path("train.json")},
                               {"output", Path("back/train")}}),
              IsOk());
  for (const char* file :
       {"image_ids.txt", "class_labels.txt", "image_sizes.txt",
        "localization.txt", "class_names.txt"}) {
    const absl::StatusOr<std::string> before =
        vision::ReadFile(Path(absl::StrCat("set/train/", file)));
    ASSERT_THAT(before, IsOk());
    EXPECT_THAT(vision::ReadFile(Path(absl::StrCat("back/train/", file))),
                IsOkAndHolds(*before));
  }
}

TEST_F(DatasetCommandsTest, ImportsVocWithItsPolicies) {
  EXPECT_THAT(vision::CreateDirectories(Path("xml")), IsOk());
  const auto object = [](const char* name, int x1, bool difficult) {
    return absl::StrCat("<object><name>", name, "</name><difficult>",
                        difficult ? 1 : 0,
                        "</difficult><bndbox><xmin>1</xmin><ymin>1</ymin>"
                        "<xmax>",
                        x1, "</xmax><ymax>5</ymax></bndbox></object>");
  };
  Write("xml/1.xml",
        absl::StrCat("<annotation><filename>1.jpg</filename><size><width>20"
                     "</width><height>10</height></size>",
                     object("cat", 5, false), object("dog", 25, false),
                     object("dog", 3, true), "</annotation>"));
  const Flags strict = {{"format", "voc"},
                        {"annotations", Path("xml")},
                        {"output", Path("voc/train")}};
  EXPECT_THAT(Run({"import"}, strict),
              StatusIs(kInvalid, HasSubstr("expected it within the image")));
  EXPECT_FALSE(vision::FileExists(Path("voc")));
  ASSERT_THAT(Run({"import"}, {{"format", "voc"},
                               {"annotations", Path("xml")},
                               {"output", Path("voc/train")},
                               {"out_of_image", "clip"},
                               {"several_classes", "largest"}}),
              IsOk());
  EXPECT_EQ(out_,
            absl::StrCat("wrote ", Path("voc/train"),
                         ": 1 image of 2 classes, 1 box\n"
                         "  1 difficult box left out\n"
                         "  1 box of another class than its image's left out\n"
                         "  1 box clipped to its image\n"));
  EXPECT_THAT(vision::ReadFile(Path("voc/train/localization.txt")),
              IsOkAndHolds(std::string("1.jpg,0,0,19,4")));
}

TEST_F(DatasetCommandsTest, SynthesizesADataSet) {
  ASSERT_THAT(Run({"synth"}, {{"output", Path("data")},
                              {"image_size", "16"},
                              {"train_per_class", "1"},
                              {"val_per_class", "0"},
                              {"test_per_class", "1"}}),
              IsOk());
  EXPECT_THAT(out_, AllOf(HasSubstr("20 train, 0 val, 20 test of 20 classes; "
                                    "40 made now, 0 there before"),
                          HasSubstr("CC-BY-4.0")));
}

TEST_F(DatasetCommandsTest, ErrorsSayWhatIsExpected) {
  EXPECT_THAT(Run({}), StatusIs(kInvalid, HasSubstr("a command is needed: "
                                                    "validate, stats")));
  EXPECT_THAT(Run({"check"}), StatusIs(kInvalid, HasSubstr("unknown command "
                                                           "'check'")));
  EXPECT_THAT(Run({"stat"}), StatusIs(kInvalid, HasSubstr("unknown command")));
  EXPECT_THAT(Run({"validate"}),
              StatusIs(kInvalid, HasSubstr("a folder is needed")));
  EXPECT_THAT(Run({"synth", "x"}, {{"output", Path("data")}}),
              StatusIs(kInvalid, "synth: unexpected argument 'x'"));
  EXPECT_THAT(Run({"convert"}, {{"output", Path("x.json")}}),
              StatusIs(kInvalid, HasSubstr("convert: got 0 folders")));
  Import("set/train");
  Import("set/val");
  const std::string set = Path("set");
  EXPECT_THAT(Run({"convert", set.c_str()}, {{"output", Path("x.json")}}),
              StatusIs(kInvalid, HasSubstr("holds several splits")));
  const std::string split = Path("set/val");
  EXPECT_THAT(Run({"convert", split.c_str()}),
              StatusIs(kInvalid, HasSubstr("--output is needed")));
  EXPECT_THAT(Run({"convert", split.c_str()}, {{"output", set}}),
              StatusIs(kInvalid, HasSubstr("is a folder, expected a file")));
  EXPECT_THAT(
      Run({"stats", split.c_str()}, {{"per_class", "2"}}),
      StatusIs(kInvalid, "--per_class is not a flag of stats, but of subset"));
  EXPECT_THAT(Run({"import"}, {{"format", "voc"}}),
              StatusIs(kInvalid, HasSubstr("--output is needed")));
  EXPECT_THAT(Run({"import"}, {{"output", Path("x")}}),
              StatusIs(kInvalid, "--format: '', expected voc, coco, folders"));
  EXPECT_THAT(Run({"import"}, {{"format", "coco"}, {"output", Path("x")}}),
              StatusIs(kInvalid, "--annotations is needed: the .json file"));
  EXPECT_THAT(Run({"import"}, {{"format", "coco"},
                               {"output", Path("x")},
                               {"annotations", Path("x.json")},
                               {"difficult", "keep"}}),
              StatusIs(kInvalid, "--difficult is not a flag of --format=coco"));
  EXPECT_THAT(Run({"import"}, {{"output", Path("x")}, {"crowd", "drop"}}),
              StatusIs(kInvalid, HasSubstr("--crowd: marked objects 'drop', "
                                           "expected skip, keep, error")));
  EXPECT_THAT(Run({"synth"}, {{"output", Path("data")}, {"data", "cars"}}),
              StatusIs(kInvalid, "--data: 'cars', expected objects, birds"));
}

TEST_F(DatasetCommandsTest, ConvertSaysWhichFolderIsMissing) {
  SplitMetadata split;
  split.num_classes = 1;
  split.images.emplace_back().id = "a.png";
  ASSERT_THAT(WriteSplitMetadata(Path("s"), split), IsOk());
  const std::string folder = Path("s");
  EXPECT_THAT(Run({"convert", folder.c_str()}, {{"output", Path("x.json")}}),
              StatusIs(kInvalid, HasSubstr("--image_root is needed")));
  split.images[0].mask_paths = {"m.png"};
  ASSERT_THAT(WriteSplitMetadata(Path("s"), split), IsOk());
  EXPECT_THAT(Run({"convert", folder.c_str()}, {{"output", Path("x.json")}}),
              StatusIs(kInvalid, HasSubstr("the split has masks: --mask_root "
                                           "or --image_root is needed")));
}

// Defaults of flags are those of the options.
TEST_F(DatasetCommandsTest, FlagsDefaultToTheOptions) {
  const absl::StatusOr<ImportPolicy> policy = ImportPolicyFromFlags();
  ASSERT_THAT(policy, IsOk());
  const ImportPolicy default_policy;
  EXPECT_EQ(policy->crowd, default_policy.crowd);
  EXPECT_EQ(policy->difficult, default_policy.difficult);
  EXPECT_EQ(policy->several_classes, default_policy.several_classes);
  EXPECT_EQ(policy->without_objects, default_policy.without_objects);
  EXPECT_EQ(policy->out_of_image, default_policy.out_of_image);
  const absl::StatusOr<SyntheticOptions> synthetic =
      SyntheticOptionsFromFlags();
  ASSERT_THAT(synthetic, IsOk());
  const SyntheticOptions default_synthetic;
  EXPECT_EQ(synthetic->kind, default_synthetic.kind);
  EXPECT_EQ(synthetic->size, default_synthetic.size);
  EXPECT_EQ(synthetic->train_per_class, default_synthetic.train_per_class);
  EXPECT_EQ(synthetic->val_per_class, default_synthetic.val_per_class);
  EXPECT_EQ(synthetic->test_per_class, default_synthetic.test_per_class);
  EXPECT_EQ(synthetic->scale, default_synthetic.scale);
  EXPECT_EQ(synthetic->seed, default_synthetic.seed);
  EXPECT_EQ(synthetic->format, default_synthetic.format);
  const SplitCheckOptions check = SplitCheckOptionsFromFlags();
  EXPECT_EQ(check.decode, SplitCheckOptions().decode);
  EXPECT_EQ(check.num_classes, SplitCheckOptions().num_classes);
}

}  // namespace
}  // namespace wsol
