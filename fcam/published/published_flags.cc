#include "fcam/published/published_flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "glog/logging.h"
#include "nlohmann/json.hpp"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"

namespace fcam {
namespace {

using Field =
    std::variant<bool PublishedFlags::*, int64_t PublishedFlags::*,
                 double PublishedFlags::*, std::string PublishedFlags::*,
                 std::optional<std::string> PublishedFlags::*>;

constexpr char kGeneral[] = "General";
constexpr char kData[] = "Data and evaluation";
constexpr char kOptimizer[] = "Optimizer";
constexpr char kModel[] = "Model";
constexpr char kMethod[] = "Pooling and CAM method";
constexpr char kLosses[] = "Losses of F_CL";
constexpr char kAdditions[] = "Not published";

constexpr char kNone[] = "None";

struct Flag {
  const char* name;
  Field field;
  const char* section;
  const char* meaning;
};

using F = PublishedFlags;

const Flag kFlags[] = {
    {"cudaid", &F::cudaid, kGeneral,
     "No effect, there neither: it named the GPU that was printed. Training "
     "runs on the CPU."},
    {"MYSEED", &F::seed, kGeneral, "Seed of all that is random."},
    {"debug_subfolder", &F::debug_subfolder, kGeneral,
     "A further folder level below exps; empty or None: none."},
    {"dataset", &F::dataset, kGeneral,
     "CUB, ILSVRC or OpenImages. Must be given."},
    {"num_classes", &F::num_classes, kGeneral,
     "Number of classes. Default: 200 for CUB, 1000 for ILSVRC, 100 for "
     "OpenImages."},
    {"crop_size", &F::crop_size, kGeneral,
     "Side of the images that the network sees. There only 224; other sizes "
     "work here, with a warning."},
    {"resize_size", &F::resize_size, kGeneral,
     "Training images are resized to this before the crop. There only 256."},
    {"max_epochs", &F::max_epochs, kGeneral, "Epochs to train."},
    {"batch_size", &F::batch_size, kGeneral, "Images in a batch."},
    {"num_workers", &F::num_workers, kGeneral,
     "Threads that read images, if given; else --threads. No result depends on "
     "it."},
    {"exp_id", &F::exp_id, kGeneral,
     "Part of the experiment folder's name; a new one begins anew."},
    {"verbose", &F::verbose, kGeneral, "Show progress on the terminal."},
    {"fd_exp", &F::fd_exp, kGeneral,
     "No effect: of the evaluation mode, which could not run there. Take "
     "//wsol:evaluate."},

    {"data_root", &F::data_root, kData,
     "Folder with the folder <dataset> that image ids start from. Works here. "
     "Default: $FCAM_DATA, or datasets below --root."},
    {"metadata_root", &F::metadata_root, kData,
     "Folder with train, val and test. Default: "
     "folds/wsol-done-right-splits/<dataset> below --root."},
    {"mask_root", &F::mask_root, kData,
     "Folder that paths of masks start from. Default: <data_root>/<dataset>."},
    {"proxy_training_set", &F::proxy_training_set, kData,
     "Train on the images of image_ids_proxy.txt."},
    {"num_val_sample_per_class", &F::num_val_sample_per_class, kData,
     "Validate on so many images of each class, drawn at random; 0: all."},
    {"cam_curve_interval", &F::cam_curve_interval, kData,
     "Distance of thresholds on test, and on OpenImages' val; val of CUB and "
     "ILSVRC always has 0.004."},
    {"multi_contour_eval", &F::multi_contour_eval, kData,
     "No effect, there neither: box_v2_metric decides."},
    {"multi_iou_eval", &F::multi_iou_eval, kData,
     "No effect, there neither: box_v2_metric decides."},
    {"box_v2_metric", &F::box_v2_metric, kData,
     "Choose models by MaxBoxAccV2 (True) or MaxBoxAcc (False). OpenImages: by "
     "PxAP."},
    {"eval_checkpoint_type", &F::eval_checkpoint_type, kData,
     "best or last: which classifier F_CL starts from, of which best alone is "
     "legal."},

    {"opt__name_optimizer", &F::name_optimizer, kOptimizer, "sgd or adam."},
    {"opt__lr", &F::lr, kOptimizer,
     "Initial learning rate; STD_CL: of the backbone but its last stage."},
    {"opt__momentum", &F::momentum, kOptimizer, "Of sgd."},
    {"opt__dampening", &F::dampening, kOptimizer, "Of sgd."},
    {"opt__nesterov", &F::nesterov, kOptimizer, "Of sgd."},
    {"opt__weight_decay", &F::weight_decay, kOptimizer,
     "L2 penalty of all parameters."},
    {"opt__beta1", &F::beta1, kOptimizer, "Of adam."},
    {"opt__beta2", &F::beta2, kOptimizer, "Of adam."},
    {"opt__eps_adam", &F::eps_adam, kOptimizer, "Of adam."},
    {"opt__amsgrad", &F::amsgrad, kOptimizer, "Of adam."},
    {"opt__lr_scheduler", &F::lr_scheduler, kOptimizer,
     "False: a constant rate. Works here; there a crash."},
    {"opt__name_lr_scheduler", &F::name_lr_scheduler, kOptimizer,
     "mystep (step with a floor), step, cosine, mycosine or multistep. The "
     "last three work here; there a crash."},
    {"opt__gamma", &F::gamma, kOptimizer, "Of the steps: the factor."},
    {"opt__last_epoch", &F::last_epoch, kOptimizer,
     "No effect: a training goes on by itself."},
    {"opt__min_lr", &F::min_lr, kOptimizer,
     "Of mystep, cosine and mycosine: the floor."},
    {"opt__t_max", &F::t_max, kOptimizer,
     "Of cosine: epochs from the initial rate to the floor."},
    {"opt__step_size", &F::step_size, kOptimizer,
     "Of the steps: epochs between two of them."},
    {"opt__lr_classifier_ratio", &F::lr_classifier_ratio, kOptimizer,
     "STD_CL: factor of the rate for the last stage and the head."},

    {"arch", &F::arch, kModel,
     "STDClassifier or UnetFCAM, as the task has it, which is the default "
     "here. There UnetFCAM was, wrong for STD_CL."},
    {"encoder_name", &F::encoder_name, kModel,
     "resnet50, vgg16 or inceptionv3."},
    {"encoder_weights", &F::encoder_weights, kModel,
     "imagenet (docs/weights.md says how to get them) or None: random."},
    {"in_channels", &F::in_channels, kModel, "Only 3: images are RGB."},
    {"strict", &F::strict, kModel,
     "The weights of path_pre_trained must fit wholly."},
    {"path_pre_trained", &F::path_pre_trained, kModel,
     "Weights to start STD_CL from: a model folder or a file of backbone "
     "weights. Works here; there nothing wrote such a file."},
    {"support_background", &F::support_background, kModel,
     "Pooling heads with maps get one for the background."},
    {"scale_in", &F::scale_in, kModel,
     "Only 1 here: other sizes are asked for by crop_size."},
    {"freeze_cl", &F::freeze_cl, kModel,
     "F_CL: train the decoder alone, on a frozen classifier."},
    {"folder_pre_trained_cl", &F::folder_pre_trained_cl, kModel,
     "F_CL: the classifier's model folder, named by its TAG. Default: found, "
     "see below."},

    {"method", &F::method, kMethod,
     "CAM method; which pooling it needs see below."},
    {"spatial_pooling", &F::spatial_pooling, kMethod, "Pooling head."},
    {"wc_modalities", &F::wc_modalities, kMethod,
     "WILDCAT: maps of each class."},
    {"wc_kmax", &F::wc_kmax, kMethod,
     "WILDCAT: share or number of the highest scores."},
    {"wc_kmin", &F::wc_kmin, kMethod,
     "WILDCAT: the same of the lowest. Without effect in the published score, "
     "which is used here too."},
    {"wc_alpha", &F::wc_alpha, kMethod,
     "WILDCAT: weight of the lowest scores. Without effect in the published "
     "score."},
    {"wc_dropout", &F::wc_dropout, kMethod,
     "WILDCAT: dropout of the sorted scores."},
    {"lse_r", &F::lse_r, kMethod, "LogSumExp: sharpness."},
    {"seg_mode", &F::seg_mode, kMethod, "Only binary."},
    {"task", &F::task, kMethod,
     "STD_CL: train a classifier. F_CL: train F-CAM from one."},
    {"multi_label_flag", &F::multi_label_flag, kMethod, "Only False."},

    {"elb_init_t", &F::elb_init_t, kLosses,
     "Sharpness of the log barrier at first."},
    {"elb_max_t", &F::elb_max_t, kLosses, "Its largest value."},
    {"elb_mulcoef", &F::elb_mulcoef, kLosses, "Its factor after each epoch."},
    {"sl_fc", &F::sl_fc, kLosses, "Self-learning loss, from seeds."},
    {"sl_fc_lambda", &F::sl_fc_lambda, kLosses, "Its weight."},
    {"sl_start_ep", &F::sl_start_ep, kLosses, "Its first epoch."},
    {"sl_end_ep", &F::sl_end_ep, kLosses, "Its last epoch; -1: no end."},
    {"sl_min", &F::sl_min, kLosses, "Background seeds of an image."},
    {"sl_max", &F::sl_max, kLosses, "Foreground seeds of an image."},
    {"sl_ksz", &F::sl_ksz, kLosses, "Side of the square that a seed labels."},
    {"sl_min_p", &F::sl_min_p, kLosses,
     "Share of the pixels, those of lowest activation, that background seeds "
     "are drawn from."},
    {"sl_fg_erode_k", &F::sl_fg_erode_k, kLosses,
     "Side of the square that erodes the foreground region."},
    {"sl_fg_erode_iter", &F::sl_fg_erode_iter, kLosses, "Erosions."},
    {"sl_min_ext", &F::sl_min_ext, kLosses,
     "No effect, there neither; //fcam:train has seeds of a fixed size."},
    {"sl_max_ext", &F::sl_max_ext, kLosses, "No effect, there neither."},
    {"sl_block", &F::sl_block, kLosses, "No effect, there neither."},
    {"seg_ignore_idx", &F::seg_ignore_idx, kLosses,
     "Label of the pixels without seed."},
    {"crf_fc", &F::crf_fc, kLosses, "Dense CRF loss."},
    {"crf_lambda", &F::crf_lambda, kLosses,
     "Its weight. As strong as with the published filter, though another one "
     "is used."},
    {"crf_sigma_rgb", &F::crf_sigma_rgb, kLosses,
     "Its width in colour, of 255."},
    {"crf_sigma_xy", &F::crf_sigma_xy, kLosses, "Its width in pixels."},
    {"crf_scale", &F::crf_scale, kLosses,
     "Factor of the size at which it is computed."},
    {"crf_start_ep", &F::crf_start_ep, kLosses, "Its first epoch."},
    {"crf_end_ep", &F::crf_end_ep, kLosses, "Its last epoch; -1: no end."},
    {"entropy_fc", &F::entropy_fc, kLosses, "Entropy of the maps."},
    {"entropy_fc_lambda", &F::entropy_fc_lambda, kLosses, "Its weight."},
    {"max_sizepos_fc", &F::max_sizepos_fc, kLosses,
     "Loss that lets both regions grow."},
    {"max_sizepos_fc_lambda", &F::max_sizepos_fc_lambda, kLosses,
     "Its weight."},
    {"max_sizepos_fc_start_ep", &F::max_sizepos_fc_start_ep, kLosses,
     "Its first epoch."},
    {"max_sizepos_fc_end_ep", &F::max_sizepos_fc_end_ep, kLosses,
     "Its last epoch; -1: no end."},
    {"im_rec", &F::im_rec, kLosses, "Only False."},
    {"im_rec_lambda", &F::im_rec_lambda, kLosses,
     "No effect, since im_rec must be False."},
    {"im_rec_elb", &F::im_rec_elb, kLosses,
     "No effect, since im_rec must be False."},

    {"root", &F::root, kAdditions,
     "Folder below which exps, pretrained, data_cams and folds are looked for "
     "and written."},
    {"weights_dir", &F::weights_dir, kAdditions,
     "Folder of published weights. Default: $FCAM_WEIGHTS, or "
     "pretrained-imgnet below --root."},
    {"threads", &F::threads, kAdditions,
     "Threads to compute with; 0: OMP_NUM_THREADS, or all processors."},
    {"import_from", &F::import_from, kAdditions,
     "Folder <TAG> of the published program, made with the other flags: "
     "nothing is trained, it is written as a model folder of this project."},
    {"import_to", &F::import_to, kAdditions,
     "Where it is written; must not exist."},
};

bool IsIn(const Flag& flag, absl::string_view section) {
  return flag.section == section;
}

const Flag* FindFlag(absl::string_view name) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

absl::string_view TypeName(const Field& field) {
  static constexpr absl::string_view kNames[] = {"bool", "int", "float", "str",
                                                 "str or None"};
  return kNames[field.index()];
}

absl::string_view Expected(const Field& field) {
  static constexpr absl::string_view kExpected[] = {
      "True or False (or yes, t, y, 1, no, f, n, 0)", "a whole number",
      "a number", "text", "text or None"};
  return kExpected[field.index()];
}

bool ParseWord(const std::string& text, bool* value) {
  const std::string word = absl::AsciiStrToLower(text);
  for (const char* const yes : {"yes", "true", "t", "y", "1"}) {
    if (word == yes) return *value = true;
  }
  for (const char* const no : {"no", "false", "f", "n", "0"}) {
    if (word != no) continue;
    *value = false;
    return true;
  }
  return false;
}

struct Setter {
  const std::string& text;
  PublishedFlags& flags;

