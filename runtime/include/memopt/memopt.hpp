// memopt for C++17 and later: the C API (memopt.h has the manual) with owners, spans and
// exceptions.
//
//   memopt::api::Plan plan("model.plan");
//   memopt::api::Session session(plan);                  // allocates its own arena
//   auto input = session.input<float>("image");
//   std::copy(pixels.begin(), pixels.end(), input.begin());
//   session.run();
//   use(session.output<float>("scores"));
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#if __cplusplus >= 202002L
#include <ranges>
#endif

#include "memopt/memopt.h"

namespace memopt::api {

// What every failing call throws (or std::bad_alloc, where there is no memory for this object).
class Error : public std::runtime_error {
 public:
  Error(memopt_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  memopt_status status() const { return status_; }

 private:
  memopt_status status_;
};

inline void check(memopt_status status) {
  if (status != MEMOPT_OK) throw Error(status, memopt_last_error());
}

// Elements in a row that somebody else owns: what std::span is, which C++17 has not. Made from
// anything with data() and size(); a std::span is made from it.
template <typename T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T* data, size_t size) : data_(data), size_(size) {}
  template <typename Range,
            typename = std::enable_if_t<std::is_convertible_v<
                std::remove_pointer_t<decltype(std::data(std::declval<Range&>()))> (*)[], T (*)[]>>>
  constexpr Span(Range&& range) : data_(std::data(range)), size_(std::size(range)) {}

  constexpr T* data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr size_t size_bytes() const { return size_ * sizeof(T); }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T& operator[](size_t i) const { return data_[i]; }
  constexpr T* begin() const { return data_; }
  constexpr T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

// The element type of a C++ type; types without one do not compile.
template <typename T>
struct DTypeOf;
#define MEMOPT_DTYPE_OF(type, value)              \
  template <>                                     \
  struct DTypeOf<type> {                          \
    static constexpr memopt_dtype kValue = value; \
  }
MEMOPT_DTYPE_OF(float, MEMOPT_FLOAT32);
MEMOPT_DTYPE_OF(double, MEMOPT_FLOAT64);
MEMOPT_DTYPE_OF(bool, MEMOPT_BOOL);
MEMOPT_DTYPE_OF(int8_t, MEMOPT_INT8);
MEMOPT_DTYPE_OF(int16_t, MEMOPT_INT16);
MEMOPT_DTYPE_OF(int32_t, MEMOPT_INT32);
MEMOPT_DTYPE_OF(int64_t, MEMOPT_INT64);
MEMOPT_DTYPE_OF(uint8_t, MEMOPT_UINT8);
MEMOPT_DTYPE_OF(uint16_t, MEMOPT_UINT16);
MEMOPT_DTYPE_OF(uint32_t, MEMOPT_UINT32);
MEMOPT_DTYPE_OF(uint64_t, MEMOPT_UINT64);
#undef MEMOPT_DTYPE_OF

// A loaded plan. Copies share it. One that was moved from is empty: sizes are 0, the rest throws.
class Plan {
 public:
  explicit Plan(const std::string& path, uint32_t flags = MEMOPT_LOAD_DEFAULT) {
    memopt_plan* plan = nullptr;
    check(memopt_plan_load_file(path.c_str(), flags, &plan));
    plan_.reset(plan, memopt_plan_destroy);
  }
  explicit Plan(Span<const std::byte> file, uint32_t flags = MEMOPT_LOAD_DEFAULT) {
    memopt_plan* plan = nullptr;
    check(memopt_plan_load_memory(file.data(), file.size(), flags, &plan));
    plan_.reset(plan, memopt_plan_destroy);
  }

  size_t arena_bytes() const { return memopt_plan_arena_bytes(get()); }
  size_t arena_alignment() const { return memopt_plan_arena_alignment(get()); }
  size_t constants_bytes() const { return memopt_plan_constants_bytes(get()); }
  size_t state_bytes() const { return memopt_plan_state_bytes(get()); }

  std::vector<memopt_tensor_info> inputs() const {
    return all(memopt_plan_input_count(get()), memopt_plan_input);
  }
  std::vector<memopt_tensor_info> outputs() const {
    return all(memopt_plan_output_count(get()), memopt_plan_output);
  }
  std::vector<memopt_tensor_info> states() const {
    return all(memopt_plan_state_count(get()), memopt_plan_state);
  }
  size_t find_input(const std::string& name) const { return find(memopt_plan_find_input, name); }
  size_t find_output(const std::string& name) const { return find(memopt_plan_find_output, name); }

  size_t find_state(const std::string& name) const { return find(memopt_plan_find_state, name); }

  const memopt_plan* get() const { return plan_.get(); }

 private:
  using Describe = memopt_status (*)(const memopt_plan*, size_t, memopt_tensor_info*);
  using Find = memopt_status (*)(const memopt_plan*, const char*, size_t*);

  std::vector<memopt_tensor_info> all(size_t count, Describe tensor) const {
    std::vector<memopt_tensor_info> list(count);
    for (size_t i = 0; i < count; ++i) check(tensor(get(), i, &list[i]));
    return list;
  }
  size_t find(Find tensor, const std::string& name) const {
    size_t index = 0;
    check(tensor(get(), name.c_str(), &index));
    return index;
  }

