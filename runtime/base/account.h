// One account of memory and one of work for everything that is done at the wish of a file. A few
// bytes of a model can stand for gigabytes or for hours: a sparse tensor, a constant subgraph,
// functions that call functions. So whoever reads or rewrites a model counts what the file makes it
// allocate and compute, before it does so, and stops at a limit that the user can raise.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/base/result.h"

namespace memopt {

class Account {
 public:
  static constexpr int64_t kDefaultMemoryBytes = int64_t{1} << 30;
  static constexpr int64_t kMemoryBytesPerFileByte = 4;
  // Operations are elementary: to compute one element from one other is one. A thousand million
  // take some seconds.
  static constexpr int64_t kDefaultWork = int64_t{1} << 30;
  static constexpr int64_t kWorkPerFileByte = 64;

  // A limit that is not given is the default and grows with the files that are read.
  explicit Account(std::optional<int64_t> memory_limit_bytes = std::nullopt,
                   std::optional<int64_t> work_limit = std::nullopt)
      : memory_grows_(!memory_limit_bytes),
        work_grows_(!work_limit),
        memory_limit_bytes_(memory_limit_bytes.value_or(kDefaultMemoryBytes)),
        work_limit_(work_limit.value_or(kDefaultWork)) {}
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  // A file of the model was opened: what it really has is no amplification.
  void admit_file(int64_t bytes);

  // Counts bytes (>= 0) that are about to be allocated, until release(). Where they pass the limit
  // nothing is counted, and the error (kBadInput) names `what` wanted them, how many, what is left,
  // and the flag.
  Status charge(int64_t bytes, std::string_view what);
  void release(int64_t bytes) { memory_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  // Counts work (>= 0) that is about to be done; it is never given back.
  Status charge_work(int64_t operations, std::string_view what);

  // Whether something that may as well be left out, an optimization, can be had: it takes no
  // more than half of the memory limit (the weights of a large network, made anew, fit that) and a
  // quarter of the work limit, so that what must be done finds room.
  bool affords(int64_t bytes, int64_t operations) const;

  int64_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  int64_t memory_limit_bytes() const { return memory_limit_bytes_; }
  int64_t work() const { return work_.load(std::memory_order_relaxed); }
  int64_t work_limit() const { return work_limit_; }

 private:
  const bool memory_grows_;
  const bool work_grows_;
  int64_t memory_limit_bytes_;
  int64_t work_limit_;
  std::atomic<int64_t> memory_bytes_ = 0;
  std::atomic<int64_t> work_ = 0;
};

// Bytes of an account that are given back when this goes.
class Reservation {
 public:
  // The errors are those of Account::charge().
  static Result<Reservation> make(std::shared_ptr<Account> account, int64_t bytes,
                                  std::string_view what);
  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(account_, other.account_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Reservation() {
    if (account_) account_->release(bytes_);
  }
  int64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Account> account_;
  int64_t bytes_ = 0;
};

}  // namespace memopt
