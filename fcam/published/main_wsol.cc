#include "fcam/published/main_wsol.h"

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fcam/published/import_model.h"
#include "fcam/published/pretrained_search.h"
#include "fcam/published/published_files.h"
#include "fcam/published/published_names.h"
#include "fcam/published/published_rules.h"
#include "fcam/training_run/fcam_run.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "wsol/classifier/classifier.h"
#include "wsol/model_folder/classifier_folder.h"
#include "wsol/training_run/classifier_run.h"
#include "wsol/training_run/initial_weights.h"

namespace fcam {
namespace {

using ::vision::JoinPath;

void Say(const MainWsolEnvironment& environment, absl::string_view text) {
  if (environment.out != nullptr) *environment.out << text << std::endl;
}

// What tells a classifier from another one of the same place.
absl::StatusOr<std::string> Digest(const std::string& dir) {
  uint32_t sums[2] = {0, 0};
  const char* const names[] = {wsol::kEncoderFile,
                               wsol::kClassificationHeadFile};
  for (int i = 0; i < 2; ++i) {
    VISION_ASSIGN_OR_RETURN(const std::string bytes,
                            vision::ReadFile(JoinPath(dir, names[i])));
    sums[i] = vision::Crc32(bytes);
  }
  return absl::StrFormat("%08x%08x", sums[0], sums[1]);
}

absl::StatusOr<wsol::RunResult> TrainFcamTask(
    const PublishedFlags& flags, const MainWsolEnvironment& environment) {
  VISION_ASSIGN_OR_RETURN(FcamRunOptions options,
                          PublishedFcamRun(flags, environment));
  VISION_RETURN_IF_ERROR(options.Validate());
  VISION_ASSIGN_OR_RETURN(const PretrainedClassifier found,
                          FindPretrainedClassifier(environment.root, flags));
  Say(environment, absl::StrCat("Pretrained classifier: ", found.dir, " (",
                                found.reason, ")"));
  if (!options.stored_cams_dir.empty()) {
    Say(environment, absl::StrCat("Maps for seeds: ", options.stored_cams_dir));
  }
  VISION_ASSIGN_OR_RETURN(wsol::LoadedClassifier pretrained,
                          LoadPublishedClassifier(found.dir, flags));
  options.classifier_dir = found.dir;
  options.experiment.extra_files.emplace_back(kPretrainedFile,
                                              found.dir + "\n");
  VISION_ASSIGN_OR_RETURN(const std::string digest, Digest(found.dir));
  options.experiment.config.emplace_back("pretrained classifier", digest);
  if (flags.freeze_cl) return RunFcamTraining(options, std::move(pretrained));

  // The network is another one; the pretrained one only gives maps.
  options.training.cam_classifier = pretrained.classifier;
  wsol::LoadedClassifier classifier;
  classifier.info = pretrained.info;
  classifier.info.classifier = PublishedClassifier(flags);
  VISION_ASSIGN_OR_RETURN(classifier.classifier,
                          wsol::MakeClassifier(classifier.info.classifier));
  VISION_ASSIGN_OR_RETURN(
      const std::string weights,
      wsol::LoadInitialWeights(PublishedInitialWeights(flags, environment),
                               classifier.info.classifier,
                               *classifier.classifier));
  if (!weights.empty()) {
    Say(environment, absl::StrCat("Initial weights: ", weights));
  }
  return RunFcamTraining(options, std::move(classifier));
}

absl::StatusOr<wsol::RunResult> Train(const PublishedFlags& flags,
                                      const MainWsolEnvironment& environment) {
  if (flags.task == kFcamTask) return TrainFcamTask(flags, environment);
  VISION_ASSIGN_OR_RETURN(const wsol::ClassifierRunOptions options,
                          PublishedClassifierRun(flags, environment));
  VISION_RETURN_IF_ERROR(options.Validate());
  return wsol::RunClassifierTraining(options);
}

}  // namespace

absl::Status RunMainWsol(const PublishedFlags& flags,
                         const MainWsolEnvironment& environment) {
  VISION_RETURN_IF_ERROR(CheckPublishedRules(flags));
  for (const std::string& line : DescribeChanges(flags)) Say(environment, line);
  for (const std::string& note : PublishedNotes(flags)) {
    Say(environment, absl::StrCat("WARNING: ", note));
  }
  if (!flags.import_from.empty()) {
    VISION_RETURN_IF_ERROR(ImportPublishedModel(flags, environment.root));
    Say(environment, absl::StrCat("Model folder: ", flags.import_to));
    return absl::OkStatus();
  }
  const std::string folder =
      JoinPath(environment.root, ExperimentFolder(flags));
  if (vision::FileExists(JoinPath(folder, kPassedFile))) {
    Say(environment,
        absl::StrCat("This experiment has passed, nothing is done: '", folder,
                     "' has ", kPassedFile, "; another --exp_id begins anew"));
    return absl::OkStatus();
  }
  const absl::StatusOr<wsol::RunResult> result = Train(flags, environment);
  if (absl::IsCancelled(result.status())) {
    return vision::Annotate(result.status(), "the same command goes on");
  }
  if (absl::IsFailedPrecondition(result.status())) {
    return vision::Annotate(result.status(), "another --exp_id begins anew");
  }
  // One that was killed between the training's end and the files below.
  if (!absl::IsAlreadyExists(result.status())) {
    VISION_RETURN_IF_ERROR(result.status());
    Say(environment, result->text);
  }
  VISION_RETURN_IF_ERROR(WritePublishedFiles(flags, environment.root, folder));
  Say(environment, absl::StrCat("Models and results: ", folder));
  return absl::OkStatus();
}

}  // namespace fcam