  std::shared_ptr<memopt_plan> plan_;
};

// A plan bound to an arena. One thread at a time. One that was moved from may only be assigned to
// or destroyed; all else throws.
class Session {
 public:
  // In an arena of its own, with states of its own, which are reset.
  explicit Session(const Plan& plan, memopt_session_options options = {}) : plan_(plan) {
    const size_t alignment = plan.arena_alignment();
    if (alignment == 0) throw Error(MEMOPT_USAGE, "the plan was moved from");
    own_arena_ = allocate(plan.arena_bytes(), alignment, "no memory for the arena");
    create(own_arena_.get(), plan.arena_bytes(), options);
    if (plan.state_bytes() == 0) return;
    own_state_ = allocate(plan.state_bytes(), alignment, "no memory for the states");
    check(memopt_session_bind_state(get(), own_state_.get(), plan.state_bytes()));
    reset_state();
  }
  // In the caller's arena, which must outlive the session. A plan with states needs bind_state().
  Session(const Plan& plan, Span<std::byte> arena, memopt_session_options options = {})
      : plan_(plan) {
    create(arena.data(), arena.size(), options);
  }

  Session(Session&&) noexcept = default;
  Session& operator=(Session&& other) noexcept {
    session_ = std::move(other.session_);  // the old one goes before its memory does
    own_arena_ = std::move(other.own_arena_);
    own_state_ = std::move(other.own_state_);
    plan_ = std::move(other.plan_);
    return *this;
  }

  // The elements of an input or output, wherever they are; the element type is checked.
  template <typename T>
  Span<T> input(const std::string& name) {
    const size_t index = plan_.find_input(name);
    const memopt_tensor_info info = describe(memopt_plan_input, index);
    return elements<T>(info, memopt_session_input_data(get(), index));
  }
  template <typename T>
  Span<const T> output(const std::string& name) const {
    const size_t index = plan_.find_output(name);
    const memopt_tensor_info info = describe(memopt_plan_output, index);
    return elements<const T>(info, memopt_session_output_data(get(), index));
  }

  template <typename T>
  void bind_input(const std::string& name, Span<const T> buffer) {
    const size_t index = plan_.find_input(name);
    const memopt_tensor_info info = describe(memopt_plan_input, index);
    check_type<T>(info);
    check(memopt_session_bind_input(get(), index, buffer.data(), buffer.size_bytes()));
  }
  template <typename T>
  void bind_output(const std::string& name, Span<T> buffer) {
    const size_t index = plan_.find_output(name);
    const memopt_tensor_info info = describe(memopt_plan_output, index);
    check_type<T>(info);
    check(memopt_session_bind_output(get(), index, buffer.data(), buffer.size_bytes()));
  }

  // The states are what `block` holds, which must outlive the session or another block's bind.
  void bind_state(Span<std::byte> block) {
    check(memopt_session_bind_state(get(), block.data(), block.size()));
  }
  void reset_state() { check(memopt_session_reset_state(get())); }
  template <typename T>
  Span<T> state(const std::string& name) {
    const size_t index = plan_.find_state(name);
    const memopt_tensor_info info = describe(memopt_plan_state, index);
    return elements<T>(info, memopt_session_state_data(get(), index));
  }

  void run() { check(memopt_session_run(get())); }
  void write_trace(const std::string& path) const {
    check(memopt_session_write_trace(get(), path.c_str()));
  }

  memopt_session* get() const { return session_.get(); }

 private:
  struct Free {
    void operator()(void* arena) const { std::free(arena); }
  };
  using Memory = std::unique_ptr<void, Free>;
  static Memory allocate(size_t bytes, size_t alignment, const char* failure) {
    Memory memory(std::aligned_alloc(alignment, (bytes / alignment + 1) * alignment));
    if (!memory) throw Error(MEMOPT_OUT_OF_RESOURCE, failure);
    return memory;
  }
  struct Destroy {
    void operator()(memopt_session* session) const { memopt_session_destroy(session); }
  };

  template <typename Describe>
  memopt_tensor_info describe(Describe tensor, size_t index) const {
    memopt_tensor_info info;
    check(tensor(plan_.get(), index, &info));
    return info;
  }
  void create(void* arena, size_t bytes, const memopt_session_options& options) {
    memopt_session* session = nullptr;
    check(memopt_session_create(plan_.get(), arena, bytes, &options, &session));
    session_.reset(session);
  }
  template <typename T>
  static void check_type(const memopt_tensor_info& info) {
    if (info.dtype != DTypeOf<std::remove_const_t<T>>::kValue) {
      throw Error(MEMOPT_USAGE, std::string("'") + info.name + "' has another element type");
    }
  }
  template <typename T, typename Pointer>
  static Span<T> elements(const memopt_tensor_info& info, Pointer data) {
    check_type<T>(info);
    if (!data && info.bytes > 0) {
      throw Error(MEMOPT_USAGE, std::string("'") + info.name + "' is not bound to a buffer");
    }
    return {static_cast<T*>(data), info.bytes / sizeof(T)};
  }

  Plan plan_;
  Memory own_arena_, own_state_;
  std::unique_ptr<memopt_session, Destroy> session_;  // before its memory goes
};

}  // namespace memopt::api

#if __cplusplus >= 202002L
template <typename T>  // NOLINTNEXTLINE(readability-identifier-naming): the standard's name
inline constexpr bool std::ranges::enable_borrowed_range<memopt::api::Span<T>> = true;
#endif