  bool operator()(bool PublishedFlags::*field) const {
    return ParseWord(text, &(flags.*field));
  }
  bool operator()(int64_t PublishedFlags::*field) const {
    return absl::SimpleAtoi(text, &(flags.*field));
  }
  bool operator()(double PublishedFlags::*field) const {
    return absl::SimpleAtod(text, &(flags.*field)) &&
           std::isfinite(flags.*field);
  }
  bool operator()(std::string PublishedFlags::*field) const {
    flags.*field = text;
    return true;
  }
  bool operator()(std::optional<std::string> PublishedFlags::*field) const {
    if (text == kNone) {
      flags.*field = std::nullopt;
    } else {
      flags.*field = text;
    }
    return true;
  }
};

struct Printer {
  const PublishedFlags& flags;

  std::string operator()(bool PublishedFlags::*field) const {
    return flags.*field ? "True" : "False";
  }
  std::string operator()(int64_t PublishedFlags::*field) const {
    return absl::StrCat(flags.*field);
  }
  std::string operator()(double PublishedFlags::*field) const {
    return PythonFloat(flags.*field);
  }
  std::string operator()(std::string PublishedFlags::*field) const {
    return flags.*field;
  }
  std::string operator()(
      std::optional<std::string> PublishedFlags::*field) const {
    return (flags.*field).value_or(kNone);
  }
};

// Strings in quotes, in which JSON is YAML.
struct YamlPrinter {
  const PublishedFlags& flags;

