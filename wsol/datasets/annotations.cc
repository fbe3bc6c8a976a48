#include "wsol/datasets/annotations.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "vision/base/status_util.h"
#include "wsol/datasets/file_problems.h"

namespace wsol {
namespace {

template <typename Enum>
absl::StatusOr<Enum> ParseEnum(
    absl::string_view what, absl::string_view name,
    absl::Span<const std::pair<absl::string_view, Enum>> values) {
  std::vector<absl::string_view> names;
  for (const auto& [value_name, value] : values) {
    if (value_name == name) return value;
    names.push_back(value_name);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      what, " '", name, "', expected ", absl::StrJoin(names, ", ")));
}

bool ToInt(double value, int* out) {
  // Room for one more pixel, and the format's own limit.
  constexpr double kLimit = 1 << 30;
  if (!(std::abs(value) <= kLimit)) return false;
  *out = static_cast<int>(value);
  return true;
}

class Importer {
 public:
  Importer(const Annotations& annotations, const ImportPolicy& policy)
      : annotations_(annotations), policy_(policy), problems_("import") {}

  absl::StatusOr<ImportedSplit> Import() {
    bool any_object = false;
    for (const AnnotatedImage& image : annotations_.images) {
      any_object |= !image.objects.empty();
      any_object |= !image.label.has_value();
    }
    absl::flat_hash_set<absl::string_view> ids;
    for (const AnnotatedImage& image : annotations_.images) {
      if (!ids.insert(image.id).second) {
        AddImageProblem(image, "the image is there twice");
        continue;
      }
      if (const std::string fault = CheckImageId(image.id); !fault.empty()) {
        AddImageProblem(image, absl::StrCat("the id ", fault));
        continue;
      }
      AddImage(image, any_object);
    }
    VISION_RETURN_IF_ERROR(problems_.ToStatus());
    if (split_.metadata.images.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no image is left of the ", annotations_.images.size(),
          " read: ", split_.counts.images_without_objects, " without objects, ",
          split_.counts.images_of_several_classes, " of several classes"));
    }
    split_.class_names = annotations_.class_names;
    split_.metadata.num_classes =
        static_cast<int>(annotations_.class_names.size());
    split_.counts.other_files = annotations_.other_files;
    return std::move(split_);
  }

 private:
  void AddImageProblem(const AnnotatedImage& image, absl::string_view text) {
    problems_.AddElsewhere(
        image.file, image.line,
        absl::StrCat("image ", QuoteForMessage(image.id), ": ", text));
  }

  void AddObjectProblem(const AnnotatedImage& image,
                        const AnnotatedObject& object, absl::string_view text) {
    const std::string of_image =
        absl::StrCat(" of image ", QuoteForMessage(image.id), " ", text);
    if (annotations_.numbered) {
      problems_.AddElsewhere(
          image.file, 0, absl::StrCat("annotation ", object.where, of_image));
    } else {
      problems_.AddElsewhere(image.file, object.where,
                             absl::StrCat("the box", of_image));
    }
  }

  // Whether to go on with an object of a marked kind.
  bool Keep(const AnnotatedImage& image, const AnnotatedObject& object,
            bool marked, MarkedObjects policy, absl::string_view kind,
            int64_t* skipped) {
    if (!marked || policy == MarkedObjects::kKeep) return true;
    if (policy == MarkedObjects::kSkip) {
      ++*skipped;
    } else {
      AddObjectProblem(image, object, absl::StrCat("is marked as ", kind));
    }
    return false;
  }

  // The object's box within the image, or false.
  bool FitBox(const AnnotatedImage& image, const AnnotatedObject& object,
              vision::Box* box) {
    *box = object.box;
    const std::string corners = absl::StrCat(
        "[", box->x0, ", ", box->x1, ") x [", box->y0, ", ", box->y1, ")");
    if (box->IsEmpty()) {
      AddObjectProblem(
          image, object,
          absl::StrCat("covers ", corners, ", expected at least one pixel"));
      return false;
    }
    if (image.width == 0) {
      if (box->x0 >= 0 && box->y0 >= 0) return true;
      AddObjectProblem(image, object,
                       absl::StrCat("covers ", corners,
                                    ", expected no negative coordinate"));
      return false;
    }
    vision::Box inside = *box;
    inside.x0 = std::max(box->x0, 0);
    inside.y0 = std::max(box->y0, 0);
    inside.x1 = std::min(box->x1, image.width);
    inside.y1 = std::min(box->y1, image.height);
    if (inside == *box) return true;
    if (policy_.out_of_image == OutOfImage::kError || inside.IsEmpty()) {
      AddObjectProblem(
          image, object,
          absl::StrCat("covers ", corners, ", ",
                       inside.IsEmpty() ? "outside of" : "expected it within",
                       " the image of ", image.width, "x", image.height,
                       " pixels"));
      return false;
    }
    ++split_.counts.boxes_clipped;
    *box = inside;
    return true;
  }

  void AddImage(const AnnotatedImage& image, bool boxes_expected) {
    if ((image.width <= 0 || image.height <= 0) &&
        (image.width != 0 || image.height != 0)) {
      AddImageProblem(image,
                      absl::StrCat("size ", image.width, "x", image.height,
                                   ", expected positive ones"));
      return;
    }
    const int64_t problems_before = problems_.count();
    std::vector<std::pair<int, vision::Box>> objects;
    for (const AnnotatedObject& object : image.objects) {
      vision::Box box;
      if (Keep(image, object, object.crowd, policy_.crowd, "crowd",
               &split_.counts.crowd_skipped) &&
          Keep(image, object, object.difficult, policy_.difficult, "difficult",
               &split_.counts.difficult_skipped) &&
          FitBox(image, object, &box)) {
        objects.emplace_back(image.label.value_or(object.label), box);
      }
    }
    if (problems_.count() > problems_before) return;
    if (objects.empty() && boxes_expected) {
      if (policy_.without_objects == WithoutObjects::kSkip) {
        ++split_.counts.images_without_objects;
      } else {
        AddImageProblem(image, "no object on it");
      }
      return;
    }
    int label = image.label.value_or(0);
    if (!objects.empty()) {
      const auto largest = std::max_element(
          objects.begin(), objects.end(), [](const auto& a, const auto& b) {
            return a.second.Area() < b.second.Area();
          });
      label = largest->first;
      const auto other = std::find_if(
          objects.begin(), objects.end(),
          [label](const auto& object) { return object.first != label; });
      if (other != objects.end() &&
          policy_.several_classes == SeveralClasses::kSkip) {
        ++split_.counts.images_of_several_classes;
        return;
      }
      if (other != objects.end() &&
          policy_.several_classes == SeveralClasses::kError) {
        AddImageProblem(
            image, absl::StrCat("objects of several classes (",
                                ClassName(label), ", ", ClassName(other->first),
                                other + 1 == objects.end() ? "" : ", ...",
                                "), expected one"));
        return;
      }
    }
    ImageRecord& record = split_.metadata.images.emplace_back();
    record.id = image.id;
    record.label = label;
    record.width = image.width;
    record.height = image.height;
    for (const auto& [object_label, box] : objects) {
      if (object_label == label) {
        record.boxes.push_back(box);
      } else {
        ++split_.counts.other_classes_skipped;
      }
    }
  }

  const std::string& ClassName(int label) const {
    return annotations_.class_names[static_cast<size_t>(label)];
  }

  const Annotations& annotations_;
  const ImportPolicy policy_;
  FileProblems problems_;
  ImportedSplit split_;
};

}  // namespace

