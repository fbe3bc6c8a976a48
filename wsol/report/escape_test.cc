#include "wsol/report/escape.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace wsol {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOkAndHolds;
using ::testing::StatusIs;

constexpr char kBad[] = "\xef\xbf\xbd";

TEST(EscapeMarkupTest, ReplacesWhatHasAMeaning) {
  EXPECT_EQ(EscapeMarkup("<b class=\"x\">Tom & 'Jerry'</b>"),
            "&lt;b class=&quot;x&quot;&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;");
  EXPECT_EQ(EscapeMarkup("&amp;"), "&amp;amp;");
  EXPECT_EQ(EscapeMarkup(""), "");
}

TEST(EscapeMarkupTest, KeepsTextOfAllLanguages) {
  const std::string text = "τ ≥ 0.5, 木, \xf0\x9f\x90\xa6,\ttab\r\n";
  EXPECT_EQ(EscapeMarkup(text), text);
}

TEST(EscapeMarkupTest, ReplacesWhatIsNoText) {
  const std::string bad = kBad;
  EXPECT_EQ(EscapeMarkup(std::string("a\0b\x1f\x7f", 5)),
            "a" + bad + "b" + bad + bad);
  EXPECT_EQ(EscapeMarkup("\xff<"), bad + "&lt;");
  EXPECT_EQ(EscapeMarkup("\xc3"), bad);            // Cut off.
  EXPECT_EQ(EscapeMarkup("\xc3<"), bad + "&lt;");  // Does not swallow <.
  EXPECT_EQ(EscapeMarkup("\xe2\x82"), bad + bad);  // Cut off.
  EXPECT_EQ(EscapeMarkup("\x80"), bad);            // Continues nothing.
  EXPECT_EQ(EscapeMarkup("\xc0\xbc"), bad + bad);  // Overlong <.
  EXPECT_EQ(EscapeMarkup("\xe0\x80\xbc"), bad + bad + bad);
  EXPECT_EQ(EscapeMarkup("\xed\xa0\x80"), bad + bad + bad);  // A surrogate.
  EXPECT_EQ(EscapeMarkup("\xf4\x90\x80\x80"),
            bad + bad + bad + bad);  // Beyond U+10FFFF.
}

TEST(ImageDataUrlTest, EncodesPngAndJpeg) {
  // 89 50 4e 47 | 0d 0a 1a 0a in groups of six bits:
  // 100010 010101 000001 001110 | 010001 110000 110100 001010 | 000110 100000
  // 1010(00) = i V B O R w 0 K G g o =
  EXPECT_THAT(ImageDataUrl("\x89PNG\r\n\x1a\n"),
              IsOkAndHolds(std::string("data:image/png;base64,iVBORw0KGgo=")));
  EXPECT_THAT(ImageDataUrl("\xff\xd8\xff"),
              IsOkAndHolds(std::string("data:image/jpeg;base64,/9j/")));
}

TEST(ImageDataUrlTest, RejectsOtherBytes) {
  for (const char* bytes : {"", "GIF89a", "<svg>", "\x89PN"}) {
    EXPECT_THAT(ImageDataUrl(bytes),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("expected a PNG or JPEG file")));
  }
}

}  // namespace
}  // namespace wsol