  std::string operator()(bool PublishedFlags::*field) const {
    return flags.*field ? "true" : "false";
  }
  std::string operator()(int64_t PublishedFlags::*field) const {
    return absl::StrCat(flags.*field);
  }
  // YAML 1.1 takes 2e-09 for text, 2.0e-09 for a number.
  std::string operator()(double PublishedFlags::*field) const {
    std::string text = PythonFloat(flags.*field);
    const size_t exponent = text.find('e');
    if (exponent != std::string::npos && !absl::StrContains(text, ".")) {
      text.insert(exponent, ".0");
    }
    return text;
  }
  std::string operator()(std::string PublishedFlags::*field) const {
    return Quote(flags.*field);
  }
  std::string operator()(
      std::optional<std::string> PublishedFlags::*field) const {
    return (flags.*field).has_value() ? Quote(*(flags.*field)) : "null";
  }

  static std::string Quote(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false,
                                     nlohmann::json::error_handler_t::replace);
  }
};

std::string YamlLine(const PublishedFlags& flags, const Flag& flag) {
  return absl::StrCat(flag.name, ": ",
                      std::visit(YamlPrinter{flags}, flag.field), "\n");
}

// Those that depend on the data set.
absl::Status SetDatasetDefaults(PublishedFlags* flags) {
  std::vector<std::string> names;
  for (const auto& [name, num_classes] : PublishedDatasets()) {
    names.push_back(name);
    if (flags->dataset != name) continue;
    if (!flags->IsGiven("num_classes")) flags->num_classes = num_classes;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      flags->IsGiven("dataset")
          ? absl::StrCat("--dataset: got \"", flags->dataset, "\", expected ")
          : "--dataset is needed: ",
      absl::StrJoin(names, ", ")));
}

