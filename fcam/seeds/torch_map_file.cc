#include "fcam/seeds/torch_map_file.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "vision/base/mapped_file.h"
#include "vision/base/status_util.h"
#include "vision/weights/dtype.h"
#include "vision/weights/memory_budget.h"
#include "vision/weights/pickle.h"
#include "vision/weights/zip_archive.h"

namespace fcam {
namespace {

// A member's bytes, once their checksum is compared.
absl::StatusOr<absl::string_view> Contents(absl::string_view bytes,
                                           const vision::ZipArchive& zip,
                                           const std::string& name) {
  const vision::ZipMember* member = zip.Find(name);
  if (member == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("is a zip archive without ", name,
                     ", expected what torch.save writes for a tensor"));
  }
  if (!member->is_stored) {
    return absl::InvalidArgumentError(
        absl::StrCat("member ", name, " is compressed or encrypted"));
  }
  VISION_RETURN_IF_ERROR(zip.CheckCrc(*member));
  return bytes.substr(member->offset, member->size);
}

template <typename T>
void CopyValues(absl::string_view storage, int64_t offset,
                absl::Span<const int64_t> strides, cv::Mat* map) {
  for (int y = 0; y < map->rows; ++y) {
    for (int x = 0; x < map->cols; ++x) {
      const int64_t i = offset + y * strides[0] + x * strides[1];
      T value;
      std::memcpy(&value, storage.data() + i * static_cast<int64_t>(sizeof(T)),
                  sizeof(T));
      map->at<float>(y, x) = static_cast<float>(value);
    }
  }
}

absl::StatusOr<cv::Mat> Parse(absl::string_view bytes) {
  if (!vision::ZipArchive::LooksLikeOne(bytes)) {
    return absl::InvalidArgumentError(
        "is no zip archive, expected what torch.save writes since PyTorch 1.6");
  }
  VISION_ASSIGN_OR_RETURN(const vision::ZipArchive zip,
                          vision::ZipArchive::Open(bytes));
  if (zip.members().empty()) {
    return absl::InvalidArgumentError("is an empty zip archive");
  }
  const absl::string_view first = zip.members()[0].name;
  const std::string folder(first.substr(0, first.find('/')));
  VISION_ASSIGN_OR_RETURN(
      const absl::string_view pickle,
      Contents(bytes, zip, absl::StrCat(folder, "/data.pkl")));
  vision::MemoryBudget budget(vision::MemoryBudget::ForFile(bytes.size()));
  VISION_ASSIGN_OR_RETURN(const auto document,
                          vision::PickleDocument::Parse(pickle, budget));
  if (document.kind(document.root()) != vision::PickleKind::kTensor) {
    return absl::InvalidArgumentError(absl::StrCat(
        "holds a ", vision::PickleKindName(document.kind(document.root())),
        ", expected a tensor"));
  }
  vision::PickledTensor tensor = document.Tensor(document.root());
  const std::string shape =
      absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "]");
  if (tensor.shape.size() == 3 && tensor.shape[0] == 1) {
    tensor.shape.remove_prefix(1);
    tensor.strides.remove_prefix(1);
  }
  constexpr int64_t kMaxSide = 1 << 16;
  if (tensor.shape.size() != 2 || tensor.shape[0] < 1 || tensor.shape[1] < 1 ||
      tensor.shape[0] > kMaxSide || tensor.shape[1] > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat(
        "holds a tensor of shape ", shape, ", expected a map [h, w]"));
  }
  const vision::DTypeInfo& type = vision::GetDTypeInfo(tensor.storage.dtype);
  if (type.dtype != vision::DType::kFloat32 &&
      type.dtype != vision::DType::kFloat64) {
    return absl::InvalidArgumentError(absl::StrCat(
        "holds a tensor of ", type.name, ", expected float32 or float64"));
  }
  VISION_ASSIGN_OR_RETURN(
      const absl::string_view storage,
      Contents(bytes, zip, absl::StrCat(folder, "/data/", tensor.storage.key)));
  // The view lies inside of the storage's stated size: see PickledTensor.
  if (static_cast<uint64_t>(tensor.storage.numel) >
      storage.size() / static_cast<uint64_t>(type.item_size)) {
    return absl::DataLossError(absl::StrCat(
        "its storage has ", storage.size(), " bytes, expected ",
        tensor.storage.numel, " numbers of ", type.item_size, " bytes"));
  }
  cv::Mat map(static_cast<int>(tensor.shape[0]),
              static_cast<int>(tensor.shape[1]), CV_32FC1);
  if (type.dtype == vision::DType::kFloat32) {
    CopyValues<float>(storage, tensor.offset, tensor.strides, &map);
  } else {
    CopyValues<double>(storage, tensor.offset, tensor.strides, &map);
  }
  return map;
}

}  // namespace

absl::StatusOr<cv::Mat> ParseTorchMap(absl::string_view bytes,
                                      absl::string_view name) {
  absl::StatusOr<cv::Mat> map = Parse(bytes);
  if (map.ok()) return map;
  return absl::Status(map.status().code(),
                      absl::StrCat(name, ": ", map.status().message()));
}

absl::StatusOr<cv::Mat> ReadTorchMap(const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<vision::MappedFile> file,
                          vision::MappedFile::Open(path));
  return ParseTorchMap(file->bytes(), path);
}

}  // namespace fcam
