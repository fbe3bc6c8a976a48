#include "wsol/report/markup_checker.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace wsol {
namespace {

class Checker {
 public:
  explicit Checker(absl::string_view text) : text_(text) {}

  absl::Status Check() {
    if (absl::StartsWith(text_, "<!DOCTYPE html>")) at_ = 15;
    while (at_ < text_.size() && error_.empty()) {
      if (text_[at_] == '<') {
        Tag();
      } else {
        Character();
      }
    }
    if (error_.empty() && !open_.empty()) {
      Fail(absl::StrCat("<", open_.back(), "> is not closed"));
    }
    for (const std::string& id : references_) {
      if (error_.empty() && ids_.count(id) == 0) {
        Fail(absl::StrCat("no element has id '", id, "'"));
      }
    }
    return error_.empty() ? absl::OkStatus()
                          : absl::InvalidArgumentError(error_);
  }

 private:
  void Fail(absl::string_view message) {
    if (!error_.empty()) return;
    const size_t begin = at_ < 30 ? 0 : at_ - 30;
    error_ = absl::StrCat(message, " at byte ", at_, ": ...",
                          text_.substr(begin, 60));
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool Take(absl::string_view expected) {
    if (!absl::StartsWith(text_.substr(at_), expected)) return false;
    at_ += expected.size();
    return true;
  }

  std::string Name() {
    const size_t begin = at_;
    while (absl::ascii_isalnum(static_cast<unsigned char>(Peek())) ||
           Peek() == '-' || Peek() == ':') {
      ++at_;
    }
    if (at_ == begin) Fail("expected a name");
    return std::string(text_.substr(begin, at_ - begin));
  }

  // One character of content, or of an attribute's value.
  void Character() {
    if (Peek() == '&') {
      const size_t end = text_.find(';', at_);
      if (end == absl::string_view::npos || end == at_ + 1 || end > at_ + 8) {
        return Fail("& without a character reference");
      }
      at_ = end;
    } else if (Peek() == '<' || Peek() == '>') {
      return Fail("a bare < or >");
    }
    ++at_;
  }

  void Tag() {
    ++at_;
    if (Take("/")) {
      const std::string name = Name();
      if (open_.empty() || open_.back() != name) {
        return Fail(absl::StrCat("</", name, "> closes nothing"));
      }
      open_.pop_back();
      if (!Take(">")) Fail("expected >");
      return;
    }
    const std::string name = Name();
    std::set<std::string> attributes;
    while (error_.empty() && Take(" ")) {
      const std::string attribute = Name();
      if (!attributes.insert(attribute).second) {
        Fail(absl::StrCat(attribute, " is there twice"));
      }
      Value(attribute);
    }
    if (Take("/>")) return;
    if (!Take(">")) return Fail("expected >");
    if (name == "meta" || name == "link" || name == "img") return;
    if (name == "style") {
      const size_t end = text_.find("</style>", at_);
      if (end == absl::string_view::npos) return Fail("<style> is not closed");
      at_ = end + 8;
      return;
    }
    open_.push_back(name);
  }

  void Value(const std::string& attribute) {
    if (!Take("=\"")) return Fail("expected =\"");
    const size_t begin = at_;
    while (error_.empty() && at_ < text_.size() && Peek() != '"') Character();
    const std::string value(text_.substr(begin, at_ - begin));
    if (!Take("\"")) return Fail("expected \"");
    if (attribute == "id" && !ids_.insert(value).second) {
      return Fail(absl::StrCat("id '", value, "' is there twice"));
    }
    if (attribute == "aria-labelledby") references_.insert(value);
    if (attribute == "href" && absl::StartsWith(value, "#")) {
      references_.insert(value.substr(1));
    }
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::vector<std::string> open_;
  std::set<std::string> ids_, references_;
  std::string error_;
};

}  // namespace

absl::Status CheckMarkup(absl::string_view markup) {
  return Checker(markup).Check();
}

}  // namespace wsol
