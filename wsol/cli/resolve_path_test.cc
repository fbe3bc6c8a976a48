#include "wsol/cli/resolve_path.h"

#include <cstdlib>

#include "gtest/gtest.h"

namespace wsol {
namespace {

TEST(ResolvePathTest, StartsAtTheFolderBazelWasCalledFrom) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/user", 1);
  EXPECT_EQ(ResolvePath("out"), "/home/user/out");
  EXPECT_EQ(ResolvePath("./out/x"), "/home/user/out/x");
  EXPECT_EQ(ResolvePath("../out"), "/home/user/../out");
  EXPECT_EQ(ResolvePath("."), "/home/user");
  EXPECT_EQ(ResolvePath("./"), "/home/user");
}

TEST(ResolvePathTest, LeavesPathsAloneOutsideOfBazel) {
  unsetenv("BUILD_WORKING_DIRECTORY");
  EXPECT_EQ(ResolvePath("out"), "out");
  EXPECT_EQ(ResolvePath("."), ".");
  EXPECT_EQ(ResolvePath("./"), ".");
}

TEST(ResolvePathTest, LeavesAbsoluteAndEmptyPathsAlone) {
  setenv("BUILD_WORKING_DIRECTORY", "/home/user", 1);
  EXPECT_EQ(ResolvePath("/tmp/out"), "/tmp/out");
  EXPECT_EQ(ResolvePath(""), "");
}

TEST(ResolvePathTest, KnowsTheHomeFolder) {
  setenv("BUILD_WORKING_DIRECTORY", "/work", 1);
  setenv("HOME", "/home/user", 1);
  EXPECT_EQ(ResolvePath("~/out"), "/home/user/out");
  EXPECT_EQ(ResolvePath("~"), "/home/user");
  EXPECT_EQ(ResolvePath("~/"), "/home/user");
  EXPECT_EQ(ResolvePath("~other"), "/work/~other");
}

}  // namespace
}  // namespace wsol
