// Kills //fcam:train at random moments and resumes it until it is done: the
// outcome is that of an undisturbed run, and every file is whole at any moment.
//
// FCAM_KILLS in the environment sets the number of kills.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fcam/model_folder/fcam_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "testing/test_data.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"
#include "vision/nn/state_dict.h"
#include "wsol/classifier/classifier.h"
#include "wsol/datasets/miniature.h"
#include "wsol/model_folder/classifier_folder.h"

extern char** environ;

namespace fcam {
namespace {

using std::chrono::milliseconds;
using ::testing::IsOk;

// The program, running, with its output in a file.
class Program {
 public:
  Program(std::vector<std::string> arguments, const std::string& output) {
    const std::string path = ::testing::TestDataPath("fcam/cli/train");
    arguments.insert(arguments.begin(), path);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions, descriptor, output.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0666);
    }
    EXPECT_EQ(posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv.data(),
                          environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
  }

  // Kills it after `time`, unless it has ended by then. Returns whether it was
  // killed.
  bool KillAfter(milliseconds time) {
    std::this_thread::sleep_for(time);
    kill(pid_, SIGKILL);
    return Wait() == -SIGKILL;
  }

  // The exit code, or -signal.
  int Wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

class TrainResumeTest : public ::testing::Test {
 protected:
  TrainResumeTest() : data_(wsol::MakeMiniature()) {
    dir_ = vision::JoinPath(::testing::TempDir(), "train_resume");
    std::filesystem::remove_all(dir_);
    EXPECT_THAT(vision::CreateDirectories(dir_), IsOk());
    wsol::ClassifierFolderInfo info;
    info.classifier.num_classes = 20;
    vision::ResNetOptions& net = info.classifier.backbone_options.resnet_small;
    net.stem_width = 4;
    net.blocks = {1, 1};
    net.widths = {4, 8};
    net.strides = {2, 1};
    info.preprocessing.resize = 36;
    info.preprocessing.crop = wsol::kMiniatureSize;
    const auto classifier = wsol::MakeClassifier(info.classifier);
    EXPECT_THAT(classifier, IsOk());
    EXPECT_THAT(
        wsol::SaveClassifierFolder(Path("classifier"), **classifier, info),
        IsOk());
  }

  std::string Path(const std::string& name) const {
    return vision::JoinPath(dir_, name);
  }

  std::vector<std::string> Arguments(const std::string& output) const {
    const std::string metadata = vision::JoinPath(data_.data.dir, "metadata");
    return {absl::StrCat("--metadata_root=", metadata, "/boxes"),
            absl::StrCat("--mask_metadata_root=", metadata, "/masks"),
            absl::StrCat("--image_root=", data_.data.image_root),
            absl::StrCat("--classifier=", Path("classifier")),
            absl::StrCat("--output_dir=", Path(output)),
            "--decoder_channels=8,8,4",
            "--epochs=3",
            "--batch_size=8",
            "--checkpoint_batches=1",
            "--tau_interval=0.01",
            "--val_tau_interval=0.01",
            "--threads=1",
            "--resume"};
  }

  // What can be read of a folder now must be whole.
  void ExpectWhole(const std::string& output) const {
    for (const char* name : {"best", "last"}) {
      const std::string model = vision::JoinPath(Path(output), name);
      if (vision::FileExists(model)) {
        EXPECT_THAT(LoadFcamFolder(model), IsOk());
      }
    }
    for (const char* name :
         {"history.json", "state/options.json", "test_best.json"}) {
      const std::string path = vision::JoinPath(Path(output), name);
      if (!vision::FileExists(path)) continue;
      const absl::StatusOr<std::string> text = vision::ReadFile(path);
      ASSERT_THAT(text, IsOk());
      EXPECT_TRUE(nlohmann::json::accept(*text)) << path;
    }
  }

  // Every line of the log is JSON; the last may be torn until the next process
  // cuts it off.
  void ExpectReadableLog(const std::string& output) const {
    const absl::StatusOr<std::string> log =
        vision::ReadFile(vision::JoinPath(Path(output), "log.jsonl"));
    ASSERT_THAT(log, IsOk());
    const std::vector<std::string> lines = absl::StrSplit(*log, '\n');
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      EXPECT_TRUE(nlohmann::json::accept(lines[i])) << lines[i];
    }
  }

  wsol::Miniature data_;
  std::string dir_;
};

int NumKills() {
  int kills = 20;
  const char* const given = std::getenv("FCAM_KILLS");
  if (given != nullptr) {
    EXPECT_TRUE(absl::SimpleAtoi(given, &kills));
  }
  return kills;
}

TEST_F(TrainResumeTest, KilledAtAnyMomentItEndsWithTheSameModel) {
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(Program(Arguments("undisturbed"), Path("undisturbed.txt")).Wait(),
            0);
  const auto whole = std::chrono::duration_cast<milliseconds>(
      std::chrono::steady_clock::now() - start);

  vision::Rng rng(7);
  int killed = 0;
  for (int i = 0; i < NumKills(); ++i) {
    // From before the first line of main to the end of a whole run.
    const auto time = milliseconds(static_cast<int64_t>(
        static_cast<double>(whole.count()) * rng.Uniform()));
    Program program(Arguments("killed"), Path("killed.txt"));
    killed += program.KillAfter(time) ? 1 : 0;
    ExpectWhole("killed");
    // Done sooner than there were kills: once more, with other moments.
    if (vision::FileExists(vision::JoinPath(Path("killed"), "done")) &&
        i + 1 < NumKills()) {
      std::filesystem::remove_all(Path("killed"));
    }
  }
  EXPECT_GT(killed, NumKills() / 2);
  ASSERT_EQ(Program(Arguments("killed"), Path("killed.txt")).Wait(), 0);
  ExpectWhole("killed");
  ExpectReadableLog("killed");

  for (const char* name : {"best", "last"}) {
    for (const char* file : {"encoder.pt", "classification_head.pt",
                             "decoder.pt", "segmentation_head.pt"}) {
      const std::string path = absl::StrCat("/", name, "/", file);
      const auto expected =
          vision::ReadStateDict(absl::StrCat(Path("undisturbed"), path));
      const auto actual =
          vision::ReadStateDict(absl::StrCat(Path("killed"), path));
      ASSERT_THAT(expected, IsOk());
      ASSERT_THAT(actual, IsOk());
      ASSERT_EQ(expected->keys(), actual->keys());
      for (const auto& entry : *expected) {
        EXPECT_TRUE(entry.value().equal((*actual)[entry.key()]))
            << path << " " << entry.key();
      }
    }
  }
  for (const char* file : {"/test_best.json", "/test_last.json"}) {
    EXPECT_EQ(*vision::ReadFile(Path("undisturbed") + file),
              *vision::ReadFile(Path("killed") + file));
  }
}

}  // namespace
}  // namespace fcam
