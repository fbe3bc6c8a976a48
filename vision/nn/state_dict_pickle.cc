#include "vision/nn/state_dict_pickle.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "caffe2/serialize/inline_container.h"
#include "caffe2/serialize/read_adapter_interface.h"
#include "vision/base/status_util.h"

namespace vision {
namespace {

struct Storage {
  at::ScalarType type;
  const char* name;
};

constexpr Storage kStorages[] = {
    {at::kFloat, "FloatStorage"},       {at::kDouble, "DoubleStorage"},
    {at::kHalf, "HalfStorage"},         {at::kLong, "LongStorage"},
    {at::kBFloat16, "BFloat16Storage"}, {at::kInt, "IntStorage"},
    {at::kShort, "ShortStorage"},       {at::kChar, "CharStorage"},
    {at::kByte, "ByteStorage"},         {at::kBool, "BoolStorage"},
};

// Python's pickle protocol 2, as far as torch.save uses it for a state dict.
class Pickler {
 public:
  Pickler() {
    bytes_ = "\x80\x02";  // PROTO 2
    EmptyOrderedDict();
    bytes_ += '(';  // MARK
  }

  // An entry whose values are record data/<index>.
  void Add(const std::string& name, const at::Tensor& dense,
           absl::string_view storage, size_t index) {
    String(name);
    Global("torch._utils", "_rebuild_tensor_v2");
    bytes_ += "((";
    String("storage");
    Global("torch", storage);
    String(absl::StrCat(index));
    String("cpu");
    Integer(dense.numel());
    bytes_ += "tQ";  // TUPLE, BINPERSID
    Integer(0);      // Offset in the storage.
    Tuple(dense.sizes());
    Tuple(dense.strides());
    bytes_ += '\x89';    // requires_grad: NEWFALSE
    EmptyOrderedDict();  // Backward hooks.
    bytes_ += "tR";      // TUPLE, REDUCE
  }

  std::string Finish() && {
    bytes_ += "u.";  // SETITEMS, STOP
    return std::move(bytes_);
  }

 private:
  void EmptyOrderedDict() {
    Global("collections", "OrderedDict");
    bytes_ += ")R";  // EMPTY_TUPLE, REDUCE
  }

  void Global(absl::string_view module, absl::string_view name) {
    absl::StrAppend(&bytes_, "c", module, "\n", name, "\n");
  }

  void LittleEndian(uint64_t value, int num_bytes) {
    for (int i = 0; i < num_bytes; ++i) {
      bytes_ += static_cast<char>(value >> (8 * i));
    }
  }

  void String(absl::string_view text) {
    bytes_ += 'X';  // BINUNICODE
    LittleEndian(text.size(), 4);
    absl::StrAppend(&bytes_, text);
  }

  void Integer(int64_t value) {
    if (value <= std::numeric_limits<int32_t>::max()) {
      bytes_ += 'J';  // BININT
      LittleEndian(static_cast<uint64_t>(value), 4);
    } else {
      bytes_ += "\x8a\x08";  // LONG1 of 8 bytes
      LittleEndian(static_cast<uint64_t>(value), 8);
    }
  }

  void Tuple(at::IntArrayRef values) {
    if (values.empty()) {
      bytes_ += ')';
      return;
    }
    bytes_ += '(';
    for (const int64_t value : values) Integer(value);
    bytes_ += 't';
  }

  std::string bytes_;
};

class MemoryReader : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit MemoryReader(absl::string_view bytes) : bytes_(bytes) {}

  size_t size() const override { return bytes_.size(); }

  size_t read(uint64_t position, void* buffer, size_t count,
              const char* /*what*/) const override {
    if (position >= bytes_.size()) return 0;
    count = std::min(count, bytes_.size() - static_cast<size_t>(position));
    std::memcpy(buffer, bytes_.data() + position, count);
    return count;
  }

 private:
  absl::string_view bytes_;
};

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged pickle: ", what));
}

// A value on the stack of the unpickler.
struct Value {
  enum class Kind {
    kMark,
    kNone,
    kBool,
    kInteger,
    kFloat,
    kString,
    kClass,    // text: module and name
    kStorage,  // tensor: all its elements, one axis
    kTensor,
    kTuple,
    kList,
    kDict,  // items: key, value, key, value, ...
  };

  Kind kind = Kind::kNone;
  int64_t integer = 0;
  std::string text;
  at::Tensor tensor;
  std::vector<std::shared_ptr<Value>> items;
  // Containers below this one, bounded so that recursion is.
  int depth = 0;
};

using Kind = Value::Kind;
using ValuePtr = std::shared_ptr<Value>;

