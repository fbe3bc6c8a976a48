#include "wsol/datasets/annotations.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/geometry/box.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

AnnotatedObject Object(int label, const vision::Box& box, int64_t where = 0) {
  AnnotatedObject object;
  object.label = label;
  object.box = box;
  object.where = where;
  return object;
}

// One image of 20x10 pixels with the objects given, of classes cat and dog.
Annotations OneImage(const std::vector<AnnotatedObject>& objects) {
  Annotations annotations;
  annotations.class_names = {"cat", "dog"};
  AnnotatedImage& image = annotations.images.emplace_back();
  image.id = "a.jpg";
  image.file = "a.xml";
  image.width = 20;
  image.height = 10;
  image.objects = objects;
  return annotations;
}

TEST(AnnotationsTest, ObjectsOfOneClassBecomeItsBoxes) {
  const absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(OneImage({Object(1, MakeBox(0, 0, 5, 5)),
                                     Object(1, MakeBox(3, 2, 20, 10))}),
                           ImportPolicy());
  ASSERT_THAT(split, IsOk());
  EXPECT_THAT(split->class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(split->metadata.num_classes, 2);
  ASSERT_EQ(split->metadata.images.size(), 1);
  const ImageRecord& image = split->metadata.images[0];
  EXPECT_EQ(image.id, "a.jpg");
  EXPECT_EQ(image.label, 1);
  EXPECT_EQ(image.width, 20);
  EXPECT_THAT(image.boxes,
              ElementsAre(MakeBox(0, 0, 5, 5), MakeBox(3, 2, 20, 10)));
}

TEST(AnnotationsTest, SeveralClassesAreDecidedByThePolicy) {
  const Annotations annotations =
      OneImage({Object(0, MakeBox(0, 0, 2, 2)), Object(1, MakeBox(0, 0, 9, 9)),
                Object(0, MakeBox(1, 1, 4, 4))});
  ImportPolicy policy;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid,
                       "a.xml: image 'a.jpg': objects of several classes (dog, "
                       "cat, ...), expected one"));
  policy.several_classes = SeveralClasses::kLargest;
  absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images[0].label, 1);
  EXPECT_THAT(split->metadata.images[0].boxes,
              ElementsAre(MakeBox(0, 0, 9, 9)));
  EXPECT_EQ(split->counts.other_classes_skipped, 2);
  policy.several_classes = SeveralClasses::kSkip;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid,
                       "no image is left of the 1 read: 0 without objects, 1 "
                       "of several classes"));
}

TEST(AnnotationsTest, MarkedObjectsAreDecidedByThePolicy) {
  Annotations annotations = OneImage({Object(0, MakeBox(0, 0, 2, 2)),
                                      Object(1, MakeBox(0, 0, 9, 9), 7),
                                      Object(0, MakeBox(1, 1, 4, 4), 9)});
  annotations.images[0].objects[1].crowd = true;
  annotations.images[0].objects[2].difficult = true;
  ImportPolicy policy;
  absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images[0].boxes.size(), 1);
  EXPECT_EQ(split->counts.crowd_skipped, 1);
  EXPECT_EQ(split->counts.difficult_skipped, 1);
  policy.difficult = MarkedObjects::kKeep;
  split = SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images[0].boxes.size(), 2);
  policy.crowd = MarkedObjects::kError;
  policy.difficult = MarkedObjects::kError;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid,
                       "a.xml:7: the box of image 'a.jpg' is marked as crowd\n"
                       "a.xml:9: the box of image 'a.jpg' is marked as "
                       "difficult"));
  annotations.numbered = true;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid, HasSubstr("a.xml: annotation 7 of image "
                                           "'a.jpg' is marked as crowd")));
}

TEST(AnnotationsTest, BoxesOutOfTheImageAreErrorsOrClipped) {
  Annotations annotations = OneImage({Object(0, MakeBox(-1, 3, 21, 10), 4)});
  ImportPolicy policy;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid,
                       "a.xml:4: the box of image 'a.jpg' covers [-1, 21) x "
                       "[3, 10), expected it within the image of 20x10 "
                       "pixels"));
  policy.out_of_image = OutOfImage::kClip;
  const absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_THAT(split->metadata.images[0].boxes,
              ElementsAre(MakeBox(0, 3, 20, 10)));
  EXPECT_EQ(split->counts.boxes_clipped, 1);
  // Nothing is left to clip.
  annotations.images[0].objects[0].box = MakeBox(20, 0, 25, 5);
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid, HasSubstr("outside of the image of 20x10")));
  annotations.images[0].objects[0].box = MakeBox(5, 5, 5, 9);
  EXPECT_THAT(
      SplitFromAnnotations(annotations, policy),
      StatusIs(kInvalid, HasSubstr("covers [5, 5) x [5, 9), expected at least "
                                   "one pixel")));
  // Without the size of the image only the beginning is known.
  annotations.images[0].width = 0;
  annotations.images[0].height = 0;
  annotations.images[0].objects[0].box = MakeBox(-1, 0, 25, 5);
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid, HasSubstr("no negative coordinate")));
}

