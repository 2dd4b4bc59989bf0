// A metadata section written table by table: what no compiler writes.
#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan_generated.h"

namespace memopt {

class Forge {
  template <typename T>
  using Offset = flatbuffers::Offset<T>;
  template <typename T>
  using Vector = flatbuffers::Vector<T>;
  using String = flatbuffers::String;

 public:
  // Any offset may be used more than once.
  flatbuffers::FlatBufferBuilder fb;
  std::vector<Offset<fb::Value>> values;
  std::vector<Offset<fb::Instruction>> instructions;
  std::vector<Offset<String>> options;
  std::vector<uint32_t> inputs, outputs;
  int64_t arena_bytes = 0;

  Offset<String> text(size_t size) { return fb.CreateString(std::string(size, 'n')); }
  Offset<Vector<int64_t>> dims(const std::vector<int64_t>& list) { return fb.CreateVector(list); }

  // What most tables have in common, made once.
  struct Common {
    Offset<String> empty, f32, row_major, arena;
    Offset<Vector<int64_t>> one;
  };
  const Common& common();

  Offset<fb::Value> value(Offset<String> name, int64_t offset = 0, Offset<fb::Alias> alias = {});
  Offset<fb::Attr> attr(const char* name, fb::AttrKind kind, Offset<String> text = {},
                        Offset<Vector<int64_t>> integers = {});
  Offset<fb::Instruction> instruction(const char* op, const char* kernel,
                                      Offset<Vector<Offset<fb::Attr>>> attrs,
                                      Offset<Vector<uint32_t>> inputs,
                                      Offset<Vector<uint32_t>> outputs, Offset<String> name = {});

  // All of the above. Nothing can be added then.
  std::vector<std::byte> metadata();

 private:
  Common common_;
};

}  // namespace memopt