constexpr int kMaxDepth = 32;

const char* KindName(Kind kind) {
  constexpr const char* kNames[] = {"mark",   "None",   "bool",  "int",
                                    "float",  "string", "class", "storage",
                                    "tensor", "tuple",  "list",  "dictionary"};
  return kNames[static_cast<int>(kind)];
}

ValuePtr Make(Kind kind) {
  auto value = std::make_shared<Value>();
  value->kind = kind;
  return value;
}

// The stack machine of Python's pickle with a short list of classes.
//
// Lists and dictionaries may not be fetched from the memo, so that each has one
// owner and no cycle can form; state dicts have none that are shared.
class Unpickler {
 public:
  Unpickler(absl::string_view pickle,
            caffe2::serialize::PyTorchStreamReader& archive)
      : rest_(pickle), archive_(archive) {}

  absl::StatusOr<ValuePtr> Run() {
    while (result_ == nullptr) {
      uint64_t opcode = 0;
      VISION_RETURN_IF_ERROR(TakeUnsigned(1, &opcode));
      VISION_RETURN_IF_ERROR(Step(static_cast<unsigned char>(opcode)));
    }
    return result_;
  }

 private:
  absl::Status Take(uint64_t count, absl::string_view* bytes) {
    if (count > rest_.size()) return Damaged("it ends early");
    *bytes = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(static_cast<size_t>(count));
    return absl::OkStatus();
  }

