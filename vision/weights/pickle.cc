#include "vision/weights/pickle.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "vision/base/status_util.h"
#include "vision/weights/little_endian.h"

namespace vision {
namespace {

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged pickle: ", what));
}

// What a name may stand for. Storage classes follow, by dtype.
enum Callable : int64_t {
  kOrderedDict,
  kSize,
  kRebuildTensor,
  kRebuildTensorV2,
  kRebuildParameter,
  kRebuildParameterWithState,
  // The class Parameter, and those of tensors: PyTorch before 0.4 makes an
  // empty one and then sets its state.
  kParameter,
  kTensorClass,
  kFirstStorage,
};

struct KnownName {
  absl::string_view module;
  absl::string_view name;
  Callable callable;
};

constexpr KnownName kKnownNames[] = {
    {"collections", "OrderedDict", kOrderedDict},
    {"torch", "Size", kSize},
    {"torch._utils", "_rebuild_tensor", kRebuildTensor},
    {"torch._utils", "_rebuild_tensor_v2", kRebuildTensorV2},
    {"torch._utils", "_rebuild_parameter", kRebuildParameter},
    {"torch._utils", "_rebuild_parameter_with_state",
     kRebuildParameterWithState},
    {"torch.nn.parameter", "Parameter", kParameter},
};

std::optional<int64_t> FindCallable(absl::string_view module,
                                    absl::string_view name) {
  for (const KnownName& known : kKnownNames) {
    if (module == known.module && name == known.name) return known.callable;
  }
  if (module == "torch" || module == "torch.cuda") {
    if (absl::EndsWith(name, "Tensor") &&
        DTypeOfTorchStorage(
            absl::StrCat(absl::StripSuffix(name, "Tensor"), "Storage"))) {
      return kTensorClass;
    }
    const std::optional<DType> dtype = DTypeOfTorchStorage(name);
    if (dtype.has_value()) {
      return kFirstStorage + static_cast<int64_t>(*dtype);
    }
  }
  return std::nullopt;
}

// Values that every document starts with, so that they cost nothing.
constexpr PickleId kNoneId = 0;
constexpr PickleId kFalseId = 1;
constexpr PickleId kTrueId = 2;
constexpr PickleId kEmptyTupleId = 3;
constexpr PickleId kFirstIntegerId = 4;
constexpr int64_t kNumSharedIntegers = 256;

}  // namespace

const char* PickleKindName(PickleKind kind) {
  constexpr const char* kNames[] = {
      "None",        "bool",       "int",
      "int",         "float",      "string",
      "byte string", "tuple",      "list",
      "set",         "dictionary", "class",
      "storage",     "tensor",     "tensor without values"};
  return kNames[static_cast<size_t>(kind)];
}

absl::Span<const PickleId> PickleDocument::Elements(PickleId id) const {
  const Node& node = nodes_[id];
  if (node.kind == PickleKind::kTuple) {
    return absl::MakeConstSpan(pool_).subspan(static_cast<size_t>(node.integer),
                                              node.size);
  }
  return lists_[static_cast<size_t>(node.integer)];
}

absl::Span<const std::pair<PickleId, PickleId>> PickleDocument::Items(
    PickleId id) const {
  return dicts_[static_cast<size_t>(nodes_[id].integer)];
}

bool PickleDocument::FindItem(PickleId dict, absl::string_view key,
                              PickleId* value) const {
  for (const auto& item : Items(dict)) {
    if (kind(item.first) == PickleKind::kString && text(item.first) == key) {
      *value = item.second;
      return true;
    }
  }
  return false;
}

PickledTensor PickleDocument::Tensor(PickleId id) const {
  const TensorNode& node = tensors_[static_cast<size_t>(nodes_[id].integer)];
  const auto extents = absl::MakeConstSpan(extents_);
  return {storages_[node.storage], node.offset,
          extents.subspan(node.extents, node.rank),
          extents.subspan(node.extents + node.rank, node.rank)};
}

// The machine. Containers are filled where they stand and never walked
// recursively, so neither depth nor cycles matter.
class PickleMachine {
 public:
  PickleMachine(absl::string_view bytes, MemoryBudget& budget)
      : rest_(bytes), budget_(budget) {}

