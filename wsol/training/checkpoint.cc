#include "wsol/training/checkpoint.h"

#include <sstream>

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
  return absl::StrFormat("fcam checkpoint 1 %08x %d\n", vision::Crc32(body),
                         body.size());
}

}  // namespace

absl::Status SaveCheckpoint(const std::string& path, torch::nn::Module& model,
                            const Optimizer& optimizer,
                            absl::string_view progress) {
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
        std::ostringstream stream;
        archive.save_to(stream);
        return stream.str();
      }));
  return vision::WriteFileAtomically(path, absl::StrCat(Header(body), body));
}

absl::StatusOr<std::string> LoadCheckpoint(const std::string& path,
                                           torch::nn::Module& model,
                                           Optimizer& optimizer) {
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
      });
  if (!status.ok()) return absl::FailedPreconditionError(status.message());
  const absl::Status restored = optimizer.Deserialize(optimizer_state);
  if (!restored.ok()) return absl::FailedPreconditionError(restored.message());
  return progress;
}

}  // namespace wsol
