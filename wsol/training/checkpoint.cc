#include "wsol/training/checkpoint.h"

#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "torch/serialize/archive.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace wsol {
namespace {

// The first line of a file: its format and the checksum of all that follows.
std::string Header(absl::string_view body) {
  return absl::StrFormat("fcam checkpoint 2 %08x %d\n", vision::Crc32(body),
                         body.size());
}

// Makes the file at `path`, if any, the previous one without taking it away: by
// a second link, put in place by renaming.
absl::Status KeepPrevious(const std::string& path) {
  const std::string previous = PreviousCheckpointPath(path);
  const std::string link = absl::StrCat(previous, ".tmp");
  std::error_code error;
  std::filesystem::remove(link, error);
  std::filesystem::create_hard_link(path, link, error);
  // No file yet. Or: not all file systems have links; then the older file is
  // not kept, but the newer one still comes whole.
  if (error) return absl::OkStatus();
  std::filesystem::rename(link, previous, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot write '", previous, "': ", error.message()));
  }
  return absl::OkStatus();
}

}  // namespace

std::string PreviousCheckpointPath(const std::string& path) {
  return path + ".previous";
}

absl::Status SaveCheckpoint(const std::string& path, torch::nn::Module& model,
                            const Optimizer& optimizer,
                            absl::string_view progress,
                            const std::vector<at::Tensor>& extra) {
  VISION_ASSIGN_OR_RETURN(const std::string optimizer_state,
                          optimizer.Serialize());
  VISION_ASSIGN_OR_RETURN(
      const std::string body, vision::CallTorch("saving a checkpoint", [&] {
        torch::serialize::OutputArchive model_archive;
        model.save(model_archive);
        torch::serialize::OutputArchive archive;
        archive.write("model", model_archive);
        archive.write("optimizer", c10::IValue(optimizer_state));
        archive.write("progress", c10::IValue(std::string(progress)));
        archive.write("extra", c10::IValue(extra));
        std::ostringstream stream;
        archive.save_to(stream);
        return stream.str();
      }));
  VISION_RETURN_IF_ERROR(KeepPrevious(path));
  return vision::WriteFileAtomically(path, absl::StrCat(Header(body), body));
}

absl::StatusOr<std::string> LoadCheckpoint(
    const std::string& path, torch::nn::Module& model, Optimizer& optimizer,
    const std::vector<at::Tensor>& extra) {
  VISION_ASSIGN_OR_RETURN(std::string contents, vision::ReadFile(path));
  const size_t line_end = contents.find('\n');
  const std::string header =
      contents.substr(0, line_end == std::string::npos ? 0 : line_end + 1);
  contents.erase(0, header.size());
  if (header != Header(contents)) {
    return absl::DataLossError(
        absl::StrCat("checkpoint '", path, "' is damaged"));
  }
  std::string optimizer_state;
  std::string progress;
  const absl::Status status =
      vision::StatusFromTorch(absl::StrCat("loading '", path, "'"), [&] {
        std::istringstream stream(contents);
        torch::serialize::InputArchive archive;
        archive.load_from(stream);
        torch::serialize::InputArchive model_archive;
        archive.read("model", model_archive);
        model.load(model_archive);
        c10::IValue value;
        archive.read("optimizer", value);
        optimizer_state = value.toStringRef();
        archive.read("progress", value);
        progress = value.toStringRef();
        archive.read("extra", value);
        const std::vector<at::Tensor> read = value.toTensorVector();
        TORCH_CHECK(read.size() == extra.size(), "it has ", read.size(),
                    " further tensors, expected ", extra.size());
        const at::NoGradGuard no_grad;
        for (size_t i = 0; i < extra.size(); ++i) {
          TORCH_CHECK(read[i].sizes() == extra[i].sizes(), "tensor ", i, " is ",
                      read[i].sizes(), ", expected ", extra[i].sizes());
          // A copy of the handle, for copy_ is not const.
          at::Tensor(extra[i]).copy_(read[i]);
        }
      });
  if (!status.ok()) return absl::FailedPreconditionError(status.message());
  const absl::Status restored = optimizer.Deserialize(optimizer_state);
  if (!restored.ok()) return absl::FailedPreconditionError(restored.message());
  return progress;
}

}  // namespace wsol
