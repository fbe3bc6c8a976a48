#include "vision/image/npy.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "opencv2/core.hpp"
#include "testing/status_matchers.h"
#include "vision/base/file_io.h"
#include "vision/base/rng.h"

// Of npy_fuzz.cc.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vision {
namespace {

using ::testing::HasSubstr;
using ::testing::IsOk;
using ::testing::StatusIs;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A file of this version with the header's text as it is.
std::string File(int major, absl::string_view text, absl::string_view data) {
  std::string bytes("\x93NUMPY", 6);
  bytes.push_back(static_cast<char>(major));
  bytes.push_back('\0');
  const size_t size = text.size();
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    bytes.push_back(static_cast<char>(size >> (8 * i) & 0xff));
  }
  return absl::StrCat(bytes, text, data);
}

std::string Text(absl::string_view descr, absl::string_view shape,
                 absl::string_view fortran_order = "False") {
  return absl::StrCat("{'descr': '", descr,
                      "', 'fortran_order': ", fortran_order,
                      ", 'shape': ", shape, ", }\n");
}

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

template <typename T>
std::vector<T> Values(const cv::Mat& array) {
  return std::vector<T>(array.begin<T>(), array.end<T>());
}

// What np.save of NumPy 2 writes for
//   np.array([[0, .5, 1], [.25, -1, 2]], np.float16)
// half: sign 1, exponent 5 (bias 15), fraction 10 bits: 0.5 = 0x3800.
std::string NumpyFile() {
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  absl::StrAppend(&bytes,
                  "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }",
                  std::string(58, ' '), "\n");
  EXPECT_EQ(bytes.size(), 128u);
  return absl::StrCat(
      bytes,
      std::string("\x00\x00\x00\x38\x00\x3c\x00\x34\x00\xbc\x00\x40", 12));
}

TEST(NpyTest, ReadsAFileOfNumpy) {
  const absl::StatusOr<cv::Mat> array = ParseNpy(NumpyFile(), "f2.npy");
  ASSERT_THAT(array, IsOk());
  ASSERT_EQ(array->type(), CV_32FC1);
  ASSERT_EQ(array->size(), cv::Size(3, 2));
  EXPECT_EQ(Values<float>(*array),
            (std::vector<float>{0, .5f, 1, .25f, -1, 2}));
}

TEST(NpyTest, WritesTheSameBytesAsNumpy) {
  const cv::Mat array = (cv::Mat_<float>(2, 3) << 0, .5, 1, .25, -1, 2);
  EXPECT_EQ(EncodeNpy(array, NpyDtype::kFloat16).value(), NumpyFile());
}

TEST(NpyTest, ReadsEachDtype) {
  const auto f4 =
      ParseNpy(File(1, Text("<f4", "(1, 2)"), Bytes<float>({.1f, -2})), "f4");
  ASSERT_THAT(f4, IsOk());
  ASSERT_EQ(f4->type(), CV_32FC1);
  EXPECT_EQ(Values<float>(*f4), (std::vector<float>{.1f, -2}));

  const auto f8 =
      ParseNpy(File(1, Text("<f8", "(2, 1)"), Bytes<double>({.1, -2})), "f8");
  ASSERT_THAT(f8, IsOk());
  ASSERT_EQ(f8->type(), CV_64FC1);
  EXPECT_EQ(f8->size(), cv::Size(1, 2));
  EXPECT_EQ(Values<double>(*f8), (std::vector<double>{.1, -2}));

  const auto u1 =
      ParseNpy(File(1, Text("|u1", "(1, 2)"), Bytes<uint8_t>({0, 255})), "u1");
  ASSERT_THAT(u1, IsOk());
  ASSERT_EQ(u1->type(), CV_8UC1);
  EXPECT_EQ(Values<uint8_t>(*u1), (std::vector<uint8_t>{0, 255}));

  const auto u2 = ParseNpy(
      File(1, Text("<u2", "(1, 2)"), Bytes<uint16_t>({1, 65535})), "u2");
  ASSERT_THAT(u2, IsOk());
  ASSERT_EQ(u2->type(), CV_16UC1);
  EXPECT_EQ(Values<uint16_t>(*u2), (std::vector<uint16_t>{1, 65535}));
}

