#include "wsol/cli/processors.h"

#include <sched.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using internal::CgroupProcessorQuota;
using ::testing::IsOk;

// A folder that looks like /sys/fs/cgroup.
class FakeCgroups {
 public:
  explicit FakeCgroups(absl::string_view name)
      : root_(vision::JoinPath(::testing::TempDir(), name)) {
    EXPECT_THAT(vision::CreateDirectories(root_), IsOk());
  }
  void Write(absl::string_view folder, absl::string_view file,
             absl::string_view text) {
    const std::string path = vision::JoinPath(root_, folder);
    EXPECT_THAT(vision::CreateDirectories(path), IsOk());
    EXPECT_THAT(vision::WriteFileAtomically(vision::JoinPath(path, file), text),
                IsOk());
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

TEST(CgroupProcessorQuotaTest, TakesTheSmallestOfTheGroupsAboveAndRoundsUp) {
  FakeCgroups groups("v2");
  groups.Write("a", "cpu.max", "250000 100000\n");
  groups.Write("a/b", "cpu.max", "max 100000\n");
  groups.Write("a/b/c", "cpu.max", "400000 100000\n");
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/a/b/c\n"), 3);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/a/b\n"), 3);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/other\n"), 0);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/\n"), 0);
}

TEST(CgroupProcessorQuotaTest, SeesTheRootWithinAContainer) {
  FakeCgroups groups("container");
  groups.Write("", "cpu.max", "50000 100000\n");
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/\n"), 1);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/of/the/host\n"), 1);
}

TEST(CgroupProcessorQuotaTest, KnowsVersion1) {
  FakeCgroups groups("v1");
  groups.Write("cpu,cpuacct/job", "cpu.cfs_quota_us", "400000\n");
  groups.Write("cpu,cpuacct/job", "cpu.cfs_period_us", "100000\n");
  groups.Write("cpu,cpuacct/free", "cpu.cfs_quota_us", "-1\n");
  groups.Write("cpu,cpuacct/free", "cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupProcessorQuota(groups.root(),
                                 "7:memory:/job\n3:cpu,cpuacct:/job\n0::/\n"),
            4);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "3:cpu,cpuacct:/free\n"), 0);
}

TEST(CgroupProcessorQuotaTest, IgnoresWhatItCannotRead) {
  FakeCgroups groups("odd");
  groups.Write("a", "cpu.max", "lots 100000\n");
  groups.Write("b", "cpu.max", "");
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/a\n"), 0);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "0::/b\n"), 0);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), ""), 0);
  EXPECT_EQ(CgroupProcessorQuota(groups.root(), "nonsense\n::\n"), 0);
}

TEST(AvailableProcessorsTest, FollowsTheAffinityMask) {
  EXPECT_GE(AvailableProcessors(), 1);
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableProcessors(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

}  // namespace
}  // namespace wsol
