#include "wsol/datasets/loader.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/image/image_io.h"
#include "vision/image/resize.h"
#include "vision/image/tensor_image.h"
#include "vision/image/transforms.h"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasShape;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::SizeIs;
using ::testing::StatusIs;
using ::testing::TensorEq;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr int kImages = 11;

// 11 images of random pixels and sizes, labels 0..2; written once.
class LoaderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ =
        new std::string(vision::JoinPath(::testing::TempDir(), "loader_test"));
    std::filesystem::remove_all(*dir_);
    ASSERT_THAT(vision::CreateDirectories(*dir_), IsOk());
    SplitMetadata split;
    split.num_classes = 3;
    vision::Rng rng(3);
    for (int i = 0; i < kImages; ++i) {
      ImageRecord& image = split.images.emplace_back();
      image.id = absl::StrCat("image", i, ".png");
      image.label = i % 3;
      image.width = static_cast<int>(10 + rng.UniformInt(20));
      image.height = static_cast<int>(10 + rng.UniformInt(20));
      cv::Mat rgb(image.height, image.width, CV_8UC3);
      for (size_t k = 0; k < rgb.total() * 3; ++k) {
        rgb.data[k] = static_cast<uint8_t>(rng.UniformInt(256));
      }
      ASSERT_THAT(vision::WritePng(vision::JoinPath(*dir_, image.id), rgb),
                  IsOk());
    }
    ASSERT_THAT(WriteSplitMetadata(*dir_, split), IsOk());
    absl::StatusOr<Dataset> dataset = Dataset::Open(*dir_, *dir_);
    ASSERT_THAT(dataset, IsOk());
    dataset_ = new Dataset(*std::move(dataset));
  }
  static void TearDownTestSuite() {
    delete dataset_;
    delete dir_;
  }

  static LoaderOptions TrainOptions() {
    LoaderOptions options;
    options.batch_size = 4;
    options.shuffle = true;
    options.augment = true;
    options.resize = 16;
    options.crop = 12;
    options.seed = 5;
    return options;
  }

  static std::unique_ptr<Loader> MakeLoader(const LoaderOptions& options) {
    absl::StatusOr<std::unique_ptr<Loader>> loader =
        Loader::Create(dataset_, options);
    EXPECT_THAT(loader, IsOk());
    return *std::move(loader);
  }

  static std::vector<Batch> ReadEpoch(Loader* loader, int64_t epoch) {
    loader->StartEpoch(epoch);
    std::vector<Batch> batches;
    while (true) {
      absl::StatusOr<std::optional<Batch>> batch = loader->Next();
      EXPECT_THAT(batch, IsOk());
      if (!batch.ok() || !batch->has_value()) return batches;
      batches.push_back(**std::move(batch));
    }
  }

  static void ExpectEqual(const std::vector<Batch>& a,
                          const std::vector<Batch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].indices, b[i].indices);
      EXPECT_THAT(a[i].labels, TensorEq(b[i].labels));
      EXPECT_THAT(a[i].raw_images, TensorEq(b[i].raw_images));
      EXPECT_THAT(a[i].images, TensorEq(b[i].images));
    }
  }

  static std::vector<int64_t> Order(const std::vector<Batch>& batches) {
    std::vector<int64_t> order;
    for (const Batch& batch : batches) {
      order.insert(order.end(), batch.indices.begin(), batch.indices.end());
    }
    return order;
  }

  static std::string* dir_;
  static Dataset* dataset_;
};

std::string* LoaderTest::dir_ = nullptr;
Dataset* LoaderTest::dataset_ = nullptr;

// One sample as the documentation says, without the loader.
cv::Mat ExpectedSample(const Dataset& dataset, const LoaderOptions& options,
                       int64_t epoch, int64_t index) {
  const absl::StatusOr<cv::Mat> image = dataset.LoadImage(index);
  EXPECT_THAT(image, IsOk());
  const int side = options.augment ? options.resize : options.crop;
  const absl::StatusOr<cv::Mat> resized =
      vision::ResizeAntialiased(*image, side, side);
  EXPECT_THAT(resized, IsOk());
  if (!options.augment) return *resized;
  vision::Rng rng(options.seed,
                  {static_cast<uint64_t>(epoch), static_cast<uint64_t>(index)});
  return vision::ApplyCropFlip(
      *resized, vision::SampleCropFlip(options.resize, options.crop, rng));
}

