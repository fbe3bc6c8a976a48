#include "wsol/datasets/loader.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "ATen/ATen.h"
#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "opencv2/core/mat.hpp"
#include "vision/base/rng.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/image/color_jitter.h"
#include "vision/image/resize.h"
#include "vision/image/transforms.h"

namespace wsol {
namespace {

// Sets the stream of an epoch's order apart from those of its samples, whose
// keys have two words.
constexpr uint64_t kOrderStream = 0x6f72646572;  // "order"

// A batch that is being filled in.
struct Slot {
  Batch batch;
  // Where the tensors' values are: workers do not touch tensors.
  void* images = nullptr;
  float* raw_images = nullptr;
  int64_t epoch = 0;
  // Samples not yet finished.
  size_t remaining = 0;
  // Errors of those that failed, by position in the batch.
  std::map<size_t, absl::Status> errors;
};

constexpr size_t kLoggedImages = 20;

// Memory of batches that their user has let go of, for batches to come: fresh
// memory costs as much to map as it takes to fill. For one shape and type.
class TensorPool {
 public:
  // Remembers the latest `capacity` tensors.
  explicit TensorPool(size_t capacity) : capacity_(capacity) {}

  // A tensor with undefined values that nobody else refers to.
  at::Tensor Get(at::IntArrayRef shape, at::ScalarType type,
                 at::MemoryFormat format) {
    for (const at::Tensor& tensor : tensors_) {
      if (tensor.use_count() == 1 && tensor.storage().use_count() == 1 &&
          tensor.sizes() == shape) {
        return tensor;
      }
    }
    if (tensors_.size() == capacity_) tensors_.pop_front();
    return tensors_.emplace_back(at::empty(shape, type, format));
  }

 private:
  const size_t capacity_;
  std::deque<at::Tensor> tensors_;
};

// The batch without the samples that have errors, whose values are undefined.
void RemoveFailedSamples(const std::map<size_t, absl::Status>& errors,
                         bool channels_last, Batch* batch) {
  std::vector<int64_t> kept;
  for (size_t i = 0; i < batch->indices.size(); ++i) {
    if (errors.count(i) > 0) continue;
    batch->indices[kept.size()] = batch->indices[i];
    batch->geometry[kept.size()] = batch->geometry[i];
    kept.push_back(static_cast<int64_t>(i));
  }
  batch->indices.resize(kept.size());
  batch->geometry.resize(kept.size());
  const at::Tensor rows = at::tensor(kept, at::kLong);
  batch->labels = batch->labels.index_select(0, rows);
  batch->images = batch->images.index_select(0, rows).contiguous(
      channels_last ? at::MemoryFormat::ChannelsLast
                    : at::MemoryFormat::Contiguous);
  if (batch->raw_images.defined()) {
    batch->raw_images = batch->raw_images.index_select(0, rows);
  }
}

}  // namespace

absl::StatusOr<BadImagePolicy> ParseBadImagePolicy(absl::string_view name) {
  if (name == "fail") return BadImagePolicy::kFail;
  if (name == "skip") return BadImagePolicy::kSkip;
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown policy \"", name, "\" for bad images, expected fail or skip"));
}

absl::Status LoaderOptions::Validate() const {
  const std::pair<const char*, int> positive[] = {
      {"batch_size", batch_size},
      {"resize", resize},
      {"crop", crop},
      {"num_threads", num_threads},
      {"prefetch_batches", prefetch_batches},
      {"world_size", world_size}};
  for (const auto& [name, value] : positive) {
    if (value < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is ", value, ", expected 1 or more"));
    }
  }
  if (augment && crop > resize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "crop is ", crop, " pixels, expected at most resize, ", resize));
  }
  for (size_t c = 0; c < 3; ++c) {
    if (!(normalization.std[c] > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("normalization.std of channel ", c, " is ",
                       normalization.std[c], ", expected a positive number"));
    }
  }
  if (image_dtype != at::kFloat && image_dtype != at::kBFloat16) {
    return absl::InvalidArgumentError(
        absl::StrCat("image_dtype is ", c10::toString(image_dtype),
                     ", expected Float or BFloat16"));
  }
  if (rank < 0 || rank >= world_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank is ", rank, ", expected 0 to ", world_size - 1));
  }
  return vision::Annotate(color_jitter.Validate(), "color_jitter");
}

