// The losses that need the whole row. The crossentropies are computed from the sums, if these are known, so that
// nothing saturates; else from probabilities, which are divided by their sum and limited to [epsilon, 1 - epsilon] as
// in Keras.
#pragma once

#include "copy.hpp"
#include "loss_rows.hpp"
#include "unit_losses.hpp"
#include "whole_rows.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

constexpr bool needs_whole_row(Loss loss) {
  return loss == Loss::categorical_crossentropy || loss == Loss::categorical_focal_crossentropy ||
         loss == Loss::sparse_categorical_crossentropy || loss == Loss::categorical_hinge ||
         loss == Loss::cosine_similarity;
}

template <class T>
constexpr T kLargest = static_cast<T>(sizeof(T) == 4 ? __FLT_MAX__ : __DBL_MAX__);

// The loss of one class, and its derivative by log(p). A class with y = 0 has none, even if log(p) is infinite.
template <Loss kLoss, class T>
FASTNN_INLINE UnitLoss<T> class_loss(Vector<T> y, Vector<T> p, Vector<T> log_p, const T* parameters) {
  Vector<T> weight = -y, loss = weight * log_p, slope = weight;
  if constexpr (kLoss == Loss::categorical_focal_crossentropy) {  // alpha (1 - p)^gamma times the plain one
    const Vector<T> gamma = splat(parameters[2]);
    const Vector<T> error = at_least(splat(kLeastNormal<T>), splat<T>(1) - p);
    const Vector<T> focus = power<T>(error, parameters[2]);
    weight = weight * splat(parameters[3]);
    loss = weight * (focus * log_p);
    const Vector<T> finite = at_least(splat(-kLargest<T>), log_p);  // where it overflows, p is 0
    slope = weight * (focus - gamma * (focus / error) * (p * finite));
  }
  const Bits<T> none = y == T{0};
  return {none ? Vector<T>{} : loss, none ? Vector<T>{} : slope};
}

// The largest of a row's sums, in every lane; NaN where it is among the first of its lane.
template <class T>
FASTNN_INLINE Vector<T> largest_of(const LossRowOf<T>& row) {
  Vector<T> found = splat(-kInfinity<T>);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>)
    found = at_least(found, are_units<T>(n, row.units) ? load(row.logits + n) : found);
  T lanes[kLanes<T>];
  store(lanes, found);
#pragma GCC unroll 8
  for (int width = kLanes<T> / 2; width > 0; width /= 2)
#pragma GCC unroll 8
    for (int i = 0; i < width; ++i) lanes[i] = lanes[i + width] > lanes[i] ? lanes[i + width] : lanes[i];
  return splat(lanes[0]);
}

// Returns the least z - m: the exponential of a class below it counts as 0. Its delta is exponential / sum · scale.
// Products with it are subnormal soon, and those take many times as long. No bit of the loss or the delta changes:
// - The delta is 0 anyway if |scale| <= 1: e^-70.1 is less than half of tiny(), and a subnormal product is rounded to
// at
//   most twice itself.
// - The sum stays. An addition makes a difference at most 2^25 times as large (float64: 2^54 times). Up to 16 classes
//   have four additions, one of them to e^0 of the largest class. Three bring e^-70.1 to at most 2^-25, and 1 does not
//   notice that.
template <class T>
FASTNN_INLINE Vector<T> least_difference(Vector<T> scale, std::size_t units) {
  const Vector<T> none = splat(-kInfinity<T>);
  if (units > kMostChains) return none;  // more additions
  return absolute<T>(scale) <= T{1} ? splat(static_cast<T>(sizeof(T) == 4 ? -70.1 : -624.6)) : none;
}

template <class T>
FASTNN_INLINE Vector<T> exponential_of_class(Vector<T> difference, Vector<T> least) {
  return difference < least ? Vector<T>{} : exp_nonpositive<T>(at_least(least, difference));
}

// Of a row with one right class: z - m and s, from which its loss follows.
template <class T>
struct SparseLoss {
  T gap, sum;
};

// One class is right: log(p) = (z - m) - log(s), and delta = p - y. The same bits as class_loss_of_sums, whose other
// terms are 0 and whose sum of slopes is -1.
template <class T>
SparseLoss<T> sparse_loss_of_sums(const LossRowOf<T>& row) {
  const Vector<T> largest = largest_of<T>(row), least = least_difference<T>(splat(row.scale), row.units);
  ChainSum<T> exponentials(row.units);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> e = exponential_of_class<T>(load(row.logits + n) - largest, least);
    exponentials.add(n, e);
    if (row.delta != nullptr) store(row.delta + n, e);
  }
  const Vector<T> sum = exponentials.total();
  if (row.delta != nullptr)
    for (std::size_t n = 0; n < row.units; n += kLanes<T>)
      row.set_delta(n, (load(row.delta + n) / sum - row.target(n)) * splat(row.scale));
  const T right = row.targets[0];
  if (!(right >= T{0} && right < static_cast<T>(row.units))) return {0, 1};  // a loss of 0
  return {row.logits[static_cast<std::size_t>(right)] - largest[0], sum[0]};
}