  // `num_bytes` <= 8, little-endian.
  absl::Status TakeUnsigned(uint64_t num_bytes, uint64_t* value) {
    absl::string_view bytes;
    VISION_RETURN_IF_ERROR(Take(num_bytes, &bytes));
    *value = 0;
    for (size_t i = bytes.size(); i-- > 0;) {
      *value = *value << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return absl::OkStatus();
  }

  absl::Status TakeLine(absl::string_view* line) {
    const size_t end = rest_.find('\n');
    if (end == absl::string_view::npos) return Damaged("a name has no end");
    *line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return absl::OkStatus();
  }

  void Push(ValuePtr value) { stack_.push_back(std::move(value)); }

  absl::Status Pop(ValuePtr* value) {
    if (stack_.empty()) return Damaged("a value is missing");
    *value = std::move(stack_.back());
    stack_.pop_back();
    return absl::OkStatus();
  }

  // Pops the last `count` values, in order.
  absl::Status PopMany(size_t count, std::vector<ValuePtr>* values) {
    if (stack_.size() < count) return Damaged("a value is missing");
    values->assign(stack_.end() - static_cast<std::ptrdiff_t>(count),
                   stack_.end());
    stack_.resize(stack_.size() - count);
    return absl::OkStatus();
  }

  // Pops all above the last mark, and the mark.
  absl::Status PopToMark(std::vector<ValuePtr>* values) {
    size_t count = 0;
    while (count < stack_.size() &&
           stack_[stack_.size() - 1 - count]->kind != Kind::kMark) {
      ++count;
    }
    VISION_RETURN_IF_ERROR(PopMany(count, values));
    ValuePtr mark;
    return Pop(&mark);
  }

  absl::Status Append(Value& container, const std::vector<ValuePtr>& values) {
    for (const ValuePtr& value : values) {
      container.depth = std::max(container.depth, value->depth + 1);
      container.items.push_back(value);
    }
    if (container.depth > kMaxDepth) return Damaged("containers are too deep");
    return absl::OkStatus();
  }

  absl::Status PushTuple(const std::vector<ValuePtr>& values) {
    Push(Make(Kind::kTuple));
    return Append(*stack_.back(), values);
  }

  absl::Status AppendToTop(Kind kind, const std::vector<ValuePtr>& values) {
    if (stack_.empty() || stack_.back()->kind != kind ||
        (kind == Kind::kDict && values.size() % 2 != 0)) {
      return Damaged("items without a container");
    }
    return Append(*stack_.back(), values);
  }

  absl::Status PushString(uint64_t length_bytes) {
    uint64_t length = 0;
    VISION_RETURN_IF_ERROR(TakeUnsigned(length_bytes, &length));
    absl::string_view text;
    VISION_RETURN_IF_ERROR(Take(length, &text));
    Push(Make(Kind::kString));
    stack_.back()->text = std::string(text);
    return absl::OkStatus();
  }

  // A two's complement integer of `num_bytes` <= 8.
  absl::Status PushInteger(uint64_t num_bytes, bool is_signed) {
    if (num_bytes > 8) return Damaged("an integer is too long");
    uint64_t value = 0;
    VISION_RETURN_IF_ERROR(TakeUnsigned(num_bytes, &value));
    if (is_signed && num_bytes > 0 && num_bytes < 8 &&
        (value >> (8 * num_bytes - 1)) != 0) {
      value |= ~uint64_t{0} << (8 * num_bytes);
    }
    Push(Make(Kind::kInteger));
    stack_.back()->integer = static_cast<int64_t>(value);
    return absl::OkStatus();
  }

  absl::Status Memoize(uint64_t index_bytes) {
    uint64_t index = 0;
    VISION_RETURN_IF_ERROR(TakeUnsigned(index_bytes, &index));
    if (stack_.empty()) return Damaged("a value is missing");
    memo_[index] = stack_.back();
    return absl::OkStatus();
  }

  absl::Status Fetch(uint64_t index_bytes) {
    uint64_t index = 0;
    VISION_RETURN_IF_ERROR(TakeUnsigned(index_bytes, &index));
    const auto found = memo_.find(index);
    if (found == memo_.end()) return Damaged("a memo is missing");
    const Kind kind = found->second->kind;
    if (kind == Kind::kList || kind == Kind::kDict || kind == Kind::kMark) {
      return absl::InvalidArgumentError(absl::StrCat(
          "holds a shared ", KindName(kind), ", which state dicts do not"));
    }
    Push(found->second);
    return absl::OkStatus();
  }

  absl::Status Step(unsigned char opcode);
  absl::Status Reduce();
  absl::Status LoadStorage();
  absl::StatusOr<ValuePtr> RebuildTensor(
      const std::vector<ValuePtr>& arguments);

  absl::string_view rest_;
  caffe2::serialize::PyTorchStreamReader& archive_;
  std::vector<ValuePtr> stack_;
  std::unordered_map<uint64_t, ValuePtr> memo_;
  std::unordered_map<std::string, ValuePtr> storages_;
  ValuePtr result_;
};

absl::Status Unpickler::Step(unsigned char opcode) {
  std::vector<ValuePtr> values;
  ValuePtr value;
  absl::string_view text;
  uint64_t number = 0;
  switch (opcode) {
    case 0x80:  // PROTO
      VISION_RETURN_IF_ERROR(TakeUnsigned(1, &number));
      if (number > 3) return Damaged("its protocol is newer than 3");
      return absl::OkStatus();
    case '.':  // STOP
      return Pop(&result_);
    case '(':  // MARK
      Push(Make(Kind::kMark));
      return absl::OkStatus();
    case 'N':  // NONE
      Push(Make(Kind::kNone));
      return absl::OkStatus();
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      Push(Make(Kind::kBool));
      return absl::OkStatus();
    case '}':  // EMPTY_DICT
      Push(Make(Kind::kDict));
      return absl::OkStatus();
    case ']':  // EMPTY_LIST
      Push(Make(Kind::kList));
      return absl::OkStatus();
    case ')':  // EMPTY_TUPLE
      return PushTuple({});
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      VISION_RETURN_IF_ERROR(PopMany(opcode - 0x84u, &values));
      return PushTuple(values);
    case 't':  // TUPLE
      VISION_RETURN_IF_ERROR(PopToMark(&values));
      return PushTuple(values);
    case 'a':  // APPEND
      VISION_RETURN_IF_ERROR(PopMany(1, &values));
      return AppendToTop(Kind::kList, values);
    case 'e':  // APPENDS
      VISION_RETURN_IF_ERROR(PopToMark(&values));
      return AppendToTop(Kind::kList, values);
    case 's':  // SETITEM
      VISION_RETURN_IF_ERROR(PopMany(2, &values));
      return AppendToTop(Kind::kDict, values);
    case 'u':  // SETITEMS
      VISION_RETURN_IF_ERROR(PopToMark(&values));
      return AppendToTop(Kind::kDict, values);
    case 'X':  // BINUNICODE
      return PushString(4);
    case 'K':  // BININT1
      return PushInteger(1, /*is_signed=*/false);
    case 'M':  // BININT2
      return PushInteger(2, /*is_signed=*/false);
    case 'J':  // BININT
      return PushInteger(4, /*is_signed=*/true);
    case 0x8a:  // LONG1
      VISION_RETURN_IF_ERROR(TakeUnsigned(1, &number));
      return PushInteger(number, /*is_signed=*/true);
    case 'G':  // BINFLOAT
      VISION_RETURN_IF_ERROR(Take(8, &text));
      Push(Make(Kind::kFloat));
      return absl::OkStatus();
    case 'q':  // BINPUT
      return Memoize(1);
    case 'r':  // LONG_BINPUT
      return Memoize(4);
    case 'h':  // BINGET
      return Fetch(1);
    case 'j':  // LONG_BINGET
      return Fetch(4);
    case 'c':  // GLOBAL
      VISION_RETURN_IF_ERROR(TakeLine(&text));
      Push(Make(Kind::kClass));
      stack_.back()->text = std::string(text);
      VISION_RETURN_IF_ERROR(TakeLine(&text));
      absl::StrAppend(&stack_.back()->text, ".", text);
      return absl::OkStatus();
    case 'R':  // REDUCE
      return Reduce();
    case 'b':  // BUILD: attributes of a state dict (_metadata), not needed
      VISION_RETURN_IF_ERROR(Pop(&value));
      if (stack_.empty() || stack_.back()->kind != Kind::kDict) {
        return Damaged("attributes without an object");
      }
      return absl::OkStatus();
    case 'Q':  // BINPERSID
      return LoadStorage();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("holds pickle instruction ", static_cast<int>(opcode),
                       ", which state dicts do not"));
  }
}