  absl::StatusOr<PickleDocument> Run() {
    // Node indices have 32 bits, and each node takes a byte or more.
    // What follows a pickle in the old format may be larger.
    constexpr size_t kLongest = size_t{1} << 31;
    rest_ = rest_.substr(0, kLongest);
    const uint64_t start_size = rest_.size();
    VISION_RETURN_IF_ERROR(MakeSharedValues());
    while (!stopped_) {
      absl::string_view opcode;
      VISION_RETURN_IF_ERROR(Take(1, &opcode));
      ++num_steps_;
      VISION_RETURN_IF_ERROR(Step(static_cast<unsigned char>(opcode[0])));
    }
    document_.size_bytes_ = start_size - rest_.size();
    return std::move(document_);
  }

 private:
  using Node = PickleDocument::Node;

  // ---- Bytes

  absl::Status Take(uint64_t count, absl::string_view* bytes) {
    if (count > rest_.size()) return Damaged("it ends early");
    *bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return absl::OkStatus();
  }

  absl::Status TakeNumber(size_t num_bytes, uint64_t* value) {
    absl::string_view bytes;
    VISION_RETURN_IF_ERROR(Take(num_bytes, &bytes));
    *value = LoadLittleEndian(bytes, num_bytes);
    return absl::OkStatus();
  }

  absl::Status TakeLine(absl::string_view* line) {
    const size_t length = rest_.find('\n');
    if (length == absl::string_view::npos) {
      return Damaged("a name has no end");
    }
    VISION_RETURN_IF_ERROR(Take(length + 1, line));
    line->remove_suffix(1);
    // Pickles written through a text stream of Windows.
    *line = absl::StripSuffix(*line, "\r");
    return absl::OkStatus();
  }

  // ---- Values

  template <typename T>
  absl::Status Append(T value, std::vector<T>& to) {
    VISION_RETURN_IF_ERROR(budget_.Take(sizeof(T)));
    to.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::Status PushId(PickleId id) { return Append(id, stack_); }

  absl::Status PushNode(const Node& node) {
    VISION_RETURN_IF_ERROR(Append(node, document_.nodes_));
    return PushId(static_cast<PickleId>(document_.nodes_.size() - 1));
  }

  absl::Status PushIndexed(PickleKind kind, size_t index, size_t size = 0) {
    Node node;
    node.kind = kind;
    node.size = static_cast<uint32_t>(size);
    node.integer = static_cast<int64_t>(index);
    return PushNode(node);
  }

  absl::Status PushInteger(int64_t value) {
    if (value >= 0 && value < kNumSharedIntegers) {
      return PushId(kFirstIntegerId + static_cast<PickleId>(value));
    }
    return PushIndexed(PickleKind::kInteger, static_cast<size_t>(value));
  }

  // A string or byte string whose length has `num_bytes`.
  absl::Status PushText(PickleKind kind, size_t num_bytes) {
    uint64_t length = 0;
    VISION_RETURN_IF_ERROR(TakeNumber(num_bytes, &length));
    absl::string_view text;
    VISION_RETURN_IF_ERROR(Take(length, &text));
    Node node;
    node.kind = kind;
    node.size = static_cast<uint32_t>(text.size());
    node.text = text.data();
    return PushNode(node);
  }

  absl::Status PushList(PickleKind kind) {
    VISION_RETURN_IF_ERROR(Append({}, document_.lists_));
    return PushIndexed(kind, document_.lists_.size() - 1);
  }

  absl::Status PushDict() {
    VISION_RETURN_IF_ERROR(Append({}, document_.dicts_));
    return PushIndexed(PickleKind::kDict, document_.dicts_.size() - 1);
  }

  // A two's complement integer.
  absl::Status PushLong(uint64_t num_bytes) {
    absl::string_view bytes;
    VISION_RETURN_IF_ERROR(Take(num_bytes, &bytes));
    if (num_bytes > 8) return PushIndexed(PickleKind::kBigInteger, 0);
    uint64_t value = LoadLittleEndian(bytes, num_bytes);
    if (num_bytes > 0 && num_bytes < 8 && (value >> (8 * num_bytes - 1)) != 0) {
      value |= ~uint64_t{0} << (8 * num_bytes);
    }
    return PushInteger(static_cast<int64_t>(value));
  }

  absl::Status PushFloat() {
    absl::string_view bytes;
    VISION_RETURN_IF_ERROR(Take(8, &bytes));
    // The one number of a pickle with its most significant byte first.
    uint64_t bits = 0;
    for (const char byte : bytes) {
      bits = bits << 8 | static_cast<unsigned char>(byte);
    }
    Node node;
    node.kind = PickleKind::kFloat;
    std::memcpy(&node.number, &bits, sizeof(bits));
    return PushNode(node);
  }

  absl::Status PushClass(absl::string_view module, absl::string_view name) {
    const std::optional<int64_t> callable = FindCallable(module, name);
    if (!callable.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("asks for ", module, ".", name,
                       "; only tensors and plain containers are read"));
    }
    return PushIndexed(PickleKind::kClass, static_cast<size_t>(*callable));
  }

