// trama/callback.hpp -- holds a function to be called later: a lambda with what it captured, or a
// plain function. What std::function does, without <functional>, which takes longer to compile than
// <string>.
#pragma once

#include <utility>

namespace trama {

namespace detail {

/// Owns one function, or none. Neither copied nor moved.
template <typename... Arguments>
class callback {
public:
    callback() noexcept = default;
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;
    ~callback() {
        if (function_ != nullptr) destroy_(function_);
    }

    /// Holds `function` from now on, and no longer what it held before.
    template <typename Function>
    void hold(Function function) {
        if (function_ != nullptr) destroy_(std::exchange(function_, nullptr));
        function_ = new Function(std::move(function));
        call_ = [](void* held, Arguments... given) { (*static_cast<Function*>(held))(given...); };
        destroy_ = [](void* held) { delete static_cast<Function*>(held); };
    }

    /// Calls it, if there is one.
    void operator()(Arguments... given) const {
        if (function_ != nullptr) call_(function_, given...);
    }

private:
    void* function_ = nullptr;
    void (*call_)(void*, Arguments...) = nullptr;
    void (*destroy_)(void*) = nullptr;
};

}  // namespace detail

}  // namespace trama
