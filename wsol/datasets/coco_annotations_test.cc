#include "wsol/datasets/coco_annotations.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/annotations.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

vision::Box MakeBox(int x0, int y0, int x1, int y1) {
  vision::Box box;
  box.x0 = x0;
  box.y0 = y0;
  box.x1 = x1;
  box.y1 = y1;
  return box;
}

constexpr char kImages[] =
    R"({"id": 9, "file_name": "a.jpg", "width": 20, "height": 10},
       {"id": 4, "file_name": "b.jpg", "width": 30, "height": 40})";
constexpr char kCategories[] =
    R"({"id": 18, "name": "dog", "supercategory": "animal"},
       {"id": 3, "name": "cat"}, {"id": 90, "name": "bird"})";

std::string File(absl::string_view images, absl::string_view categories,
                 absl::string_view annotations) {
  return absl::StrCat(R"({"info": {}, "images": [)", images,
                      R"(], "categories": [)", categories,
                      R"(], "annotations": [)", annotations, "]}");
}

absl::StatusOr<Annotations> Parse(absl::string_view text,
                                  const std::string& class_names = "") {
  CocoOptions options;
  options.path = "x.json";
  options.class_names = class_names;
  options.id_prefix = "val/";
  return ParseCocoAnnotations(text, options);
}

TEST(CocoAnnotationsTest, ReadsImagesCategoriesAndBoxes) {
  const absl::StatusOr<Annotations> annotations =
      Parse(File(kImages, kCategories,
                 R"({"id": 100, "image_id": 4, "category_id": 18, "area": 12.5,
          "bbox": [1.5, 2, 3, 4.25], "iscrowd": 0,
          "segmentation": [[1.5, 2, 4.5, 2, 4.5, 6.25]]},
         {"id": 101, "image_id": 4, "category_id": 3, "bbox": [0, 0, 30, 40],
          "iscrowd": 1, "segmentation": {"size": [40, 30], "counts": [1200]}},
         {"id": 102, "image_id": 9, "category_id": 3, "bbox": [0, 0, 1, 1]})"));
  ASSERT_THAT(annotations, IsOk());
  // In the order of their ids, whether they are used or not.
  EXPECT_THAT(annotations->class_names, ElementsAre("cat", "dog", "bird"));
  ASSERT_EQ(annotations->images.size(), 2);
  EXPECT_EQ(annotations->images[0].id, "val/a.jpg");
  EXPECT_EQ(annotations->images[0].height, 10);
  EXPECT_EQ(annotations->images[0].objects.size(), 1);
  const AnnotatedImage& image = annotations->images[1];
  ASSERT_EQ(image.objects.size(), 2);
  // [1.5, 4.5) x [2, 6.25) touches columns 1 to 4 and rows 2 to 6.
  EXPECT_EQ(image.objects[0].box, MakeBox(1, 2, 5, 7));
  EXPECT_EQ(image.objects[0].label, 1);
  EXPECT_FALSE(image.objects[0].crowd);
  EXPECT_EQ(image.objects[0].where, 100);
  EXPECT_EQ(image.objects[1].box, MakeBox(0, 0, 30, 40));
  EXPECT_EQ(image.objects[1].label, 0);
  EXPECT_TRUE(image.objects[1].crowd);
}

TEST(CocoAnnotationsTest, LabelsFollowTheListOfClasses) {
  const std::string names = vision::JoinPath(::testing::TempDir(), "names.txt");
  ASSERT_THAT(vision::WriteFileAtomically(names, "dog\nowl\n"), IsOk());
  const absl::StatusOr<Annotations> annotations = Parse(
      File(kImages, kCategories,
           R"({"id": 1, "image_id": 4, "category_id": 18, "bbox": [0,0,1,1]})"),
      names);
  ASSERT_THAT(annotations, IsOk());
  EXPECT_THAT(annotations->class_names, ElementsAre("dog", "owl"));
  EXPECT_EQ(annotations->images[1].objects[0].label, 0);
  EXPECT_THAT(
      Parse(File(kImages, kCategories,
                 R"({"id": 7, "image_id": 4, "category_id": 3,
                     "bbox": [0,0,1,1]})"),
            names)
          .status(),
      StatusIs(kInvalid,
               HasSubstr("x.json: annotation 7: category 'cat' is not in ")));
}

