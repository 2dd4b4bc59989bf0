// Ordering problems of any size, of the shapes that make searches slow: for tests only.
#pragma once

#include <ostream>
#include <vector>

#include "passes/planning/order.h"

namespace memopt {

class OrderProblemBuilder {
 public:
  // A value in a storage of its own, or in that of another value. Returns its number.
  int32_t add_input(int64_t bytes) { return add_value(kNoOp, {}, add_storage(bytes, true)); }
  int32_t add_op(const std::vector<int32_t>& inputs, int64_t bytes) {
    return add_op_into(inputs, add_storage(bytes, false));
  }
  int32_t add_view(int32_t input) { return add_op_into({input}, problem_.values[input].storage); }
  int32_t add_op_into(const std::vector<int32_t>& inputs, int32_t storage) {
    problem_.scratch_bytes.push_back(0);
    return add_value(static_cast<int32_t>(problem_.scratch_bytes.size()) - 1, inputs, storage);
  }
  int32_t add_storage(int64_t bytes, bool live_at_start) {
    problem_.storages.push_back({.bytes = bytes, .live_at_start = live_at_start});
    return static_cast<int32_t>(problem_.storages.size()) - 1;
  }
  int32_t ops() const { return static_cast<int32_t>(problem_.scratch_bytes.size()); }
  OrderProblem take(int32_t output) {
    problem_.storages[problem_.values[output].storage].live_at_end = true;
    return std::move(problem_);
  }

 private:
  int32_t add_value(int32_t producer, const std::vector<int32_t>& inputs, int32_t storage) {
    for (const int32_t input : inputs) problem_.values[input].consumers.push_back(producer);
    problem_.values.push_back({.storage = storage, .producer = producer, .consumers = {}});
    return static_cast<int32_t>(problem_.values.size()) - 1;
  }

  OrderProblem problem_;
};

struct OrderFamily {
  const char* name;
  OrderProblem (*make)(int32_t ops);
};
// GoogleTest asks for this name. NOLINTNEXTLINE(readability-identifier-naming)
inline void PrintTo(const OrderFamily& family, std::ostream* out) { *out << family.name; }

// Bytes that differ, so that there are few ties.
inline int64_t some_bytes(int32_t i) { return 64 * (1 + (i * 37) % 101); }

inline std::vector<OrderFamily> order_families() {
  using Builder = OrderProblemBuilder;
  return {
      {"chain",
       [](int32_t ops) {
         Builder b;
         int32_t value = b.add_input(64);
         while (b.ops() < ops) value = b.add_op({value}, some_bytes(b.ops()));
         return b.take(value);
       }},
      {"residual",
       [](int32_t ops) {
         Builder b;
         int32_t value = b.add_input(64);
         while (b.ops() < ops)
           value = b.add_op({value, b.add_op({value}, some_bytes(b.ops()))}, 64);
         return b.take(value);
       }},
      {"shared",  // every operator reads one value
       [](int32_t ops) {
         Builder b;
         const int32_t mask = b.add_op({b.add_input(64)}, 640);
         int32_t value = b.add_op({mask}, 64);
         while (b.ops() < ops) value = b.add_op({value, mask}, some_bytes(b.ops()));
         return b.take(value);
       }},
      {"diamonds",
       [](int32_t ops) {
         Builder b;
         int32_t value = b.add_input(64);
         while (b.ops() < ops) {
           const int32_t left = b.add_op({b.add_op({value}, some_bytes(b.ops()))}, 64);
           value = b.add_op({left, b.add_op({value}, some_bytes(b.ops()))}, 64);
         }
         return b.take(value);
       }},
      {"fan",  // 1 → n → 1
       [](int32_t ops) {
         Builder b;
         const int32_t value = b.add_op({b.add_input(64)}, 6400);
         std::vector<int32_t> parts;
         while (b.ops() < ops) parts.push_back(b.add_op({value}, some_bytes(b.ops())));
         return b.take(b.add_op(parts, 64));
       }},
      {"reduced_fan",  // each branch has a peak of its own, and leaves little
       [](int32_t ops) {
         Builder b;
         const int32_t value = b.add_op({b.add_input(64)}, 6400);
         std::vector<int32_t> parts;
         while (b.ops() < ops)
           parts.push_back(b.add_op({b.add_op({value}, some_bytes(b.ops()))}, 4));
         return b.take(b.add_op(parts, 64));
       }},
      {"fan_of_input",  // branches of an input outside the arena, which cost nothing but their
                        // result
       [](int32_t ops) {
         Builder b;
         const int32_t value = b.add_input(0);
         std::vector<int32_t> parts;
         while (b.ops() < ops)
           parts.push_back(b.add_op({b.add_op({value}, some_bytes(b.ops()))}, 4));
         return b.take(b.add_op(parts, 64));
       }},
      {"slices",  // n views of one storage
       [](int32_t ops) {
         Builder b;
         const int32_t value = b.add_op({b.add_input(64)}, 6400);
         std::vector<int32_t> parts;
         while (b.ops() < ops) parts.push_back(b.add_op({b.add_view(value)}, some_bytes(b.ops())));
         return b.take(b.add_op(parts, 64));
       }},
      {"joined",  // n parts written in place into one storage
       [](int32_t ops) {
         Builder b;
         const int32_t value = b.add_op({b.add_input(64)}, 640);
         const int32_t whole = b.add_storage(6400, false);
         std::vector<int32_t> parts;
         while (b.ops() < ops) {
           parts.push_back(b.add_op_into({b.add_op({value}, some_bytes(b.ops()))}, whole));
         }
         return b.take(b.add_op_into(parts, whole));
       }},
      {"dense",  // every layer reads all before it; as many edges as operators are asked for
       [](int32_t ops) {
         Builder b;
         std::vector<int32_t> values = {b.add_input(64)};
         while (b.ops() * b.ops() < 2 * ops)
           values.push_back(b.add_op(values, some_bytes(b.ops())));
         return b.take(values.back());
       }},
      {"nested",  // a diamond in a branch of a diamond in a branch of a diamond
       [](int32_t ops) {
         Builder b;
         std::vector<int32_t> open = {b.add_input(64)};
         while (2 * b.ops() < ops) open.push_back(b.add_op({open.back()}, some_bytes(b.ops())));
         int32_t value = open.back();
         while (open.size() > 1) {
           open.pop_back();
           value = b.add_op({value, open.back()}, some_bytes(b.ops()));
         }
         return b.take(value);
       }},
  };
}

}  // namespace memopt
