#include "vision/weights/torch_checkpoint.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "vision/base/status_util.h"
#include "vision/weights/dtype.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/memory_budget.h"
#include "vision/weights/pickle.h"
#include "vision/weights/zip_archive.h"

namespace vision {
namespace {

// What people call the dictionary of weights in a checkpoint, likeliest first.
constexpr absl::string_view kUsualEntries[] = {
    "state_dict",  "model_state_dict", "model",   "net",
    "network",     "module",           "weights", "params",
    "model_state", "teacher",          "student", "ema",
};
// A dictionary that wraps others has few entries.
constexpr size_t kMostWrapped = 256;
constexpr int kMaxWrappings = 4;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("damaged checkpoint: ", what));
}

bool IsDict(const PickleDocument& pickle, PickleId id) {
  return pickle.kind(id) == PickleKind::kDict;
}

bool HasTensors(const PickleDocument& pickle, PickleId dict) {
  for (const auto& item : pickle.Items(dict)) {
    if (pickle.kind(item.second) == PickleKind::kTensor) return true;
  }
  return false;
}

// "int 3", "dictionary of 2", "tensor".
std::string Describe(const PickleDocument& pickle, PickleId id) {
  const PickleKind kind = pickle.kind(id);
  const char* name = PickleKindName(kind);
  constexpr size_t kLongestText = 60;
  switch (kind) {
    case PickleKind::kBool:
      return pickle.integer(id) != 0 ? "True" : "False";
    case PickleKind::kInteger:
      return absl::StrCat(name, " ", pickle.integer(id));
    case PickleKind::kFloat:
      return absl::StrCat(name, " ", pickle.number(id));
    case PickleKind::kString:
      return absl::StrCat(name, " \"", pickle.text(id).substr(0, kLongestText),
                          pickle.text(id).size() > kLongestText ? "..." : "",
                          "\"");
    case PickleKind::kTuple:
    case PickleKind::kList:
    case PickleKind::kSet:
      return absl::StrCat(name, " of ", pickle.Elements(id).size());
    case PickleKind::kDict:
      return absl::StrCat(name, " of ", pickle.Items(id).size());
    default:
      return name;
  }
}

std::string KeyText(const PickleDocument& pickle, PickleId key) {
  return pickle.kind(key) == PickleKind::kString ? std::string(pickle.text(key))
                                                 : Describe(pickle, key);
}

// Finds and describes the tensors of the object that a file holds.
class TensorLister {
 public:
  TensorLister(const PickleDocument& pickle, CheckpointFormat format,
               MemoryBudget& budget)
      : pickle_(pickle), budget_(budget) {
    index_.format = format;
  }

  // Sets index_.entry and dict_.
  absl::Status FindDictionary(const std::string& wanted);

  // Calls `locate` with each tensor's storage; it returns where the storage's
  // bytes start in the file.
  absl::StatusOr<CheckpointIndex> List(
      absl::FunctionRef<absl::StatusOr<int64_t>(const PickledStorage&)> locate);

 private:
  absl::Status FindWanted(const std::string& wanted);
  // Goes from dict_ into one of its dictionaries; false if dict_ has the
  // tensors.
  absl::StatusOr<bool> Descend();

  void Enter(absl::string_view key, PickleId dict) {
    AddOthers(/*except=*/key);
    dict_ = dict;
    absl::StrAppend(&index_.entry, index_.entry.empty() ? "" : "/", key);
  }

  void AddOthers(absl::string_view except) {
    constexpr size_t kMostOthers = 64;
    for (const auto& [key, value] : pickle_.Items(dict_)) {
      if (index_.others.size() >= kMostOthers) return;
      const std::string name = KeyText(pickle_, key);
      if (name == except || pickle_.kind(value) == PickleKind::kTensor) {
        continue;
      }
      constexpr size_t kLongestKey = 200;
      index_.others.push_back(absl::StrCat(name.substr(0, kLongestKey), ": ",
                                           Describe(pickle_, value)));
    }
  }

  const PickleDocument& pickle_;
  MemoryBudget& budget_;
  PickleId dict_ = 0;
  CheckpointIndex index_;
};

absl::Status TensorLister::FindDictionary(const std::string& wanted) {
  dict_ = pickle_.root();
  if (!IsDict(pickle_, dict_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("holds a ", PickleKindName(pickle_.kind(dict_)),
                     ", expected a dictionary of tensors"));
  }
  if (!wanted.empty()) return FindWanted(wanted);
  for (int i = 0; i < kMaxWrappings; ++i) {
    VISION_ASSIGN_OR_RETURN(const bool descended, Descend());
    if (!descended) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("has its tensors more than ", kMaxWrappings,
                   " dictionaries deep; name the one to read"));
}

