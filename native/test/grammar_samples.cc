// zell_grammar_samples MODEL.gguf COUNT: for each constraint on standard input, one a line as JSON, a line of JSON: its
// `error`, or COUNT random `texts` that keep to it, every allowed token as likely as another, until they grow long. In
// random states the mask is compared with what each token's bytes say; `wrong` counts differences.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "gguf/file.h"
#include "grammar/json.h"
#include "model/vocabulary.h"
#include "runtime/constraints.h"
#include "sampling/sampler.h"

namespace {

using zell::base::Result;
using zell::base::Status;
using zell::runtime::Constraints;
using zell::sampling::Sampler;

/// From so many tokens on what ends strings, arrays and objects is more likely than all else.
constexpr size_t kLong = 200;
constexpr size_t kMostTokens = 4000;

struct Sampled {
  std::string text;
  Status status;
  bool ended = false;
  size_t wrong = 0;
};

class Samples {
 public:
  explicit Samples(std::shared_ptr<const zell::tokenizer::Tokenizer> tokenizer)
      : tokenizer_(std::move(tokenizer)), constraints_(tokenizer_), flat_(tokenizer_->size(), 0.0f), closing_(flat_) {
    for (size_t token = 0; token < flat_.size(); ++token) {
      const std::string text = tokenizer_->Piece(static_cast<int32_t>(token), false);
      const bool ends = text.empty() || text.find_first_not_of("\"]}") == std::string::npos;
      closing_[token] = ends ? 100.0f : text.size() == 1 ? 50.0f : 0.0f;
    }
  }

  Result<Sampled> Sample(const std::string& constraint, uint32_t seed) {
    auto filter = constraints_.Filter(constraint);
    if (!filter.ok()) return filter.status();
    auto shared = constraints_.Get(constraint);
    zell::grammar::Matcher matcher(*shared);
    zell::sampling::SamplerParams params;
    params.temperature = 2;
    params.top_k = 0;
    params.top_p = 1;
    params.min_p = 0;
    params.seed = seed;
    Sampler sampler(params, std::move(*filter));
    Sampled out;
    for (size_t n = 0; n < kMostTokens; ++n) {
      if ((n + seed) % 41 == 0) out.wrong += Wrong(matcher);
      const int32_t token = sampler.Sample(n < kLong ? flat_ : closing_);
      if (token < 0) {
        out.status = sampler.status();
        return out;
      }
      sampler.Accept(token);
      matcher.Accept(token);
      if (matcher.ended()) {
        out.ended = true;
        return out;
      }
      out.text += tokenizer_->Piece(token, false);
    }
    return out;
  }

 private:
  size_t Wrong(zell::grammar::Matcher& matcher) const {
    const auto view = matcher.Mask();
    const std::vector<uint64_t> mask(view.begin(), view.end());
    size_t wrong = 0;
    for (size_t token = 0; token < flat_.size(); ++token) {
      wrong += ((mask[token / 64] >> (token % 64) & 1) != 0) != matcher.Allows(static_cast<int32_t>(token));
    }
    return wrong;
  }

  std::shared_ptr<const zell::tokenizer::Tokenizer> tokenizer_;
  Constraints constraints_;
  std::vector<float> flat_, closing_;
};

int Fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return Fail({zell::base::StatusCode::kInvalidRequest, "zell_grammar_samples MODEL.gguf COUNT"});
  const auto file = zell::gguf::File::Open(argv[1]);
  if (!file.ok()) return Fail(file.status());
  auto spec = zell::model::ReadVocabulary(**file);
  if (!spec.ok()) return Fail(spec.status());
  auto tokenizer = zell::tokenizer::Tokenizer::Create(std::move(*spec));
  if (!tokenizer.ok()) return Fail(tokenizer.status());
  Samples samples(std::move(*tokenizer));
  std::string line;
  while (std::getline(std::cin, line)) {
    std::string texts;
    size_t wrong = 0;
    Status status;
    for (int i = 0; i < std::atoi(argv[2]) && status.ok(); ++i) {
      const Result<Sampled> sampled = samples.Sample(line, static_cast<uint32_t>(i + 1));
      status = sampled.ok() ? sampled->status : sampled.status();
      if (!status.ok()) break;
      if (!texts.empty()) texts.push_back(',');
      texts += zell::grammar::Quoted(sampled->ended ? sampled->text : "no end");
      wrong += sampled->wrong;
    }
    if (status.ok()) {
      std::printf("{\"wrong\":%zu,\"texts\":[%s]}\n", wrong, texts.c_str());
    } else {
      std::printf("{\"error\":%s}\n", zell::grammar::Quoted(status.message).c_str());
    }
  }
  return 0;
}
