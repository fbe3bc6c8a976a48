#include "wsol/score_maps/score_map_folder.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/npy.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::Not;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class ScoreMapFolderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    ASSERT_THAT(vision::CreateDirectories(folder_), IsOk());
  }
  // An empty file below the folder.
  void Touch(const std::string& name) const {
    const std::filesystem::path path = vision::JoinPath(folder_, name);
    ASSERT_THAT(vision::CreateDirectories(path.parent_path().string()), IsOk());
    ASSERT_THAT(vision::WriteFileAtomically(path.string(), ""), IsOk());
  }
  std::string folder_;
};

struct NamingCase {
  ScoreMapNaming naming;
  const char* name;
};

TEST_F(ScoreMapFolderTest, NamesFiles) {
  const NamingCase cases[] = {
      {ScoreMapNaming::kId, "val/a.b/x.y.jpg.npy"},
      {ScoreMapNaming::kStem, "val/a.b/x.y.npy"},
      {ScoreMapNaming::kFlatId, "val_a.b_x.y.jpg.npy"},
      {ScoreMapNaming::kFlatStem, "val_a.b_x.y.npy"},
      {ScoreMapNaming::kName, "x.y.jpg.npy"},
      {ScoreMapNaming::kNameStem, "x.y.npy"},
  };
  for (const NamingCase& c : cases) {
    EXPECT_EQ(
        ScoreMapFileName("val/a.b/x.y.jpg", c.naming, ScoreMapFormat::kNpy),
        c.name);
  }
  // The dot of a folder and a leading dot begin no extension.
  EXPECT_EQ(
      ScoreMapFileName("a.b/x", ScoreMapNaming::kStem, ScoreMapFormat::kPng),
      "a.b/x.png");
  EXPECT_EQ(
      ScoreMapFileName("a/.x", ScoreMapNaming::kNameStem, ScoreMapFormat::kPng),
      ".x.png");
}

TEST_F(ScoreMapFolderTest, DetectsEachRule) {
  const std::vector<std::string> ids = {"val/a.jpg", "val/b.jpg", "test/c.jpg"};
  for (const ScoreMapFormat format :
       {ScoreMapFormat::kNpy, ScoreMapFormat::kPng}) {
    for (const ScoreMapNaming naming :
         {ScoreMapNaming::kId, ScoreMapNaming::kStem, ScoreMapNaming::kFlatId,
          ScoreMapNaming::kFlatStem, ScoreMapNaming::kName,
          ScoreMapNaming::kNameStem}) {
      std::filesystem::remove_all(folder_);
      for (const std::string& id : ids) {
        Touch(ScoreMapFileName(id, naming, format));
      }
      const auto folder = ScoreMapFolder::Open(folder_, ids);
      ASSERT_THAT(folder, IsOk());
      EXPECT_EQ(folder->naming(), naming);
      EXPECT_EQ(folder->format(), format);
      EXPECT_EQ(folder->num_extra(), 0);
      EXPECT_TRUE(vision::FileExists(folder->Path(2))) << folder->Path(2);
      EXPECT_EQ(folder->Describe(),
                absl::StrCat("val/a.jpg -> ",
                             ScoreMapFileName(ids[0], naming, format)));
    }
  }
}

// By file name alone two ids would have the same file.
TEST_F(ScoreMapFolderTest, NoTwoImagesShareAFile) {
  Touch("x.npy");
  EXPECT_THAT(ScoreMapFolder::Open(folder_, {"a/x.jpg", "b/x.jpg"}),
              StatusIs(kInvalid, HasSubstr("no image has a score map")));
  Touch("a/x.npy");
  Touch("b/x.npy");
  ScoreMapFolderOptions options;
  options.allow_extra = true;
  const auto folder =
      ScoreMapFolder::Open(folder_, {"a/x.jpg", "b/x.jpg"}, options);
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->naming(), ScoreMapNaming::kStem);
  EXPECT_EQ(folder->num_extra(), 1);
}