absl::Status TensorLister::FindWanted(const std::string& wanted) {
  for (const absl::string_view key : absl::StrSplit(wanted, '/')) {
    PickleId inner = 0;
    if (!pickle_.FindItem(dict_, key, &inner) || !IsDict(pickle_, inner)) {
      std::vector<std::string> keys;
      for (const auto& item : pickle_.Items(dict_)) {
        if (!IsDict(pickle_, item.second)) continue;
        if (keys.size() == 20) break;
        keys.push_back(KeyText(pickle_, item.first));
      }
      return absl::InvalidArgumentError(absl::StrCat(
          "has no dictionary \"", wanted, "\"; there ",
          keys.empty() ? "are none"
                       : absl::StrCat("is ", absl::StrJoin(keys, ", "))));
    }
    Enter(key, inner);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> TensorLister::Descend() {
  const auto items = pickle_.Items(dict_);
  if (items.empty() || HasTensors(pickle_, dict_)) return false;
  std::vector<std::pair<absl::string_view, PickleId>> with_tensors;
  std::vector<std::pair<absl::string_view, PickleId>> without;
  if (items.size() <= kMostWrapped) {
    for (const auto& [key, value] : items) {
      if (pickle_.kind(key) != PickleKind::kString || !IsDict(pickle_, value)) {
        continue;
      }
      (HasTensors(pickle_, value) ? with_tensors : without)
          .emplace_back(pickle_.text(key), value);
    }
  }
  // Deeper only if there are no tensors one level down.
  const auto& candidates = with_tensors.empty() ? without : with_tensors;
  for (const absl::string_view usual : kUsualEntries) {
    for (const auto& [key, value] : candidates) {
      if (key == usual) {
        Enter(key, value);
        return true;
      }
    }
  }
  if (candidates.size() == 1) {
    Enter(candidates[0].first, candidates[0].second);
    return true;
  }
  if (with_tensors.empty()) {
    AddOthers("");
    return absl::InvalidArgumentError(
        absl::StrCat("holds no dictionary of tensors, but ",
                     absl::StrJoin(index_.others, ", ").substr(0, 200)));
  }
  std::vector<absl::string_view> keys;
  for (const auto& [key, value] : with_tensors) {
    if (keys.size() < 20) keys.push_back(key);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("holds several dictionaries of tensors; name one of ",
                   absl::StrJoin(keys, ", ")));
}

absl::StatusOr<CheckpointIndex> TensorLister::List(
    absl::FunctionRef<absl::StatusOr<int64_t>(const PickledStorage&)> locate) {
  AddOthers("");
  absl::flat_hash_set<absl::string_view> names;
  for (const auto& [key, value] : pickle_.Items(dict_)) {
    if (pickle_.kind(value) != PickleKind::kTensor) continue;
    if (pickle_.kind(key) != PickleKind::kString) {
      return absl::InvalidArgumentError(absl::StrCat(
          "has a tensor whose key is a ", PickleKindName(pickle_.kind(key)),
          ", expected a string"));
    }
    const PickledTensor tensor = pickle_.Tensor(value);
    const absl::string_view name = pickle_.text(key);
    VISION_RETURN_IF_ERROR(budget_.Take(static_cast<int64_t>(
        sizeof(TensorEntry) + 2 * sizeof(name) + name.size() +
        2 * sizeof(int64_t) * tensor.shape.size())));
    if (!names.insert(name).second) {
      return Damaged(absl::StrCat("entry ", name, " occurs twice"));
    }
    TensorEntry entry;
    entry.name = std::string(name);
    entry.dtype = tensor.storage.dtype;
    entry.shape.assign(tensor.shape.begin(), tensor.shape.end());
    entry.strides.assign(tensor.strides.begin(), tensor.strides.end());
    VISION_ASSIGN_OR_RETURN(const int64_t start, locate(tensor.storage));
    const int64_t item_size = GetDTypeInfo(entry.dtype).item_size;
    entry.offset = start + tensor.offset * item_size;
    if (entry.numel() > 0) {
      int64_t last = 0;
      for (size_t i = 0; i < entry.shape.size(); ++i) {
        last += (entry.shape[i] - 1) * entry.strides[i];
      }
      entry.span_bytes = (last + 1) * item_size;
    }
    index_.tensors.push_back(std::move(entry));
  }
  return std::move(index_);
}

// Whether `numel` elements fit; `numel` is not negative.
bool Fits(int64_t numel, DType dtype, uint64_t bytes) {
  return static_cast<uint64_t>(numel) <=
         bytes / static_cast<uint64_t>(GetDTypeInfo(dtype).item_size);
}

std::string TooSmall(const PickledStorage& storage, uint64_t bytes) {
  return absl::StrCat("storage ", storage.key, " has ", bytes,
                      " bytes, expected ", storage.numel, " elements of ",
                      GetDTypeInfo(storage.dtype).item_size);
}

// ---- The zip format

class ZipCheckpoint {
 public:
  ZipCheckpoint(absl::string_view bytes, const ZipArchive& zip,
                const CheckpointOptions& options)
      : bytes_(bytes), zip_(zip), options_(options) {}

  absl::StatusOr<CheckpointIndex> Index() {
    if (!zip_.members().empty()) {
      const absl::string_view first = zip_.members()[0].name;
      folder_ = std::string(first.substr(0, first.find('/')));
    }
    if (Find("constants.pkl") != nullptr) {
      return absl::InvalidArgumentError(
          "holds a TorchScript program; save its state_dict() instead");
    }
    const ZipMember* pickle = Find("data.pkl");
    if (pickle == nullptr) {
      return absl::InvalidArgumentError(
          "is a zip archive without data.pkl, so torch.save did not write it");
    }
    const ZipMember* order = Find("byteorder");
    if (order != nullptr) {
      VISION_RETURN_IF_ERROR(Verify(*order));
      if (Bytes(*order) != "little") {
        return absl::InvalidArgumentError("its numbers are not little-endian");
      }
    }
    VISION_RETURN_IF_ERROR(Verify(*pickle));
    MemoryBudget budget(MemoryBudget::ForFile(bytes_.size()));
    VISION_ASSIGN_OR_RETURN(const PickleDocument document,
                            PickleDocument::Parse(Bytes(*pickle), budget));
    TensorLister lister(document, CheckpointFormat::kTorchZip, budget);
    VISION_RETURN_IF_ERROR(lister.FindDictionary(options_.entry));
    return lister.List(
        [this](const PickledStorage& storage) { return Locate(storage); });
  }

 private:
  const ZipMember* Find(absl::string_view name) const {
    return zip_.Find(absl::StrCat(folder_, "/", name));
  }

  absl::string_view Bytes(const ZipMember& member) const {
    return bytes_.substr(member.offset, member.size);
  }

  absl::Status Verify(const ZipMember& member) {
    if (!member.is_stored) {
      return absl::InvalidArgumentError(absl::StrCat(
          "member \"", member.name, "\" of the zip archive is ",
          "compressed or encrypted, which torch.save does not do"));
    }
    if (!options_.verify_checksums || !verified_.insert(&member).second) {
      return absl::OkStatus();
    }
    return Annotate(zip_.CheckCrc(member),
                    "if it was written with compute_crc32 off, it has to be "
                    "read without comparing checksums");
  }

  absl::StatusOr<int64_t> Locate(const PickledStorage& storage) {
    const ZipMember* member = Find(absl::StrCat("data/", storage.key));
    if (member == nullptr) {
      return Damaged(absl::StrCat("storage ", storage.key, " is missing"));
    }
    if (!Fits(storage.numel, storage.dtype, member->size)) {
      return Damaged(TooSmall(storage, member->size));
    }
    VISION_RETURN_IF_ERROR(Verify(*member));
    return static_cast<int64_t>(member->offset);
  }

  absl::string_view bytes_;
  const ZipArchive& zip_;
  const CheckpointOptions& options_;
  // All members are in one.
  std::string folder_;
  absl::flat_hash_set<const ZipMember*> verified_;
};

// ---- The format before 1.6

// 0x1950a86a20f9469cfc6c as LONG1, then STOP.
constexpr absl::string_view kMagic =
    "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
// PROTO and its number, and in newer protocols FRAME and its length.
constexpr size_t kMostBeforeMagic = 2 + 9;

// Where the pickle of the magic number ends; 0 if there is none.
size_t EndOfMagic(absl::string_view bytes) {
  if (!absl::StartsWith(bytes, "\x80")) return 0;
  const size_t at =
      bytes.substr(0, kMostBeforeMagic + kMagic.size()).find(kMagic);
  return at == absl::string_view::npos ? 0 : at + kMagic.size();
}

struct LegacyStorage {
  DType dtype = DType::kFloat32;
  uint64_t offset = 0;
  uint64_t size = 0;
  bool located = false;
};

using LegacyStorages = absl::flat_hash_map<absl::string_view, LegacyStorage>;

// Walks the values, which follow the pickles in the order of `keys`.
absl::Status LocateLegacyStorages(absl::string_view bytes, size_t position,
                                  const PickleDocument& keys,
                                  LegacyStorages& storages) {
  if (keys.kind(keys.root()) != PickleKind::kList) {
    return Damaged("the list of storages is missing");
  }
  for (const PickleId id : keys.Elements(keys.root())) {
    if (keys.kind(id) != PickleKind::kString) {
      return Damaged("the list of storages is malformed");
    }
    const absl::string_view key = keys.text(id);
    const auto found = storages.find(key);
    if (found == storages.end() || found->second.located) {
      return Damaged(absl::StrCat("storage ", key, " belongs to no tensor"));
    }
    LegacyStorage& storage = found->second;
    constexpr size_t kLengthSize = 8;
    if (bytes.size() - position < kLengthSize) {
      return Damaged(absl::StrCat("storage ", key, " is missing"));
    }
    const uint64_t numel =
        LoadLittleEndian(bytes.substr(position), kLengthSize);
    position += kLengthSize;
    const auto item_size =
        static_cast<uint64_t>(GetDTypeInfo(storage.dtype).item_size);
    if (numel > (bytes.size() - position) / item_size) {
      return Damaged(absl::StrCat(
          "storage ", key, " claims ", numel, " elements of ", item_size,
          " bytes, but the file has ", bytes.size() - position, " bytes left"));
    }
    storage.offset = position;
    storage.size = numel * item_size;
    storage.located = true;
    position += storage.size;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CheckpointIndex> IndexTorchZip(
    absl::string_view bytes, const CheckpointOptions& options) {
  VISION_ASSIGN_OR_RETURN(const ZipArchive zip, ZipArchive::Open(bytes));
  return ZipCheckpoint(bytes, zip, options).Index();
}

bool LooksLikeTorchLegacy(absl::string_view bytes) {
  return EndOfMagic(bytes) != 0;
}

absl::StatusOr<CheckpointIndex> IndexTorchLegacy(
    absl::string_view bytes, const CheckpointOptions& options) {
  size_t position = EndOfMagic(bytes);
  if (position == 0) {
    return absl::InvalidArgumentError("does not start with the magic number");
  }
  MemoryBudget budget(MemoryBudget::ForFile(bytes.size()));
  const auto next = [&]() -> absl::StatusOr<PickleDocument> {
    absl::StatusOr<PickleDocument> pickle =
        PickleDocument::Parse(bytes.substr(position), budget);
    if (pickle.ok()) position += pickle->size_bytes();
    return pickle;
  };
  VISION_ASSIGN_OR_RETURN(const PickleDocument version, next());
  constexpr int64_t kVersion = 1001;
  if (version.kind(version.root()) != PickleKind::kInteger ||
      version.integer(version.root()) != kVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("is of version ", Describe(version, version.root()),
                     " of the old format, expected ", kVersion));
  }
  VISION_ASSIGN_OR_RETURN(const PickleDocument machine, next());
  PickleId little = 0;
  if (!IsDict(machine, machine.root()) ||
      !machine.FindItem(machine.root(), "little_endian", &little) ||
      machine.kind(little) != PickleKind::kBool) {
    return Damaged("the description of the machine is missing");
  }
  if (machine.integer(little) == 0) {
    return absl::InvalidArgumentError("its numbers are not little-endian");
  }
  VISION_ASSIGN_OR_RETURN(const PickleDocument object, next());
  TensorLister lister(object, CheckpointFormat::kTorchLegacy, budget);
  VISION_RETURN_IF_ERROR(lister.FindDictionary(options.entry));
  VISION_ASSIGN_OR_RETURN(const PickleDocument keys, next());

  LegacyStorages storages;
  for (const PickledStorage& storage : object.storages()) {
    VISION_RETURN_IF_ERROR(
        budget.Take(sizeof(LegacyStorage) + sizeof(absl::string_view)));
    LegacyStorage first;
    first.dtype = storage.dtype;
    storages.emplace(storage.key, first);
  }
  VISION_RETURN_IF_ERROR(LocateLegacyStorages(bytes, position, keys, storages));
  return lister.List(
      [&](const PickledStorage& storage) -> absl::StatusOr<int64_t> {
        const LegacyStorage& located = storages.at(storage.key);
        if (!located.located) {
          return Damaged(absl::StrCat("storage ", storage.key, " is missing"));
        }
        if (!Fits(storage.numel, storage.dtype, located.size)) {
          return Damaged(TooSmall(storage, located.size));
        }
        return static_cast<int64_t>(located.offset);
      });
}

}  // namespace vision
