#include "wsol/cam_run/cam_run_options.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

CamRunOptions Good() {
  CamRunOptions options;
  options.model = "model";
  options.images = "images";
  options.output_dir = "out";
  return options;
}

TEST(CamRunOptionsTest, NamesTheFlagThatIsWrong) {
  EXPECT_THAT(Good().Validate(), IsOk());
  const struct {
    std::function<void(CamRunOptions*)> change;
    const char* message;
  } cases[] = {
      {[](CamRunOptions* o) { o->model.clear(); }, "--model must be given"},
      {[](CamRunOptions* o) { o->output_dir.clear(); },
       "--output_dir must be given"},
      {[](CamRunOptions* o) { o->images.clear(); },
       "--images (an image or a folder of images) or --metadata_dir"},
      {[](CamRunOptions* o) { o->metadata_dir = "m"; },
       "--images and --metadata_dir exclude"},
      {[](CamRunOptions* o) {
         o->images.clear();
         o->metadata_dir = "m";
       },
       "--metadata_dir needs --image_root"},
      {[](CamRunOptions* o) { o->image_root = "m"; },
       "--image_root goes with --metadata_dir"},
      {[](CamRunOptions* o) { o->proxy = true; },
       "--proxy goes with --metadata_dir"},
      {[](CamRunOptions* o) { o->class_choice = ClassChoice::kLabel; },
       "--class=label needs a split"},
      {[](CamRunOptions* o) { o->methods.clear(); }, "--method names no"},
      {[](CamRunOptions* o) {
         o->methods = {"CAM", "LayrCAM"};
       },
       "did you mean LayerCAM"},
      {[](CamRunOptions* o) {
         o->methods = {"GradCAM++", "gradcampp"};
       },
       "--method names GradCAM++ twice"},
      {[](CamRunOptions* o) { o->cam.memory_budget_bytes = 0; },
       "memory_budget_bytes"},
      {[](CamRunOptions* o) { o->class_choice = ClassChoice::kList; },
       "--class names no class"},
      {[](CamRunOptions* o) {
         o->class_choice = ClassChoice::kList;
         o->classes = {3, 5, 3};
       },
       "--class names 3 twice"},
      {[](CamRunOptions* o) {
         o->class_choice = ClassChoice::kList;
         o->classes = {3, -1};
       },
       "-1 is no class"},
      {[](CamRunOptions* o) { o->contact_sheet = -1; }, "--contact_sheet"},
      {[](CamRunOptions* o) { o->contact_sheet = 201; }, "--contact_sheet"},
      {[](CamRunOptions* o) { o->batch_size = 0; }, "--batch_size"},
      {[](CamRunOptions* o) { o->image_size = -1; }, "--image_size"},
      {[](CamRunOptions* o) { o->num_threads = 0; }, "--threads"},
      {[](CamRunOptions* o) {
         o->quality = true;
         o->quality_options.steps = -1;
       },
       "steps"},
  };
  for (const auto& c : cases) {
    CamRunOptions options = Good();
    c.change(&options);
    EXPECT_THAT(options.Validate(), StatusIs(kInvalid, HasSubstr(c.message)));
  }
}

TEST(ParseClassChoiceTest, TakesNamesAndLists) {
  std::vector<int64_t> classes = {9};
  EXPECT_THAT(ParseClassChoice("auto", &classes),
              IsOkAndHolds(ClassChoice::kAuto));
  EXPECT_THAT(classes, IsEmpty());
  EXPECT_THAT(ParseClassChoice("label", &classes),
              IsOkAndHolds(ClassChoice::kLabel));
  EXPECT_THAT(ParseClassChoice("predicted", &classes),
              IsOkAndHolds(ClassChoice::kPredicted));
  EXPECT_THAT(ParseClassChoice("3,7", &classes),
              IsOkAndHolds(ClassChoice::kList));
  EXPECT_THAT(classes, ElementsAre(3, 7));
  for (const char* const bad : {"", "cat", "3,", "3;7", "3.5"}) {
    EXPECT_THAT(ParseClassChoice(bad, &classes),
                StatusIs(kInvalid, HasSubstr("--class is")));
  }
}

}  // namespace
}  // namespace wsol
