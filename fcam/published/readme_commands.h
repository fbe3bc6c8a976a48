// The two commands of the published README, for tests.

#ifndef FCAM_PUBLISHED_README_COMMANDS_H_
#define FCAM_PUBLISHED_README_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace fcam {

inline constexpr char kReadmeClassifierCommand[] =
    "--task STD_CL --encoder_name resnet50 --arch STDClassifier "
    "--opt__name_optimizer sgd --batch_size 32 --opt__step_size 15 "
    "--opt__gamma 0.1 --max_epochs 50 --freeze_cl False --support_background "
    "True --method CAM --spatial_pooling WGAP --dataset CUB --box_v2_metric "
    "False --cudaid 0 --debug_subfolder None --opt__lr 0.0017 --exp_id "
    "08_19_2021_14_05_20_620912__6229687";

inline constexpr char kReadmeFcamCommand[] =
    "--task F_CL --encoder_name resnet50 --arch UnetFCAM --opt__name_optimizer "
    "sgd --batch_size 32 --eval_checkpoint_type best --opt__step_size 1000 "
    "--opt__gamma 0.1 --max_epochs 50 --freeze_cl True --support_background "
    "True --method CAM --spatial_pooling WGAP --dataset CUB --box_v2_metric "
    "False --cudaid 0 --debug_subfolder None --opt__lr 0.01 --elb_init_t 1.0 "
    "--elb_max_t 10.0 --elb_mulcoef 1.01 --sl_fc True --sl_fc_lambda 1.0 "
    "--sl_start_ep 0 --sl_end_ep -1 --sl_min 1 --sl_max 1 --sl_ksz 3 "
    "--sl_min_p 0.1 --sl_fg_erode_k 11 --sl_fg_erode_iter 1 --crf_fc True "
    "--crf_lambda 2e-09 --crf_sigma_rgb 15.0 --crf_sigma_xy 100.0 --crf_scale "
    "1.0 --crf_start_ep 0 --crf_end_ep -1 --max_sizepos_fc True "
    "--max_sizepos_fc_lambda 0.1 --max_sizepos_fc_start_ep 0 "
    "--max_sizepos_fc_end_ep -1 --entropy_fc False --exp_id "
    "08_19_2021_14_09_48_915565__1492324";

// The arguments of a command line without quotes, and of more behind it.
inline std::vector<std::string> SplitCommand(absl::string_view command,
                                             absl::string_view more = "") {
  return absl::StrSplit(absl::StrCat(command, " ", more), ' ',
                        absl::SkipEmpty());
}

}  // namespace fcam

#endif  // FCAM_PUBLISHED_README_COMMANDS_H_
