#include "wsol/run_log/run_log.h"

#include <unistd.h>

#include <chrono>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "glog/logging.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"

namespace wsol {
namespace {

using ::nlohmann::json;
using ::nlohmann::ordered_json;

// On one line, with U+FFFD for bytes that are no UTF-8; the library writes null
// for numbers that JSON does not have.
template <typename Json>
std::string Dump(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false,
                    Json::error_handler_t::replace);
}

// A text for log.txt: further lines indented, and no characters that would
// garble a terminal.
std::string Lines(absl::string_view text) {
  std::string lines;
  for (const char c : absl::StripTrailingAsciiWhitespace(text)) {
    if (c == '\n') {
      lines += "\n    ";
    } else if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) &&
               c != '\t') {
      absl::StrAppendFormat(&lines, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      lines += c;
    }
  }
  return lines;
}

// A folder's name for a group.
std::string FolderName(absl::string_view group) {
  std::string name(group);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' &&
        c != '.' && c != '_') {
      c = '_';
    }
  }
  if (!name.empty() && name[0] == '.') name[0] = '_';
  return name;
}

// Brings the last line of log.jsonl to an end: a whole object only lacks its
// line break; anything else is cut off. Returns what was cut off, or null.
absl::StatusOr<json> CloseLastLine(AppendFile* file) {
  VISION_ASSIGN_OR_RETURN(const std::string rest, file->UnfinishedLine());
  if (rest.empty()) return json();
  const json value =
      json::parse(rest, /*cb=*/nullptr, /*allow_exceptions=*/false);
  // On a full disk a whole line goes too: the next one must not follow it.
  if (value.is_object() && file->Append("\n").ok()) return json();
  VISION_RETURN_IF_ERROR(
      file->Truncate(file->size() - static_cast<int64_t>(rest.size())));
  return json(rest);
}

}  // namespace

RunLog::RunLog(const std::string& dir, const RunLogOptions& options)
    : dir_(dir), options_(options), start_(std::chrono::steady_clock::now()) {}

absl::StatusOr<std::unique_ptr<RunLog>> RunLog::Open(
    const std::string& dir, const RunLogOptions& options) {
  VISION_RETURN_IF_ERROR(vision::CreateDirectories(dir));
  std::unique_ptr<RunLog> log(new RunLog(dir, options));
  VISION_ASSIGN_OR_RETURN(log->json_,
                          AppendFile::Open(vision::JoinPath(dir, "log.jsonl"),
                                           AppendFile::Mode::kAppend));
  VISION_RETURN_IF_ERROR(log->json_->Lock());
  VISION_ASSIGN_OR_RETURN(log->text_,
                          AppendFile::Open(vision::JoinPath(dir, "log.txt"),
                                           AppendFile::Mode::kAppend));
  log->resumed_ = log->json_->size() > 0;
  ordered_json fields = ordered_json::object({{"pid", getpid()}});
  if (log->resumed_) {
    const absl::StatusOr<json> torn = CloseLastLine(log->json_.get());
    // With a full disk the training may still go on.
    log->Keep(torn.status());
    fields["torn_line"] = torn.ok() ? *torn : json();
  }
  const absl::StatusOr<std::string> rest = log->text_->UnfinishedLine();
  log->Keep(rest.status());
  if (rest.ok() && !rest->empty()) log->Keep(log->text_->Append("\n"));
  const std::string kind = log->resumed_ ? "resumed" : "started";
  log->Write(kind, fields, absl::StrCat(kind, " (process ", getpid(), ")"));
  return log;
}

void RunLog::Message(absl::string_view text) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Write("message", ordered_json::object({{"text", std::string(text)}}), text);
  LOG_IF(INFO, options_.verbose) << text;
}

void RunLog::Event(const std::string& kind, const json& fields) {
  const json object =
      fields.is_object() ? fields : json::object({{"value", fields}});
  const std::lock_guard<std::mutex> lock(mutex_);
  Write(kind, ordered_json(object), absl::StrCat(kind, " ", Dump(object)));
}

void RunLog::Scalars(
    absl::string_view group, int64_t step,
    const std::vector<std::pair<std::string, double>>& values) {
  ordered_json object = ordered_json::object();
  std::string text = absl::StrCat(group, " ", step, ":");
  for (const auto& [name, value] : values) {
    object[name] = value;
    absl::StrAppendFormat(&text, " %s %.6g", name, value);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  Write("scalars",
        {{"group", std::string(group)}, {"step", step}, {"values", object}},
        text);
  if (!options_.tensorboard || values.empty()) return;
  const std::string folder = FolderName(group);
  std::unique_ptr<TensorboardWriter>& writer = tensorboard_[folder];
  if (writer == nullptr) {
    absl::StatusOr<std::unique_ptr<TensorboardWriter>> opened =
        TensorboardWriter::Open(
            vision::JoinPath(vision::JoinPath(dir_, "tensorboard"), folder),
            options_.now);
    Keep(opened.status());
    if (!opened.ok()) return;
    writer = *std::move(opened);
  }
  Keep(writer->Scalars(step, values));
}

absl::Status RunLog::status() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return status_;
}

void RunLog::Write(const std::string& kind, const ordered_json& fields,
                   absl::string_view text) {
  const absl::Time now = Now();
  const double elapsed =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start_)
          .count();
  const ordered_json line = {
      {"time",
       absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", now, absl::UTCTimeZone())},
      {"elapsed_seconds", std::round(elapsed * 1e3) / 1e3},
      {"kind", kind},
      {"fields", fields}};
  Keep(json_->Append(absl::StrCat(Dump(line), "\n")));
  Keep(text_->Append(absl::StrCat(
      absl::FormatTime("%Y-%m-%d %H:%M:%S", now, absl::UTCTimeZone()),
      absl::StrFormat(" %9.1fs  ", elapsed), Lines(text), "\n")));
}

void RunLog::Keep(const absl::Status& status) { status_.Update(status); }

absl::Time RunLog::Now() const {
  return options_.now == nullptr ? absl::Now() : options_.now();
}

}  // namespace wsol
