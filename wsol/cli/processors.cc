#include "wsol/cli/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace wsol {
namespace {

// The first line of a file; empty if it cannot be read.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// quota / period in processors; infinite if either is no positive number ("max"
// and -1 stand for no limit).
double Quota(absl::string_view quota, absl::string_view period) {
  int64_t quota_us = 0, period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) ||
      !absl::SimpleAtoi(period, &period_us) || quota_us <= 0 ||
      period_us <= 0) {
    return HUGE_VAL;
  }
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

double GroupQuotaV1(const std::string& folder) {
  return Quota(FirstLine(folder + "/cpu.cfs_quota_us"),
               FirstLine(folder + "/cpu.cfs_period_us"));
}

double GroupQuotaV2(const std::string& folder) {
  const std::vector<std::string> parts =
      absl::StrSplit(FirstLine(folder + "/cpu.max"), ' ');
  return parts.size() == 2 ? Quota(parts[0], parts[1]) : HUGE_VAL;
}

int AffinityCount() {
  // Larger than the fixed cpu_set_t allows: machines of more processors exist.
  constexpr int kMaxProcessors = 1 << 16;
  const size_t size = CPU_ALLOC_SIZE(kMaxProcessors);
  cpu_set_t* set = CPU_ALLOC(kMaxProcessors);
  int count = 0;
  if (set != nullptr && sched_getaffinity(0, size, set) == 0) {
    count = CPU_COUNT_S(size, set);
  }
  CPU_FREE(set);
  if (count > 0) return count;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

namespace internal {

int CgroupProcessorQuota(const std::string& cgroup_root,
                         absl::string_view membership) {
  double smallest = HUGE_VAL;
  // Lines are "hierarchy:controllers:/path"; version 2 has no controllers.
  for (const absl::string_view line : absl::StrSplit(membership, '\n')) {
    const std::vector<std::string> fields =
        absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const bool v2 = fields[1].empty();
    bool controls_cpu = v2;
    for (const absl::string_view name : absl::StrSplit(fields[1], ',')) {
      if (name == "cpu") controls_cpu = true;
    }
    if (!controls_cpu) continue;
    const std::string root =
        v2 ? cgroup_root : absl::StrCat(cgroup_root, "/", fields[1]);
    // The limits of all groups above count too. Within a container the path
    // may be one of the host's, of which only the root can be seen.
    std::string group = fields[2] == "/" ? "" : fields[2];
    while (true) {
      const std::string folder = root + group;
      smallest =
          std::min(smallest, v2 ? GroupQuotaV2(folder) : GroupQuotaV1(folder));
      if (group.empty()) break;
      group.erase(std::min(group.rfind('/'), group.size()));
    }
  }
  if (smallest > 1 << 16) return 0;
  return std::max(1, static_cast<int>(std::ceil(smallest)));
}

}  // namespace internal

int AvailableProcessors() {
  std::string membership;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    absl::StrAppend(&membership, line, "\n");
  }
  const int count = AffinityCount();
  const int quota =
      internal::CgroupProcessorQuota("/sys/fs/cgroup", membership);
  return quota > 0 ? std::min(count, quota) : count;
}

}  // namespace wsol