TEST_F(LoaderTest, BatchesHoldTheTransformedImages) {
  for (const bool augment : {false, true}) {
    LoaderOptions options = TrainOptions();
    options.augment = augment;
    const std::unique_ptr<Loader> loader = MakeLoader(options);
    EXPECT_EQ(loader->NumBatches(), 3);
    const std::vector<Batch> batches = ReadEpoch(loader.get(), 7);
    ASSERT_EQ(batches.size(), 3);
    for (size_t b = 0; b < 3; ++b) {
      const Batch& batch = batches[b];
      // 11 = 4 + 4 + 3
      const int64_t n = b < 2 ? 4 : 3;
      ASSERT_THAT(batch.images, HasShape({n, 3, 12, 12}));
      ASSERT_THAT(batch.raw_images, HasShape({n, 3, 12, 12}));
      ASSERT_THAT(batch.labels, HasShape({n}));
      ASSERT_EQ(batch.labels.scalar_type(), at::kLong);
      ASSERT_EQ(static_cast<int64_t>(batch.indices.size()), n);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = batch.indices[static_cast<size_t>(i)];
        const cv::Mat expected = ExpectedSample(*dataset_, options, 7, index);
        EXPECT_EQ(batch.labels[i].item<int64_t>(), index % 3);
        EXPECT_THAT(batch.raw_images[i],
                    TensorEq(vision::ImageToTensor(expected)));
        EXPECT_THAT(batch.images[i], TensorEq(vision::NormalizedImageToTensor(
                                         expected, options.normalization)));
      }
    }
  }
}

