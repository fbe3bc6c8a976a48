// glog 0.6 declares log prefixes of our own only under this macro; its Debian
// package is built with it.
#if FCAM_GLOG_VERSION < 700
#define GLOG_CUSTOM_PREFIX_SUPPORT
#endif

#include "wsol/cli/init.h"

#include <dlfcn.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <ostream>
#include <string>

#include "ATen/Parallel.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/cli/interrupt.h"
#include "wsol/cli/parse_flags.h"
#include "wsol/cli/processors.h"

DEFINE_int32(threads, 0,
             "Threads to compute with. 0 takes the environment's "
             "OMP_NUM_THREADS or, without that, all processors that the "
             "process may run on.");

namespace wsol {
namespace {

constexpr int kMaxThreads = 4096;

// "I 12:34:56 message": level and time; "E" and "W" lines name the source line.
void WritePrefix(std::ostream& stream, char level, int hour, int minute,
                 int second, const char* file, int line) {
  stream << level << ' ' << std::setfill('0') << std::setw(2) << hour << ':'
         << std::setw(2) << minute << ':' << std::setw(2) << second
         << std::setfill(' ');
  if (level != 'I') stream << ' ' << file << ':' << line;
}

#if FCAM_GLOG_VERSION < 700
void LogPrefix(std::ostream& stream, const google::LogMessageInfo& info,
               void*) {
  WritePrefix(stream, info.severity[0], info.time.hour(), info.time.min(),
              info.time.sec(), info.filename, info.line_number);
}
#else
void LogPrefix(std::ostream& stream, const google::LogMessage& message, void*) {
  WritePrefix(stream, google::GetLogSeverityName(message.severity())[0],
              message.time().hour(), message.time().min(), message.time().sec(),
              message.basename(), message.line());
}
#endif

void InitLog(const char* program) {
  if (google::IsGoogleLoggingInitialized())
    return;  // It dies of a second time.
#if FCAM_GLOG_VERSION < 700
  google::InitGoogleLogging(program, &LogPrefix);
#else
  google::InitGoogleLogging(program);
  google::InstallPrefixFormatter(&LogPrefix, nullptr);
#endif
  google::InstallFailureSignalHandler();
}

// Debian's OpenBLAS has threads of its own, which OpenMP's settings, and so
// LibTorch's, do not reach. Nothing happens with another BLAS.
void SetBlasThreads(int num_threads) {
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
    reinterpret_cast<void (*)(int)>(symbol)(num_threads);
  }
}

std::string OneLine(absl::string_view message) {
  return absl::StrReplaceAll(message, {{"\n", " "}, {"\r", " "}});
}

int PrintError(const absl::Status& status) {
  std::cout.flush();
  std::cerr << "error: " << OneLine(status.message()) << std::endl;
  return kExitError;
}

int RunMainImpl(
    int argc, char** argv, absl::string_view usage, bool allow_arguments,
    const std::function<absl::Status(absl::Span<const char* const>)>& run) {
  absl::Status status = InitMain(&argc, &argv, usage, allow_arguments);
  if (!status.ok()) return PrintError(status);
  const InterruptHandler handler;
  // Libraries turn exceptions into statuses; this is the net below them.
  status = vision::StatusFromTorch("uncaught exception", [&] {
    return run(absl::MakeConstSpan(argv + 1, static_cast<size_t>(argc - 1)));
  });
  if (status.ok()) return kExitOk;
  if (!absl::IsCancelled(status)) return PrintError(status);
  std::cout.flush();
  std::cerr << "interrupted: " << OneLine(status.message()) << std::endl;
  return kExitInterrupted;
}

}  // namespace

int NumThreads() {
  if (FLAGS_threads > 0) return FLAGS_threads;
  int from_environment = 0;
  const char* variable = std::getenv("OMP_NUM_THREADS");
  if (variable != nullptr && absl::SimpleAtoi(variable, &from_environment) &&
      from_environment > 0 && from_environment <= kMaxThreads) {
    return from_environment;
  }
  return AvailableProcessors();
}

absl::Status InitMain(int* argc, char*** argv, absl::string_view usage,
                      bool allow_arguments) {
  // Defaults, which the command line may change.
  FLAGS_logtostderr = true;
  VISION_ASSIGN_OR_RETURN(const bool help,
                          ParseFlags(argc, argv, allow_arguments));
  if (help) {
    std::cout << FlagsHelp((*argv)[0], usage) << std::flush;
    std::exit(kExitOk);
  }
  if (FLAGS_threads < 0 || FLAGS_threads > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("bad value '", FLAGS_threads,
                     "' for flag '--threads'; expected 0 to ", kMaxThreads));
  }
  InitLog((*argv)[0]);
  at::set_num_threads(NumThreads());
  SetBlasThreads(NumThreads());
  return absl::OkStatus();
}

int RunMainWithArguments(
    int argc, char** argv, absl::string_view usage,
    const std::function<absl::Status(absl::Span<const char* const>)>& run) {
  return RunMainImpl(argc, argv, usage, true, run);
}

int RunMain(int argc, char** argv, absl::string_view usage,
            const std::function<absl::Status()>& run) {
  return RunMainImpl(argc, argv, usage, false,
                     [&run](absl::Span<const char* const>) { return run(); });
}

}  // namespace wsol