std::string Column(absl::string_view text, size_t width) {
  return absl::StrCat(text,
                      std::string(width - std::min(width, text.size()), ' '));
}

}  // namespace

std::vector<std::pair<std::string, int64_t>> PublishedDatasets() {
  return {{"CUB", 200}, {"ILSVRC", 1000}, {"OpenImages", 100}};
}

absl::StatusOr<PublishedFlags> ParsePublishedFlags(
    absl::Span<const std::string> arguments) {
  PublishedFlags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      flags.help = true;
      return flags;
    }
    absl::string_view name = argument;
    if (!absl::ConsumePrefix(&name, "--") || name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("unexpected argument \"", argument,
                       "\": expected --name value; --help lists the names"));
    }
    const size_t equals = name.find('=');
    const bool in_one = equals != absl::string_view::npos;
    std::string value;
    if (in_one) {
      value = std::string(name.substr(equals + 1));
      name = name.substr(0, equals);
    }
    const Flag* const flag = FindFlag(name);
    if (flag == nullptr) {
      std::vector<std::string> known;
      for (const Flag& one : kFlags) known.push_back(one.name);
      const std::vector<std::string> nearest =
          vision::NearestNames(name, known);
      return absl::InvalidArgumentError(absl::StrCat(
          "unknown flag --", name,
          nearest.empty()
              ? "; --help lists them all"
              : absl::StrCat("; did you mean --",
                             absl::StrJoin(nearest, " or --"), "?")));
    }
    if (!in_one) {
      // A value may start with one dash: -1.
      if (i + 1 == arguments.size() ||
          absl::StartsWith(arguments[i + 1], "--")) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", name, " needs a value: ", Expected(flag->field),
                         ", in the next argument"));
      }
      value = arguments[++i];
    }
    if (!std::visit(Setter{value, flags}, flag->field)) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, ": got \"",
                                                     value, "\", expected ",
                                                     Expected(flag->field)));
    }
    flags.given.insert(flag->name);
  }
  VISION_RETURN_IF_ERROR(SetDatasetDefaults(&flags));
  return flags;
}

