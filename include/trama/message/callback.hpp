// trama/message/callback.hpp -- holds a function to be called later: a lambda with what it
// captured, or a plain function. What std::function does, without <functional>, which takes longer
// to compile than <string>.
#pragma once

#include <utility>

namespace trama {

namespace trama_detail {

/// Owns one function, or none. Neither copied nor moved; not called from within itself.
template <typename... Arguments>
class callback {
public:
    callback() noexcept = default;
    callback(const callback&) = delete;
    callback& operator=(const callback&) = delete;
    ~callback() { let_go(newest_); }

    /// Calls `function` from now on. What it replaces may be running: it lives until the next call
    /// is over.
    template <typename Function>
    void hold(Function function) {
        newest_ = new holder<Function>(std::move(function), newest_);
    }

    /// Calls it, if there is one.
    void operator()(Arguments... given) {
        if (newest_ == nullptr) return;
        newest_->call(newest_, given...);
        if (newest_->older != nullptr) let_go(std::exchange(newest_->older, nullptr));
    }

private:
    struct node {
        node* older;
        void (*call)(node*, Arguments...);
        void (*destroy)(node*);
    };

    template <typename Function>
    struct holder : node {
        holder(Function held, node* before)
            : node{before,
                   [](node* self, Arguments... given) {
                       static_cast<holder*>(self)->function(given...);
                   },
                   [](node* self) { delete static_cast<holder*>(self); }},
              function(std::move(held)) {}
        Function function;
    };

    static void let_go(node* each) {
        while (each != nullptr) {
            node* const older = each->older;
            each->destroy(each);
            each = older;
        }
    }

    node* newest_ = nullptr;
};

}  // namespace trama_detail

}  // namespace trama
