// One step of an optimizer, element by element. Formulas and order are Keras 3's (optimizers/*.py): gradient of the
// regularizers, clipping, decay, then the step. Every operation written here is one IEEE operation per lane.
#pragma once

#include "../core/kernel_table.hpp"
#include "shapes.hpp"
#include "simd.hpp"
#include "tiny.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Changes weights w and slots s by the gradient g. Of a, b, c, d of Update:
//   sgd: a momentum.  adam, nadam: a = 1 - beta_1, b = 1 - beta_2; nadam also c, the divisor of velocity.
//   rmsprop: a = rho, b = 1 - rho, c = momentum.  adadelta: a = rho, b = 1 - rho.
//   adamax: a = 1 - beta_1, b = beta_2.  lion: a = beta_1, b = 1 - beta_1, c = beta_2, d = 1 - beta_2.
template <OptimizerKind kind, bool kRootsByFmas, class T>
FASTNN_INLINE void optimize(const Update<T>& u, Vector<T> g, Vector<T>& w, Vector<T> (&s)[kMostSlots]) {
  const Vector<T> rate = splat(u.rate), epsilon = splat(u.epsilon);
  const Vector<T> a = splat(u.a), b = splat(u.b), c = splat(u.c), d = splat(u.d);
  if constexpr (kind == OptimizerKind::sgd) {
    if (u.a == T{0}) {
      w = fma(-rate, g, w);
    } else {
      s[0] = without_tiny<T>(fma(-rate, g, a * s[0]));
      w = w + (u.flag ? fma(-rate, g, a * s[0]) : s[0]);
    }
  }
  if constexpr (kind == OptimizerKind::adam) {
    s[0] = without_tiny<T>(fma(g - s[0], a, s[0]));
    s[1] = without_tiny<T>(fma(fma(g, g, -s[1]), b, s[1]));
    Vector<T> v = s[1];
    if (u.flag) v = s[2] = at_least(s[2], v);
    Vector<T> root;
    if constexpr (kRootsByFmas)
      root = sqrt_by_fmas<T>(v);
    else
      root = sqrt<T>(v);
    w = w - rate * s[0] / (root + epsilon);
  }
  if constexpr (kind == OptimizerKind::rmsprop) {
    s[0] = without_tiny<T>(fma(b * g, g, a * s[0]));
    Vector<T> v = s[0];
    if (u.flag) {
      s[2] = without_tiny<T>(fma(b, g, a * s[2]));
      v = fma(-s[2], s[2], v);
    }
    const Vector<T> step = rate * g / sqrt<T>(v + epsilon);
    if (u.c == T{0}) {
      w = w - step;
    } else {
      s[1] = without_tiny<T>(fma(c, s[1], step));
      w = w - s[1];
    }
  }
  if constexpr (kind == OptimizerKind::adagrad) {
    s[0] = without_tiny<T>(fma(g, g, s[0]));
    w = w - rate * g / sqrt<T>(s[0] + epsilon);
  }
  if constexpr (kind == OptimizerKind::adadelta) {
    s[0] = without_tiny<T>(fma(b * g, g, a * s[0]));
    const Vector<T> step = sqrt<T>(s[1] + epsilon) / sqrt<T>(s[0] + epsilon) * g;
    s[1] = without_tiny<T>(fma(b * step, step, a * s[1]));
    w = fma(-rate, step, w);
  }
  if constexpr (kind == OptimizerKind::adamax) {
    s[0] = without_tiny<T>(fma(g - s[0], a, s[0]));
    s[1] = without_tiny<T>(at_least(b * s[1], absolute<T>(g)));
    w = w - rate * s[0] / (s[1] + epsilon);
  }
  if constexpr (kind == OptimizerKind::nadam) {
    s[0] = without_tiny<T>(fma(g - s[0], a, s[0]));
    s[1] = without_tiny<T>(fma(fma(g, g, -s[1]), b, s[1]));
    w = w - fma(rate, s[0], splat(u.gradient_rate) * g) / (sqrt<T>(s[1] / c) + epsilon);
  }
  if constexpr (kind == OptimizerKind::lion) {
    w = fma(-rate, sign_of<T>(fma(b, g, a * s[0])), w);
    s[0] = without_tiny<T>(fma(d, g, c * s[0]));
  }
}

