// Progress of a long loop, on stderr: a bar on a terminal, plain lines
// elsewhere.
//
//   vision::Progress progress("train, epoch 3", num_batches);
//   for (...) {
//     ...
//     progress.SetNote(absl::StrFormat("loss %.3f", loss));
//     progress.Advance();
//   }
//   progress.Finish();
//
// On a terminal one line is redrawn at most ten times a second:
//   train, epoch 3 [######------]  50% 60/120  12.3/s  ETA 5s  loss 0.412
// Otherwise a whole line is written each 10 % (but not more often than each
// second) or each 10 seconds, so that logs stay short.

#ifndef VISION_BASE_PROGRESS_H_
#define VISION_BASE_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace vision {

struct ProgressOptions {
  // False: print nothing at all.
  bool enabled = true;
  // Where to print; std::cerr if null. Must outlive the Progress.
  std::ostream* stream = nullptr;
  // Redraw one line (true) or write plain lines. Default: true if stream is
  // null, stderr is a terminal and TERM is not "dumb".
  std::optional<bool> terminal;
  // Columns of the terminal. Default: the terminal's, or 80. The line is cut to
  // fit, or it would wrap and could not be redrawn.
  std::optional<int> columns;
  // The time. Default: absl::Now.
  std::function<absl::Time()> clock;
};

// Thread-safe: any thread may advance it. Keep one at a time on a terminal.
class Progress {
 public:
  // `total` items are to come; 0 if that is not known (no bar and no ETA then).
  Progress(absl::string_view label, int64_t total,
           const ProgressOptions& options = {});
  // Finishes, if that was not done.
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `count` more items are done.
  void Advance(int64_t count = 1);

  // A short text to show at the end of the line, such as the loss. Drawn with
  // the next redraw.
  void SetNote(absl::string_view note);

  // Draws the final state, with the time taken instead of the ETA, and ends the
  // line. Later calls of any member do nothing.
  void Finish();

 private:
  // With the mutex held.
  void Draw(absl::Time now, bool last);

  const std::string label_;
  const int64_t total_;
  const bool enabled_;
  const bool terminal_;
  const int columns_;
  const std::function<absl::Time()> clock_;
  std::ostream& stream_;
  const absl::Time start_;

  // Guards what follows. Not Abseil's: its library is not built for
  // ThreadSanitizer, which would not see that it orders anything.
  std::mutex mutex_;
  int64_t done_ = 0;
  std::string note_;
  bool finished_ = false;
  absl::Time last_draw_;
  int64_t last_step_ = 0;
};

}  // namespace vision

#endif  // VISION_BASE_PROGRESS_H_