const std::vector<PublishedFlagInfo>& ListPublishedFlags() {
  static const auto* const kList = [] {
    auto* const list = new std::vector<PublishedFlagInfo>();
    const PublishedFlags defaults;
    for (const Flag& flag : kFlags) {
      PublishedFlagInfo info;
      info.name = flag.name;
      info.type = std::string(TypeName(flag.field));
      info.default_value = std::visit(Printer{defaults}, flag.field);
      info.meaning = flag.meaning;
      info.section = flag.section;
      info.published = !IsIn(flag, kAdditions);
      // Its own text says what it is.
      if (absl::StrContains(info.meaning, "Default: ") ||
          info.name == "dataset") {
        info.default_value.clear();
      }
      list->push_back(std::move(info));
    }
    return list;
  }();
  return *kList;
}

std::vector<std::pair<std::string, std::string>> PublishedFlagValues(
    const PublishedFlags& flags) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const Flag& flag : kFlags) {
    values.emplace_back(flag.name, std::visit(Printer{flags}, flag.field));
  }
  return values;
}

std::string PublishedFlagValue(const PublishedFlags& flags,
                               absl::string_view name) {
  const Flag* const flag = FindFlag(name);
  CHECK(flag != nullptr) << name;
  return std::visit(Printer{flags}, flag->field);
}

std::vector<std::string> DescribeChanges(const PublishedFlags& flags) {
  PublishedFlags defaults;
  defaults.dataset = flags.dataset;
  CHECK(SetDatasetDefaults(&defaults).ok()) << flags.dataset;
  std::vector<std::string> lines;
  for (const Flag& flag : kFlags) {
    if (!flags.IsGiven(flag.name)) continue;
    lines.push_back(absl::StrCat(
        "Changing ", flag.name, ": ", std::visit(Printer{defaults}, flag.field),
        " -----> ", std::visit(Printer{flags}, flag.field)));
  }
  return lines;
}

