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

    /// Holds `function` from now on, and no longer what it held before; what is just running is
    /// let go when it has returned.
    template <typename Function>
    void hold(Function function) {
        void* const made = new Function(std::move(function));
        if (function_ != running_) destroy_(function_);
        function_ = made;
        call_ = [](void* held, Arguments... given) { (*static_cast<Function*>(held))(given...); };
        destroy_ = [](void* held) { delete static_cast<Function*>(held); };
    }

    /// Calls it, if there is one. It must not be called from within itself.
    void operator()(Arguments... given) {
        if (function_ == nullptr) return;
        const run now{*this, function_, destroy_};
        running_ = function_;
        call_(function_, given...);
    }

private:
    struct run {
        ~run() {
            of.running_ = nullptr;
            if (of.function_ != function) destroy(function);  // it was replaced meanwhile
        }
        callback& of;
        void* function;
        void (*destroy)(void*);
    };

    void* function_ = nullptr;
    void* running_ = nullptr;
    void (*call_)(void*, Arguments...) = nullptr;
    void (*destroy_)(void*) = nullptr;
};

}  // namespace detail

}  // namespace trama
