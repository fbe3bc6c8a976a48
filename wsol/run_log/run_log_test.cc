#include "wsol/run_log/run_log.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::SizeIs;
using ::testing::StatusIs;

std::string NewDir(absl::string_view name) {
  return absl::StrCat(::testing::TempDir(), "/run_log_test_", name);
}

RunLogOptions Quiet() {
  RunLogOptions options;
  options.verbose = false;
  options.now = [] { return absl::FromUnixMillis(1764059733120); };
  return options;
}

std::string Read(const std::string& dir, absl::string_view name) {
  const absl::StatusOr<std::string> text =
      vision::ReadFile(absl::StrCat(dir, "/", name));
  EXPECT_THAT(text, IsOk());
  return text.value_or("");
}

// The objects of log.jsonl, each of which must be whole and end in a line
// break.
std::vector<json> ReadLines(const std::string& dir) {
  const std::string text = Read(dir, "log.jsonl");
  EXPECT_TRUE(text.empty() || text.back() == '\n');
  std::vector<json> lines;
  for (const absl::string_view line :
       absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    lines.push_back(json::parse(std::string(line), nullptr, false));
    EXPECT_TRUE(lines.back().is_object()) << line;
  }
  return lines;
}

std::vector<std::string> FilesIn(const std::string& dir) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    files.push_back(entry.path().filename().string());
  }
  return files;
}

TEST(RunLogTest, WritesAllThreeRecords) {
  const std::string dir = NewDir("all") + "/made/for/it";
  const auto log = RunLog::Open(dir, Quiet());
  ASSERT_THAT(log, IsOk());
  EXPECT_FALSE((*log)->resumed());
  (*log)->Message("hello");
  (*log)->Event("epoch", {{"number", 3}, {"done", true}});
  (*log)->Scalars("val", 7, {{"PxAP", 48.5}, {"MaxBoxAcc", 61.25}});
  EXPECT_THAT((*log)->status(), IsOk());

  const std::vector<json> lines = ReadLines(dir);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0]["kind"], "started");
  EXPECT_TRUE(lines[0]["fields"]["pid"].is_number_integer());
  EXPECT_EQ(lines[1]["time"], "2025-11-25T08:35:33.120Z");
  EXPECT_GE(lines[1]["elapsed_seconds"].get<double>(), 0);
  EXPECT_LT(lines[1]["elapsed_seconds"].get<double>(), 60);
  EXPECT_EQ(lines[1]["kind"], "message");
  EXPECT_EQ(lines[1]["fields"], json({{"text", "hello"}}));
  EXPECT_EQ(lines[2]["kind"], "epoch");
  EXPECT_EQ(lines[2]["fields"], json({{"number", 3}, {"done", true}}));
  EXPECT_EQ(lines[3]["kind"], "scalars");
  EXPECT_EQ(lines[3]["fields"],
            json({{"group", "val"},
                  {"step", 7},
                  {"values", {{"MaxBoxAcc", 61.25}, {"PxAP", 48.5}}}}));
  // As given, not in alphabetical order.
  EXPECT_THAT(Read(dir, "log.jsonl"),
              HasSubstr(R"("values":{"PxAP":48.5,"MaxBoxAcc":61.25})"));

  const std::string text = Read(dir, "log.txt");
  EXPECT_THAT(text, HasSubstr("2025-11-25 08:35:33 "));
  EXPECT_THAT(text, HasSubstr("s  hello\n"));
  EXPECT_THAT(text, HasSubstr("s  epoch {\"done\":true,\"number\":3}\n"));
  EXPECT_THAT(text, HasSubstr("s  val 7: PxAP 48.5 MaxBoxAcc 61.25\n"));
  EXPECT_THAT(FilesIn(dir + "/tensorboard/val"), SizeIs(1));
}

TEST(RunLogTest, NumbersThatJsonLacksAreNull) {
  const std::string dir = NewDir("nan");
  const auto log = RunLog::Open(dir, Quiet());
  ASSERT_THAT(log, IsOk());
  const double infinity = std::numeric_limits<double>::infinity();
  (*log)->Scalars("train", 1,
                  {{"a", std::nan("")}, {"b", infinity}, {"c", -infinity}});
  (*log)->Event("deep", {{"list", {1.5, std::nan(""), infinity}}});
  (*log)->Event("no object", 3);
  const std::vector<json> lines = ReadLines(dir);
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[1]["fields"]["values"],
            json({{"a", nullptr}, {"b", nullptr}, {"c", nullptr}}));
  EXPECT_EQ(lines[2]["fields"]["list"], json({1.5, nullptr, nullptr}));
  EXPECT_EQ(lines[3]["fields"], json({{"value", 3}}));
  // A person sees which it was.
  EXPECT_THAT(Read(dir, "log.txt"), HasSubstr("a nan b inf c -inf"));
}