std::string PublishedFlagsHelp() {
  std::string text =
      "Trains a classifier (--task STD_CL) or F-CAM from one (--task F_CL) by "
      "the flags of the\npublished program main_wsol.py. Each flag has its "
      "value in the next argument, or after\n\"=\"; booleans too: --freeze_cl "
      "True.\n\n"
      "  main_wsol --task STD_CL --arch STDClassifier --dataset CUB --method "
      "CAM --spatial_pooling WGAP\n"
      "  main_wsol --task F_CL --arch UnetFCAM --dataset CUB --method CAM "
      "--spatial_pooling WGAP --freeze_cl True --sl_fc True\n";
  std::string section;
  for (const PublishedFlagInfo& info : ListPublishedFlags()) {
    if (info.section != section) {
      section = info.section;
      absl::StrAppend(&text, "\n", section, "\n");
    }
    absl::StrAppend(&text, "  ", Column(absl::StrCat("--", info.name), 27), " ",
                    Column(info.type, 11), " ", info.meaning,
                    info.default_value.empty()
                        ? ""
                        : absl::StrCat(" (", info.default_value, ")"),
                    "\n");
  }
  return text;
}

std::string PublishedFlagsMarkdown() {
  std::string text;
  std::string section;
  for (const PublishedFlagInfo& info : ListPublishedFlags()) {
    if (info.section != section) {
      absl::StrAppend(&text, section.empty() ? "" : "\n", "### ", info.section,
                      "\n| flag | type | default | meaning |\n"
                      "|---|---|---|---|\n");
      section = info.section;
    }
    const std::string meaning =
        absl::StrReplaceAll(info.meaning, {{"<", "&lt;"}, {">", "&gt;"}});
    absl::StrAppend(&text, "| `--", info.name, "` | ", info.type, " | ",
                    info.default_value.empty()
                        ? ""
                        : absl::StrCat("`", info.default_value, "`"),
                    " | ", meaning, " |\n");
  }
  return text;
}

std::string PublishedFlagsYaml(const PublishedFlags& flags) {
  std::string text;
  for (const Flag& flag : kFlags) {
    if (!IsIn(flag, kModel) && !IsIn(flag, kOptimizer)) {
      text += YamlLine(flags, flag);
    }
  }
  for (const auto& [name, section] :
       {std::make_pair("model", kModel),
        std::make_pair("optimizer", kOptimizer)}) {
    absl::StrAppend(&text, name, ":\n");
    for (const Flag& flag : kFlags) {
      if (IsIn(flag, section)) {
        absl::StrAppend(&text, "  ", YamlLine(flags, flag));
      }
    }
  }
  return text;
}

std::string PublishedModelYaml(const PublishedFlags& flags) {
  std::string text;
  for (const Flag& flag : kFlags) {
    if (IsIn(flag, kModel)) text += YamlLine(flags, flag);
  }
  return text;
}

std::string PythonFloat(double value) {
  // The shortest digits that give the number back, as d.ddde+xx.
  char buffer[64];
  const std::to_chars_result end = std::to_chars(
      buffer, buffer + sizeof(buffer), value, std::chars_format::scientific);
  CHECK(end.ec == std::errc()) << value;
  absl::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
  const absl::string_view sign = absl::ConsumePrefix(&text, "-") ? "-" : "";
  const size_t e = text.find('e');
  const std::string digits =
      absl::StrReplaceAll(text.substr(0, e), {{".", ""}});
  int exponent = 0;
  CHECK(
      absl::SimpleAtoi(absl::StripPrefix(text.substr(e + 1), "+"), &exponent));
  if (exponent < -4 || exponent >= 16) {
    const std::string power = absl::StrCat(std::abs(exponent));
    return absl::StrCat(sign, digits.substr(0, 1), digits.size() > 1 ? "." : "",
                        digits.substr(1), "e", exponent < 0 ? "-" : "+",
                        power.size() < 2 ? "0" : "", power);
  }
  if (exponent < 0) {
    return absl::StrCat(sign, "0.",
                        std::string(static_cast<size_t>(-exponent - 1), '0'),
                        digits);
  }
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    return absl::StrCat(sign, digits, std::string(whole - digits.size(), '0'),
                        ".0");
  }
  return absl::StrCat(sign, digits.substr(0, whole), ".", digits.substr(whole));
}

}  // namespace fcam
