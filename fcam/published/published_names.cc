#include "fcam/published/published_names.h"

#include "absl/strings/str_cat.h"
#include "fcam/published/published_rules.h"

namespace fcam {

std::string ExperimentName(const PublishedFlags& flags) {
  const std::string box_v2 = PublishedFlagValue(flags, "box_v2_metric");
  std::string name = absl::StrCat("id_", flags.exp_id, "-tsk_", flags.task,
                                  "-ds_", flags.dataset, "-mth_", flags.method,
                                  "-spooling_", flags.spatial_pooling, "-sd_",
                                  flags.seed, "-ecd_", flags.encoder_name);
  absl::StrAppend(&name, "-epx_", flags.max_epochs, "-bsz_", flags.batch_size,
                  "-lr_", PythonFloat(flags.lr), "-box_v2_metric_", box_v2);
  if (flags.task == kFcamTask) {
    absl::StrAppend(&name, flags.sl_fc ? "-sl_fc_yes" : "",
                    flags.crf_fc ? "-crf_fc_yes" : "",
                    flags.entropy_fc ? "-entropy_fc_yes" : "",
                    flags.max_sizepos_fc ? "-max_sizepos_fc_yes" : "");
  }
  return name;
}

std::string ExperimentKind(const PublishedFlags& flags,
                           absl::string_view task) {
  return absl::StrCat(flags.dataset, "/", flags.encoder_name, "/", task, "/",
                      flags.method);
}

std::string ExperimentFolder(const PublishedFlags& flags) {
  std::string folder = kExperimentsFolder;
  const std::string debug = flags.debug_subfolder.value_or("");
  if (!debug.empty()) absl::StrAppend(&folder, "/", debug);
  return absl::StrCat(folder, "/", ExperimentKind(flags, flags.task), "/",
                      ExperimentName(flags));
}

std::string ModelTag(const PublishedFlags& flags,
                     absl::string_view checkpoint) {
  return absl::StrCat(flags.dataset, "-", flags.encoder_name, "-", flags.method,
                      "-", flags.spatial_pooling, "-cp_", checkpoint, "-boxv2_",
                      PublishedFlagValue(flags, "box_v2_metric"));
}

std::string StoredCamsFolder(const PublishedFlags& flags,
                             absl::string_view split) {
  return absl::StrCat(kStoredCamsFolder, "/",
                      ModelTag(flags, flags.eval_checkpoint_type), "_cams_",
                      split);
}

std::string PerformanceLogFile(absl::string_view checkpoint) {
  return absl::StrCat("performance_log_", checkpoint, ".txt");
}

std::string EpochCurvesFile(const PublishedFlags& flags,
                            absl::string_view split) {
  return absl::StrCat(flags.dataset, "-", split, "-boxv2-",
                      PublishedFlagValue(flags, "box_v2_metric"), ".png");
}

}  // namespace fcam
