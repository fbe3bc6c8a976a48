#include "fcam/seeds/stored_cams.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "fcam/seeds/torch_map_file.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/npy.h"
#include "vision/image/resize_map.h"
#include "vision/image/transforms.h"

namespace fcam {
namespace {

absl::StatusOr<cv::Mat> ReadMap(const std::string& path) {
  if (absl::EndsWith(path, ".pt")) return ReadTorchMap(path);
  VISION_ASSIGN_OR_RETURN(cv::Mat map, vision::ReadNpy(path));
  if (map.type() == CV_64FC1) map.convertTo(map, CV_32F);
  if (map.type() != CV_32FC1) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": holds integers, expected floats in [0, 1]"));
  }
  return map;
}

absl::Status CheckValues(const cv::Mat& map, const std::string& path) {
  for (int y = 0; y < map.rows; ++y) {
    for (int x = 0; x < map.cols; ++x) {
      const float value = map.at<float>(y, x);
      // Written so that NaN is refused.
      if (!(value >= 0 && value <= 1)) {
        return absl::OutOfRangeError(
            absl::StrCat(path, ": holds ", value, " in row ", y, ", column ", x,
                         ", expected values in [0, 1]"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string StoredCamStem(absl::string_view id) {
  const size_t slash = id.rfind('/');
  const size_t dot = id.rfind('.');
  const bool has_extension = dot != absl::string_view::npos &&
                             (slash == absl::string_view::npos || dot > slash);
  return absl::StrReplaceAll(has_extension ? id.substr(0, dot) : id,
                             {{"/", "_"}});
}

StoredCams::StoredCams(const wsol::Dataset* dataset, int resize, bool cache)
    : dataset_(dataset), resize_(resize), cache_(cache) {}

absl::StatusOr<std::unique_ptr<StoredCams>> StoredCams::Open(
    const wsol::Dataset* dataset, const std::string& folder,
    const wsol::LoaderOptions& loader, const StoredCamsOptions& options) {
  VISION_RETURN_IF_ERROR(loader.Validate());
  auto cams = std::unique_ptr<StoredCams>(new StoredCams(
      dataset, loader.augment ? loader.resize : loader.crop, options.cache));
  int64_t missing = 0;
  std::string first;
  for (int64_t i = 0; i < dataset->size(); ++i) {
    const std::string& id = dataset->record(i).id;
    const std::string stem = vision::JoinPath(folder, StoredCamStem(id));
    std::string path = absl::StrCat(stem, ".npy");
    if (!vision::FileExists(path)) {
      path = absl::StrCat(stem, ".pt");
      if (!vision::FileExists(path)) {
        if (missing++ == 0) {
          first = absl::StrCat("image ", id, " has no stored map: there is no ",
                               stem, ".npy and no .pt");
        }
      }
    }
    cams->paths_.push_back(std::move(path));
  }
  if (missing > 0) {
    return absl::NotFoundError(absl::StrCat(
        first, " (", missing, " of ", dataset->size(), " images have none)"));
  }
  if (cams->cache_) cams->maps_.resize(cams->paths_.size());
  return cams;
}

absl::StatusOr<cv::Mat> StoredCams::Load(int64_t index) {
  const size_t i = static_cast<size_t>(index);
  if (cache_ && !maps_[i].empty()) return maps_[i];
  VISION_ASSIGN_OR_RETURN(cv::Mat map, ReadMap(paths_[i]));
  VISION_RETURN_IF_ERROR(CheckValues(map, paths_[i]));
  VISION_ASSIGN_OR_RETURN(map,
                          vision::ResizeMapBilinear(map, resize_, resize_));
  // Weights that do not quite sum to 1 can lift a value beyond it.
  map = cv::min(map, 1.0f);
  if (cache_) maps_[i] = map;
  return map;
}

absl::StatusOr<at::Tensor> StoredCams::Maps(const wsol::Batch& batch) {
  if (batch.geometry.size() != batch.indices.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the batch has ", batch.indices.size(), " indices and geometry of ",
        batch.geometry.size(), " images, expected one each"));
  }
  std::vector<cv::Mat> crops;
  for (size_t n = 0; n < batch.indices.size(); ++n) {
    const int64_t index = batch.indices[n];
    if (index < 0 || index >= dataset_->size()) {
      return absl::OutOfRangeError(absl::StrCat(
          "image number ", index, " of a data set of ", dataset_->size()));
    }
    const vision::CropFlip& crop = batch.geometry[n];
    if (crop.top < 0 || crop.left < 0 || crop.size < 1 ||
        crop.top + crop.size > resize_ || crop.left + crop.size > resize_ ||
        crop.size != batch.geometry[0].size) {
      return absl::InvalidArgumentError(
          absl::StrCat("the crop of ", crop.size, " pixels at ", crop.top, ", ",
                       crop.left, " does not fit a map of ", resize_,
                       " pixels: the batch is of another loader"));
    }
    absl::StatusOr<cv::Mat> map = Load(index);
    if (!map.ok()) {
      return vision::Annotate(
          map.status(),
          absl::StrCat("stored map of image ", dataset_->record(index).id));
    }
    crops.push_back(vision::ApplyCropFlip(*map, crop));
  }
  const int64_t size = crops.empty() ? 0 : crops[0].rows;
  const at::Tensor maps =
      at::empty({static_cast<int64_t>(crops.size()), size, size}, at::kFloat);
  float* out = maps.data_ptr<float>();
  for (const cv::Mat& crop : crops) {
    out = std::copy_n(crop.ptr<float>(), size * size, out);
  }
  return maps;
}

}  // namespace fcam
