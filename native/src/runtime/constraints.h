// The constraints that requests name, compiled once and kept for the next ones.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "grammar/matcher.h"
#include "sampling/token_filter.h"
#include "tokenizer/tokenizer.h"

namespace zell::runtime {

/// Any thread may call anything.
class Constraints {
 public:
  explicit Constraints(std::shared_ptr<const tokenizer::Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  /// @param constraint its JSON (`Constraint` of protocol/src/constraint.ts)
  /// @errors as grammar::CompileConstraint
  base::Result<std::shared_ptr<grammar::SharedStates>> Get(const std::string& constraint);
  /// What holds one answer to it.
  base::Result<std::unique_ptr<sampling::TokenFilter>> Filter(const std::string& constraint);

 private:
  struct Entry {
    std::string text;
    std::shared_ptr<grammar::SharedStates> states;
  };
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer_;
  std::mutex mutex_;
  std::shared_ptr<const grammar::Vocabulary> vocabulary_;
  std::list<Entry> entries_;  ///< the last used first
};

}  // namespace zell::runtime
