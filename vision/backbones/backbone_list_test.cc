#include "vision/backbones/backbone_list.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace vision {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

TEST(ListBackbonesTest, IsSortedAndHasEveryFamily) {
  const std::vector<BackboneInfo> list = ListBackbones();
  EXPECT_EQ(list.size(), 21u);
  EXPECT_TRUE(std::is_sorted(list.begin(), list.end(),
                             [](const BackboneInfo& a, const BackboneInfo& b) {
                               return a.num_parameters < b.num_parameters;
                             }));
  for (const BackboneInfo& info : list) {
    EXPECT_EQ(info.num_parameters, info.wsol28.num_parameters) << info.name;
    EXPECT_EQ(info.wsol28.channels.size(), info.wsol28.sizes.size());
    EXPECT_EQ(info.imagenet.channels.size(), info.imagenet.sizes.size());
    EXPECT_EQ(info.wsol28.sizes.back(), info.name == "inception_v3" ? 29 : 28)
        << info.name;
  }
}

TEST(ListBackbonesTest, HasThePublishedSizes) {
  std::map<std::string, int64_t> counts;
  for (const BackboneInfo& info : ListBackbones()) {
    counts[info.name] = info.num_parameters;
  }
  EXPECT_EQ(counts["resnet50"], 23508032);
  EXPECT_EQ(counts["vgg16"], 19434304);
  EXPECT_EQ(counts["inception_v3"], 25482976);
}

TEST(FindBackboneNameTest, TakesThePublishedNameOfInception) {
  EXPECT_THAT(FindBackboneName("inceptionv3"), IsOkAndHolds("inception_v3"));
  EXPECT_THAT(FindBackboneName("vgg16"), IsOkAndHolds("vgg16"));
  EXPECT_THAT(FindBackboneName("vgg15"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("unknown backbone \"vgg15\""),
                             HasSubstr("did you mean vgg11"))));
}

TEST(FormatBackboneListTest, SaysNameParametersAndShapes) {
  const std::string text = FormatBackboneList();
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("name                    strides   parameters  levels"),
            HasSubstr("vgg16                   wsol28       19.43 M  "
                      "64@224  128@112  256@56  1024@28\n"),
            HasSubstr("                        imagenet     14.71 M  "
                      "64@224  128@112  256@56  512@28  512@14  512@7\n")));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
            1 + 2 * static_cast<std::ptrdiff_t>(ListBackbones().size()));
}

}  // namespace
}  // namespace vision
