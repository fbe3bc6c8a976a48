#include "fcam/seeds/seed_batch.h"

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "vision/base/parallel_for.h"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"

namespace fcam {
namespace {

// Sets the streams of seeds apart from other streams of the same sample, such
// as those of its crop and flip.
constexpr uint64_t kStreamOfSeeds = 0x7365656473;  // "seeds"

template <typename T>
void SampleAll(const at::Tensor& cams, absl::Span<const int64_t> indices,
               const SeedOptions& options, const SeedStream& stream,
               int num_threads, const at::Tensor& labels) {
  const int height = static_cast<int>(cams.size(1));
  const int width = static_cast<int>(cams.size(2));
  const size_t size = static_cast<size_t>(height) * width;
  const T* cam_data = cams.data_ptr<T>();
  int64_t* label_data = labels.data_ptr<int64_t>();
  vision::ParallelFor(cams.size(0), num_threads, [&](int64_t n) {
    vision::Rng rng(
        stream.seed,
        {stream.epoch, static_cast<uint64_t>(indices[n]), kStreamOfSeeds});
    SampleSeeds(absl::Span<const T>(cam_data + n * size, size), height, width,
                options, rng, absl::Span<int64_t>(label_data + n * size, size));
  });
}

}  // namespace

absl::StatusOr<at::Tensor> SampleSeedBatch(const at::Tensor& cams,
                                           absl::Span<const int64_t> indices,
                                           const SeedOptions& options,
                                           const SeedStream& stream,
                                           int num_threads) {
  VISION_RETURN_IF_ERROR(options.Validate());
  if (!cams.defined() ||
      !(cams.dim() == 3 || (cams.dim() == 4 && cams.size(1) == 1))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cams have shape [",
        cams.defined() ? absl::StrJoin(cams.sizes(), ", ") : "undefined",
        "], expected [N, H, W] or [N, 1, H, W]"));
  }
  if (cams.scalar_type() != at::kFloat && cams.scalar_type() != at::kDouble) {
    return absl::InvalidArgumentError(
        absl::StrCat("cams have dtype ", at::toString(cams.scalar_type()),
                     ", expected float32 or float64"));
  }
  if (static_cast<int64_t>(indices.size()) != cams.size(0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("there are ", indices.size(), " indices for ",
                     cams.size(0), " cams, expected one each"));
  }
  return vision::CallTorch("sampling seeds", [&]() -> at::Tensor {
    const at::Tensor maps =
        (cams.dim() == 4 ? cams.squeeze(1) : cams).detach().cpu().contiguous();
    const at::Tensor labels = at::empty(maps.sizes(), at::kLong);
    if (maps.scalar_type() == at::kFloat) {
      SampleAll<float>(maps, indices, options, stream, num_threads, labels);
    } else {
      SampleAll<double>(maps, indices, options, stream, num_threads, labels);
    }
    return labels.to(cams.device());
  });
}

}  // namespace fcam
