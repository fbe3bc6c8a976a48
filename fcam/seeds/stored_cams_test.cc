#include "fcam/seeds/stored_cams.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/image/image_io.h"
#include "vision/image/npy.h"
#include "vision/image/transforms.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"
#include "wsol/datasets/metadata.h"

namespace fcam {
namespace {

using ::testing::AllOf;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;
using ::testing::TensorNear;

constexpr int kResize = 16;
constexpr int kCrop = 12;
constexpr int kImages = 6;

// Images whose red is a ramp to the right and green one downwards, and stored
// maps: the same ramps of red, so that a crop of one shows the crop of the
// other.
class StoredCamsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = vision::JoinPath(
        ::testing::TempDir(),
        ::testing::UnitTest::GetInstance()->current_test_info()->name());
    maps_ = vision::JoinPath(folder_, "maps");
    ASSERT_THAT(vision::CreateDirectories(vision::JoinPath(folder_, "a")),
                IsOk());
    ASSERT_THAT(vision::CreateDirectories(maps_), IsOk());
    wsol::SplitMetadata metadata;
    metadata.num_classes = 1;
    for (int i = 0; i < kImages; ++i) {
      wsol::ImageRecord record;
      record.id = "a/" + std::to_string(i) + ".png";
      record.width = kResize;
      record.height = kResize;
      cv::Mat image(kResize, kResize, CV_8UC3);
      cv::Mat map(kResize, kResize, CV_32FC1);
      for (int y = 0; y < kResize; ++y) {
        for (int x = 0; x < kResize; ++x) {
          image.at<cv::Vec3b>(y, x) =
              cv::Vec3b(static_cast<uint8_t>(10 * x + i),
                        static_cast<uint8_t>(10 * y), 0);
          map.at<float>(y, x) = static_cast<float>(10 * x + i) / 255;
        }
      }
      const auto png = vision::EncodePng(image);
      ASSERT_THAT(png, IsOk());
      ASSERT_THAT(vision::WriteFileAtomically(
                      vision::JoinPath(folder_, record.id), *png),
                  IsOk());
      ASSERT_THAT(vision::WriteNpy(MapPath(i), map, vision::NpyDtype::kFloat32),
                  IsOk());
      metadata.images.push_back(record);
    }
    ASSERT_THAT(wsol::WriteSplitMetadata(folder_, metadata), IsOk());
    auto dataset = wsol::Dataset::Open(folder_, folder_);
    ASSERT_THAT(dataset, IsOk());
    dataset_ = std::make_unique<wsol::Dataset>(*std::move(dataset));
    options_.batch_size = 4;
    options_.shuffle = true;
    options_.augment = true;
    options_.resize = kResize;
    options_.crop = kCrop;
  }

  std::string MapPath(int i) const {
    return vision::JoinPath(maps_, "a_" + std::to_string(i) + ".npy");
  }

  std::string folder_;
  std::string maps_;
  std::unique_ptr<wsol::Dataset> dataset_;
  wsol::LoaderOptions options_;
};

TEST(StoredCamStemTest, ReplacesSlashesAndDropsTheExtension) {
  EXPECT_EQ(StoredCamStem("001.Finch/a.b.jpg"), "001.Finch_a.b");
  EXPECT_EQ(StoredCamStem("train/n0/x.JPEG"), "train_n0_x");
  EXPECT_EQ(StoredCamStem("v1.0/x"), "v1.0_x");
  EXPECT_EQ(StoredCamStem("x"), "x");
}

TEST_F(StoredCamsTest, AreCroppedAndFlippedLikeTheImages) {
  for (const bool cache : {false, true}) {
    StoredCamsOptions stored_options;
    stored_options.cache = cache;
    const auto stored =
        StoredCams::Open(dataset_.get(), maps_, options_, stored_options);
    ASSERT_THAT(stored, IsOk());
    const auto loader = wsol::Loader::Create(dataset_.get(), options_);
    ASSERT_THAT(loader, IsOk());
    int flips = 0;
    for (int epoch = 0; epoch < 4; ++epoch) {
      (*loader)->StartEpoch(epoch);
      while (true) {
        const auto batch = (*loader)->Next();
        ASSERT_THAT(batch, IsOk());
        if (!batch->has_value()) break;
        const auto maps = (*stored)->Maps(**batch);
        ASSERT_THAT(maps, IsOk());
        EXPECT_THAT(*maps,
                    TensorNear((*batch)->raw_images.select(1, 0) / 255, 1e-6));
        for (const vision::CropFlip& crop : (*batch)->geometry) {
          flips += crop.flip;
        }
      }
    }
    EXPECT_GT(flips, 0);
    EXPECT_LT(flips, 4 * kImages);
  }
}

