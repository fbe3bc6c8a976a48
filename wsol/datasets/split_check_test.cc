#include "wsol/datasets/split_check.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Five images of 4x3 pixels in images/, and a split of them in set/test/.
class SplitCheckTest : public ::testing::Test {
 protected:
  SplitCheckTest()
      : dir_(vision::JoinPath(
            ::testing::TempDir(),
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::filesystem::remove_all(dir_);
    for (const char* folder : {"set/test", "set/val", "images"}) {
      EXPECT_THAT(vision::CreateDirectories(Path(folder)), IsOk());
    }
    for (int i = 0; i < 5; ++i) {
      ImageRecord& image = split_.images.emplace_back();
      image.id = absl::StrCat(i, ".png");
      image.label = i % 2;
      image.width = 4;
      image.height = 3;
      image.boxes = {BoxFromFileCorners({0, 0, 3, 2})};
      WriteImage(image.id, cv::Mat::zeros(3, 4, CV_8UC3));
    }
    split_.num_classes = 2;
    options_.num_threads = 3;
  }

  std::string Path(absl::string_view name) const {
    return vision::JoinPath(dir_, name);
  }
  void WriteImage(absl::string_view name, const cv::Mat& image) {
    const absl::StatusOr<std::string> png = vision::EncodePng(image);
    ASSERT_THAT(png, IsOk());
    WriteBytes(name, *png);
  }
  void WriteBytes(absl::string_view name, absl::string_view bytes) {
    std::ofstream out(Path(absl::StrCat("images/", name)), std::ios::binary);
    out << bytes;
    EXPECT_TRUE(out.good());
  }
  absl::StatusOr<SplitCheck> Check() {
    EXPECT_THAT(WriteSplitMetadata(Path("set/test"), split_), IsOk());
    return CheckSplit(Path("set/test"), options_);
  }
  // Masks instead of boxes: <i>_a.png and <i>_b.png, the left column.
  void UseMasks() {
    for (ImageRecord& image : split_.images) {
      image.boxes.clear();
      for (const char* name : {"a", "b"}) {
        image.mask_paths.push_back(absl::StrCat(image.id, "_", name, ".png"));
        cv::Mat mask = cv::Mat::zeros(3, 4, CV_8UC1);
        mask.col(0).setTo(255);
        WriteImage(image.mask_paths.back(), mask);
      }
    }
  }

  const std::string dir_;
  SplitMetadata split_;
  SplitCheckOptions options_;
};

TEST_F(SplitCheckTest, NeedsNoImages) {
  std::filesystem::remove_all(Path("images"));
  const absl::StatusOr<SplitCheck> check = Check();
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->metadata.images.size(), 5);
  EXPECT_EQ(check->boxes, 5);
  EXPECT_EQ(check->images_checked, 0);
}

TEST_F(SplitCheckTest, LooksAtEveryImage) {
  options_.image_root = Path("images");
  int64_t total = 0;
  int64_t images = 0;
  options_.on_begin = [&](int64_t count) { total = count; };
  options_.on_image = [&] { ++images; };
  for (const bool decode : {false, true}) {
    options_.decode = decode;
    images = 0;
    const absl::StatusOr<SplitCheck> check = Check();
    ASSERT_THAT(check, IsOk());
    EXPECT_EQ(check->images_checked, 5);
    EXPECT_EQ(total, 5);
    EXPECT_EQ(images, 5);
  }
}

TEST_F(SplitCheckTest, ProblemsAreListedById) {
  options_.image_root = Path("images");
  WriteImage("1.png", cv::Mat::zeros(4, 4, CV_8UC3));
  WriteBytes("2.png", "no image");
  std::filesystem::remove(Path("images/4.png"));
  EXPECT_THAT(
      Check(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("image id '1.png': the image is 4x4 pixels, "
                               "expected 4x3 as in image_sizes.txt"),
                     HasSubstr("image id '2.png': "),
                     HasSubstr("image id '4.png': cannot open"))));
}

