#include "vision/image/npy.h"

#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/image/opencv_status.h"

namespace vision {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the data of the files is taken as it lies");

constexpr absl::string_view kMagic("\x93NUMPY", 6);

// What the header says.
struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<uint64_t> shape;
};

struct DtypeInfo {
  NpyDtype dtype;
  absl::string_view name;
  absl::string_view descr;
  int element_size;
  int cv_type;  // In the file.
};

constexpr DtypeInfo kDtypes[] = {
    {NpyDtype::kFloat16, "float16", "<f2", 2, CV_16FC1},
    {NpyDtype::kFloat32, "float32", "<f4", 4, CV_32FC1},
    {NpyDtype::kFloat64, "float64", "<f8", 8, CV_64FC1},
    {NpyDtype::kUint8, "uint8", "|u1", 1, CV_8UC1},
    {NpyDtype::kUint16, "uint16", "<u2", 2, CV_16UC1},
};

const DtypeInfo& InfoOf(NpyDtype dtype) {
  return kDtypes[static_cast<int>(dtype)];
}

// Parses the header's text, the literal of a Python dictionary such as
//   {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
// with its three keys in any order.
class HeaderParser {
 public:
  HeaderParser(absl::string_view text, absl::string_view name)
      : text_(text), name_(name) {}

  absl::StatusOr<Header> Parse() {
    VISION_RETURN_IF_ERROR(Expect('{'));
    while (!Consume('}')) {
      VISION_ASSIGN_OR_RETURN(const std::string key, String("a key"));
      VISION_RETURN_IF_ERROR(Expect(':'));
      VISION_RETURN_IF_ERROR(Value(key));
      if (!Consume(',')) {
        VISION_RETURN_IF_ERROR(Expect('}'));
        break;
      }
    }
    SkipBlanks();
    if (position_ != text_.size()) {
      return Error("the end of the header");
    }
    if (!has_descr_ || !has_order_ || !has_shape_) {
      return absl::DataLossError(absl::StrCat(
          name_, ": the header of the .npy file lacks '",
          !has_descr_ ? "descr" : (!has_order_ ? "fortran_order" : "shape"),
          "'"));
    }
    return header_;
  }

 private:
  absl::Status Error(absl::string_view expected) const {
    return absl::DataLossError(absl::StrCat(
        name_, ": damaged .npy header: expected ", expected, " before \"",
        absl::CHexEscape(text_.substr(position_, 20)), "\""));
  }

  void SkipBlanks() {
    while (position_ < text_.size() &&
           absl::ascii_isspace(static_cast<unsigned char>(text_[position_]))) {
      ++position_;
    }
  }