// Every half, against its definition: (-1)^s 2^(e - 15) (1 + f / 1024), with
// 2^-14 (f / 1024) for e = 0.
TEST(NpyTest, WidensEveryHalfExactly) {
  std::vector<uint16_t> bits(65536);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  const auto array =
      ParseNpy(File(1, Text("<f2", "(256, 256)"), Bytes(bits)), "halves");
  ASSERT_THAT(array, IsOk());
  const std::vector<float> values = Values<float>(*array);
  for (uint32_t i = 0; i < 65536; ++i) {
    const int exponent = static_cast<int>(i >> 10 & 31);
    const double fraction = (i & 1023) / 1024.0;
    const double sign = i >> 15 != 0 ? -1 : 1;
    if (exponent == 31 && fraction != 0) {
      ASSERT_TRUE(std::isnan(values[i])) << i;
      continue;
    }
    const double expected =
        exponent == 31  ? sign * std::numeric_limits<double>::infinity()
        : exponent == 0 ? sign * std::ldexp(fraction, -14)
                        : sign * std::ldexp(1 + fraction, exponent - 15);
    ASSERT_EQ(values[i], expected) << i;
  }
}

TEST(NpyTest, ReadsEachVersionAndSpelling) {
  const std::string data = Bytes<float>({1, 2});
  for (const int version : {1, 2, 3}) {
    EXPECT_THAT(ParseNpy(File(version, Text("<f4", "(1, 2)"), data), "v"),
                IsOk())
        << version;
  }
  for (const char* const text :
       {"{'shape':(1,2),'fortran_order':False,'descr':'<f4'}",
        "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1, 2)}  \n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }",
        " { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 1 , 2 , ) "
        ", } ",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 2), }"}) {
    const auto array = ParseNpy(File(1, text, data), "spelling");
    ASSERT_THAT(array, IsOk()) << text;
    EXPECT_EQ(Values<float>(*array), (std::vector<float>{1, 2})) << text;
  }
}

TEST(NpyTest, ReadsFortranOrder) {
  // [[1, 2, 3], [4, 5, 6]] by columns.
  for (const char* const shape : {"(2, 3)", "(1, 2, 3)"}) {
    const auto array = ParseNpy(
        File(1, Text("<f4", shape, "True"), Bytes<float>({1, 4, 2, 5, 3, 6})),
        "fortran");
    ASSERT_THAT(array, IsOk());
    EXPECT_EQ(array->size(), cv::Size(3, 2));
    EXPECT_EQ(Values<float>(*array), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  }
}

TEST(NpyTest, RoundTripsWhatItWrites) {
  Rng rng(1);
  cv::Mat doubles(37, 5, CV_64FC1);
  for (double& value : cv::Mat_<double>(doubles)) value = rng.Uniform(-2, 2);
  const std::string path = JoinPath(::testing::TempDir(), "round_trip.npy");
  ASSERT_THAT(WriteNpy(path, doubles, NpyDtype::kFloat64), IsOk());
  auto array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  EXPECT_EQ(cv::norm(*array, doubles, cv::NORM_INF), 0);

  // To float and to half: the nearest one.
  ASSERT_THAT(WriteNpy(path, doubles, NpyDtype::kFloat32), IsOk());
  array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  for (int i = 0; i < static_cast<int>(doubles.total()); ++i) {
    EXPECT_EQ(array->at<float>(i / 5, i % 5),
              static_cast<float>(doubles.at<double>(i / 5, i % 5)));
  }
  ASSERT_THAT(WriteNpy(path, *array, NpyDtype::kFloat16), IsOk());
  const auto halves = ReadNpy(path);
  ASSERT_THAT(halves, IsOk());
  for (int i = 0; i < static_cast<int>(doubles.total()); ++i) {
    // Below 2 in magnitude the distance of halves is 2^-10 at most.
    EXPECT_NEAR(halves->at<float>(i / 5, i % 5), array->at<float>(i / 5, i % 5),
                0x1p-11);
  }

  // A part of a matrix: rows are not next to one another.
  cv::Mat bytes(4, 6, CV_8UC1);
  for (int i = 0; i < 24; ++i) bytes.data[i] = static_cast<uint8_t>(i * 9);
  const cv::Mat part = bytes(cv::Rect(1, 1, 3, 2));
  ASSERT_THAT(WriteNpy(path, part, NpyDtype::kUint8), IsOk());
  array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  EXPECT_EQ(cv::norm(*array, part, cv::NORM_INF), 0);

  const cv::Mat words = (cv::Mat_<uint16_t>(1, 2) << 7, 65535);
  ASSERT_THAT(WriteNpy(path, words, NpyDtype::kUint16), IsOk());
  array = ReadNpy(path);
  ASSERT_THAT(array, IsOk());
  EXPECT_EQ(cv::norm(*array, words, cv::NORM_INF), 0);
}

TEST(NpyTest, EveryShorterFileIsIncomplete) {
  const std::string bytes = NumpyFile();
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A copy of exact size, so that a sanitizer sees reads beyond it.
    const std::string part = bytes.substr(0, size);
    EXPECT_THAT(ParseNpy(part, "half.npy"),
                StatusIs(kDataLoss, HasSubstr("half.npy: ")))
        << size;
  }
  EXPECT_THAT(
      ParseNpy(bytes.substr(0, 139), "half.npy"),
      StatusIs(kDataLoss, HasSubstr("has 11 bytes of data, expected 2 x 3 x 2; "
                                    "was it written to its end?")));
  EXPECT_THAT(ParseNpy(bytes.substr(0, 100), "half.npy"),
              StatusIs(kDataLoss, HasSubstr("ends within its header, after 100 "
                                            "bytes")));
  EXPECT_THAT(ParseNpy("", "half.npy"),
              StatusIs(kDataLoss, HasSubstr("empty file")));
  EXPECT_THAT(ParseNpy(bytes + "x", "long.npy"),
              StatusIs(kDataLoss, HasSubstr("what are the others?")));
}

