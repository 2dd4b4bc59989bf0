#include <cctype>
#include <charconv>
#include <cstring>
#include <map>

#include "compiler/ir/text.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

namespace memopt {
namespace {

constexpr int kMaxRegionDepth = 16;

enum class TokenKind : uint8_t { kEnd, kWord, kString, kPunctuation };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
};

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("_.$/:-+%", c) != nullptr;
}

class Parser {
 public:
  Parser(std::string_view text, std::shared_ptr<Account> account)
      : text_(text), account_(std::move(account)) {
    advance();
  }

  Result<Graph> parse() {
    MEMOPT_ASSIGN_OR_RETURN(Graph graph, parse_graph_block(0));
    if (token_.kind != TokenKind::kEnd)
      return error("text behind the graph: '" + token_.text + "'");
    return graph;
  }

 private:
  Error error(const std::string& message) const {
    return bad_input("line " + std::to_string(line_) + ": " + message);
  }

  void skip_space() {
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '\n') ++line_;
      if (std::isspace(static_cast<unsigned char>(c))) {
        ++position_;
      } else if (text_.substr(position_, 2) == "//") {
        while (position_ < text_.size() && text_[position_] != '\n') ++position_;
      } else {
        return;
      }
    }
  }

  void advance() {
    skip_space();
    token_ = {};
    if (position_ >= text_.size()) return;
    const char c = text_[position_];
    const bool quoted_name = text_.substr(position_, 2) == "%\"";
    if (c == '"' || quoted_name) {
      token_.kind = quoted_name ? TokenKind::kWord : TokenKind::kString;
      if (quoted_name) token_.text = "%";
      position_ += quoted_name ? 2 : 1;
      read_quoted();
    } else if (is_word_char(c) && !(c == ':' && next_is_space())) {
      token_.kind = TokenKind::kWord;
      while (position_ < text_.size() && is_word_char(text_[position_]) &&
             text_.substr(position_, 2) != "//") {
        token_.text += text_[position_++];
      }
    } else {
      token_ = {.kind = TokenKind::kPunctuation, .text = std::string(1, c)};
      ++position_;
    }
  }

  bool next_is_space() const {
    return position_ + 1 >= text_.size() ||
           std::isspace(static_cast<unsigned char>(text_[position_ + 1]));
  }

  void read_quoted() {
    while (position_ < text_.size() && text_[position_] != '"') {
      char c = text_[position_++];
      if (c == '\\' && position_ < text_.size()) {
        c = text_[position_++];
        if (c == 'n') c = '\n';
        if (c == 'x') c = read_byte();
      }
      token_.text += c;
    }
    ++position_;
  }

  // Behind "\\x": two hexadecimal digits; an x where they are not.
  char read_byte() {
    const std::string_view digits = text_.substr(position_, 2);
    std::string byte;
    if (digits.size() != 2 || !llvm::tryGetFromHex(digits, byte)) return 'x';
    position_ += 2;
    return byte[0];
  }

  bool at(std::string_view text) const {
    return token_.kind != TokenKind::kString && token_.text == text;
  }
  bool accept(std::string_view text) {
    if (!at(text)) return false;
    advance();
    return true;
  }
  Status expect(std::string_view text) {
    if (!at(text)) {
      return error("needed '" + std::string(text) + "', found '" + token_.text + "'");
    }
    advance();
    return {};
  }
  std::string take() {
    std::string text = token_.text;
    advance();
    return text;
  }

  // A type such as f32[1x3]@nhwc arrives as words and brackets.
  Result<TensorType> parse_type() {
    TensorType type;
    const std::string name = take();
    const std::optional<DType> dtype = parse_dtype(name);
    if (!dtype) return error("unknown element type '" + name + "'");
    type.dtype = *dtype;
    MEMOPT_RETURN_IF_ERROR(expect("["));
    if (!at("]")) {
      const std::string dims = take();
      const char* next = dims.data();
      const char* const end = dims.data() + dims.size();
      while (true) {
        int64_t dim = 0;
        const auto result = std::from_chars(next, end, dim);
        if (result.ec != std::errc() || type.dims.rank() == kMaxRank) {
          return error("malformed dimensions '" + dims + "'");
        }
        type.dims.push_back(dim);
        if (result.ptr == end) break;
        if (*result.ptr != 'x') return error("malformed dimensions '" + dims + "'");
        next = result.ptr + 1;
      }
    }
    MEMOPT_RETURN_IF_ERROR(expect("]"));
    if (accept("@")) {
      const std::string layout = take();
      const std::optional<Layout> parsed = parse_layout(layout);
      if (!parsed) return error("unknown layout '" + layout + "'");
      type.layout = *parsed;
    }
    if (!is_valid_type(type)) return error("the type " + to_string(type) + " is not possible");
    return type;
  }

  static Result<AttrValue> parse_scalar(const std::string& text) {
    int64_t integer = 0;
    const char* const end = text.data() + text.size();
    if (const auto r = std::from_chars(text.data(), end, integer);
        r.ec == std::errc() && r.ptr == end) {
      return AttrValue(integer);
    }
    double real = 0;
    if (const auto r = std::from_chars(text.data(), end, real);
        r.ec == std::errc() && r.ptr == end) {
      return AttrValue(real);
    }
    return AttrValue(text);
  }

  Result<AttrValue> parse_attr_value() {
    if (accept("[")) {
      std::vector<double> reals;
      std::vector<int64_t> integers;
      while (!at("]")) {
        MEMOPT_ASSIGN_OR_RETURN(AttrValue item, parse_scalar(take()));
        if (const auto* integer = std::get_if<int64_t>(&item)) {
          integers.push_back(*integer);
          reals.push_back(static_cast<double>(*integer));
        } else if (const auto* real = std::get_if<double>(&item)) {
          reals.push_back(*real);
        } else {
          return error("a list holds numbers only");
        }
        if (!accept(",")) break;
      }
      MEMOPT_RETURN_IF_ERROR(expect("]"));
      if (integers.size() == reals.size()) return AttrValue(std::move(integers));
      return AttrValue(std::move(reals));
    }
    std::string text = take();
    if (accept("(")) {  // an activation with parameters
      text += '(';
      while (!at(")") && token_.kind != TokenKind::kEnd) text += take();
      MEMOPT_RETURN_IF_ERROR(expect(")"));
      return AttrValue(text + ')');
    }
    return parse_scalar(text);
  }

  template <typename T>
  static bool store_number(const std::string& text, std::byte* destination) {
    T value{};
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    std::memcpy(destination, &value, sizeof(T));
    return r.ec == std::errc() && r.ptr == text.data() + text.size();
  }
  static bool store_element(DType type, const std::string& text, std::byte* destination) {
    switch (type) {
      case DType::kF32:
        return store_number<float>(text, destination);
      case DType::kF64:
        return store_number<double>(text, destination);
      case DType::kI64:
        return store_number<int64_t>(text, destination);
      case DType::kI32:
        return store_number<int32_t>(text, destination);
      case DType::kI8:
        return store_number<int8_t>(text, destination);
      case DType::kU8:
      case DType::kBool:
        return store_number<uint8_t>(text, destination);
      default:
        return false;
    }
  }

  Result<std::shared_ptr<const ConstantData>> parse_constant(const std::string& name,
                                                             const TensorType& type) {
    const std::string what = "constant '" + name + "'";
    if (accept("hex")) {
      MEMOPT_ASSIGN_OR_RETURN(Reservation reserved,
                              reserve(static_cast<int64_t>(token_.text.size()), what));
      const std::string hex = take();
      std::string bytes;
      if (!llvm::tryGetFromHex(hex, bytes)) return error("malformed hex");
      const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
      if (type.layout != Layout::kPacked && static_cast<int64_t>(bytes.size()) != type.bytes()) {
        return error("constant of type " + to_string(type) + " needs " +
                     std::to_string(type.bytes()) + " bytes, found " +
                     std::to_string(bytes.size()));
      }
      return ConstantData::from_bytes({data, data + bytes.size()}, std::move(reserved));
    }
    MEMOPT_ASSIGN_OR_RETURN(Reservation reserved, reserve(type.bytes(), what));
    std::vector<std::byte> bytes(static_cast<size_t>(type.bytes()));
    const auto done = [&] {
      return ConstantData::from_bytes(std::move(bytes), std::move(reserved));
    };
    if (accept("elided")) return done();
    const int64_t step = dtype_bits(type.dtype) / 8;
    const bool splat = accept("splat");
    if (!splat) MEMOPT_RETURN_IF_ERROR(expect("["));
    std::string text;
    for (int64_t i = 0; i < type.count(); ++i) {
      if (i == 0 || !splat) text = take();
      if (step == 0 || !store_element(type.dtype, text, bytes.data() + i * step)) {
        return error("'" + text + "' is no element of " + to_string(type));
      }
      if (!splat && i + 1 < type.count()) MEMOPT_RETURN_IF_ERROR(expect(","));
    }
    if (!splat) MEMOPT_RETURN_IF_ERROR(expect("]"));
    return done();
  }

  // The bytes of a constant, and the work of filling them.
  Result<Reservation> reserve(int64_t bytes, const std::string& what) {
    if (Status status = account_->charge_work(bytes, what); !status.ok()) {
      return error(status.error().message);
    }
    auto reserved = reserve_constant(account_, bytes, what);
    if (!reserved.ok()) return error(reserved.error().message);
    return reserved;
  }

  using Names = llvm::StringMap<ValueId>;
  using States = std::map<ValueId, State>;  // by input, until an output updates them

  Result<ValueId> parse_use(const Names& names) {
    const std::string name = take();
    if (name == "_") return ValueId::none();
    const auto found =
        name.starts_with('%') ? names.find(std::string_view(name).substr(1)) : names.end();
    if (found == names.end()) return error("'" + name + "' is not defined above");
    return found->second;
  }

  Status parse_statement(Graph& graph, Names& names, States& states, int depth) {
    std::vector<std::string> results;
    do {
      std::string name = take();
      if (name != "_" && !name.starts_with('%'))
        return error("needed a value, found '" + name + "'");
      results.push_back(name == "_" ? "" : name.substr(1));
      if (name != "_" && (results.back().empty() || names.count(results.back()) > 0)) {
        return error("'" + name + "' is defined twice");
      }
    } while (accept(","));
    MEMOPT_RETURN_IF_ERROR(expect("="));
    const std::string op = take();
    if (op == "input" || op == "state" || op == "constant") {
      MEMOPT_RETURN_IF_ERROR(expect(":"));
      MEMOPT_ASSIGN_OR_RETURN(const TensorType type, parse_type());
      if (results.size() != 1 || results[0].empty()) return error(op + " defines one value");
      if (op == "input") {
        names[results[0]] = graph.add_input(results[0], type);
        return {};
      }
      if (op == "state") {
        if (depth > 0) return error("a region has no states");
        const ValueId before = graph.add_input(results[0], type);
        names[results[0]] = before;
        State& state = states[before];
        state.before = before;
        if (!at("[") && !at("hex") && !at("splat") && !at("elided")) return {};
        MEMOPT_ASSIGN_OR_RETURN(state.initial, parse_constant(results[0], type));
        return {};
      }
      MEMOPT_ASSIGN_OR_RETURN(auto data, parse_constant(results[0], type));
      names[results[0]] = graph.add_constant(results[0], type, std::move(data));
      return {};
    }
    return parse_node(graph, names, op, results, depth);
  }

  Status parse_node(Graph& graph, Names& names, const std::string& op_text,
                    const std::vector<std::string>& results, int depth) {
    MEMOPT_RETURN_IF_ERROR(expect("("));
    std::vector<ValueId> inputs;
    while (!at(")")) {
      MEMOPT_ASSIGN_OR_RETURN(const ValueId input, parse_use(names));
      inputs.push_back(input);
      if (!accept(",")) break;
    }
    MEMOPT_RETURN_IF_ERROR(expect(")"));
    std::vector<Attr> attrs;
    if (accept("{")) {
      while (!at("}")) {
        if (token_.kind != TokenKind::kWord)
          return error("needed an attribute, found '" + token_.text + "'");
        Attr attr{.name = take(), .value = {}};
        MEMOPT_RETURN_IF_ERROR(expect("="));
        MEMOPT_ASSIGN_OR_RETURN(attr.value, parse_attr_value());
        attrs.push_back(std::move(attr));
      }
      MEMOPT_RETURN_IF_ERROR(expect("}"));
    }
    auto op = make_op(op_text, attrs);
    if (!op.ok()) return error(op.error().message);
    std::string node_name;
    if (token_.kind == TokenKind::kString) node_name = take();
    MEMOPT_RETURN_IF_ERROR(expect(":"));
    std::vector<Value> outputs;
    for (size_t i = 0; i < results.size(); ++i) {
      if (i > 0) MEMOPT_RETURN_IF_ERROR(expect(","));
      Value output{.name = results[i], .type = {}, .kind = {}, .producer = {}, .data = {}};
      if (!accept("_")) {
        MEMOPT_ASSIGN_OR_RETURN(output.type, parse_type());
      }
      outputs.push_back(std::move(output));
    }
    const NodeId id = graph.add_node(*std::move(op), inputs, outputs, std::move(node_name));
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].empty()) names[results[i]] = graph.node(id).outputs[i];
    }
    while (at("graph")) {
      MEMOPT_ASSIGN_OR_RETURN(Graph region, parse_graph_block(depth + 1));
      graph.mutable_regions(id).push_back(std::move(region));
    }
    return {};
  }

  // Behind "into": the state that the last output updates.
  Status parse_update(Graph& graph, const Names& names, States& states) {
    MEMOPT_ASSIGN_OR_RETURN(const ValueId before, parse_use(names));
    const auto found = states.find(before);
    if (found == states.end()) return error("needed a state that nothing goes into yet");
    const TensorType& type = graph.type(graph.outputs().back());
    if (type != graph.type(before)) {
      return error("a state of " + to_string(graph.type(before)) + " cannot take " +
                   to_string(type));
    }
    found->second.output = graph.outputs().size() - 1;
    graph.add_state(std::move(found->second));
    states.erase(found);
    return {};
  }

  Result<Graph> parse_graph_block(int depth) {
    if (depth > kMaxRegionDepth) return error("regions are nested too deeply");
    Graph graph;
    Names names;
    States states;
    MEMOPT_RETURN_IF_ERROR(expect("graph"));
    if (token_.kind == TokenKind::kString) graph.name = take();
    MEMOPT_RETURN_IF_ERROR(expect("{"));
    while (!at("return")) {
      if (token_.kind == TokenKind::kEnd) return error("needed 'return' and '}'");
      MEMOPT_RETURN_IF_ERROR(parse_statement(graph, names, states, depth));
    }
    advance();
    while (!at("}")) {
      MEMOPT_ASSIGN_OR_RETURN(const ValueId output, parse_use(names));
      if (!output) return error("an output must be a value");
      std::string name;
      if (accept("as")) {
        if (token_.kind != TokenKind::kString) return error("needed a name behind 'as'");
        name = take();
      }
      graph.add_output(output, std::move(name));
      if (accept("into")) MEMOPT_RETURN_IF_ERROR(parse_update(graph, names, states));
      if (!accept(",")) break;
    }
    MEMOPT_RETURN_IF_ERROR(expect("}"));
    if (!states.empty()) {
      return error("no output goes into state '%" + graph.value(states.begin()->first).name + "'");
    }
    return graph;
  }

  std::string_view text_;
  std::shared_ptr<Account> account_;
  size_t position_ = 0;
  int line_ = 1;
  Token token_;
};

}  // namespace

Result<Graph> parse_graph(std::string_view text, std::shared_ptr<Account> account) {
  account->admit_file(static_cast<int64_t>(text.size()));
  return Parser(text, std::move(account)).parse();
}

}  // namespace memopt
