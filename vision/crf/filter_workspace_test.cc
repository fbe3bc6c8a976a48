#include "vision/crf/filter_workspace.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace vision {
namespace {

TEST(FilterWorkspaceTest, ArraysGrowAndStay) {
  FilterWorkspace workspace;
  EXPECT_EQ(workspace.bytes(), 0u);
  float* first = workspace.Get(0, 100);
  first[99] = 7;
  EXPECT_EQ(workspace.bytes(), 400u);
  EXPECT_EQ(workspace.Get(0, 50), first);  // Large enough.
  float* third = workspace.Get(2, 10);
  EXPECT_EQ(workspace.bytes(), 440u);
  EXPECT_EQ(workspace.Get(0, 100)[99], 7);
  workspace.Get(0, 1000)[999] = 1;
  EXPECT_EQ(workspace.Get(2, 10), third);
  EXPECT_EQ(workspace.bytes(), 4040u);
}

TEST(FilterWorkspaceTest, ArraysAreAlignedToVectors) {
  FilterWorkspace workspace;
  for (size_t slot = 0; slot < 5; ++slot) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(workspace.Get(slot, 3)) % 64, 0u);
  }
}

}  // namespace
}  // namespace vision
