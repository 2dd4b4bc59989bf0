#include <exception>
#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"
#include "tools/certificate/certificate.h"
#include "tools/certificate/json_shape.h"

namespace memopt::certificate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kSchema = 1;

Json json_of(const StepName& step) { return {{"step", step.step}, {"name", step.name}}; }

Json json_of(const std::vector<NamedBytes>& values) {
  Json result = Json::array();
  for (const NamedBytes& value : values) {
    result.push_back({{"name", value.name}, {"bytes", value.bytes}});
  }
  return result;
}

Json json_of(const FlowCase& one) {
  Json result = Json::object();
  switch (one.overwriting) {
    case Overwriting::kAny:
      result["overwrites"] = "any";
      break;
    case Overwriting::kNothing:
      result["overwrites"] = "nothing";
      break;
    case Overwriting::kOperand:
      result["overwrites"] = {{"operand", one.operand}};
  }
  result["bytes"] = one.bytes;
  result["arcs"] = Json::array();
  for (const FlowArc& arc : one.arcs) {
    Json item = Json::object();
    if (!arc.value.empty()) item["value"] = arc.value;
    item["from"] = arc.from ? json_of(*arc.from) : Json("start");
    item["to"] = arc.to ? json_of(*arc.to) : Json("end");
    item["bytes"] = arc.bytes;
    result["arcs"].push_back(std::move(item));
  }
  return result;
}

class WitnessWriter {
 public:
  explicit WitnessWriter(Json& to) : out_(to) {}
  void operator()(const EdgeWitness& witness) const { out_["values"] = json_of(witness.values); }
  void operator()(const OrderWitness& witness) const { occupied(witness); }
  void operator()(const WorkingSetWitness& witness) const { occupied(witness); }
  void operator()(const FlowWitness& witness) const {
    out_["at"] = json_of(witness.step);
    out_["values"] = json_of(witness.values);
    out_["scratch_bytes"] = witness.scratch_bytes;
    out_["cases"] = Json::array();
    for (const FlowCase& one : witness.cases) out_["cases"].push_back(json_of(one));
  }
  void operator()(const ExhaustionWitness& witness) const {
    if (witness.after) out_["after"] = json_of(*witness.after);
    if (witness.through) out_["through"] = json_of(*witness.through);
    out_["steps"] = witness.steps;
    out_["direction"] = witness.backward ? "backward" : "forward";
    out_["states"] = witness.states;
    out_["work"] = witness.work;
  }

 private:
  void occupied(const auto& witness) const {
    out_["at"] = json_of(witness.step);
    out_["values"] = json_of(witness.values);
    out_["scratch_bytes"] = witness.scratch_bytes;
    out_["saved_bytes"] = witness.saved_bytes;
  }

  Json& out_;
};