TEST(RunLogTest, AnyTextStaysOnItsLine) {
  const std::string dir = NewDir("text");
  const std::string texts[] = {"two\nlines\n",
                               "\"q\" \\ \t\r\x01",
                               "\xe6\xb5\xb7 \xf0\x9f\x90\xa6",
                               std::string("nul\0!", 5),
                               "bad \xff\xc3",
                               ""};
  {
    const auto log = RunLog::Open(dir, Quiet());
    ASSERT_THAT(log, IsOk());
    for (const std::string& text : texts) (*log)->Message(text);
    (*log)->Scalars("a/../b \xff", 1, {{"x\ny\xff", 1}});
    (*log)->Scalars("..", 1, {{"x", 1}});
    (*log)->Scalars("", 1, {{"x", 1}});
    EXPECT_THAT((*log)->status(), IsOk());
  }
  const std::vector<json> lines = ReadLines(dir);
  ASSERT_THAT(lines, SizeIs(10));
  for (size_t i = 0; i < 6; ++i) {
    if (i != 4) {
      EXPECT_EQ(lines[i + 1]["fields"]["text"], texts[i]);
    }
  }
  EXPECT_EQ(lines[5]["fields"]["text"], "bad \xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_THAT(Read(dir, "log.txt"), HasSubstr("s  two\n    lines\n2025"));
  EXPECT_THAT(Read(dir, "log.txt"), HasSubstr("s  nul\\x00!\n2025"));
  // No group leaves the folder.
  EXPECT_THAT(FilesIn(dir), testing::UnorderedElementsAre(
                                "log.jsonl", "log.txt", "tensorboard"));
  EXPECT_THAT(FilesIn(dir + "/tensorboard/a_.._b__"), SizeIs(1));
  EXPECT_THAT(FilesIn(dir + "/tensorboard/_."), SizeIs(1));
}

TEST(RunLogTest, GoesOnWithWhatIsThere) {
  const std::string dir = NewDir("resume");
  for (int session = 0; session < 3; ++session) {
    const auto log = RunLog::Open(dir, Quiet());
    ASSERT_THAT(log, IsOk());
    EXPECT_EQ((*log)->resumed(), session > 0);
    (*log)->Scalars("train", session, {{"loss", 1.0 / (session + 1)}});
  }
  const std::vector<json> lines = ReadLines(dir);
  ASSERT_THAT(lines, SizeIs(6));
  EXPECT_EQ(lines[0]["kind"], "started");
  EXPECT_EQ(lines[2]["kind"], "resumed");
  EXPECT_TRUE(lines[2]["fields"]["torn_line"].is_null());
  EXPECT_EQ(lines[4]["kind"], "resumed");
  EXPECT_EQ(lines[5]["fields"]["step"], 2);
  EXPECT_THAT(FilesIn(dir + "/tensorboard/train"), SizeIs(3));
}

// A process may be killed after any byte of a line.
TEST(RunLogTest, ClosesALineTornAtAnyByte) {
  const std::string dir = NewDir("torn");
  RunLogOptions options = Quiet();
  options.tensorboard = false;
  ASSERT_THAT(RunLog::Open(dir, options), IsOk());
  const std::string jsonl = Read(dir, "log.jsonl");
  const std::string text = Read(dir, "log.txt");
  const std::string line =
      "{\"kind\":\"message\",\"fields\":{\"text\":\"b\xc3\xa9\"}}\n";
  for (size_t kept = 0; kept <= line.size(); ++kept) {
    const std::string part = line.substr(0, kept);
    ASSERT_THAT(vision::WriteFileAtomically(dir + "/log.jsonl", jsonl + part),
                IsOk());
    ASSERT_THAT(vision::WriteFileAtomically(dir + "/log.txt", text + part),
                IsOk());
    {
      const auto log = RunLog::Open(dir, options);
      ASSERT_THAT(log, IsOk());
      (*log)->Message("after");
      EXPECT_THAT((*log)->status(), IsOk());
    }
    const std::vector<json> lines = ReadLines(dir);
    // The line is kept when it is whole but for its line break.
    const bool whole = kept + 1 >= line.size();
    ASSERT_THAT(lines, SizeIs(whole ? 4 : 3)) << kept;
    const json& resumed = lines[lines.size() - 2];
    EXPECT_EQ(resumed["kind"], "resumed");
    EXPECT_EQ(resumed["fields"]["torn_line"].is_null(), whole || kept == 0);
    EXPECT_EQ(lines.back()["fields"]["text"], "after");
    // In the text a torn line stays, on a line of its own.
    EXPECT_THAT(Read(dir, "log.txt"), HasSubstr("  resumed (process "));
    for (const absl::string_view text_line :
         absl::StrSplit(Read(dir, "log.txt"), '\n')) {
      EXPECT_FALSE(absl::StartsWith(text_line, "{") &&
                   absl::StrContains(text_line, "resumed"));
    }
  }
}

// The real thing: processes that write as fast as they can are killed.
TEST(RunLogTest, StaysReadableWhenProcessesAreKilled) {
  const std::string dir = NewDir("killed");
  constexpr int kKills = 8;
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto log = RunLog::Open(dir, Quiet());
      if (!log.ok()) _exit(1);
      for (int step = 0;; ++step) {
        (*log)->Message(std::string(5000, 'x'));
        (*log)->Scalars("train", step, {{"loss", 1}});
      }
    }
    // Once it has written a message or two, at no time in particular.
    const auto size = [&dir] {
      std::error_code error;
      const auto bytes = std::filesystem::file_size(dir + "/log.jsonl", error);
      return error ? 0 : bytes;
    };
    const auto before = size();
    while (size() < before + 8000 && waitpid(child, nullptr, WNOHANG) == 0) {
      usleep(1000);
    }
    usleep(static_cast<useconds_t>(700 * i));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << status;
  }
  ASSERT_THAT(RunLog::Open(dir, Quiet()), IsOk());
  const std::vector<json> lines = ReadLines(dir);
  int sessions = 0;
  for (const json& line : lines) {
    sessions += line["kind"] == "resumed" || line["kind"] == "started" ? 1 : 0;
  }
  EXPECT_EQ(sessions, kKills + 1);
}

