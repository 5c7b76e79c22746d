// trama/message/callback.hpp -- holds a function to be called later: a lambda with its captures, or
// a plain function. It does the work of std::function, because <functional> alone takes longer to
// compile than <string>.
#pragma once

#include <utility>

namespace trama {

namespace trama_detail {

/// Owns one function, or none. Neither copied nor moved. The function may replace itself while it
/// runs, but it must not call the callback again.
template <typename... Arguments>
class callback {
public:
    callback() noexcept = default;
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;
    ~callback() { delete function_; }

    /// Calls `function` from now on.
    template <typename Function>
    void set(Function function) {
        function_ = new wrapper<Function>(std::move(function), function_);
    }

    /// Calls the function, if there is one.
    void operator()(Arguments... arguments) {
        if (function_ == nullptr) return;
        function_->call(arguments...);
        function_->delete_replaced();
    }

private:
    /// A function of any type, behind a virtual call. It owns the one that it replaced, which may
    /// still be running.
    class any_function {
    public:
        explicit any_function(any_function* replaced) noexcept : replaced_(replaced) {}
        any_function(const any_function&) = delete;
        any_function& operator=(const any_function&) = delete;
        virtual ~any_function() { delete_replaced(); }

        virtual void call(Arguments... arguments) = 0;
        void delete_replaced() noexcept { delete std::exchange(replaced_, nullptr); }

    private:
        any_function* replaced_;
    };

    template <typename Function>
    class wrapper : public any_function {
    public:
        wrapper(Function function, any_function* replaced)
            : any_function(replaced), function_(std::move(function)) {}

        void call(Arguments... arguments) override { function_(arguments...); }

    private:
        Function function_;
    };

    any_function* function_ = nullptr;
};

}  // namespace trama_detail

}  // namespace trama