// Whether so many rows are faster in lanes than one by one (measured with AVX-512, 3 to 16 units).
constexpr bool pay_in_lanes(std::size_t rows, std::size_t units) { return 3 * rows >= units + 9; }

// The losses and deltas of some rows, as sparse_loss_of_sums, with rows in lanes: their units fit a vector, in which
// the lanes beyond them would be idle.
template <class T>
void sparse_losses_in_lanes(const LossCall<T>& call, std::size_t first, std::size_t rows) {
  constexpr std::size_t L = kLanes<T>;
  const LossRowOf<T> row(call, first);
  T columns[L * L] = {}, targets[L] = {};
  transpose_lines(row.logits, LossRowOf<T>::logits_of(call).stride, columns, stride(L), rows, call.units);
  for (std::size_t r = 0; r < rows; ++r) targets[r] = row.targets[stride(r) * call.target_row_stride];
  const Vector<T> right = load(targets);

  const RowsInLanes<T> lanes{columns, call.units, stride(L)};
  const Vector<T> largest = lanes.largest();
  const Vector<T> scale = call.scales == nullptr ? splat<T>(1) : load_first(call.scales + first, rows);
  const Vector<T> least = least_difference<T>(scale, call.units);
  Vector<T> gap = {};
  lanes.map([&](Vector<T> z, std::size_t n) FASTNN_INLINE_LAMBDA {
    const Vector<T> each = z - largest, number = splat(static_cast<T>(n));
    gap = ((right >= number) & (right < number + T{1})) ? each : gap;
    return exponential_of_class<T>(each, least);
  });
  const Vector<T> sum = lanes.sum([](Vector<T> s, Vector<T> e) FASTNN_INLINE_LAMBDA { return s + e; });
  const Bits<T> known = (right >= T{0}) & (right < static_cast<T>(call.units));  // else a loss of 0
  const Vector<T> losses = Vector<T>{} - (gap - log_of_sum<T>(known ? sum : splat<T>(1)));
  store_first(call.row_losses + first, losses == losses ? losses : splat(kNaN<T>), rows);
  if (row.delta == nullptr) return;
  lanes.map([&](Vector<T> e, std::size_t n) FASTNN_INLINE_LAMBDA {
    return without_tiny<T>((e / sum - (right == splat(static_cast<T>(n)) ? splat<T>(1) : Vector<T>{})) * scale);
  });
  transpose_lines(columns, stride(L), row.delta, call.delta.stride, call.units, rows);
}

// The losses and deltas of all rows. One by one, they share a logarithm, which takes as long for a vector as for a
// number.
template <class T>
void sparse_losses_of_sums(const LossCall<T>& call) {
  for (std::size_t first = 0; first < call.rows; first += kLanes<T>) {
    const std::size_t rows = call.rows - first < kLanes<T> ? call.rows - first : kLanes<T>;
    if (call.units <= kLanes<T> && pay_in_lanes(rows, call.units)) {
      sparse_losses_in_lanes(call, first, rows);
      continue;
    }
    T gaps[kLanes<T>] = {}, sums[kLanes<T>] = {};
    for (std::size_t r = 0; r < rows; ++r) {
      const SparseLoss<T> each = sparse_loss_of_sums<T>({call, first + r});
      gaps[r] = each.gap;
      sums[r] = each.sum;
    }
    const Vector<T> losses = Vector<T>{} - (load(gaps) - log_of_sum<T>(load(sums)));
    store_first(call.row_losses + first, losses == losses ? losses : splat(kNaN<T>), rows);
  }
}

// With p = e^(z - m) / s and m, s as in softmax: log(p) = (z - m) - log(s), and delta = slope - p (sum of slopes).
template <Loss kLoss, class T>
T class_loss_of_sums(const LossRowOf<T>& row) {
  T found = row.logits[0];
  for (std::size_t n = 1; n < row.units; ++n) found = row.logits[n] > found ? row.logits[n] : found;
  const Vector<T> largest = splat(found);
  ChainSum<T> exponentials(row.units), losses(row.units), slopes(row.units);
  const auto exponential = [&](std::size_t n, Vector<T> factor) FASTNN_INLINE_LAMBDA {
    return exponential_of_class<T>(load(row.logits + n) - largest, least_difference<T>(factor, row.units));
  };
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) exponentials.add(n, exponential(n, splat<T>(1)));
  const Vector<T> sum = exponentials.total();
  const Vector<T> log_of_all = log_of_sum<T>(sum);
  const auto probability = [&](std::size_t n) FASTNN_INLINE_LAMBDA {
    return exp_nonpositive<T>(load(row.logits + n) - largest) / sum;
  };
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> log_p = (load(row.logits + n) - largest) - log_of_all;
    const Vector<T> p = kLoss == Loss::categorical_focal_crossentropy ? probability(n) : log_p;  // else not used
    const UnitLoss<T> each =
        class_loss<kLoss, T>(row.smooth_target(n, static_cast<T>(row.units)), p, log_p, row.parameters);
    losses.add(n, each.loss);
    slopes.add(n, each.slope);
    if (row.delta != nullptr) store(row.delta + n, each.slope);
  }
  const Vector<T> all_slopes = slopes.total();
  if (row.delta == nullptr) return losses.total()[0];
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> slope = load(row.delta + n), scale = splat(row.scale);
    const Vector<T> e = exponential(n, slope == T{0} ? all_slopes * scale : splat(kInfinity<T>));
    row.set_delta(n, fma(-(e / sum), all_slopes, slope) * scale);
  }
  return losses.total()[0];
}

