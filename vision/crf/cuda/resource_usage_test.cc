// Registers and spills of each kernel on each architecture, as ptxas reports
// them, against budgets. A kernel over its budget runs fewer warps at a time,
// one that spills waits for memory: both would show on a device only, as time.

#include <cstddef>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/test_data.h"

namespace vision {
namespace {

struct Usage {
  int registers = -1;
  int stack_bytes = -1;
  int spilled_bytes = -1;
  int shared_bytes = 0;
};

// By kernel, without its parameters ("ExactSimtKernel<2,1>"), and architecture.
using Report = std::map<std::pair<std::string, int>, Usage>;

// From a name of the Itanium ABI, _ZN6vision13cuda_internal15ExactSimtKernel
// ILi2ELi1EEE..., to "ExactSimtKernel<2,1>".
std::string ShortName(const std::string& mangled) {
  static const std::regex pattern(
      "_ZN6vision13cuda_internal(\\d+)(\\w+?Kernel)((?:I(?:Li\\d+E)+E)?)E.*");
  std::smatch match;
  if (!std::regex_match(mangled, match, pattern)) return mangled;
  std::string name = match[2];
  static const std::regex argument("Li(\\d+)E");
  const std::string arguments = match[3];
  std::string list;
  for (auto it =
           std::sregex_iterator(arguments.begin(), arguments.end(), argument);
       it != std::sregex_iterator(); ++it) {
    list += (list.empty() ? "" : ",") + (*it)[1].str();
  }
  return list.empty() ? name : name + "<" + list + ">";
}

Report ReadReport(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  static const std::regex entry(
      ".*Compiling entry function '(\\w+)' for 'sm_(\\d+)a?'.*");
  static const std::regex spills(
      " *(\\d+) bytes stack frame, (\\d+) bytes spill stores, "
      "(\\d+) bytes spill loads.*");
  static const std::regex registers(".*Used (\\d+) registers.*");
  static const std::regex shared(".* (\\d+) bytes smem.*");
  Report report;
  Usage* usage = nullptr;
  std::string line;
  std::smatch match;
  while (std::getline(file, line)) {
    if (std::regex_match(line, match, entry)) {
      usage = &report[{ShortName(match[1]), std::stoi(match[2])}];
    } else if (usage == nullptr) {
      continue;
    } else if (std::regex_match(line, match, spills)) {
      usage->stack_bytes = std::stoi(match[1]);
      usage->spilled_bytes = std::stoi(match[2]) + std::stoi(match[3]);
    } else if (std::regex_match(line, match, registers)) {
      usage->registers = std::stoi(match[1]);
      if (std::regex_match(line, match, shared)) {
        usage->shared_bytes = std::stoi(match[1]);
      }
    }
  }
  return report;
}

// 64 registers let 1024 threads run on a multiprocessor, 56 1152, 80 768 and 96
// 640.
int RegisterBudget(const std::string& kernel) {
  const auto starts_with = [&](const char* prefix) {
    return kernel.rfind(prefix, 0) == 0;
  };
  if (starts_with("ExactTensorKernel")) return 96;
  if (starts_with("ExactSimtKernel<") && kernel.find(",4>") != kernel.npos) {
    return 96;
  }
  if (starts_with("SlicePixelsKernel")) return 80;
  if (starts_with("SplatNodesKernel") || starts_with("ScatterKernel")) {
    return 64;
  }
  return 56;
}

TEST(ResourceUsageTest, KernelsStayWithinTheirBudgets) {
  const Report report = ReadReport(::testing::TestDataPath(
      "vision/crf/cuda/bilateral_filter_kernels.ptxas.txt"));
  std::set<int> architectures;
  std::set<std::string> kernels;
  for (const auto& [key, usage] : report) {
    const auto& [kernel, architecture] = key;
    SCOPED_TRACE(kernel + " on sm_" + std::to_string(architecture));
    architectures.insert(architecture);
    kernels.insert(kernel);
    EXPECT_GT(usage.registers, 0);
    EXPECT_LE(usage.registers, RegisterBudget(kernel));
    EXPECT_EQ(usage.spilled_bytes, 0);
    EXPECT_EQ(usage.stack_bytes, 0);
    EXPECT_LE(usage.shared_bytes, 24 << 10);
  }
  EXPECT_EQ(architectures, (std::set<int>{80, 86, 89, 90, 100, 120}));
  EXPECT_EQ(report.size(), kernels.size() * architectures.size());
  for (const char* kernel :
       {"ExactSimtKernel<2,1>", "ExactSimtKernel<2,4>", "ExactTensorKernel<2>",
        "SplatNodesKernel<2,2>", "BlurNodesKernel", "SlicePixelsKernel<2,2>",
        "InsertKernel", "FindNeighborsKernel", "SplatAtomicKernel<2>",
        "SplatSortedKernel<2>", "BlurVerticesKernel<2>",
        "SliceVerticesKernel<2>", "ScatterKernel"}) {
    EXPECT_EQ(kernels.count(kernel), 1u) << kernel;
  }
}

TEST(ResourceUsageTest, NamesAreReadable) {
  EXPECT_EQ(ShortName("_ZN6vision13cuda_internal15ExactSimtKernelILi2ELi1EEE"
                      "vPKfii"),
            "ExactSimtKernel<2,1>");
  EXPECT_EQ(ShortName("_ZN6vision13cuda_internal13ScatterKernelEPKj"),
            "ScatterKernel");
}

}  // namespace
}  // namespace vision