absl::Status Unpickler::Reduce() {
  ValuePtr arguments;
  ValuePtr callable;
  VISION_RETURN_IF_ERROR(Pop(&arguments));
  VISION_RETURN_IF_ERROR(Pop(&callable));
  if (callable->kind != Kind::kClass || arguments->kind != Kind::kTuple) {
    return Damaged("a call without a class");
  }
  if (callable->text == "collections.OrderedDict") {
    if (!arguments->items.empty()) {
      return Damaged("an OrderedDict has arguments");
    }
    Push(Make(Kind::kDict));
    return absl::OkStatus();
  }
  if (callable->text == "torch._utils._rebuild_tensor_v2") {
    VISION_ASSIGN_OR_RETURN(ValuePtr tensor, RebuildTensor(arguments->items));
    Push(std::move(tensor));
    return absl::OkStatus();
  }
  if (callable->text == "torch._utils._rebuild_parameter" &&
      !arguments->items.empty() && arguments->items[0]->kind == Kind::kTensor) {
    Push(arguments->items[0]);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "wants to call ", callable->text, ", which no state dict needs"));
}

// ("storage", class, key, device, number of elements)
absl::Status Unpickler::LoadStorage() {
  ValuePtr id;
  VISION_RETURN_IF_ERROR(Pop(&id));
  if (id->kind != Kind::kTuple || id->items.size() != 5 ||
      id->items[0]->text != "storage" || id->items[1]->kind != Kind::kClass ||
      id->items[2]->kind != Kind::kString ||
      id->items[4]->kind != Kind::kInteger) {
    return Damaged("a storage is malformed");
  }
  const std::string& class_name = id->items[1]->text;
  const auto* type = std::find_if(
      std::begin(kStorages), std::end(kStorages), [&](const Storage& storage) {
        return class_name == absl::StrCat("torch.", storage.name);
      });
  if (type == std::end(kStorages)) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds a ", class_name, ", which is not supported"));
  }
  const std::string& key = id->items[2]->text;
  const auto [found, is_new] = storages_.emplace(key, nullptr);
  if (is_new) {
    const std::string record = absl::StrCat("data/", key);
    if (!archive_.hasRecord(record)) {
      return Damaged(absl::StrCat("record ", record, " is missing"));
    }
    auto [data, size] = archive_.getRecord(record);
    const auto item_size = static_cast<int64_t>(c10::elementSize(type->type));
    const int64_t count = id->items[4]->integer;
    if (count < 0 || count > static_cast<int64_t>(size) / item_size) {
      return Damaged(absl::StrCat("record ", record, " has ", size,
                                  " bytes, expected ", count, " elements of ",
                                  item_size));
    }
    // The deleter owns the record.
    auto owner = std::make_shared<at::DataPtr>(std::move(data));
    found->second = Make(Kind::kStorage);
    found->second->tensor = at::from_blob(
        owner->get(), {count}, [owner](void*) {}, type->type);
  } else if (found->second->tensor.scalar_type() != type->type) {
    return Damaged("a storage has two types");
  }
  Push(found->second);
  return absl::OkStatus();
}