TEST(CocoAnnotationsTest, ErrorsNameThePlace) {
  const auto expect = [](absl::string_view text, const char* message) {
    EXPECT_THAT(Parse(text).status(), StatusIs(kInvalid, HasSubstr(message)));
  };
  expect("", "x.json: ");
  expect("{\n\"images\": [}", "at line 2, column 12");
  expect("[]", "x.json: there is no list \"images\"");
  expect(R"({"images": [], "categories": 3})",
         "there is no list \"categories\"\nx.json: there is no list "
         "\"annotations\"");
  expect(File("3", kCategories, ""),
         "images[0]: expected a whole number as \"id\"");
  expect(File(R"({"id": 1, "file_name": 2})", kCategories, ""),
         "images[0]: expected a text as \"file_name\"");
  expect(File(R"({"id": 1, "file_name": "a", "width": 0, "height": 5})",
              kCategories, ""),
         "images[0]: size 0x5, expected positive numbers");
  expect(File(absl::StrCat(kImages, ",", kImages), kCategories, ""),
         "images[2]: the id 9 is there already");
  expect(File(kImages, absl::StrCat(kCategories, ",", kCategories), ""),
         "categories[3]: the id 18 is there already");
  expect(File(kImages, R"({"id": 1, "name": "cat"}, {"id": 2, "name": "cat"})",
              ""),
         "class name 'cat' is there twice");
  expect(File(kImages, kCategories, "{}"),
         "annotations[0]: expected a whole number as \"id\"");
}

TEST(CocoAnnotationsTest, AllProblemsOfAnnotationsAreListed) {
  EXPECT_THAT(
      Parse(File(kImages, kCategories,
                 R"({"id": 1, "image_id": 5, "category_id": 3,
                     "bbox": [0, 0, 1, 1]},
                    {"id": 2, "image_id": 4, "category_id": 5,
                     "bbox": [0, 0, 1, 1]},
                    {"id": 3, "image_id": 4, "category_id": 3},
                    {"id": 4, "image_id": 4, "category_id": 3,
                     "bbox": [0, 0, 1]},
                    {"id": 5, "image_id": 4, "category_id": 3,
                     "bbox": [0, 0, 1, "1"]},
                    {"id": 6, "image_id": 4, "category_id": 3,
                     "bbox": [0, 0, 1e300, 1]},
                    {"id": 7, "image_id": 4, "category_id": 3,
                     "bbox": [0, 0, 1, 1], "iscrowd": "no"})"))
          .status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("annotation 1: there is no image 5"),
                     HasSubstr("annotation 2: there is no category 5"),
                     HasSubstr("annotation 3: expected [x, y, width, height]"),
                     HasSubstr("annotation 4: expected [x, y"),
                     HasSubstr("annotation 5: expected [x, y"),
                     HasSubstr("annotation 6: expected [x, y"),
                     HasSubstr("annotations[6]: expected 0 or 1 as "
                               "\"iscrowd\""))));
}

TEST(CocoAnnotationsTest, ListsComeInAnyOrderWithOtherThingsBetween) {
  const absl::StatusOr<Annotations> annotations = Parse(
      R"({"annotations": [{"segmentation": {"counts": [1, [2, {"id": 3}]]},
            "bbox": [1, 2, 3, 4], "keypoints": [[5, 6], {"bbox": [0]}],
            "image_id": 4, "id": 1, "category_id": 3}],
          "licenses": [{"id": 1, "name": "x"}], "info": {"images": [{}]},
          "categories": [{"name": "cat", "id": 3}],
          "images": [{"width": 9, "height": 9, "id": 4, "file_name": "a"}],
          "version": 1})");
  ASSERT_THAT(annotations, IsOk());
  ASSERT_EQ(annotations->images.size(), 1);
  ASSERT_EQ(annotations->images[0].objects.size(), 1);
  EXPECT_EQ(annotations->images[0].objects[0].box, MakeBox(1, 2, 4, 6));
  EXPECT_THAT(Parse(R"([{"images": []}])").status(),
              StatusIs(kInvalid, HasSubstr("there is no list \"images\"")));
  EXPECT_THAT(
      Parse(R"({"images": [[1]], "categories": [null], "annotations": [7]})")
          .status(),
      StatusIs(kInvalid,
               AllOf(HasSubstr("images[0]: expected a whole number as \"id\""),
                     HasSubstr("categories[0]: expected a whole number"),
                     HasSubstr("annotations[0]: expected a whole number"))));
}

TEST(CocoAnnotationsTest, MissingFilesAreNamed) {
  CocoOptions options;
  options.path = "/nowhere/x.json";
  EXPECT_THAT(ReadCocoAnnotations(options).status(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/x")));
}

}  // namespace
}  // namespace wsol
