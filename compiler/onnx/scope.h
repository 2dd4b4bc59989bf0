// Names of one ONNX graph or function body: what they stand for in the graph under construction.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "compiler/onnx/builder.h"
#include "llvm/ADT/StringMap.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"

namespace memopt {

// The body of the import that mapping functions come back to for subgraphs.
class Importer;

struct Scope {
  Importer& importer;
  GraphBuilder& builder;
  Scope* parent = nullptr;  // lexically around this one; null for the model's graph and functions
  const std::map<std::string, int64_t>* opsets = nullptr;  // domain -> version; "" is ai.onnx
  std::string prefix;  // of the names of nodes and values, for function bodies
  // Attributes of the call that a function body refers to.
  std::map<std::string, const onnx::AttributeProto*> call_attributes;
  int depth = 0;  // of subgraphs and calls

  llvm::StringMap<ValueId> values;
  llvm::StringMap<const onnx::TensorProto*> initializers;  // not loaded yet
  llvm::StringMap<const onnx::SparseTensorProto*> sparse_initializers;
  llvm::StringSet<> used;  // names that some node or graph output reads

  // The value called `name`, loaded or captured on first use; none for a parameter that a function
  // call left out. An unknown name is an error.
  Result<ValueId> lookup(const std::string& name);
};

}  // namespace memopt
