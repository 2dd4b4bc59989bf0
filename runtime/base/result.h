// The one error channel of memopt: a code, which is also the exit status of the tools, and a
// message that names the thing, what was needed and what was found.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/base/check.h"

namespace memopt {

// The value is the exit status of a command-line tool that ends with it.
enum class Code : int {
  kInternal = 1,          // a bug in memopt
  kUsage = 2,             // wrong options or arguments
  kBadInput = 3,          // bad, unsupported or unsafe model, plan or tensor file
  kBudgetImpossible = 4,  // the budget is proved impossible
  kBudgetNotReached = 5,  // no plan within the budget was found in the work allowed
  kVerifyFailed = 6,      // a plan did not pass the independent verifier
  kAccuracyFailed = 7,    // outputs differ from the expected ones by more than the tolerance
  kRegression = 8,        // a regression gate failed
  kOutOfResource = 9,     // memory, disk or device
};

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;
};

// Shorthands for the two codes that most functions return.
inline Error bad_input(std::string message) { return {Code::kBadInput, std::move(message)}; }
inline Error internal_error(std::string message) { return {Code::kInternal, std::move(message)}; }

// Success, or an Error. `Result<T>` is a T or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}
  bool ok() const { return !error_.has_value(); }
  const Error& error() const {
    MEMOPT_CHECK(error_.has_value());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Error error) : state_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() & {
    MEMOPT_CHECK(ok());
    return std::get<T>(state_);
  }
  const T& value() const& {
    MEMOPT_CHECK(ok());
    return std::get<T>(state_);
  }
  T&& value() && {
    MEMOPT_CHECK(ok());
    return std::get<T>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const {
    MEMOPT_CHECK(!ok());
    return std::get<Error>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

// Prefixes the message of an error with where it happened: "model.onnx: node 'conv1': ...".
inline Error in_context(std::string_view where, Error error) {
  error.message = std::string(where) + ": " + error.message;
  return error;
}

}  // namespace memopt

#define MEMOPT_CONCAT_INNER(a, b) a##b
#define MEMOPT_CONCAT(a, b) MEMOPT_CONCAT_INNER(a, b)

// Returns the error of `expr` (a Status or Result) from the enclosing function, if it has one.
#define MEMOPT_RETURN_IF_ERROR(expr)                               \
  do {                                                             \
    if (const auto& memopt_status = (expr); !memopt_status.ok()) { \
      return memopt_status.error();                                \
    }                                                              \
  } while (false)

// MEMOPT_ASSIGN_OR_RETURN(auto x, f()): declares x from a Result, or returns its error.
#define MEMOPT_ASSIGN_OR_RETURN(declaration, expr) \
  MEMOPT_ASSIGN_OR_RETURN_INNER(MEMOPT_CONCAT(memopt_result_, __LINE__), declaration, expr)
// A name and a declaration cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
#define MEMOPT_ASSIGN_OR_RETURN_INNER(result, declaration, expr) \
  auto result = (expr);                                          \
  if (!result.ok()) return result.error();                       \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)
