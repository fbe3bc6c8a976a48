// The record of an experiment folder: what a training said and measured, for
// people, for programs and for TensorBoard.
//
//   VISION_ASSIGN_OR_RETURN(std::unique_ptr<RunLog> log,
//                           RunLog::Open(options.output_dir, RunLogOptions()));
//   log->Message("training on 5994 images");
//   log->Scalars("val", epoch, {{"MaxBoxAcc", 61.2}, {"PxAP", 48.0}});
//   VISION_RETURN_IF_ERROR(log->status());  // at the end, or never

#ifndef WSOL_RUN_LOG_RUN_LOG_H_
#define WSOL_RUN_LOG_RUN_LOG_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "wsol/run_log/append_file.h"
#include "wsol/run_log/tensorboard_writer.h"

namespace wsol {

struct RunLogOptions {
  // Messages also go to glog as INFO, which programs send to standard error.
  bool verbose = true;
  // Scalars also go to TensorBoard event files.
  bool tensorboard = true;
  // The time that is written; null for the system's. For tests.
  std::function<absl::Time()> now = nullptr;
};

// Files in the folder, all appended to when a training goes on:
//
// log.jsonl: one JSON object a line, in UTF-8,
//     {"time": "2026-11-25T08:35:33.120Z", "elapsed_seconds": 12.5,
//      "kind": "scalars", "fields": {...}}
// with the time in UTC and the seconds since the folder was opened by this
// process. Kinds: "started" or "resumed" (first of each process; fields "pid"
// and, of the latter, "torn_line": the rest of a line that the process before
// did not finish, which is cut off, or null), "message" (field "text"),
// "scalars" ("group", "step", "values": an object), and the caller's. NaN and
// infinities are null; bytes that are no UTF-8 become U+FFFD. A training that
// goes on from a checkpoint writes the steps after it again: of two lines with
// the same group and step the later one counts.
//
// log.txt: the same for people; the further lines of a text are indented.
//
// tensorboard/<group>/events.out.tfevents.*: the scalars, one TensorBoard run
// for each group, so that "train" and "val" of the same name share a chart.
// The first step that a later process writes to a group makes TensorBoard drop
// what it has of that step and later ones.
//
// A line is with the operating system when the call returns: killing the
// process loses none, a power cut may. Thread-safe. Cost: about 10 us a call.
class RunLog {
 public:
  // Creates the folder if needed. Fails if it or a file cannot be made
  // (kPermissionDenied, ...), and with kFailedPrecondition if another RunLog,
  // in any process of this machine, has the folder open.
  static absl::StatusOr<std::unique_ptr<RunLog>> Open(
      const std::string& dir, const RunLogOptions& options);

  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  void Message(absl::string_view text);

  // `fields` should be an object; another value is written as {"value": ...}.
  void Event(const std::string& kind, const nlohmann::json& fields);

  // Steps of one group ascend and count one thing (batches or epochs). In
  // TensorBoard the tags are the names, in which slashes make sections.
  void Scalars(absl::string_view group, int64_t step,
               const std::vector<std::pair<std::string, double>>& values);

  // The first error of writing. None of the calls above fails: a training goes
  // on without its log. What could not be written is lost; files stay
  // readable, and what fits later is written.
  absl::Status status() const;

  // True if the folder had a log before.
  bool resumed() const { return resumed_; }

 private:
  RunLog(const std::string& dir, const RunLogOptions& options);

  // Both require mutex_, but while Open() makes the object.
  void Write(const std::string& kind, const nlohmann::ordered_json& fields,
             absl::string_view text);
  void Keep(const absl::Status& status);
  absl::Time Now() const;

  const std::string dir_;
  const RunLogOptions options_;
  const std::chrono::steady_clock::time_point start_;
  bool resumed_ = false;

  // Guards what follows. Not absl::Mutex, which Debian's library hides from
  // ThreadSanitizer.
  mutable std::mutex mutex_;
  std::unique_ptr<AppendFile> json_;
  std::unique_ptr<AppendFile> text_;
  // By group.
  std::map<std::string, std::unique_ptr<TensorboardWriter>> tensorboard_;
  absl::Status status_;
};

}  // namespace wsol

#endif  // WSOL_RUN_LOG_RUN_LOG_H_
