// Counter-based random numbers: a stream is a pure function of its key.
//
// A sample's crop, flip or seeds depend on (seed, epoch, sample index) and
// nothing else, so results are the same for any number of workers and training
// can resume anywhere. There is no global generator. Only integer arithmetic
// and correctly rounded floating point operations are used, so a stream is the
// same on every machine.
//
//   vision::Rng rng(options.seed, {epoch, index});
//   const bool flip = rng.Bernoulli(0.5);

#ifndef VISION_BASE_RNG_H_
#define VISION_BASE_RNG_H_

#include <cstdint>
#include <initializer_list>

namespace vision {

// A keyed stream of SplitMix64 outputs (Steele, Lea, Flood, OOPSLA 2014).
// Copying copies the position in the stream. Not thread-safe: give each task
// its own.
class Rng {
 public:
  // The stream of `seed` and `key`; every word of the key matters, and so does
  // its order.
  explicit Rng(uint64_t seed, std::initializer_list<uint64_t> key = {})
      // Mixed twice, or the seed and the first word could change places.
      : state_(Mix(Mix(seed + kIncrement))) {
    for (const uint64_t word : key) {
      state_ = Mix(state_ ^ Mix(word + kIncrement)) + kIncrement;
    }
  }

  // Uniform over all 64-bit words.
  uint64_t Next() {
    state_ += kIncrement;
    return Mix(state_);
  }

  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Uniform in [low, high).
  double Uniform(double low, double high) {
    return low + (high - low) * Uniform();
  }

  // Uniform over {0, ..., n - 1} without bias; n must be positive.
  uint64_t UniformInt(uint64_t n) {
    // Lemire's method: a product's high word, rejecting the short first
    // interval.
    const uint64_t threshold = (0 - n) % n;
    while (true) {
      const unsigned __int128 product =
          static_cast<unsigned __int128>(Next()) * n;
      if (static_cast<uint64_t>(product) >= threshold) {
        return static_cast<uint64_t>(product >> 64);
      }
    }
  }

  // True with probability p.
  bool Bernoulli(double p) { return Uniform() < p; }

 private:
  static constexpr uint64_t kIncrement = 0x9E3779B97F4A7C15;

  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace vision

#endif  // VISION_BASE_RNG_H_
