// A reference to something callable: nothing is copied or allocated, and it must outlive the reference.
#pragma once

#include <memory>
#include <type_traits>

namespace fastnn {

template <class Signature>
class FunctionRef;

// FunctionRef<bool(int)> refers to whatever can be called with an int and answers a bool; a default one is empty.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  FunctionRef() = default;

  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, FunctionRef>>>
  FunctionRef(F&& function)  // implicit, so that a lambda can be handed over as it is
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
