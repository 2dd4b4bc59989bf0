// Runs a fuzz target without libFuzzer, for builds by any compiler: replays files, then runs
// mutants of them, always the same. Knows nothing of coverage; scripts/fuzz does the long runs.
//
//   fuzz_x [-runs=N] [-seed=N] [-keep=FILE] [FILE or FOLDER...]
//
// -keep writes every input to a file before it is tried, so that the one that ends the process is
// there.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" {
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
[[gnu::weak]] int LLVMFuzzerInitialize(int* argc, char*** argv);
[[gnu::weak]] size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                             unsigned seed);
[[gnu::weak]] size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                               const uint8_t* data2, size_t size2, uint8_t* out,
                                               size_t max_out_size, unsigned seed);
}

namespace memopt::fuzz {
namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kMostBytes = 16384;
constexpr size_t kMostInputs = 4096;

Random& bytes_random() {
  static Random random(1);
  return random;
}

struct Arguments {
  uint64_t runs = 0;
  uint64_t seed = 1;
  std::string keep;
  std::vector<std::string> paths;
};

Arguments parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    if (text.starts_with("-runs="))
      arguments.runs = std::stoull(text.substr(6));
    else if (text.starts_with("-seed="))
      arguments.seed = std::stoull(text.substr(6));
    else if (text.starts_with("-keep="))
      arguments.keep = text.substr(6);
    else if (text.starts_with("-"))
      std::fprintf(stderr, "%s is libFuzzer's alone\n", argv[i]);
    else
      arguments.paths.push_back(text);
  }
  return arguments;
}

// In the order of their names, so that every machine does the same.
std::vector<Input> read_inputs(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(path)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> inputs;
  for (const std::string& file : files) {
    std::ifstream stream(file, std::ios::binary);
    require(stream.good(), "cannot read " + file);
    inputs.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Runner {
 public:
  Runner(const Arguments& arguments, std::vector<Input> inputs)
      : arguments_(arguments),
        random_(arguments.seed),
        inputs_(std::move(inputs)),
        seeds_(inputs_.size()) {}

  void run() {
    for (const Input& input : inputs_) execute(input);
    for (uint64_t i = 0; i < arguments_.runs; ++i) {
      Input mutant = mutate();
      execute(mutant);
      // Mutants of mutants, but none without end.
      if (random_.one_in(2)) continue;
      if (inputs_.size() < seeds_ + kMostInputs)
        inputs_.push_back(std::move(mutant));
      else
        inputs_[seeds_ + random_.below(kMostInputs)] = std::move(mutant);
    }
    std::printf("stat::number_of_executed_units: %llu\n",
                static_cast<unsigned long long>(executions_));
  }

 private:
  // Without coverage, mutants of mutants soon are nothing that parses: half are made of the files.
  const Input& any_input() {
    return inputs_[random_.below(random_.one_in(2) && seeds_ > 0 ? seeds_ : inputs_.size())];
  }
  Input mutate() {
    Input mutant = inputs_.empty() ? Input() : any_input();
    size_t size = std::min(mutant.size(), kMostBytes);
    mutant.resize(kMostBytes);
    if (LLVMFuzzerCustomCrossOver && !inputs_.empty() && random_.one_in(8)) {
      const Input first(mutant.begin(), mutant.begin() + static_cast<std::ptrdiff_t>(size));
      const Input& second = any_input();
      const size_t crossed = LLVMFuzzerCustomCrossOver(first.data(), first.size(), second.data(),
                                                       second.size(), mutant.data(), kMostBytes,
                                                       static_cast<unsigned>(random_.bits()));
      if (crossed > 0) size = crossed;
    }
    const auto seed = static_cast<unsigned>(random_.bits());
    size = LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(mutant.data(), size, kMostBytes, seed)
                                   : LLVMFuzzerMutate(mutant.data(), size, kMostBytes);
    mutant.resize(size);
    mutant.shrink_to_fit();
    return mutant;
  }
  void execute(const Input& input) {
    if (!arguments_.keep.empty()) {
      std::ofstream(arguments_.keep, std::ios::binary)
          .write(reinterpret_cast<const char*>(input.data()),
                 static_cast<std::streamsize>(input.size()));
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
    ++executions_;
  }

  const Arguments& arguments_;
  Random random_;
  std::vector<Input> inputs_;  // the files, then mutants
  const size_t seeds_;         // how many files
  uint64_t executions_ = 0;
};

bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

// One change of some bytes: flipped, set, copied, removed or put in; digits stay digits mostly.
size_t mutate_bytes(std::span<uint8_t> data, size_t size, Random& random) {
  static constexpr uint8_t kBytes[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '-', ',', '"', '\n', ' '};
  const size_t at = random.below(size);
  const size_t count = 1 + random.below(std::min<size_t>(size - at, 8));
  uint8_t* const begin = data.data() + at;
  if (size > 0 && is_digit(*begin) && !random.one_in(4)) {
    *begin = static_cast<uint8_t>('0' + random.below(10));
    return size;
  }
  switch (size == 0 ? 3 : random.below(6)) {
    case 0:
      *begin = static_cast<uint8_t>(*begin ^ (1u << random.below(8)));
      return size;
    case 1:
      *begin = random.any(kBytes);
      return size;
    case 2:
      std::memmove(begin, begin + count, size - at - count);
      return size - count;
    case 3:
      if (size == data.size()) return size;
      std::memmove(begin + 1, begin, size - at);
      *begin = random.one_in(2) ? random.any(kBytes) : static_cast<uint8_t>(random.bits());
      return size + 1;
    case 4:
      std::memmove(data.data() + random.below(size - count + 1), begin, count);
      return size;
    default:
      for (size_t i = 0; i < count; ++i) begin[i] = static_cast<uint8_t>(random.bits());
      return size;
  }
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size) {
  auto& random = memopt::fuzz::bytes_random();
  for (size_t changes = 1 + random.below(3); changes > 0; --changes) {
    size = memopt::fuzz::mutate_bytes({data, max_size}, size, random);
  }
  return size;
}

int main(int argc, char** argv) {
  using namespace memopt::fuzz;
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
  const Arguments arguments = parse_arguments(argc, argv);
  Runner(arguments, read_inputs(arguments.paths)).run();
  return 0;
}
