#include "testing/test_data.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace testing {

std::string TestDataPath(absl::string_view path) {
  using ::bazel::tools::cpp::runfiles::Runfiles;
  std::string error;
  const std::unique_ptr<Runfiles> runfiles(Runfiles::CreateForTest(&error));
  CHECK(runfiles != nullptr) << error;
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  CHECK(workspace != nullptr) << "TEST_WORKSPACE is not set: run by bazel test";
  const std::string full_path =
      runfiles->Rlocation(absl::StrCat(workspace, "/", path));
  CHECK(std::filesystem::exists(full_path))
      << path << " is not among the test's data";
  return full_path;
}

nlohmann::json ReadTestJson(absl::string_view path) {
  const std::string full_path = TestDataPath(path);
  std::ifstream stream(full_path);
  nlohmann::json json = nlohmann::json::parse(stream, /*cb=*/nullptr,
                                              /*allow_exceptions=*/false);
  CHECK(!json.is_discarded()) << full_path << " is not JSON";
  return json;
}

}  // namespace testing