template <OptimizerKind kind, bool kPlain, class T>
void update_all(const Update<T>& given, std::size_t n, const T* gradients, T* weights, T* const* all_slots) {
  constexpr std::size_t L = kLanes<T>;
  // Copies, so that no store makes the loop read them again.
  const Update<T> u = given;
  T* slots[kMostSlots];
  for (std::size_t k = 0; k < kMostSlots; ++k) slots[k] = all_slots[k];
  const auto step = [&](std::size_t i, auto read, auto write, auto by_fmas) FASTNN_INLINE_LAMBDA {
    Vector<T> g = read(gradients + i), w = read(weights + i), s[kMostSlots] = {};
    for (std::size_t k = 0; k < kMostSlots; ++k)
      if (slots[k] != nullptr) s[k] = read(slots[k] + i);
    if constexpr (!kPlain) {
      g = fma(splat(u.l2), w, g * splat(u.scale));
      g = g + splat(u.l1) * sign_of<T>(w);
      if (u.clip != T{0}) g = clamped<T>(g, -u.clip, u.clip);
    }
    if (u.decay != T{0}) w = fma(splat(-u.decay), w, w);
    optimize<kind, decltype(by_fmas)::value != 0, T>(u, g, w, s);
    write(weights + i, w);
    for (std::size_t k = 0; k < kMostSlots; ++k)
      if (slots[k] != nullptr) write(slots[k] + i, s[k]);
  };
  const auto whole_step = [&](std::size_t i, auto by_fmas) FASTNN_INLINE_LAMBDA {
    step(
        i, [](const T* from) FASTNN_INLINE_LAMBDA { return load(from); },
        [](T* to, Vector<T> v) FASTNN_INLINE_LAMBDA { store(to, v); }, by_fmas);
  };
  std::size_t i = 0;
  // One root of two by fmas keeps the unit of divisions and the units of fmas equally busy.
  if constexpr (kind == OptimizerKind::adam && kHasRootsByFmas<T>)
    if (u.has_slow_roots)
      for (; i + 2 * L <= n; i += 2 * L) {
        whole_step(i, Constant<1>{});
        whole_step(i + L, Constant<0>{});
      }
  for (; i + L <= n; i += L) whole_step(i, Constant<0>{});
  if (i < n)
    step(
        i, [&](const T* from) FASTNN_INLINE_LAMBDA { return load_first(from, n - i); },
        [&](T* to, Vector<T> v) FASTNN_INLINE_LAMBDA { store_first(to, v, n - i); }, Constant<0>{});
}

template <OptimizerKind kind, class T>
void update_all(const Update<T>& u, std::size_t n, const T* gradients, T* weights, T* const* slots) {
  if (u.l1 == T{0} && u.l2 == T{0} && u.scale == T{1} && u.clip == T{0})
    update_all<kind, true>(u, n, gradients, weights, slots);
  else
    update_all<kind, false>(u, n, gradients, weights, slots);
}

// One step for n weights. `slots` are kMostSlots pointers, null for those that the optimizer does not have.
template <class T>
void update(const Update<T>& u, std::size_t n, const T* gradients, T* weights, T* const* slots) {
  switch (u.kind) {
    case OptimizerKind::sgd: return update_all<OptimizerKind::sgd>(u, n, gradients, weights, slots);
    case OptimizerKind::adam: return update_all<OptimizerKind::adam>(u, n, gradients, weights, slots);
    case OptimizerKind::rmsprop: return update_all<OptimizerKind::rmsprop>(u, n, gradients, weights, slots);
    case OptimizerKind::adagrad: return update_all<OptimizerKind::adagrad>(u, n, gradients, weights, slots);
    case OptimizerKind::adadelta: return update_all<OptimizerKind::adadelta>(u, n, gradients, weights, slots);
    case OptimizerKind::adamax: return update_all<OptimizerKind::adamax>(u, n, gradients, weights, slots);
    case OptimizerKind::nadam: return update_all<OptimizerKind::nadam>(u, n, gradients, weights, slots);
    case OptimizerKind::lion: return update_all<OptimizerKind::lion>(u, n, gradients, weights, slots);
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