  // How many values are above the last mark, or in all.
  size_t Available() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }

  absl::Status Pop(PickleId* id) {
    if (Available() == 0) return Damaged("a value is missing");
    *id = stack_.back();
    stack_.pop_back();
    return absl::OkStatus();
  }

  // The topmost `count` values, which stay valid until the next push.
  absl::Status PopMany(size_t count, absl::Span<const PickleId>* ids) {
    if (Available() < count) return Damaged("a value is missing");
    *ids = absl::MakeConstSpan(stack_).last(count);
    stack_.resize(stack_.size() - count);
    return absl::OkStatus();
  }

  absl::Status PopToMark(absl::Span<const PickleId>* ids) {
    if (marks_.empty()) return Damaged("a value is missing");
    VISION_RETURN_IF_ERROR(PopMany(Available(), ids));
    marks_.pop_back();
    return absl::OkStatus();
  }

  absl::Status PushTuple(absl::Span<const PickleId> elements) {
    if (elements.empty()) return PushId(kEmptyTupleId);
    const size_t start = document_.pool_.size();
    VISION_RETURN_IF_ERROR(
        budget_.Take(static_cast<int64_t>(elements.size() * sizeof(PickleId))));
    document_.pool_.insert(document_.pool_.end(), elements.begin(),
                           elements.end());
    return PushIndexed(PickleKind::kTuple, start, elements.size());
  }

  // The container on top of the stack.
  absl::Status Top(PickleKind kind, Node** node) {
    if (Available() == 0 || document_.nodes_[stack_.back()].kind != kind) {
      return Damaged("items without a container");
    }
    *node = &document_.nodes_[stack_.back()];
    return absl::OkStatus();
  }

  absl::Status AddElements(PickleKind kind,
                           absl::Span<const PickleId> elements) {
    Node* node = nullptr;
    VISION_RETURN_IF_ERROR(Top(kind, &node));
    auto& list = document_.lists_[static_cast<size_t>(node->integer)];
    for (const PickleId element : elements) {
      VISION_RETURN_IF_ERROR(Append(element, list));
    }
    return absl::OkStatus();
  }

  absl::Status AddItems(absl::Span<const PickleId> items) {
    Node* node = nullptr;
    VISION_RETURN_IF_ERROR(Top(PickleKind::kDict, &node));
    if (items.size() % 2 != 0) return Damaged("a key without a value");
    auto& dict = document_.dicts_[static_cast<size_t>(node->integer)];
    for (size_t i = 0; i < items.size(); i += 2) {
      VISION_RETURN_IF_ERROR(
          Append(std::make_pair(items[i], items[i + 1]), dict));
    }
    return absl::OkStatus();
  }

  // ---- Memo

  absl::Status Memoize(uint64_t index) {
    if (Available() == 0) return Damaged("a value is missing");
    // Python numbers them in the order of their instructions.
    if (index > num_steps_) return Damaged("a memo's number is too large");
    if (index >= memo_.size()) {
      VISION_RETURN_IF_ERROR(budget_.Take(
          static_cast<int64_t>((index + 1 - memo_.size()) * sizeof(PickleId))));
      memo_.resize(index + 1, kNoMemo);
    }
    memo_[index] = stack_.back();
    num_memos_ = std::max(num_memos_, index + 1);
    return absl::OkStatus();
  }

  absl::Status MemoizeAt(size_t num_bytes) {
    uint64_t index = 0;
    VISION_RETURN_IF_ERROR(TakeNumber(num_bytes, &index));
    return Memoize(index);
  }

  absl::Status Fetch(size_t num_bytes) {
    uint64_t index = 0;
    VISION_RETURN_IF_ERROR(TakeNumber(num_bytes, &index));
    if (index >= memo_.size() || memo_[index] == kNoMemo) {
      return Damaged("a memo is missing");
    }
    return PushId(memo_[index]);
  }

  // ---- Instructions

  absl::Status MakeSharedValues();
  absl::Status Step(unsigned char opcode);
  absl::Status StackGlobal();
  absl::Status Reduce();
  absl::Status NewTensor(absl::Span<const PickleId> arguments);
  absl::Status Build();
  absl::Status CallOrderedDict(absl::Span<const PickleId> arguments);
  absl::Status RebuildTensor(absl::Span<const PickleId> arguments);
  absl::Status LoadStorage();

  PickleKind kind(PickleId id) const { return document_.kind(id); }

  static constexpr PickleId kNoMemo = std::numeric_limits<PickleId>::max();

  absl::string_view rest_;
  MemoryBudget& budget_;
  PickleDocument document_;
  std::vector<PickleId> stack_;
  // Heights of the stack.
  std::vector<uint32_t> marks_;
  std::vector<PickleId> memo_;
  uint64_t num_memos_ = 0;
  uint64_t num_steps_ = 0;
  bool stopped_ = false;
};

