// Files that a test reads: declared as `data`, found through Bazel's runfiles.
// (Files that it writes go under ::testing::TempDir().)

#ifndef TESTING_TEST_DATA_H_
#define TESTING_TEST_DATA_H_

#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace testing {

// The path of a file or folder of this repository, named relative to its root:
// TestDataPath("wsol/metrics/testdata/x.csv"). Dies if it is not declared.
std::string TestDataPath(absl::string_view path);

// The parsed JSON file at TestDataPath(path). Dies if it is malformed.
nlohmann::json ReadTestJson(absl::string_view path);

}  // namespace testing

#endif  // TESTING_TEST_DATA_H_
