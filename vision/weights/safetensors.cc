#include "vision/weights/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "vision/base/status_util.h"
#include "vision/weights/dtype.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/memory_budget.h"

namespace vision {
namespace {

constexpr size_t kLengthSize = 8;
// The format's own limit.
constexpr uint64_t kLongestHeader = 100'000'000;
constexpr size_t kMaxRank = 16;
// Bounds products of sizes.
constexpr uint64_t kMaxElements = uint64_t{1} << 48;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged safetensors file: ", what));
}

// Takes the header as the parser reads it: no tree is built, so that memory
// goes only to what a header may hold.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderHandler(MemoryBudget& budget) : budget_(budget) {
    index_.format = CheckpointFormat::kSafetensors;
  }

  // Each returns false to stop the parser; status_ then tells why.
  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool number_integer(number_integer_t) override {
    return Unexpected("a negative number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return Unexpected("a fraction");
  }
  bool binary(binary_t&) override { return Unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_array_) return Unexpected("a number");
    if (field_ == "shape") {
      if (shape_.size() == kMaxRank) return Bad("has too many dimensions");
      shape_.push_back(value);
      return true;
    }
    if (num_offsets_ == 2) return Bad("has more than two offsets");
    offsets_[num_offsets_++] = value;
    return true;
  }

  bool string(string_t& value) override {
    if (depth_ == 2 && in_metadata_) {
      constexpr size_t kMostOthers = 64;
      constexpr size_t kLongest = 200;
      if (index_.others.size() < kMostOthers) {
        index_.others.push_back(absl::StrCat(field_.substr(0, kLongest),
                                             ": string \"",
                                             value.substr(0, kLongest), "\""));
      }
      return true;
    }
    if (depth_ != 2 || field_ != "dtype" || in_array_) {
      return Unexpected("a string");
    }
    dtype_ = value;
    return true;
  }

  bool start_object(size_t) override {
    if (in_array_ || depth_ == 2) return Unexpected("an object");
    ++depth_;
    field_.clear();
    dtype_.reset();
    has_shape_ = false;
    num_offsets_ = 0;
    has_offsets_ = false;
    return true;
  }

  bool key(string_t& value) override {
    if (depth_ == 1) {
      in_metadata_ = value == "__metadata__";
      name_ = value;
      return true;
    }
    field_ = value;
    if (in_metadata_) return true;
    if (field_ == "dtype") {
      return !dtype_.has_value() || Bad("has two fields dtype");
    }
    if (field_ == "shape") return !has_shape_ || Bad("has two fields shape");
    if (field_ == "data_offsets") {
      return !has_offsets_ || Bad("has two fields data_offsets");
    }
    return Bad(
        absl::StrCat("has an unknown field \"", field_.substr(0, 60), "\""));
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 0 || in_metadata_) return true;
    return AddTensor();
  }

  bool start_array(size_t) override {
    if (depth_ != 2 || in_metadata_ || in_array_ || field_ == "dtype") {
      return Unexpected("an array");
    }
    in_array_ = true;
    if (field_ == "shape") {
      has_shape_ = true;
      shape_.clear();
    } else {
      has_offsets_ = true;
    }
    return true;
  }

  bool end_array() override {
    in_array_ = false;
    return true;
  }

  bool parse_error(size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    if (status_.ok()) {
      status_ =
          Damaged(absl::StrCat("its header is no JSON at byte ", position));
    }
    return false;
  }

  const absl::Status& status() const { return status_; }
  CheckpointIndex& index() { return index_; }

 private:
  bool Fail(absl::Status status) {
    status_ = std::move(status);
    return false;
  }
  bool Bad(absl::string_view what) {
    return Fail(
        Damaged(absl::StrCat("tensor \"", name_.substr(0, 200), "\" ", what)));
  }
  bool Unexpected(absl::string_view what) {
    return Fail(
        Damaged(absl::StrCat("its header holds ", what, " where none belongs",
                             name_.empty() ? "" : ", at \"",
                             name_.substr(0, 200), name_.empty() ? "" : "\"")));
  }

  // Leaves the offsets as they are; see PlaceTensors().
  bool AddTensor() {
    if (!dtype_.has_value() || !has_shape_ || num_offsets_ != 2) {
      return Bad("lacks dtype, shape or data_offsets");
    }
    const std::optional<DType> dtype = DTypeOfSafetensorsName(*dtype_);
    if (!dtype.has_value()) {
      return Fail(absl::InvalidArgumentError(
          absl::StrCat("tensor \"", name_.substr(0, 200), "\" has dtype ",
                       dtype_->substr(0, 60), ", which is not supported")));
    }
    const absl::Status enough = budget_.Take(static_cast<int64_t>(
        sizeof(TensorEntry) + 2 * sizeof(std::string) + 2 * name_.size() +
        2 * sizeof(int64_t) * shape_.size()));
    if (!enough.ok()) return Fail(enough);
    if (!names_.insert(name_).second) return Bad("occurs twice");

    uint64_t product = 1;
    bool is_empty = false;
    for (const uint64_t size : shape_) {
      if (size > 0 && product > kMaxElements / size) {
        return Bad("is too large");
      }
      is_empty = is_empty || size == 0;
      product *= std::max<uint64_t>(size, 1);
    }
    const auto item_size =
        static_cast<uint64_t>(GetDTypeInfo(*dtype).item_size);
    const uint64_t expected = is_empty ? 0 : product * item_size;
    if (offsets_[0] > offsets_[1] || offsets_[1] - offsets_[0] != expected) {
      return Bad(absl::StrCat("has data_offsets [", offsets_[0], ", ",
                              offsets_[1], "], expected ", expected, " bytes"));
    }
    // Larger offsets do not fit any file.
    constexpr uint64_t kMostBytes = uint64_t{1} << 62;
    if (offsets_[1] > kMostBytes) return Bad("lies outside of the file");
    TensorEntry entry;
    entry.name = name_;
    entry.dtype = *dtype;
    entry.shape.assign(shape_.begin(), shape_.end());
    entry.strides = RowMajorStrides(entry.shape);
    entry.offset = static_cast<int64_t>(offsets_[0]);
    entry.span_bytes = static_cast<int64_t>(expected);
    index_.tensors.push_back(std::move(entry));
    return true;
  }

  MemoryBudget& budget_;
  CheckpointIndex index_;
  absl::Status status_;
  absl::flat_hash_set<std::string> names_;
  int depth_ = 0;
  bool in_metadata_ = false;
  bool in_array_ = false;
  std::string name_;
  std::string field_;
  std::optional<std::string> dtype_;
  bool has_shape_ = false;
  std::vector<uint64_t> shape_;
  bool has_offsets_ = false;
  int num_offsets_ = 0;
  uint64_t offsets_[2] = {0, 0};
};