absl::Status PickleMachine::MakeSharedValues() {
  std::vector<Node>& nodes = document_.nodes_;
  nodes.resize(kFirstIntegerId + kNumSharedIntegers);
  VISION_RETURN_IF_ERROR(
      budget_.Take(static_cast<int64_t>(nodes.size() * sizeof(Node))));
  nodes[kFalseId].kind = PickleKind::kBool;
  nodes[kTrueId].kind = PickleKind::kBool;
  nodes[kTrueId].integer = 1;
  nodes[kEmptyTupleId].kind = PickleKind::kTuple;
  for (int64_t i = 0; i < kNumSharedIntegers; ++i) {
    Node& node = nodes[kFirstIntegerId + static_cast<size_t>(i)];
    node.kind = PickleKind::kInteger;
    node.integer = i;
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::Step(unsigned char opcode) {
  absl::Span<const PickleId> ids;
  PickleId id = 0;
  uint64_t number = 0;
  absl::string_view module;
  absl::string_view name;
  switch (opcode) {
    case 0x80:  // PROTO
      VISION_RETURN_IF_ERROR(TakeNumber(1, &number));
      if (number > 5) {
        return Damaged(
            absl::StrCat("its protocol is ", number, ", expected 2 to 5"));
      }
      return absl::OkStatus();
    case 0x95:  // FRAME
      return TakeNumber(8, &number);
    case '.':  // STOP
      stopped_ = true;
      return Pop(&document_.root_);
    case '(':  // MARK
      return Append(static_cast<uint32_t>(stack_.size()), marks_);
    case '0':  // POP
      return Pop(&id);
    case '1':  // POP_MARK
      return PopToMark(&ids);
    case '2':  // DUP
      VISION_RETURN_IF_ERROR(Pop(&id));
      VISION_RETURN_IF_ERROR(PushId(id));
      return PushId(id);

    case 'N':  // NONE
      return PushId(kNoneId);
    case 0x88:  // NEWTRUE
      return PushId(kTrueId);
    case 0x89:  // NEWFALSE
      return PushId(kFalseId);
    case 'K':  // BININT1
    case 'M':  // BININT2
      VISION_RETURN_IF_ERROR(TakeNumber(opcode == 'K' ? 1 : 2, &number));
      return PushInteger(static_cast<int64_t>(number));
    case 'J':  // BININT
      return PushLong(4);
    case 0x8a:  // LONG1
    case 0x8b:  // LONG4
      VISION_RETURN_IF_ERROR(TakeNumber(opcode == 0x8a ? 1 : 4, &number));
      return PushLong(number);
    case 'G':  // BINFLOAT
      return PushFloat();

    case 'U':   // SHORT_BINSTRING, of Python 2
    case 0x8c:  // SHORT_BINUNICODE
      return PushText(PickleKind::kString, 1);
    case 'T':  // BINSTRING, of Python 2
    case 'X':  // BINUNICODE
      return PushText(PickleKind::kString, 4);
    case 0x8d:  // BINUNICODE8
      return PushText(PickleKind::kString, 8);
    case 'C':  // SHORT_BINBYTES
      return PushText(PickleKind::kBytes, 1);
    case 'B':  // BINBYTES
      return PushText(PickleKind::kBytes, 4);
    case 0x8e:  // BINBYTES8
    case 0x96:  // BYTEARRAY8
      return PushText(PickleKind::kBytes, 8);

    case ')':  // EMPTY_TUPLE
      return PushId(kEmptyTupleId);
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      VISION_RETURN_IF_ERROR(PopMany(opcode - 0x84u, &ids));
      return PushTuple(ids);
    case 't':  // TUPLE
      VISION_RETURN_IF_ERROR(PopToMark(&ids));
      return PushTuple(ids);
    case ']':  // EMPTY_LIST
      return PushList(PickleKind::kList);
    case 'a':  // APPEND
      VISION_RETURN_IF_ERROR(PopMany(1, &ids));
      return AddElements(PickleKind::kList, ids);
    case 'e':  // APPENDS
      VISION_RETURN_IF_ERROR(PopToMark(&ids));
      return AddElements(PickleKind::kList, ids);
    case 0x8f:  // EMPTY_SET
      return PushList(PickleKind::kSet);
    case 0x90:  // ADDITEMS
      VISION_RETURN_IF_ERROR(PopToMark(&ids));
      return AddElements(PickleKind::kSet, ids);
    case '}':  // EMPTY_DICT
      return PushDict();
    case 's':  // SETITEM
      VISION_RETURN_IF_ERROR(PopMany(2, &ids));
      return AddItems(ids);
    case 'u':  // SETITEMS
      VISION_RETURN_IF_ERROR(PopToMark(&ids));
      return AddItems(ids);

    case 'q':  // BINPUT
      return MemoizeAt(1);
    case 'r':  // LONG_BINPUT
      return MemoizeAt(4);
    case 0x94:  // MEMOIZE
      return Memoize(num_memos_);
    case 'h':  // BINGET
      return Fetch(1);
    case 'j':  // LONG_BINGET
      return Fetch(4);

    case 'c':  // GLOBAL
      VISION_RETURN_IF_ERROR(TakeLine(&module));
      VISION_RETURN_IF_ERROR(TakeLine(&name));
      return PushClass(module, name);
    case 0x93:  // STACK_GLOBAL
      return StackGlobal();
    case 'R':   // REDUCE
    case 0x81:  // NEWOBJ
      return Reduce();
    case 'b':  // BUILD
      return Build();
    case 'Q':  // BINPERSID
      return LoadStorage();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("holds pickle instruction ", static_cast<int>(opcode),
                       ", which state dicts do not need"));
  }
}

absl::Status PickleMachine::StackGlobal() {
  absl::Span<const PickleId> ids;
  VISION_RETURN_IF_ERROR(PopMany(2, &ids));
  if (kind(ids[0]) != PickleKind::kString ||
      kind(ids[1]) != PickleKind::kString) {
    return Damaged("a name is no string");
  }
  return PushClass(document_.text(ids[0]), document_.text(ids[1]));
}

absl::Status PickleMachine::Reduce() {
  absl::Span<const PickleId> ids;
  VISION_RETURN_IF_ERROR(PopMany(2, &ids));
  if (kind(ids[0]) != PickleKind::kClass ||
      kind(ids[1]) != PickleKind::kTuple) {
    return Damaged("a call without a class");
  }
  const absl::Span<const PickleId> arguments = document_.Elements(ids[1]);
  switch (document_.nodes_[ids[0]].integer) {
    case kOrderedDict:
      return CallOrderedDict(arguments);
    case kSize:
      if (arguments.size() != 1 || kind(arguments[0]) != PickleKind::kTuple) {
        return Damaged("a size is malformed");
      }
      return PushId(arguments[0]);
    case kRebuildTensor:
    case kRebuildTensorV2:
      return RebuildTensor(arguments);
    case kParameter:
    case kTensorClass:
      return NewTensor(arguments);
    case kRebuildParameter:
    case kRebuildParameterWithState:
      if (arguments.empty() || kind(arguments[0]) != PickleKind::kTensor) {
        return Damaged("a parameter is no tensor");
      }
      return PushId(arguments[0]);
    default:
      return absl::InvalidArgumentError(
          "makes a storage outside of a tensor, which state dicts do not need");
  }
}

// Parameter(), Parameter(tensor) or FloatTensor(). A value of its own, since
// Build() may change it.
absl::Status PickleMachine::NewTensor(absl::Span<const PickleId> arguments) {
  if (arguments.empty()) return PushIndexed(PickleKind::kUnbuilt, 0);
  if (kind(arguments[0]) != PickleKind::kTensor) {
    return Damaged("a parameter is no tensor");
  }
  const Node tensor = document_.nodes_[arguments[0]];
  return PushNode(tensor);
}

// Sets the state of the object below it. Attributes of a state dict (_metadata)
// and of tensors are not needed.
absl::Status PickleMachine::Build() {
  absl::Span<const PickleId> ids;
  VISION_RETURN_IF_ERROR(PopMany(2, &ids));
  const PickleId object = ids[0];
  const PickleId state = ids[1];
  const PickleKind object_kind = kind(object);
  if (object_kind != PickleKind::kDict && object_kind != PickleKind::kTensor &&
      object_kind != PickleKind::kUnbuilt) {
    return Damaged("attributes without an object");
  }
  if (object_kind == PickleKind::kUnbuilt &&
      kind(state) == PickleKind::kTuple) {
    // (storage, offset, shape, strides), or (data, gradient, hooks, ...).
    constexpr size_t kTensorState = 4;
    constexpr size_t kParameterState = 5;
    const absl::Span<const PickleId> parts = document_.Elements(state);
    PickleId data = 0;
    if (parts.size() == kTensorState) {
      VISION_RETURN_IF_ERROR(RebuildTensor(parts));
      VISION_RETURN_IF_ERROR(Pop(&data));
    } else if (parts.size() == kParameterState) {
      data = parts[0];
    }
    if (kind(data) == PickleKind::kTensor) {
      document_.nodes_[object] = document_.nodes_[data];
    }
  }
  return PushId(object);
}

// OrderedDict(), or, as Python 2 has it, OrderedDict([[key, value], ...]).
absl::Status PickleMachine::CallOrderedDict(
    absl::Span<const PickleId> arguments) {
  VISION_RETURN_IF_ERROR(PushDict());
  if (arguments.empty()) return absl::OkStatus();
  if (arguments.size() > 1 || kind(arguments[0]) != PickleKind::kList) {
    return Damaged("an OrderedDict is malformed");
  }
  for (const PickleId item : document_.Elements(arguments[0])) {
    if ((kind(item) != PickleKind::kList && kind(item) != PickleKind::kTuple) ||
        document_.Elements(item).size() != 2) {
      return Damaged("an OrderedDict is malformed");
    }
    VISION_RETURN_IF_ERROR(AddItems(document_.Elements(item)));
  }
  return absl::OkStatus();
}

// (storage, offset, shape, strides, ...): requires_grad, hooks and metadata
// that may follow do not matter.
absl::Status PickleMachine::RebuildTensor(
    absl::Span<const PickleId> arguments) {
  if (arguments.size() < 4 || kind(arguments[0]) != PickleKind::kStorage ||
      kind(arguments[1]) != PickleKind::kInteger ||
      kind(arguments[2]) != PickleKind::kTuple ||
      kind(arguments[3]) != PickleKind::kTuple) {
    return Damaged("a tensor is malformed");
  }
  const absl::Span<const PickleId> shape = document_.Elements(arguments[2]);
  const absl::Span<const PickleId> strides = document_.Elements(arguments[3]);
  if (shape.size() != strides.size() ||
      shape.size() > PickleDocument::kMaxRank) {
    return Damaged("a tensor is malformed");
  }
  PickleDocument::TensorNode tensor;
  tensor.storage =
      static_cast<uint32_t>(document_.nodes_[arguments[0]].integer);
  tensor.rank = static_cast<uint32_t>(shape.size());
  tensor.offset = document_.integer(arguments[1]);
  tensor.extents = document_.extents_.size();
  const int64_t available = document_.storages_[tensor.storage].numel;

  // A size may exceed the storage at stride 0, or in an empty tensor; this
  // bounds their product.
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  bool good = tensor.offset >= 0 && tensor.offset <= available;
  bool is_empty = false;
  int64_t product = 1;
  for (const PickleId id : shape) {
    const int64_t size =
        kind(id) == PickleKind::kInteger ? document_.integer(id) : -1;
    good = good && size >= 0 && (size == 0 || product <= kMaxElements / size);
    if (!good) break;
    is_empty = is_empty || size == 0;
    product *= std::max<int64_t>(size, 1);
    VISION_RETURN_IF_ERROR(Append(size, document_.extents_));
  }
  // The last element, in steps that cannot overflow.
  int64_t last = tensor.offset;
  for (size_t i = 0; good && i < strides.size(); ++i) {
    const int64_t stride = kind(strides[i]) == PickleKind::kInteger
                               ? document_.integer(strides[i])
                               : -1;
    const int64_t size = document_.extents_[tensor.extents + i];
    VISION_RETURN_IF_ERROR(Append(stride, document_.extents_));
    good = stride >= 0;
    if (!good || is_empty || size == 1 || stride == 0) continue;
    good = size - 1 <= (available - last) / stride;
    if (good) last += (size - 1) * stride;
  }
  if (!good || (!is_empty && last >= available)) {
    return Damaged("a tensor lies outside of its storage");
  }
  VISION_RETURN_IF_ERROR(Append(tensor, document_.tensors_));
  return PushIndexed(PickleKind::kTensor, document_.tensors_.size() - 1);
}

// ("storage", class, key, device, number of elements), and in the format before
// PyTorch 1.6 a view of it, which is None since 0.4.
absl::Status PickleMachine::LoadStorage() {
  PickleId id = 0;
  VISION_RETURN_IF_ERROR(Pop(&id));
  if (kind(id) != PickleKind::kTuple) return Damaged("a storage is malformed");
  const absl::Span<const PickleId> parts = document_.Elements(id);
  if (!parts.empty() && kind(parts[0]) == PickleKind::kString &&
      document_.text(parts[0]) == "module") {
    return absl::InvalidArgumentError(
        "holds a module with its program; save its state_dict() instead");
  }
  if (parts.size() < 5 || parts.size() > 6 ||
      kind(parts[0]) != PickleKind::kString ||
      document_.text(parts[0]) != "storage" ||
      kind(parts[1]) != PickleKind::kClass ||
      document_.nodes_[parts[1]].integer < kFirstStorage ||
      kind(parts[2]) != PickleKind::kString ||
      kind(parts[4]) != PickleKind::kInteger ||
      document_.integer(parts[4]) < 0) {
    return Damaged("a storage is malformed");
  }
  if (parts.size() == 6 && kind(parts[5]) != PickleKind::kNone) {
    return absl::InvalidArgumentError(
        "holds views of storages, which PyTorch before 0.4 wrote; load and "
        "save it with a newer one");
  }
  PickledStorage storage;
  storage.dtype =
      static_cast<DType>(document_.nodes_[parts[1]].integer - kFirstStorage);
  storage.key = document_.text(parts[2]);
  storage.numel = document_.integer(parts[4]);
  VISION_RETURN_IF_ERROR(Append(storage, document_.storages_));
  return PushIndexed(PickleKind::kStorage, document_.storages_.size() - 1);
}

absl::StatusOr<PickleDocument> PickleDocument::Parse(absl::string_view bytes,
                                                     MemoryBudget& budget) {
  return PickleMachine(bytes, budget).Run();
}

}  // namespace vision
