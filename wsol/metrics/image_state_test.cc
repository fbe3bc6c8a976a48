#include "wsol/metrics/image_state.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/metrics/evaluation_mode.h"
#include "wsol/metrics/image_info.h"
#include "wsol/metrics/state_codec.h"

namespace wsol {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

struct Image {
  ImageInfo info;
};

TEST(ImageStateTest, InfosSurvive) {
  for (const ImageInfo& info :
       {ImageInfo{"a/b, c.jpg", 7, 3, ObjectSize::kLarge},
        ImageInfo{"", -1, {}, ObjectSize::kSmall}}) {
    StateWriter writer("TST1");
    PutImageInfo(info, &writer);
    const std::string bytes = std::move(writer).Finish();
    StateReader reader = StateReader::Open(bytes, "TST1").value();
    EXPECT_THAT(GetImageInfo(&reader), IsOkAndHolds(info));
    EXPECT_THAT(reader.Finish(), IsOk());
  }
}

TEST(ImageStateTest, RejectsNumbersWithoutMeaning) {
  StateWriter writer("TST1");
  writer.PutString("x");
  writer.PutSigned(-2);
  writer.PutSigned(0);
  writer.PutUnsigned(3);
  writer.PutUnsigned(2);
  const std::string bytes = std::move(writer).Finish();
  StateReader reader = StateReader::Open(bytes, "TST1").value();
  EXPECT_THAT(GetImageInfo(&reader),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("image 'x' has label -2, rank 0 and object "
                                 "size 3")));
  EXPECT_THAT(GetEvaluationMode(&reader),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("mode 2")));
}

TEST(SortByIdTest, SortsAndFindsTwins) {
  std::vector<Image> images(3);
  images[0].info.id = "c";
  images[1].info.id = "a";
  images[2].info.id = "b";
  ASSERT_THAT(SortById(&images), IsOk());
  EXPECT_EQ(images[0].info.id, "a");
  EXPECT_EQ(images[2].info.id, "c");
  images[0].info.id = "c";
  EXPECT_THAT(SortById(&images), StatusIs(StatusCode::kInvalidArgument,
                                          HasSubstr("'c': evaluated twice")));
}

}  // namespace
}  // namespace wsol
