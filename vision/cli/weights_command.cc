#include "vision/cli/weights_command.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "ATen/ATen.h"
#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "vision/base/file_io.h"
#include "vision/base/mapped_file.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "vision/nn/remap_state_dict.h"
#include "vision/nn/state_dict.h"
#include "vision/weights/checkpoint.h"
#include "vision/weights/dtype.h"
#include "vision/weights/key_rules.h"
#include "vision/weights/pretrained.h"
#include "vision/weights/tensor_entry.h"

namespace vision {

const char kWeightsUsage[] =
    R"(Looks into files of weights (torch.save, .safetensors), compares and converts
them. No code in them is run.

  weights inspect FILE      what it holds: format, names, shapes, types
  weights diff A B          names, shapes and the largest difference of values
  weights convert IN OUT    writes .pt, .pth or .safetensors
  weights list              pretrained weights and where they are expected
  weights rules             rules of names for convert

Flags, behind the command:
  --entry=KEY          the dictionary to read of a checkpoint, for instance
                       state_dict; found by itself where it is clear
  --strip_prefix=TEXT  take TEXT off the names, for instance module.
  --nochecksums        read zip archives whose checksums are wrong
  --rules=RULE,...     convert: rename by these rules, one after the other
  --like=FILE          convert: take the numbers of a to_published rule from it
  --format=FORMAT      convert: torch or safetensors, else by OUT's name
  --weights_dir=DIR    list: where to look; else $FCAM_WEIGHTS

Exit codes: 0 done, 1 an error, 2 diff found differences.
Example: weights convert vgg16-397923af.pth vgg16.safetensors \
             --rules=vgg_imagenet
)";

namespace {

struct Arguments {
  std::vector<std::string> files;
  std::map<std::string, std::string> flags;

  std::string Flag(const std::string& name) const {
    const auto found = flags.find(name);
    return found == flags.end() ? "" : found->second;
  }

  ReadStateDictOptions ReadOptions() const {
    ReadStateDictOptions options;
    options.checkpoint.entry = Flag("entry");
    options.checkpoint.verify_checksums = flags.count("nochecksums") == 0;
    options.strip_prefix = Flag("strip_prefix");
    return options;
  }
};

absl::StatusOr<Arguments> ParseArguments(
    const std::vector<std::string>& args, size_t num_files,
    const std::vector<std::string>& known_flags) {
  Arguments parsed;
  for (size_t i = 1; i < args.size(); ++i) {
    absl::string_view text = args[i];
    if (!absl::ConsumePrefix(&text, "--")) {
      parsed.files.push_back(args[i]);
      continue;
    }
    const std::pair<absl::string_view, absl::string_view> flag =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    const std::string name(flag.first);
    VISION_RETURN_IF_ERROR(
        CheckName(absl::StrCat("flag of ", args[0]), name, known_flags));
    const bool has_value = absl::StrContains(text, '=');
    if (has_value == (name == "nochecksums")) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--", name,
          has_value ? " takes no value" : " needs a value, as in --",
          has_value ? "" : name, has_value ? "" : "=..."));
    }
    parsed.flags[name] = std::string(flag.second);
  }
  if (parsed.files.size() != num_files) {
    return absl::InvalidArgumentError(
        absl::StrCat(args[0], " takes ", num_files, " file",
                     num_files == 1 ? "" : "s", ", got ", parsed.files.size()));
  }
  return parsed;
}

// Names come from files: nothing in them reaches a terminal as it is.
std::string Printable(absl::string_view text) {
  return absl::StrReplaceAll(absl::Utf8SafeCEscape(text),
                             {{"\\\"", "\""}, {"\\'", "'"}});
}

std::string Bytes(uint64_t bytes) {
  return absl::StrFormat("%.1f MB", static_cast<double>(bytes) / 1e6);
}

