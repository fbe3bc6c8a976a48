#include "wsol/cli/source_dir.h"

#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/cpp/runfiles/runfiles.h"

namespace wsol {

absl::StatusOr<std::string> SyntheticSourceDir() {
  using ::bazel::tools::cpp::runfiles::Runfiles;
  std::error_code no_link;
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe", no_link).string();
  std::string error;
  const std::unique_ptr<Runfiles> runfiles(Runfiles::Create(program, &error));
  if (runfiles == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the program's data files are not beside it: ", error));
  }
  return runfiles->Rlocation("fcam/wsol/datasets/objects20");
}

}  // namespace wsol
