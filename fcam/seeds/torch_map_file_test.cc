#include "fcam/seeds/torch_map_file.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"

namespace fcam {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

std::string PathOf(const char* name) {
  return ::testing::TestDataPath(absl::StrCat("fcam/seeds/testdata/", name));
}

TEST(TorchMapFileTest, ReadsATransposedMapOfFloats) {
  const auto map = ReadTorchMap(PathOf("map.pt"));
  ASSERT_THAT(map, IsOk());
  ASSERT_EQ(map->type(), CV_32FC1);
  const cv::Mat expected =
      (cv::Mat_<float>(2, 3) << 0, .25f, .5f, .75f, 1, .125f);
  ASSERT_EQ(map->size(), expected.size());
  EXPECT_EQ(cv::norm(*map, expected, cv::NORM_INF), 0);
}

TEST(TorchMapFileTest, ReadsDoublesAViewAndALeadingOne) {
  const auto map = ReadTorchMap(PathOf("wide.pt"));
  ASSERT_THAT(map, IsOk());
  const cv::Mat expected = (cv::Mat_<float>(1, 2) << .5f, .25f);
  ASSERT_EQ(map->size(), expected.size());
  EXPECT_EQ(cv::norm(*map, expected, cv::NORM_INF), 0);
}

TEST(TorchMapFileTest, RefusesOtherFiles) {
  EXPECT_THAT(ReadTorchMap(vision::JoinPath(::testing::TempDir(), "no.pt")),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadTorchMap(PathOf("dictionary.pt")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("holds a dictionary, expected a tensor")));
  EXPECT_THAT(ParseTorchMap("no zip", "x.pt"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("x.pt: is no zip archive")));
}

TEST(TorchMapFileTest, SurvivesDamage) {
  const auto bytes = vision::ReadFile(PathOf("map.pt"));
  ASSERT_THAT(bytes, IsOk());
  for (size_t size = 0; size < bytes->size(); ++size) {
    EXPECT_FALSE(ParseTorchMap(bytes->substr(0, size), "cut").ok()) << size;
  }
  for (size_t i = 0; i < bytes->size(); ++i) {
    std::string changed = *bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    // An error, or the map: some bytes, times of day for example, do not
    // matter.
    const auto map = ParseTorchMap(changed, "changed");
    if (map.ok()) {
      EXPECT_EQ(map->total(), 6u) << i;
    }
  }
}

}  // namespace
}  // namespace fcam