absl::StatusOr<bool> Inspect(const Arguments& args, std::ostream& out) {
  const std::string& path = args.files[0];
  VISION_ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                          MappedFile::Open(path));
  const absl::StatusOr<CheckpointIndex> index =
      IndexCheckpoint(file->bytes(), args.ReadOptions().checkpoint);
  if (!index.ok()) {
    return absl::Status(index.status().code(),
                        absl::StrCat(path, ": ", index.status().message()));
  }
  int64_t elements = 0;
  uint64_t bytes = 0;
  std::map<std::string, int> types;
  size_t longest = 0;
  for (const TensorEntry& tensor : index->tensors) {
    elements += tensor.numel();
    bytes += static_cast<uint64_t>(tensor.numel() *
                                   GetDTypeInfo(tensor.dtype).item_size);
    ++types[GetDTypeInfo(tensor.dtype).name];
    longest = std::max(longest, Printable(tensor.name).size());
  }
  out << "file      " << path << " (" << Bytes(file->bytes().size()) << ")\n"
      << "format    " << CheckpointFormatName(index->format) << "\n"
      << "tensors   " << index->tensors.size() << ", " << elements
      << " elements, " << Bytes(bytes) << "\n"
      << "types     " << absl::StrJoin(types, ", ", absl::PairFormatter(" x "))
      << "\n"
      << "wrapped   "
      << (index->entry.empty() ? "no" : "in " + Printable(index->entry))
      << "\n";
  for (const std::string& other : index->others) {
    out << "beside    " << Printable(other) << "\n";
  }
  constexpr size_t kWidest = 60;
  const int width = static_cast<int>(std::min(longest, kWidest));
  for (const TensorEntry& tensor : index->tensors) {
    out << absl::StrFormat("%-*s  %-8s  %s\n", width, Printable(tensor.name),
                           GetDTypeInfo(tensor.dtype).name,
                           tensor.ShapeString());
  }
  return true;
}

std::string Shape(const at::Tensor& tensor) {
  return absl::StrCat(c10::toString(tensor.scalar_type()), " [",
                      absl::StrJoin(tensor.sizes().vec(), ", "), "]");
}

// Of equal shapes; NaN where just one of both is NaN. In pieces, so that large
// tensors need little memory.
double MaxAbsDifference(const at::Tensor& a, const at::Tensor& b) {
  constexpr int64_t kPiece = int64_t{1} << 20;
  const at::Tensor flat_a = a.reshape({-1});
  const at::Tensor flat_b = b.reshape({-1});
  double largest = 0;
  for (int64_t start = 0; start < flat_a.numel(); start += kPiece) {
    const at::Tensor x = flat_a.slice(0, start, start + kPiece).to(at::kDouble);
    const at::Tensor y = flat_b.slice(0, start, start + kPiece).to(at::kDouble);
    const at::Tensor same =
        x.eq(y).logical_or(x.isnan().logical_and(y.isnan()));
    const double difference =
        (x - y).abs().masked_fill(same, 0).max().item<double>();
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

absl::StatusOr<bool> Diff(const Arguments& args, std::ostream& out) {
  VISION_ASSIGN_OR_RETURN(const StateDict a,
                          ReadStateDict(args.files[0], args.ReadOptions()));
  VISION_ASSIGN_OR_RETURN(const StateDict b,
                          ReadStateDict(args.files[1], args.ReadOptions()));
  return CallTorch("comparing weights", [&] {
    int num_same = 0;
    int num_other = 0;
    double largest = 0;
    std::string where;
    for (const auto& item : a) {
      const std::string name = Printable(item.key());
      const at::Tensor* other = b.find(item.key());
      if (other == nullptr) {
        out << "only in A  " << name << " " << Shape(item.value()) << "\n";
      } else if (other->sizes() != item.value().sizes() ||
                 other->scalar_type() != item.value().scalar_type()) {
        out << "shapes     " << name << " " << Shape(item.value()) << ", "
            << Shape(*other) << "\n";
      } else {
        const double difference = MaxAbsDifference(item.value(), *other);
        if (difference == 0) {
          ++num_same;
          continue;
        }
        out << "values     " << name << " "
            << absl::StrFormat("max abs difference %g", difference) << "\n";
        if (difference > largest || std::isnan(difference)) {
          largest = difference;
          where = name;
        }
      }
      ++num_other;
    }
    for (const auto& item : b) {
      if (a.contains(item.key())) continue;
      out << "only in B  " << Printable(item.key()) << " "
          << Shape(item.value()) << "\n";
      ++num_other;
    }
    out << num_same << " entries are equal, " << num_other << " differ";
    if (!where.empty()) {
      out << absl::StrFormat("; largest difference %g, of %s", largest, where);
    }
    out << "\n";
    return num_other == 0;
  });
}

absl::StatusOr<CheckpointFormat> OutputFormat(const Arguments& args) {
  const std::string flag = args.Flag("format");
  const std::string& path = args.files[1];
  if (!flag.empty()) {
    VISION_RETURN_IF_ERROR(CheckName("format", flag, {"torch", "safetensors"}));
    return flag == "torch" ? CheckpointFormat::kTorchZip
                           : CheckpointFormat::kSafetensors;
  }
  if (absl::EndsWith(path, ".safetensors")) {
    return CheckpointFormat::kSafetensors;
  }
  if (absl::EndsWith(path, ".pt") || absl::EndsWith(path, ".pth")) {
    return CheckpointFormat::kTorchZip;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the name '", path, "' tells no format: expected .pt, .pth ",
                   "or .safetensors at its end, or --format"));
}

absl::StatusOr<bool> Convert(const Arguments& args, std::ostream& out) {
  VISION_ASSIGN_OR_RETURN(const CheckpointFormat format, OutputFormat(args));
  VISION_ASSIGN_OR_RETURN(StateDict dict,
                          ReadStateDict(args.files[0], args.ReadOptions()));
  StateDict like;
  if (!args.Flag("like").empty()) {
    VISION_ASSIGN_OR_RETURN(like, ReadStateDict(args.Flag("like")));
  }
  const size_t num_read = dict.size();
  for (const absl::string_view rule :
       absl::StrSplit(args.Flag("rules"), ',', absl::SkipEmpty())) {
    VISION_ASSIGN_OR_RETURN(dict, RemapStateDict(rule, dict, like));
  }
  VISION_RETURN_IF_ERROR(SaveStateDict(args.files[1], dict, format));
  out << "read " << num_read << " tensors, wrote " << dict.size() << " to "
      << args.files[1] << " (" << CheckpointFormatName(format) << ")\n";
  return true;
}

absl::StatusOr<bool> List(const Arguments& args, std::ostream& out) {
  const std::string dir = PretrainedDir(args.Flag("weights_dir"));
  out << "looked for in " << (dir.empty() ? "no folder: none is set" : dir)
      << "\n";
  for (const PretrainedWeights& weights : ListPretrained()) {
    for (size_t i = 0; i < weights.uploads.size(); ++i) {
      const PretrainedUpload& upload = weights.uploads[i];
      const bool found =
          !dir.empty() && FileExists(JoinPath(dir, upload.file_name));
      out << absl::StrFormat("%-23s %-5s  %-42s %s\n",
                             i == 0 ? weights.name : "or",
                             found ? "there" : "-", upload.file_name,
                             i == 0 ? weights.origin : "");
    }
  }
  return true;
}

absl::StatusOr<bool> Rules(std::ostream& out) {
  for (const KeyRule& rule : ListKeyRules()) {
    out << absl::StrFormat("%-26s %s\n", rule.name, rule.description);
  }
  return true;
}

}  // namespace

