// How many processors this process may use.

#ifndef WSOL_CLI_PROCESSORS_H_
#define WSOL_CLI_PROCESSORS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace wsol {

// The processors of the affinity mask (taskset, cpusets), or fewer where the
// control group has a smaller quota (containers). At least 1.
int AvailableProcessors();

namespace internal {

// The smallest processor quota, rounded up, of the control groups that contain
// the process; 0 if there is none. `cgroup_root` is /sys/fs/cgroup and
// `membership` the text of /proc/self/cgroup. Knows versions 1 and 2.
int CgroupProcessorQuota(const std::string& cgroup_root,
                         absl::string_view membership);

}  // namespace internal
}  // namespace wsol

#endif  // WSOL_CLI_PROCESSORS_H_
