#include "wsol/cli/init.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "ATen/Parallel.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gflags/gflags.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "testing/test_data.h"

extern char** environ;

namespace wsol {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::StatusIs;

// init_test_program, running.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    const std::string path =
        ::testing::TestDataPath("wsol/cli/init_test_program");
    arguments.insert(arguments.begin(), path);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);

    int out[2], err[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(err, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    EXPECT_EQ(posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv.data(),
                          environ),
              0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    out_ = out[0];
    err_ = err[0];
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    close(out_);
    close(err_);
  }

  // Reads until the text has come, or the stream has ended.
  void AwaitOutput(const std::string& text) { Await(out_, text, &output_); }
  void AwaitErrors(const std::string& text) { Await(err_, text, &errors_); }

  void Signal(int signal) { EXPECT_EQ(kill(pid_, signal), 0); }

  // Waits for the end; returns the exit code, or -signal if one ended it.
  int Finish() {
    Await(out_, "", &output_);
    Await(err_, "", &errors_);
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // All that was read so far.
  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  static void Await(int fd, const std::string& text, std::string* received) {
    char buffer[4096];
    while (text.empty() || !absl::StrContains(*received, text)) {
      const ssize_t count = read(fd, buffer, sizeof(buffer));
      if (count <= 0) return;
      received->append(buffer, static_cast<size_t>(count));
    }
  }

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  std::string output_, errors_;
};

TEST(RunMainTest, SetsFlagsAndReturnsZero) {
  Program program({"--seed=7", "--fast", "--threads", "3"});
  EXPECT_EQ(program.Finish(), 0);
  EXPECT_EQ(program.output(), "seed 7 fast 1 threads 3\n");
  EXPECT_EQ(program.errors(), "");
}

TEST(RunMainTest, PrintsAFailureAsOneLine) {
  Program program({"--mode=fail"});
  EXPECT_EQ(program.Finish(), 1);
  EXPECT_EQ(program.output(), "");
  EXPECT_EQ(program.errors(), "error: no file 'x' in two lines\n");
}

TEST(RunMainTest, PrintsAnUncaughtExceptionAsOneLine) {
  Program program({"--mode=throw"});
  EXPECT_EQ(program.Finish(), 1);
  EXPECT_EQ(program.errors(), "error: uncaught exception: thrown\n");
}

TEST(RunMainTest, RejectsAnUnknownFlagInOneLineWithAGuess) {
  Program program({"--sead=7"});
  EXPECT_EQ(program.Finish(), 1);
  EXPECT_EQ(program.errors(),
            "error: unknown flag '--sead'; did you mean '--seed'?\n");
}

TEST(RunMainTest, RejectsABadValueInOneLine) {
  Program program({"--seed=many"});
  EXPECT_EQ(program.Finish(), 1);
  EXPECT_EQ(program.errors(),
            "error: bad value 'many' for flag '--seed'; expected a whole "
            "number (int64)\n");
}

TEST(RunMainTest, HelpShowsOurFlagsAlone) {
  Program program({"--help"});
  EXPECT_EQ(program.Finish(), 0);
  EXPECT_EQ(program.errors(), "");
  EXPECT_THAT(program.output(),
              AllOf(StartsWith("Usage: init_test_program [flags]\n\nDoes "
                               "what --mode says.\n"),
                    HasSubstr("  --learning_rate=double\n"
                              "      Step of the optimizer. Default: 0.1\n"),
                    HasSubstr("  --[no]fast\n"), HasSubstr("--threads=int32"),
                    Not(HasSubstr("caffe2")), Not(HasSubstr("logtostderr")),
                    Not(HasSubstr("tab_completion"))));
}

TEST(RunMainTest, LogsToStandardErrorWithAShortPrefix) {
  Program program({"--mode=log"});
  EXPECT_EQ(program.Finish(), 0);
  EXPECT_THAT(
      program.errors(),
      MatchesRegex("I [0-9:]+ informed\nW [0-9:]+ .*\\.cc:[0-9]+ warned\n"));
}

TEST(RunMainTest, InterruptionEndsWithItsOwnCode) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Program program({"--mode=wait"});
    program.AwaitOutput("waiting");
    program.Signal(signal);
    EXPECT_EQ(program.Finish(), kExitInterrupted);
    EXPECT_THAT(program.errors(),
                AllOf(HasSubstr("once more to stop at once"),
                      EndsWith("interrupted: the same command goes on\n")));
  }
}

TEST(RunMainTest, SecondInterruptionEndsAtOnce) {
  Program program({"--mode=hang"});
  program.AwaitOutput("waiting");
  program.Signal(SIGINT);
  // Signals of one kind that come before the first is handled are one.
  program.AwaitErrors("once more");
  program.Signal(SIGINT);
  EXPECT_EQ(program.Finish(), 130);
}

TEST(InitMainTest, SetsThreadsAndLeavesArguments) {
  const gflags::FlagSaver saver;
  std::string arguments[] = {"program", "--threads=2", "image.png"};
  char* storage[] = {arguments[0].data(), arguments[1].data(),
                     arguments[2].data(), nullptr};
  char** argv = storage;
  int argc = 3;
  ASSERT_THAT(InitMain(&argc, &argv, "", /*allow_arguments=*/true), IsOk());
  ASSERT_EQ(argc, 2);
  EXPECT_STREQ(argv[1], "image.png");
  EXPECT_EQ(at::get_num_threads(), 2);
  // OpenBLAS, where it is there, has as many.
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_get_num_threads")) {
    EXPECT_EQ(reinterpret_cast<int (*)()>(symbol)(), 2);
  }
}

TEST(InitMainTest, RejectsArguments) {
  const gflags::FlagSaver saver;
  std::string arguments[] = {"program", "image.png"};
  char* storage[] = {arguments[0].data(), arguments[1].data(), nullptr};
  char** argv = storage;
  int argc = 2;
  EXPECT_THAT(InitMain(&argc, &argv, ""),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unexpected argument 'image.png'")));
}

TEST(InitMainTest, RejectsTooFewThreads) {
  const gflags::FlagSaver saver;
  std::string arguments[] = {"program", "--threads=-1"};
  char* storage[] = {arguments[0].data(), arguments[1].data(), nullptr};
  char** argv = storage;
  int argc = 2;
  EXPECT_THAT(
      InitMain(&argc, &argv, ""),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "bad value '-1' for flag '--threads'; expected 0 to 4096"));
}

TEST(NumThreadsTest, FollowsFlagThenEnvironmentThenProcessors) {
  const gflags::FlagSaver saver;
  gflags::SetCommandLineOption("threads", "5");
  EXPECT_EQ(NumThreads(), 5);
  gflags::SetCommandLineOption("threads", "0");
  setenv("OMP_NUM_THREADS", "3", 1);
  EXPECT_EQ(NumThreads(), 3);
  setenv("OMP_NUM_THREADS", "none", 1);
  EXPECT_GE(NumThreads(), 1);
  unsetenv("OMP_NUM_THREADS");
  EXPECT_GE(NumThreads(), 1);
}

}  // namespace
}  // namespace wsol