// With q = p / s limited and s the sum of p: delta = (slope / q - sum of slopes) / s, the slope 0 beyond the limits.
template <Loss kLoss, class T>
T class_loss_of_probabilities(const LossRowOf<T>& row) {
  ChainSum<T> probabilities(row.units), losses(row.units), slopes(row.units);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) probabilities.add(n, load(row.predictions + n));
  const Vector<T> sum = probabilities.total();
  const auto limited = [](Vector<T> p) FASTNN_INLINE_LAMBDA { return clamped<T>(p, kEpsilon<T>, T(1 - 1e-7)); };
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> p = load(row.predictions + n) / sum;
    const Vector<T> q = limited(p);
    const UnitLoss<T> each =
        class_loss<kLoss, T>(row.smooth_target(n, static_cast<T>(row.units)), q, log<T>(q), row.parameters);
    const Vector<T> slope = ((p < q) | (p > q)) ? Vector<T>{} : each.slope;
    losses.add(n, each.loss);
    slopes.add(n, slope);
    if (row.delta != nullptr) store(row.delta + n, slope / q);
  }
  const Vector<T> all_slopes = slopes.total();
  if (row.delta != nullptr)
    for (std::size_t n = 0; n < row.units; n += kLanes<T>)
      row.set_delta(n, (load(row.delta + n) - all_slopes) / sum * splat(row.scale));
  return losses.total()[0];
}

// max(1 + largest (1 - y) p - sum of y p, 0). Classes that tie for the largest share its derivative.
template <class T>
T categorical_hinge(const LossRowOf<T>& row) {
  const auto wrong = [&](std::size_t n)
                         FASTNN_INLINE_LAMBDA { return (splat<T>(1) - row.target(n)) * load(row.predictions + n); };
  ChainSum<T> right(row.units), ties(row.units);
  T largest = -kInfinity<T>;
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    right.add_product(n, row.target(n), load(row.predictions + n));
    const Vector<T> each = wrong(n);
    for (std::size_t i = 0; i < kLanes<T> && n + i < row.units; ++i) largest = each[i] > largest ? each[i] : largest;
  }
  for (std::size_t n = 0; n < row.units; n += kLanes<T>)
    ties.add(n, wrong(n) == splat(largest) ? splat<T>(1) : Vector<T>{});
  const Vector<T> gap = at_least(Vector<T>{}, (splat(largest) - right.total()) + splat<T>(1));
  const Vector<T> share = splat<T>(1) / ties.total();
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> y = row.target(n);
    const Vector<T> slope = (wrong(n) == splat(largest) ? (splat<T>(1) - y) * share : Vector<T>{}) - y;
    row.set_delta(n, (gap > T{0} ? slope : gap) * splat(row.scale));
  }
  return gap[0];
}

// -s a b with s the sum of y p, and a and b one over the lengths of y and p, these at least epsilon. The derivative is
// -b (a y + loss b p), without the second term where p is shorter than epsilon.
template <class T>
T cosine_similarity(const LossRowOf<T>& row) {
  ChainSum<T> targets(row.units), predictions(row.units), products(row.units);
  for (std::size_t n = 0; n < row.units; n += kLanes<T>) {
    const Vector<T> y = row.target(n), p = load(row.predictions + n);
    targets.add_product(n, y, y);
    predictions.add_product(n, p, p);
    products.add_product(n, y, p);
  }
  const Vector<T> epsilon = splat(kEpsilon<T>), one = splat<T>(1), length = sqrt<T>(predictions.total());
  const Vector<T> a = one / at_least(epsilon, sqrt<T>(targets.total())), b = one / at_least(epsilon, length);
  const Vector<T> loss = -(products.total() * a * b);
  const Vector<T> turn = length > epsilon ? loss * b : Vector<T>{};
  for (std::size_t n = 0; n < row.units; n += kLanes<T>)
    row.set_delta(n, -b * fma(turn, load(row.predictions + n), a * row.target(n)) * splat(row.scale));
  return loss[0];
}

template <Loss kLoss, class T>
T whole_row_loss(const LossRowOf<T>& row) {
  if constexpr (kLoss == Loss::categorical_hinge) {
    return categorical_hinge<T>(row);
  } else if constexpr (kLoss == Loss::cosine_similarity) {
    return cosine_similarity<T>(row);
  } else {
    if constexpr (kLoss != Loss::sparse_categorical_crossentropy)  // whose rows are all in sparse_losses_of_sums
      if (row.logits != nullptr) return class_loss_of_sums<kLoss, T>(row);
    return class_loss_of_probabilities<kLoss, T>(row);
  }
}

}  // namespace
}  // namespace fastnn::FASTNN_ISA
