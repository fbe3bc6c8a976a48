#include "wsol/pooling/factory.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "vision/base/nearest_names.h"
#include "vision/base/status_util.h"
#include "vision/base/torch_status.h"
#include "wsol/pooling/acol.h"
#include "wsol/pooling/attention_pool.h"
#include "wsol/pooling/gap.h"
#include "wsol/pooling/log_sum_exp.h"
#include "wsol/pooling/max_pool.h"
#include "wsol/pooling/pooling.h"
#include "wsol/pooling/wgap.h"
#include "wsol/pooling/wildcat.h"

namespace wsol {
namespace {

using Maker = std::shared_ptr<PoolingHead> (*)(const PoolingOptions& options);

template <typename Head>
std::shared_ptr<PoolingHead> Make(const PoolingOptions& options) {
  return std::make_shared<Head>(options);
}

struct Entry {
  const char* name;
  Maker make;
};

constexpr Entry kEntries[] = {
    {"WGAP", Make<WgapHead>},
    {"GAP", Make<GapHead>},
    {"MaxPool", Make<MaxPoolHead>},
    {"LogSumExpPool", Make<LogSumExpHead>},
    {"WildCatCLHead", Make<WildcatHead>},
    {"ACoL", Make<AcolHead>},
    {"AttentionPool", Make<AttentionPoolHead>},
};

}  // namespace

std::vector<std::string> PoolingNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.emplace_back(entry.name);
  return names;
}

absl::StatusOr<std::shared_ptr<PoolingHead>> MakePoolingHead(
    const PoolingOptions& options) {
  VISION_RETURN_IF_ERROR(options.Validate());
  for (const Entry& entry : kEntries) {
    if (options.name == entry.name) {
      return vision::CallTorch("making a pooling head",
                               [&] { return entry.make(options); });
    }
  }
  return vision::UnknownNameError("pooling head", options.name, PoolingNames());
}

}  // namespace wsol