  bool Consume(char c) {
    SkipBlanks();
    if (position_ == text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  absl::Status Expect(char c) {
    if (Consume(c)) return absl::OkStatus();
    return Error(absl::StrCat("'", std::string(1, c), "'"));
  }

  // A string without escapes, which none of the values has.
  absl::StatusOr<std::string> String(absl::string_view what) {
    SkipBlanks();
    if (position_ == text_.size()) return Error(what);
    const char quote = text_[position_];
    if (quote != '\'' && quote != '"') return Error(what);
    const size_t end = text_.find(quote, position_ + 1);
    if (end == absl::string_view::npos) return Error(what);
    const absl::string_view value =
        text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return std::string(value);
  }

  absl::Status Once(absl::string_view key, bool* seen) const {
    if (*seen) {
      return absl::DataLossError(absl::StrCat(
          name_, ": the header of the .npy file has '", key, "' twice"));
    }
    *seen = true;
    return absl::OkStatus();
  }

  absl::Status Value(absl::string_view key) {
    if (key == "descr") {
      VISION_RETURN_IF_ERROR(Once(key, &has_descr_));
      SkipBlanks();
      if (position_ < text_.size() && text_[position_] == '[') {
        return absl::InvalidArgumentError(
            absl::StrCat(name_, ": the .npy file holds structures (",
                         absl::CHexEscape(text_.substr(position_, 40)),
                         "...), expected float16, float32, float64, uint8 or "
                         "uint16"));
      }
      VISION_ASSIGN_OR_RETURN(header_.descr, String("the dtype"));
      return absl::OkStatus();
    }
    if (key == "fortran_order") {
      VISION_RETURN_IF_ERROR(Once(key, &has_order_));
      return Bool();
    }
    if (key == "shape") {
      VISION_RETURN_IF_ERROR(Once(key, &has_shape_));
      return Shape();
    }
    return absl::DataLossError(
        absl::StrCat(name_, ": the header of the .npy file has a key \"",
                     absl::CHexEscape(key.substr(0, 20)),
                     "\", expected 'descr', 'fortran_order' and 'shape'"));
  }

  absl::Status Bool() {
    SkipBlanks();
    for (const bool value : {false, true}) {
      const absl::string_view word = value ? "True" : "False";
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        header_.fortran_order = value;
        return absl::OkStatus();
      }
    }
    return Error("True or False");
  }

  absl::Status Shape() {
    VISION_RETURN_IF_ERROR(Expect('('));
    while (!Consume(')')) {
      VISION_ASSIGN_OR_RETURN(const uint64_t size, Integer());
      header_.shape.push_back(size);
      if (!Consume(',')) return Expect(')');
    }
    return absl::OkStatus();
  }

  absl::StatusOr<uint64_t> Integer() {
    SkipBlanks();
    const size_t begin = position_;
    uint64_t value = 0;
    while (position_ < text_.size() &&
           absl::ascii_isdigit(static_cast<unsigned char>(text_[position_]))) {
      const uint64_t digit = static_cast<uint64_t>(text_[position_] - '0');
      if (value > (UINT64_MAX - digit) / 10) return Error("a smaller size");
      value = value * 10 + digit;
      ++position_;
    }
    if (position_ == begin) return Error("a size");
    // Python 2 wrote long integers.
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;
    return value;
  }

  const absl::string_view text_;
  const absl::string_view name_;
  size_t position_ = 0;
  Header header_;
  bool has_descr_ = false;
  bool has_order_ = false;
  bool has_shape_ = false;
};

uint32_t LittleEndian(absl::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// The header's text; *data becomes what follows it.
absl::StatusOr<absl::string_view> SplitHeader(absl::string_view bytes,
                                              absl::string_view name,
                                              absl::string_view* data) {
  if (bytes.empty()) {
    return absl::DataLossError(absl::StrCat(name, ": empty file"));
  }
  if (bytes.substr(0, kMagic.size()) != kMagic.substr(0, bytes.size())) {
    return absl::DataLossError(
        absl::StrCat(name, ": no .npy file: it begins with \"",
                     absl::CHexEscape(bytes.substr(0, kMagic.size())),
                     "\", expected \"\\x93NUMPY\""));
  }
  const auto cut_off = [&] {
    return absl::DataLossError(
        absl::StrCat(name, ": the .npy file ends within its header, after ",
                     bytes.size(), " bytes; was it written to its end?"));
  };
  if (bytes.size() < kMagic.size() + 2) return cut_off();
  const int major = static_cast<unsigned char>(bytes[6]);
  const int minor = static_cast<unsigned char>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": .npy format version ", major, ".", minor,
                     ", expected 1.0, 2.0 or 3.0"));
  }
  const size_t length_size = major == 1 ? 2 : 4;
  const size_t text_begin = kMagic.size() + 2 + length_size;
  if (bytes.size() < text_begin) return cut_off();
  const size_t length =
      LittleEndian(bytes.substr(kMagic.size() + 2, length_size));
  if (length > bytes.size() - text_begin) return cut_off();
  *data = bytes.substr(text_begin + length);
  return bytes.substr(text_begin, length);
}

absl::StatusOr<const DtypeInfo*> FindDtype(absl::string_view descr,
                                           absl::string_view name) {
  for (const DtypeInfo& info : kDtypes) {
    if (descr == info.descr) return &info;
  }
  // Byte order means nothing for bytes.
  if (descr == "<u1" || descr == ">u1" || descr == "=u1") {
    return &InfoOf(NpyDtype::kUint8);
  }
  const bool big_endian = !descr.empty() && descr[0] == '>';
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": the .npy file's dtype is '",
                   absl::CHexEscape(descr.substr(0, 20)), "'",
                   big_endian ? " (big-endian)" : "",
                   ", expected <f2, <f4, <f8, |u1 or <u2 (float16, float32, "
                   "float64, uint8 or uint16)"));
}

// Height and width of [H, W] or [1, H, W].
absl::StatusOr<cv::Size> MapSize(const std::vector<uint64_t>& shape,
                                 absl::string_view name) {
  const std::string text = absl::StrCat("(", absl::StrJoin(shape, ", "), ")");
  const bool stack = shape.size() == 3 && shape[0] == 1;
  if (shape.size() != 2 && !stack) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": the .npy file's shape is ", text,
                     ", expected (height, width) or (1, height, width)"));
  }
  const uint64_t height = shape[shape.size() - 2];
  const uint64_t width = shape[shape.size() - 1];
  if (height == 0 || width == 0 || height > INT_MAX || width > INT_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": the .npy file's shape is ", text,
                     ", expected sides of 1 to ", INT_MAX));
  }
  return cv::Size(static_cast<int>(width), static_cast<int>(height));
}