TEST(AnnotationsTest, ImagesWithoutObjectsAreErrorsOrLeftOut) {
  Annotations annotations = OneImage({Object(0, MakeBox(0, 0, 2, 2))});
  annotations.images.push_back(annotations.images[0]);
  annotations.images[1].id = "b.jpg";
  annotations.images[1].objects.clear();
  ImportPolicy policy;
  EXPECT_THAT(SplitFromAnnotations(annotations, policy),
              StatusIs(kInvalid, "a.xml: image 'b.jpg': no object on it"));
  policy.without_objects = WithoutObjects::kSkip;
  const absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images.size(), 1);
  EXPECT_EQ(split->counts.images_without_objects, 1);
}

TEST(AnnotationsTest, LabelledImagesNeedBoxesOnlyIfOthersHaveThem) {
  Annotations annotations = OneImage({});
  annotations.images[0].label = 1;
  annotations.other_files = 3;
  absl::StatusOr<ImportedSplit> split =
      SplitFromAnnotations(annotations, ImportPolicy());
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images[0].label, 1);
  EXPECT_THAT(split->metadata.images[0].boxes, IsEmpty());
  EXPECT_EQ(split->counts.other_files, 3);
  annotations.images.push_back(annotations.images[0]);
  annotations.images[1].id = "b.jpg";
  // The image's own label goes before the object's.
  annotations.images[1].objects = {Object(0, MakeBox(0, 0, 2, 2))};
  EXPECT_THAT(SplitFromAnnotations(annotations, ImportPolicy()),
              StatusIs(kInvalid, HasSubstr("'a.jpg': no object on it")));
  ImportPolicy policy;
  policy.without_objects = WithoutObjects::kSkip;
  split = SplitFromAnnotations(annotations, policy);
  ASSERT_THAT(split, IsOk());
  EXPECT_EQ(split->metadata.images[0].id, "b.jpg");
  EXPECT_EQ(split->metadata.images[0].label, 1);
}

TEST(AnnotationsTest, IdsThatTheFormatCannotHold) {
  Annotations annotations = OneImage({Object(0, MakeBox(0, 0, 2, 2))});
  annotations.images.push_back(annotations.images[0]);
  annotations.images.push_back(annotations.images[0]);
  annotations.images[2].id = "a,b.jpg";
  EXPECT_THAT(
      SplitFromAnnotations(annotations, ImportPolicy()),
      StatusIs(kInvalid,
               AllOf(HasSubstr("image 'a.jpg': the image is there twice"),
                     HasSubstr("image 'a,b.jpg': the id has a comma in it"))));
  annotations = OneImage({Object(0, MakeBox(0, 0, 2, 2))});
  annotations.images[0].height = -1;
  EXPECT_THAT(SplitFromAnnotations(annotations, ImportPolicy()),
              StatusIs(kInvalid, HasSubstr("size 20x-1, expected positive")));
}

TEST(AnnotationsTest, ConvertsCoordinates) {
  vision::Box box;
  // [1.2, 4.0) x [2.0, 2.5) touches columns 1 to 3 and row 2.
  EXPECT_TRUE(PixelBoxAround(1.2, 2, 4, 2.5, &box));
  EXPECT_EQ(box, MakeBox(1, 2, 4, 3));
  // 0.1 + 0.2 is a little more than 0.3, and 4.1 + 0.9 may be a little off 5.
  EXPECT_TRUE(PixelBoxAround(4.1, 0, 5.00001, 0.99999, &box));
  EXPECT_EQ(box, MakeBox(4, 0, 5, 1));
  EXPECT_FALSE(PixelBoxAround(0, 0, 1e300, 1, &box));
  EXPECT_FALSE(PixelBoxAround(std::nan(""), 0, 1, 1, &box));
  // Pixels 3 to 3, counted from 1, are the half-open [2, 3).
  EXPECT_TRUE(BoxOfPixels(3, 1, 3, 4, 1, &box));
  EXPECT_EQ(box, MakeBox(2, 0, 3, 4));
  EXPECT_TRUE(BoxOfPixels(2.6, 0.4, 3.4, 3.5, 0, &box));
  EXPECT_EQ(box, MakeBox(3, 0, 4, 5));
  EXPECT_FALSE(BoxOfPixels(0, -1e18, 1, 1, 1, &box));
}

TEST(AnnotationsTest, PoliciesAreParsed) {
  EXPECT_THAT(ParseMarkedObjects("keep"),
              ::testing::IsOkAndHolds(MarkedObjects::kKeep));
  EXPECT_THAT(ParseSeveralClasses("largest"),
              ::testing::IsOkAndHolds(SeveralClasses::kLargest));
  EXPECT_THAT(ParseWithoutObjects("skip"),
              ::testing::IsOkAndHolds(WithoutObjects::kSkip));
  EXPECT_THAT(ParseOutOfImage("clip"),
              ::testing::IsOkAndHolds(OutOfImage::kClip));
  EXPECT_THAT(
      ParseMarkedObjects("drop"),
      StatusIs(kInvalid, "marked objects 'drop', expected skip, keep, error"));
}

}  // namespace
}  // namespace wsol
