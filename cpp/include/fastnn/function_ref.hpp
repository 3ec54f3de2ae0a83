// A non-owning reference to a callable, for parameters. Unlike std::function it copies and allocates nothing, so the
// callable must outlive it.
//
//   bool any(fastnn::FunctionRef<bool(int)> holds, int n);
//   any([](int i) { return i > 3; }, 10);
#pragma once

#include <memory>
#include <type_traits>

namespace fastnn {

template <class Signature>
class FunctionRef;

// FunctionRef<bool(int)> refers to anything that takes an int and returns a bool. A default-constructed one is empty:
// it converts to false and must not be called.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  FunctionRef() = default;

  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F&& function)  // implicit, so that a lambda can be passed directly
      : function_(const_cast<void*>(static_cast<const void*>(std::addressof(function)))),
        call_([](void* f, Arguments... arguments) -> Result {
          return (*static_cast<std::remove_reference_t<F>*>(f))(arguments...);
        }) {}

  Result operator()(Arguments... arguments) const { return call_(function_, arguments...); }
  explicit operator bool() const noexcept { return call_ != nullptr; }

 private:
  void* function_ = nullptr;
  Result (*call_)(void*, Arguments...) = nullptr;
};

}  // namespace fastnn
