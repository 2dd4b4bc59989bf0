#include "passes/planning/order_text.h"

#include <charconv>
#include <string>

namespace memopt {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  // The next number, which must be in [min, max].
  Result<int64_t> number(const char* what, int64_t min, int64_t max) {
    skip_space();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc() || value < min || value > max) {
      return bad_input("line " + std::to_string(line_) + ": expected " + what + " in [" +
                       std::to_string(min) + ", " + std::to_string(max) + "], found '" +
                       std::string(text_.substr(0, text_.find_first_of(" \t\r\n")).substr(0, 40)) +
                       "'");
    }
    text_.remove_prefix(end - text_.data());
    return value;
  }

  bool at_end() {
    skip_space();
    return text_.empty();
  }
  int64_t line() const { return line_; }

 private:
  void skip_space() {
    while (!text_.empty() && std::string_view(" \t\r\n").find(text_[0]) != std::string_view::npos) {
      if (text_[0] == '\n') ++line_;
      text_.remove_prefix(1);
    }
  }

  std::string_view text_;
  int64_t line_ = 1;
};

Status parse_operator(Reader& reader, int32_t op, OrderProblem* problem) {
  const auto max_id = static_cast<int64_t>(problem->values.size()) - 1;
  MEMOPT_ASSIGN_OR_RETURN(const int64_t in_place, reader.number("an in-place input", -1, max_id));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t inputs, reader.number("a count", 0, max_id + 1));
  for (int64_t i = 0; i < inputs; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t id, reader.number("an input", 0, max_id));
    problem->values[id].consumers.push_back(op);
  }
  MEMOPT_ASSIGN_OR_RETURN(const int64_t outputs, reader.number("a count", 0, max_id + 1));
  for (int64_t i = 0; i < outputs; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t id, reader.number("an output", 0, max_id));
    OrderValue& value = problem->values[id];
    if (value.producer != kNoOp || problem->storages[id].live_at_start) {
      return bad_input("line " + std::to_string(reader.line()) + ": value " + std::to_string(id) +
                       " has a producer already");
    }
    value.producer = op;
    if (i == 0 && in_place >= 0) {
      problem->in_place.push_back({op, static_cast<int32_t>(id), static_cast<int32_t>(in_place)});
    }
  }
  return {};
}

}  // namespace

Result<OrderProblem> parse_order_problem(std::string_view text) {
  Reader reader(text);
  // No count can be more than the characters that are there.
  const auto most = static_cast<int64_t>(text.size());
  MEMOPT_ASSIGN_OR_RETURN(const int64_t values, reader.number("a count", 0, most));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t ops, reader.number("a count", 0, most));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t inputs, reader.number("a count", 0, values));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t outputs, reader.number("a count", 0, values));
  OrderProblem problem;
  problem.scratch_bytes.assign(ops, 0);
  for (int32_t id = 0; id < values; ++id) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t bytes, reader.number("bytes", 0, INT64_MAX));
    problem.storages.push_back({.bytes = bytes});
    problem.values.push_back({.storage = id, .producer = kNoOp, .consumers = {}});
  }
  for (int64_t i = 0; i < inputs; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t id, reader.number("an input", 0, values - 1));
    problem.storages[id].live_at_start = true;
  }
  for (int64_t i = 0; i < outputs; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t id, reader.number("an output", 0, values - 1));
    problem.storages[id].live_at_end = true;
  }
  for (int32_t op = 0; op < ops; ++op) {
    MEMOPT_RETURN_IF_ERROR(parse_operator(reader, op, &problem));
  }
  if (!reader.at_end()) {
    return bad_input("line " + std::to_string(reader.line()) + ": text after the last operator");
  }
  return problem;
}

}  // namespace memopt
