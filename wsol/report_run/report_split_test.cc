#include "wsol/report_run/report_split.h"

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/geometry/box.h"
#include "wsol/metrics/baseline_maps.h"
#include "wsol/metrics/protocol_frame.h"
#include "wsol/report_run/report_options.h"
#include "wsol/report_run/split_files.h"
#include "wsol/results/results_json.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

ReportOptions OptionsOf(const SplitFiles& files) {
  ReportOptions options;
  options.metadata_dir = files.Path("boxes");
  options.mask_metadata_dir = files.Path("masks");
  options.image_root = files.Path("images");
  options.tau_interval = 0.01;
  return options;
}

TEST(ReportSplitTest, HasTheTruthInTheFrame) {
  const SplitFiles files;
  const auto split = ReportSplit::Open(OptionsOf(files));
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ((*split)->size(), kSplitFilesImages);
  EXPECT_TRUE((*split)->has_boxes() && (*split)->has_masks() &&
              (*split)->has_images());
  EXPECT_THAT((*split)->ids(),
              ElementsAre("a/0.png", "a/1.png", "b/2.png", "b/3.png"));
  // Pixels 32 ... 63 of 64, 0 ... 31: int(32 * 3.5) = 112, int(63 * 3.5) = 220,
  // int(31 * 3.5) = 108.
  const auto boxes = (*split)->FrameBoxes(1);
  ASSERT_THAT(boxes, IsOk());
  EXPECT_THAT(*boxes, ElementsAre(vision::Box{112, 0, 221, 109}));
  const absl::StatusOr<cv::Mat> mask = (*split)->FrameMask(1);
  ASSERT_THAT(mask, IsOk());
  EXPECT_EQ(mask->size(), cv::Size(kFrameSize, kFrameSize));
  EXPECT_EQ(cv::countNonZero(*mask), 112 * 112);
  EXPECT_EQ(mask->at<uint8_t>(0, 112), kForegroundLabel);
}

// The same images in another order.
TEST(ReportSplitTest, FindsTheMaskOfEachImage) {
  const SplitFiles files;
  files.Write("masks/image_ids.txt", "b/3.png\na/0.png\nb/2.png\na/1.png\n");
  const auto split = ReportSplit::Open(OptionsOf(files));
  ASSERT_THAT(split, IsOk());
  const absl::StatusOr<cv::Mat> mask = (*split)->Mask(1);
  ASSERT_THAT(mask, IsOk());
  EXPECT_EQ(mask->at<uint8_t>(0, 63), kForegroundLabel);
  EXPECT_EQ(mask->at<uint8_t>(63, 0), kBackgroundLabel);

  // Maps that are the truth find all of it, whatever the order.
  const auto results = (*split)->Evaluate(
      "truth",
      [](int64_t i, cv::Size) -> absl::StatusOr<cv::Mat> {
        cv::Mat map =
            cv::Mat::zeros(kSplitFilesSize, kSplitFilesSize, CV_32FC1);
        map(SplitFiles::Object(static_cast<int>(i))).setTo(1);
        return map;
      },
      OptionsOf(files));
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(results->values.at("MaxBoxAcc"), 100);
  EXPECT_GT(results->values.at("PxAP"), 99);
}

TEST(ReportSplitTest, EvaluatesAndKnowsItsOwnResults) {
  const SplitFiles files;
  ReportOptions options = OptionsOf(files);
  const auto split = ReportSplit::Open(options);
  ASSERT_THAT(split, IsOk());
  const auto constant = [](int64_t, cv::Size size) {
    return ConstantBaselineMap(size.width, size.height);
  };
  absl::StatusOr<StoredResults> results =
      (*split)->Evaluate("constant", constant, options);
  ASSERT_THAT(results, IsOk());
  EXPECT_EQ(results->name, "constant");
  // A quarter of each image is foreground: precision at full recall.
  EXPECT_DOUBLE_EQ(results->values.at("PxAP"), 25);
  EXPECT_EQ(results->values.at("MaxBoxAcc"), 0);
  EXPECT_THAT((*split)->CheckSameData(*results), IsOk());

  options.mask_metadata_dir.clear();
  options.metadata_dir = files.Path("masks");
  const auto masks = ReportSplit::Open(options);
  ASSERT_THAT(masks, IsOk());
  EXPECT_FALSE((*masks)->has_boxes());
  // The other description of the same images.
  const absl::StatusOr<StoredResults> of_masks =
      (*masks)->Evaluate("constant", constant, options);
  ASSERT_THAT(of_masks, IsOk());
  EXPECT_THAT((*split)->CheckSameData(*of_masks), IsOk());
  EXPECT_THAT((*masks)->CheckSameData(*results),
              StatusIs(kInvalid, HasSubstr("'constant' was evaluated against "
                                           "other images or ground truth")));
}

TEST(ReportSplitTest, SaysWhatIsWrong) {
  const SplitFiles files;
  const ReportOptions good = OptionsOf(files);
  ReportOptions options = good;
  options.metadata_dir = files.Path("none");
  EXPECT_THAT(ReportSplit::Open(options),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  options = good;
  options.image_root = "/nope";
  EXPECT_THAT(ReportSplit::Open(options),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("--image_root: there is no folder '/nope'")));
  options = good;
  options.image_root.clear();
  EXPECT_THAT(ReportSplit::Open(options),
              StatusIs(kInvalid, HasSubstr("--mask_root or --image_root")));
  options = good;
  options.metadata_dir = options.mask_metadata_dir;
  EXPECT_THAT(ReportSplit::Open(options),
              StatusIs(kInvalid, HasSubstr("has masks already")));
  options = good;
  options.mask_metadata_dir = options.metadata_dir;
  EXPECT_THAT(ReportSplit::Open(options),
              StatusIs(kInvalid, HasSubstr("has no masks")));
  files.Write("masks/m0.png", "");
  files.Write("images/m2.png", "damaged");
  EXPECT_THAT(ReportSplit::Open(good),
              StatusIs(kInvalid, HasSubstr("images/m2.png")));
  files.Write("masks/image_ids.txt", "a/0.png\na/1.png\nb/2.png\n");
  files.Write("masks/class_labels.txt", "a/0.png,0\na/1.png,0\nb/2.png,1\n");
  files.Write("masks/image_sizes.txt", "");
  files.Write("masks/localization.txt",
              "a/0.png,m0.png,\na/1.png,m1.png,\nb/2.png,m0.png,\n");
  EXPECT_THAT(ReportSplit::Open(good),
              StatusIs(kInvalid, HasSubstr("the same ones")));
  files.Write("boxes/localization.txt", "");
  EXPECT_THAT(ReportSplit::Open(good),
              StatusIs(kInvalid, HasSubstr("neither boxes nor masks")));
}

}  // namespace
}  // namespace wsol
