// llama.cpp's shared library, loaded at run time as an oracle for vocabularies. Only declarations of our own: the few
// functions that the tests call, by their documented signatures.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zell::test {

/// A vocabulary that the oracle loaded, without weights. Not thread-safe.
class OracleVocabulary {
 public:
  ~OracleVocabulary();
  /// nullptr with the reason in `*why_not` when there is no oracle on this machine or it refuses the file.
  static std::unique_ptr<OracleVocabulary> Load(const std::string& gguf, std::string* why_not);

  /// `add_special`: with BOS, EOS and separator as the model wants them.
  std::vector<int32_t> Encode(std::string_view text, bool parse_special, bool add_special = false) const;
  std::string Decode(std::span<const int32_t> tokens, bool remove_special, bool unparse_special) const;
  std::string Piece(int32_t token, bool special) const;
  int32_t size() const;
  bool IsEndOfGeneration(int32_t token) const;
  bool AddBos() const;
  /// prefix, suffix, middle, pad, repo, separator; -1 when absent.
  std::vector<int32_t> FillInTheMiddle() const;

 private:
  struct Api;
  OracleVocabulary() = default;
  const Api* api_ = nullptr;
  void* model_ = nullptr;
  const void* vocabulary_ = nullptr;
};

}  // namespace zell::test