// Reads the members of one object and remembers the first thing that is wrong; `close` complains
// about members that nobody asked for.
class Reader {
 public:
  Reader(const Json& json, std::string where, std::optional<Error>& error)
      : json_(json), where_(std::move(where)), error_(error) {
    if (!json.is_object()) fail("is not an object");
  }
  // Throws where there is no memory for the message; says nothing where that has happened already.
  ~Reader() noexcept(false) {
    if (error_ || std::uncaught_exceptions() > exceptions_ || !json_.is_object()) return;
    if (asked_ != json_.size()) fail("has members that this version does not know");
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool has(const char* name) const { return json_.is_object() && json_.contains(name); }

  int64_t integer(const char* name) {
    const Json* const item = find(name);
    if (!item) return 0;
    if (!item->is_number_integer() ||
        (item->is_number_unsigned() && item->get<uint64_t>() > uint64_t{INT64_MAX})) {
      fail(std::string("'") + name + "' is not an integer of 64 bits");
      return 0;
    }
    return item->get<int64_t>();
  }

  std::string text(const char* name) {
    const Json* const item = find(name);
    if (!item) return {};
    if (!item->is_string()) {
      fail(std::string("'") + name + "' is not a string");
      return {};
    }
    return item->get<std::string>();
  }

  // One of the two words.
  bool is_second(const char* name, std::string_view first, std::string_view second) {
    const std::string word = text(name);
    if (!error_ && word != first && word != second) {
      fail(std::string("'") + name + "' is '" + word + "'");
    }
    return word == second;
  }

  template <typename F>
  void each(const char* name, F read) {
    const Json* const item = find(name);
    if (!item) return;
    if (!item->is_array()) return fail(std::string("'") + name + "' is not a list");
    size_t index = 0;
    for (const Json& entry : *item) {
      if (error_) return;
      read(entry, where_ + "." + name + "[" + std::to_string(index++) + "]");
    }
  }

  StepName step(const char* name) {
    const Json* const item = find(name);
    if (!item) return {};
    Reader reader(*item, where_ + "." + name, error_);
    return {reader.integer("step"), reader.text("name")};
  }

  // A step, or `word` for none.
  std::optional<StepName> step_or(const char* name, const char* word) {
    if (!has(name) || json_[name] != word) return step(name);
    ++asked_;
    return std::nullopt;
  }

  std::vector<NamedBytes> values() {
    std::vector<NamedBytes> result;
    each("values", [&](const Json& entry, const std::string& where) {
      Reader reader(entry, where, error_);
      result.push_back({reader.text("name"), reader.integer("bytes")});
    });
    return result;
  }

  const Json* find(const char* name) {
    if (error_) return nullptr;
    const auto found = json_.find(name);
    if (found == json_.end()) {
      fail(std::string("has no '") + name + "'");
      return nullptr;
    }
    ++asked_;
    return &*found;
  }

  void fail(const std::string& what) {
    if (!error_) error_ = bad_input("certificate: " + where_ + " " + what);
  }

 private:
  const Json& json_;
  const std::string where_;
  std::optional<Error>& error_;
  size_t asked_ = 0;
  const int exceptions_ = std::uncaught_exceptions();
};

FlowCase read_case(const Json& json, const std::string& where, std::optional<Error>& error) {
  FlowCase one;
  Reader reader(json, where, error);
  const Json* const item = reader.find("overwrites");
  // Comparing JSON with a literal would allocate where nothing may be thrown.
  const auto* const word = item ? item->get_ptr<const std::string*>() : nullptr;
  if (item && item->is_object()) {
    Reader operand(*item, where + ".overwrites", error);
    one.overwriting = Overwriting::kOperand;
    one.operand = operand.text("operand");
  } else if (word && *word == "nothing") {
    one.overwriting = Overwriting::kNothing;
  } else if (item && !(word && *word == "any")) {
    reader.fail("'overwrites' is neither \"any\", \"nothing\" nor an operand");
  }
  one.bytes = reader.integer("bytes");
  reader.each("arcs", [&](const Json& entry, const std::string& at) {
    Reader arc(entry, at, error);
    FlowArc& read = one.arcs.emplace_back();
    if (arc.has("value")) read.value = arc.text("value");
    read.from = arc.step_or("from", "start");
    read.to = arc.step_or("to", "end");
    read.bytes = arc.integer("bytes");
  });
  return one;
}

FlowWitness read_flow(Reader& reader, std::optional<Error>& error) {
  FlowWitness witness{.step = reader.step("at"),
                      .values = reader.values(),
                      .scratch_bytes = reader.integer("scratch_bytes"),
                      .cases = {}};
  reader.each("cases", [&](const Json& entry, const std::string& at) {
    witness.cases.push_back(read_case(entry, at, error));
  });
  return witness;
}

ExhaustionWitness read_exhaustion(Reader& reader) {
  ExhaustionWitness witness;
  if (reader.has("after")) witness.after = reader.step("after");
  if (reader.has("through")) witness.through = reader.step("through");
  witness.steps = reader.integer("steps");
  witness.backward = reader.is_second("direction", "forward", "backward");
  witness.states = reader.integer("states");
  witness.work = reader.integer("work");
  return witness;
}

template <typename T>
T read_occupied(Reader& reader) {
  return {.step = reader.step("at"),
          .values = reader.values(),
          .scratch_bytes = reader.integer("scratch_bytes"),
          .saved_bytes = reader.integer("saved_bytes")};
}

Statement read_statement(const Json& json, const std::string& where, std::optional<Error>& error) {
  Reader reader(json, where, error);
  Statement statement;
  statement.orders =
      reader.is_second("orders", "this", "all") ? BoundKind::kAllOrders : BoundKind::kFixedOrder;
  statement.bytes = reader.integer("bytes");
  const std::string kind = reader.text("witness");
  if (kind == "inputs" || kind == "outputs") {
    statement.witness = EdgeWitness{.at_end = kind == "outputs", .values = reader.values()};
  } else if (kind == "this_order") {
    statement.witness = read_occupied<OrderWitness>(reader);
  } else if (kind == "working_set") {
    statement.witness = read_occupied<WorkingSetWitness>(reader);
  } else if (kind == "flow") {
    statement.witness = read_flow(reader, error);
  } else if (kind == "exhaustion") {
    statement.witness = read_exhaustion(reader);
  } else {
    reader.fail("has a witness of unknown kind '" + kind + "'");
  }
  return statement;
}

Certificate read_certificate(const Json& json, std::optional<Error>& error) {
  Certificate certificate;
  Reader reader(json, "the file", error);
  if (const int64_t schema = reader.integer("schema"); !error && schema != kSchema) {
    reader.fail("has schema " + std::to_string(schema) + ", this version reads " +
                std::to_string(kSchema));
  }
  if (const Json* const item = reader.find("plan")) {
    Reader plan(*item, "'plan'", error);
    certificate.plan_digest = plan.text("digest");
    certificate.steps = plan.integer("steps");
    certificate.arena_bytes = plan.integer("arena_bytes");
  }
  reader.each("statements", [&](const Json& entry, const std::string& where) {
    certificate.statements.push_back(read_statement(entry, where, error));
  });
  return certificate;
}

}  // namespace

std::string to_json(const Certificate& certificate) {
  Json result = {{"schema", kSchema},
                 {"plan",
                  {{"digest", certificate.plan_digest},
                   {"steps", certificate.steps},
                   {"arena_bytes", certificate.arena_bytes}}},
                 {"statements", Json::array()}};
  for (const Statement& statement : certificate.statements) {
    Json item = {{"orders", statement.orders == BoundKind::kAllOrders ? "all" : "this"},
                 {"bytes", statement.bytes},
                 {"witness", witness_name(statement.witness)}};
    std::visit(WitnessWriter(item), statement.witness);
    result["statements"].push_back(std::move(item));
  }
  return json_text(result, 1) + '\n';
}

Result<Certificate> parse_certificate(std::string_view text) {
  MEMOPT_RETURN_IF_ERROR(check_json_shape(text));
  const Json json = Json::parse(text);
  std::optional<Error> error;
  Certificate certificate = read_certificate(json, error);
  if (error) return *error;
  return certificate;
}

}  // namespace memopt::certificate
