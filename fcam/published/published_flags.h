// The command line of the published F-CAM program main_wsol.py: its 95 flags,
// word for word.
//
//   VISION_ASSIGN_OR_RETURN(
//       const PublishedFlags flags,
//       ParsePublishedFlags({"--task", "STD_CL", "--dataset", "CUB"}));
//   flags.batch_size;  // 8
//
// Not gflags: booleans take a word in an argument of their own there. Whether a
// combination is legal is a matter of published_rules.h.

#ifndef FCAM_PUBLISHED_PUBLISHED_FLAGS_H_
#define FCAM_PUBLISHED_PUBLISHED_FLAGS_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace fcam {

// One field for each flag, of its name but for MYSEED and the prefix opt__,
// with its published default. An absent optional is the word None.
struct PublishedFlags {
  // General.
  std::string cudaid = "0";
  int64_t seed = 0;  // MYSEED
  std::optional<std::string> debug_subfolder = "";
  std::string dataset;
  int64_t num_classes = 0;  // That of the data set.
  int64_t crop_size = 224;
  int64_t resize_size = 256;
  int64_t max_epochs = 150;
  int64_t batch_size = 8;
  int64_t num_workers = 8;
  std::string exp_id = "123456789";
  bool verbose = true;
  std::optional<std::string> fd_exp;

  // Data and evaluation. Empty paths stand for the default places.
  std::string data_root;
  std::string metadata_root;
  std::string mask_root;
  bool proxy_training_set = false;
  int64_t num_val_sample_per_class = 0;
  double cam_curve_interval = 0.001;
  bool multi_contour_eval = true;
  bool multi_iou_eval = true;
  bool box_v2_metric = false;
  std::string eval_checkpoint_type = "best";

  // Optimizer: opt__*.
  std::string name_optimizer = "sgd";
  double lr = 0.001;
  double momentum = 0.9;
  double dampening = 0;
  bool nesterov = true;
  double weight_decay = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps_adam = 1e-8;
  bool amsgrad = false;
  bool lr_scheduler = true;
  std::string name_lr_scheduler = "mystep";
  double gamma = 0.1;
  int64_t last_epoch = -1;
  double min_lr = 1e-7;
  double t_max = 100;
  int64_t step_size = 40;
  double lr_classifier_ratio = 10;

  // Model.
  std::string arch = "UnetFCAM";
  std::string encoder_name = "resnet50";
  std::optional<std::string> encoder_weights = "imagenet";
  int64_t in_channels = 3;
  bool strict = true;
  std::optional<std::string> path_pre_trained;
  bool support_background = true;
  double scale_in = 1;
  bool freeze_cl = false;
  std::optional<std::string> folder_pre_trained_cl;

  // Pooling and CAM method.
  std::string method = "WILDCAT";
  std::string spatial_pooling = "WildCatCLHead";
  int64_t wc_modalities = 5;
  double wc_kmax = 0.5;
  double wc_kmin = 0.1;
  double wc_alpha = 0.6;
  double wc_dropout = 0;
  double lse_r = 10;
  std::string seg_mode = "binary";
  std::string task = "STD_CL";
  bool multi_label_flag = false;

  // Losses of F_CL.
  double elb_init_t = 1;
  double elb_max_t = 10;
  double elb_mulcoef = 1.01;
  bool sl_fc = false;
  double sl_fc_lambda = 1;
  int64_t sl_start_ep = 0;
  int64_t sl_end_ep = -1;
  int64_t sl_min = 10;
  int64_t sl_max = 10;
  int64_t sl_ksz = 1;
  double sl_min_p = 0.2;
  int64_t sl_fg_erode_k = 11;
  int64_t sl_fg_erode_iter = 1;
  int64_t sl_min_ext = 1000;
  int64_t sl_max_ext = 1000;
  int64_t sl_block = 1;
  int64_t seg_ignore_idx = -255;
  bool crf_fc = false;
  double crf_lambda = 2e-9;
  double crf_sigma_rgb = 15;
  double crf_sigma_xy = 100;
  double crf_scale = 1;
  int64_t crf_start_ep = 0;
  int64_t crf_end_ep = -1;
  bool entropy_fc = false;
  double entropy_fc_lambda = 1;
  bool max_sizepos_fc = false;
  double max_sizepos_fc_lambda = 1;
  int64_t max_sizepos_fc_start_ep = 0;
  int64_t max_sizepos_fc_end_ep = -1;
  bool im_rec = false;
  double im_rec_lambda = 1;
  bool im_rec_elb = false;

  // Not published: what took the place of the published code's host tables.
  std::string root = ".";
  std::string weights_dir;
  int64_t threads = 0;
  std::string import_from;
  std::string import_to;
  // --help or -h was among the arguments; the rest is then unread.
  bool help = false;

  // Names of the flags that were on the command line.
  std::set<std::string> given;
  bool IsGiven(absl::string_view flag) const {
    return given.count(std::string(flag)) > 0;
  }
};

// Names "CUB", "ILSVRC", "OpenImages" and their numbers of classes.
std::vector<std::pair<std::string, int64_t>> PublishedDatasets();

// `arguments` without the program's name: "--name value" or "--name=value", the
// last of several counting. Booleans are yes, true, t, y, 1 or no, false, f, n,
// 0, in any case; None is accepted where a flag may have no value.
//
// kInvalidArgument in one line for an unknown flag, naming the nearest; for a
// value that is missing or of another type, naming both; and for a --dataset
// that is not given or unknown.
absl::StatusOr<PublishedFlags> ParsePublishedFlags(
    absl::Span<const std::string> arguments);

// What a flag is, in the words of --help.
struct PublishedFlagInfo {
  std::string name;
  // bool, int, float, str, or str or None.
  std::string type;
  // As Python prints it.
  std::string default_value;
  std::string meaning;
  // Heading under which it is listed.
  std::string section;
  // False for the flags that were added here.
  bool published = true;
};

// All of them, in the order of the fields above.
const std::vector<PublishedFlagInfo>& ListPublishedFlags();

// The value of each flag as Python prints it, in the same order: "True",
// "None", "2e-09".
std::vector<std::pair<std::string, std::string>> PublishedFlagValues(
    const PublishedFlags& flags);

// The value of one; dies of a name that there is not.
std::string PublishedFlagValue(const PublishedFlags& flags,
                               absl::string_view name);

// A line for each flag that was given, as the published program prints it:
// "Changing batch_size: 8 -----> 32".
std::vector<std::string> DescribeChanges(const PublishedFlags& flags);

// The text of --help.
std::string PublishedFlagsHelp();

// The tables of docs/flags.md.
std::string PublishedFlagsMarkdown();

// A YAML document of the values, those of the optimizer and the model under
// these names, as the published config.yml has them. Plain YAML, without
// Python's types.
std::string PublishedFlagsYaml(const PublishedFlags& flags);

// The same of the model alone, for config_model.yaml.
std::string PublishedModelYaml(const PublishedFlags& flags);

// As Python prints a float: "0.0017", "1e-07", "10.0". Of finite values.
std::string PythonFloat(double value);

}  // namespace fcam

#endif  // FCAM_PUBLISHED_PUBLISHED_FLAGS_H_
