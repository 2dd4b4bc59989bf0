#include "tools/certificate/json_shape.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace memopt::certificate {
namespace {

using Json = nlohmann::json;

// Sees the text go by; `false` ends it.
class ShapeReader final : public nlohmann::json_sax<Json> {
 public:
  explicit ShapeReader(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return item(); }
  bool boolean(bool) override { return item(); }
  bool number_integer(number_integer_t) override { return item(); }
  bool number_unsigned(number_unsigned_t) override { return item(); }
  bool number_float(number_float_t, const string_t&) override { return item(); }
  bool string(string_t&) override { return item(); }
  bool binary(binary_t&) override { return item(); }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    std::vector<std::string>& names = names_.back();
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return fail("has '" + name + "' twice in one object");
    }
    if (static_cast<int64_t>(names.size()) >= limits_.members) {
      return fail("has an object of more than " + std::to_string(limits_.members) + " members");
    }
    names.push_back(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("is not JSON: byte " + std::to_string(position));
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  bool fail(const std::string& what) {
    error_ = bad_input("certificate: the file " + what);
    return false;
  }

  bool item() {
    if (++items_ <= limits_.items) return true;
    return fail("has more than " + std::to_string(limits_.items) + " values");
  }

  bool open() {
    if (static_cast<int64_t>(names_.size()) >= limits_.depth) {
      return fail("has more than " + std::to_string(limits_.depth) +
                  " lists and objects within each other");
    }
    names_.emplace_back();
    return item();
  }

  bool close() {
    names_.pop_back();
    return true;
  }

  const JsonLimits limits_;
  int64_t items_ = 0;
  std::vector<std::vector<std::string>> names_;  // of the members of what is open
  std::optional<Error> error_;
};

}  // namespace

Status check_json_shape(std::string_view text, const JsonLimits& limits) {
  ShapeReader reader(limits);
  Json::sax_parse(text, &reader);
  if (reader.error()) return *reader.error();
  return {};
}

}  // namespace memopt::certificate