absl::StatusOr<bool> RunWeightsCommand(const std::vector<std::string>& args,
                                       std::ostream& out) {
  if (args.empty()) {
    return absl::InvalidArgumentError(
        "no command: expected inspect, diff, convert, list, rules or help");
  }
  const std::string& command = args[0];
  if (command == "help" || command == "--help" || command == "--helpshort") {
    out << kWeightsUsage;
    return true;
  }
  VISION_RETURN_IF_ERROR(
      CheckName("command", command,
                {"inspect", "diff", "convert", "list", "rules", "help"}));
  if (command == "inspect") {
    VISION_ASSIGN_OR_RETURN(const Arguments parsed,
                            ParseArguments(args, 1, {"entry", "nochecksums"}));
    return Inspect(parsed, out);
  }
  if (command == "diff") {
    VISION_ASSIGN_OR_RETURN(
        const Arguments parsed,
        ParseArguments(args, 2, {"entry", "nochecksums", "strip_prefix"}));
    return Diff(parsed, out);
  }
  if (command == "convert") {
    VISION_ASSIGN_OR_RETURN(
        const Arguments parsed,
        ParseArguments(args, 2,
                       {"entry", "nochecksums", "strip_prefix", "rules", "like",
                        "format"}));
    return Convert(parsed, out);
  }
  if (command == "list") {
    VISION_ASSIGN_OR_RETURN(const Arguments parsed,
                            ParseArguments(args, 0, {"weights_dir"}));
    return List(parsed, out);
  }
  VISION_RETURN_IF_ERROR(ParseArguments(args, 0, {}).status());
  return Rules(out);
}

}  // namespace vision
