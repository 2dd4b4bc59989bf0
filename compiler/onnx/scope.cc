#include "compiler/onnx/scope.h"

namespace memopt {

Result<ValueId> Scope::lookup(const std::string& name) {
  if (const auto found = values.find(name); found != values.end()) return found->second;
  const auto dense = initializers.find(name);
  const auto sparse = sparse_initializers.find(name);
  if (dense != initializers.end() || sparse != sparse_initializers.end()) {
    const TensorSource& source = builder.state().source;
    auto loaded = dense != initializers.end() ? load_tensor(*dense->second, source)
                                              : load_sparse_tensor(*sparse->second, source);
    if (!loaded.ok()) return in_context("initializer '" + name + "'", loaded.error());
    // The name is reserved for it in the model's own graph; elsewhere it may be taken.
    const std::string wanted = prefix + name;
    const ValueId id = parent == nullptr && prefix.empty()
                           ? builder.graph().add_constant(wanted, loaded->type, loaded->data)
                           : builder.add_constant(wanted, loaded->type, loaded->data);
    values[name] = id;
    return id;
  }
  if (parent == nullptr) return bad_input("reads '" + name + "', which nothing defines");
  MEMOPT_ASSIGN_OR_RETURN(ValueId id, parent->lookup(name));
  if (id && &parent->builder != &builder) id = builder.capture(id);
  if (id) values[name] = id;
  return id;
}

}  // namespace memopt
