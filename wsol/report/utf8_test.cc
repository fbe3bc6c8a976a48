#include "wsol/report/utf8.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wsol {
namespace {

// The first and last code points of each length, and the nearest that are
// none (RFC 3629, section 4).
TEST(Utf8Test, KnowsTheEndsOfEachRange) {
  EXPECT_EQ(Utf8SequenceLength(""), 0);
  EXPECT_EQ(Utf8SequenceLength(std::string("\0", 1)), 1);
  EXPECT_EQ(Utf8SequenceLength("\x7f"), 1);
  EXPECT_EQ(Utf8SequenceLength("\x80"), 0);
  EXPECT_EQ(Utf8SequenceLength("\xc1\xbf"), 0);  // Overlong.
  EXPECT_EQ(Utf8SequenceLength("\xc2\x80"), 2);
  EXPECT_EQ(Utf8SequenceLength("\xdf\xbf"), 2);
  EXPECT_EQ(Utf8SequenceLength("\xe0\x9f\xbf"), 0);  // Overlong.
  EXPECT_EQ(Utf8SequenceLength("\xe0\xa0\x80"), 3);
  EXPECT_EQ(Utf8SequenceLength("\xed\x9f\xbf"), 3);
  EXPECT_EQ(Utf8SequenceLength("\xed\xa0\x80"), 0);  // A surrogate.
  EXPECT_EQ(Utf8SequenceLength("\xef\xbf\xbf"), 3);
  EXPECT_EQ(Utf8SequenceLength("\xf0\x8f\xbf\xbf"), 0);  // Overlong.
  EXPECT_EQ(Utf8SequenceLength("\xf0\x90\x80\x80"), 4);
  EXPECT_EQ(Utf8SequenceLength("\xf4\x8f\xbf\xbf"), 4);
  EXPECT_EQ(Utf8SequenceLength("\xf4\x90\x80\x80"), 0);  // Above U+10FFFF.
  EXPECT_EQ(Utf8SequenceLength("\xff"), 0);
  EXPECT_EQ(Utf8SequenceLength("\xe2\x82"), 0);  // Cut short.
}

TEST(Utf8Test, FindsWhereUtf8Ends) {
  EXPECT_EQ(Utf8PrefixLength(""), 0);
  EXPECT_EQ(Utf8PrefixLength("a\xc3\xa9"), 3);
  EXPECT_EQ(Utf8PrefixLength("a\xc3\xa9\xff"
                             "b"),
            3);
}

TEST(Utf8Test, ReplacesEachByteThatIsNone) {
  EXPECT_EQ(ToUtf8("a\xc3\xa9"), "a\xc3\xa9");
  EXPECT_EQ(ToUtf8("\xffxy\xe2\x82"), "\xef\xbf\xbdxy\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Utf8Test, PrintableAsciiHasOneMarkForEachOtherCharacter) {
  EXPECT_EQ(PrintableAscii("a ~"), "a ~");
  EXPECT_EQ(PrintableAscii("\xc3\xa9\xe2\x82\xac."), "??.");
  EXPECT_EQ(PrintableAscii("\n\xff\x7f"), "???");
  EXPECT_EQ(PrintableAscii(""), "");
}

}  // namespace
}  // namespace wsol
