#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "vision/weights/fuzz_target.h"
#include "vision/weights/memory_budget.h"
#include "vision/weights/pickle.h"
#include "vision/weights/zip_archive.h"

namespace {

// Follows every value once.
void Walk(const vision::PickleDocument& pickle) {
  std::vector<vision::PickleId> open = {pickle.root()};
  // Containers may hold themselves.
  for (int steps = 0; !open.empty() && steps < 10000; ++steps) {
    const vision::PickleId id = open.back();
    open.pop_back();
    switch (pickle.kind(id)) {
      case vision::PickleKind::kTuple:
      case vision::PickleKind::kList:
      case vision::PickleKind::kSet:
        for (const vision::PickleId element : pickle.Elements(id)) {
          if (open.size() < 1000) open.push_back(element);
        }
        break;
      case vision::PickleKind::kDict:
        for (const auto& item : pickle.Items(id)) {
          if (open.size() < 1000) open.push_back(item.second);
        }
        break;
      case vision::PickleKind::kTensor: {
        const vision::PickledTensor tensor = pickle.Tensor(id);
        CHECK_EQ(tensor.shape.size(), tensor.strides.size());
        CHECK_LE(tensor.offset, tensor.storage.numel);
        break;
      }
      default:
        break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  vision::MemoryBudget budget(vision::MemoryBudget::ForFile(size));
  const auto pickle = vision::PickleDocument::Parse(bytes, budget);
  if (pickle.ok()) {
    CHECK_LE(pickle->size_bytes(), size);
    Walk(*pickle);
  }
  return 0;
}

namespace vision {

std::vector<std::string> FuzzSeeds(
    absl::FunctionRef<std::string(absl::string_view)> read) {
  std::vector<std::string> seeds;
  for (const absl::string_view name :
       {"wrapped_1_13_zip", "plain_2_13_protocol4"}) {
    const std::string bytes = read(name);
    const absl::StatusOr<ZipArchive> zip = ZipArchive::Open(bytes);
    CHECK(zip.ok()) << zip.status();
    const ZipMember* pickle = zip->Find("archive/data.pkl");
    CHECK(pickle != nullptr);
    seeds.push_back(bytes.substr(pickle->offset, pickle->size));
  }
  return seeds;
}

}  // namespace vision
