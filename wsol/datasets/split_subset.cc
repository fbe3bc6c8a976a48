#include "wsol/datasets/split_subset.h"

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "vision/base/rng.h"

namespace wsol {
namespace {

// FNV-1a: the same everywhere, unlike the hashes of containers.
uint64_t HashOfId(absl::string_view id) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

absl::StatusOr<SplitMetadata> SelectSubset(const SplitMetadata& metadata,
                                           const SubsetOptions& options) {
  if (options.per_class < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "per_class is ", options.per_class, ", expected 1 or more"));
  }
  const size_t per_class = static_cast<size_t>(options.per_class);
  // Each image gets a random number; those with the smallest are taken.
  std::vector<std::vector<std::pair<uint64_t, size_t>>> classes(
      static_cast<size_t>(metadata.num_classes));
  for (size_t i = 0; i < metadata.images.size(); ++i) {
    const ImageRecord& image = metadata.images[i];
    const uint64_t number =
        vision::Rng(options.seed, {HashOfId(image.id)}).Next();
    classes[static_cast<size_t>(image.label)].emplace_back(number, i);
  }
  int64_t small_classes = 0;
  size_t smallest = 0;
  std::vector<size_t> selected;
  for (size_t label = 0; label < classes.size(); ++label) {
    auto& images = classes[label];
    if (images.size() < per_class) {
      ++small_classes;
      if (images.size() < classes[smallest].size()) smallest = label;
    }
    const size_t count = std::min(images.size(), per_class);
    std::partial_sort(
        images.begin(), images.begin() + static_cast<ptrdiff_t>(count),
        images.end(), [&](const auto& a, const auto& b) {
          return std::forward_as_tuple(a.first, metadata.images[a.second].id) <
                 std::forward_as_tuple(b.first, metadata.images[b.second].id);
        });
    for (size_t k = 0; k < count; ++k) selected.push_back(images[k].second);
  }
  if (small_classes > 0 && !options.allow_fewer) {
    return absl::InvalidArgumentError(absl::StrCat(
        small_classes, " of ", classes.size(), " classes have fewer than ",
        per_class, " images, class ", smallest, " has ",
        classes[smallest].size(), "; --allow_fewer takes such classes whole"));
  }
  std::sort(selected.begin(), selected.end());
  SplitMetadata subset;
  subset.num_classes = metadata.num_classes;
  subset.images.reserve(selected.size());
  for (const size_t i : selected) subset.images.push_back(metadata.images[i]);
  return subset;
}

}  // namespace wsol
