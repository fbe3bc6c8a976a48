#include "wsol/pooling/wildcat.h"

#include <cstdint>
#include <tuple>

#include "ATen/ATen.h"
#include "c10/util/Exception.h"
#include "wsol/pooling/pooling.h"

namespace wsol {

WildcatHead::WildcatHead(const PoolingOptions& options)
    : MapHead(options, "to_modalities", options.wildcat_modalities),
      kmax_(options.wildcat_kmax),
      kmin_(options.wildcat_kmin),
      alpha_(options.wildcat_alpha),
      dropout_(options.wildcat_dropout),
      variant_(options.wildcat_variant) {}

at::Tensor WildcatHead::Dropout(const at::Tensor& values) {
  return at::dropout(values, dropout_, is_training());
}

at::Tensor WildcatHead::Pool(const at::Tensor& maps) {
  const at::Tensor scores = maps.flatten(2);
  const int64_t num_pixels = scores.size(2);
  const int64_t k_plus = kmax_.Of(num_pixels);
  TORCH_CHECK(k_plus > 0, "WILDCAT: kmax ", kmax_.value,
              " selects none of the maps' ", num_pixels, " pixels");
  // Selecting is cheaper than sorting; the mean needs no order.
  const at::Tensor top =
      Dropout(std::get<0>(scores.topk(k_plus, /*dim=*/2, /*largest=*/true,
                                      /*sorted=*/false)))
          .mean(2);
  if (variant_ == WildcatVariant::kPublished) return top;
  at::Tensor logits = top;
  const int64_t k_minus = kmin_.Of(num_pixels);
  if (k_minus > 0 && alpha_ != 0) {
    logits = top + Dropout(std::get<0>(scores.topk(k_minus, /*dim=*/2,
                                                   /*largest=*/false,
                                                   /*sorted=*/false)))
                           .mean(2) *
                       alpha_;
  }
  return variant_ == WildcatVariant::kHalved ? logits / 2 : logits;
}

}  // namespace wsol
