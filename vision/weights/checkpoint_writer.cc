#include "vision/weights/checkpoint_writer.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "vision/base/status_util.h"
#include "vision/weights/little_endian.h"
#include "vision/weights/zip_writer.h"

namespace vision {
namespace {

absl::Status CheckTensors(absl::Span<const DenseTensor> tensors) {
  absl::flat_hash_set<absl::string_view> names;
  for (const DenseTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry ", tensor.name, " occurs twice"));
    }
    if (tensor.name.size() >= std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError("the name of an entry is too long");
    }
    uint64_t expected =
        static_cast<uint64_t>(GetDTypeInfo(tensor.dtype).item_size);
    for (const int64_t size : tensor.shape) {
      expected *= static_cast<uint64_t>(size);
    }
    if (expected != tensor.values.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("entry ", tensor.name, " has ", tensor.values.size(),
                       " bytes, expected ", expected, " for shape [",
                       absl::StrJoin(tensor.shape, ", "), "]"));
    }
  }
  return absl::OkStatus();
}

// Python's pickle protocol 2, as far as torch.save uses it for a state dict or
// a tensor.
class Pickler {
 public:
  void BeginDict() {
    EmptyOrderedDict();
    bytes_ += '(';  // MARK
  }

  // An entry whose values are member data/<storage>.
  void Add(const DenseTensor& tensor, size_t storage) {
    String(tensor.name);
    AddTensor(tensor, storage);
  }

  void EndDict() { bytes_ += 'u'; }  // SETITEMS

  void AddTensor(const DenseTensor& tensor, size_t storage) {
    const DTypeInfo& type = GetDTypeInfo(tensor.dtype);
    Global("torch._utils", "_rebuild_tensor_v2");
    bytes_ += "((";
    String("storage");
    Global("torch", type.torch_storage);
    String(absl::StrCat(storage));
    String("cpu");
    Integer(static_cast<int64_t>(tensor.values.size()) / type.item_size);
    bytes_ += "tQ";  // TUPLE, BINPERSID
    Integer(0);      // Offset in the storage.
    Tuple(tensor.shape);
    std::vector<int64_t> strides(tensor.shape.size());
    int64_t stride = 1;
    for (size_t i = strides.size(); i-- > 0;) {
      strides[i] = stride;
      // As PyTorch has it for empty tensors.
      stride *= std::max<int64_t>(tensor.shape[i], 1);
    }
    Tuple(strides);
    bytes_ += '\x89';    // requires_grad: NEWFALSE
    EmptyOrderedDict();  // Backward hooks.
    bytes_ += "tR";      // TUPLE, REDUCE
  }

  std::string Finish() && {
    bytes_ += '.';  // STOP
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

  void String(absl::string_view text) {
    bytes_ += 'X';  // BINUNICODE
    AppendLittleEndian(text.size(), 4, bytes_);
    absl::StrAppend(&bytes_, text);
  }

  void Integer(int64_t value) {
    if (value <= std::numeric_limits<int32_t>::max()) {
      bytes_ += 'J';  // BININT
      AppendLittleEndian(static_cast<uint64_t>(value), 4, bytes_);
    } else {
      bytes_ += "\x8a\x08";  // LONG1 of 8 bytes
      AppendLittleEndian(static_cast<uint64_t>(value), 8, bytes_);
    }
  }

  void Tuple(absl::Span<const int64_t> values) {
    if (values.empty()) {
      bytes_ += ')';
      return;
    }
    bytes_ += '(';
    for (const int64_t value : values) Integer(value);
    bytes_ += 't';
  }

  std::string bytes_ = "\x80\x02";  // PROTO 2
};

FilePieces TorchZip(Pickler pickler,
                    absl::Span<const absl::string_view> storages) {
  ZipWriter zip;
  zip.AddOwned("archive/data.pkl", std::move(pickler).Finish());
  zip.AddOwned("archive/byteorder", "little");
  for (size_t i = 0; i < storages.size(); ++i) {
    zip.Add(absl::StrCat("archive/data/", i), storages[i]);
  }
  zip.AddOwned("archive/version", "3\n");
  return std::move(zip).Finish();
}

}  // namespace

absl::StatusOr<FilePieces> MakeTorchZip(absl::Span<const DenseTensor> tensors) {
  VISION_RETURN_IF_ERROR(CheckTensors(tensors));
  // By address, size and type.
  using Storage = std::tuple<const char*, size_t, DType>;
  absl::flat_hash_map<Storage, size_t> known;
  std::vector<absl::string_view> storages;
  Pickler pickler;
  pickler.BeginDict();
  for (const DenseTensor& tensor : tensors) {
    size_t index = storages.size();
    if (!tensor.values.empty()) {
      index = known
                  .emplace(Storage(tensor.values.data(), tensor.values.size(),
                                   tensor.dtype),
                           index)
                  .first->second;
    }
    if (index == storages.size()) storages.push_back(tensor.values);
    pickler.Add(tensor, index);
  }
  pickler.EndDict();
  return TorchZip(std::move(pickler), storages);
}

absl::StatusOr<FilePieces> MakeTorchZipOfTensor(const DenseTensor& tensor) {
  VISION_RETURN_IF_ERROR(CheckTensors({tensor}));
  Pickler pickler;
  pickler.AddTensor(tensor, /*storage=*/0);
  return TorchZip(std::move(pickler), {tensor.values});
}

absl::StatusOr<FilePieces> MakeSafetensors(
    absl::Span<const DenseTensor> tensors) {
  VISION_RETURN_IF_ERROR(CheckTensors(tensors));
  // Larger types first, so that each starts at a multiple of its size.
  std::vector<size_t> order(tensors.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return GetDTypeInfo(tensors[a].dtype).item_size >
           GetDTypeInfo(tensors[b].dtype).item_size;
  });
  std::vector<uint64_t> starts(tensors.size());
  uint64_t end = 0;
  for (const size_t i : order) {
    starts[i] = end;
    end += tensors[i].values.size();
  }

  std::string header = "{";
  for (size_t i = 0; i < tensors.size(); ++i) {
    const DenseTensor& tensor = tensors[i];
    const std::string name =
        nlohmann::json(tensor.name)
            .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (nlohmann::json::parse(name).get<std::string>() != tensor.name ||
        tensor.name == "__metadata__") {
      return absl::InvalidArgumentError(
          absl::StrCat("entry ", name, " has a name that safetensors cannot ",
                       "have: not UTF-8, or reserved"));
    }
    absl::StrAppend(&header, i == 0 ? "" : ",", name, ":{\"dtype\":\"",
                    GetDTypeInfo(tensor.dtype).safetensors_name,
                    "\",\"shape\":[", absl::StrJoin(tensor.shape, ","),
                    "],\"data_offsets\":[", starts[i], ",",
                    starts[i] + tensor.values.size(), "]}");
  }
  header += '}';
  constexpr size_t kAlignment = 8;
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, ' ');
  std::string start;
  AppendLittleEndian(header.size(), 8, start);
  start += header;

  FilePieces file;
  file.AddText(std::move(start));
  for (const size_t i : order) file.pieces.push_back(tensors[i].values);
  return file;
}

}  // namespace vision
