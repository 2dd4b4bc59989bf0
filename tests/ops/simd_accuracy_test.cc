// The vector loops against double precision, for every instruction set of this machine.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/scalar_math.h"

namespace memopt {
namespace {

using Exact = double (*)(double);

struct Function {
  UnaryFn fn;
  double low, high;  // arguments
  double ulps;       // largest error in units in the last place of the result
  Exact exact;
  float alpha = 1;
};

double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

const Function kFunctions[] = {
    {UnaryFn::kExp, -87, 88, 2, [](double x) { return std::exp(x); }},
    {UnaryFn::kLog, 1e-38, 1e38, 2, [](double x) { return std::log(x); }},
    {UnaryFn::kLog, 0.5, 2, 2, [](double x) { return std::log(x); }},
    {UnaryFn::kTanh, -12, 12, 3, [](double x) { return std::tanh(x); }},
    {UnaryFn::kTanh, -0.1, 0.1, 3, [](double x) { return std::tanh(x); }},
    {UnaryFn::kErf, -5, 5, 3, [](double x) { return std::erf(x); }},
    {UnaryFn::kErf, -0.1, 0.1, 2, [](double x) { return std::erf(x); }},
    {UnaryFn::kSigmoid, -80, 30, 3, [](double x) { return 1 / (1 + std::exp(-x)); }},
    {UnaryFn::kElu, -10, 1, 3, [](double x) { return x > 0 ? x : std::expm1(x); }},
    {UnaryFn::kSoftplus, -80, 30, 4, softplus},
    {UnaryFn::kSwish, -30, 30, 4, [](double x) { return x / (1 + std::exp(-x)); }},
    {UnaryFn::kMish, -5, 30, 8, [](double x) { return x * std::tanh(softplus(x)); }},
};

double error_in_ulps(float found, double exact) {
  const auto nearest = static_cast<float>(exact);
  const double ulp = std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest);
  return std::fabs(found - exact) / ulp;
}

std::vector<Isa> isas() {
  std::vector<Isa> list;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= host_isa()) list.push_back(isa);
  }
  return list;
}

TEST(SimdAccuracy, FunctionsAreWithinAFewUlps) {
  constexpr int kCount = 100000;
  std::mt19937 generator(7);
  for (const Function& f : kFunctions) {
    std::uniform_real_distribution<double> uniform(f.low, f.high);
    std::vector<float> x(kCount), y(kCount);
    for (float& value : x) {
      value = static_cast<float>(f.low > 0 && f.high / f.low > 100
                                     ? std::exp(std::uniform_real_distribution<double>(
                                           std::log(f.low), std::log(f.high))(generator))
                                     : uniform(generator));
    }
    for (const Isa isa : isas()) {
      elementwise_loops(isa).unary[static_cast<size_t>(f.fn)](y.data(), x.data(), kCount, f.alpha,
                                                              0);
      double worst = 0;
      float at = 0;
      for (size_t i = 0; i < kCount; ++i) {
        const double error = error_in_ulps(y[i], f.exact(x[i]));
        if (!(error <= worst)) worst = error, at = x[i];
      }
      EXPECT_LE(worst, f.ulps) << enum_name(f.fn) << " at " << at << ", isa "
                               << static_cast<int>(isa);
    }
  }
}

// Every function at the ends of floats and of exp(), with factors of either sign: what is infinite,
// zero or not a number for the reference is so here.
TEST(SimdAccuracy, EndsAreThoseOfTheReference) {
  std::vector<float> ends;
  for (const float x : {0.0f, 1e-40f, 1e-38f, 1e-5f, 1.0f, 17.0f, 30.0f, 60.0f, 87.0f, 88.0f, 88.5f,
                        88.7f, 89.0f, 104.0f, 1e10f, 3.4e38f, INFINITY}) {
    ends.push_back(x);
    ends.push_back(-x);
  }
  for (const Isa isa : isas()) {
    const ElementwiseLoops& loops = elementwise_loops(isa);
    for (int i = 0; i < ElementwiseLoops::kUnaryFns; ++i) {
      if (loops.unary[i] == nullptr) continue;
      const auto fn = static_cast<UnaryFn>(i);
      for (const float alpha : {-2.0f, -0.5f, 0.25f, 1.0f, 3.0f}) {
        for (const float x : ends) {
          const float beta = std::fabs(alpha) + 1;
          float found = 0;
          loops.unary[i](&found, &x, 1, alpha, beta);
          const auto wanted = static_cast<float>(unary_float<double>(fn, x, alpha, beta));
          const float most = std::max(std::fabs(wanted) * 1e-5f, 1e-36f);
          const bool same = found == wanted || (std::isnan(found) && std::isnan(wanted)) ||
                            std::fabs(found - wanted) <= most;
          EXPECT_TRUE(same) << enum_name(fn) << '(' << x << "), alpha " << alpha << ": " << found
                            << ", the reference " << wanted << ", isa " << static_cast<int>(isa);
        }
      }
    }
  }
}

TEST(SimdAccuracy, ExtremesAreExact) {
  const float infinity = INFINITY;
  struct Extreme {
    UnaryFn fn;
    float x, y;
  };
  const Extreme extremes[] = {
      {UnaryFn::kExp, -infinity, 0},
      {UnaryFn::kExp, infinity, infinity},
      {UnaryFn::kExp, 0, 1},
      {UnaryFn::kExp, 1000, infinity},
      {UnaryFn::kExp, -1000, 0},
      {UnaryFn::kLog, 0, -infinity},
      {UnaryFn::kLog, infinity, infinity},
      {UnaryFn::kLog, 1, 0},
      {UnaryFn::kTanh, infinity, 1},
      {UnaryFn::kTanh, -infinity, -1},
      {UnaryFn::kErf, infinity, 1},
      {UnaryFn::kErf, -infinity, -1},
      {UnaryFn::kSigmoid, infinity, 1},
      {UnaryFn::kSigmoid, -infinity, 0},
      {UnaryFn::kSoftplus, infinity, infinity},
      {UnaryFn::kSoftplus, -infinity, 0},
  };
  for (const Isa isa : isas()) {
    const ElementwiseLoops& loops = elementwise_loops(isa);
    for (const Extreme& e : extremes) {
      float y = -7;
      loops.unary[static_cast<size_t>(e.fn)](&y, &e.x, 1, 1, 0);
      EXPECT_EQ(y, e.y) << enum_name(e.fn) << '(' << e.x << ')';
    }
    for (int fn = 0; fn < ElementwiseLoops::kUnaryFns; ++fn) {
      if (loops.unary[fn] == nullptr) continue;
      if (static_cast<UnaryFn>(fn) == UnaryFn::kThresholdedRelu) continue;  // NaN > alpha is false
      const float x = NAN;
      float y = 0;
      loops.unary[fn](&y, &x, 1, 0.5f, 1.5f);
      EXPECT_TRUE(std::isnan(y)) << enum_name(static_cast<UnaryFn>(fn));
    }
    float y = 0;
    const float negative = -1;
    loops.unary[static_cast<size_t>(UnaryFn::kLog)](&y, &negative, 1, 0, 0);
    EXPECT_TRUE(std::isnan(y));
  }
}

}  // namespace
}  // namespace memopt
