// Refines a folder of score maps by the dense CRF of their images.
//
//   bazel run -c opt //vision:dense_crf -- --maps=DIR --images=DIR --output=DIR

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gflags/gflags.h"
#include "vision/base/file_io.h"
#include "vision/base/status_util.h"
#include "vision/cli/refine_maps.h"
#include "vision/crf/bilateral_filter.h"
#include "vision/crf/mean_field.h"

DEFINE_string(maps, "",
              "Folder of score maps, with its subfolders: the object's "
              "probability, .npy (float16, float32, float64, uint8, uint16) or "
              ".png (8 or 16 bit, grey).");
DEFINE_string(images, "", "Folder of their images, of the same names.");
DEFINE_string(output, "", "Folder for the refined maps.");
DEFINE_string(size_policy, "error",
              "For maps of another size than their images: error, resize_map "
              "or resize_image.");
DEFINE_string(format, "same",
              "Of the refined maps: same, npy (float32) or png (16 bit).");
DEFINE_bool(normalize, false, "Stretch each map to [0, 1] first.");
DEFINE_bool(overwrite, false,
            "Refine maps again that the output folder has already.");
DEFINE_int32(threads, 0, "Maps at a time; 0: one for each processor.");
DEFINE_int32(iterations, 5, "Iterations of mean field.");
DEFINE_double(gaussian_weight, 3, "Weight of the kernel of positions.");
DEFINE_double(gaussian_sigma, 3, "Its standard deviation in pixels.");
DEFINE_double(bilateral_weight, 10,
              "Weight of the kernel of positions and colours.");
DEFINE_double(bilateral_sigma_xy, 80, "Its standard deviation in pixels.");
DEFINE_double(bilateral_sigma_rgb, 13,
              "Its standard deviation in colour, of 0 to 255.");
DEFINE_string(method, "auto",
              "How it is evaluated: auto, exact, grid or lattice.");
DEFINE_string(normalization, "symmetric",
              "Of both kernels: none, before, after or symmetric.");
DEFINE_bool(self_term, true, "Whether a pixel is its own neighbour.");
DEFINE_string(compatibility, "",
              "Empty: Potts. Two numbers: its strength for background and "
              "object. Four: the costs mu of neighbours with labels (0,0), "
              "(0,1), (1,0), (1,1), symmetric. Separated by commas.");

namespace {

constexpr char kUsage[] =
    "Refines score maps along the edges of their images: mean-field inference "
    "in a\nfully connected CRF (Kraehenbuehl and Koltun, 2011).\n\n"
    "  dense_crf --maps=cams --images=photos --output=refined\n";

constexpr char kThisFile[] = "vision/cli/dense_crf_main.cc";

void PrintHelp() {
  std::printf("%s\nFlags:\n", kUsage);
  std::vector<gflags::CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  for (const gflags::CommandLineFlagInfo& flag : flags) {
    if (!absl::EndsWith(flag.filename, kThisFile)) continue;
    std::printf("  --%s (%s, default \"%s\")\n      %s\n", flag.name.c_str(),
                flag.type.c_str(), flag.default_value.c_str(),
                flag.description.c_str());
  }
  std::printf(
      "\nExit code: 0 if all maps are refined, 1 after an error, which is "
      "printed in one\nline. The same command goes on where it was stopped.\n");
}

bool AsksForHelp(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") return false;
    if (argument == "--help" || argument == "-help" || argument == "-h" ||
        argument == "--helpshort" || argument == "--helpfull") {
      return true;
    }
  }
  return false;
}

// Relative folders start where the command was typed, under `bazel run` too,
// which changes the folder.
std::string Resolve(const std::string& folder) {
  const char* typed_in = std::getenv("BUILD_WORKING_DIRECTORY");
  if (typed_in == nullptr || folder.empty()) return folder;
  return vision::JoinPath(typed_in, folder);
}

absl::StatusOr<vision::RefineMapsOptions> OptionsFromFlags() {
  vision::RefineMapsOptions options;
  options.maps_dir = Resolve(FLAGS_maps);
  options.images_dir = Resolve(FLAGS_images);
  options.output_dir = Resolve(FLAGS_output);
  options.normalize = FLAGS_normalize;
  options.overwrite = FLAGS_overwrite;
  if (FLAGS_threads < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads must be at least 0, got ", FLAGS_threads));
  }
  const int processors = static_cast<int>(std::thread::hardware_concurrency());
  options.num_threads =
      FLAGS_threads > 0 ? FLAGS_threads : (processors > 0 ? processors : 1);
  VISION_ASSIGN_OR_RETURN(options.size_policy,
                          vision::ParseMapSizePolicy(FLAGS_size_policy));
  VISION_ASSIGN_OR_RETURN(options.format, vision::ParseMapFormat(FLAGS_format));
  vision::MeanFieldOptions& crf = options.mean_field;
  crf.iterations = FLAGS_iterations;
  crf.gaussian_weight = FLAGS_gaussian_weight;
  crf.gaussian_sigma_pixels = FLAGS_gaussian_sigma;
  crf.bilateral_weight = FLAGS_bilateral_weight;
  crf.bilateral.sigma_xy_pixels = FLAGS_bilateral_sigma_xy;
  crf.bilateral.sigma_rgb = FLAGS_bilateral_sigma_rgb;
  crf.self_term = FLAGS_self_term;
  VISION_ASSIGN_OR_RETURN(crf.bilateral.method,
                          vision::ParseBilateralFilterMethod(FLAGS_method));
  VISION_ASSIGN_OR_RETURN(
      crf.normalization,
      vision::ParseMeanFieldNormalization(FLAGS_normalization));
  if (!FLAGS_compatibility.empty()) {
    for (const std::string& text :
         std::vector<std::string>(absl::StrSplit(FLAGS_compatibility, ','))) {
      double value;
      if (!absl::SimpleAtod(text, &value)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "--compatibility must be numbers separated by commas, got \"", text,
            "\""));
      }
      crf.compatibility.push_back(value);
    }
  }
  return options;
}

absl::Status Run() {
  VISION_ASSIGN_OR_RETURN(const vision::RefineMapsOptions options,
                          OptionsFromFlags());
  VISION_ASSIGN_OR_RETURN(const vision::RefineMapsReport report,
                          vision::RefineMaps(options));
  std::printf("%lld maps refined, %lld skipped: they were there already\n",
              static_cast<long long>(report.refined),
              static_cast<long long>(report.skipped));
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (AsksForHelp(argc, argv)) {
    PrintHelp();
    return 0;
  }
  // An unknown flag or a bad value ends the program, with exit code 1.
  gflags::ParseCommandLineFlags(&argc, &argv, /*remove_flags=*/true);
  absl::Status status =
      argc > 1 ? absl::InvalidArgumentError(absl::StrCat(
                     "Unexpected argument \"", argv[1], "\"; see --help"))
               : Run();
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}