struct BadCase {
  std::string bytes;
  absl::StatusCode code;
  const char* message;
};

TEST(NpyTest, SaysWhatIsWrong) {
  const std::string one = Bytes<float>({1});
  const BadCase cases[] = {
      {"\x89PNG\r\n", kDataLoss, "no .npy file: it begins with \"\\x89PNG"},
      {File(4, Text("<f4", "(1, 1)"), one), kInvalid,
       "version 4.0, expected 1.0, 2.0 or 3.0"},
      {File(1, Text(">f4", "(1, 1)"), one), kInvalid, "'>f4' (big-endian)"},
      {File(1, Text("<i8", "(1, 1)"), one), kInvalid, "'<i8', expected <f2"},
      {File(1, Text("|b1", "(1, 1)"), "a"), kInvalid, "'|b1', expected <f2"},
      {File(1, Text("|O", "(1, 1)"), one), kInvalid, "'|O', expected <f2"},
      {File(1,
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, "
            "1)}",
            one),
       kInvalid, "holds structures ([(\\'a\\'"},
      {File(1, Text("<f4", "()"), one), kInvalid, "shape is (), expected"},
      {File(1, Text("<f4", "(1,)"), one), kInvalid, "shape is (1), expected"},
      {File(1, Text("<f4", "(2, 1, 1)"), one + one), kInvalid,
       "shape is (2, 1, 1), expected (height, width) or (1, height, width)"},
      {File(1, Text("<f4", "(0, 5)"), ""), kInvalid, "sides of 1 to"},
      {File(1, Text("<f4", "(2147483648, 1)"), one), kInvalid, "sides of 1 to"},
      {File(1, Text("<f4", "(2147483647, 2147483647)"), one), kDataLoss,
       "expected 2147483647 x 2147483647 x 4"},
      {File(1, Text("<f4", "(99999999999999999999, 1)"), one), kDataLoss,
       "expected a smaller size before"},
      {File(1, Text("<f4", "(-1, 1)"), one), kDataLoss, "expected a size"},
      {File(1, Text("<f4", "(1 1)"), one), kDataLoss, "expected ')' before"},
      {File(1, Text("<f4", "(1, 1)", "0"), one), kDataLoss,
       "expected True or False before \"0, \\'shape"},
      {File(1, "{'descr': '<f4', 'shape': (1, 1)}", one), kDataLoss,
       "lacks 'fortran_order'"},
      {File(1, "{}", one), kDataLoss, "lacks 'descr'"},
      {File(1, "{'descr': '<f4', 'descr': '<f4'}", one), kDataLoss,
       "has 'descr' twice"},
      {File(1, "{'comment': 'x'}", one), kDataLoss, "a key \"comment\""},
      {File(1, Text("<f4", "(1, 1)") + "}", one), kDataLoss,
       "expected the end of the header before \"}\""},
      {File(1, "{'descr", one), kDataLoss, "expected a key before"},
      {File(1, "", one), kDataLoss, "expected '{' before \"\""},
  };
  for (const BadCase& bad : cases) {
    EXPECT_THAT(ParseNpy(bad.bytes, "bad.npy"),
                StatusIs(bad.code, HasSubstr(bad.message)));
  }
  EXPECT_THAT(ReadNpy(JoinPath(::testing::TempDir(), "none.npy")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.npy")));
}

TEST(NpyTest, RefusesToWriteWhatWouldChange) {
  const cv::Mat floats = cv::Mat::zeros(1, 1, CV_32FC1);
  const cv::Mat bytes = cv::Mat::zeros(1, 1, CV_8UC1);
  EXPECT_THAT(EncodeNpy(floats, NpyDtype::kUint8),
              StatusIs(kInvalid, HasSubstr("as a .npy file of uint8")));
  EXPECT_THAT(EncodeNpy(bytes, NpyDtype::kUint16), StatusIs(kInvalid));
  EXPECT_THAT(EncodeNpy(bytes, NpyDtype::kFloat32), StatusIs(kInvalid));
  EXPECT_THAT(EncodeNpy(cv::Mat(), NpyDtype::kFloat32), StatusIs(kInvalid));
  EXPECT_THAT(EncodeNpy(cv::Mat::zeros(1, 1, CV_32FC3), NpyDtype::kFloat32),
              StatusIs(kInvalid, HasSubstr("CV_32FC3")));
}

// A failed write leaves the old file whole.
TEST(NpyTest, WriteFailsCleanly) {
  const cv::Mat array = cv::Mat::zeros(1, 1, CV_32FC1);
  EXPECT_THAT(WriteNpy(JoinPath(::testing::TempDir(), "no/such/folder.npy"),
                       array, NpyDtype::kFloat32),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(std::filesystem::exists(JoinPath(::testing::TempDir(), "no")));
}

// Damaged files of all kinds: a status or a matrix that the bytes can hold,
// and nothing that a sanitizer objects to.
TEST(NpyTest, SurvivesDamagedFiles) {
  const std::string seeds[] = {
      NumpyFile(),
      File(2, Text("<f8", "(1, 2, 1)"), Bytes<double>({1, 2})),
      File(1, Text("|u1", "(2, 2)", "True"), "abcd"),
      File(3, Text("<u2", "(3, 1)"), "abcdef"),
  };
  const std::string tokens[] = {"(",  ")",  ",",  "'",  "{",   "}",
                                ":",  "9",  "<",  "f4", "L",   "True",
                                "\0", "\n", "\\", "[",  "(1,", "4294967295"};
  int64_t readable = 0;
  for (uint64_t i = 0; i < 20000; ++i) {
    Rng rng(7, {i});
    std::string bytes = seeds[rng.UniformInt(4)];
    const uint64_t edits = 1 + rng.UniformInt(4);
    for (uint64_t edit = 0; edit < edits && !bytes.empty(); ++edit) {
      const size_t at = rng.UniformInt(bytes.size());
      switch (rng.UniformInt(5)) {
        case 0:
          bytes[at] = static_cast<char>(rng.Next());
          break;
        case 1:
          bytes.erase(at, 1 + rng.UniformInt(4));
          break;
        case 2:
          bytes.insert(at, tokens[rng.UniformInt(18)]);
          break;
        case 3:
          bytes.resize(at);
          break;
        default:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.UniformInt(8)));
      }
    }
    // A copy of exact size, so that a sanitizer sees reads beyond it.
    const std::string exact(bytes.data(), bytes.size());
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(exact.data()),
                           exact.size());
    readable += ParseNpy(exact, "fuzz.npy").ok();
  }
  EXPECT_GT(readable, 100);  // Edits of values and padding leave them sound.
}

}  // namespace
}  // namespace vision
