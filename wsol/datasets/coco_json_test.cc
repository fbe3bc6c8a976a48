#include "wsol/datasets/coco_json.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(CocoJsonTest, WritesWhatWasAdded) {
  CocoJson coco;
  ASSERT_THAT(coco.AddCategory("a \"bird\""), IsOk());
  ASSERT_THAT(coco.AddCategory("cat"), IsOk());
  EXPECT_THAT(coco.AddImage("x/1.jpg", 5, 4), IsOkAndHolds(1));
  EXPECT_THAT(coco.AddImage("2.jpg", 7, 6), IsOkAndHolds(2));
  const vision::Box box{1, 2, 4, 3};
  coco.AddAnnotation(2, 1, CocoBox(box, box.Area(), false));
  coco.AddAnnotation(1, 2, CocoBox(box, 2, true));
  EXPECT_EQ(coco.num_images(), 2);
  EXPECT_EQ(coco.num_annotations(), 2);
  EXPECT_EQ(nlohmann::json::parse(coco.ToString()), nlohmann::json::parse(R"({
    "images": [
      {"id": 1, "file_name": "x/1.jpg", "width": 5, "height": 4},
      {"id": 2, "file_name": "2.jpg", "width": 7, "height": 6}],
    "categories": [{"id": 1, "name": "a \"bird\""}, {"id": 2, "name": "cat"}],
    "annotations": [
      {"id": 1, "image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 1],
       "area": 3, "iscrowd": 0},
      {"id": 2, "image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 1],
       "area": 2, "iscrowd": 1}]})"));
}

TEST(CocoJsonTest, AnEmptyOneIsJsonToo) {
  EXPECT_EQ(nlohmann::json::parse(CocoJson().ToString()),
            nlohmann::json::parse(
                R"({"images": [], "categories": [], "annotations": []})"));
}

TEST(CocoJsonTest, RunLengthsGoDownTheColumns) {
  // Columns: 0 1 | 1 1 | 0 0: one zero, three ones, two zeros.
  cv::Mat mask = cv::Mat::zeros(2, 3, CV_8UC1);
  mask.at<uint8_t>(1, 0) = 255;
  mask.at<uint8_t>(0, 1) = 255;
  mask.at<uint8_t>(1, 1) = 1;
  EXPECT_EQ(CocoSegmentation(mask),
            "\"segmentation\": {\"size\": [2, 3], \"counts\": [1,3,2]}");
  mask.at<uint8_t>(0, 0) = 1;
  EXPECT_THAT(CocoSegmentation(mask), HasSubstr("[0,4,2]"));
}

TEST(CocoJsonTest, RefusesWhatIsNotUtf8) {
  CocoJson coco;
  EXPECT_THAT(coco.AddCategory("\xff"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_THAT(coco.AddImage("\xff", 1, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("UTF-8")));
  EXPECT_EQ(coco.num_images(), 0);
}

}  // namespace
}  // namespace wsol