TEST_F(ScoreMapFolderTest, NamesMissingAndExtraMapsAtOnce) {
  std::vector<std::string> ids;
  for (int i = 100; i < 150; ++i) ids.push_back(absl::StrCat(i, ".jpg"));
  for (int i = 125; i < 160; ++i) Touch(absl::StrCat(i, ".npy"));
  Touch("readme.txt");
  Touch("preview.png");
  EXPECT_THAT(
      ScoreMapFolder::Open(folder_, ids),
      StatusIs(kInvalid,
               AllOf(HasSubstr("25 of 50 images have no score map (100.jpg -> "
                               "100.npy): 100.jpg, 101.jpg"),
                     HasSubstr("119.jpg, ... and 5 more; 10 score maps belong "
                               "to no image of the split: 150.npy, 151.npy"),
                     HasSubstr("159.npy"), Not(HasSubstr("120.jpg")),
                     Not(HasSubstr("preview")), Not(HasSubstr("\n")))));
}

TEST_F(ScoreMapFolderTest, TwoSetsAreAmbiguous) {
  for (const char* const name : {"a.npy", "b.npy", "a.png", "b.png"}) {
    Touch(name);
  }
  EXPECT_THAT(ScoreMapFolder::Open(folder_, {"a.jpg", "b.jpg"}),
              StatusIs(kInvalid, HasSubstr("two sets of score maps")));
  // A better fit wins.
  EXPECT_THAT(ScoreMapFolder::Open(folder_, {"a.jpg", "b.jpg", "c.jpg"}),
              StatusIs(kInvalid));
  Touch("c.png");
  const auto folder =
      ScoreMapFolder::Open(folder_, {"a.jpg", "b.jpg", "c.jpg"});
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->format(), ScoreMapFormat::kPng);
}

// Rules that give the same files are one: ids without folders or extensions.
TEST_F(ScoreMapFolderTest, EqualRulesAreNotAmbiguous) {
  Touch("a.npy");
  const auto folder = ScoreMapFolder::Open(folder_, {"a"});
  ASSERT_THAT(folder, IsOk());
  EXPECT_EQ(folder->naming(), ScoreMapNaming::kId);
}

TEST_F(ScoreMapFolderTest, FollowsLinksButNotForEver) {
  Touch("real/a.npy");
  std::filesystem::create_directory_symlink(vision::JoinPath(folder_, "real"),
                                            vision::JoinPath(folder_, "link"));
  const auto folder =
      ScoreMapFolder::Open(folder_ + "/", {"link/a.jpg", "real/a.jpg"});
  ASSERT_THAT(folder, IsOk());
  std::filesystem::create_directory_symlink(
      folder_, vision::JoinPath(folder_, "real/up"));
  EXPECT_FALSE(ScoreMapFolder::Open(folder_, {"real/a.jpg"}).ok());
}

TEST_F(ScoreMapFolderTest, LoadsTheMapOfAnId) {
  const cv::Mat map = (cv::Mat_<float>(1, 2) << 0.5, 1);
  ASSERT_THAT(vision::WriteNpy(vision::JoinPath(folder_, "b.npy"), map,
                               vision::NpyDtype::kFloat32),
              IsOk());
  Touch("a.npy");
  const auto folder = ScoreMapFolder::Open(folder_, {"a.jpg", "b.jpg"});
  ASSERT_THAT(folder, IsOk());
  EXPECT_THAT(folder->Load(0),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a.npy: empty")));
  const auto loaded = folder->Load(1);
  ASSERT_THAT(loaded, IsOk());
  EXPECT_EQ(cv::norm(*loaded, map, cv::NORM_INF), 0);
}

TEST_F(ScoreMapFolderTest, SaysWhatIsWrong) {
  EXPECT_THAT(ScoreMapFolder::Open(folder_ + "/none", {"a.jpg"}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no folder")));
  EXPECT_THAT(ScoreMapFolder::Open(folder_, {}), StatusIs(kInvalid));
  EXPECT_THAT(
      ScoreMapFolder::Open(folder_, {"v/a.jpg"}),
      StatusIs(kInvalid, HasSubstr("it holds 0 .npy and .png files, and the "
                                   "first image's map would be v/a.jpg.npy, "
                                   "v/a.npy, v_a.jpg.npy or v_a.npy")));
}

}  // namespace
}  // namespace wsol
