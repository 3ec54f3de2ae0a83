#include "evaluation.hpp"

#include <algorithm>
#include <utility>

#include "scratch.hpp"
#include "shared_work.hpp"

namespace fastnn {
namespace {

// A block of rows is small enough that its numbers stay in the level 1 or 2 cache from layer to layer, and made of
// grains that let threads get equally many rows.
constexpr std::size_t kEvaluatedRows = 64;
constexpr std::size_t kGrainRows = 8;

}  // namespace

template <class T>
Evaluation<T>::Evaluation(const Stages<T>& stages, const std::optional<LossSettings>& loss, bool takes_sums)
    : stages_(stages), loss_(loss), takes_sums_(takes_sums), width_(stages.inputs()) {
  for (const Stage<T>& stage : stages.all()) {
    width_ = std::max(width_, stage.layer.units);
    work_ += work_of(stage.layer);
  }
  width_ = pad_to_chains(width_);
}

template <class T>
bool Evaluation<T>::run(Rows<T> x, T* outputs, const Rows<T>* y, const T* weights, double* losses,
                        FunctionRef<bool()> go_on) const {
  const Call call{x, outputs, y, weights, losses};
  const Plan plan(x.rows, kEvaluatedRows, kGrainRows, work_, stages_.all().size(), num_threads());
  const Blocks& blocks = plan.blocks;
  if (plan.shares_blocks) {
    const auto run_one = [&](std::size_t block) { run_block(call, blocks.first_row(block), blocks.rows(block), true); };
    return share(blocks.count(), plan.threads, run_one, go_on);
  }
  for (std::size_t block = 0; block < blocks.count(); ++block) {
    if (block > 0 && go_on && !go_on()) return false;
    run_block(call, blocks.first_row(block), blocks.rows(block), false);
  }
  return true;
}

// Two places take turns: a stage reads one and writes the other.
template <class T>
void Evaluation<T>::run_block(const Call& call, std::size_t first, std::size_t rows, bool is_shared) const {
  const Kernels<T>& kernels = active_kernels<T>();
  const std::size_t size = checked_product(rows, width_);
  Scratch<T> scratch(checked_sum(checked_product(2, size), rows));
  const auto stride = static_cast<std::ptrdiff_t>(width_);
  Matrix<T> here{scratch.data(), stride}, there{scratch.data() + size, stride};
  const auto at = static_cast<std::ptrdiff_t>(first);
  kernels.copy({call.x.data + at * call.x.row_stride, rows, call.x.row_stride, call.x.column_stride},
               {here.data, rows, stride, 1}, stages_.inputs());
  if (call.losses != nullptr) std::fill_n(call.losses + first, rows, 0.0);
  for (const Stage<T>& stage : stages_.all()) {
    if (stage.noise.kind == NoiseKind::none) {
      const Block<const T> x{here.data, rows, stride, 1};
      const Block<T> y{there.data, rows, stride, 1};
      if (is_shared)
        kernels.layer(stage.layer, x, y, {0, stage.layer.units});
      else
        run_layer(stage.layer, x, y);
      if (stage.layer.takes_whole_rows) kernels.whole_rows(stage.layer, y);
      std::swap(here, there);
    }
    if (call.losses != nullptr) add_activity(stage, here, rows, call.losses + first);
  }
  const std::size_t units = stages_.units();
  if (call.outputs != nullptr)
    kernels.copy({here.data, rows, stride, 1},
                 {call.outputs + first * units, rows, static_cast<std::ptrdiff_t>(units), 1}, units);
  if (call.losses != nullptr && call.y != nullptr)
    add_losses(call, first, rows, takes_sums_ ? there : Matrix<T>{}, here, scratch.data() + 2 * size);
}

template <class T>
void Evaluation<T>::add_activity(const Stage<T>& stage, Matrix<const T> y, std::size_t rows, double* losses) const {
  if (stage.activity_l1 == 0 && stage.activity_l2 == 0) return;
  for (std::size_t r = 0; r < rows; ++r) losses[r] += activity_of(stage, y, {r, r + 1});
}

template <class T>
void Evaluation<T>::add_losses(const Call& call, std::size_t first, std::size_t rows, Matrix<const T> sums,
                               Matrix<const T> y, T* row_losses) const {
  LossCall<T> loss = loss_call<T>(*loss_, stages_.units());
  loss.rows = rows;
  loss.targets = call.y->data + static_cast<std::ptrdiff_t>(first) * call.y->row_stride;
  loss.target_row_stride = call.y->row_stride;
  loss.target_column_stride = call.y->column_stride;
  loss.predictions = y;
  loss.sums = sums;
  loss.row_losses = row_losses;
  active_kernels<T>().loss(loss);
  for (std::size_t r = 0; r < rows; ++r) {
    const double weight = call.weights == nullptr ? 1 : static_cast<double>(call.weights[first + r]);
    call.losses[first + r] += weight * static_cast<double>(row_losses[r]);
  }
}

template class Evaluation<float>;
template class Evaluation<double>;

}  // namespace fastnn
