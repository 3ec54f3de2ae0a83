// See fastnn/threads.hpp. The number of usable CPUs is the minimum of the thread's affinity and the CPU quotas of its
// Linux control groups. Version 2 has the quota in cpu.max: "200000 100000" is microseconds of CPU time per
// microseconds of time, "max 100000" is no quota. Version 1 has it in cpu.cfs_quota_us (-1: none) and
// cpu.cfs_period_us. A quota also limits nested groups, so this file reads the process's own group and all mounted
// groups around it.
#include "usable_cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "fastnn/threads.hpp"

namespace fastnn {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Returns the quota of a group in CPUs, kNoQuota if a file is missing or has other content.
double quota_of_group(const std::string& directory) {
  double quota = -1, period = 0;
  if (std::ifstream version2(directory + "/cpu.max"); version2) {
    version2 >> quota >> period;
  } else {
    std::ifstream(directory + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(directory + "/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : kNoQuota;
}

// The paths of the groups of this process that may have a quota, one per version. Empty if there is none.
struct Groups {
  std::string version1, version2;
};

Groups groups_of_process(const std::string& root) {
  Groups groups;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/a/b" or, version 2, "0::/a/b"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) groups.version2 = line.substr(second + 1);
    if (contains(split(controllers, ','), "cpu")) groups.version1 = line.substr(second + 1);
  }
  return groups;
}

// Returns the least quota of `group` and its enclosing groups. In this hierarchy, the group `mounted` is mounted at the
// directory `top`.
double quota_of_hierarchy(const std::string& top, const std::string& mounted, const std::string& group) {
  // In a container, `group` may have a name outside of the mounted hierarchy. Then the mounted group is its own.
  const std::string outside = mounted == "/" ? "" : mounted;
  const bool inside =
      group.compare(0, outside.size() + 1, outside + "/") == 0 && group.find("/..") == std::string::npos;
  std::string path = inside ? group.substr(outside.size()) : "";
  double least = quota_of_group(top);
  for (; path.size() > 1; path.resize(path.rfind('/'))) least = std::min(least, quota_of_group(top + path));
  return least;
}

double quota(const std::string& root) {
  const Groups groups = groups_of_process(root);
  double least = kNoQuota;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // "32 31 0:29 /its/root /sys/fs/cgroup/cpu rw,relatime … - cgroup source rw,cpu"
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> mount = split(line.substr(0, dash), ' '), kind = split(line.substr(dash + 3), ' ');
    if (mount.size() < 5 || kind.size() < 3) continue;
    const bool version2 = kind[0] == "cgroup2";
    if (!version2 && !(kind[0] == "cgroup" && contains(split(kind[2], ','), "cpu"))) continue;
    least =
        std::min(least, quota_of_hierarchy(root + mount[4], mount[3], version2 ? groups.version2 : groups.version1));
  }
  return least;
}

std::size_t cpus_of_thread() {
#if defined(__linux__)
  // The kernel returns EINVAL if the set is smaller than its own. The loop ends at 2^20 CPUs, far more than any kernel
  // supports.
  for (std::size_t words = 16; words <= (std::size_t{1} << 14); words *= 2) {
    std::vector<unsigned long> set(words);
    const std::size_t bytes = words * sizeof(unsigned long);
    auto* cpus = reinterpret_cast<cpu_set_t*>(set.data());
    if (sched_getaffinity(0, bytes, cpus) == 0) return static_cast<std::size_t>(CPU_COUNT_S(bytes, cpus));
    if (errno != EINVAL) break;
  }
#endif
  return std::thread::hardware_concurrency();  // 0: unknown
}

}  // namespace

std::size_t usable_cpus(const std::string& root) {
  const double cpus = static_cast<double>(cpus_of_thread());
  return static_cast<std::size_t>(std::max(1.0, std::min(cpus, std::ceil(quota(root)))));
}

std::size_t usable_cpus() { return usable_cpus("/"); }

}  // namespace fastnn
