// The element-wise activations of one instruction set, in place. They run over scratch memory as it lies, padding
// included: computing on padding is cheaper than a remainder loop, and nothing reads the result.
//
// An object of its own, since gcc mixes the instructions of two vectors here (-fschedule-insns): one alone waits for
// each of its operations. The same flag takes registers that the tiles need.
#include "activations.hpp"
#include "elementwise.hpp"

namespace fastnn::FASTNN_ISA {
namespace {

// Applies the activation to vectors that are `step` elements apart.
template <Activation kActivation, class T>
void map(T* data, std::ptrdiff_t step, std::size_t vectors, T a, T b) {
  for (; vectors > 1; vectors -= 2, data += 2 * step) {
    const Vector<T> first = load(data), second = load(data + step);
    store(data, activated<kActivation, T>(first, a, b));
    store(data + step, activated<kActivation, T>(second, a, b));
  }
  if (vectors > 0) store(data, activated<kActivation, T>(load(data), a, b));
}

template <class T>
using Map = void (*)(T* data, std::ptrdiff_t step, std::size_t vectors, T a, T b);

template <class T, int... number>
Map<T> map_of(Activation activation, std::integer_sequence<int, number...>) {
  static constexpr Map<T> kMaps[] = {map<static_cast<Activation>(number), T>...};
  return kMaps[static_cast<int>(activation)];
}

// Up to so many vectors of a row, if their number is odd, are paired with those of the next row. Beyond, one in nine
// or more that runs alone costs less than reading line after line of the same column.
constexpr std::size_t kFewVectors = 7;

template <class T>
void apply_elementwise(const PackedLayer<T>& layer, const Block<T>& y, Range units) {
  const auto apply = [&, map = map_of<T>(layer.activation, kActivationNumbers)](T* data, std::ptrdiff_t step,
                                                                                std::size_t vectors) {
    map(data, step, vectors, layer.parameters[0], layer.parameters[1]);
  };
  T* const data = y.data + stride(units.first) * y.column_stride;
  const std::size_t columns = units.last - units.first;
  const std::size_t vectors = (columns + kLanes<T> - 1) / kLanes<T>;
  if (y.column_stride != 1)
    apply(data, kLanes<T>, columns * static_cast<std::size_t>(y.column_stride) / kLanes<T>);
  else if (vectors % 2 == 1 && vectors <= kFewVectors)
    for (std::size_t i = 0; i < vectors; ++i) apply(data + i * kLanes<T>, y.row_stride, y.rows);
  else
    for (std::size_t r = 0; r < y.rows; ++r) apply(data + stride(r) * y.row_stride, kLanes<T>, vectors);
}

}  // namespace

extern constexpr ElementwiseTable kElementwise = {apply_elementwise<float>, apply_elementwise<double>};

}  // namespace fastnn::FASTNN_ISA