absl::StatusOr<cv::Mat> ToMat(absl::string_view data, const DtypeInfo& info,
                              cv::Size size, bool fortran_order) {
  // In Fortran order the file holds the transposed array. `view` is only read.
  const cv::Size stored =
      fortran_order ? cv::Size(size.height, size.width) : size;
  const cv::Mat view(stored, info.cv_type, const_cast<char*>(data.data()));
  cv::Mat array;
  if (info.dtype == NpyDtype::kFloat16) {
    view.convertTo(array, CV_32F);
  } else {
    array = view.clone();
  }
  if (!fortran_order) return array;
  cv::Mat transposed;
  cv::transpose(array, transposed);
  return transposed;
}

bool IsFloat(int cv_type) { return cv_type == CV_32FC1 || cv_type == CV_64FC1; }

}  // namespace

absl::string_view NpyDtypeName(NpyDtype dtype) { return InfoOf(dtype).name; }

absl::StatusOr<cv::Mat> ParseNpy(absl::string_view bytes,
                                 absl::string_view name) {
  absl::string_view data;
  VISION_ASSIGN_OR_RETURN(const absl::string_view text,
                          SplitHeader(bytes, name, &data));
  VISION_ASSIGN_OR_RETURN(const Header header,
                          HeaderParser(text, name).Parse());
  VISION_ASSIGN_OR_RETURN(const DtypeInfo* const info,
                          FindDtype(header.descr, name));
  VISION_ASSIGN_OR_RETURN(const cv::Size size, MapSize(header.shape, name));
  // Below 2^65; 2^62 pixels at most, so only the factor 8 could overflow.
  const unsigned __int128 expected =
      static_cast<unsigned __int128>(size.width) *
      static_cast<unsigned>(size.height) *
      static_cast<unsigned>(info->element_size);
  if (data.size() != expected) {
    const bool more = data.size() > expected;
    return absl::DataLossError(absl::StrCat(
        name, ": the .npy file has ", data.size(), " bytes of data, expected ",
        size.height, " x ", size.width, " x ", info->element_size,
        more ? "; what are the others?" : "; was it written to its end?"));
  }
  return CallOpencv(
      name, [&] { return ToMat(data, *info, size, header.fortran_order); });
}

absl::StatusOr<cv::Mat> ReadNpy(const std::string& path) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  return ParseNpy(bytes, path);
}

absl::StatusOr<std::string> EncodeNpy(const cv::Mat& array, NpyDtype dtype) {
  const DtypeInfo& info = InfoOf(dtype);
  const bool fits = IsFloat(array.type()) ? dtype == NpyDtype::kFloat16 ||
                                                dtype == NpyDtype::kFloat32 ||
                                                dtype == NpyDtype::kFloat64
                                          : array.type() == info.cv_type;
  if (array.empty() || array.dims != 2 || !fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot write a ", array.cols, "x", array.rows, " matrix of type ",
        cv::typeToString(array.type()), " as a .npy file of ", info.name,
        ", expected a non-empty CV_32FC1 or CV_64FC1 for floats, "
        "CV_8UC1 for uint8, CV_16UC1 for uint16"));
  }
  return CallOpencv("writing a .npy file", [&] {
    std::string text = absl::StrCat("{'descr': '", info.descr,
                                    "', 'fortran_order': False, 'shape': (",
                                    array.rows, ", ", array.cols, "), }");
    // Blanks and a line end up to a multiple of 64 bytes from the file's begin.
    constexpr size_t kPrefix = 10;
    while ((kPrefix + text.size() + 1) % 64 != 0) text.push_back(' ');
    text.push_back('\n');
    std::string bytes(kMagic);
    bytes.append({'\x01', '\x00', static_cast<char>(text.size() & 0xff),
                  static_cast<char>(text.size() >> 8)});
    bytes.append(text);
    cv::Mat data;
    array.convertTo(data, info.cv_type);
    const size_t row_size = data.cols * data.elemSize();
    bytes.reserve(bytes.size() + row_size * static_cast<size_t>(data.rows));
    for (int y = 0; y < data.rows; ++y) {
      bytes.append(reinterpret_cast<const char*>(data.ptr(y)), row_size);
    }
    return bytes;
  });
}

absl::Status WriteNpy(const std::string& path, const cv::Mat& array,
                      NpyDtype dtype) {
  VISION_ASSIGN_OR_RETURN(const std::string bytes, EncodeNpy(array, dtype));
  return WriteFileAtomically(path, bytes);
}

}  // namespace vision
