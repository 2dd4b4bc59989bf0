#include "compiler/ir/digest.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/ir/text.h"

namespace memopt {
namespace {

std::string digest_of_text(const std::string& text) {
  const auto graph = parse_graph(text);
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  return graph.ok() ? network_digest(*graph) : "";
}

// A product with a constant, then an activation.
std::string network(const std::string& changed, const std::string& into) {
  std::string text = R"(graph "net" {
  %x = input : f32[2x3]
  %w = constant : f32[2x3] splat 0.5
  %h = binary(%x, %w) {fn=mul} "first" : f32[2x3]
  %y = unary(%h) {fn=relu} "second" : f32[2x3]
  return %y
})";
  for (size_t at = 0; (at = text.find(changed, at)) != std::string::npos; at += into.size()) {
    text.replace(at, changed.size(), into);
  }
  return text;
}

TEST(NetworkDigest, IsOfOperatorsTypesAndConnections) {
  const std::string digest = digest_of_text(network("nothing", ""));
  EXPECT_EQ(digest.size(), 16u);
  // What training and exporters change is the same network.
  for (const auto& [changed, into] : {std::pair{"splat 0.5", "splat 0.25"},
                                      {"\"first\"", "\"other\""},
                                      {"%h", "%hidden"},
                                      {"%w", "%weight"},
                                      {"\"net\"", "\"renamed\""}}) {
    EXPECT_EQ(digest_of_text(network(changed, into)), digest) << changed;
  }
  // The rest is another.
  std::vector<std::string> digests = {digest};
  for (const auto& [changed, into] : {std::pair{"fn=mul", "fn=add"},
                                      {"fn=relu", "fn=sigmoid"},
                                      {"2x3", "3x2"},
                                      {"f32", "f64"},
                                      {"(%x, %w)", "(%w, %x)"},
                                      {"(%x, %w)", "(%x, %x)"},
                                      {"%x", "%input"},
                                      {"%y", "%output"},
                                      {"return %y", "return %h"},
                                      {"return %y", "return %y, %h"}}) {
    digests.push_back(digest_of_text(network(changed, into)));
  }
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(std::unique(digests.begin(), digests.end()), digests.end());
}

}  // namespace
}  // namespace memopt
