#include "wsol/datasets/split_stats.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "vision/geometry/box.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Three images of class 0 and one of class 2, of three classes.
SplitMetadata Split() {
  SplitMetadata split;
  split.num_classes = 3;
  const int widths[] = {100, 50, 200, 10};
  for (int i = 0; i < 4; ++i) {
    ImageRecord& image = split.images.emplace_back();
    image.id = absl::StrCat(i);
    image.label = i == 3 ? 2 : 0;
    image.width = widths[i];
    image.height = 10;
  }
  // All of the image; its upper left quarter; the right half twice; a pixel in
  // the last row and column.
  split.images[0].boxes = {BoxFromFileCorners({0, 0, 99, 9})};
  split.images[1].boxes = {BoxFromFileCorners({0, 0, 24, 4})};
  split.images[2].boxes = {BoxFromFileCorners({100, 0, 199, 9}),
                           BoxFromFileCorners({100, 0, 199, 9})};
  split.images[3].boxes = {BoxFromFileCorners({9, 9, 9, 9})};
  return split;
}

TEST(SplitStatsTest, CountsByHand) {
  const SplitStats stats = ComputeSplitStats(Split());
  EXPECT_EQ(stats.images, 4);
  EXPECT_EQ(stats.classes, 3);
  EXPECT_EQ(stats.boxes, 5);
  EXPECT_EQ(stats.masks, 0);
  EXPECT_THAT(stats.images_of_class, ElementsAre(3, 0, 1));
  EXPECT_EQ(stats.images_of_several_boxes, 1);
  EXPECT_EQ(stats.max_boxes, 2);
  // Of 10, 50, 100, 200.
  EXPECT_THAT(stats.width, ElementsAre(10, 100, 200));
  EXPECT_THAT(stats.height, ElementsAre(10, 10, 10));
  // Shares 1, 0.25, 0.5, 0.5, 0.01; their mean is 2.26 / 5.
  EXPECT_THAT(stats.areas, ElementsAre(1, 0, 1, 0, 0, 2, 0, 0, 0, 1));
  EXPECT_DOUBLE_EQ(stats.mean_area, 0.452);
  // Centres (x, y) as shares: (.5, .5), (.25, .25), (.75, .5) twice and
  // (.95, .95).
  EXPECT_EQ(stats.centers[2][2], 1);
  EXPECT_EQ(stats.centers[1][1], 1);
  EXPECT_EQ(stats.centers[2][3], 2);
  EXPECT_EQ(stats.centers[4][4], 1);
}

TEST(SplitStatsTest, TextIsForPeople) {
  const std::string text = SplitStatsText(
      "CUB/test", ComputeSplitStats(Split()), {"owl", "gull", "crow"});
  EXPECT_THAT(text, HasSubstr("CUB/test\n  images          4\n"));
  EXPECT_THAT(text, HasSubstr("  images a class  0 to 3, median 1; fewest of "
                              "gull, most of owl\n"));
  EXPECT_THAT(text, HasSubstr("  boxes           5; 25.0 % of the images have "
                              "several, up to 2\n"));
  EXPECT_THAT(text, HasSubstr("  width           10 to 200, median 100\n"
                              "  height          10 each\n"));
  EXPECT_THAT(text, HasSubstr("mean 45.2 %\n      0 -  10 %   20.0 %  "
                              "####################\n     10 -  20 %    0.0 "
                              "%\n"));
  EXPECT_THAT(text, Not(HasSubstr(" \n")));
}

TEST(SplitStatsTest, SplitsWithoutSizesOrLocalization) {
  SplitMetadata split;
  split.num_classes = 1;
  split.images.resize(2);
  split.images[0].mask_paths = {"a.png", "b.png"};
  EXPECT_EQ(SplitStatsText("x", ComputeSplitStats(split), {"thing"}),
            "x\n  images          2\n  classes         1\n"
            "  images a class  2 each\n  masks           2\n"
            "  sizes           not told\n");
  split.images[0].mask_paths.clear();
  EXPECT_THAT(SplitStatsText("x", ComputeSplitStats(split), {"thing"}),
              HasSubstr("  no localization\n"));
}

TEST(SplitStatsTest, JsonIsForPrograms) {
  const std::string text =
      SplitStatsJson("x", ComputeSplitStats(Split()), {"owl", "g\xE9", "crow"});
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["width"]["median"], 100);
  EXPECT_EQ(json["images_of_class"], nlohmann::json({3, 0, 1}));
  EXPECT_EQ(json["areas"].size(), 10);
  EXPECT_EQ(json["centers"][2][3], 2);
  EXPECT_THAT(text, Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace wsol