TEST_F(LoaderTest, WithoutShuffleTheOrderIsTheDataSets) {
  LoaderOptions options = TrainOptions();
  options.shuffle = false;
  options.num_threads = 3;
  const std::unique_ptr<Loader> loader = MakeLoader(options);
  EXPECT_THAT(Order(ReadEpoch(loader.get(), 0)),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST_F(LoaderTest, EpochsArePermutationsThatDiffer) {
  const std::unique_ptr<Loader> loader = MakeLoader(TrainOptions());
  std::vector<std::vector<int64_t>> orders;
  for (int64_t epoch = 0; epoch < 4; ++epoch) {
    std::vector<int64_t> order = Order(ReadEpoch(loader.get(), epoch));
    for (const std::vector<int64_t>& other : orders) EXPECT_NE(order, other);
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  }
  LoaderOptions other_seed = TrainOptions();
  other_seed.seed = 6;
  EXPECT_NE(Order(ReadEpoch(MakeLoader(other_seed).get(), 0)), orders[0]);
}

// Crops of a sample change from epoch to epoch, even where it keeps its place.
TEST_F(LoaderTest, AugmentationDependsOnTheEpoch) {
  LoaderOptions options = TrainOptions();
  options.shuffle = false;
  const std::unique_ptr<Loader> loader = MakeLoader(options);
  const std::vector<Batch> first = ReadEpoch(loader.get(), 0);
  const std::vector<Batch> second = ReadEpoch(loader.get(), 1);
  EXPECT_FALSE(at::equal(first[0].raw_images, second[0].raw_images));
}

TEST_F(LoaderTest, BatchesDoNotDependOnThreadsPrefetchOrCache) {
  const std::unique_ptr<Loader> reference = MakeLoader(TrainOptions());
  for (const bool cache : {false, true}) {
    for (const int num_threads : {1, 2, 8}) {
      LoaderOptions options = TrainOptions();
      options.num_threads = num_threads;
      options.prefetch_batches = num_threads == 2 ? 1 : 5;
      options.cache_in_memory = cache;
      const std::unique_ptr<Loader> loader = MakeLoader(options);
      for (const int64_t epoch : {0, 1, 2}) {
        ExpectEqual(ReadEpoch(loader.get(), epoch),
                    ReadEpoch(reference.get(), epoch));
      }
    }
  }
}

TEST_F(LoaderTest, AnEpochCanBeAbandonedAndRepeated) {
  LoaderOptions options = TrainOptions();
  options.num_threads = 4;
  options.cache_in_memory = true;
  const std::unique_ptr<Loader> loader = MakeLoader(options);
  const std::vector<Batch> whole = ReadEpoch(loader.get(), 3);
  for (int round = 0; round < 20; ++round) {
    loader->StartEpoch(round);
    ASSERT_THAT(loader->Next(), IsOk());
  }
  ExpectEqual(ReadEpoch(loader.get(), 3), whole);
}

TEST_F(LoaderTest, NothingComesBeforeTheFirstEpochAndAfterTheLastBatch) {
  const std::unique_ptr<Loader> loader = MakeLoader(TrainOptions());
  absl::StatusOr<std::optional<Batch>> batch = loader->Next();
  ASSERT_THAT(batch, IsOk());
  EXPECT_FALSE(batch->has_value());
  ReadEpoch(loader.get(), 0);
  batch = loader->Next();
  ASSERT_THAT(batch, IsOk());
  EXPECT_FALSE(batch->has_value());
}

TEST_F(LoaderTest, StopsCleanlyWhileThreadsWork) {
  for (int round = 0; round < 20; ++round) {
    LoaderOptions options = TrainOptions();
    options.num_threads = 4;
    options.prefetch_batches = 3;
    const std::unique_ptr<Loader> loader = MakeLoader(options);
    if (round % 3 > 0) loader->StartEpoch(0);
    if (round % 3 > 1) ASSERT_THAT(loader->Next(), IsOk());
  }
}

// The image holds its mask in the red channel; cropped and flipped alike, the
// mask still lies on it.
TEST_F(LoaderTest, RawImagesHaveTheGeometryOfTheDrawnCrop) {
  const std::string dir = vision::JoinPath(::testing::TempDir(), "geometry");
  ASSERT_THAT(vision::CreateDirectories(dir), IsOk());
  cv::Mat mask = cv::Mat::zeros(16, 16, CV_8UC1);
  mask(cv::Rect(3, 5, 9, 6)).setTo(255);
  mask.at<uint8_t>(1, 14) = 255;
  cv::Mat rgb;
  cv::merge(std::vector<cv::Mat>{mask, cv::Mat::zeros(16, 16, CV_8UC1),
                                 cv::Mat::zeros(16, 16, CV_8UC1)},
            rgb);
  SplitMetadata split;
  split.num_classes = 1;
  for (int i = 0; i < 8; ++i) {
    ImageRecord& image = split.images.emplace_back();
    image.id = absl::StrCat(i, ".png");
    image.mask_paths = {"mask.png"};
    ASSERT_THAT(vision::WritePng(vision::JoinPath(dir, image.id), rgb), IsOk());
  }
  ASSERT_THAT(vision::WritePng(vision::JoinPath(dir, "mask.png"), mask),
              IsOk());
  ASSERT_THAT(WriteSplitMetadata(dir, split), IsOk());
  const absl::StatusOr<Dataset> dataset = Dataset::Open(dir, dir);
  ASSERT_THAT(dataset, IsOk());
  const LoaderOptions options = TrainOptions();
  const absl::StatusOr<std::unique_ptr<Loader>> loader =
      Loader::Create(&*dataset, options);
  ASSERT_THAT(loader, IsOk());
  for (const Batch& batch : ReadEpoch(loader->get(), 2)) {
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      const absl::StatusOr<cv::Mat> loaded =
          dataset->LoadMask(batch.indices[i]);
      ASSERT_THAT(loaded, IsOk());
      vision::Rng rng(options.seed,
                      {2, static_cast<uint64_t>(batch.indices[i])});
      const cv::Mat cropped =
          vision::ApplyCropFlip(*loaded, vision::SampleCropFlip(16, 12, rng));
      const at::Tensor red = batch.raw_images[static_cast<int64_t>(i)][0];
      const cv::Mat red_map = vision::TensorToMap(red);
      cv::Mat expected;
      cropped.convertTo(expected, CV_32F, 255);
      EXPECT_EQ(cv::norm(red_map, expected, cv::NORM_INF), 0);
    }
  }
}

TEST_F(LoaderTest, AnErrorNamesTheImageAndTheNextBatchComes) {
  const std::string dir = vision::JoinPath(::testing::TempDir(), "broken");
  std::filesystem::remove_all(dir);
  std::filesystem::copy(*dir_, dir);
  std::filesystem::remove(vision::JoinPath(dir, "image5.png"));
  std::filesystem::resize_file(vision::JoinPath(dir, "image7.png"), 60);
  const absl::StatusOr<Dataset> dataset = Dataset::Open(dir, dir);
  ASSERT_THAT(dataset, IsOk());
  for (const int num_threads : {1, 4}) {
    LoaderOptions options = TrainOptions();
    options.shuffle = false;
    options.num_threads = num_threads;
    const absl::StatusOr<std::unique_ptr<Loader>> loader =
        Loader::Create(&*dataset, options);
    ASSERT_THAT(loader, IsOk());
    (*loader)->StartEpoch(0);
    EXPECT_THAT((*loader)->Next(), IsOk());
    // Images 4 to 7: of the two errors the first one.
    EXPECT_THAT((*loader)->Next(), StatusIs(absl::StatusCode::kNotFound,
                                            HasSubstr("id 'image5.png'")));
    const absl::StatusOr<std::optional<Batch>> last = (*loader)->Next();
    ASSERT_THAT(last, IsOk());
    ASSERT_TRUE(last->has_value());
    EXPECT_THAT((*last)->indices, ElementsAre(8, 9, 10));
  }
}

TEST_F(LoaderTest, BadImagesAreLeftOutAndCounted) {
  const std::string dir = vision::JoinPath(::testing::TempDir(), "skipped");
  std::filesystem::remove_all(dir);
  std::filesystem::copy(*dir_, dir);
  std::filesystem::remove(vision::JoinPath(dir, "image5.png"));
  std::filesystem::resize_file(vision::JoinPath(dir, "image7.png"), 60);
  for (int i = 8; i < kImages; ++i) {
    std::filesystem::remove(
        vision::JoinPath(dir, absl::StrCat("image", i, ".png")));
  }
  const absl::StatusOr<Dataset> dataset = Dataset::Open(dir, dir);
  ASSERT_THAT(dataset, IsOk());
  LoaderOptions options = TrainOptions();
  options.shuffle = false;
  options.channels_last = true;
  const std::vector<Batch> whole = ReadEpoch(MakeLoader(options).get(), 0);
  options.on_bad_image = BadImagePolicy::kSkip;
  for (const int num_threads : {1, 4}) {
    options.num_threads = num_threads;
    const absl::StatusOr<std::unique_ptr<Loader>> loader =
        Loader::Create(&*dataset, options);
    ASSERT_THAT(loader, IsOk());
    for (const int64_t epoch : {0, 0}) {
      const std::vector<Batch> batches = ReadEpoch(loader->get(), epoch);
      // The last batch has no image left.
      ASSERT_EQ(batches.size(), 2u);
      EXPECT_THAT(batches[0].indices, ElementsAre(0, 1, 2, 3));
      EXPECT_THAT(batches[1].indices, ElementsAre(4, 6));
      EXPECT_THAT(batches[1].geometry, SizeIs(2));
      const at::Tensor kept = at::tensor({0, 2}, at::kLong);
      EXPECT_THAT(batches[1].images,
                  TensorEq(whole[1].images.index_select(0, kept)));
      EXPECT_TRUE(
          batches[1].images.is_contiguous(at::MemoryFormat::ChannelsLast));
      EXPECT_THAT(batches[1].raw_images,
                  TensorEq(whole[1].raw_images.index_select(0, kept)));
      EXPECT_THAT(batches[1].labels,
                  TensorEq(whole[1].labels.index_select(0, kept)));
      const SkippedImages& skipped = (*loader)->skipped_images();
      EXPECT_EQ(skipped.count, 5);
      ASSERT_THAT(skipped.messages, SizeIs(5));
      EXPECT_THAT(skipped.messages[0], HasSubstr("id 'image5.png'"));
      EXPECT_THAT(skipped.messages[1], HasSubstr("id 'image7.png'"));
    }
  }
}

TEST_F(LoaderTest, AnEpochGoesOnInTheMiddle) {
  for (const bool shuffle : {false, true}) {
    LoaderOptions options = TrainOptions();
    options.shuffle = shuffle;
    options.num_threads = 3;
    const std::vector<Batch> whole = ReadEpoch(MakeLoader(options).get(), 6);
    for (int64_t first = 0; first <= 3; ++first) {
      const std::unique_ptr<Loader> loader = MakeLoader(options);
      loader->StartEpoch(6, first);
      for (int64_t i = first; i < 3; ++i) {
        EXPECT_EQ(loader->next_batch(), i);
        const absl::StatusOr<std::optional<Batch>> batch = loader->Next();
        ASSERT_THAT(batch, IsOk());
        ASSERT_TRUE(batch->has_value());
        ExpectEqual({**batch}, {whole[static_cast<size_t>(i)]});
      }
      EXPECT_EQ(loader->next_batch(), 3);
      const absl::StatusOr<std::optional<Batch>> end = loader->Next();
      ASSERT_THAT(end, IsOk());
      EXPECT_FALSE(end->has_value());
      EXPECT_EQ(loader->next_batch(), 3);
    }
  }
}

TEST_F(LoaderTest, RanksShareAnEpoch) {
  LoaderOptions options = TrainOptions();
  const std::vector<int64_t> order =
      Order(ReadEpoch(MakeLoader(options).get(), 2));
  for (const int world_size : {1, 2, 3, 4, 11, 16, 40}) {
    for (const bool even : {false, true}) {
      SCOPED_TRACE(absl::StrCat(world_size, " ranks, even: ", even));
      options.world_size = world_size;
      options.even_shards = even;
      std::vector<std::vector<int64_t>> shards;
      for (options.rank = 0; options.rank < world_size; ++options.rank) {
        const std::unique_ptr<Loader> loader = MakeLoader(options);
        const std::vector<Batch> batches = ReadEpoch(loader.get(), 2);
        EXPECT_EQ(loader->NumBatches(), static_cast<int64_t>(batches.size()));
        shards.push_back(Order(batches));
      }
      // Dealt out again one by one, they are the order; even shards go on with
      // its beginning until all have equally many.
      const size_t total =
          even ? (kImages + world_size - 1) / world_size * world_size : kImages;
      for (size_t i = 0; i < total; ++i) {
        const std::vector<int64_t>& shard = shards[i % world_size];
        ASSERT_LT(i / world_size, shard.size());
        EXPECT_EQ(shard[i / world_size], order[i % kImages]);
      }
      size_t sum = 0;
      for (std::vector<int64_t>& shard : shards) {
        sum += shard.size();
        std::sort(shard.begin(), shard.end());
        EXPECT_EQ(std::adjacent_find(shard.begin(), shard.end()), shard.end());
      }
      EXPECT_EQ(sum, total);
    }
  }
}

TEST_F(LoaderTest, FormsOfTheImagesHoldTheSameValues) {
  LoaderOptions options = TrainOptions();
  const std::vector<Batch> plain = ReadEpoch(MakeLoader(options).get(), 1);
  options.channels_last = true;
  const std::vector<Batch> channels_last =
      ReadEpoch(MakeLoader(options).get(), 1);
  ExpectEqual(channels_last, plain);
  EXPECT_TRUE(
      channels_last[0].images.is_contiguous(at::MemoryFormat::ChannelsLast));
  for (const bool last : {false, true}) {
    options.channels_last = last;
    options.image_dtype = at::kBFloat16;
    options.raw_images = false;
    const std::vector<Batch> bfloat16 = ReadEpoch(MakeLoader(options).get(), 1);
    ASSERT_EQ(bfloat16.size(), plain.size());
    for (size_t i = 0; i < plain.size(); ++i) {
      EXPECT_FALSE(bfloat16[i].raw_images.defined());
      EXPECT_THAT(bfloat16[i].images.to(at::kFloat),
                  TensorEq(plain[i].images.to(at::kBFloat16).to(at::kFloat)));
    }
  }
}

TEST_F(LoaderTest, TheGeometryIsThatOfTheImages) {
  for (const bool augment : {false, true}) {
    LoaderOptions options = TrainOptions();
    options.augment = augment;
    for (const Batch& batch : ReadEpoch(MakeLoader(options).get(), 1)) {
      for (size_t i = 0; i < batch.indices.size(); ++i) {
        const absl::StatusOr<cv::Mat> image =
            dataset_->LoadImage(batch.indices[i]);
        ASSERT_THAT(image, IsOk());
        const int side = augment ? options.resize : options.crop;
        const absl::StatusOr<cv::Mat> resized =
            vision::ResizeAntialiased(*image, side, side);
        ASSERT_THAT(resized, IsOk());
        EXPECT_THAT(batch.raw_images[static_cast<int64_t>(i)],
                    TensorEq(vision::ImageToTensor(
                        vision::ApplyCropFlip(*resized, batch.geometry[i]))));
      }
    }
  }
}

TEST_F(LoaderTest, ColorsChangeInTheImagesAlone) {
  LoaderOptions options = TrainOptions();
  const std::vector<Batch> plain = ReadEpoch(MakeLoader(options).get(), 0);
  options.color_jitter.brightness = 0.5;
  options.color_jitter.saturation = 0.5;
  options.cache_in_memory = true;
  const std::unique_ptr<Loader> loader = MakeLoader(options);
  const std::vector<Batch> changed = ReadEpoch(loader.get(), 0);
  // Again, from the cache, which must have kept the colours.
  ExpectEqual(ReadEpoch(loader.get(), 0), changed);
  options.num_threads = 4;
  ExpectEqual(ReadEpoch(MakeLoader(options).get(), 0), changed);
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_THAT(changed[i].raw_images, TensorEq(plain[i].raw_images));
    EXPECT_FALSE(changed[i].images.equal(plain[i].images));
  }
  // Not at evaluation.
  options.augment = false;
  const std::vector<Batch> evaluation = ReadEpoch(MakeLoader(options).get(), 0);
  options.color_jitter = {};
  ExpectEqual(ReadEpoch(MakeLoader(options).get(), 0), evaluation);
}

