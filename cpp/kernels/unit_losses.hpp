// The losses of single units, whose mean (or sum) is the row's loss, with their derivatives by the prediction.
#pragma once

#include "fastnn/losses.hpp"
#include "logarithm.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

template <class T>
constexpr T kEpsilon = T(1e-7);  // Keras' backend.epsilon()

template <class T>
struct UnitLoss {
  Vector<T> loss, slope;
};

// log(cosh(d)). For |d| < 1 it is log1p(cosh(d) - 1) with cosh(d) - 1 = u² / (2 (1 + u)), u = e^-|d| - 1; else
// |d| + log1p(e^-2|d|) - log(2).
template <class T>
FASTNN_INLINE Vector<T> log_cosh(Vector<T> d) {
  const Vector<T> a = absolute<T>(d);
  const Bits<T> small = a < T{1};
  const TwoPart<T> u = expm1<T>(small ? -a : Vector<T>{}).value;
  const Vector<T> near = u.high * u.high / fma(splat<T>(2), u.high, splat<T>(2));
  const TwoPart<T> y = log1p<T>({small ? near : exp_nonpositive<T>(splat<T>(-2) * a), Vector<T>{}});
  const Vector<T> log = y.high + y.low;
  return small ? log : (a - splat<T>(T(0.693147180559945309417232121458176568))) + log;
}

// The losses of single units but the binary crossentropies. y: the target, p: the prediction.
template <Loss kLoss, class T>
FASTNN_INLINE UnitLoss<T> unit_loss(Vector<T> y, Vector<T> p, const T* parameters) {
  const Vector<T> zero = {}, one = splat<T>(1), two = splat<T>(2);
  const Vector<T> d = p - y;
  const Vector<T> epsilon = splat(kEpsilon<T>);
  if constexpr (kLoss == Loss::mean_squared_error) return {d * d, two * d};
  if constexpr (kLoss == Loss::mean_absolute_error) return {absolute<T>(d), sign_of<T>(d)};
  if constexpr (kLoss == Loss::mean_absolute_percentage_error) {
    const Vector<T> size = at_least(epsilon, absolute<T>(y));
    return {splat<T>(100) * (absolute<T>(d) / size), sign_of<T>(d) * (splat<T>(100) / size)};
  }
  if constexpr (kLoss == Loss::mean_squared_logarithmic_error) {
    const Vector<T> shifted = at_least(epsilon, p) + one;
    const Vector<T> e = log<T>(shifted) - log<T>(at_least(epsilon, y) + one);
    return {e * e, p < epsilon ? zero : two * e / shifted};
  }
  if constexpr (kLoss == Loss::huber) {
    const Vector<T> delta = splat(parameters[0]), half = splat<T>(T(0.5));
    const Vector<T> a = absolute<T>(d);
    return {a <= delta ? half * d * d : fma(delta, a, -(half * delta * delta)),
            clamped<T>(d, -parameters[0], parameters[0])};
  }
  if constexpr (kLoss == Loss::log_cosh) return {log_cosh<T>(d), tanh<T>(d)};
  if constexpr (kLoss == Loss::poisson) return {p - y * log<T>(p + epsilon), one - y / (p + epsilon)};
  if constexpr (kLoss == Loss::kl_divergence) {
    const Vector<T> from = clamped<T>(y, kEpsilon<T>, 1), to = clamped<T>(p, kEpsilon<T>, 1);
    const Vector<T> slope = -from / to;
    return {from * (log<T>(from) - log<T>(to)), ((p < epsilon) | (p > one)) ? zero : slope};
  }
  if constexpr (kLoss == Loss::hinge || kLoss == Loss::squared_hinge) {
    const Vector<T> gap = at_least(zero, one - y * p);
    if constexpr (kLoss == Loss::hinge) return {gap, gap > zero ? -y : gap};
    return {gap * gap, splat<T>(-2) * y * gap};
  }
  if constexpr (kLoss == Loss::quantile) {
    const Vector<T> q = splat(parameters[0]), rest = one - splat(parameters[0]);
    const Vector<T> above = d > zero ? rest : d;  // 0 or NaN
    return {d < zero ? -q * d : rest * d, d < zero ? -q : above};
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
