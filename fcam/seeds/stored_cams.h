// Class activation maps from files, cropped and flipped like the images of a
// batch: what seeds are drawn from instead of maps that are computed anew.
//
//   VISION_ASSIGN_OR_RETURN(
//       auto stored, StoredCams::Open(&train, "cams/train", loader_options));
//   training.stored_cams = [&](const wsol::Batch& batch) {
//     return stored->Maps(batch);
//   };
//
// //wsol:cam writes such files. A stored map was made of the whole image; one
// that is computed in training is of the crop.

#ifndef FCAM_SEEDS_STORED_CAMS_H_
#define FCAM_SEEDS_STORED_CAMS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ATen/core/Tensor.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core/mat.hpp"
#include "wsol/datasets/dataset.h"
#include "wsol/datasets/loader.h"

namespace fcam {

// The file name, without extension, of the map of image `id`: the id without
// its extension, each '/' replaced by '_' ("001.Finch/a.jpg" -> "001.Finch_a").
std::string StoredCamStem(absl::string_view id);

struct StoredCamsOptions {
  // Keeps each map in memory, resized: 4 resize^2 bytes.
  bool cache = false;
};

// Not thread-safe with a cache.
class StoredCams {
 public:
  // Looks for <folder>/<StoredCamStem(id)>.npy, or else .pt, of each image:
  // kNotFound names the first id that has neither, the paths, and how many lack
  // one. `loader` are the options of the batches' loader; `dataset` must
  // outlive this.
  static absl::StatusOr<std::unique_ptr<StoredCams>> Open(
      const wsol::Dataset* dataset, const std::string& folder,
      const wsol::LoaderOptions& loader, const StoredCamsOptions& options = {});

  // The maps of the batch's images, [N, crop, crop] float32: each resized
  // bilinearly (align_corners = false, no anti-aliasing) to the size that the
  // loader resizes images to, then cropped and flipped as batch.geometry says.
  // Files are .npy of any kind that vision::ReadNpy reads as floats, or .pt of
  // torch.save, 2-D. Values in [0, 1]; kOutOfRange if the file has others or
  // NaN. Other errors are those of reading, with id and path.
  absl::StatusOr<at::Tensor> Maps(const wsol::Batch& batch);

 private:
  StoredCams(const wsol::Dataset* dataset, int resize, bool cache);

  absl::StatusOr<cv::Mat> Load(int64_t index);

  const wsol::Dataset* dataset_;
  // What images are resized to before the crop.
  int resize_;
  bool cache_;
  std::vector<std::string> paths_;
  // Resized maps, with a cache; empty matrices at first.
  std::vector<cv::Mat> maps_;
};

}  // namespace fcam

#endif  // FCAM_SEEDS_STORED_CAMS_H_
