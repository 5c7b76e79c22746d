// trama/message/callback.hpp -- holds a function to be called later: a lambda with its captures, or
// a plain function. It does the work of std::function, because <functional> alone takes longer to
// compile than <string>.
#ifndef TRAMA_MESSAGE_CALLBACK_HPP
#define TRAMA_MESSAGE_CALLBACK_HPP

#include <utility>

namespace trama {

namespace trama_detail {

/// Owns one function, or none, and calls it. Neither copied nor moved.
template <typename... Arguments>
class callback {
public:
    explicit callback() noexcept = default;

    /// Any function that takes `Arguments`. Not explicit: a lambda is passed as it is.
    template <typename Function>
    callback(Function function) : function_(new wrapper<Function>(std::move(function))) {}
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;
    ~callback() { delete function_; }

    /// Takes the function of `next`. A function that replaces itself while it runs lives until it
    /// has returned; it must not call the callback again.
    void replace(callback& next) noexcept {
        std::swap(function_, next.function_);
        if (function_ != nullptr) std::swap(function_->replaced, next.function_);
    }

    /// Calls the function, if there is one.
    void operator()(Arguments... arguments) {
        if (function_ == nullptr) return;
        function_->call(arguments...);
        delete std::exchange(function_->replaced, nullptr);
    }

private:
    /// A function of any type, behind a virtual call.
    struct any_function {
        any_function() noexcept = default;
        any_function(const any_function&) = delete;
        any_function& operator=(const any_function&) = delete;
        virtual ~any_function() { delete replaced; }

        virtual void call(Arguments... arguments) = 0;

        any_function* replaced = nullptr;  // owned; it may still be running
    };

    template <typename Function>
    struct wrapper : any_function {
        explicit wrapper(Function given) : function(std::move(given)) {}
        void call(Arguments... arguments) override { function(arguments...); }

        Function function;
    };

    any_function* function_ = nullptr;
};

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_MESSAGE_CALLBACK_HPP
