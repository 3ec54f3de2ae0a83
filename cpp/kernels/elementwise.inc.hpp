// The element-wise activations of one instruction set, in place.
//
// An object of its own, since gcc mixes the instructions of two vectors here (-fschedule-insns): one alone waits for
// each of its operations. The same flag takes registers that the tiles need.
#include "activations.hpp"
#include "elementwise.hpp"
#include "vector_runs.hpp"

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

template <class T>
void apply_elementwise(const PackedLayer<T>& layer, const Block<T>& y, Range units) {
  for_each_vector_run(
      y, units, 2,
      [&, map = map_of<T>(layer.activation, kActivationNumbers)](T* data, std::ptrdiff_t step, std::size_t vectors) {
        map(data, step, vectors, layer.parameters[0], layer.parameters[1]);
      });
}

}  // namespace

extern constexpr ElementwiseTable kElementwise = {apply_elementwise<float>, apply_elementwise<double>};

}  // namespace fastnn::FASTNN_ISA
