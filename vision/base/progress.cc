#include "vision/base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace vision {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
constexpr absl::Duration kLineInterval = absl::Seconds(10);
constexpr absl::Duration kShortestLineInterval = absl::Seconds(1);
constexpr int kLineSteps = 10;  // A line each tenth of the total.
constexpr int kBarWidth = 20;

bool IsTerminal() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && term != nullptr &&
         absl::string_view(term) != "dumb";
}

int TerminalColumns() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return 80;
}

// "5s", "3m07s", "2h05m": two units are enough for a guess.
std::string FormatTime(absl::Duration duration) {
  const int64_t seconds = std::max<int64_t>(
      absl::ToInt64Seconds(duration + absl::Milliseconds(500)), 0);
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) {
    return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
}

std::string FormatRate(double per_second) {
  if (per_second >= 100) return absl::StrFormat("%.0f/s", per_second);
  if (per_second >= 1) return absl::StrFormat("%.1f/s", per_second);
  return absl::StrFormat("%.3f/s", per_second);
}

// The first `columns` characters of a UTF-8 text; a character is taken to be
// one column wide.
std::string CutToColumns(const std::string& text, int columns) {
  int characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool continues = (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
    if (!continues && characters++ == columns) return text.substr(0, i);
  }
  return text;
}

// A line break or a control character would spoil the line.
std::string OneLine(absl::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return result;
}

}  // namespace

Progress::Progress(absl::string_view label, int64_t total,
                   const ProgressOptions& options)
    : label_(OneLine(label)),
      total_(total),
      enabled_(options.enabled),
      terminal_(
          options.terminal.value_or(options.stream == nullptr && IsTerminal())),
      columns_(options.columns ? *options.columns : TerminalColumns()),
      clock_(options.clock ? options.clock
                           : std::function<absl::Time()>(absl::Now)),
      stream_(options.stream != nullptr ? *options.stream : std::cerr),
      start_(clock_()),
      last_draw_(start_) {
  // A bar shows at once that something has begun.
  const std::lock_guard<std::mutex> lock(mutex_);
  if (enabled_ && terminal_) Draw(start_, /*last=*/false);
}

Progress::~Progress() { Finish(); }

void Progress::Advance(int64_t count) {
  if (!enabled_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  done_ += count;
  const absl::Time now = clock_();
  const absl::Duration since_draw = now - last_draw_;
  if (terminal_) {
    if (since_draw >= kRedrawInterval) Draw(now, /*last=*/false);
    return;
  }
  // The last line is Finish()'s.
  if (total_ > 0 && done_ >= total_) return;
  const int64_t step =
      total_ > 0
          ? static_cast<int64_t>(static_cast<double>(done_) /
                                 static_cast<double>(total_) * kLineSteps)
          : 0;
  if (since_draw >= kLineInterval ||
      (step > last_step_ && since_draw >= kShortestLineInterval)) {
    last_step_ = step;
    Draw(now, /*last=*/false);
  }
}

void Progress::SetNote(absl::string_view note) {
  if (!enabled_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  note_ = OneLine(note);
}

void Progress::Finish() {
  if (!enabled_) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (finished_) return;
  Draw(clock_(), /*last=*/true);
  finished_ = true;
}

void Progress::Draw(absl::Time now, bool last) {
  last_draw_ = now;
  const absl::Duration elapsed = now - start_;
  const double seconds = absl::ToDoubleSeconds(elapsed);
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = label_;
  if (total_ > 0) {
    const double fraction = std::clamp(
        static_cast<double>(done_) / static_cast<double>(total_), 0.0, 1.0);
    if (terminal_) {
      const int filled = static_cast<int>(fraction * kBarWidth);
      absl::StrAppend(&line, " [", std::string(filled, '#'),
                      std::string(kBarWidth - filled, '-'), "]");
    }
    // Truncated: 100 % means that all is done.
    absl::StrAppendFormat(&line, " %3d%% %d/%d",
                          static_cast<int>(fraction * 100), done_, total_);
  } else {
    absl::StrAppend(&line, " ", done_);
  }
  if (rate > 0) absl::StrAppend(&line, "  ", FormatRate(rate));
  if (last) {
    absl::StrAppend(&line, "  took ", FormatTime(elapsed));
  } else if (rate > 0 && total_ > 0) {
    const double left =
        static_cast<double>(std::max<int64_t>(total_ - done_, 0));
    absl::StrAppend(&line, "  ETA ", FormatTime(absl::Seconds(left / rate)));
  }
  if (!note_.empty()) absl::StrAppend(&line, "  ", note_);
  if (terminal_) {
    // Back to the first column, the new text, and the old one's rest erased.
    // The last column stays free: writing to it makes some terminals wrap.
    stream_ << "\r" << CutToColumns(line, std::max(columns_ - 1, 1)) << "\x1b[K"
            << (last ? "\n" : "");
  } else {
    stream_ << line << "\n";
  }
  stream_.flush();
}

}  // namespace vision
