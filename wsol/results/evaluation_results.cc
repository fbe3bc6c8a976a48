#include "wsol/results/evaluation_results.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "vision/base/sha256.h"
#include "vision/geometry/box.h"

namespace wsol {

std::string BoxMetricName(LocalizationKind kind, int iou_percent) {
  switch (kind) {
    case LocalizationKind::kTop1:
      return absl::StrCat("Top1Loc@", iou_percent);
    case LocalizationKind::kTop5:
      return absl::StrCat("Top5Loc@", iou_percent);
    case LocalizationKind::kKnownClass:
      break;
  }
  return absl::StrCat("BoxAcc@", iou_percent);
}

std::string BoxMetricKey(BoxMode mode, LocalizationKind kind, int iou_percent) {
  return absl::StrCat(BoxModeName(mode), "/", BoxMetricName(kind, iou_percent));
}

std::string DataDigest(const Dataset& dataset,
                       absl::Span<const uint32_t> mask_checksums) {
  std::vector<int64_t> order(static_cast<size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return dataset.record(a).id < dataset.record(b).id;
  });
  vision::Sha256 hash;
  for (const int64_t i : order) {
    const ImageRecord& image = dataset.record(i);
    // Ids and paths have no line ends in them.
    std::string text = absl::StrCat(image.id, "\n", image.label, " ",
                                    image.width, " ", image.height, "\n");
    std::vector<vision::Box> boxes = image.boxes;
    std::sort(boxes.begin(), boxes.end(),
              [](const vision::Box& a, const vision::Box& b) {
                return std::make_tuple(a.x0, a.y0, a.x1, a.y1) <
                       std::make_tuple(b.x0, b.y0, b.x1, b.y1);
              });
    for (const vision::Box& box : boxes) {
      absl::StrAppend(&text, box.x0, " ", box.y0, " ", box.x1, " ", box.y1,
                      "\n");
    }
    if (!image.mask_paths.empty()) {
      absl::StrAppend(&text, "mask ", mask_checksums[static_cast<size_t>(i)],
                      "\n");
    }
    hash.Update(text);
  }
  return hash.HexDigest();
}

std::vector<BoxScore> ReportedBoxScores(const EvaluationResults& results) {
  std::vector<BoxScore> scores;
  for (const BoxMode mode : results.box_modes) {
    for (const BoxScore& score : results.box_scores) {
      if (score.mode != mode) continue;
      if (score.kind == LocalizationKind::kTop5 && !results.top5_known) {
        continue;
      }
      scores.push_back(score);
    }
  }
  return scores;
}

}  // namespace wsol
