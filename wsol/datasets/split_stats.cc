#include "wsol/datasets/split_stats.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "nlohmann/json.hpp"
#include "vision/geometry/box.h"

namespace wsol {
namespace {

constexpr int kBarColumns = 40;

// The smallest, median (the upper one of an even number) and largest.
std::array<int, 3> Spread(std::vector<int> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

double Percent(int64_t part, int64_t whole) {
  return whole == 0
             ? 0
             : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string Bar(int64_t count, int64_t largest) {
  if (largest == 0) return "";
  const int64_t columns = (count * kBarColumns + largest - 1) / largest;
  return std::string(static_cast<size_t>(columns), '#');
}

std::string Range(int64_t min, int64_t median, int64_t max) {
  return min == max ? absl::StrCat(min, " each")
                    : absl::StrCat(min, " to ", max, ", median ", median);
}

int64_t NumberOfBoxes(const SplitStats& stats) {
  int64_t boxes = 0;
  for (const int64_t count : stats.areas) boxes += count;
  return boxes;
}

void AppendClasses(const SplitStats& stats,
                   const std::vector<std::string>& class_names,
                   std::string* text) {
  std::vector<std::pair<int64_t, size_t>> sorted;
  for (size_t label = 0; label < stats.images_of_class.size(); ++label) {
    sorted.emplace_back(stats.images_of_class[label], label);
  }
  if (sorted.empty()) return;
  std::sort(sorted.begin(), sorted.end());
  const auto& fewest = sorted.front();
  const auto& most = sorted.back();
  const int64_t median = sorted[sorted.size() / 2].first;
  absl::StrAppend(text, "  images a class  ",
                  Range(fewest.first, median, most.first));
  if (fewest.first != most.first) {
    absl::StrAppendFormat(text, "; fewest of %s, most of %s",
                          class_names[fewest.second], class_names[most.second]);
  }
  absl::StrAppend(text, "\n");
}

void AppendHistograms(const SplitStats& stats, std::string* text) {
  const int64_t boxes = NumberOfBoxes(stats);
  if (boxes == 0) return;
  absl::StrAppendFormat(
      text, "\n  share of the image that a box covers, mean %.1f %%\n",
      100 * stats.mean_area);
  const int64_t largest =
      *std::max_element(stats.areas.begin(), stats.areas.end());
  for (size_t k = 0; k < stats.areas.size(); ++k) {
    const std::string line = absl::StrFormat(
        "    %3d - %3d %%  %5.1f %%  %s", 10 * k, 10 * (k + 1),
        Percent(stats.areas[k], boxes), Bar(stats.areas[k], largest));
    absl::StrAppend(text, line.substr(0, line.find_last_not_of(' ') + 1), "\n");
  }
  absl::StrAppend(text, "\n  centres of boxes in the image, %\n");
  for (const auto& row : stats.centers) {
    absl::StrAppend(text, "   ");
    for (const int64_t count : row) {
      absl::StrAppendFormat(text, " %5.1f", Percent(count, boxes));
    }
    absl::StrAppend(text, "\n");
  }
}

}  // namespace

SplitStats ComputeSplitStats(const SplitMetadata& metadata) {
  SplitStats stats;
  stats.images = static_cast<int64_t>(metadata.images.size());
  stats.classes = metadata.num_classes;
  stats.images_of_class.resize(static_cast<size_t>(metadata.num_classes));
  std::vector<int> widths;
  std::vector<int> heights;
  double sum_of_areas = 0;
  for (const ImageRecord& image : metadata.images) {
    ++stats.images_of_class[static_cast<size_t>(image.label)];
    const int64_t boxes = static_cast<int64_t>(image.boxes.size());
    stats.boxes += boxes;
    stats.masks += static_cast<int64_t>(image.mask_paths.size());
    stats.max_boxes = std::max(stats.max_boxes, boxes);
    if (boxes > 1) ++stats.images_of_several_boxes;
    if (image.width == 0) continue;
    widths.push_back(image.width);
    heights.push_back(image.height);
    for (const vision::Box& box : image.boxes) {
      const double share = static_cast<double>(box.Area()) /
                           (static_cast<double>(image.width) * image.height);
      sum_of_areas += share;
      const auto bin = [](double value, size_t bins) {
        return std::min(static_cast<size_t>(value * static_cast<double>(bins)),
                        bins - 1);
      };
      ++stats.areas[bin(share, stats.areas.size())];
      const double x = (static_cast<double>(box.x0) + box.x1) / 2 / image.width;
      const double y =
          (static_cast<double>(box.y0) + box.y1) / 2 / image.height;
      ++stats.centers[bin(y, 5)][bin(x, 5)];
    }
  }
  stats.images_with_size = static_cast<int64_t>(widths.size());
  stats.width = Spread(std::move(widths));
  stats.height = Spread(std::move(heights));
  if (const int64_t boxes = NumberOfBoxes(stats); boxes > 0) {
    stats.mean_area = sum_of_areas / static_cast<double>(boxes);
  }
  return stats;
}

std::string SplitStatsText(absl::string_view name, const SplitStats& stats,
                           const std::vector<std::string>& class_names) {
  std::string text = absl::StrCat(name, "\n  images          ", stats.images,
                                  "\n  classes         ", stats.classes, "\n");
  AppendClasses(stats, class_names, &text);
  if (stats.boxes > 0) {
    absl::StrAppend(&text, "  boxes           ", stats.boxes);
    if (stats.max_boxes > 1) {
      absl::StrAppendFormat(
          &text, "; %.1f %% of the images have several, up to %d",
          Percent(stats.images_of_several_boxes, stats.images),
          stats.max_boxes);
    }
    absl::StrAppend(&text, "\n");
  }
  if (stats.masks > 0) {
    absl::StrAppend(&text, "  masks           ", stats.masks, "\n");
  }
  if (stats.boxes == 0 && stats.masks == 0) {
    absl::StrAppend(&text, "  no localization\n");
  }
  if (stats.images_with_size > 0) {
    absl::StrAppend(&text, "  width           ",
                    Range(stats.width[0], stats.width[1], stats.width[2]),
                    "\n  height          ",
                    Range(stats.height[0], stats.height[1], stats.height[2]),
                    "\n");
  } else {
    absl::StrAppend(&text, "  sizes           not told\n");
  }
  AppendHistograms(stats, &text);
  return text;
}

std::string SplitStatsJson(absl::string_view name, const SplitStats& stats,
                           const std::vector<std::string>& class_names) {
  nlohmann::ordered_json json = {
      {"split", std::string(name)},
      {"images", stats.images},
      {"classes", stats.classes},
      {"boxes", stats.boxes},
      {"masks", stats.masks},
      {"images_of_several_boxes", stats.images_of_several_boxes},
      {"max_boxes", stats.max_boxes},
  };
  if (stats.images_with_size > 0) {
    for (const auto& [side, spread] :
         {std::make_pair("width", stats.width),
          std::make_pair("height", stats.height)}) {
      json[side] = {
          {"min", spread[0]}, {"median", spread[1]}, {"max", spread[2]}};
    }
  }
  if (NumberOfBoxes(stats) > 0) {
    json["mean_area"] = stats.mean_area;
    json["areas"] = stats.areas;
    json["centers"] = stats.centers;
  }
  json["class_names"] = class_names;
  json["images_of_class"] = stats.images_of_class;
  // Names that are not UTF-8 are shown with replacement characters.
  return json.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace wsol
