// trama/list.hpp -- values one behind the other, in memory that grows. What std::vector does,
// without <vector>, which costs an echo client 4 % of its compilation before it is used at all.
#pragma once

#include <cstddef>
#include <utility>

namespace trama {

namespace trama_detail {

/// Owns its values, which must have a default and be movable. Move-only.
template <typename Value>
class list {
public:
    list() noexcept = default;
    list(list&& other) noexcept { swap(other); }
    list& operator=(list&& other) noexcept {
        list taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~list() { delete[] values_; }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    Value* begin() const noexcept { return values_; }
    Value* end() const noexcept { return values_ + size_; }
    Value& back() const noexcept { return values_[size_ - 1]; }
    Value& operator[](std::size_t place) const noexcept { return values_[place]; }

    /// Puts `value` behind the others. Throws std::bad_alloc.
    void push_back(Value&& value) {
        if (size_ == capacity_) grow(size_ < 8 ? 8 : 2 * size_);
        values_[size_++] = std::move(value);
    }

    /// Takes away the last one, of at least one. Its place keeps it until something is put there.
    void pop_back() noexcept { --size_; }
    void clear() noexcept { size_ = 0; }

    /// Appends copies of `value` until there is one at `place`.
    void reach(std::size_t place, const Value& value) {
        while (size_ <= place) push_back(Value(value));
    }

    void swap(list& other) noexcept {
        std::swap(values_, other.values_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    void grow(std::size_t capacity) {
        Value* larger = new Value[capacity];
        for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move(values_[i]);
        delete[] std::exchange(values_, larger);
        capacity_ = capacity;
    }

    Value* values_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace trama_detail

}  // namespace trama