// (storage, offset, sizes, strides, requires_grad, hooks, ...)
absl::StatusOr<ValuePtr> Unpickler::RebuildTensor(
    const std::vector<ValuePtr>& arguments) {
  if (arguments.size() < 4 || arguments[0]->kind != Kind::kStorage ||
      arguments[1]->kind != Kind::kInteger ||
      arguments[2]->kind != Kind::kTuple ||
      arguments[3]->kind != Kind::kTuple ||
      arguments[2]->items.size() != arguments[3]->items.size()) {
    return Damaged("a tensor is malformed");
  }
  const at::Tensor& storage = arguments[0]->tensor;
  const int64_t available = storage.numel();
  const int64_t offset = arguments[1]->integer;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  // A size may exceed the storage at stride 0; this bounds their product.
  constexpr int64_t kMaxElements = int64_t{1} << 40;
  int64_t numel = 1;
  bool good = offset >= 0 && offset <= available;
  for (size_t i = 0; i < arguments[2]->items.size(); ++i) {
    const Value& size = *arguments[2]->items[i];
    const Value& stride = *arguments[3]->items[i];
    good = good && size.kind == Kind::kInteger &&
           stride.kind == Kind::kInteger && size.integer >= 0 &&
           size.integer <= kMaxElements && stride.integer >= 0 &&
           (size.integer == 0 || numel <= kMaxElements / size.integer);
    if (!good) break;
    numel *= size.integer;
    sizes.push_back(size.integer);
    strides.push_back(stride.integer);
  }
  // The last element, in steps that cannot overflow.
  int64_t last = offset;
  for (size_t i = 0; good && numel > 0 && i < sizes.size(); ++i) {
    if (sizes[i] == 1 || strides[i] == 0) continue;
    good = sizes[i] - 1 <= (available - last) / strides[i];
    if (good) last += (sizes[i] - 1) * strides[i];
  }
  if (!good || (numel > 0 && last >= available)) {
    return Damaged("a tensor lies outside of its storage");
  }
  ValuePtr value = Make(Kind::kTensor);
  value->tensor = storage.as_strided(sizes, strides, offset);
  return value;
}

}  // namespace

absl::StatusOr<std::string> PickleTensors(const NamedTensors& tensors) {
  Pickler pickler;
  std::vector<at::Tensor> records;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry ", name, " is an undefined tensor"));
    }
    const at::Tensor dense =
        tensor.detach().cpu().contiguous(at::MemoryFormat::Contiguous);
    const auto* storage = std::find_if(
        std::begin(kStorages), std::end(kStorages),
        [&](const Storage& s) { return s.type == dense.scalar_type(); });
    if (storage == std::end(kStorages)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "entry ", name, " has dtype ", c10::toString(dense.scalar_type()),
          ", for which PyTorch has no storage"));
    }
    pickler.Add(name, dense, storage->name, records.size());
    records.push_back(dense);
  }
  const std::string pickle = std::move(pickler).Finish();

  std::string file;
  caffe2::serialize::PyTorchStreamWriter writer(
      [&file](const void* data, size_t size) {
        file.append(static_cast<const char*>(data), size);
        return size;
      });
  writer.writeRecord("data.pkl", pickle.data(), pickle.size());
  for (size_t i = 0; i < records.size(); ++i) {
    writer.writeRecord(absl::StrCat("data/", i), records[i].data_ptr(),
                       records[i].nbytes());
  }
  writer.writeEndOfFile();
  return file;
}

absl::StatusOr<NamedTensors> UnpickleTensors(absl::string_view bytes) {
  caffe2::serialize::PyTorchStreamReader archive(
      std::make_shared<MemoryReader>(bytes));
  if (archive.hasRecord("byteorder")) {
    const auto [order, size] = archive.getRecord("byteorder");
    if (absl::string_view(static_cast<const char*>(order.get()), size) !=
        "little") {
      return absl::InvalidArgumentError("its numbers are not little-endian");
    }
  }
  const auto [pickle, size] = archive.getRecord("data.pkl");
  Unpickler unpickler(
      absl::string_view(static_cast<const char*>(pickle.get()), size), archive);
  VISION_ASSIGN_OR_RETURN(const ValuePtr root, unpickler.Run());
  if (root->kind != Kind::kDict) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds a ", KindName(root->kind),
                     ", expected a dictionary of tensors"));
  }
  NamedTensors tensors;
  for (size_t i = 0; i + 1 < root->items.size(); i += 2) {
    const Value& key = *root->items[i];
    const Value& value = *root->items[i + 1];
    if (key.kind != Kind::kString) {
      return absl::InvalidArgumentError(absl::StrCat(
          "has a key that is a ", KindName(key.kind), ", expected a string"));
    }
    if (value.kind != Kind::kTensor) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry \"", key.text, "\" is a ", KindName(value.kind),
                       ", expected a tensor"));
    }
    tensors.emplace_back(key.text, value.tensor);
  }
  return tensors;
}

}  // namespace vision
