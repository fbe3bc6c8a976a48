#include "fcam/published/published_rules.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "vision/base/nearest_names.h"

namespace fcam {
namespace {

constexpr char kClassifierArch[] = "STDClassifier";
constexpr char kFcamArch[] = "UnetFCAM";
constexpr char kWgap[] = "WGAP";
// What the published program insists on.
constexpr int64_t kPublishedCrop = 224;
constexpr int64_t kPublishedResize = 256;

// Rules that are broken.
class Problems {
 public:
  explicit Problems(const PublishedFlags& flags) : flags_(flags) {}

  void Add(const std::string& problem) { problems_.push_back(problem); }

  // Adds "<rule>, got --<flag>=<value>" unless `holds`.
  void Require(bool holds, absl::string_view flag, absl::string_view rule) {
    if (holds) return;
    Add(absl::StrCat(rule, ", got --", flag, "=",
                     PublishedFlagValue(flags_, flag)));
  }

  void OneOf(const std::string& value, absl::string_view flag,
             const std::vector<std::string>& names) {
    if (std::find(names.begin(), names.end(), value) != names.end()) return;
    const std::vector<std::string> nearest = vision::NearestNames(value, names);
    Add(absl::StrCat("--", flag, " must be one of ", absl::StrJoin(names, ", "),
                     ", got \"", value, "\"",
                     nearest.empty() ? ""
                                     : absl::StrCat("; did you mean ",
                                                    nearest.front(), "?")));
  }

