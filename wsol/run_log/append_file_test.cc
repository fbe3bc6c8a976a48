#include "wsol/run_log/append_file.h"

#include <sys/resource.h>

#include <csignal>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

using Mode = AppendFile::Mode;

std::string NewPath(absl::string_view name) {
  return absl::StrCat(::testing::TempDir(), "/append_file_test_", name);
}

TEST(AppendFileTest, GoesOnAtTheEnd) {
  const std::string path = NewPath("goes_on");
  {
    const auto file = AppendFile::Open(path, Mode::kAppend);
    ASSERT_THAT(file, IsOk());
    EXPECT_EQ((*file)->size(), 0);
    EXPECT_THAT((*file)->Append("one\n"), IsOk());
    EXPECT_THAT((*file)->Sync(), IsOk());
  }
  const auto file = AppendFile::Open(path, Mode::kAppend);
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ((*file)->size(), 4);
  EXPECT_THAT((*file)->Append("two"), IsOk());
  EXPECT_EQ((*file)->size(), 7);
  EXPECT_THAT(vision::ReadFile(path), IsOkAndHolds(std::string("one\ntwo")));
}

TEST(AppendFileTest, FindsAndCutsAnUnfinishedLine) {
  const std::string path = NewPath("unfinished");
  const auto file = AppendFile::Open(path, Mode::kAppend);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT((*file)->UnfinishedLine(), IsOkAndHolds(std::string()));
  EXPECT_THAT((*file)->Append("torn"), IsOk());
  EXPECT_THAT((*file)->UnfinishedLine(), IsOkAndHolds(std::string("torn")));
  EXPECT_THAT((*file)->Append("\n"), IsOk());
  EXPECT_THAT((*file)->UnfinishedLine(), IsOkAndHolds(std::string()));
  EXPECT_THAT((*file)->Append("again"), IsOk());
  EXPECT_THAT((*file)->Truncate(5), IsOk());
  EXPECT_THAT(vision::ReadFile(path), IsOkAndHolds(std::string("torn\n")));
}

TEST(AppendFileTest, CreatesOnlyANewFileIfAsked) {
  const std::string path = NewPath("new");
  EXPECT_THAT(AppendFile::Open(path, Mode::kCreate), IsOk());
  EXPECT_THAT(
      AppendFile::Open(path, Mode::kCreate),
      StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("open '" + path)));
}

TEST(AppendFileTest, ReportsAMissingFolder) {
  EXPECT_THAT(
      AppendFile::Open(NewPath("no/such/folder"), Mode::kAppend),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/such/folder")));
}

TEST(AppendFileTest, LocksOutOthersWhileItLives) {
  const std::string path = NewPath("locked");
  auto first = AppendFile::Open(path, Mode::kAppend);
  ASSERT_THAT(first, IsOk());
  EXPECT_THAT((*first)->Lock(), IsOk());
  const auto second = AppendFile::Open(path, Mode::kAppend);
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT((*second)->Lock(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("being written by another process")));
  first->reset();
  EXPECT_THAT((*second)->Lock(), IsOk());
}

// Files of more bytes than the limit stand for a full disk: the system writes
// what fits and then refuses.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_ = {};
  void (*handler_)(int) = nullptr;
};

TEST(AppendFileTest, LeavesNoPartOfARecordThatDoesNotFit) {
  const std::string path = NewPath("full");
  const auto file = AppendFile::Open(path, Mode::kAppend);
  ASSERT_THAT(file, IsOk());
  EXPECT_THAT((*file)->Append("12345678\n"), IsOk());
  {
    const FileSizeLimit limit(12);  // Three bytes of the next record fit.
    EXPECT_THAT((*file)->Append("abcdefgh\n"),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("write '" + path)));
    EXPECT_THAT(vision::ReadFile(path),
                IsOkAndHolds(std::string("12345678\n")));
    EXPECT_THAT((*file)->Append("ab\n"), IsOk());
    EXPECT_THAT((*file)->Append("x"),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("")));
  }
  EXPECT_THAT((*file)->Append("cd\n"), IsOk());
  EXPECT_THAT(vision::ReadFile(path),
              IsOkAndHolds(std::string("12345678\nab\ncd\n")));
}

}  // namespace
}  // namespace wsol