// Checks that the values fill `data_size` bytes one after the other, and makes
// their offsets those in the file.
absl::Status PlaceTensors(uint64_t data_start, uint64_t data_size,
                          std::vector<TensorEntry>& tensors) {
  std::vector<TensorEntry*> sorted;
  sorted.reserve(tensors.size());
  for (TensorEntry& tensor : tensors) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const TensorEntry* a, const TensorEntry* b) {
              return std::make_pair(a->offset, a->span_bytes) <
                     std::make_pair(b->offset, b->span_bytes);
            });
  int64_t end = 0;
  for (TensorEntry* tensor : sorted) {
    if (tensor->offset != end) {
      return Damaged(absl::StrCat(
          "tensor \"", tensor->name, "\" starts at ", tensor->offset,
          tensor->offset < end ? ", inside of another" : ", behind a gap",
          "; expected ", end));
    }
    end = tensor->offset + tensor->span_bytes;
    if (static_cast<uint64_t>(end) > data_size) {
      return Damaged(absl::StrCat("tensor \"", tensor->name,
                                  "\" lies outside of the file: it ends at ",
                                  end, " of ", data_size, " bytes"));
    }
    tensor->offset += static_cast<int64_t>(data_start);
  }
  if (static_cast<uint64_t>(end) != data_size) {
    return Damaged(absl::StrCat("it has ", data_size, " bytes of values, but ",
                                "its tensors end at ", end));
  }
  return absl::OkStatus();
}

}  // namespace

bool LooksLikeSafetensors(absl::string_view bytes) {
  return bytes.size() > kLengthSize && bytes[kLengthSize] == '{';
}

absl::StatusOr<CheckpointIndex> IndexSafetensors(absl::string_view bytes) {
  if (!LooksLikeSafetensors(bytes)) return Damaged("it has no header");
  const uint64_t length = LoadLittleEndian(bytes, kLengthSize);
  const uint64_t rest = bytes.size() - kLengthSize;
  if (length > rest || length > kLongestHeader) {
    return Damaged(absl::StrCat(
        "its header claims ", length, " bytes, but ",
        length > rest ? absl::StrCat(rest, " are left")
                      : absl::StrCat(kLongestHeader, " are allowed")));
  }
  MemoryBudget budget(MemoryBudget::ForFile(bytes.size()));
  HeaderHandler handler(budget);
  const absl::string_view header = bytes.substr(kLengthSize, length);
  nlohmann::json::sax_parse(header.begin(), header.end(), &handler);
  VISION_RETURN_IF_ERROR(handler.status());
  VISION_RETURN_IF_ERROR(PlaceTensors(kLengthSize + length, rest - length,
                                      handler.index().tensors));
  return std::move(handler.index());
}

}  // namespace vision