TEST_F(SplitCheckTest, DecodingFindsDamage) {
  options_.image_root = Path("images");
  const absl::StatusOr<std::string> png =
      vision::ReadFile(Path("images/3.png"));
  ASSERT_THAT(png, IsOk());
  WriteBytes("3.png", png->substr(0, png->size() - 8));
  EXPECT_THAT(Check(), IsOk());  // The header is whole.
  options_.decode = true;
  EXPECT_THAT(Check(), StatusIs(kInvalid, HasSubstr("'3.png'")));
}

TEST_F(SplitCheckTest, ChecksMasks) {
  UseMasks();
  options_.image_root = Path("images");
  absl::StatusOr<SplitCheck> check = Check();
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->masks, 10);
  EXPECT_EQ(check->masks_checked, 10);
  EXPECT_EQ(check->empty_masks, 0);

  WriteImage(split_.images[0].mask_paths[0], cv::Mat::zeros(3, 4, CV_8UC1));
  WriteImage(split_.images[0].mask_paths[1], cv::Mat::zeros(3, 4, CV_8UC1));
  check = Check();
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->empty_masks, 1);

  WriteImage(split_.images[0].mask_paths[0], cv::Mat::zeros(4, 4, CV_8UC1));
  WriteImage(split_.images[1].mask_paths[0], cv::Mat::zeros(6, 8, CV_8UC1));
  WriteImage(split_.images[1].mask_paths[1], cv::Mat::zeros(6, 8, CV_8UC1));
  EXPECT_THAT(
      Check(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("of image id '0.png' is 4x3 pixels, expected "
                               "4x4 as its other masks"),
                     HasSubstr("image id '1.png': the mask '1.png_a.png' is "
                               "8x6 pixels, expected 4x3 as the image"))));
}

// Masks can be there without the images.
TEST_F(SplitCheckTest, MasksHaveARootOfTheirOwn) {
  UseMasks();
  options_.mask_root = Path("images");
  const absl::StatusOr<SplitCheck> check = Check();
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->masks_checked, 10);
  EXPECT_EQ(check->images_checked, 0);
}

TEST_F(SplitCheckTest, CountsWhatIsLegalButSeldomMeant) {
  split_.num_classes = 4;
  options_.num_classes = 4;
  split_.images[2].boxes = {BoxFromFileCorners({0, 0, 4, 2})};
  const absl::StatusOr<SplitCheck> check = Check();
  ASSERT_THAT(check, IsOk());
  EXPECT_EQ(check->classes_without_images, 2);
  EXPECT_EQ(check->boxes_past_the_image, 1);
  EXPECT_THAT(check->class_names,
              ElementsAre("class 0", "class 1", "class 2", "class 3"));
}

TEST_F(SplitCheckTest, StopsOnRequest) {
  options_.image_root = Path("images");
  options_.should_stop = [] { return true; };
  EXPECT_THAT(Check(), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(SplitCheckTest, SplitsOfADataSetShareNoImage) {
  std::vector<SplitCheck> checks(3);
  checks[0].metadata = split_;
  checks[1].metadata = split_;
  checks[2].metadata = split_;
  checks[1].metadata.images.resize(1);
  for (ImageRecord& image : checks[2].metadata.images) image.id += "x";
  EXPECT_THAT(
      CheckSplitsAreDisjoint({"set/train", "set/val/", "set/test"}, checks),
      StatusIs(kInvalid, "image id '0.png' is in set/train and in set/val/"));
  // The same images with boxes and with masks.
  EXPECT_THAT(
      CheckSplitsAreDisjoint({"boxes/test", "masks/test", "set/test"}, checks),
      IsOk());
}

TEST_F(SplitCheckTest, FindsTheSplitsOfADataSet) {
  EXPECT_THAT(FindSplits(Path("set")).status(),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there is no image_ids.txt in")));
  for (const char* name : {"set/val", "set/test"}) {
    ASSERT_THAT(WriteSplitMetadata(Path(name), split_), IsOk());
  }
  EXPECT_THAT(FindSplits(Path("set")),
              IsOkAndHolds(ElementsAre(Path("set/test"), Path("set/val"))));
  EXPECT_THAT(FindSplits(Path("set/val")),
              IsOkAndHolds(ElementsAre(Path("set/val"))));
  EXPECT_THAT(FindSplits(Path("nowhere")).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nowhere")));
}

}  // namespace
}  // namespace wsol
