#include "wsol/datasets/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wsol {
namespace {

constexpr size_t kBufferBytes = 1 << 18;

absl::Status SystemError(int error, absl::string_view action,
                         const std::string& path) {
  const std::string message = absl::StrCat("cannot ", action, " '", path, "'");
  // A file in place of a folder: what was asked for is not there either.
  if (error == ENOTDIR) error = ENOENT;
  return absl::ErrnoToStatus(error, message);
}

}  // namespace

absl::StatusOr<LineReader> LineReader::Open(const std::string& path) {
  LineReader reader;
  reader.path_ = path;
  reader.fd_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (reader.fd_ < 0) return SystemError(errno, "open", path);
  reader.buffer_.resize(kBufferBytes);
  return reader;
}

LineReader LineReader::FromText(absl::string_view text) {
  LineReader reader;
  reader.text_ = text;
  reader.end_ = text.size();
  return reader;
}

LineReader::LineReader(LineReader&& other) noexcept {
  *this = std::move(other);
}

LineReader& LineReader::operator=(LineReader&& other) noexcept {
  if (this == &other) return *this;
  Close();
  fd_ = std::exchange(other.fd_, -1);
  path_ = std::move(other.path_);
  text_ = other.text_;
  buffer_ = std::move(other.buffer_);
  position_ = other.position_;
  end_ = other.end_;
  line_number_ = other.line_number_;
  status_ = std::move(other.status_);
  return *this;
}

LineReader::~LineReader() { Close(); }

void LineReader::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool LineReader::Fill() {
  if (fd_ < 0 || !status_.ok()) return false;
  if (position_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + position_, end_ - position_);
    end_ -= position_;
    position_ = 0;
  }
  // A line longer than the buffer.
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  while (true) {
    const ssize_t got = read(fd_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) status_ = SystemError(errno, "read", path_);
    if (got <= 0) return false;
    end_ += static_cast<size_t>(got);
    return true;
  }
}

bool LineReader::Next(absl::string_view* line) {
  // Bytes from position_ on that hold no line end.
  size_t searched = 0;
  bool more = true;
  while (true) {
    // Fill moves them.
    const char* const begin =
        (fd_ < 0 ? text_.data() : buffer_.data()) + position_;
    const size_t size = end_ - position_;
    const void* const found =
        size > searched ? std::memchr(begin + searched, '\n', size - searched)
                        : nullptr;
    size_t length = size;
    if (found != nullptr) {
      length = static_cast<size_t>(static_cast<const char*>(found) - begin);
    } else if (more) {
      searched = size;
      more = Fill();
      continue;
    } else if (!status_.ok() || size == 0) {
      return false;
    }
    position_ += std::min(length + 1, size);
    ++line_number_;
    if (length > 0 && begin[length - 1] == '\r') --length;
    *line = absl::string_view(begin, length);
    return true;
  }
}

absl::StatusOr<int64_t> LineReader::CountLines() {
  int64_t count = 0;
  for (absl::string_view line; Next(&line);) ++count;
  if (status_.ok() && fd_ >= 0 && lseek(fd_, 0, SEEK_SET) != 0) {
    status_ = SystemError(errno, "read twice", path_);
  }
  if (!status_.ok()) return status_;
  position_ = 0;
  end_ = fd_ < 0 ? text_.size() : 0;
  line_number_ = 0;
  return count;
}

}  // namespace wsol
