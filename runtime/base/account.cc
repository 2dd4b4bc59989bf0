#include "runtime/base/account.h"

#include <limits>
#include <string>

#include "runtime/base/checked.h"
#include "runtime/base/size_text.h"

namespace memopt {
namespace {

int64_t grown(int64_t limit, int64_t bytes, int64_t per_byte) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const std::optional<int64_t> share = checked_mul(bytes, per_byte);
  return share ? checked_add(limit, *share).value_or(kMost) : kMost;
}

// Adds `amount` to `used` unless that passes `limit`; then what is left of the limit.
std::optional<int64_t> add_within(std::atomic<int64_t>& used, int64_t amount, int64_t limit) {
  int64_t before = used.load(std::memory_order_relaxed);
  do {
    if (amount > limit - before) return limit - before;
  } while (!used.compare_exchange_weak(before, before + amount, std::memory_order_relaxed));
  return std::nullopt;
}

}  // namespace

void Account::admit_file(int64_t bytes) {
  if (memory_grows_) {
    memory_limit_bytes_ = grown(memory_limit_bytes_, bytes, kMemoryBytesPerFileByte);
  }
  if (work_grows_) work_limit_ = grown(work_limit_, bytes, kWorkPerFileByte);
}

Status Account::charge(int64_t bytes, std::string_view what) {
  const auto left = add_within(memory_bytes_, bytes, memory_limit_bytes_);
  if (!left) return {};
  return bad_input(std::string(what) + " needs " + both_sizes_text(bytes) + " of memory; " +
                   both_sizes_text(*left) + " are left of the limit of " +
                   both_sizes_text(memory_limit_bytes_) + "; --memory-limit raises it");
}

Status Account::charge_work(int64_t operations, std::string_view what) {
  const auto left = add_within(work_, operations, work_limit_);
  if (!left) return {};
  return bad_input(std::string(what) + " needs " + std::to_string(operations) + " operations; " +
                   std::to_string(*left) + " are left of the limit of " +
                   std::to_string(work_limit_) + "; --work-limit raises it");
}

bool Account::affords(int64_t bytes, int64_t operations) const {
  return bytes <= memory_limit_bytes_ / 2 - memory_bytes() &&
         operations <= work_limit_ / 4 - work();
}

Result<Reservation> Reservation::make(std::shared_ptr<Account> account, int64_t bytes,
                                      std::string_view what) {
  MEMOPT_RETURN_IF_ERROR(account->charge(bytes, what));
  Reservation reservation;
  reservation.account_ = std::move(account);
  reservation.bytes_ = bytes;
  return reservation;
}

}  // namespace memopt
