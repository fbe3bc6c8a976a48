#include "wsol/datasets/loader.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
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
#include "vision/image/resize.h"

namespace wsol {
namespace {

// Sets the stream of an epoch's order apart from those of its samples, whose
// keys have two words.
constexpr uint64_t kOrderStream = 0x6f72646572;  // "order"

// A batch that is being filled in.
struct Slot {
  Batch batch;
  // Where the tensors' values are: workers do not touch tensors.
  float* images = nullptr;
  float* raw_images = nullptr;
  int64_t epoch = 0;
  // Samples not yet finished, and the error of the foremost that failed.
  size_t remaining = 0;
  absl::Status status;
  size_t failed_position = 0;
};

}  // namespace

absl::Status LoaderOptions::Validate() const {
  const std::pair<const char*, int> positive[] = {
      {"batch_size", batch_size},
      {"resize", resize},
      {"crop", crop},
      {"num_threads", num_threads},
      {"prefetch_batches", prefetch_batches}};
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
  return absl::OkStatus();
}

// The calling thread opens slots at the back and takes finished ones from the
// front; the workers take samples in order and fill them in. The mutex guards
// all state below it and is not held while a sample is made.
class Loader::Impl {
 public:
  Impl(const Dataset* dataset, const LoaderOptions& options)
      : dataset_(*dataset), options_(options) {
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

  void StartEpoch(int64_t epoch) {
    CHECK_GE(epoch, 0);
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
    next_in_order_ = 0;
    order_.resize(static_cast<size_t>(dataset_.size()));
    for (size_t i = 0; i < order_.size(); ++i) {
      order_[i] = static_cast<int64_t>(i);
    }
    if (options_.shuffle) {
      // Fisher and Yates.
      vision::Rng rng(options_.seed,
                      {static_cast<uint64_t>(epoch), kOrderStream, 0});
      for (size_t i = order_.size(); i > 1; --i) {
        std::swap(order_[i - 1], order_[rng.UniformInt(i)]);
      }
    }
  }

  absl::StatusOr<std::optional<Batch>> Next() {
    OpenSlots();
    std::unique_ptr<Slot> slot;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      if (open_.empty()) return std::optional<Batch>();
      sample_finished_.wait(lock,
                            [this] { return open_.front()->remaining == 0; });
      slot = std::move(open_.front());
      open_.pop_front();
      --fill_slot_;  // All its samples were taken, so it was ahead.
    }
    OpenSlots();
    if (!slot->status.ok()) return slot->status;
    return std::optional<Batch>(std::move(slot->batch));
  }

  int64_t NumBatches() const {
    return (dataset_.size() + options_.batch_size - 1) / options_.batch_size;
  }

 private:
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
      slot->batch.images =
          at::empty({n, 3, options_.crop, options_.crop}, at::kFloat);
      slot->batch.raw_images = at::empty_like(slot->batch.images);
      slot->batch.labels = at::empty({n}, at::kLong);
      slot->images = slot->batch.images.data_ptr<float>();
      slot->raw_images = slot->batch.raw_images.data_ptr<float>();
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
      if (!status.ok() &&
          (slot->status.ok() || position < slot->failed_position)) {
        slot->status = status;
        slot->failed_position = position;
      }
      if (slot->remaining == 0 || num_in_work_ == 0) {
        sample_finished_.notify_all();
      }
    }
  }

  absl::Status MakeSample(const Slot& slot, size_t position) {
    const int64_t index = slot.batch.indices[position];
    VISION_ASSIGN_OR_RETURN(cv::Mat rgb, LoadResized(index));
    if (options_.augment) {
      vision::Rng rng(options_.seed, {static_cast<uint64_t>(slot.epoch),
                                      static_cast<uint64_t>(index)});
      rgb = vision::ApplyCropFlip(
          rgb, vision::SampleCropFlip(options_.resize, options_.crop, rng));
    }
    const size_t offset = position * 3 * static_cast<size_t>(options_.crop) *
                          static_cast<size_t>(options_.crop);
    vision::NormalizeToChw(rgb, options_.normalization, slot.images + offset);
    vision::ToChw(rgb, slot.raw_images + offset);
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
  std::vector<cv::Mat> cache_;

  // Used by the calling thread alone.
  int64_t epoch_ = 0;
  std::vector<int64_t> order_;
  size_t next_in_order_ = 0;

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

void Loader::StartEpoch(int64_t epoch) { impl_->StartEpoch(epoch); }

absl::StatusOr<std::optional<Batch>> Loader::Next() {
  return vision::CallTorch("loading a batch", [&] { return impl_->Next(); });
}

int64_t Loader::NumBatches() const { return impl_->NumBatches(); }

}  // namespace wsol