// The calling thread opens slots at the back and takes finished ones from the
// front; the workers take samples in order and fill them in. The mutex guards
// all state below it and is not held while a sample is made.
class Loader::Impl {
 public:
  Impl(const Dataset* dataset, const LoaderOptions& options)
      : dataset_(*dataset),
        options_(options),
        normalizer_(options.normalization),
        // One batch or two with the user, besides those under way.
        images_(static_cast<size_t>(options.prefetch_batches) + 2),
        raw_images_(static_cast<size_t>(options.prefetch_batches) + 2) {
    if (options_.cache_in_memory) {
      cache_.resize(static_cast<size_t>(dataset_.size()));
    }
    for (int t = 0; t < options_.num_threads; ++t) {
      threads_.emplace_back([this] { Work(); });
    }
  }

  ~Impl() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stop_ = true;
    }
    work_available_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void StartEpoch(int64_t epoch, int64_t first_batch) {
    CHECK_GE(epoch, 0);
    CHECK_GE(first_batch, 0);
    CHECK_LE(first_batch, NumBatches());
    // Without open slots the workers find nothing to do; those in the middle of
    // a sample still write to the old slots.
    std::deque<std::unique_ptr<Slot>> abandoned;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      abandoned.swap(open_);
      fill_slot_ = 0;
      fill_position_ = 0;
      sample_finished_.wait(lock, [this] { return num_in_work_ == 0; });
    }
    epoch_ = epoch;
    next_batch_ = first_batch;
    skipped_ = SkippedImages();
    is_skipping_reported_ = false;
    MakeOrder();
    // The last batch may be short.
    next_in_order_ = std::min(
        static_cast<size_t>(first_batch) * options_.batch_size, order_.size());
  }

  absl::StatusOr<std::optional<Batch>> Next() {
    while (true) {
      OpenSlots();
      std::unique_ptr<Slot> slot;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        if (open_.empty()) break;
        sample_finished_.wait(lock,
                              [this] { return open_.front()->remaining == 0; });
        slot = std::move(open_.front());
        open_.pop_front();
        --fill_slot_;  // All its samples were taken, so it was ahead.
      }
      ++next_batch_;
      OpenSlots();
      if (slot->errors.empty()) return std::optional(std::move(slot->batch));
      if (options_.on_bad_image == BadImagePolicy::kFail) {
        return slot->errors.begin()->second;
      }
      CountSkipped(slot->errors);
      if (slot->errors.size() == slot->batch.indices.size()) continue;
      RemoveFailedSamples(slot->errors, options_.channels_last, &slot->batch);
      return std::optional(std::move(slot->batch));
    }
    if (skipped_.count > 0 && !is_skipping_reported_) {
      is_skipping_reported_ = true;
      LOG(WARNING) << "skipped " << skipped_.count << " of " << order_.size()
                   << " images of epoch " << epoch_
                   << ", which could not be read";
    }
    return std::optional<Batch>();
  }

  int64_t next_batch() const { return next_batch_; }

  int64_t NumBatches() const {
    return (NumImages() + options_.batch_size - 1) / options_.batch_size;
  }

  const SkippedImages& skipped_images() const { return skipped_; }

 private:
  // Images of this process in an epoch.
  int64_t NumImages() const {
    const int64_t size = dataset_.size();
    const int64_t extra = options_.even_shards
                              ? options_.world_size - 1
                              : options_.world_size - 1 - options_.rank;
    return (size + extra) / options_.world_size;
  }

  // Sets order_ to this process's part of the epoch's order.
  void MakeOrder() {
    std::vector<int64_t> all(static_cast<size_t>(dataset_.size()));
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    if (options_.shuffle) {
      // Fisher and Yates.
      vision::Rng rng(options_.seed,
                      {static_cast<uint64_t>(epoch_), kOrderStream, 0});
      for (size_t i = all.size(); i > 1; --i) {
        std::swap(all[i - 1], all[rng.UniformInt(i)]);
      }
    }
    order_.resize(static_cast<size_t>(NumImages()));
    for (size_t i = 0; i < order_.size(); ++i) {
      // Past the end only with even_shards. A process never gets an image
      // twice, which the cache relies on: nothing is repeated if world_size
      // divides the size, and otherwise the places of a repeated image differ
      // by the size, or the process has a single image.
      order_[i] = all[(i * options_.world_size + options_.rank) % all.size()];
    }
  }

  void CountSkipped(const std::map<size_t, absl::Status>& errors) {
    for (const auto& [position, status] : errors) {
      ++skipped_.count;
      if (skipped_.messages.size() == kLoggedImages) continue;
      skipped_.messages.emplace_back(status.message());
      LOG(WARNING) << "skipped: " << status.message();
    }
  }

  // Begins batches until prefetch_batches are under way or the epoch ends.
  void OpenSlots() {
    while (next_in_order_ < order_.size()) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (open_.size() >= static_cast<size_t>(options_.prefetch_batches)) {
          return;
        }
      }
      const size_t count = std::min(static_cast<size_t>(options_.batch_size),
                                    order_.size() - next_in_order_);
      const int64_t n = static_cast<int64_t>(count);
      auto slot = std::make_unique<Slot>();
      slot->epoch = epoch_;
      slot->remaining = count;
      const auto begin =
          order_.begin() + static_cast<std::ptrdiff_t>(next_in_order_);
      slot->batch.indices.assign(begin, begin + n);
      slot->batch.geometry.resize(count);
      const std::array<int64_t, 4> shape = {n, 3, options_.crop, options_.crop};
      slot->batch.images =
          images_.Get(shape, options_.image_dtype,
                      options_.channels_last ? at::MemoryFormat::ChannelsLast
                                             : at::MemoryFormat::Contiguous);
      slot->images = slot->batch.images.data_ptr();
      if (options_.raw_images) {
        slot->batch.raw_images =
            raw_images_.Get(shape, at::kFloat, at::MemoryFormat::Contiguous);
        slot->raw_images = slot->batch.raw_images.data_ptr<float>();
      }
      slot->batch.labels = at::empty({n}, at::kLong);
      int64_t* const labels = slot->batch.labels.data_ptr<int64_t>();
      for (size_t i = 0; i < count; ++i) {
        labels[i] = dataset_.record(slot->batch.indices[i]).label;
      }
      next_in_order_ += count;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        open_.push_back(std::move(slot));
      }
      work_available_.notify_all();
    }
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (true) {
      work_available_.wait(
          lock, [this] { return stop_ || fill_slot_ < open_.size(); });
      if (stop_) return;
      Slot* const slot = open_[fill_slot_].get();
      const size_t position = fill_position_++;
      if (fill_position_ == slot->batch.indices.size()) {
        ++fill_slot_;
        fill_position_ = 0;
      }
      ++num_in_work_;
      lock.unlock();
      const absl::Status status = vision::StatusFromTorch(
          "loading a sample", [&] { return MakeSample(*slot, position); });
      lock.lock();
      --num_in_work_;
      --slot->remaining;
      if (!status.ok()) slot->errors.emplace(position, status);
      if (slot->remaining == 0 || num_in_work_ == 0) {
        sample_finished_.notify_all();
      }
    }
  }

  absl::Status MakeSample(Slot& slot, size_t position) {
    const int64_t index = slot.batch.indices[position];
    VISION_ASSIGN_OR_RETURN(cv::Mat rgb, LoadResized(index));
    // A sample has this element of the batch for itself.
    vision::CropFlip& geometry = slot.batch.geometry[position];
    geometry.size = options_.crop;
    vision::Rng rng(options_.seed, {static_cast<uint64_t>(slot.epoch),
                                    static_cast<uint64_t>(index)});
    if (options_.augment) {
      geometry = vision::SampleCropFlip(options_.resize, options_.crop, rng);
      rgb = vision::ApplyCropFlip(rgb, geometry);
    }
    const size_t offset = position * 3 * static_cast<size_t>(options_.crop) *
                          static_cast<size_t>(options_.crop);
    if (slot.raw_images != nullptr) {
      vision::ToChw(rgb, slot.raw_images + offset);
    }
    // The crop above made `rgb` a copy, so a cached image stays as it is.
    if (options_.augment && !options_.color_jitter.IsOff()) {
      vision::ApplyColorChange(
          vision::SampleColorChange(options_.color_jitter, rng), &rgb);
    }
    const vision::PixelLayout layout = options_.channels_last
                                           ? vision::PixelLayout::kHwc
                                           : vision::PixelLayout::kChw;
    if (options_.image_dtype == at::kBFloat16) {
      normalizer_.WriteBfloat16(rgb, layout,
                                static_cast<uint16_t*>(slot.images) + offset);
    } else {
      normalizer_.Write(rgb, layout, static_cast<float*>(slot.images) + offset);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<cv::Mat> LoadResized(int64_t index) {
    // An index occurs once in an epoch and epochs do not overlap, so no other
    // thread is at this element.
    cv::Mat* const cached = options_.cache_in_memory
                                ? &cache_[static_cast<size_t>(index)]
                                : nullptr;
    if (cached != nullptr && !cached->empty()) return *cached;
    VISION_ASSIGN_OR_RETURN(const cv::Mat image, dataset_.LoadImage(index));
    const int side = options_.augment ? options_.resize : options_.crop;
    absl::StatusOr<cv::Mat> resized =
        vision::ResizeAntialiased(image, side, side);
    if (!resized.ok()) {
      return vision::Annotate(
          resized.status(),
          absl::StrCat("image id '", dataset_.record(index).id, "'"));
    }
    if (cached != nullptr) *cached = *resized;
    return resized;
  }

  const Dataset& dataset_;
  const LoaderOptions options_;
  const vision::PixelNormalizer normalizer_;
  std::vector<cv::Mat> cache_;

  // Used by the calling thread alone.
  int64_t epoch_ = 0;
  std::vector<int64_t> order_;
  size_t next_in_order_ = 0;
  int64_t next_batch_ = 0;
  TensorPool images_;
  TensorPool raw_images_;
  SkippedImages skipped_;
  bool is_skipping_reported_ = false;

  std::mutex mutex_;
  std::condition_variable work_available_;
  std::condition_variable sample_finished_;
  bool stop_ = false;
  // Batches under way; the next sample to make is fill_position_ of
  // open_[fill_slot_].
  std::deque<std::unique_ptr<Slot>> open_;
  size_t fill_slot_ = 0;
  size_t fill_position_ = 0;
  int num_in_work_ = 0;

  // Last, so that all else is there when they begin.
  std::vector<std::thread> threads_;
};

absl::StatusOr<std::unique_ptr<Loader>> Loader::Create(
    const Dataset* dataset, const LoaderOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  return std::unique_ptr<Loader>(
      new Loader(std::make_unique<Impl>(dataset, options)));
}

Loader::Loader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Loader::~Loader() = default;

void Loader::StartEpoch(int64_t epoch, int64_t first_batch) {
  impl_->StartEpoch(epoch, first_batch);
}

absl::StatusOr<std::optional<Batch>> Loader::Next() {
  return vision::CallTorch("loading a batch", [&] { return impl_->Next(); });
}

int64_t Loader::next_batch() const { return impl_->next_batch(); }

int64_t Loader::NumBatches() const { return impl_->NumBatches(); }

const SkippedImages& Loader::skipped_images() const {
  return impl_->skipped_images();
}

}  // namespace wsol
