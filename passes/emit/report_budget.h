// The curve of arena bytes against predicted time, for people and for programs.
#pragma once

#include <string>

#include "passes/budget/budget.h"

namespace memopt {

// One line per point: arena, time relative to the unbudgeted plan, what was done.
std::string budget_text(const BudgetCurve& curve);

// Schema "memopt.pareto/1": "floor_bytes", "floor_reason", "points": [{"arena_bytes",
// "predicted_ns", "moves": [text]}], from the unbudgeted plan down. Bytes are integers.
std::string budget_json(const BudgetCurve& curve, const std::string& model_name);

// One self-contained page: the curve as a picture and the points as a table.
std::string budget_html(const BudgetCurve& curve, const std::string& model_name);

}  // namespace memopt
