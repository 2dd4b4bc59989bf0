// What a mutated source calls instead of its operators (tests/mutation/sites.py writes the calls).
// Each mutant has a number; `active` is the one that is broken in this process, and every site that
// runs marks its mutants as reached. Only the sources that scripts/mutate generates include this.
#pragma once
#pragma GCC system_header  // literals lose their types here: no warnings about that

#include <algorithm>
#include <initializer_list>
#include <type_traits>
#include <utility>

namespace mutant {

constexpr int kMost = 1 << 17;
extern int active;                    // -1: none
extern unsigned char reached[kMost];  // per mutant
extern unsigned char
    not_sites[kMost];  // per mutant: the operands have no types that it speaks about

inline bool on(int id) {
  reached[id] = 1;
  return active == id;
}

// Instantiated by calls whose types do not fit, and known when the program starts.
void note_not_a_site(int id);
template <int kId>
struct NotASite {
  static inline const bool noted = (note_not_a_site(kId), true);
};
template <int kId>
void not_a_site() {
  (void)&NotASite<kId>::noted;
}

template <typename A, typename B>
constexpr bool kNumbers =
    std::is_arithmetic_v<std::decay_t<A>>&& std::is_arithmetic_v<std::decay_t<B>> &&
    !std::is_same_v<std::decay_t<A>, bool>;

// A condition: always false, always true.
template <int kNever, int kAlways, typename T>
bool when(T&& condition) {
  const bool value = static_cast<bool>(condition);
  if (kNever >= 0 && on(kNever)) return false;
  if (kAlways >= 0 && on(kAlways)) return true;
  return value;
}

// Comparisons: at the border, and negated. kNegated < 0: the condition around it says that.
enum class Relation { kLess, kLessEqual, kGreater, kGreaterEqual };
template <int kBorder, int kNegated, Relation kRelation, typename A, typename B>
bool compare(const A& a, const B& b) {
  const bool is_border = on(kBorder);
  bool value;
  if constexpr (kRelation == Relation::kLess) value = is_border ? a <= b : a < b;
  if constexpr (kRelation == Relation::kLessEqual) value = is_border ? a < b : a <= b;
  if constexpr (kRelation == Relation::kGreater) value = is_border ? a >= b : a > b;
  if constexpr (kRelation == Relation::kGreaterEqual) value = is_border ? a > b : a >= b;
  return kNegated >= 0 && on(kNegated) ? !value : value;
}
// `==` and `!=` (kEqual): one direction of difference goes unnoticed, or the other.
template <int kLess, int kGreater, int kNegated, bool kEqual, typename A, typename B>
bool equal(const A& a, const B& b) {
  bool value = kEqual == static_cast<bool>(a == b);
  if constexpr (kNumbers<A, B>) {
    if (on(kLess)) value = kEqual ? a <= b : a > b;
    if (on(kGreater)) value = kEqual ? a >= b : a < b;
  } else {
    not_a_site<kLess>();
    not_a_site<kGreater>();
  }
  return kNegated >= 0 && on(kNegated) ? !value : value;
}
// With a literal 0, which may stand for a null pointer or a pointer may be compared to nullptr.
template <int kNegated, bool kEqual>
bool negated(bool value) {
  return on(kNegated) ? !value : value;
}

// a + b as a - b and as a; a - b as a + b and as a; a * b and a / b as a, a % b as a.
template <int kOther, int kFirst, char kOperator, typename A, typename B>
auto arithmetic(const A& a, const B& b) {
  if constexpr (kOperator == '+') {
    if constexpr (kNumbers<A, B>) {
      using T = decltype(a + b);
      return on(kOther) ? T(a - b) : on(kFirst) ? T(a) : T(a + b);
    } else {
      not_a_site<kOther>();
      not_a_site<kFirst>();
      return a + b;
    }
  } else if constexpr (kOperator == '-') {
    if constexpr (kNumbers<A, B>) {
      using T = decltype(a - b);
      return on(kOther) ? T(a + b) : on(kFirst) ? T(a) : T(a - b);
    } else {
      not_a_site<kOther>();
      not_a_site<kFirst>();
      return a - b;
    }
  } else {
    using T = decltype(a * b);
    if constexpr (!kNumbers<A, B>) not_a_site<kFirst>();
    if constexpr (kOperator == '*') return on(kFirst) ? T(a) : T(a * b);
    if constexpr (kOperator == '/') return on(kFirst) ? T(a) : T(a / b);
    if constexpr (kOperator == '%') return on(kFirst) ? T(a) : T(a % b);
  }
}

template <int kId, typename T>
T constant(T value, T other) {
  return on(kId) ? other : value;
}

template <int kId, bool kMin, typename A, typename B>
auto extreme(const A& a, const B& b) {
  return on(kId) == kMin ? std::max(a, b) : std::min(a, b);
}
template <int kId, bool kMin, typename T>
T extreme_as(const T& a, const T& b) {
  return on(kId) == kMin ? std::max(a, b) : std::min(a, b);
}
template <int kId, bool kMin, typename T>
T extreme(std::initializer_list<T> list) {
  return on(kId) == kMin ? std::max(list) : std::min(list);
}
template <int kId, bool kMin, typename... T>
auto extreme_element(const T&... arguments) {
  return on(kId) == kMin ? std::max_element(arguments...) : std::min_element(arguments...);
}
template <int kId, bool kAll, typename... T>
bool quantifier(const T&... arguments) {
  return on(kId) == kAll ? std::any_of(arguments...) : std::all_of(arguments...);
}
template <int kId, bool kLower, typename... T>
auto bound(const T&... arguments) {
  return on(kId) == kLower ? std::upper_bound(arguments...) : std::lower_bound(arguments...);
}

}  // namespace mutant
