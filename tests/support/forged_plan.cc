#include "tests/support/forged_plan.h"

namespace memopt {

using flatbuffers::Offset;
using flatbuffers::String;

const Forge::Common& Forge::common() {
  if (common_.empty.IsNull()) {
    common_ = {fb.CreateString(""), fb.CreateString("f32"), fb.CreateString("row_major"),
               fb.CreateString("arena"), dims({1})};
  }
  return common_;
}

Offset<fb::Value> Forge::value(Offset<String> name, int64_t offset, Offset<fb::Alias> alias) {
  const Common& c = common();
  return fb::CreateValue(fb, name, c.f32, c.row_major, c.arena, c.one, c.one, offset, 4, alias);
}

Offset<fb::Attr> Forge::attr(const char* name, fb::AttrKind kind, Offset<String> text,
                             Offset<Vector<int64_t>> integers) {
  return fb::CreateAttr(fb, fb.CreateString(name), kind, 0, 0, text, integers);
}

Offset<fb::Instruction> Forge::instruction(const char* op, const char* kernel,
                                           Offset<Vector<Offset<fb::Attr>>> attrs,
                                           Offset<Vector<uint32_t>> inputs,
                                           Offset<Vector<uint32_t>> outputs, Offset<String> name) {
  return fb::CreateInstruction(fb, fb.CreateSharedString(op), attrs, fb.CreateSharedString(kernel),
                               inputs, outputs, 0, 0, name.IsNull() ? common().empty : name);
}

std::vector<std::byte> Forge::metadata() {
  const auto empty = common().empty;
  const auto target = fb.CreateString("portable:1"), kind = fb.CreateString("fixed_order");
  const auto certificate = fb::CreateCertificate(fb, 0, 0, kind, empty);
  fb.Finish(fb::CreatePlan(fb, empty, empty, target, fb.CreateVector(options),
                           fb.CreateVector(values), fb.CreateVector(instructions),
                           fb.CreateVector(inputs), fb.CreateVector(outputs), arena_bytes, 64, 0, 0,
                           certificate));
  const auto* const data = reinterpret_cast<const std::byte*>(fb.GetBufferPointer());
  return {data, data + fb.GetSize()};
}

}  // namespace memopt