  absl::Status ToStatus() const {
    if (problems_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  const PublishedFlags& flags_;
  std::vector<std::string> problems_;
};

struct WholeRange {
  const char* flag;
  int64_t PublishedFlags::*field;
  int64_t min;
};

// What a range check of the trainers would name otherwise.
constexpr WholeRange kWholeRanges[] = {
    {"MYSEED", &PublishedFlags::seed, 0},
    {"num_classes", &PublishedFlags::num_classes, 1},
    {"crop_size", &PublishedFlags::crop_size, 1},
    {"resize_size", &PublishedFlags::resize_size, 1},
    {"max_epochs", &PublishedFlags::max_epochs, 1},
    {"batch_size", &PublishedFlags::batch_size, 1},
    {"num_workers", &PublishedFlags::num_workers, 0},
    {"num_val_sample_per_class", &PublishedFlags::num_val_sample_per_class, 0},
    {"opt__step_size", &PublishedFlags::step_size, 1},
    {"wc_modalities", &PublishedFlags::wc_modalities, 1},
    {"sl_min", &PublishedFlags::sl_min, 0},
    {"sl_max", &PublishedFlags::sl_max, 0},
    {"sl_ksz", &PublishedFlags::sl_ksz, 1},
    {"sl_fg_erode_k", &PublishedFlags::sl_fg_erode_k, 1},
    {"sl_fg_erode_iter", &PublishedFlags::sl_fg_erode_iter, 0},
    {"sl_end_ep", &PublishedFlags::sl_end_ep, -1},
    {"crf_end_ep", &PublishedFlags::crf_end_ep, -1},
    {"max_sizepos_fc_end_ep", &PublishedFlags::max_sizepos_fc_end_ep, -1},
    {"threads", &PublishedFlags::threads, 0},
};

struct RealRange {
  const char* flag;
  double PublishedFlags::*field;
  double min;
  bool open;  // The value must be larger than `min`.
  double max = std::numeric_limits<double>::infinity();
};

constexpr RealRange kRealRanges[] = {
    {"opt__lr", &PublishedFlags::lr, 0, true},
    {"opt__weight_decay", &PublishedFlags::weight_decay, 0, false},
    {"opt__gamma", &PublishedFlags::gamma, 0, true, 1},
    {"opt__min_lr", &PublishedFlags::min_lr, 0, false},
    {"opt__t_max", &PublishedFlags::t_max, 1, false},
    {"opt__lr_classifier_ratio", &PublishedFlags::lr_classifier_ratio, 0, true},
    {"cam_curve_interval", &PublishedFlags::cam_curve_interval, 0, true, 1},
    {"scale_in", &PublishedFlags::scale_in, 0, true},
    {"elb_init_t", &PublishedFlags::elb_init_t, 0, true},
    {"elb_mulcoef", &PublishedFlags::elb_mulcoef, 1, false},
    {"sl_min_p", &PublishedFlags::sl_min_p, 0, false, 1},
    {"sl_fc_lambda", &PublishedFlags::sl_fc_lambda, 0, false},
    {"crf_lambda", &PublishedFlags::crf_lambda, 0, false},
    {"crf_sigma_rgb", &PublishedFlags::crf_sigma_rgb, 0, true},
    {"crf_sigma_xy", &PublishedFlags::crf_sigma_xy, 0, true},
    {"crf_scale", &PublishedFlags::crf_scale, 0, true, 8},
    {"entropy_fc_lambda", &PublishedFlags::entropy_fc_lambda, 0, false},
    {"max_sizepos_fc_lambda", &PublishedFlags::max_sizepos_fc_lambda, 0, false},
};

void CheckRanges(const PublishedFlags& flags, Problems* problems) {
  // What becomes an int later.
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  for (const WholeRange& range : kWholeRanges) {
    const int64_t value = flags.*range.field;
    problems->Require(
        value >= range.min, range.flag,
        absl::StrCat("--", range.flag, " must be at least ", range.min));
    problems->Require(
        value <= kMax, range.flag,
        absl::StrCat("--", range.flag, " must be at most ", kMax));
  }
  for (const RealRange& range : kRealRanges) {
    const double value = flags.*range.field;
    const bool above = range.open ? value > range.min : value >= range.min;
    problems->Require(
        above, range.flag,
        absl::StrCat("--", range.flag, " must be ",
                     range.open ? "larger than " : "at least ", range.min));
    problems->Require(
        value <= range.max, range.flag,
        absl::StrCat("--", range.flag, " must be at most ", range.max));
  }
  problems->Require(flags.resize_size >= flags.crop_size, "resize_size",
                    absl::StrCat("--resize_size must be at least --crop_size, ",
                                 flags.crop_size));
  problems->Require(flags.elb_max_t >= flags.elb_init_t, "elb_max_t",
                    absl::StrCat("--elb_max_t must be at least --elb_init_t, ",
                                 PythonFloat(flags.elb_init_t)));
  problems->Require(
      flags.sl_fg_erode_iter == 0 || flags.sl_fg_erode_k > 1, "sl_fg_erode_k",
      "--sl_fg_erode_k must be larger than 1 if --sl_fg_erode_iter is not 0");
}

void CheckMethod(const PublishedFlags& flags, Problems* problems) {
  std::vector<std::string> names;
  for (const auto& [name, pooling] : PublishedMethods()) {
    names.push_back(name);
    if (name != flags.method) continue;
    problems->Require(
        flags.spatial_pooling == pooling, "spatial_pooling",
        absl::StrCat("--method ", name, " needs --spatial_pooling ", pooling));
  }
  problems->OneOf(flags.method, "method", names);
}

void CheckClassifierTask(const PublishedFlags& flags, Problems* problems) {
  problems->Require(!flags.freeze_cl, "freeze_cl",
                    "--task STD_CL needs --freeze_cl False");
  problems->Require(!flags.folder_pre_trained_cl.has_value(),
                    "folder_pre_trained_cl",
                    "--task STD_CL needs no --folder_pre_trained_cl");
  const std::pair<const char*, bool> losses[] = {
      {"sl_fc", flags.sl_fc},
      {"crf_fc", flags.crf_fc},
      {"entropy_fc", flags.entropy_fc},
      {"max_sizepos_fc", flags.max_sizepos_fc}};
  for (const auto& [name, on] : losses) {
    problems->Require(!on, name,
                      "--task STD_CL trains with cross entropy alone");
  }
  if (flags.IsGiven("arch")) {
    problems->Require(flags.arch != kFcamArch, "arch",
                      "--task STD_CL needs --arch STDClassifier");
  }
}

void CheckFcamTask(const PublishedFlags& flags, Problems* problems) {
  if (!HasMapLoss(flags)) {
    problems->Add(
        "--task F_CL needs at least one of --sl_fc, --crf_fc, --entropy_fc and "
        "--max_sizepos_fc to be True");
  }
  problems->Require(flags.arch != kClassifierArch, "arch",
                    "--task F_CL needs --arch UnetFCAM");
  problems->Require(flags.eval_checkpoint_type == "best",
                    "eval_checkpoint_type",
                    "--task F_CL needs --eval_checkpoint_type best");
}

}  // namespace

const std::vector<std::pair<std::string, std::string>>& PublishedMethods() {
  static const auto* const kMethods =
      new std::vector<std::pair<std::string, std::string>>{
          {"WILDCAT", "WildCatCLHead"},
          {"GAP", "GAP"},
          {"MaxPOL", "MaxPool"},
          {"LogSumExp", "LogSumExpPool"},
          {"CAM", kWgap},
          {"ScoreCAM", kWgap},
          {"SSCAM", kWgap},
          {"ISCAM", kWgap},
          {"GradCam", kWgap},
          {"GradCAMpp", kWgap},
          {"SmoothGradCAMpp", kWgap},
          {"XGradCAM", kWgap},
          {"LayerCAM", kWgap}};
  return *kMethods;
}

std::string ArchOfTask(absl::string_view task) {
  return task == kFcamTask ? kFcamArch : kClassifierArch;
}

bool HasMapLoss(const PublishedFlags& flags) {
  return flags.sl_fc || flags.crf_fc || flags.entropy_fc ||
         flags.max_sizepos_fc;
}

absl::Status CheckPublishedRules(const PublishedFlags& flags) {
  Problems problems(flags);
  problems.OneOf(flags.task, "task", {kClassifierTask, kFcamTask});
  problems.OneOf(flags.arch, "arch", {kClassifierArch, kFcamArch});
  problems.OneOf(flags.encoder_name, "encoder_name",
                 {"resnet50", "vgg16", "inceptionv3"});
  if (flags.encoder_weights.has_value()) {
    problems.OneOf(*flags.encoder_weights, "encoder_weights",
                   {"imagenet", "None"});
  }
  problems.OneOf(flags.eval_checkpoint_type, "eval_checkpoint_type",
                 {"best", "last"});
  problems.OneOf(flags.name_optimizer, "opt__name_optimizer", {"sgd", "adam"});
  if (flags.lr_scheduler) {
    problems.OneOf(flags.name_lr_scheduler, "opt__name_lr_scheduler",
                   {"mystep", "step", "cosine", "mycosine", "multistep"});
  }
  CheckMethod(flags, &problems);
  problems.Require(flags.seg_mode == "binary", "seg_mode",
                   "--seg_mode must be binary");
  problems.Require(!flags.multi_label_flag, "multi_label_flag",
                   "--multi_label_flag must be False");
  problems.Require(!flags.im_rec, "im_rec", "--im_rec must be False");
  problems.Require(flags.in_channels == 3, "in_channels",
                   "--in_channels must be 3, since images are RGB");
  problems.Require(flags.scale_in == 1 || flags.scale_in <= 0, "scale_in",
                   "--scale_in must be 1 here; --crop_size and --resize_size "
                   "are the size of the input");
  problems.Require(flags.seg_ignore_idx != 0 && flags.seg_ignore_idx != 1,
                   "seg_ignore_idx",
                   "--seg_ignore_idx must not be 0 or 1, the labels of seeds");
  for (const char c : {'/', '\n', '\0'}) {
    problems.Require(flags.exp_id.find(c) == std::string::npos, "exp_id",
                     "--exp_id must be good for a folder's name");
  }
  problems.Require(flags.import_from.empty() == flags.import_to.empty(),
                   "import_to",
                   "--import_from and --import_to belong together");
  if (flags.task == kClassifierTask) CheckClassifierTask(flags, &problems);
  if (flags.task == kFcamTask) CheckFcamTask(flags, &problems);
  CheckRanges(flags, &problems);
  return problems.ToStatus();
}

std::vector<std::string> PublishedNotes(const PublishedFlags& flags) {
  std::vector<std::string> notes;
  const auto note = [&](absl::string_view flag, absl::string_view text) {
    if (!flags.IsGiven(flag)) return;
    notes.push_back(absl::StrCat("--", flag, " ",
                                 PublishedFlagValue(flags, flag), ": ", text));
  };
  note("cudaid", "no effect, there neither; training runs on the CPU");
  if (flags.fd_exp.has_value()) {
    note("fd_exp", "no effect; //wsol:evaluate evaluates a model again");
  }
  if (flags.multi_contour_eval != flags.box_v2_metric) {
    note("multi_contour_eval",
         "no effect, there neither; --box_v2_metric "
         "decides");
  }
  if (flags.multi_iou_eval != flags.box_v2_metric) {
    note("multi_iou_eval", "no effect, there neither; --box_v2_metric decides");
  }
  for (const char* const flag : {"sl_min_ext", "sl_max_ext", "sl_block"}) {
    note(flag,
         "no effect, there neither; --seed_region=fixed of //fcam:train "
         "is what it was of");
  }
  for (const char* const flag : {"im_rec_lambda", "im_rec_elb"}) {
    note(flag, "no effect, since --im_rec is False");
  }
  if (flags.spatial_pooling == "WildCatCLHead") {
    for (const char* const flag : {"wc_kmin", "wc_alpha"}) {
      note(flag,
           "no effect, there neither: the published score has only the "
           "highest values");
    }
  }
  if (flags.last_epoch != -1) {
    note("opt__last_epoch", "no effect; the same command goes on by itself");
  }
  if (flags.lr_scheduler && flags.name_lr_scheduler == "multistep") {
    note("opt__name_lr_scheduler",
         "there is no flag for milestones; they are the multiples of "
         "--opt__step_size");
  }
  if (flags.task == kFcamTask && flags.path_pre_trained.has_value()) {
    note("path_pre_trained",
         flags.freeze_cl
             ? "no effect; the frozen classifier is the pretrained one, and "
               "the decoder starts at random"
             : "read into the classifier; the decoder starts at random");
  }
  if (flags.task == kFcamTask) {
    note("opt__lr_classifier_ratio",
         "no effect, there neither; F_CL has one learning rate");
  } else {
    for (const char* const flag : {"elb_init_t", "elb_max_t", "elb_mulcoef"}) {
      note(flag, "no effect in STD_CL, there neither");
    }
  }
  if (flags.crop_size != kPublishedCrop) {
    note("crop_size",
         "the published program takes 224 only; evaluation boxes stay in a "
         "frame of 224x224, and widths in pixels are as they were given");
  }
  if (flags.resize_size != kPublishedResize) {
    note("resize_size", "the published program takes 256 only");
  }
  return notes;
}

}  // namespace fcam
