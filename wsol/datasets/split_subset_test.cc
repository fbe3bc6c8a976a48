#include "wsol/datasets/split_subset.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "wsol/datasets/metadata.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsSubsetOf;
using ::testing::StatusIs;

// 20 images of class 0, 10 of class 1 and 3 of class 2, in turns.
SplitMetadata Split() {
  SplitMetadata split;
  split.num_classes = 3;
  const int counts[] = {20, 10, 3};
  for (int i = 0; i < 20; ++i) {
    for (int label = 0; label < 3; ++label) {
      if (i >= counts[label]) continue;
      ImageRecord& image = split.images.emplace_back();
      image.id = absl::StrCat(label, "/", i, ".png");
      image.label = label;
      image.width = 100 + i;
    }
  }
  return split;
}

std::vector<std::string> Ids(const SplitMetadata& split) {
  std::vector<std::string> ids;
  for (const ImageRecord& image : split.images) ids.push_back(image.id);
  return ids;
}

SubsetOptions Options(int per_class, uint64_t seed = 0) {
  SubsetOptions options;
  options.per_class = per_class;
  options.seed = seed;
  return options;
}

TEST(SplitSubsetTest, TakesSoManyOfEachClassInTheirOrder) {
  const SplitMetadata split = Split();
  const absl::StatusOr<SplitMetadata> subset = SelectSubset(split, Options(3));
  ASSERT_THAT(subset, IsOk());
  EXPECT_EQ(subset->num_classes, 3);
  ASSERT_EQ(subset->images.size(), 9);
  std::vector<int> counts(3);
  for (const ImageRecord& image : subset->images) {
    ++counts[static_cast<size_t>(image.label)];
    EXPECT_GE(image.width, 100);  // All of the record is taken.
  }
  EXPECT_THAT(counts, ::testing::Each(3));
  const std::vector<std::string> all = Ids(split);
  const std::vector<std::string> ids = Ids(*subset);
  EXPECT_TRUE(
      std::is_sorted(ids.begin(), ids.end(), [&](const auto& a, const auto& b) {
        return std::find(all.begin(), all.end(), a) <
               std::find(all.begin(), all.end(), b);
      }));
}

TEST(SplitSubsetTest, DependsOnIdsAndSeedOnly) {
  SplitMetadata split = Split();
  const std::vector<std::string> ids = Ids(*SelectSubset(split, Options(3)));
  EXPECT_EQ(Ids(*SelectSubset(split, Options(3))), ids);
  EXPECT_NE(Ids(*SelectSubset(split, Options(3, 1))), ids);
  std::reverse(split.images.begin(), split.images.end());
  std::vector<std::string> reversed = Ids(*SelectSubset(split, Options(3)));
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(reversed, ids);
  // A smaller subset is part of a larger one.
  EXPECT_THAT(Ids(*SelectSubset(split, Options(2))), IsSubsetOf(ids));
}

TEST(SplitSubsetTest, EachImageIsAsLikelyAsAnother) {
  const SplitMetadata split = Split();
  std::vector<int> taken(20);
  constexpr int kSeeds = 2000;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const absl::StatusOr<SplitMetadata> subset =
        SelectSubset(split, Options(2, seed));
    ASSERT_THAT(subset, IsOk());
    for (const ImageRecord& image : subset->images) {
      if (image.label == 0) ++taken[static_cast<size_t>(image.width - 100)];
    }
  }
  // 2 of 20: 200 expected, with a standard deviation of 13.
  for (const int count : taken) EXPECT_NEAR(count, kSeeds / 10, 60);
}

TEST(SplitSubsetTest, SmallClassesAreAnErrorOrTakenWhole) {
  SubsetOptions options = Options(12);
  EXPECT_THAT(SelectSubset(Split(), options).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "2 of 3 classes have fewer than 12 images, class 2 has "
                       "3; --allow_fewer takes such classes whole"));
  options.allow_fewer = true;
  const absl::StatusOr<SplitMetadata> subset = SelectSubset(Split(), options);
  ASSERT_THAT(subset, IsOk());
  EXPECT_EQ(subset->images.size(), 12 + 10 + 3);
  EXPECT_THAT(SelectSubset(Split(), Options(0)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("per_class is 0")));
}

}  // namespace
}  // namespace wsol
