// Pooling heads by name.
//
//   wsol::PoolingOptions options;
//   options.name = "WGAP"; options.in_channels = 512; options.num_classes = 20;
//   VISION_ASSIGN_OR_RETURN(auto head, wsol::MakePoolingHead(options));

#ifndef WSOL_POOLING_FACTORY_H_
#define WSOL_POOLING_FACTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

// "WGAP", "GAP", "MaxPool", "LogSumExpPool", "WildCatCLHead", the published
// names of the option spatial_pooling, "ACoL" and "AttentionPool".
std::vector<std::string> PoolingNames();

// kInvalidArgument for a name that is not listed (the nearest are named) or bad
// options.
absl::StatusOr<std::shared_ptr<PoolingHead>> MakePoolingHead(
    const PoolingOptions& options);

}  // namespace wsol

#endif  // WSOL_POOLING_FACTORY_H_