// What is left after a power cut: a file that was lengthened, not yet filled.
TEST(RunLogTest, CutsOffZeros) {
  const std::string dir = NewDir("zeros");
  ASSERT_THAT(RunLog::Open(dir, Quiet()), IsOk());
  ASSERT_THAT(
      vision::WriteFileAtomically(
          dir + "/log.jsonl", Read(dir, "log.jsonl") + std::string(5000, '\0')),
      IsOk());
  ASSERT_THAT(RunLog::Open(dir, Quiet()), IsOk());
  EXPECT_THAT(ReadLines(dir), SizeIs(2));
}

TEST(RunLogTest, AFullDiskIsRememberedAndSurvived) {
  const std::string dir = NewDir("full");
  const auto log = RunLog::Open(dir, Quiet());
  ASSERT_THAT(log, IsOk());
  (*log)->Scalars("train", 0, {{"loss", 1}});
  ASSERT_THAT((*log)->status(), IsOk());
  // Files of more than 600 bytes stand for the full disk.
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit small = before;
  small.rlim_cur = 600;
  setrlimit(RLIMIT_FSIZE, &small);
  for (int step = 1; step < 50; ++step) {
    (*log)->Message("a text");
    (*log)->Scalars("train", step, {{"loss", 1}});
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT((*log)->status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(dir)));
  (*log)->Message("space again");
  (*log)->Scalars("train", 50, {{"loss", 1}});
  const std::vector<json> lines = ReadLines(dir);
  EXPECT_EQ(lines.at(lines.size() - 2)["fields"]["text"], "space again");
  EXPECT_LT(lines.size(), 12);
  // The first error is kept.
  EXPECT_THAT((*log)->status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(dir)));
}

TEST(RunLogTest, OneFolderHasOneWriter) {
  const std::string dir = NewDir("two");
  auto log = RunLog::Open(dir, Quiet());
  ASSERT_THAT(log, IsOk());
  EXPECT_THAT(RunLog::Open(dir, Quiet()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("being written by another process")));
  EXPECT_THAT(ReadLines(dir), SizeIs(1));
  log->reset();
  EXPECT_THAT(RunLog::Open(dir, Quiet()), IsOk());
}

TEST(RunLogTest, FailsWhereThereCanBeNoFolder) {
  const std::string path = NewDir("file");
  ASSERT_THAT(vision::WriteFileAtomically(path, "x"), IsOk());
  const auto log = RunLog::Open(path, Quiet());
  ASSERT_FALSE(log.ok());
  EXPECT_THAT(std::string(log.status().message()), HasSubstr(path));
}

TEST(RunLogTest, ThreadsDoNotMixTheirLines) {
  const std::string dir = NewDir("threads");
  const auto log = RunLog::Open(dir, Quiet());
  ASSERT_THAT(log, IsOk());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 50; ++i) {
        (*log)->Message(std::string(200, static_cast<char>('a' + t)));
        (*log)->Scalars(absl::StrCat("group", t % 2), i, {{"x", t}});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT((*log)->status(), IsOk());
  EXPECT_THAT(ReadLines(dir), SizeIs(1 + 4 * 100));
}

}  // namespace
}  // namespace wsol