TEST_F(StoredCamsTest, AreResizedBilinearlyWithoutAugmentation) {
  // 2 x 2 to 4 x 4: positions -.25 (clamped to 0), .25, .75, 1.25 (clamped).
  const cv::Mat small = (cv::Mat_<float>(2, 2) << 0, 1, 0, 1);
  for (int i = 0; i < kImages; ++i) {
    ASSERT_THAT(vision::WriteNpy(MapPath(i), small, vision::NpyDtype::kFloat32),
                IsOk());
  }
  options_.augment = false;
  options_.crop = 4;
  const auto stored = StoredCams::Open(dataset_.get(), maps_, options_);
  ASSERT_THAT(stored, IsOk());
  const auto loader = wsol::Loader::Create(dataset_.get(), options_);
  ASSERT_THAT(loader, IsOk());
  (*loader)->StartEpoch(0);
  const auto batch = (*loader)->Next();
  ASSERT_THAT(batch, IsOk());
  const auto maps = (*stored)->Maps(**batch);
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(*maps, TensorEq(at::tensor({0.f, .25f, .75f, 1.f})
                                  .view({1, 1, 4})
                                  .expand({4, 4, 4})));
}

TEST_F(StoredCamsTest, ReadsTheFilesOfThePublishedCode) {
  ASSERT_EQ(std::remove(MapPath(2).c_str()), 0);
  const auto bytes =
      vision::ReadFile(::testing::TestDataPath("fcam/seeds/testdata/map.pt"));
  ASSERT_THAT(bytes, IsOk());
  ASSERT_THAT(
      vision::WriteFileAtomically(vision::JoinPath(maps_, "a_2.pt"), *bytes),
      IsOk());
  const auto stored = StoredCams::Open(dataset_.get(), maps_, options_);
  ASSERT_THAT(stored, IsOk());
  wsol::Batch batch;
  batch.indices = {2};
  batch.geometry = {{0, 0, kResize, false}};
  const auto maps = (*stored)->Maps(batch);
  ASSERT_THAT(maps, IsOk());
  EXPECT_THAT(*maps, HasShape({1, kResize, kResize}));
  EXPECT_EQ((*maps)[0][0][0].item<float>(), 0);
  EXPECT_EQ((*maps)[0][kResize - 1][0].item<float>(), .75);
}

TEST_F(StoredCamsTest, NamesWhatIsMissingBeforeAnyWork) {
  ASSERT_EQ(std::remove(MapPath(1).c_str()), 0);
  ASSERT_EQ(std::remove(MapPath(4).c_str()), 0);
  EXPECT_THAT(
      StoredCams::Open(dataset_.get(), maps_, options_),
      StatusIs(absl::StatusCode::kNotFound,
               AllOf(HasSubstr("image a/1.png has no stored map: there is no"),
                     HasSubstr("maps/a_1.npy and no .pt"),
                     HasSubstr("(2 of 6 images have none)"))));
}

TEST_F(StoredCamsTest, NamesBadFiles) {
  const auto stored = StoredCams::Open(dataset_.get(), maps_, options_);
  ASSERT_THAT(stored, IsOk());
  wsol::Batch batch;
  batch.indices = {3};
  batch.geometry = {{0, 0, kCrop, false}};
  ASSERT_THAT(vision::WriteFileAtomically(MapPath(3), "no map"), IsOk());
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("a_3.npy"),
                             HasSubstr("stored map of image a/3.png"))));
  const cv::Mat beyond = (cv::Mat_<float>(1, 2) << .5f, 1.5f);
  ASSERT_THAT(vision::WriteNpy(MapPath(3), beyond, vision::NpyDtype::kFloat32),
              IsOk());
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kOutOfRange,
                       HasSubstr("holds 1.5 in row 0, column 1")));
  const cv::Mat nan = (cv::Mat_<double>(1, 1) << std::nan(""));
  ASSERT_THAT(vision::WriteNpy(MapPath(3), nan, vision::NpyDtype::kFloat64),
              IsOk());
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("holds nan")));
  const cv::Mat bytes(2, 2, CV_8UC1, cv::Scalar(1));
  ASSERT_THAT(vision::WriteNpy(MapPath(3), bytes, vision::NpyDtype::kUint8),
              IsOk());
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("holds integers")));
}

TEST_F(StoredCamsTest, RefusesBatchesOfAnotherLoader) {
  const auto stored = StoredCams::Open(dataset_.get(), maps_, options_);
  ASSERT_THAT(stored, IsOk());
  wsol::Batch batch;
  batch.indices = {0};
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("1 indices and geometry of 0 images")));
  batch.geometry = {{kResize, 0, kCrop, false}};
  EXPECT_THAT((*stored)->Maps(batch),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("the batch is of another loader")));
  batch.geometry = {{0, 0, kCrop, false}};
  batch.indices = {kImages};
  EXPECT_THAT((*stored)->Maps(batch), StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace fcam