TEST(ParseBadImagePolicyTest, NamesAndErrors) {
  EXPECT_THAT(ParseBadImagePolicy("fail"), IsOkAndHolds(BadImagePolicy::kFail));
  EXPECT_THAT(ParseBadImagePolicy("skip"), IsOkAndHolds(BadImagePolicy::kSkip));
  EXPECT_THAT(ParseBadImagePolicy("ignore"),
              StatusIs(kInvalid, HasSubstr("expected fail or skip")));
}

TEST_F(LoaderTest, RejectsOptionsOutOfRange) {
  const auto expect = [](const LoaderOptions& options, const char* message) {
    EXPECT_THAT(Loader::Create(dataset_, options).status(),
                StatusIs(kInvalid, HasSubstr(message)));
  };
  LoaderOptions options;
  EXPECT_THAT(options.Validate(), IsOk());
  options.batch_size = 0;
  expect(options, "batch_size is 0, expected 1 or more");
  options = {};
  options.num_threads = 0;
  expect(options, "num_threads is 0");
  options = {};
  options.prefetch_batches = 0;
  expect(options, "prefetch_batches is 0");
  options = {};
  options.crop = 0;
  expect(options, "crop is 0");
  options = {};
  options.augment = true;
  options.crop = 300;
  expect(options, "crop is 300 pixels, expected at most resize, 256");
  options = {};
  options.normalization.std[1] = 0;
  expect(options, "normalization.std of channel 1 is 0");
  options = {};
  options.color_jitter.hue = 1;
  expect(options, "hue is 1");
  options = {};
  options.image_dtype = at::kDouble;
  expect(options, "image_dtype is Double, expected Float or BFloat16");
  options = {};
  options.world_size = 0;
  expect(options, "world_size is 0");
  options = {};
  options.rank = 3;
  options.world_size = 3;
  expect(options, "rank is 3, expected 0 to 2");
}

}  // namespace
}  // namespace wsol