absl::StatusOr<MarkedObjects> ParseMarkedObjects(absl::string_view name) {
  return ParseEnum<MarkedObjects>("marked objects", name,
                                  {{{"skip", MarkedObjects::kSkip},
                                    {"keep", MarkedObjects::kKeep},
                                    {"error", MarkedObjects::kError}}});
}

absl::StatusOr<SeveralClasses> ParseSeveralClasses(absl::string_view name) {
  return ParseEnum<SeveralClasses>("images of several classes", name,
                                   {{{"error", SeveralClasses::kError},
                                     {"largest", SeveralClasses::kLargest},
                                     {"skip", SeveralClasses::kSkip}}});
}

absl::StatusOr<WithoutObjects> ParseWithoutObjects(absl::string_view name) {
  return ParseEnum<WithoutObjects>(
      "images without objects", name,
      {{{"error", WithoutObjects::kError}, {"skip", WithoutObjects::kSkip}}});
}

absl::StatusOr<OutOfImage> ParseOutOfImage(absl::string_view name) {
  return ParseEnum<OutOfImage>(
      "boxes out of the image", name,
      {{{"error", OutOfImage::kError}, {"clip", OutOfImage::kClip}}});
}

absl::StatusOr<ImportedSplit> SplitFromAnnotations(Annotations annotations,
                                                   const ImportPolicy& policy) {
  return Importer(annotations, policy).Import();
}

bool PixelBoxAround(double x0, double y0, double x1, double y1,
                    vision::Box* box) {
  constexpr double kSlack = 1e-4;  // Sums such as x + width are rounded.
  return ToInt(std::floor(x0 + kSlack), &box->x0) &&
         ToInt(std::floor(y0 + kSlack), &box->y0) &&
         ToInt(std::ceil(x1 - kSlack), &box->x1) &&
         ToInt(std::ceil(y1 - kSlack), &box->y1);
}

bool BoxOfPixels(double xmin, double ymin, double xmax, double ymax, int origin,
                 vision::Box* box) {
  return ToInt(std::round(xmin) - origin, &box->x0) &&
         ToInt(std::round(ymin) - origin, &box->y0) &&
         ToInt(std::round(xmax) - origin + 1, &box->x1) &&
         ToInt(std::round(ymax) - origin + 1, &box->y1);
}

}  // namespace wsol
