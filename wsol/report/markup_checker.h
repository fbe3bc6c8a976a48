// A strict reader of the HTML and SVG that this package writes: stricter than
// browsers, which mend everything.

#ifndef WSOL_REPORT_MARKUP_CHECKER_H_
#define WSOL_REPORT_MARKUP_CHECKER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace wsol {

// kInvalidArgument, with the place, unless
//   * every element is closed in its turn (<meta>, <link> and <img> excepted),
//   * attributes are name="value", with no name twice in an element,
//   * & stands only before a character reference, and < only before a tag,
//   * no id occurs twice, and #id in an href or aria-labelledby occurs.
// The content of <style> is not looked at.
absl::Status CheckMarkup(absl::string_view markup);

}  // namespace wsol

#endif  // WSOL_REPORT_MARKUP_CHECKER_H_
