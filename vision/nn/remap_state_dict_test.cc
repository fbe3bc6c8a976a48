#include "vision/nn/remap_state_dict.h"

#include <cmath>
#include <string>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/tensor_matchers.h"
#include "vision/base/file_io.h"
#include "vision/nn/state_dict.h"

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;
using ::testing::TensorEq;

// The names of the WSOL form of VGG-16, each with values of its own.
StateDict WsolVgg16() {
  StateDict dict;
  for (const int layer : {0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 23, 25, 27}) {
    dict.insert(absl::StrCat("features.", layer, ".weight"),
                at::full({2, 3}, layer));
    dict.insert(absl::StrCat("features.", layer, ".bias"),
                at::full({}, layer + 0.5));
  }
  dict.insert("conv6.weight", at::full({0, 2}, 1.f));
  dict.insert("conv6.bias", at::full({2}, NAN));
  return dict;
}

TEST(RemapStateDictTest, WritesAndReadsPublishedFiles) {
  const StateDict own = WsolVgg16();
  const auto published = RemapStateDict("to_published_vgg16", own);
  ASSERT_THAT(published, IsOk());
  EXPECT_EQ(published->size(), 56u);
  EXPECT_EQ((*published)["full_features.27.weight"].data_ptr(),
            own["features.27.weight"].data_ptr());
  // Through a file, where both names share their bytes.
  const std::string path = JoinPath(::testing::TempDir(), "published.pt");
  ASSERT_THAT(SaveStateDict(path, *published), IsOk());
  const auto read = ReadStateDict(path);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)["full_features.29.bias"].data_ptr(),
            (*read)["conv6.bias"].data_ptr());
  const auto back = RemapStateDict("published_vgg16", *read);
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(back->keys(), own.keys());
  EXPECT_THAT((*back)["features.27.bias"], TensorEq(at::full({}, 27.5)));
}

TEST(RemapStateDictTest, SecondNamesMustHaveTheSameValues) {
  auto published = RemapStateDict("to_published_vgg16", WsolVgg16());
  ASSERT_THAT(published, IsOk());
  // An equal copy will do, NaN included; other values and shapes will not.
  (*published)["full_features.29.bias"] = at::full({2}, NAN);
  EXPECT_THAT(RemapStateDict("published_vgg16", *published), IsOk());
  (*published)["full_features.5.weight"] = at::full({2, 3}, 6.f);
  EXPECT_THAT(RemapStateDict("published_vgg16", *published),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("features.5.weight and full_features.5.weight "
                                 "should be the same")));
  (*published)["full_features.5.weight"] = at::full({3, 2}, 5.f);
  EXPECT_THAT(RemapStateDict("published_vgg16", *published),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RemapStateDictTest, UnknownRulesAreErrors) {
  EXPECT_THAT(RemapStateDict("none", StateDict()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unknown rule \"none\"")));
}

}  // namespace
}  // namespace vision
