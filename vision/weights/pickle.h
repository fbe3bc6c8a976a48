// Python's pickle, as far as checkpoints of PyTorch need it, without running
// anything.
//
//   MemoryBudget budget(MemoryBudget::ForFile(bytes.size()));
//   VISION_ASSIGN_OR_RETURN(const auto pickle,
//                           PickleDocument::Parse(bytes, budget));
//   for (const auto& [key, value] : pickle.Items(pickle.root())) ...
//
// A pickle is a program for a machine with a stack, which may name any Python
// function and call it. This machine knows numbers, strings, tuples, lists,
// sets, dictionaries and the few names that tensors are made with; any other
// name is an error that states it, at the instruction that names it.

#ifndef VISION_WEIGHTS_PICKLE_H_
#define VISION_WEIGHTS_PICKLE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "vision/weights/dtype.h"
#include "vision/weights/memory_budget.h"

namespace vision {

enum class PickleKind : uint8_t {
  kNone,
  kBool,
  kInteger,
  // More than 64 bits; its value is not kept.
  kBigInteger,
  kFloat,
  kString,
  kBytes,
  kTuple,
  kList,
  kSet,
  // Of dict or OrderedDict.
  kDict,
  // The name of a function or class.
  kClass,
  kStorage,
  kTensor,
  // A tensor whose values never came.
  kUnbuilt,
};

// In Python's words: "int", "dictionary", ...
const char* PickleKindName(PickleKind kind);

// Index of a value in a document.
using PickleId = uint32_t;

// The memory of tensors, which the pickle describes and does not hold.
struct PickledStorage {
  DType dtype;
  // Name of the bytes within the file.
  absl::string_view key;
  // Elements in all.
  int64_t numel;
};

// A strided view of a storage, all in elements. It lies inside of the storage
// (of its stated size) unless it is empty; strides are not negative.
struct PickledTensor {
  PickledStorage storage;
  int64_t offset;
  // At most PickleDocument::kMaxRank of each.
  absl::Span<const int64_t> shape;
  absl::Span<const int64_t> strides;
};

// The values of one pickle. Strings and storage keys refer to the parsed bytes,
// which must outlive the document. Values may be shared, and containers may
// hold themselves.
class PickleDocument {
 public:
  static constexpr size_t kMaxRank = 16;

  // Reads protocols 2 to 5, the binary ones. Trailing bytes are left alone:
  // size_bytes() tells where the pickle ends. kDataLoss if the bytes are
  // damaged or cut short, kInvalidArgument for names and instructions that
  // state dicts do not need, kResourceExhausted if `budget` is spent. O(size).
  static absl::StatusOr<PickleDocument> Parse(absl::string_view bytes,
                                              MemoryBudget& budget);

  PickleId root() const { return root_; }
  uint64_t size_bytes() const { return size_bytes_; }

  PickleKind kind(PickleId id) const { return nodes_[id].kind; }
  // Of kBool (0 or 1) and kInteger.
  int64_t integer(PickleId id) const { return nodes_[id].integer; }
  // Of kFloat.
  double number(PickleId id) const { return nodes_[id].number; }
  // Of kString and kBytes.
  absl::string_view text(PickleId id) const {
    return absl::string_view(nodes_[id].text, nodes_[id].size);
  }
  // Of kTuple, kList and kSet.
  absl::Span<const PickleId> Elements(PickleId id) const;
  // Of kDict: keys and values in the order of insertion. A key may occur more
  // than once.
  absl::Span<const std::pair<PickleId, PickleId>> Items(PickleId id) const;
  // The first value of a string key of a kDict. False if there is none. O(n).
  bool FindItem(PickleId dict, absl::string_view key, PickleId* value) const;
  // Of kTensor.
  PickledTensor Tensor(PickleId id) const;

  // All storages that the pickle names, in its order; one may occur often.
  const std::vector<PickledStorage>& storages() const { return storages_; }

 private:
  friend class PickleMachine;

  struct Node {
    PickleKind kind = PickleKind::kNone;
    // Of text, or of a tuple.
    uint32_t size = 0;
    union {
      // Also: where a tuple starts in pool_, or the index in lists_, dicts_,
      // storages_ or tensors_, or of a class.
      int64_t integer = 0;
      double number;
      const char* text;
    };
  };
  struct TensorNode {
    uint32_t storage;
    uint32_t rank;
    int64_t offset;
    // In extents_: the shape, then the strides.
    uint64_t extents;
  };

  PickleDocument() = default;

  std::vector<Node> nodes_;
  std::vector<PickleId> pool_;
  std::vector<std::vector<PickleId>> lists_;
  std::vector<std::vector<std::pair<PickleId, PickleId>>> dicts_;
  std::vector<PickledStorage> storages_;
  std::vector<TensorNode> tensors_;
  std::vector<int64_t> extents_;
  PickleId root_ = 0;
  uint64_t size_bytes_ = 0;
};

}  // namespace vision

#endif  // VISION_WEIGHTS_PICKLE_H_
